"""Figures to be drawn: how far each value reaches, worked out once so that templates only draw.

A chart is never alone: the template puts its table and a sentence next to it (RGAA 1.6, R-10).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from string import ascii_uppercase

PLACES = 2


@dataclass(frozen=True)
class Mark:
    """One value, and its place in the drawing. Lengths are percents of the whole drawing."""

    key: str
    """A letter that links a part of the drawing with its line in the table."""
    label: str
    value: float
    reach: float
    """How long it is beside the greatest one."""
    share: float
    """What part of all of them it is."""
    start: float
    """Where its part begins when they stand in one row."""
    across: float
    """Where it stands when they are read from one side to the other."""


def marks(rows: Sequence[tuple[str, float]]) -> list[Mark]:
    """Place the values of `rows` (label, value). What is below nothing is drawn as nothing."""
    drawn = [max(float(value), 0.0) for _, value in rows]
    most, whole = max(drawn, default=0.0), sum(drawn)
    step = 100 / max(len(rows) - 1, 1)
    return [
        Mark(
            key=ascii_uppercase[number % len(ascii_uppercase)],
            label=label,
            value=value,
            reach=_percent(drawn[number], most),
            share=_percent(drawn[number], whole),
            start=_percent(sum(drawn[:number]), whole),
            across=round(number * step, PLACES),
        )
        for number, (label, value) in enumerate(rows)
    ]


def _percent(part: float, whole: float) -> float:
    return round(100 * part / whole, PLACES) if whole else 0.0
