"""Rewrite any text with tags so that they are well nested and not deep; no tag is trusted yet.

HTML parsers reopen formatting that was not closed in every following block: n unclosed <b> and
m paragraphs make n x m elements. What leaves here closes all it opens, FORMATTING_DEPTH at most.
Time is linear in the length of the text.
"""

from __future__ import annotations

import re
from collections.abc import Set as AbstractSet


def names(listed: str) -> frozenset[str]:
    """The element names in a list separated by blanks."""
    return frozenset(listed.split())


DEPTH = 60
FORMATTING_DEPTH = 10
FORMATTING = names("a b big code em font i nobr s small strike strong tt u")
VOID = frozenset({"br", "hr", "img"})
ENDS_ITSELF = names("dd dt li p td th tr tbody thead tfoot")
"""Their end tag may be left out: the next one of the same name ends them."""
ENDS_PARAGRAPH = names("blockquote details div dl figure h1 h2 h3 h4 h5 h6 hr ol p pre table ul")
RAW = re.compile(
    r"<(script|style|template|textarea|title|xmp|noembed|noframes|noscript|svg|math|object)\b",
    re.I,
)
ATTRIBUTE_PATTERN = r"[^\s\"'<>/=]++(?:\s*+=\s*+(?:\"[^\"]*+\"|'[^']*+'|[^\s\"'=<>`]++))?+"
TOKEN = re.compile(
    r"<!--.*?(?:-->|\Z)|<[!?][^>]*>?|"
    rf"<(/?)([a-zA-Z][a-zA-Z0-9]*+)((?>[\s/]++|{ATTRIBUTE_PATTERN})*+)>|<",
    re.S,
)
ATTRIBUTE = re.compile(
    r"([^\s\"'<>/=]++)(?:\s*+=\s*+(?:\"([^\"]*+)\"|'([^']*+)'|([^\s\"'=<>`]++)))?+"
)


def well_nested(html: str, tags: AbstractSet[str]) -> str:
    """`html` with only `tags`, every one closed, at most DEPTH deep; all text is kept."""
    return _Nesting(tags).run(_without_raw(html))


def _without_raw(html: str) -> str:
    """Leave out elements whose content is not text for people, from first tag to last."""
    kept: list[str] = []
    at = 0
    while match := RAW.search(html, at):
        kept.append(html[at : match.start()])
        end = re.compile(rf"</{match[1]}\s*>", re.I).search(html, match.end())
        if end is None:
            return "".join(kept)
        at = end.end()
    kept.append(html[at:])
    return "".join(kept)


class _Nesting:
    def __init__(self, tags: AbstractSet[str]) -> None:
        self._tags = tags
        self._open: list[str] = []
        self._formatting = 0
        self._left_out: dict[str, int] = {}
        self._out: list[str] = []

    def run(self, html: str) -> str:
        at = 0
        for match in TOKEN.finditer(html):
            if at < match.start():
                self._out.append(html[at : match.start()])
            at = match.end()
            if match[2]:
                self._tag(match[2].lower(), match[3], closing=bool(match[1]))
            elif match[0] == "<":
                self._out.append("&lt;")
        self._out.append(html[at:])
        while self._open:
            self._close_last()
        return "".join(self._out)

    def _tag(self, name: str, attributes: str, *, closing: bool) -> None:
        if name not in self._tags:
            return
        if closing:
            self._end(name)
        elif name in VOID:
            self._end_paragraph(name)
            self._out.append(f"<{name}{_attributes(attributes)}>")
        else:
            self._begin(name, attributes)

    def _begin(self, name: str, attributes: str) -> None:
        self._end_paragraph(name)
        if name in ENDS_ITSELF and self._open and self._open[-1] == name:
            self._close_last()
        formatting = name in FORMATTING
        too_deep = formatting and self._formatting >= FORMATTING_DEPTH
        if too_deep or len(self._open) >= DEPTH:
            self._left_out[name] = self._left_out.get(name, 0) + 1
            return
        self._open.append(name)
        self._formatting += formatting
        self._out.append(f"<{name}{_attributes(attributes)}>")

    def _end(self, name: str) -> None:
        if self._left_out.get(name):
            self._left_out[name] -= 1
        elif name in self._open:
            while self._close_last() != name:
                pass

    def _end_paragraph(self, name: str) -> None:
        if name in ENDS_PARAGRAPH and self._open and self._open[-1] == "p":
            if self._out[-1] == "<p>":
                self._out.pop()
                self._open.pop()
            else:
                self._close_last()

    def _close_last(self) -> str:
        name = self._open.pop()
        self._formatting -= name in FORMATTING
        self._out.append(f"</{name}>")
        return name


def _attributes(text: str) -> str:
    written = (
        (name.lower(), quoted or single or bare)
        for name, quoted, single, bare in ATTRIBUTE.findall(text)
    )
    return "".join(f' {name}="{_quoted(value)}"' for name, value in written)


def _quoted(value: str) -> str:
    """A value for double quotes. Its entities stay: the parser that follows reads them."""
    return value.replace('"', "&quot;")
