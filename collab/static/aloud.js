/* Reads a page aloud with the voices of the device (Web Speech API), the words highlighted as they
   are said. offline.js loads it when somebody asks: begin(words, button) makes the player, and a
   button at every message and under every heading; nothing of it is in pages nobody listens to.

   A block (paragraph, item, heading) is said sentence by sentence: long texts make some voices stop
   in the middle, and pausing is done by stopping and saying the sentence again, because pausing
   itself does not work on every telephone. */

const speech = window.speechSynthesis;
const BLOCKS = "p, li, h1, h2, h3, h4, h5, h6, blockquote, pre, td, th, figcaption, dd, dt";
const RATES = [0.6, 0.8, 1, 1.25, 1.5];
const paint = window.CSS && CSS.highlights && window.Highlight;

let player = null;

/** Make the player once, and begin to read: the whole page. */
export function begin(words, button) {
  player = player || new Player(words, button);
  player.read(texts(), button);
}

/** Every text of the page that somebody wrote, in its order. */
function texts() {
  return [...document.querySelectorAll("main .said")];
}

/** The innermost blocks of a text; the text itself when it has none. */
function blocksOf(text) {
  const found = [...text.querySelectorAll(BLOCKS)].filter((one) => !one.querySelector(BLOCKS));
  return found.length ? found : [text];
}

function make(tag, text, more = {}) {
  return Object.assign(document.createElement(tag), { textContent: text, ...more });
}

/** The sentences of a block, each with the language it is in and the way back to its letters. */
function sentencesOf(block) {
  const walker = document.createTreeWalker(block, NodeFilter.SHOW_TEXT);
  const nodes = [];
  let whole = "";
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    if (node.parentElement.closest("button")) continue;
    nodes.push({ node, from: whole.length });
    whole += node.data;
  }
  const lang = (block.closest("[lang]") || document.documentElement).lang || "fr";
  const named = lang.replace(/-x-.*/, "");
  return split(whole, named)
    .filter(({ text }) => /[\p{L}\p{N}]/u.test(text))
    .map(({ text, from }) => ({ text, from, nodes, block, lang: named }));
}

function split(text, lang) {
  if (!Intl.Segmenter) return [{ text, from: 0 }];
  const parts = new Intl.Segmenter(lang, { granularity: "sentence" }).segment(text);
  return [...parts].map(({ segment, index }) => ({ text: segment, from: index }));
}

/** The letters from `start` to `end` of a sentence, where they stand on the page. */
function rangeOf(sentence, start, end) {
  const spot = (at) => {
    const held = sentence.nodes.filter(({ from }) => from <= at).pop();
    return [held.node, Math.min(at - held.from, held.node.length)];
  };
  const range = document.createRange();
  range.setStart(...spot(sentence.from + start));
  range.setEnd(...spot(sentence.from + end));
  return range;
}

