"""From the safe HTML of a text to blocks that every form of paper is made of.

Nothing in a block is markup: a run is its letters, what is done to them, and perhaps an address to
go to. Pictures become their words, because no file and no other host is ever read.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any

from collab.core.paper.words import QUOTES, bound, direction, listed

Block = dict[str, Any]
Run = dict[str, Any]

MARKS = {
    "b": "strong", "strong": "strong", "summary": "strong", "dt": "strong",
    "i": "em", "em": "em", "cite": "em", "dfn": "em", "var": "em", "figcaption": "em",
    "code": "code", "kbd": "code", "samp": "code", "s": "struck", "del": "struck",
    "u": "under", "ins": "under", "sub": "sub", "sup": "sup", "mark": "mark",
    **{f"h{level}": "strong" for level in range(1, 7)},
}  # fmt: skip
BLOCKS = listed(
    "p h1 h2 h3 h4 h5 h6 ul ol li blockquote pre table hr div dl dt dd figure figcaption details"
    " summary caption"
)
EMPTY = {"br", "hr", "img"}
HEADING = re.compile(r"h[1-6]")
SPACES = re.compile(r"[ \t\n\r\f]+")
DEEPEST = 8
"""Lists and quotes inside each other; what is deeper stands at this depth."""
MOST_COLUMNS = 12


@dataclass
class Element:
    """An element of the HTML; `inside` holds elements and text."""

    tag: str
    given: dict[str, str] = field(default_factory=dict)
    inside: list[Element | str] = field(default_factory=list)


class _Tree(HTMLParser):
    """Builds elements; an end tag closes the nearest element of its name."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open = [Element("div")]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        made = Element(tag, {name: value or "" for name, value in attrs})
        self.open[-1].inside.append(made)
        if tag not in EMPTY:
            self.open.append(made)

    def handle_endtag(self, tag: str) -> None:
        names = [element.tag for element in self.open[1:]]
        if tag in names:
            del self.open[len(names) - names[::-1].index(tag) :]

    def handle_data(self, data: str) -> None:
        self.open[-1].inside.append(data)


def blocks_of(html: str, *, base: str = "", french: bool = False) -> list[Block]:
    """The blocks of a text.

    `base` is put before addresses of this instance (`/p/...`); `french` keeps signs with their
    word as French does.
    """
    tree = _Tree()
    tree.feed(html)
    tree.close()
    found = _Reader(base, french).blocks(tree.open[0], 0)
    return _levelled(found)


def text_of(runs: list[Run]) -> str:
    """The letters of some runs."""
    return "".join("\n" if run.get("br") else str(run["s"]) for run in runs)


def _levelled(found: list[Block]) -> list[Block]:
    """Headings from the first level on, none skipped: what outlines and screen readers need."""
    highest = min((block["level"] for block in found if block["t"] == "heading"), default=1)
    at = 0
    anchors: set[str] = set()
    for block in found:
        if block["t"] == "heading":
            at = min(block["level"] - highest + 1, at + 1)
            block["level"] = at
            block["id"] = "" if block["id"] in anchors else block["id"]
            anchors.add(block["id"])
    for run in _runs_in(found):
        if run.get("href", "").startswith("#") and run["href"][1:] not in anchors:
            del run["href"]
    return found


def _runs_in(found: list[Block]) -> list[Run]:
    runs: list[Run] = []
    for block in found:
        runs += block.get("runs", [])
        runs += [run for row in block.get("rows", []) for cell in row for run in cell["runs"]]
        for part in block.get("items", [block.get("blocks", [])]):
            runs += _runs_in(part)
    return runs


