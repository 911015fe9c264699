"""Small pictures drawn on the server, as numbers for an SVG; each has its table beside it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from collab.web.lengths import delay

HOURS = 24
WIDTH, HEIGHT = 480, 132
LEFT, TOP, BOTTOM = 56, 8, 22
"""Room for what stands beside and below the bars."""
MARKS = (10, 100, 1_000, 10_000, 60_000, 600_000, 3_600_000, 36_000_000, 864_000_000)
"""Milliseconds at which a line may be drawn across."""
LEAST_TOP = 1_000


@dataclass(frozen=True)
class Bar:
    """One hour: where it stands, how high its half is, and where 95 of 100 are."""

    x: float
    width: float
    half: float
    """Top of the bar; its foot is `Plot.foot`."""
    most: float
    """Height at which the line of 95 of 100 stands."""
    at: datetime
    delay: Any


@dataclass(frozen=True)
class Plot:
    """A day of delays. Heights are logarithmic: a step up is ten times as long."""

    bars: tuple[Bar, ...]
    lines: tuple[tuple[float, str], ...]
    """(height, words) of the lines across."""
    hours: tuple[tuple[float, datetime], ...]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    foot: int = HEIGHT - BOTTOM


def plot(day: Any, at: datetime) -> Plot:
    """Draw `federation.delays.Day` as it stands at that instant."""
    highest = max([one.p95_ms for _, one in day.hours] + [LEAST_TOP])
    marks = [mark for mark in MARKS if mark < highest]
    marks.append(next((mark for mark in MARKS if mark >= highest), highest))
    first = at.replace(minute=0, second=0, microsecond=0) - timedelta(hours=HOURS - 1)
    step = (WIDTH - LEFT) / HOURS

    def height(milliseconds: float) -> float:
        part = math.log(max(milliseconds, MARKS[0]) / MARKS[0]) / math.log(marks[-1] / MARKS[0])
        return round(HEIGHT - BOTTOM - part * (HEIGHT - BOTTOM - TOP), 1)

    def bars() -> Iterator[Bar]:
        for hour, one in day.hours:
            x = LEFT + step * ((hour - first).total_seconds() / 3600)
            most = min(height(one.p95_ms), height(one.median_ms))
            half = min(height(one.median_ms), HEIGHT - BOTTOM - 2)
            if x >= LEFT:
                yield Bar(round(x + step * 0.15, 1), round(step * 0.7, 1), half, most, hour, one)

    return Plot(
        bars=tuple(bars()),
        lines=tuple((height(mark), delay(mark)) for mark in marks),
        hours=tuple(
            (round(LEFT + step * (n + 0.5), 1), first + timedelta(hours=n))
            for n in range(0, HOURS, 6)
        ),
    )
