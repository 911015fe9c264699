/* What open pages do by themselves: show what happens, say who is there, keep drafts.
   Loaded as a module by _live.html, and by _drafts.html where only drafts are kept. Every page works
   without it.

   What a live page carries (all but `main` and `#messages` may be missing):

   <main data-live data-space="jardin" data-seq="123" data-item="THREAD">
       data-seq   the newest fact that the page shows (journal_head); joins tell what came after
       data-item  the uid of the item on whose page we are
   <div id="messages" role="log" aria-live="off" data-fragment-url="/p/jardin/discussion/fragment/"
        data-last>
       its children are <article id="m-UID">; GET fragment-url + UID answers one of them;
       data-last  says that new messages belong at the end of this page
   <p id="presence">               who is there
   <p id="live-status" role="status">   what is said politely to everybody, screen readers too
   <button id="live-pause" hidden> holds the news back
   <form data-draft="KEY">         what is written and chosen is kept in this browser until it is sent,
                                   never a password; it comes back where what it changed is unchanged;
                                   inside a live page it is sent without leaving the page
   <script type="application/json" id="live-strings">  every word that is shown; see _live.html

   The order of uids is the order of messages. Focus is never moved. */

const page = document.querySelector("main[data-live]");
const list = document.getElementById("messages");
const strings = readStrings();
const plural = new Intl.PluralRules(document.documentElement.lang || "fr");
const HOUR = 3600 * 1000;
const WEEK = 7 * 24 * HOUR;
const MANY = 40; // more articles than this to fetch again: reading the page again is lighter
const PREFIX = "collab:draft:";
const refused = new WeakMap(); // form -> the draft that was sent and came back with an error

function readStrings() {
  const found = document.getElementById("live-strings");
  return found ? JSON.parse(found.textContent) : {};
}

/** A string with its {holes} filled; [one, many] is chosen by `values.n`. */
function say(name, values) {
  let text = strings[name] || "";
  if (Array.isArray(text)) text = text[plural.select(values.n) === "one" ? 0 : 1];
  return text.replace(/\{(\w+)\}/g, (_, hole) => values[hole]);
}

/** The element with this id, made at the end of the presence line when the page has none. */
function line(id, role) {
  let found = document.getElementById(id);
  const place = document.querySelector(".presence");
  if (!found && place) {
    found = place.insertBefore(document.createElement("p"), document.getElementById("live-pause"));
    found.id = id;
    if (role) found.setAttribute("role", role);
  }
  return found || document.createElement("p");
}

/* --- Drafts ----------------------------------------------------------------------------------- */

function fieldsOf(form) {
  return [...form.elements].filter((field) => field.name && field.matches("textarea, input[type=text], input:not([type])"));
}

/** Each field that is kept with its key, what it holds, and what the page came with: who may read is
    as much a part of a draft as its words. */
function* heldBy(form) {
  for (const field of fieldsOf(form)) yield [field, field.name, field.value, field.defaultValue];
  for (const field of form.elements) {
    const { name, value, checked, defaultChecked } = field;
    if (name && /radio|checkbox/.test(field.type)) yield [field, `${name}=${value}`, checked, defaultChecked];
    if (name && field.matches("select")) {
      const first = [...field.options].find((option) => option.defaultSelected) || field.options[0];
      yield [field, name, value, first && first.value];
    }
  }
}

function keyOf(form) {
  return PREFIX + (form.dataset.draft || location.pathname);
}

/** localStorage can be full, switched off or refused; then there are no drafts. */
function stored(act) {
  if (strings.shared) return null; // nothing is kept at a shared computer
  try {
    return act(window.localStorage);
  } catch (error) {
    return null;
  }
}

function forgetOldDrafts() {
  stored((store) => {
    for (const key of Object.keys(store).filter((name) => name.startsWith(PREFIX))) {
      const draft = JSON.parse(store[key]);
      // The next person at this computer must not find them, logged in or not.
      const most = draft.sent ? HOUR : WEEK; // what was sent is for whoever comes back at once
      if (draft.me !== strings.me || Date.now() - draft.at > most) store.removeItem(key);
    }
  });
}

