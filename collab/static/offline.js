/* Starts the service worker (sw.js), and shows what it keeps and what waits to be sent; offers to
   read the page aloud (aloud.js); closes menus. Loaded by base.html; with `data-shared` nothing is
   kept, and with `data-idle` it says when the session is about to end. Every page works without it.

   What waits is shown at the end of #messages on the page it was written on, on the page
   /hors-ligne (#unsent, and #kept for the pages that are kept), and as one line anywhere else.
   The words come with what the worker says. Focus is never moved, but from a menu that closes. */

const own = document.querySelector("script[data-aloud]");
const worker = "shared" in own.dataset ? null : navigator.serviceWorker;
const lang = document.documentElement.lang;
let words = {};
let waiting = [];
let warned = false;
let later = 0;
let pause = 2000; // milliseconds until what waits is tried again

function make(tag, text, more = {}) {
  return Object.assign(document.createElement(tag), { textContent: text, ...more });
}

/** A key for the next thing that this page makes; see spaces/once.py. */
function renewKeys() {
  for (const field of document.querySelectorAll("input[name=once]")) {
    field.value = Date.now().toString(36) + Math.random().toString(36).slice(2);
  }
}

async function ask(what) {
  const { active } = await worker.ready;
  active.postMessage(what);
}

async function start() {
  worker.addEventListener("message", (event) => told(event.data));
  await worker.register("/sw.js");
  const first = !worker.controller && !(navigator.connection || {}).saveData;
  await ask({ ask: "hello", url: first && location.href.replace(/#.*/, "") });
  if (document.getElementById("kept")) await ask({ ask: "kept" });
}

function told({ queue, others, sent, kept, words: every }) {
  words = every[lang] || every.fr;
  waiting = queue;
  if (kept) showKept(kept);
  showWaiting(others);
  if (sent) notice("sent", words.sent, sent, words.see);
  clearTimeout(later);
  if (waiting.some((one) => !one.state)) later = setTimeout(tryAgain, pause);
}

/** While a page is open it need not wait for the browser, which tries again when it likes. */
function tryAgain() {
  pause = Math.min(pause * 2, 60000);
  ask({ ask: "hello" });
}

/* --- What waits ------------------------------------------------------------------------------- */

function showWaiting(others) {
  document.querySelectorAll(".unsent").forEach((old) => old.remove());
  const list = document.getElementById("messages");
  const everything = document.getElementById("unsent");
  const here = (one) => everything || (list && new URL(one.url).pathname === location.pathname);
  for (const one of waiting.filter(here)) (everything || list).append(card(one, everything));
  const elsewhere = waiting.filter((one) => !here(one)).length;
  if (elsewhere || others) notice("unsent", others ? words.out : words.some, others ? loginAddress() : "/hors-ligne", others ? words.login : words.see);
}

function card(one, linked) {
  const article = make("article", "", { className: "msg unsent", id: "u-" + one.once });
  const no = one.state === "refused";
  const pill = make("span", no ? words.refused : words.pending, { className: no ? "pill error" : "pill wait" });
  const body = make("div", one.fields.body || "", { className: "said lines", dir: "auto" });
  const why = make("p", "", { className: "state" });
  why.textContent = { refused: `${one.why} ${words.mend}`, out: words.out, old: words.old, "": words.soon }[one.state];
  const acts = [];
  const box = document.querySelector("form[method=post] textarea[name=body]");
  if (one.state === "out") acts.push(make("a", words.login, { href: loginAddress(one.url) }), " ");
  if (linked) acts.push(make("a", words.open, { href: one.url }), " ");
  else if (box) acts.push(button(words.take, () => take(one, box)));
  if (one.state) acts.push(button(words.again, () => ask({ ask: "retry", once: one.once })));
  acts.push(button(words.drop, () => ask({ ask: "drop", once: one.once })));
  if (one.fields.title) body.prepend(make("b", one.fields.title + "\n"));
  article.append(pill, body, why, ...acts);
  return article;
}

function button(text, act) {
  const made = make("button", text, { type: "button", className: "btn plain" });
  made.addEventListener("click", act);
  return made;
}

/** The text goes back into the box, before whatever stands there. */
function take(one, box) {
  box.value = [one.fields.body, box.value].filter(Boolean).join("\n\n");
  box.dispatchEvent(new Event("input", { bubbles: true }));
  ask({ ask: "drop", once: one.once });
}

function loginAddress(url = location.href) {
  const { pathname, search } = new URL(url);
  return "/login?next=" + encodeURIComponent(pathname + search);
}

/** One line among the notices of the page, said politely by screen readers. */
function notice(kind, text, href, label) {
  const place = document.getElementById("notices");
  if (!place) return;
  const old = document.getElementById("notice-" + kind);
  if (old) old.remove();
  const line = make("p", text + " ");
  if (href) line.append(make("a", label, { href }));
  const box = make("div", "", { id: "notice-" + kind, className: "alert " + (kind === "sent" ? "ok" : "wait") + (kind === "unsent" ? " unsent" : "") });
  box.append(line);
  place.append(box);
}

/* --- What is kept ----------------------------------------------------------------------------- */

function showKept(pages) {
  const list = document.getElementById("kept");
  const format = new Intl.DateTimeFormat(lang, { dateStyle: "long", timeStyle: "short" });
  list.replaceChildren();
  for (const { url, title, at } of pages) {
    const item = make("li", "");
    const name = new DOMParser().parseFromString(title, "text/html").body.textContent;
    item.append(make("a", name, { href: url }), " ", make("span", format.format(new Date(at)), { className: "soft" }));
    list.append(item);
  }
  if (!pages.length) list.append(make("li", words.nothing));
}

/** Everything this site has put on this device. */
async function wipe() {
  for (const name of await caches.keys()) await caches.delete(name);
  indexedDB.deleteDatabase("collab");
  localStorage.clear();
  sessionStorage.clear();
}

/* Who leaves takes everything along, also where Clear-Site-Data is not understood. */
document.addEventListener("submit", async (event) => {
  const form = event.target;
  const leaves = form.matches('form[action="/logout"]');
  if (!leaves && form.id !== "wipe") return;
  event.preventDefault();
  if (waiting.length && !warned) {
    warned = true;
    notice("leaving", words.leaving);
    return;
  }
  await Promise.race([wipe().catch(() => {}), new Promise((done) => setTimeout(done, 2000))]);
  if (leaves) form.submit();
  else location.reload();
});

/* --- Reading aloud ---------------------------------------------------------------------------- */

function offerToListen() {
  const said = document.querySelector("main .said");
  const heading = document.querySelector("main h1");
  if (!said || !heading || !window.speechSynthesis) return;
  const told = JSON.parse(own.dataset.words);
  const listen = button(told.listen, async () => (await import(own.dataset.aloud)).begin(told, listen));
  listen.className = "btn quiet small";
  listen.id = "listen";
  const head = heading.closest(".spacehead > .wrap");
  head ? head.append(listen) : (heading.closest(".row") || heading).after(listen);
}

/* --- A script that comes when it is asked for ([data-load]); a link without it leads on -------- */

for (const asked of window.MediaRecorder && navigator.mediaDevices ? document.querySelectorAll("[data-load]") : []) {
  asked.hidden = false;
  asked.addEventListener("click", async (event) => {
    event.preventDefault();
    try {
      (await import(asked.dataset.load)).start(asked);
    } catch (error) {
      if (asked.href) location.assign(asked.href);
    }
  });
}

/* --- Menus: a click elsewhere closes them, and Escape, which leads back to their button -------- */

for (const kind of ["click", "focusin", "keydown"]) {
  document.addEventListener(kind, ({ key, target }) => {
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      if (kind === "keydown" ? key !== "Escape" : menu.contains(target)) continue;
      menu.open = false;
      if (key) menu.firstElementChild.focus();
    }
  });
}

/* --- At a shared computer: who does nothing is logged out, and is told two minutes before ----- */

function watchIdleness(seconds) {
  setTimeout(() => {
    notice("ends", own.dataset.ends);
    const box = document.getElementById("notice-ends");
    const stay = async () => {
      if (!(await fetch("/account", { method: "HEAD", redirect: "manual" })).ok) return;
      box.remove();
      watchIdleness(seconds);
    };
    box.append(button(own.dataset.stay, stay));
  }, (seconds - 120) * 1000);
}

offerToListen();
renewKeys();
if (own.dataset.idle) watchIdleness(Number(own.dataset.idle));
if (worker && window.caches) {
  addEventListener("online", () => {
    pause = 1000; // the network is often said to be back a moment before it is
    tryAgain();
  });
  if (document.readyState === "complete") start();
  else addEventListener("load", () => setTimeout(start));
}
