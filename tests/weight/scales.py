"""What pages cost their reader, weighed in Chromium.

EcoIndex as its authors compute it: the quantiles of elements, requests and kilobytes among the
pages of the web, weighed 3, 2 and 1.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urljoin

from playwright.sync_api import Browser, BrowserContext, CDPSession, Page

from weight.ground import Ground
from weight.leaves import LIGHT, Leaf

KB = 1024
ELEMENTS = [0, 47, 75, 159, 233, 298, 358, 417, 476, 537, 603, 674, 753, 843, 949, 1076, 1237, 1459, 1801, 2479, 594601]  # fmt: skip # noqa: E501
REQUESTS = [0, 2, 15, 25, 34, 42, 49, 56, 63, 70, 78, 86, 95, 105, 117, 130, 147, 170, 205, 281, 3920]  # fmt: skip # noqa: E501
KILOBYTES = [0, 1.37, 144.7, 319.53, 479.46, 631.97, 783.38, 937.91, 1098.62, 1265.47, 1448.32, 1648.27, 1876.08, 2142.06, 2465.37, 2866.31, 3401.59, 4155.73, 5400.08, 8037.54, 223212.26]  # fmt: skip # noqa: E501
GRADES = ((80, "A"), (70, "B"), (55, "C"), (40, "D"), (25, "E"), (10, "F"))
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking"]
READY = """() => !document.querySelector("script[data-src]:not([src])")
  && (!document.querySelector("main[data-live] #live-pause[hidden]")
    || !document.querySelector("script[src]"))"""
"""Scripts are asked for when the page has been drawn, which may be late on a busy machine."""


@dataclass(frozen=True)
class Budget:
    """The most that a page of some kind may cost; bytes as they come over the wire."""

    elements: int
    requests: int
    first: int
    next: int


BUDGETS = {
    "reading": Budget(350, 5, 60 * KB, 20 * KB),
    "thread": Budget(380, 5, 60 * KB, 25 * KB),
    "list": Budget(350, 8, 100 * KB, 60 * KB),
    "admin": Budget(600, 8, 120 * KB, 40 * KB),
    "light": Budget(250, 4, 45 * KB, 15 * KB),
    "parts": Budget(800, 8, 120 * KB, 40 * KB),
}
"""PRODUCT.md 5.5; `parts` is the page that shows every part of the others to whoever builds."""
PATIENCE = 200
"""How often to look whether everything that was asked for has come, 20 ms apart."""


@dataclass(frozen=True)
class Weight:
    """What one page cost a browser that had never been here (`first`) and one that had (`next`)."""

    elements: int
    requests: int
    first: int
    next: int
    script: int
    """Bytes of JavaScript, compressed."""

    @property
    def ecoindex(self) -> float:
        """0 to 100; more is better."""
        spent = (
            3 * quantile(ELEMENTS, self.elements)
            + 2 * quantile(REQUESTS, self.requests)
            + quantile(KILOBYTES, self.first / KB)
        )
        return 100 - 5 * spent / 6

    @property
    def grade(self) -> str:
        return next((letter for least, letter in GRADES if self.ecoindex > least), "G")

    def over(self, budget: Budget) -> dict[str, tuple[int, int]]:
        """What goes beyond the budget: spent and allowed."""
        pairs = {
            name: (getattr(self, name), getattr(budget, name))
            for name in ("elements", "requests", "first", "next")
        }
        return {name: pair for name, pair in pairs.items() if pair[0] > pair[1]}


def quantile(borders: list[float], value: float) -> float:
    """Between which two twentieths of the web's pages a value lies, 0 to 20."""
    at = min(bisect_right(borders, value), len(borders) - 1)
    return at - 1 + (value - borders[at - 1]) / (borders[at] - borders[at - 1])


