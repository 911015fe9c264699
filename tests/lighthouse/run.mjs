// Weighs pages with Lighthouse as an old telephone has them. On stdin, JSON: `chrome` (the program),
// `pages` (each `name`, `url`, `headers`), `categories`. One line of JSON on stdout for each page.

import { launch } from "chrome-launcher";
import lighthouse from "lighthouse";

// Slow 3G, and a processor four times slower than this one.
const THROTTLING = {
  rttMs: 400, throughputKbps: 400, requestLatencyMs: 400 * 3.75,
  downloadThroughputKbps: 400 * 0.9, uploadThroughputKbps: 400 * 0.9, cpuSlowdownMultiplier: 4,
};

const given = JSON.parse(await new Response(process.stdin).text());
const chrome = await launch({
  chromePath: given.chrome,
  chromeFlags: ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic"],
  logLevel: "silent",
});
try {
  for (const { name, url, headers } of given.pages) {
    const flags = { port: chrome.port, output: "json", logLevel: "error", extraHeaders: headers };
    const settings = {
      onlyCategories: given.categories, formFactor: "mobile", throttling: THROTTLING,
      throttlingMethod: "simulate", locale: "fr",
    };
    const { lhr } = await lighthouse(url, flags, { extends: "lighthouse:default", settings });
    const scores = Object.fromEntries(
      Object.values(lhr.categories).map((one) => [one.id, Math.round(one.score * 100)]));
    const wrong = Object.values(lhr.categories).flatMap((one) => one.auditRefs)
      .filter((ref) => ref.weight > 0 && (lhr.audits[ref.id].score ?? 1) < 0.9)
      .map((ref) => `${ref.id}: ${lhr.audits[ref.id].displayValue || lhr.audits[ref.id].title}`);
    const seconds = (id) => (lhr.audits[id]?.numericValue ?? 0) / 1000;
    console.log(JSON.stringify({
      name, scores, wrong: [...new Set(wrong)], error: lhr.runtimeError?.message ?? "",
      fcp: seconds("first-contentful-paint"), lcp: seconds("largest-contentful-paint"),
    }));
  }
} finally {
  chrome.kill();
}