class _Reader:
    """Turns elements into blocks."""

    def __init__(self, base: str, french: bool) -> None:
        self.base, self.french = base, french

    def blocks(self, element: Element, depth: int) -> list[Block]:
        """What stands in an element: its blocks, and paragraphs of what stands between them."""
        found: list[Block] = []
        loose: list[Run] = []
        for child in element.inside:
            if isinstance(child, Element) and self._holds_blocks(child):
                found += self._paragraph(loose)
                loose = []
                found += self.block(child, depth)
            else:
                loose += self.runs(child, (), "")
        return found + self._paragraph(loose)

    def _holds_blocks(self, element: Element) -> bool:
        return element.tag in BLOCKS or any(map(self._holds_blocks, _elements(element)))

    def block(self, element: Element, depth: int) -> list[Block]:
        """The blocks that one element becomes."""
        tag = element.tag
        if HEADING.fullmatch(tag) and depth == 0:
            return self._heading(element)
        if tag in {"ul", "ol", "blockquote", "dd"} and depth < DEEPEST:
            return (
                self._list(element, depth) if tag in {"ul", "ol"} else self._quote(element, depth)
            )
        if tag in {"hr", "pre", "table"}:
            return self._apart(element)
        if tag in MARKS and not any(self._holds_blocks(c) for c in _elements(element)):
            return self._paragraph(self.runs(element, (), ""))
        return self.blocks(element, depth)

    def _apart(self, element: Element) -> list[Block]:
        if element.tag == "table":
            return self._table(element)
        words = _words(element).strip("\n")
        made: Block = {"t": "code", "text": words} if element.tag == "pre" else {"t": "rule"}
        return [made] if words or element.tag == "hr" else []

    def _quote(self, element: Element, depth: int) -> list[Block]:
        kind = "quote" if element.tag == "blockquote" else "inset"
        return [{"t": kind, "blocks": self.blocks(element, depth + 1)}]

    def _paragraph(self, runs: list[Run]) -> list[Block]:
        runs = _trimmed(runs)
        return [{"t": "para", "runs": runs, "dir": direction(text_of(runs))}] if runs else []

    def _heading(self, element: Element) -> list[Block]:
        runs = _trimmed(self._inside(element, (), ""))
        level, anchor = int(element.tag[1]), element.given.get("id", "")
        made = {"t": "heading", "level": level, "id": anchor, "runs": runs}
        return [made | {"dir": direction(text_of(runs))}] if runs else []

    def _list(self, element: Element, depth: int) -> list[Block]:
        items = [self.blocks(child, depth + 1) for child in _elements(element)]
        start = element.given.get("start", "1")
        first = int(start) if start.isdecimal() and len(start) < 6 else 1
        made: Block = {"t": "list", "ordered": element.tag == "ol", "start": first, "items": items}
        return [made] if items else []

    def _table(self, element: Element) -> list[Block]:
        rows = [
            [self._cell(cell) for cell in _elements(row)][:MOST_COLUMNS]
            for row in _named(element, "tr")
        ]
        width = max(map(len, rows), default=0)
        if not width:
            return self.blocks(Element("div", {}, list(_named(element, "caption"))), 0)
        for row in rows:
            row.extend([self._cell(Element("td"))] * (width - len(row)))
        head = all(cell["head"] for cell in rows[0])
        said = "".join(map(_words, _named(element, "caption")))
        return [{"t": "table", "rows": rows, "head": head, "columns": width, "caption": said}]

    def _cell(self, element: Element) -> Block:
        runs = _trimmed(self._inside(element, (), ""))
        align = element.given.get("align", "")
        about = {"head": element.tag == "th", "dir": direction(text_of(runs))}
        return {"runs": runs, "align": align if align in {"center", "right"} else "", **about}

    def runs(self, node: Element | str, marks: tuple[str, ...], href: str) -> list[Run]:
        """The runs of what stands in a line."""
        if isinstance(node, str):
            words = SPACES.sub(" ", node)
            words = words if "code" in marks or not self.french else bound(words)
            made: Run = {"s": words, "m": list(marks)}
            return [made | {"href": href} if href else made] if words else []
        if node.tag == "br":
            return [{"br": True}]
        if node.tag == "img":
            return self._picture(node, marks)
        return self._inside(node, marks, href)

    def _inside(self, node: Element, marks: tuple[str, ...], href: str) -> list[Run]:
        mark = MARKS.get(node.tag)
        if mark and mark not in marks and not HEADING.fullmatch(node.tag):
            marks = (*marks, mark)
        if node.tag == "a":
            href = self._address(node.given.get("href", "")) or href
        found = [run for child in node.inside for run in self.runs(child, marks, href)]
        if node.tag == "q":
            opened, closed = QUOTES if self.french else ("“", "”")
            found = [{"s": opened, "m": []}, *found, {"s": closed, "m": []}]
        return found

    def _picture(self, node: Element, marks: tuple[str, ...]) -> list[Run]:
        words = SPACES.sub(" ", node.given.get("alt", "")).strip()
        made: Run = {"s": f"[{words}]" if words else "[…]", "m": [*marks, "em"]}
        address = self._address(node.given.get("src", ""))
        return [made | {"href": address} if address else made]

    def _address(self, given: str) -> str:
        """Where a link leads, in full; nothing for what cannot be reached from paper."""
        if given.startswith(("http://", "https://", "mailto:", "tel:", "#")):
            return given
        return self.base + given if self.base and given.startswith("/") else ""


def _elements(element: Element) -> list[Element]:
    return [child for child in element.inside if isinstance(child, Element)]


def _words(node: Element | str) -> str:
    if isinstance(node, str):
        return node
    return "\n" if node.tag == "br" else "".join(map(_words, node.inside))


def _named(element: Element, tag: str) -> list[Element]:
    """The elements of that name in a table, not those of a table inside it."""
    found: list[Element] = []
    for child in _elements(element):
        if child.tag != "table":
            found += [child] if child.tag == tag else _named(child, tag)
    return found


def _trimmed(runs: list[Run]) -> list[Run]:
    """Without spaces at either end, nor two of them side by side."""
    kept: list[Run] = []
    for run in runs:
        begins = not kept or "br" in kept[-1]
        if "br" in run:
            kept += [] if begins else [run]
            continue
        words = run["s"].lstrip(" ") if begins or kept[-1]["s"].endswith(" ") else run["s"]
        kept += [run | {"s": words}] if words else []
    while kept and ("br" in kept[-1] or not kept[-1]["s"].rstrip(" ")):
        kept.pop()
    if kept:
        kept[-1] = kept[-1] | {"s": kept[-1]["s"].rstrip(" ")}
    return kept


def noted(found: list[Block]) -> list[Block]:
    """The same blocks; the first link to each address of the web also carries it as words."""
    said: set[str] = set()
    for run in _runs_in(found):
        address = run.get("href", "")
        if address.startswith("http") and address not in said:
            said.add(address)
            run["at"] = address
    return found
