/* Keeps what was read, and sends later what could not be sent. Every page works without it.

   The route /sw.js puts C before this file: C.version, C.files (kept from the start), C.offline
   (the page for when there is none), C.most (pages kept), C.words (by language).

   Pages are kept for one reader at a time, in the cache "pages-TAG"; the header Collab-Page says
   whose a page is, and "keep" when it may be kept. A page of somebody else wipes the cache.

   A form whose sending fails is kept in the queue if it has a key (its field `once`): sending it
   again does nothing more, so it is sent until there is an answer, and happens exactly once. */

const FILES = "files-" + C.version;
const PAGES = "pages-";
const PATIENCE = 8000; // milliseconds that a reader waits for a page of which there is a copy
const SENT = 201;
const DOUBT = 47 * 3600 * 1000; // the instance forgets keys after 48 hours
const DOWN = [502, 503, 504];
const REFUSED = [401, 403, 404, 410];

addEventListener("install", (event) => event.waitUntil(install()));
addEventListener("activate", (event) => event.waitUntil(tidy()));
addEventListener("sync", (event) => event.waitUntil(flush(true)));
addEventListener("message", (event) => event.waitUntil(asked(event.data, event.source)));
addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (url.origin !== location.origin) return;
  const form = (request.headers.get("content-type") || "").startsWith("application/x-www-form");
  if (request.method === "POST" && form) event.respondWith(write(event));
  if (request.method !== "GET") return;
  if (url.pathname.startsWith("/static/")) event.respondWith(file(request));
  else if (request.mode === "navigate") event.respondWith(read(event));
});

async function install() {
  const cache = await caches.open(FILES);
  await cache.addAll(C.files);
  await cache.add(new Request(C.offline, { cache: "reload" }));
  await skipWaiting();
}

async function tidy() {
  for (const name of await caches.keys()) {
    if (name.startsWith("files-") && name !== FILES) await caches.delete(name);
  }
  await clients.claim();
}

/* --- Files ------------------------------------------------------------------------------------ */

/** Named by their content: what is kept is right. Without a network, an older one is better than none. */
async function file(request) {
  const cache = await caches.open(FILES);
  const kept = await cache.match(request);
  if (kept) return kept;
  try {
    const answer = await fetch(request);
    if (answer.ok && /immutable/.test(answer.headers.get("cache-control"))) {
      await cache.put(request, answer.clone());
    }
    return answer;
  } catch (error) {
    const bare = (url) => url.replace(/\.[0-9a-f]{12}(?=\.\w+$)/, "");
    const alike = (await cache.keys()).find((other) => bare(other.url) === bare(request.url));
    return alike ? cache.match(alike) : Response.error();
  }
}

/* --- Pages ------------------------------------------------------------------------------------ */

/** The tag of whoever read last; "" when nothing may be kept. */
async function reader() {
  const name = (await caches.keys()).find((other) => other.startsWith(PAGES));
  return name ? name.slice(PAGES.length) : "";
}

async function copyOf(url) {
  const tag = await reader();
  if (!tag) return undefined;
  const cache = await caches.open(PAGES + tag);
  const other = /[?&]page=\d/.test(url) ? undefined : { ignoreSearch: true };
  return (await cache.match(url)) || (other && cache.match(url, other));
}

/** From the network; when it fails, or takes too long, the copy; when there is none, the page that says so. */
async function read(event) {
  const { url } = event.request;
  const copy = await copyOf(url);
  const coming = fetch(event.request).then(async (answer) => {
    event.waitUntil(keep(url, answer.clone()));
    return answer;
  });
  const late = new Promise((_, no) => copy && setTimeout(no, PATIENCE));
  try {
    const answer = await Promise.race([coming, late]);
    if (!copy || !DOWN.includes(answer.status)) return answer;
  } catch (error) {
    event.waitUntil(coming.catch(() => {}));
  }
  return copy ? dated(copy) : offline();
}

async function offline() {
  return (await caches.match(C.offline)) || Response.error();
}

async function keep(url, answer) {
  const [tag, may] = (answer.headers.get("Collab-Page") || "").split(" ");
  if (!tag) return;
  for (const name of await caches.keys()) {
    if (name.startsWith(PAGES) && name !== PAGES + tag) await caches.delete(name);
  }
  if (tag === "none") return;
  const cache = await caches.open(PAGES + tag);
  // What was erased, or is not for this reader any more, is not shown again either.
  if (REFUSED.includes(answer.status)) await cache.delete(url, { ignoreSearch: true });
  if (may && answer.ok) {
    const headers = new Headers(answer.headers);
    headers.delete("content-encoding");
    headers.set("Collab-Kept", new Date().toISOString());
    await cache.delete(url); // so that the keys stand in the order of reading
    await cache.put(url, new Response(await answer.blob(), { headers }));
    const keys = await cache.keys();
    for (const old of keys.slice(0, Math.max(keys.length - C.most, 0))) await cache.delete(old);
  }
  await flush();
}

/** The copy, saying of when it is. */
async function dated(copy) {
  const html = await copy.text();
  const [, lang] = /<html lang="([\w-]+)/.exec(html) || [, "fr"];
  const words = C.words[lang] || C.words.fr;
  const at = new Date(copy.headers.get("Collab-Kept"));
  const date = new Intl.DateTimeFormat(lang, { dateStyle: "long", timeStyle: "short" }).format(at);
  const said = words.copy.replace("{date}", `<b>${date}</b>`);
  const banner = `<div class="alert wait" id="copy"><p>${said} <a href="">${words.again}</a></p></div>`;
  const page = html.replace(/<div id="notices"[^>]*>/, (found) => found + banner);
  return new Response(page, { headers: copy.headers });
}

