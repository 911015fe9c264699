"""What happens to the lines of a text before the Markdown parser sees them.

The parser re-reads the rest of a block for each heading, rule or level it finds in it, which
makes hostile texts quadratic. Here blocks are set apart first, levels are counted, and what is
over the limits is written with stand-ins: characters the parser does not know, which become
themselves again afterwards. Nothing is lost, it only stops being markup.
"""

from __future__ import annotations

import re
from html import escape

from markdown import Markdown
from markdown.preprocessors import Preprocessor

DEPTH = 8
"""Quotes and lists inside each other, on one line."""
INDENT = 40
"""Spaces at the start of a line; every four are one level of a list."""
CELLS = 20_000
"""Cells of all tables of one text; short rows are filled up to the width of the heading."""
COLUMNS = 60

_CODES = {char: chr(0xFDD0 + n) for n, char in enumerate("> -*+.|#=")}
STAND_IN = str.maketrans(_CODES)
BACK = str.maketrans({code: escape(char) for char, code in _CODES.items()})
STAND_INS = re.compile("[\ufdd0-\ufdef]")

FENCE = re.compile(r"( *+)(`{3,}+|~{3,}+)([^`]*+)$")
PREFIX = re.compile(r"(?: *+(?:>|[*+-](?= )|\d{1,9}\.(?= )))*+ *+")
MARKER = re.compile(r">|[*+-]|\d+\.")
HEADING = re.compile(r"#{1,6}(?: |$)")
RULE = re.compile(r" {0,3}(?:\*(?: {0,2}\*){2,}|_(?: {0,2}_){2,}) *$")
UNDERLINE = re.compile(r" {0,3}(?:=+|-+) *$")
ITEM = re.compile(r" {0,3}(?:[*+-]|\d{1,9}\.) +\S")
FIRST_ITEM = re.compile(r" {0,3}(?:[*+-]|1\.) +\S")
SEPARATOR = re.compile(r"[ |:-]*-[ |:-]*$")


class SetApart(Preprocessor):
    """The one preprocessor of ours: fenced code, then the limits, then blank lines."""

    def __init__(self, md: Markdown) -> None:
        super().__init__(md)
        self._cells = 0

    def run(self, lines: list[str]) -> list[str]:
        """The lines for the parser."""
        out: list[str] = []
        block: list[str] = []
        at = 0
        while at < len(lines):
            fence = FENCE.match(lines[at])
            if fence is None and lines[at].strip():
                block.append(calm(lines[at]))
            else:
                out += self._block(block)
                out.append("")
                block = []
            if fence:
                out += ["", f"{fence[1]}{self._code(lines, at, fence)}", ""]
                at = _after(lines, at, fence)
            at += 1
        return out + self._block(block)

    def _code(self, lines: list[str], at: int, fence: re.Match[str]) -> str:
        """Store a fenced block as HTML; what is left is the parser's own placeholder."""
        inside = lines[at + 1 : _after(lines, at, fence)]
        indent = len(fence[1])
        text = "\n".join(line[min(indent, len(line) - len(line.lstrip())) :] for line in inside)
        return self.md.htmlStash.store(f"<pre><code>{escape(text, quote=False)}\n</code></pre>")

    def _block(self, block: list[str]) -> list[str]:
        """Lines without a blank one between them, with blank ones where the parser needs them."""
        block = self._table(block)
        out: list[str] = []
        listing = bool(block) and bool(ITEM.match(block[0]))
        for line in block:
            alone = HEADING.match(line) or RULE.match(line)
            begins = not listing and out and out[-1] and FIRST_ITEM.match(line)
            listing = listing or bool(begins)
            if alone or begins:
                out.append("")
            out.append(line)
            if alone or UNDERLINE.match(line):
                out.append("")
                listing = False
        return out

    def _table(self, block: list[str]) -> list[str]:
        """The same block; no table any more if its cells would be too many."""
        if len(block) < 2 or "|" not in block[0] or not SEPARATOR.match(block[1]):
            return block
        cells = (block[1].count("|") + 1) * len(block)
        if self._cells + cells > CELLS:
            return [block[0], block[1].translate(STAND_IN), *block[2:]]
        self._cells += cells
        return block


def _after(lines: list[str], at: int, fence: re.Match[str]) -> int:
    """The index of the line that closes a fence; the end of the text if none does."""
    close = re.compile(rf" *{re.escape(fence[2][0])}{{{len(fence[2])},}} *$")
    return next((n for n in range(at + 1, len(lines)) if close.match(lines[n])), len(lines))


def calm(line: str) -> str:
    """A line with at most DEPTH markers, INDENT spaces and COLUMNS cells that count."""
    prefix = PREFIX.match(line)
    end = prefix.end() if prefix else 0
    keep = _kept(line[:end])
    head, rest = line[:keep] + line[keep:end].translate(STAND_IN), line[end:]
    if rest.startswith("#"):
        rest = _hashes(rest)
    elif rest in {"-", "="}:
        rest = rest.translate(STAND_IN)
    if rest.count("|") > COLUMNS:
        first = "|".join(rest.split("|")[:COLUMNS])
        rest = first + rest[len(first) :].replace("|", _CODES["|"])
    return head + rest


def _kept(prefix: str) -> int:
    """How many characters of quote marks, bullets and spaces remain markup."""
    markers = list(MARKER.finditer(prefix))
    end = len(prefix) if len(markers) <= DEPTH else markers[DEPTH - 1].end()
    spaces = len(prefix) - len(prefix.lstrip(" "))
    return min(end, INDENT) if spaces > INDENT else end


def _hashes(rest: str) -> str:
    """`#jardin` and a row of more than six # are words, not headings."""
    row = rest[: len(rest) - len(rest.lstrip("#"))]
    if len(row) <= 6 and rest[len(row) : len(row) + 1] in {"", " "}:
        return rest
    return row.translate(STAND_IN) + rest[len(row) :]
