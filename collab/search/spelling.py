"""« Vouliez-vous dire »: the nearest word that stands in a text the reader may see."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from heapq import nsmallest

from collab.core.letters import fold
from collab.search.french import WORD, stem

NEAREST = 8
"""Candidates that are looked up in the index for one word."""
LONG_WORD = 6
"""Letters from which on a stem may differ in two places."""
SHORTEST = 3
SPELLED_BY = 5
"""Texts that are asked how they spell a word."""


def nearest(root: str, candidates: Iterable[str]) -> list[str]:
    """The stems that could be meant by an unknown one, the nearest first."""
    allowed = 2 if len(root) >= LONG_WORD else 1
    near = {
        (apart, abs(len(c) - len(root)), c)
        for c in candidates
        if abs(len(c) - len(root)) <= allowed
        and 0 < (apart := distance(root, c, allowed)) <= allowed
    }
    return [c for _, _, c in nsmallest(NEAREST, near)]


def distance(one: str, other: str, most: int) -> int:
    """How many letters are missing, extra, other or swapped; `most` + 1 when there are more."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for n, letter in enumerate(one, 1):
        earlier, before, row = before, row, [n]
        for m, wanted in enumerate(other, 1):
            cost = min(before[m] + 1, row[m - 1] + 1, before[m - 1] + (letter != wanted))
            swapped = n > 1 and m > 1 and letter == other[m - 2] and one[n - 2] == wanted
            row.append(min(cost, earlier[m - 2] + 1) if swapped else cost)
        if min(row) > most:
            return most + 1
    return row[-1]


def suggest(
    words: str,
    written: Sequence[str],
    *,
    is_known: Callable[[str], bool],
    lexicon: Callable[[str], Iterable[str]],
    text_with: Callable[[str], str | None],
) -> str | None:
    """The question with its unknown words spelled as in a visible text; None if that is no help.

    `is_known(stem)`: some visible text has it. `lexicon(letter)`: the stems that begin so, of all
    texts. `text_with(stem)`: some visible texts that have it (SPELLED_BY at most).
    """
    better = words
    for word in written:
        root = stem(word)
        if len(root) < SHORTEST or is_known(root):
            continue
        for candidate in nearest(root, lexicon(root[0])):
            text = text_with(candidate)
            if text is not None:
                better = _exchange(better, word, _as_written(text, candidate, word))
                break
    return better if better != words else None


def _exchange(words: str, one: str, other: str) -> str:
    return re.sub(rf"(?<!\w){re.escape(one)}(?!\w)", lambda match: other, words)


def _as_written(text: str, root: str, word: str) -> str:
    """The word of a text with that stem that is the most like `word`, in lower case."""
    meant = fold(word)
    spelled = {w.lower() for w, _ in WORD.findall(text) if stem(w) == root}
    return min(sorted(spelled), key=lambda w: distance(meant, fold(w), len(meant)), default=root)
