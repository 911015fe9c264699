"""Two versions of a text side by side, line by line, with the words that changed marked."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import zip_longest
from typing import Literal

from markupsafe import Markup, escape

from collab.spaces.tools.pages.merge import equal_spans

WORDS = re.compile(r"\w+|\s+|[^\w\s]")
LONGEST_LINE = 1500
"""Characters of a line whose words are compared; a longer one counts as changed whole."""
NOTHING = Markup()
AROUND = 3
"""Lines that did not change, shown before and after those that did."""


@dataclass(frozen=True)
class Row:
    """One line of the comparison; `left` and `right` are safe HTML. `skipped` lines stand in it."""

    kind: Literal["same", "changed", "added", "removed"]
    left: Markup = NOTHING
    right: Markup = NOTHING
    skipped: int = 0


def side_by_side(before: str, after: str) -> list[Row]:
    """The lines of both texts next to each other; long stretches that are the same are left out."""
    rows: list[Row] = []
    old, new = before.split("\n"), after.split("\n")
    i = j = 0
    for at_old, at_new, size in equal_spans(old, new):
        rows += _changed(old[i:at_old], new[j:at_new])
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


def _changed(old: Sequence[str], new: Sequence[str]) -> Iterator[Row]:
    for left, right in zip_longest(old, new):
        if left is None:
            yield Row("added", right=Markup("<ins>{}</ins>").format(right))
        elif right is None:
            yield Row("removed", left=Markup("<del>{}</del>").format(left))
        else:
            yield Row("changed", *_words(left, right))


def _words(left: str, right: str) -> tuple[Markup, Markup]:
    """Both lines, with the words only one of them has in <del> and <ins>."""
    if max(len(left), len(right)) > LONGEST_LINE:
        return Markup("<del>{}</del>").format(left), Markup("<ins>{}</ins>").format(right)
    old, new = WORDS.findall(left), WORDS.findall(right)
    before, after = NOTHING, NOTHING
    for tag, i, k, j, m in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        gone, come = "".join(old[i:k]), "".join(new[j:m])
        if tag == "equal":
            before, after = before + gone, after + come
            continue
        before += Markup("<del>{}</del>").format(gone) if gone else ""
        after += Markup("<ins>{}</ins>").format(come) if come else ""
    return before, after
