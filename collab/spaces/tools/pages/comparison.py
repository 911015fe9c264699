"""Two versions of a text side by side, line by line, with the words that changed marked."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import zip_longest
from typing import Literal

from markupsafe import Markup, escape

from collab.spaces.tools.pages.spans import effort, equal_spans

WORDS = re.compile(r"\w+|\s+|[^\w\s]")
LONGEST_LINE = 3000
"""Characters of a line whose words are compared; a longer one counts as changed whole."""
WORD_EFFORT = 1_000_000
"""Pairs of equal words that are looked at for one page; then lines are compared whole."""
MOST_ROWS = 2000
"""Rows of one page; what follows is not shown."""
NOTHING = Markup()
AROUND = 3
"""Lines that did not change, shown before and after those that did."""


@dataclass(frozen=True)
class Row:
    """One line of the comparison; `left` and `right` are safe HTML.

    `skipped`: it stands for so many lines that are the same; `cut`: for all that follows.
    """

    kind: Literal["same", "changed", "added", "removed"]
    left: Markup = NOTHING
    right: Markup = NOTHING
    skipped: int = 0
    cut: bool = False

    def saying(self, words: Callable[[int], str]) -> Row:
        """The row with words in place of the lines left out; `words(0)`: all that follows."""
        if not self.skipped and not self.cut:
            return self
        return Row("same", left=escape(words(self.skipped)))


def side_by_side(before: str, after: str) -> list[Row]:
    """The lines of both texts next to each other; long stretches that are the same are left out."""
    rows: list[Row] = []
    old, new = before.split("\n"), after.split("\n")
    left = WORD_EFFORT
    i = j = 0
    for at_old, at_new, size in equal_spans(old, new):
        for one, other in zip_longest(old[i:at_old], new[j:at_new]):
            row, cost = _changed(one, other, left)
            left -= cost
            rows.append(row)
            if len(rows) >= MOST_ROWS:
                return [*rows, Row("same", cut=True)]
        first, last = at_old == 0, at_old + size == len(old)
        rows += _same(old[at_old : at_old + size], first=first, last=last)
        i, j = at_old + size, at_new + size
    return rows


def _same(lines: Sequence[str], *, first: bool, last: bool) -> Iterator[Row]:
    head, tail = 0 if first else AROUND, 0 if last else AROUND
    hidden = len(lines) - head - tail
    for number, line in enumerate(lines):
        if hidden <= 1 or number < head or number >= len(lines) - tail:
            yield Row("same", escape(line), escape(line))
        elif number == head:
            yield Row("same", skipped=hidden)


def _changed(left: str | None, right: str | None, budget: int) -> tuple[Row, int]:
    """A line that changed, and how many pairs of words were looked at for it."""
    if left is None:
        return Row("added", right=_mark("ins", right or "")), 0
    if right is None:
        return Row("removed", left=_mark("del", left)), 0
    old, new = WORDS.findall(left[:LONGEST_LINE]), WORDS.findall(right[:LONGEST_LINE])
    cost = effort(old, new)
    if cost > budget or max(len(left), len(right)) > LONGEST_LINE:
        return Row("changed", _mark("del", left), _mark("ins", right)), 0
    return Row("changed", *_words(old, new)), cost


def _words(old: Sequence[str], new: Sequence[str]) -> tuple[Markup, Markup]:
    """Both lines, with the words only one of them has in <del> and <ins>."""
    before, after = NOTHING, NOTHING
    for tag, i, k, j, m in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        gone, come = "".join(old[i:k]), "".join(new[j:m])
        if tag == "equal":
            before, after = before + gone, after + come
            continue
        before += _mark("del", gone) if gone else ""
        after += _mark("ins", come) if come else ""
    return before, after


def _mark(tag: Literal["ins", "del"], text: str) -> Markup:
    return Markup("<{0}>{1}</{0}>").format(Markup(tag), text)  # noqa: S704 - one of two words
