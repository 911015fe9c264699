"""« Vouliez-vous dire »: the nearest word that stands in a text the reader may see."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from heapq import nsmallest

from collab.core.letters import fold
from collab.search.french import LONGEST, WORD, spellings, stem

NEAREST = 8
"""Candidates that are looked up in the index for one word."""
LONG_WORD = 6
"""Letters from which on a word may differ in two places."""


def nearest(word: str, candidates: Iterable[str]) -> list[str]:
    """The candidates that could be meant by a folded word, the nearest first."""
    allowed = 2 if len(word) >= LONG_WORD else 1
    near = (
        (apart, abs(len(c) - len(word)), c)
        for c in candidates
        if abs(len(c) - len(word)) <= allowed
        and 0 < (apart := distance(word, c, allowed)) <= allowed
    )
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

    `is_known(stem)`: some visible text has it. `lexicon(letter)`: folded words beginning so, of
    all texts. `text_with(word)`: a visible text with that folded word.
    """
    better = words
    for word in written:
        folded = fold(word)
        if len(folded) > LONGEST or not spellings(word) or is_known(stem(word)):
            continue
        for candidate in nearest(folded, lexicon(folded[0])):
            text = text_with(candidate)
            if text is not None:
                better = _exchange(better, word, _as_written(text, candidate))
                break
    return better if better != words else None


def _exchange(words: str, one: str, other: str) -> str:
    return re.sub(rf"(?<!\w){re.escape(one)}(?!\w)", other, words)


def _as_written(text: str, folded: str) -> str:
    """How a text spells a folded word, in lower case."""
    spelled = (w for w, _ in WORD.findall(text) if len(w) <= len(folded) and fold(w) == folded)
    return next(spelled, folded).lower()
