"""The passage of a text that answers a question, with the words found marked."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from html import escape

from collab.search.french import Word, words

WIDTH = 240
"""Characters of an excerpt, about three lines on a phone."""
LEAD = 60
"""Characters before the first word found."""
LOOKED_AT = 60_000
"""Characters of a text in which a passage is looked for."""
ENOUGH = 200
"""Words found after which no better passage is looked for."""


def marked(text: str, stems: AbstractSet[str]) -> str:
    """`text` as HTML, escaped, with the words of these stems within <mark>."""
    return _mark(text, 0, len(text), [w for w in words(text) if w.stem in stems])


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
    found: list[Word] = []
    if stems:
        for word in words(text):
            if word.stem in stems:
                found.append(word)
                if len(found) >= ENOUGH:
                    break
    return found


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
