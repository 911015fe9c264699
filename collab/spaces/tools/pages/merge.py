"""Three texts into one: what two people changed since they both had the same text.

Line by line, as diff3 does. Where both changed the same lines differently, the
merge keeps both, marked in words; no line of either side is ever lost.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from collab.spaces.tools.pages.spans import Lines, equal_spans

THEIRS = "<<<<<<< Texte enregistré entre-temps"
BETWEEN = "======="
MINE = ">>>>>>> Votre texte"
"""The lines that mark a passage to be chosen."""


@dataclass(frozen=True)
class Passage:
    """A part of the merge. `lines` unless it is a clash, which has `theirs` and `mine`."""

    lines: tuple[str, ...] = ()
    theirs: tuple[str, ...] = ()
    mine: tuple[str, ...] = ()
    clash: bool = False


@dataclass(frozen=True)
class Merge:
    """What came of it. `text` holds marks where `clashes` is not 0."""

    text: str
    clashes: int


def merge(base: str, theirs: str, mine: str) -> Merge:
    """Bring the changes from `base` to `theirs` and from `base` to `mine` together."""
    if theirs in (mine, base):
        return Merge(mine, 0)
    if base == mine:
        return Merge(theirs, 0)
    passages = list(_passages(base.split("\n"), theirs.split("\n"), mine.split("\n")))
    lines: list[str] = []
    for passage in passages:
        lines += _marked(passage) if passage.clash else passage.lines
    return Merge("\n".join(lines), sum(p.clash for p in passages))


def merge_word(base: str, theirs: str, mine: str) -> str | None:
    """The same for a text that is taken whole, such as a title; None when both changed it."""
    if theirs in (mine, base):
        return mine
    return theirs if base == mine else None


def has_marks(text: str) -> bool:
    """Whether a passage of a merged text has not been chosen yet."""
    return not {THEIRS, MINE}.isdisjoint(text.split("\n"))


def _passages(base: Lines, theirs: Lines, mine: Lines) -> Iterator[Passage]:
    """Common passages and what lies between them, in order."""
    b = t = m = 0
    for at_base, at_theirs, at_mine, size in _common(base, theirs, mine):
        between = _between(base[b:at_base], theirs[t:at_theirs], mine[m:at_mine])
        if between:
            yield between
        if size:
            yield Passage(tuple(base[at_base : at_base + size]))
        b, t, m = at_base + size, at_theirs + size, at_mine + size


def _common(base: Lines, theirs: Lines, mine: Lines) -> Iterator[tuple[int, int, int, int]]:
    """Passages of `base` that both others still have: where in each of the three, how long."""
    one, other = equal_spans(base, theirs), equal_spans(base, mine)
    i = j = 0
    while i < len(one) and j < len(other):
        (b1, t, n1), (b2, m, n2) = one[i], other[j]
        start, end = max(b1, b2), min(b1 + n1, b2 + n2)
        if start < end:
            yield start, t + start - b1, m + start - b2, end - start
        if b1 + n1 < b2 + n2:
            i += 1
        else:
            j += 1
    yield len(base), len(theirs), len(mine), 0


def _between(base: Lines, theirs: Lines, mine: Lines) -> Passage | None:
    """What lies between two common passages: one side's change, or a clash."""
    b, t, m = tuple(base), tuple(theirs), tuple(mine)
    if t in (m, b):
        return Passage(m) if m else None
    if b == m:
        return Passage(t) if t else None
    return Passage(theirs=t, mine=m, clash=True)


def _marked(passage: Passage) -> tuple[str, ...]:
    return (THEIRS, *passage.theirs, BETWEEN, *passage.mine, MINE)
