/* Records a message with the microphone. Loaded when somebody asks for it, by [data-load] (see
   offline.js): on the page of a form[data-recorder], or on a page that links to it, whose form is
   then fetched and stands where the link was. Nothing is recorded before its own button is pressed.

   The recording stays on the page until the server has it: when sending fails it can be tried
   again. Without this script the form takes a file. The focus goes where the reader's act leads. */

const KINDS = [["audio/webm;codecs=opus", "webm"], ["audio/ogg;codecs=opus", "ogg"], ["audio/mp4", "m4a"]];

function make(tag, text, more = {}) {
  return Object.assign(document.createElement(tag), { textContent: text, ...more });
}

/** What the button that asked for this does from here on. */
export async function start(asked) {
  const written = asked.closest("form");
  const form = asked.closest("form[data-recorder]") || (await fetched(asked));
  const recorder = new Recorder(form, written);
  if (form.contains(asked)) asked.replaceWith(recorder.box);
  else form.firstElementChild.after(recorder.box);
  recorder.main.focus();
}

/** The form of the page that a link leads to, put after the form that the link stands in. */
async function fetched(link) {
  const answer = await fetch(link.href, { headers: { Accept: "text/html" } });
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const form = document.adoptNode(page.querySelector("form[data-recorder]"));
  form.querySelector("[data-load]").remove();
  if (!link.closest("form.card")) form.classList.remove("card");
  form.prepend(make(document.querySelector("main h2") ? "h3" : "h2", page.querySelector("h1").textContent));
  for (const part of form.querySelectorAll("[id]")) part.id = "v-" + part.id;
  for (const part of form.querySelectorAll("[for]")) part.htmlFor = "v-" + part.htmlFor;
  for (const part of form.querySelectorAll("[aria-describedby]")) {
    part.setAttribute("aria-describedby", part.getAttribute("aria-describedby").replace(/\S+/g, "v-$&"));
  }
  const written = link.closest("form");
  const [title, subject] = [form.elements.title, written && written.elements.title];
  if (title && subject) title.value = subject.value;
  (written || link).after(form);
  link.remove();
  return form;
}

class Recorder {
  constructor(form, written) {
    this.form = form;
    this.written = written;
    this.words = JSON.parse(form.dataset.words);
    this.most = Number(form.dataset.seconds);
    this.file = form.elements.voice;
    this.box = make("div", "", { className: "stack" });
    this.main = this.button("start", () => this.toggle());
    this.hold = this.button("pause", () => this.pauseOrResume());
    this.drop = this.button("drop", () => this.reset());
    this.time = make("p", "", { className: "soft" });
    this.status = make("p", this.words.ready);
    this.status.setAttribute("role", "status");
    this.player = make("audio", "", { controls: true, hidden: true });
    this.player.setAttribute("aria-label", this.words.listen);
    const buttons = make("p", "", { className: "toolbar" });
    buttons.append(this.main, this.hold, this.drop);
    this.box.append(buttons, this.time, this.status, this.player);
    this.show("idle");
    form.addEventListener("submit", (event) => this.submitted(event));
  }

  button(name, act) {
    const made = make("button", this.words[name], { type: "button", className: "btn quiet" });
    made.addEventListener("click", act);
    return made;
  }

  /** `idle`, `on`, `held` or `done`: which buttons there are, and what is said. */
  show(state, word = { idle: "ready", on: "on", held: "held", done: "done" }[state]) {
    this.state = state;
    const going = state === "on" || state === "held";
    this.main.textContent = this.words[going ? "stop" : "start"];
    this.main.hidden = state === "done";
    this.hold.hidden = !going;
    this.hold.textContent = this.words[state === "held" ? "resume" : "pause"];
    this.drop.hidden = this.player.hidden = state !== "done";
    this.status.textContent = this.words[word];
    this.tell();
  }

  tell() {
    const [minutes, seconds] = [Math.floor(this.spent / 60), Math.floor(this.spent % 60)];
    const text = this.words.length.replace("{minutes}", minutes).replace("{seconds}", seconds);
    this.time.textContent = this.state === "idle" ? "" : text;
  }

  toggle() {
    if (this.state === "idle") this.begin();
    else this.recorder.stop();
  }

  async begin() {
    const kind = KINDS.find(([type]) => MediaRecorder.isTypeSupported(type));
    let stream;
    try {
      stream = await navigator.mediaDevices.getUserMedia({ audio: { channelCount: 1 } });
    } catch (error) {
      this.status.textContent = this.words.denied;
      this.file.focus();
      return;
    }
    const options = { audioBitsPerSecond: 24000 };
    if (kind) options.mimeType = kind[0];
    this.recorder = new MediaRecorder(stream, options);
    this.pieces = [];
    this.spent = 0;
    this.recorder.ondataavailable = (event) => this.pieces.push(event.data);
    this.recorder.onstop = () => {
      clearInterval(this.clock);
      stream.getTracks().forEach((track) => track.stop());
      this.finish(kind ? kind[1] : "webm");
    };
    this.recorder.start();
    this.clock = setInterval(() => this.tick(), 250);
    this.show("on");
  }

  tick() {
    if (this.state !== "on") return;
    this.spent += 0.25;
    this.tell();
    if (this.spent === this.most - 30) this.status.textContent = this.words.soon;
    if (this.spent >= this.most - 1) this.recorder.stop();
  }

  pauseOrResume() {
    if (this.state === "on") this.recorder.pause();
    else this.recorder.resume();
    this.show(this.state === "on" ? "held" : "on");
  }

  finish(ending) {
    this.sound = new File(this.pieces, "message." + ending, { type: this.recorder.mimeType });
    this.file.required = false;
    this.player.src = URL.createObjectURL(this.sound);
    this.show("done", this.spent >= this.most - 1 ? "full" : "done");
    this.player.focus();
  }

  reset() {
    URL.revokeObjectURL(this.player.src);
    this.player.removeAttribute("src");
    this.sound = null;
    this.file.required = !this.form.elements.kept;
    this.show("idle");
    this.main.focus();
  }

  /** Sends what was recorded here; a chosen file goes the usual way of forms. */
  async submitted(event) {
    if (!this.sound) return;
    event.preventDefault();
    if (this.sending) return;
    this.sending = true;
    this.status.textContent = this.words.sending;
    const body = new FormData(this.form);
    body.set("voice", this.sound);
    try {
      const answer = await fetch(this.form.action, { method: "POST", body, headers: { Accept: "application/json" } });
      if (answer.status === 201) return this.gone(answer.headers.get("Location"));
      const told = await answer.json();
      this.status.textContent = Object.values(told.errors || {}).join(" ") || told.title;
      const wrong = this.form.elements[Object.keys(told.errors || {})[0]];
      (wrong || this.player).focus();
    } catch (error) {
      this.status.textContent = this.words.unsent;
    }
    this.sending = false;
  }

  gone(place) {
    this.forgetSubject();
    const here = location.pathname + location.search;
    location.assign(place);
    if (new URL(place, location).pathname + new URL(place, location).search === here) location.reload();
  }

  /** A subject that was typed in the form for writing, and nothing else, is no draft any more. */
  forgetSubject() {
    const { draft } = this.written ? this.written.dataset : {};
    if (!draft || !this.form.elements.title || this.written.elements.body.value.trim()) return;
    try {
      localStorage.removeItem("collab:draft:" + draft);
    } catch (error) {
      // there is no storage, so there is no draft
    }
  }
}