class Player {
  constructor(words, button) {
    this.words = words;
    this.sentences = [];
    this.at = 0;
    this.turn = 0; // what was asked to be said before the last stop is heard no more
    this.rate = 1;
    this.chosen = {}; // language -> voice
    this.button = button;
    this.draw();
    this.offer();
    addEventListener("pagehide", () => speech.cancel());
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && !this.bar.hidden) this.stop();
    });
  }

  draw() {
    const { words } = this;
    this.bar = make("div", "", { className: "aloud card toolbar", hidden: true });
    this.bar.setAttribute("role", "group");
    this.bar.setAttribute("aria-label", words.player);
    this.toggle = this.act(words.pause, () => (this.speaking ? this.pause() : this.go()));
    this.speeds = this.choice(words.speed, (value) => this.change(() => (this.rate = Number(value))));
    const number = new Intl.NumberFormat(document.documentElement.lang);
    for (const rate of RATES) this.speeds.append(new Option(number.format(rate), rate, rate === 1, rate === 1));
    this.act(words.stop, () => this.stop());
    this.voices = this.choice(words.voice, (name) => this.change(() => (this.chosen[this.lang] = name)));
    this.note = this.bar.appendChild(make("p", ""));
    this.note.setAttribute("role", "status");
    document.querySelector("main").append(this.bar);
  }

  act(text, run) {
    const made = make("button", text, { type: "button", className: "btn quiet small" });
    made.addEventListener("click", run);
    return this.bar.appendChild(made);
  }

  choice(text, run) {
    const label = make("label", text + " ");
    const made = label.appendChild(make("select", ""));
    made.addEventListener("change", () => run(made.value));
    this.bar.append(label);
    return made;
  }

  /** A button at every message, and under every heading of a document. */
  offer() {
    for (const text of texts()) {
      const starts = text.closest("article.msg") ? [text] : [...text.querySelectorAll("h2, h3")];
      for (const start of starts) {
        const made = make("button", this.words.listen, { type: "button", className: "btn plain small" });
        made.addEventListener("click", () => this.read([text], made, start === text ? null : start));
        start.after(made);
      }
    }
  }

  /** Say these texts, from the block `first` on; the focus goes to the player and comes back. */
  async read(all, button, first = null) {
    this.stop();
    this.button = button;
    const blocks = all.flatMap(blocksOf);
    this.sentences = blocks.slice(first ? blocks.indexOf(first) : 0).flatMap(sentencesOf);
    this.at = 0;
    this.bar.hidden = false;
    this.hush(true);
    await voicesReady();
    this.toggle.focus({ preventScroll: true });
    this.go();
  }

  /** While it reads, nothing else is announced: two voices at once are none. */
  hush(quiet) {
    for (const region of document.querySelectorAll("[role=status], [role=log], [aria-live]")) {
      if (region === this.note) continue;
      if (quiet && region.dataset.live === undefined) {
        region.dataset.live = region.getAttribute("aria-live") || "";
        region.setAttribute("aria-live", "off");
      } else if (!quiet && region.dataset.live !== undefined) {
        if (region.dataset.live) region.setAttribute("aria-live", region.dataset.live);
        else region.removeAttribute("aria-live");
        delete region.dataset.live;
      }
    }
  }

  go() {
    const sentence = this.sentences[this.at];
    if (!sentence) return this.stop();
    this.list(sentence.lang);
    const voice = this.voice();
    this.say(!voice);
    if (!voice) return;
    const turn = ++this.turn;
    const utterance = new SpeechSynthesisUtterance(sentence.text);
    Object.assign(utterance, { lang: voice.lang, voice, rate: this.rate });
    utterance.onboundary = ({ name, charIndex, charLength }) => {
      if (turn === this.turn && name !== "sentence") this.mark(sentence, charIndex, charLength);
    };
    utterance.onend = () => turn === this.turn && this.next();
    utterance.onerror = () => turn === this.turn && this.pause();
    this.mark(sentence);
    sentence.block.scrollIntoView({ block: "nearest" });
    speech.speak(utterance);
  }

  next() {
    this.at += 1;
    this.go();
  }

  /** Say plainly when there is no voice for the language, and what the button does now. */
  say(mute) {
    const name = new Intl.DisplayNames([document.documentElement.lang], { type: "language" });
    this.note.textContent = mute ? this.words.none.replace("{language}", name.of(this.lang)) : "";
    this.speaking = !mute;
    this.toggle.textContent = mute ? this.words.resume : this.words.pause;
  }

  pause() {
    this.turn += 1;
    speech.cancel();
    this.speaking = false;
    this.toggle.textContent = this.words.resume;
  }

  stop() {
    if (this.bar.hidden) return;
    this.pause();
    this.unmark();
    this.hush(false);
    this.bar.hidden = true;
    this.note.textContent = "";
    if (this.button.isConnected) this.button.focus({ preventScroll: true });
  }

  /** Another speed or voice: the sentence is said again with it, if one was being said. */
  change(set) {
    set();
    if (!this.speaking && !this.note.textContent) return;
    this.pause();
    this.go();
  }

  /* --- Voices --- */

  list(lang) {
    const voices = speech.getVoices().filter((one) => one.lang.slice(0, 2).toLowerCase() === lang.slice(0, 2));
    if (this.lang === lang && this.voices.length === voices.length) return;
    this.lang = lang;
    // Those of the device first: they need no network, and tell nobody what is read.
    voices.sort((a, b) => b.localService - a.localService);
    this.voices.replaceChildren(...voices.map((one) => new Option(one.name, one.name)));
    if (this.chosen[lang]) this.voices.value = this.chosen[lang];
    this.voices.parentElement.hidden = voices.length < 2;
  }

  voice() {
    return speech.getVoices().find((one) => one.name === this.voices.value);
  }

  /* --- What is being said --- */

  mark(sentence, start = 0, length = 0) {
    this.unmark();
    const rest = /^\S+/.exec(sentence.text.slice(start));
    const end = start + (length || (start && rest ? rest[0].length : sentence.text.length));
    if (paint) CSS.highlights.set("aloud", new Highlight(rangeOf(sentence, start, end)));
    else sentence.block.classList.add("aloud-here");
  }

  unmark() {
    if (paint) CSS.highlights.delete("aloud");
    document.querySelectorAll(".aloud-here").forEach((one) => one.classList.remove("aloud-here"));
  }
}

/** Some browsers know their voices a moment later. */
function voicesReady() {
  if (speech.getVoices().length) return Promise.resolve();
  return new Promise((ready) => {
    speech.addEventListener("voiceschanged", ready, { once: true });
    setTimeout(ready, 1000);
  });
}
