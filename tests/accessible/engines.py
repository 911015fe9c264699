"""Two engines that look for mistakes in a page as a browser shows it, of different authors."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

from npm import installed
from playwright.sync_api import Browser, BrowserContext, Page
from weight.ground import Ground
from weight.leaves import Leaf, asking
from weight.scales import QUIET

from accessible.moments import Moment

HERE = Path(__file__).resolve().parent
COLOURS = ("color-contrast", "link-in-text-block")
Wrong = dict[str, dict[str, list[str]]]
"""By state, by page: what is wrong there."""
FILES = ("axe-core/axe.min.js", "@accesslint/core/dist/index.iife.js")
SHEET = {"width": 680, "height": 960}
"""What an A4 sheet has room for inside its margins, in CSS pixels."""
PHONE, WINDOW = {"width": 360, "height": 740}, {"width": 1280, "height": 900}

SPACED = """* { line-height: 1.5 !important; letter-spacing: 0.12em !important;
  word-spacing: 0.16em !important; } p { margin-bottom: 2em !important; }"""

# WCAG 2.2 A and AA, and what the authors of axe hold to be good practice. Elements are named here,
# when there is something to say of one: axe would look for a short name of every one it looks at.
AXE = """async (only) => {
  const told = { resultTypes: ["violations"], elementRef: true, selectors: false, iframes: false };
  if (only.length) told.runOnly = only;
  const said = ({ element }) => element.outerHTML.slice(0, 100);
  const found = await axe.run(document, told);
  return found.violations.map((v) => `axe ${v.id}: ${v.nodes.map(said).slice(0, 4).join(" | ")}`);
}"""
# A field of many lines takes the focus by itself, which this engine forgets.
SECOND = """() => {
  const field = (v) => v.ruleId.endsWith("/scrollable-region")
    && document.querySelector(v.selector).matches("textarea");
  return AccessLint.runAudit(document).violations.filter((v) => !field(v))
    .map((v) => `accesslint ${v.ruleId}: ${v.selector} ${v.message}`);
}"""

# A form like those of our pages, but without the fields that a browser insists on.
SEND = """([url, fields]) => {
  const form = Object.assign(document.createElement("form"), { action: url, method: "post" });
  for (const [name, value] of Object.entries(fields)) {
    form.append(Object.assign(document.createElement("textarea"), { name, value }));
  }
  document.body.append(form);
  form.submit();
}"""

TURN = """(html) => {
  const other = new DOMParser().parseFromString(html, "text/html");
  const root = document.documentElement;
  for (const { name } of [...root.attributes]) root.removeAttribute(name);
  for (const { name, value } of other.documentElement.attributes) root.setAttribute(name, value);
  document.title = other.title;
  document.body.replaceWith(document.adoptNode(other.body));
}"""

# What is left on paper that cannot be pressed there, what the sheet cuts off, what is not black.
PAPER = """() => {
  const drawn = (e) => e.checkVisibility() && e.getBoundingClientRect().height > 1;
  const said = (what, e) => `${what}: ${e.outerHTML.slice(0, 80)}`;
  const all = [...document.body.querySelectorAll("*")].filter(drawn);
  const pressed = all.filter((e) => e.matches("button, input, select, textarea, summary, .btn"));
  const cut = all.filter((e) => e.scrollWidth > e.clientWidth + 1 && !e.matches(".hush, .hush *")
    && getComputedStyle(e).overflowX !== "visible");
  const wide = all.filter((e) => e.getBoundingClientRect().right > innerWidth + 1
    && !e.matches(".hush, .hush *"));
  const pale = all.filter((e) => e.matches("p, li, td, h1, h2")
    && Math.max(...getComputedStyle(e).color.match(/[0-9]+/g).slice(0, 3)) > 60);
  return [...pressed.map((e) => said("pressed", e)), ...cut.map((e) => said("cut", e)),
    ...wide.map((e) => said("wide", e)), ...pale.map((e) => said("pale", e))].slice(0, 4);
}"""


@dataclass
class Eyes:
    """Windows of one browser, one for each reader; pages carry both engines."""

    browser: Browser
    ground: Ground
    engines: list[Path] = field(default_factory=lambda: [installed(HERE) / f for f in FILES])
    windows: dict[str, tuple[BrowserContext, Page]] = field(default_factory=dict)

    def open(self, leaf: Leaf) -> Page:
        """That page, as its reader has it."""
        page = self.window(leaf.reader)
        page.goto(urljoin(self.ground.url, leaf.path))
        return page

    def turn(self, page: Page, leaf: Leaf, language: str) -> None:
        """Put the same page in another language in the place of this one.

        Opening it anew would take twice as long, and have the reader's session keep the language.
        """
        client = self.ground.house.app.test_client(use_cookies=False)
        asked = f"{leaf.path}{'&' if '?' in leaf.path else '?'}langue={language}"
        answer = client.get(asked, headers=asking(self.ground, leaf.reader, light=False))
        page.set_viewport_size(WINDOW)
        page.evaluate(TURN, answer.get_data(as_text=True))
        assert page.evaluate("document.documentElement.lang") == language, leaf

    def see(self, moment: Moment) -> Page:
        """The page at that moment; fails when it is another one."""
        page = self.window(moment.reader)
        url = urljoin(self.ground.url, moment.path)
        if moment.sent is None:
            answer = page.goto(url)
        else:
            if page.url == "about:blank":
                page.goto(urljoin(self.ground.url, "/healthz"))
            with page.expect_navigation() as turned:
                page.evaluate(SEND, [url, moment.sent])
            answer = turned.value
        assert answer.status == moment.status, f"{answer.status}: {moment}"
        assert page.locator(moment.shows).count(), f"no {moment.shows}: {moment}"
        return page

    def window(self, reader: str) -> Page:
        """The one page of that reader's window."""
        if reader not in self.windows:
            context = self.browser.new_context(
                locale="fr", viewport=WINDOW, service_workers="block", reduced_motion="reduce"
            )
            for engine in self.engines:
                context.add_init_script(path=engine)
            if told := self.ground.cookies.get(reader, ""):
                name, _, value = told.removeprefix("Cookie: ").partition("=")
                context.add_cookies([{"name": name, "value": value, "url": self.ground.url}])
            self.windows[reader] = (context, context.new_page())
        page = self.windows[reader][1]
        page.emulate_media(color_scheme="light", forced_colors="none", media="screen")
        page.set_viewport_size(WINDOW)
        return page

    def close(self) -> None:
        for context, _page in self.windows.values():
            context.close()


