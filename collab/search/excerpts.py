"""The passage of a text that answers a question, with the words found marked."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from html import escape
from itertools import islice

from collab.search.french import WORD, Word, stem

WIDTH = 240
"""Characters of an excerpt, about three lines on a phone."""
LEAD = 60
"""Characters before the first word found."""
LOOKED_AT = 20_000
"""Characters of a text in which a passage is looked for."""
ENOUGH = 30
"""Words found after which no better passage is looked for."""


def marked(text: str, stems: AbstractSet[str]) -> str:
    """`text` as HTML, escaped, with the words of these stems within <mark>."""
    return _mark(text, 0, len(text), _found(text, stems))


def excerpt(text: str, stems: AbstractSet[str]) -> str:
    """The best WIDTH characters of `text` as HTML: most of the stems, then most of the words."""
    found = _found(text[:LOOKED_AT], stems)
    start = _best(found)
    begin = _word_start(text, max(start - LEAD, 0))
    end = _word_end(text, begin + WIDTH)
    html = _mark(text, begin, end, found)
    before = "… " if begin > 0 else ""
    after = " …" if end < len(text.rstrip()) else ""
    return f"{before}{html.strip()}{after}"


def _found(text: str, stems: AbstractSet[str]) -> list[Word]:
    """The first ENOUGH words of these stems."""
    found = (
        Word(match.start(1), match.end(1), root)
        for match in WORD.finditer(text)
        if (root := stem(match[1])) in stems
    )
    return list(islice(found, ENOUGH))


def _best(found: list[Word]) -> int:
    """Where the passage with the most different stems begins; the first of equals."""
    best, start = (0, 0), 0
    for n, first in enumerate(found):
        near = [w for w in found[n : n + 20] if w.end <= first.start + WIDTH - LEAD]
        worth = (len({w.stem for w in near}), len(near))
        if worth > best:
            best, start = worth, first.start
    return start


def _word_start(text: str, at: int) -> int:
    """The first start of a word at or after `at`, unless it is far."""
    if at == 0:
        return 0
    blank = next((n for n in range(at - 1, min(at + 20, len(text))) if text[n].isspace()), None)
    return at if blank is None else blank + 1


def _word_end(text: str, at: int) -> int:
    """The last end of a word at or before `at`, unless it is far."""
    if at >= len(text):
        return len(text)
    blank = next((n for n in range(at, max(at - 20, 0), -1) if text[n].isspace()), None)
    return at if blank is None else blank


def _mark(text: str, begin: int, end: int, found: list[Word]) -> str:
    out: list[str] = []
    at = begin
    for word in found:
        if begin <= word.start and word.end <= end:
            out.append(escape(text[at : word.start]))
            out.append(f"<mark>{escape(text[word.start : word.end])}</mark>")
            at = word.end
    out.append(escape(text[at:end]))
    return "".join(out)