function keepDraft(form, sent) {
  const earlier = refused.get(form) || {};
  const [values, before] = [{ ...earlier.values }, { ...earlier.before }];
  for (const [, key, now, first] of heldBy(form)) {
    if (now === first) continue;
    values[key] = now;
    if (!(key in before)) before[key] = first;
  }
  const draft = JSON.stringify({ at: Date.now(), me: strings.me, sent, values, before });
  stored((store) => (Object.keys(values).length ? store.setItem(keyOf(form), draft) : store.removeItem(keyOf(form))));
}

function dropDraft(form) {
  stored((store) => store.removeItem(keyOf(form)));
}

function bringBackDraft(form) {
  const draft = stored((store) => JSON.parse(store.getItem(keyOf(form))));
  if (!draft) return;
  // What the server gave back with an error is newer than what we kept, which is not sent after all.
  if (form.querySelector(".wrong, [aria-invalid=true]")) {
    refused.set(form, draft);
    keepDraft(form, false);
    return;
  }
  const [entry] = performance.getEntriesByType("navigation");
  const cameBack = entry && entry.type === "back_forward";
  if (draft.sent && !cameBack) {
    dropDraft(form); // it was sent, and this page came after
    return;
  }
  for (const [field, key, now, first] of heldBy(form)) {
    // What somebody else has changed since is not undone unseen.
    const same = now === first && (!draft.before || draft.before[key] === now);
    if (!(key in draft.values && same)) continue;
    if (typeof now === "boolean") field.checked = draft.values[key];
    else field.value = draft.values[key];
    const shut = field.closest("details");
    if (shut) shut.open = true; // what comes back is to be seen
  }
}

function watchDraft(form) {
  bringBackDraft(form);
  let timer = 0;
  form.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => keepDraft(form, false), 400);
  });
  form.addEventListener("submit", () => {
    clearTimeout(timer);
    keepDraft(form, true);
  });
  form.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && event.target.matches("textarea")) {
      event.preventDefault();
      form.requestSubmit();
    }
  });
}

/* --- The live page ---------------------------------------------------------------------------- */

class Live {
  constructor(io) {
    this.space = page.dataset.space;
    this.item = page.dataset.item;
    this.seq = Number(page.dataset.seq);
    this.waiting = new Map(); // uid -> who, or "" when it is not news
    this.news = []; // who wrote what has not been announced
    this.paused = false;
    this.crowd = 1;
    this.writers = new Map(); // label -> timer
    this.state = line("live-state", "status");
    this.status = line("live-status", "status");
    this.typing = line("live-typing");
    this.pause = document.getElementById("live-pause");
    this.connect(io);
    this.listen();
  }

  connect(io) {
    this.socket = io({ transports: ["websocket", "polling"], tryAllTransports: true });
    this.socket.on("connect", () => this.join());
    this.socket.on("disconnect", (reason) => this.cut(reason));
    this.socket.on("connect_error", () => this.cut("transport error"));
    this.socket.on("happened", (told) => this.happened(told));
    this.socket.on("presence", (told) => told.space === this.space && this.present(told));
    this.socket.on("typing", (told) => told.item === this.item && this.someoneTypes(told.label));
    this.socket.on("put_out", (told) => this.over(told.code === "unauthenticated" ? "ended" : "gone"));
  }

  listen() {
    if (this.pause) this.pause.addEventListener("click", () => this.setPaused(!this.paused));
    document.addEventListener("submit", (event) => this.submitted(event));
    const box = page.querySelector("form[data-draft] textarea");
    let last = 0;
    if (!box) return;
    box.addEventListener("input", () => {
      if (Date.now() - last < 3000 || !this.socket.connected) return;
      last = Date.now();
      this.socket.emit("typing", { item: this.item });
    });
  }