def chromium() -> str:
    """Where Debian's Chromium is; fails with what to do when it is not there."""
    program = shutil.which("chromium")
    if program is None:
        raise RuntimeError("These tests need Chromium: apt-get install chromium")
    return program


def launched(playwright: Any) -> Browser:
    return playwright.chromium.launch(executable_path=chromium(), args=QUIET)


def axe(page: Page, *only: str) -> list[str]:
    """What axe-core finds, by all of its rules or by these only."""
    return page.evaluate(AXE, list(only))


def second(page: Page) -> list[str]:
    """What the second engine finds."""
    return page.evaluate(SECOND)


def printed(page: Page) -> list[str]:
    """What is wrong with the page on paper, printed by somebody who reads in the dark."""
    page.emulate_media(media="print", color_scheme="dark")
    page.set_viewport_size(SHEET)
    found = page.evaluate(PAPER)
    page.set_viewport_size(WINDOW)
    page.emulate_media(media="screen", color_scheme="light")
    return found


def dressed(page: Page, **display: str) -> None:
    """Show the page as with these display settings (`collab.web.display`)."""
    page.evaluate(
        "(told) => { for (const [name, value] of Object.entries(told))"
        " document.documentElement.dataset[name] = value; }",
        display,
    )


def bare(page: Page, *display: str) -> None:
    """Without these display settings again."""
    page.evaluate(
        "(names) => names.forEach((name) => delete document.documentElement.dataset[name])",
        list(display),
    )


def spaced(page: Page) -> None:
    """Space the text as any reader may (WCAG 1.4.12)."""
    page.evaluate(
        "(css) => { const sheet = new CSSStyleSheet(); sheet.replaceSync(css);"
        " document.adoptedStyleSheets = [sheet]; }",
        SPACED,
    )


def overflow(page: Page) -> int:
    """By how many pixels the page is wider than its window."""
    return page.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )


def beyond(page: Page) -> list[str]:
    """By how many pixels the page is wider than its window, if it is."""
    px = page.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    return [f"{px} px wider than {page.viewport_size['width']} px"] if px > 0 else []


def fullest(pages: list[Leaf]) -> list[Leaf]:
    """Of each type, the page of the reader who has most on it."""
    return list({leaf.endpoint: leaf for leaf in sorted(pages, key=lambda x: x.elements)}.values())
