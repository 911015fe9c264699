"""How long entries take to each mirror: counted by the hour, shown as median and p95 (MS4).

From an entry's acceptance here to its mirror's confirmation, outages included. Each mirror has one
row for each of the last hours, in steps of a quarter: a bounded number of rows however much is
written, and a middle that is right to about a tenth.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from collab.federation.models import DelayHour, LogEntry, Subscriber

RATIO = 1.25
SHORTEST = 10.0
"""Milliseconds; what is quicker counts as this."""
LAST_STEP = 90
"""About two months: nothing counts as longer."""
HOURS = 24
MOST_AT_ONCE = 200
"""Entries of one confirmation that are counted: the newest."""


@dataclass(frozen=True)
class Delay:
    """Of `number` entries: what half of them took at most, and 95 of 100; milliseconds."""

    number: int
    median_ms: float
    p95_ms: float


@dataclass(frozen=True)
class Day:
    """The last 24 hours: all together, and each hour in which something was confirmed."""

    whole: Delay
    hours: tuple[tuple[datetime, Delay], ...]


def step_of(milliseconds: float) -> int:
    """The step that a delay falls in."""
    if milliseconds <= SHORTEST:
        return 0
    return min(math.ceil(math.log(milliseconds / SHORTEST, RATIO)), LAST_STEP)


def middle_of(step: int) -> float:
    """The delay that stands for a step, in milliseconds."""
    return SHORTEST if step == 0 else SHORTEST * RATIO ** (step - 0.5)


def note(session: Session, row: Subscriber, before: int, at: datetime) -> None:
    """Count the entries that a mirror has confirmed since number `before`; the caller commits.

    What was written before it began to be fed is no delay of anybody's.
    """
    entries = session.scalars(
        select(LogEntry.at)
        .where(
            LogEntry.space_id == row.space_id,
            LogEntry.epoch == row.epoch,
            LogEntry.seq > before,
            LogEntry.seq <= row.cursor,
            LogEntry.at >= row.created_at,
        )
        .order_by(LogEntry.seq.desc())
        .limit(MOST_AT_ONCE)
    ).all()
    if not entries:
        return
    took = [max((at - entry).total_seconds() * 1000, 0.0) for entry in entries]
    row.lag_ms = took[0]
    hour = at.replace(minute=0, second=0, microsecond=0)
    held = session.get(DelayHour, (row.id, hour))
    if held is None:
        held = DelayHour(subscriber_id=row.id, hour=hour, counts={})
        session.add(held)
    counts = Counter({int(step): number for step, number in held.counts.items()})
    counts.update(step_of(one) for one in took)
    held.counts = {str(step): number for step, number in sorted(counts.items())}


def days_of(session: Session, subscribers: Sequence[int], at: datetime) -> dict[int, Day]:
    """The last 24 hours of each of those mirrors, by subscriber; one query."""
    rows = _rows(session, subscribers, at)
    return {
        one: day
        for one in subscribers
        if (day := _day([row for row in rows if row.subscriber_id == one]))
    }


def day_of(session: Session, subscribers: Sequence[int], at: datetime) -> Day | None:
    """The last 24 hours of all of them together; None when nothing was confirmed."""
    return _day(_rows(session, subscribers, at))


def _rows(session: Session, subscribers: Sequence[int], at: datetime) -> Sequence[DelayHour]:
    since = at - timedelta(hours=HOURS)
    wanted = DelayHour.subscriber_id.in_(subscribers), DelayHour.hour > since
    return session.scalars(select(DelayHour).where(*wanted).order_by(DelayHour.hour)).all()


def _day(rows: Iterable[DelayHour]) -> Day | None:
    hours: dict[datetime, Counter[int]] = {}
    for row in rows:
        counts = hours.setdefault(row.hour, Counter())
        counts.update({int(step): number for step, number in row.counts.items()})
    whole: Counter[int] = Counter()
    for counts in hours.values():
        whole.update(counts)
    if not whole:
        return None
    return Day(_delay(whole), tuple((hour, _delay(counts)) for hour, counts in hours.items()))


def _delay(counts: Counter[int]) -> Delay:
    return Delay(counts.total(), _quantile(counts, 0.5), _quantile(counts, 0.95))


def _quantile(counts: Counter[int], part: float) -> float:
    wanted, seen = math.ceil(counts.total() * part), 0
    for step in sorted(counts):
        seen += counts[step]
        if seen >= wanted:
            return round(middle_of(step), 1)
    raise ValueError("a quantile of nothing")


def forget_delays(session: Session, at: datetime) -> None:
    """Delete the hours that are shown no more; the caller commits."""
    long_ago = DelayHour.hour < at - timedelta(hours=HOURS + 1)
    session.execute(delete(DelayHour).where(long_ago))
