"""What two texts have in common, in time that hostile texts cannot stretch.

Lines that each text has once tie them together (patience); what lies between is left to difflib,
as long as that is cheap. Beyond, a passage counts as rewritten.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher

EFFORT = 100_000
"""Pairs of equal lines that difflib may look at in one text; its time grows with them."""

Lines = Sequence[str]
Span = tuple[int, int, int]
"""Where a passage begins in one text, where in the other, and how many lines are equal."""


def equal_spans(one: Lines, other: Lines) -> list[Span]:
    """The passages two texts have in common, in order; (len(one), len(other), 0) ends the list."""
    spans: list[Span] = []
    left = EFFORT
    i = j = 0
    for at, there in [*_anchors(one, other), (len(one), len(other))]:
        before, after = one[i:at], other[j:there]
        found, cost = _between(before, after, left)
        left -= cost
        for a, b, size in [*((i + a, j + b, n) for a, b, n in found), (at, there, 1)]:
            if spans and spans[-1][0] + spans[-1][2] == a and spans[-1][1] + spans[-1][2] == b:
                spans[-1] = (spans[-1][0], spans[-1][1], spans[-1][2] + size)
            else:
                spans.append((a, b, size))
        i, j = at + 1, there + 1
    return _ended(spans, len(one), len(other))


def _ended(spans: list[Span], length: int, other: int) -> list[Span]:
    """The last anchor stands after both texts: it is no line, but the end."""
    a, b, size = spans[-1]
    shorter = [*spans[:-1], (a, b, size - 1)] if size > 1 else spans[:-1]
    return [*shorter, (length, other, 0)]


def _anchors(one: Lines, other: Lines) -> list[tuple[int, int]]:
    """Lines that both texts have exactly once, as many as stand in the same order in both."""
    once, there = _positions(one), _positions(other)
    pairs = [(at, there[line]) for line, at in once.items() if line in there]
    tops: list[int] = []
    chains: list[tuple[int, int, int]] = []
    ends: list[int] = []
    for at, other_at in pairs:
        place = bisect_left(tops, other_at)
        chains.append((at, other_at, ends[place - 1] if place else -1))
        tops[place : place + 1] = [other_at]
        ends[place : place + 1] = [len(chains) - 1]
    found: list[tuple[int, int]] = []
    link = ends[-1] if ends else -1
    while link >= 0:
        at, other_at, link = chains[link]
        found.append((at, other_at))
    return found[::-1]


def _positions(lines: Lines) -> dict[str, int]:
    """Where each line stands that there is only once, in order."""
    count = Counter(lines)
    return {line: at for at, line in enumerate(lines) if count[line] == 1}


def _between(one: Lines, other: Lines, left: int) -> tuple[list[Span], int]:
    """The equal passages between two anchors, and what it cost to find them."""
    start = _same_start(one, other)
    one, other = one[start:], other[start:]
    end = _same_start(one[::-1], other[::-1])
    one, other = one[: len(one) - end], other[: len(other) - end]
    spans: list[Span] = [(0, 0, start)] if start else []
    cost = effort(one, other)
    if 0 < cost <= left:
        spans += [(a + start, b + start, size) for a, b, size in _blocks(one, other)]
    if end:
        spans.append((start + len(one), start + len(other), end))
    return spans, cost if cost <= left else 0


def _blocks(one: Lines, other: Lines) -> Iterator[Span]:
    for block in SequenceMatcher(None, one, other, autojunk=False).get_matching_blocks():
        if block.size:
            yield block.a, block.b, block.size


def _same_start(one: Lines, other: Lines) -> int:
    same = 0
    for left, right in zip(one, other, strict=False):
        if left != right:
            break
        same += 1
    return same


def effort(one: Lines, other: Lines) -> int:
    """How many pairs of equal parts there are: what difflib's time grows with."""
    there = Counter(other)
    return sum(there[line] for line in one)