  join() {
    this.socket.emit("join", { space: this.space, after: this.seq }, (answer) => {
      if (answer.code) return this.refused(answer);
      this.seq = Math.max(this.seq, answer.seq);
      this.state.textContent = "";
      if (this.pause) this.pause.hidden = false;
      if (answer.resync) this.offerReload("resync");
    });
  }

  refused(answer) {
    if (answer.status < 429) return this.over("gone");
    this.state.textContent = answer.title; // busy, or too often: later
    setTimeout(() => this.socket.connected && this.join(), 5000 + Math.random() * 5000);
  }

  cut(reason) {
    if (this.ended) return;
    this.state.textContent = say(reason === "io server disconnect" ? "ended" : "cut");
  }

  /** There is nothing more to come: say why. */
  over(name) {
    this.ended = true;
    this.socket.disconnect();
    this.offerReload(name);
  }

  offerReload(name) {
    const link = document.createElement("a");
    link.href = location.pathname + location.search;
    link.textContent = say("reload");
    this.state.textContent = say(name) + " ";
    this.state.append(link);
  }

  happened(told) {
    if (told.seq <= this.seq) return;
    this.seq = told.seq;
    if (!told.item || told.space !== this.space) return;
    const shown = document.getElementById("m-" + told.item);
    const ours = told.within === this.item;
    const fresh = ours && told.name === "item.published" && told.by !== strings.me;
    if (!shown && !ours) return;
    this.hush(told.label);
    if (fresh) this.news.push(told.label);
    if (told.by === strings.me && ours && told.name === "item.published") clearTimeout(this.awaited);
    if (shown || "last" in list.dataset) this.waiting.set(told.item, told);
    this.soon();
  }

  /** Gather for a moment: a burst is fetched once, and a crowd does not ask all at once. */
  soon() {
    if (this.timer || this.busy) return;
    if (this.paused) return this.announce();
    const spread = Math.random() * Math.min(2000, this.crowd * 4);
    this.timer = setTimeout(() => {
      this.timer = 0;
      this.fetchAll();
    }, 30 + spread);
  }

  async fetchAll() {
    if (this.waiting.size > MANY) {
      this.waiting.clear();
      this.offerReload("resync");
      return;
    }
    this.busy = true;
    while (this.waiting.size && !this.paused) {
      const [uid] = this.waiting.keys();
      this.waiting.delete(uid);
      if (!(await this.refresh(uid))) this.offerReload("resync");
    }
    this.busy = false;
    this.announce();
  }

  /** Show one article as the server draws it for this reader; true unless the server failed. */
  async refresh(uid) {
    let answer;
    try {
      answer = await fetch(list.dataset.fragmentUrl + encodeURIComponent(uid), { headers: { Accept: "text/html" } });
    } catch (error) {
      return false;
    }
    const old = document.getElementById("m-" + uid);
    if (answer.status === 404) {
      if (old) old.remove(); // it may no longer be read
      return true;
    }
    if (!answer.ok) return false;
    const parsed = new DOMParser().parseFromString(await answer.text(), "text/html");
    const article = parsed.getElementById("m-" + uid);
    if (article) this.place(document.adoptNode(article), old);
    return true;
  }

  place(article, old) {
    if (old) {
      replaceKeepingFocus(old, article);
      return;
    }
    const later = [...list.children].find((other) => other.id > article.id);
    if (later === list.firstElementChild && later) return; // of an earlier page
    article.classList.add("new");
    list.insertBefore(article, later || null);
  }

  announce() {
    if (!this.news.length) return;
    const n = this.news.length;
    const name = new Set(this.news).size === 1 ? "newsFrom" : "news";
    const text = say(this.paused ? "held" : name, { n, name: this.news[0] });
    if (!this.paused) this.news = [];
    this.status.textContent = text;
  }