class Scales:
    """Windows of one browser, one for each reader, with an empty cache at each visit."""

    def __init__(self, browser: Browser, ground: Ground) -> None:
        self.browser, self.ground = browser, ground
        self.windows: dict[tuple[str, bool], tuple[BrowserContext, Page, CDPSession]] = {}

    def window(self, leaf: Leaf):
        """The one page of this reader's window, and the spy on its network.

        Without the service worker, which would answer in the place of the network.
        """
        reader, key = leaf.reader, (leaf.reader, leaf.light)
        if key not in self.windows:
            context = self.browser.new_context(locale="fr-FR", service_workers="block")
            context.set_extra_http_headers(LIGHT if leaf.light else {})
            if reader:
                name, _, value = self.ground.cookies[reader].removeprefix("Cookie: ").partition("=")
                context.add_cookies([{"name": name, "value": value, "url": self.ground.url}])
            page = context.new_page()
            spy = context.new_cdp_session(page)
            spy.send("Network.enable")
            spy.send("Network.setCacheDisabled", {"cacheDisabled": True})
            self.windows[key] = (context, page, spy)
        return self.windows[key]

    def weigh(self, leaf: Leaf) -> Weight:
        """A first visit, and what of it would come again at the next one.

        Who comes from elsewhere is given the style in the page. What the page weighs without it,
        as a link of this site leads to it, is asked for by the page itself.
        """
        _context, page, spy = self.window(leaf)
        url = urljoin(self.ground.url, leaf.path)
        with (visit := Visit()).watching(spy):
            page.goto(url)
            page.wait_for_function(READY)
            visit.all_came(page)
        with (bare := Visit()).watching(spy):
            page.evaluate("url => fetch(url).then((answer) => answer.text())", url)
            bare.all_came(page)
        elements = page.evaluate("document.getElementsByTagName('*').length")
        return visit.weight(elements, int(sum(bare.bytes.values())))

    def again(self, leaf: Leaf) -> int:
        """Bytes of one more visit, by a browser that keeps what it may, to a page unchanged."""
        _context, page, spy = self.window(leaf)
        spy.send("Network.setCacheDisabled", {"cacheDisabled": False})
        for visit in (Visit(), last := Visit()):
            with visit.watching(spy):
                page.goto(urljoin(self.ground.url, leaf.path))
                page.wait_for_function(READY)
                visit.all_came(page)
        spy.send("Network.setCacheDisabled", {"cacheDisabled": True})
        return last.weight(0).first

    def close(self) -> None:
        for context, _page, _spy in self.windows.values():
            context.close()


class Visit:
    """The network's events during one visit."""

    def __init__(self) -> None:
        self.asked: set[str] = set()
        self.kept: set[str] = set()
        self.scripts: set[str] = set()
        self.page = ""
        self.bytes: dict[str, float] = {}
        self.blocking = 0
        """Files that the first content waits for, besides the page."""

    @contextmanager
    def watching(self, spy):
        """Listen for the time of a `with` block."""
        heard = {
            "Network.requestWillBeSent": self.sent,
            "Network.responseReceived": self.answered,
            "Network.loadingFinished": self.finished,
            "Network.loadingFailed": self.finished,
        }
        for event, listener in heard.items():
            spy.on(event, listener)
        yield
        for event, listener in heard.items():
            spy.remove_listener(event, listener)

    def sent(self, told):
        if told["request"]["url"].startswith("http"):  # pictures in the page cost nothing more
            self.asked.add(told["requestId"])
            self.blocking += told.get("type") == "Stylesheet"
            self.page = told["requestId"] if told.get("type") == "Document" else self.page

    def answered(self, told):
        answer = told["response"]
        headers = {name.lower(): value for name, value in answer["headers"].items()}
        if "immutable" in headers.get("cache-control", ""):
            self.kept.add(told["requestId"])
        if re.search("javascript", answer["mimeType"]):
            self.scripts.add(told["requestId"])

    def finished(self, told):
        self.bytes[told["requestId"]] = told.get("encodedDataLength", 0)

    def all_came(self, page: Page) -> None:
        """Wait for what the page does not wait for itself, as its icon."""
        for _time in range(PATIENCE):
            if self.asked <= self.bytes.keys():
                return
            page.wait_for_timeout(20)
        raise AssertionError(f"{page.url}: something never came")

    def weight(self, elements: int, bare: int = 0) -> Weight:
        """What came.

        Args:
            elements: how many the page has.
            bare: bytes of the page itself at the next visit; 0: as many as at this one.
        """
        came = {name: size for name, size in self.bytes.items() if name in self.asked}
        rest = {n: size for n, size in came.items() if n not in self.kept and n != self.page}
        return Weight(
            elements=elements,
            requests=len(self.asked),
            first=int(sum(came.values())),
            next=int(sum(rest.values())) + (bare or int(came.get(self.page, 0))),
            script=int(sum(size for name, size in came.items() if name in self.scripts)),
        )
