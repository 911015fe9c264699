"""The inline marks whose stock processors are quadratic, written again in linear time; and ours.

Brackets and backticks are paired once per text and remembered by their distance from its end:
the parser replaces what it has understood by placeholders, which moves everything that follows
but changes none of it.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable
from xml.etree.ElementTree import Element

from markdown import Markdown
from markdown.inlinepatterns import InlineProcessor
from markdown.util import AtomicString, code_escape

Found = tuple[Element | None, int | None, int | None]
Resolver = Callable[[str], str | None]

NOTHING: Found = (None, None, None)
LABEL = 300
"""Longest label of a link reference, in characters."""
BRACKETS = re.compile(r"[\[\]]")
TICKS = re.compile(r"`+")
DESTINATION = re.compile(
    r"\(\s*+(?:<([^<>\n]{0,2000}+)>|((?>[^()<>\"\n]|\([^()<>\"\n]{0,500}+\)){0,2000}+))"
    r"(?:\s*+(\"[^\"]{0,500}+\"))?+\s*+\)"
)
REFERENCE = re.compile(r" ?\[([^\[\]]{0,300}+)\]")
SINGLE_QUOTED = re.compile(r"\s+('[^']*')\s*$")
TRAILING = re.compile(r"(?:[.,;:!?*_~'\"”»\u00a0]|&gt;)+$")


class Tail:
    """The end of a text as far as it was looked at, to know it again in what the text became."""

    def __init__(self) -> None:
        self._tail = ""

    def still(self, text: str, left: int) -> bool:
        """Whether what was found out about the last `left` characters holds for `text`."""
        return left <= len(self._tail) and text.endswith(self._tail)

    def keep(self, tail: str) -> None:
        """Remember that the next text should end with `tail`."""
        self._tail = tail


class CodeSpans(InlineProcessor):
    """Text between two equally long rows of backticks (CommonMark 6.1)."""

    def __init__(self, md: Markdown) -> None:
        super().__init__(r"\\.|`+", md)
        self._tail = Tail()
        self._rows: dict[int, list[int]] = {}

    def handleMatch(self, m: re.Match[str], data: str) -> Found:  # type: ignore[override]  # noqa: N802
        """The `code` element, or nothing for an escape or a row without its pair."""
        if data[m.start()] == "\\":
            return NOTHING
        left = len(data) - m.end()
        if not self._tail.still(data, left):
            self._pair(data)
        close = self._next(len(m[0]), left)
        if close is None:
            return NOTHING
        at = len(data) - close
        element = Element("code")
        element.text = AtomicString(code_escape(data[m.end() : at].strip()))
        end = at + len(m[0])
        self._tail.keep(data[end:])
        return element, m.start(), end

    def _pair(self, data: str) -> None:
        self._rows = {}
        for row in TICKS.finditer(data):
            self._rows.setdefault(len(row[0]), []).append(row.start() - len(data))
        self._tail.keep(data)

    def _next(self, length: int, left: int) -> int | None:
        """How far from the end the next row of that length begins, after `left` from the end."""
        rows = self._rows.get(length, [])
        found = bisect_right(rows, -left - 1)
        return -rows[found] if found < len(rows) else None


class Links(InlineProcessor):
    """`[text](address "title")` and `[text][label]`, or `[label]` alone; with `!` before, images.

    Labels alone come last, when the `[label]` of an image has been read.
    """

    def __init__(self, md: Markdown, *, image: bool, alone: bool) -> None:
        super().__init__(r"!\[" if image else r"(?<!!)\[", md)
        self._image = image
        self._alone = alone
        self._tail = Tail()
        self._pairs: dict[int, int] = {}

    def handleMatch(self, m: re.Match[str], data: str) -> Found:  # type: ignore[override]  # noqa: N802
        """The element, or nothing where no link is meant."""
        left = len(data) - m.end()
        if not self._tail.still(data, left):
            self._pair(data)
        close = self._pairs.get(left)
        if close is None:
            return NOTHING
        at = len(data) - close
        target = self._target(data, m.end(), at)
        if target is None:
            return NOTHING
        href, title, end = target
        element = self._element(data[m.end() : at], self.unescape(href).strip())
        if title:
            element.set("title", self.unescape(title))
        self._tail.keep(data[end:])
        return element, m.start(), end

    def _pair(self, data: str) -> None:
        """Where each bracket is closed: both as distances from the end, just inside."""
        size = len(data)
        waiting: list[int] = []
        self._pairs = {}
        for bracket in BRACKETS.finditer(data):
            if bracket[0] == "[":
                waiting.append(size - bracket.end())
            elif waiting:
                self._pairs[waiting.pop()] = size - bracket.start()
        self._tail.keep(data)

    def _target(self, data: str, start: int, at: int) -> tuple[str, str, int] | None:
        """Address, title and end of the link whose text is data[start:at]."""
        if self._alone:
            return self._reference(data[start : min(at, start + LABEL + 1)], at + 1)
        inline = DESTINATION.match(data, at + 1)
        if inline:
            href, title = inline[1] or inline[2] or "", inline[3] or ""
            single = SINGLE_QUOTED.search(href) if not title else None
            if single:
                href, title = href[: single.start()], single[1]
            return href.strip().replace(" ", "%20"), title[1:-1], inline.end()
        full = REFERENCE.match(data, at + 1)
        if full is None:
            return None
        return self._reference(full[1] or data[start : min(at, start + LABEL + 1)], full.end())

    def _reference(self, label: str, end: int) -> tuple[str, str, int] | None:
        """What was defined as `[label]: address "title"` somewhere in the text."""
        known = self.md.references.get(" ".join(label.split()).lower())
        return (known[0], known[1] or "", end) if known else None

    def _element(self, text: str, address: str) -> Element:
        if self._image:
            return Element("img", {"src": address, "alt": self.unescape(text)})
        element = Element("a", {"href": address})
        element.text = text
        return element


class PageLinks(InlineProcessor):
    """`[[Titre]]` and `[[Titre|texte]]`: another page of the same space."""

    ANCESTOR_EXCLUDES = ("a",)

    def __init__(self, md: Markdown, resolve: Resolver) -> None:
        super().__init__(r"\[\[([^\[\]|\n]{1,200}+)(?:\|([^\[\]|\n]{1,500}+))?+\]\]", md)
        self._resolve = resolve

    def handleMatch(self, m: re.Match[str], data: str) -> Found:  # type: ignore[override]  # noqa: N802
        """A link, or a span of class `absent` when there is no such page."""
        title = " ".join(self.unescape(m[1]).split())
        if not title:
            return NOTHING
        url = self._resolve(title)
        element = Element("a", {"href": url}) if url else Element("span", {"class": "absent"})
        element.text = AtomicString((m[2] or title).strip())
        return element, m.start(), m.end()


class Addresses(InlineProcessor):
    """A web address written out becomes a link; the punctuation after it does not belong to it."""

    ANCESTOR_EXCLUDES = ("a",)

    def __init__(self, md: Markdown) -> None:
        super().__init__(r"(?<![\w/])https?://[^\s<>\"\x02\x03]{1,2000}+", md)

    def handleMatch(self, m: re.Match[str], data: str) -> Found:  # type: ignore[override]  # noqa: N802
        """The link."""
        address = TRAILING.sub("", m[0])
        while address.endswith(")") and address.count(")") > address.count("("):
            address = TRAILING.sub("", address[:-1])
        if address.endswith("//"):
            return NOTHING
        element = Element("a", {"href": address})
        element.text = AtomicString(address)
        return element, m.start(), m.start() + len(address)


class Mentions(InlineProcessor):
    """`@alice` and `@alice@b.example`: somebody, if `resolve` knows them."""

    ANCESTOR_EXCLUDES = ("a",)

    def __init__(self, md: Markdown, resolve: Resolver) -> None:
        host = r"@(?:[a-zA-Z0-9-]{1,63}+\.?+){1,20}+(?::\d{1,5}+)?+"
        super().__init__(rf"(?<![\w@/.+-])@(\w(?:[\w.-]{{0,100}}\w)?)({host})?", md)
        self._resolve = resolve

    def handleMatch(self, m: re.Match[str], data: str) -> Found:  # type: ignore[override]  # noqa: N802
        """A link of class `mention`; the words as they are when nobody has that name."""
        host = (m[2] or "").rstrip(".-")
        name = m[1] + (host if len(host) > 1 else "")
        url = self._resolve(name)
        if url is None:
            return NOTHING
        element = Element("a", {"href": url, "class": "mention"})
        element.text = AtomicString(f"@{name}")
        return element, m.start(), m.start() + 1 + len(name)