/* --- The queue -------------------------------------------------------------------------------- */

/** Run `act` on the queue in one transaction, and give its result. */
function queue(act, mode = "readwrite") {
  return new Promise((resolve, reject) => {
    const opening = indexedDB.open("collab", 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore("queue", { keyPath: "once" });
    opening.onerror = () => reject(opening.error);
    opening.onsuccess = () => {
      const db = opening.result;
      const run = db.transaction("queue", mode);
      const done = act(run.objectStore("queue"));
      run.oncomplete = () => db.close() || resolve(done.result);
      run.onabort = () => db.close() || reject(run.error);
    };
  });
}

const all = () => queue((store) => store.getAll(), "readonly");

async function write(event) {
  const { request } = event;
  const again = request.clone();
  let answer;
  try {
    answer = await fetch(request);
    if (!DOWN.includes(answer.status)) return answer;
  } catch (error) {
    answer = offline();
  }
  const fields = Object.fromEntries(new URLSearchParams(await again.text()));
  const tag = await reader();
  if (!fields.once || !tag || tag === "-") return answer;
  const { url } = request;
  const at = Date.now();
  const tried = navigator.onLine ? at : 0; // since when it may have arrived
  await queue((store) => store.put({ once: fields.once, url, fields, tag, at, tried, state: "" }));
  if (self.registration.sync) await self.registration.sync.register("queue").catch(() => {});
  await tell();
  const after = url.replace(/[?#].*/, "") + "#pas-envoye";
  return request.mode === "navigate" ? Response.redirect(after, 303) : new Response("", { status: 202 });
}

let sending = null;
let wanted = false;

/** Send what waits, in its order. `insist`: fail while something is left, so that the browser tries again. */
async function flush(insist = false) {
  wanted = true; // also when a round is under way: it may have failed for want of a network
  sending = sending || rounds().finally(() => (sending = null));
  const left = await sending;
  if (left && insist) throw new Error("not yet");
}

async function rounds() {
  let left = false;
  while (wanted) {
    wanted = false;
    left = await sendAll();
  }
  return left;
}

async function sendAll() {
  const tag = await reader();
  const mine = (await all()).filter((one) => one.tag === tag && !["refused", "old"].includes(one.state));
  for (const one of mine.sort((a, b) => a.at - b.at)) {
    if (!(await send(one))) return true;
  }
  return false;
}

/** True unless nobody answers, and it must be tried later. */
async function send(one, fresh = false) {
  let answer;
  let told = {};
  if (one.tried && Date.now() - one.tried > DOUBT) return mark(one, "old", "");
  if (!one.tried) await queue((store) => store.put(Object.assign(one, { tried: Date.now() })));
  try {
    const body = new URLSearchParams(one.fields);
    answer = await fetch(one.url, { method: "POST", body, headers: { Accept: "application/json" } });
    if (answer.status === 429 || answer.status >= 500) return false;
    if (answer.status !== SENT) told = await answer.json();
  } catch (error) {
    if (!answer) return false;
  }
  if (answer.status === SENT) {
    await queue((store) => store.delete(one.once));
    await tell({ sent: answer.headers.get("Location") });
    return true;
  }
  const code = told.code || "";
  if (!fresh && (code === "old_form" || answer.status === 401)) return renewed(one);
  await mark(one, "refused", Object.values(told.errors || {}).join(" ") || told.title || "");
  return true;
}

/** The form is of a session that ended: with a fresh one if the same person is here, else wait for them. */
async function renewed(one) {
  let page;
  try {
    page = await fetch(one.url, { headers: { Accept: "text/html" } });
  } catch (error) {
    return false;
  }
  const [tag] = (page.headers.get("Collab-Page") || "").split(" ");
  const [, token] = /name="csrf_token" value="([^"]+)/.exec(await page.text()) || [];
  if (tag !== one.tag) return mark(one, "out", "");
  one.fields.csrf_token = token || "";
  return send(one, true);
}

async function mark(one, state, why) {
  await queue((store) => store.put({ ...one, state, why }));
  await tell();
  return true;
}

/** Tell open pages what waits: the texts to whoever wrote them alone. */
async function tell(more = {}, to = null) {
  const tag = await reader();
  const everything = await all();
  const mine = everything.filter((one) => one.tag === tag);
  const others = everything.filter((one) => one.tag !== tag && one.state === "out").length;
  for (const page of to ? [to] : await clients.matchAll({ type: "window" })) {
    page.postMessage({ queue: mine, others, words: C.words, ...more });
  }
}

/* --- What pages ask --------------------------------------------------------------------------- */

async function asked({ ask, once, url }, page) {
  if (ask === "hello") {
    // The page that brought this script was read before it ran; the browser has it still.
    if (url) await fetch(url, { cache: "force-cache" }).then((got) => keep(url, got)).catch(() => {});
    await tell({}, page);
    await flush();
  }
  if (ask === "drop") await queue((store) => store.delete(once));
  if (ask === "retry") {
    const one = await queue((store) => store.get(once), "readonly");
    if (one) await mark({ ...one, tried: 0 }, "", "");
    await flush();
  }
  if (ask === "drop") await tell();
  if (ask === "kept") await tell({ kept: await kept() }, page);
}

/** The pages that can be read offline, the last read first. */
async function kept() {
  const tag = await reader();
  const cache = tag && (await caches.open(PAGES + tag));
  const found = [];
  for (const request of cache ? await cache.keys() : []) {
    const page = await cache.match(request);
    const [, title] = /<title>([^<]*)/.exec(await page.text()) || [, request.url];
    found.unshift({ url: request.url, title, at: page.headers.get("Collab-Kept") });
  }
  return found;
}