  setPaused(paused) {
    this.paused = paused;
    this.pause.setAttribute("aria-pressed", String(paused));
    this.pause.textContent = say(paused ? "resume" : "pause");
    if (!paused) {
      this.status.textContent = "";
      this.soon();
    }
  }

  present(told) {
    const names = told.people.map((person) => person.label);
    const others = told.readers + (told.people.length ? 0 : told.count);
    this.crowd = told.count + told.readers;
    const parts = [];
    if (names.length) parts.push(say("present", { names: names.join(", ") }));
    if (others) parts.push(say(names.length ? "passing" : "readers", { n: others }));
    const place = document.getElementById("presence");
    if (place) place.textContent = parts.join(" · ");
  }

  someoneTypes(label) {
    clearTimeout(this.writers.get(label));
    this.writers.set(label, setTimeout(() => this.hush(label), 6000));
    this.showWriters();
  }

  hush(label) {
    clearTimeout(this.writers.get(label));
    if (this.writers.delete(label)) this.showWriters();
  }

  showWriters() {
    const names = [...this.writers.keys()];
    this.typing.textContent = names.length ? say("typing", { n: names.length, names: names.join(", ") }) : "";
  }

  /** Send a message or a reaction without leaving the page; anything else goes its usual way. */
  submitted(event) {
    const form = event.target;
    const button = event.submitter;
    const target = (button && button.getAttribute("formaction")) || form.action;
    const reacts = form.id === "acts" && /\/(un)?react$/.test(target);
    const writes = form.matches("main[data-live] form[data-draft]") && "last" in list.dataset;
    if (!(reacts || writes) || this.paused || !this.socket.connected || event.defaultPrevented) return;
    event.preventDefault();
    if (form.dataset.sending) return;
    form.dataset.sending = "yes";
    this.send(form, button, target, writes).finally(() => delete form.dataset.sending);
  }

  async send(form, button, target, writes) {
    const body = new URLSearchParams(new FormData(form));
    if (button && button.name) body.append(button.name, button.value);
    let answer;
    try {
      answer = await fetch(target, { method: "POST", body, redirect: "manual" });
    } catch (error) {
      this.state.textContent = say("unsent");
      keepDraft(form, false);
      return;
    }
    // A redirect means that it was done; 202, that the service worker will send it. Otherwise
    // nothing was done, and the page says what is wrong.
    const queued = answer.status === 202;
    if (answer.type !== "opaqueredirect" && !queued) {
      this.again(form, button);
    } else if (writes) {
      const { once } = form.elements; // the next message is another one, whatever its words
      if (once) once.value = Date.now().toString(36) + Math.random().toString(36).slice(2);
      for (const field of fieldsOf(form)) field.value = "";
      form.querySelectorAll(".reply, [name=reply_to]").forEach((part) => part.remove());
      dropDraft(form);
      if (!queued) this.awaited = setTimeout(() => this.offerReload("resync"), 8000);
    }
  }

  again(form, button) {
    this.socket.disconnect(); // so that this time it goes the usual way
    delete form.dataset.sending;
    form.requestSubmit(button && button.form === form ? button : undefined);
  }
}

/** Put `fresh` in the place of `old`; if the focus was inside, the same control has it again. */
function replaceKeepingFocus(old, fresh) {
  const controls = "a[href], button, summary, input, textarea, select";
  const inside = [...old.querySelectorAll(controls)];
  const at = inside.indexOf(document.activeElement);
  old.replaceWith(fresh);
  if (at < 0) return;
  const now = [...fresh.querySelectorAll(controls)];
  const value = inside[at].value;
  const same = now.find((control) => value && control.value === value) || now[at] || now[0];
  if (same) same.focus({ preventScroll: true });
}

/* --- Start ------------------------------------------------------------------------------------ */

forgetOldDrafts();
document.querySelectorAll("form[data-draft]").forEach(watchDraft);
if (page && list && strings.client) {
  import(strings.client).then((client) => new Live(client.io)).catch(() => {
    line("live-state", "status").textContent = say("plain");
  });
}
