"""Entries of a remote log that had no effect on our copy: which, why, when they are tried again.

The host's digest cannot show them: it counts what its log says. So each is written down beside the
log, counted against the copy's completeness, and tried again until it has its effect (4.5).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from collab.federation.models import Unapplied

FIRST_WAIT = timedelta(minutes=1)
LONGEST_WAIT = timedelta(hours=6)
MOST_SHOWN = 50
MOST_EACH = 5
"""Entries of one space that are tried again in one step."""


@dataclass(frozen=True)
class Failed:
    """Why an entry had no effect. `why`: `proof` (its author's word is not proved), `author` (who
    wrote it is not known here), `refused` (our rules do not let it in), `odd` (not understood)."""

    why: str
    detail: str

    def __str__(self) -> str:
        return f"{self.why}: {self.detail}"


def remember(
    session: Session, space_id: int, seq: int, activity_id: str, failed: Failed, at: datetime
) -> None:
    """Write down that an entry had no effect, or that trying it again was no use either."""
    row = session.get(Unapplied, (space_id, seq))
    if row is None:
        row = Unapplied(space_id=space_id, seq=seq, activity_id=activity_id, tries=0, since=at)
        session.add(row)
    row.why, row.detail, row.tries = failed.why, failed.detail[:500], row.tries + 1
    row.next_at = at + min(FIRST_WAIT * 4 ** min(row.tries - 1, 8), LONGEST_WAIT)


def settle(session: Session, space_id: int, seq: int) -> None:
    """It has had its effect."""
    of_it = Unapplied.space_id == space_id, Unapplied.seq == seq
    session.execute(delete(Unapplied).where(*of_it))


def count_unapplied(session: Session, space_id: int) -> int:
    """How many entries of a copy have had no effect."""
    counted = select(func.count(Unapplied.seq)).where(Unapplied.space_id == space_id)
    return session.scalar(counted) or 0


def unapplied(session: Session, space_id: int) -> Sequence[Unapplied]:
    """The first MOST_SHOWN of them, in the order of the log."""
    rows = select(Unapplied).where(Unapplied.space_id == space_id).order_by(Unapplied.seq)
    return session.scalars(rows.limit(MOST_SHOWN)).all()


def due(session: Session, at: datetime, most: int) -> list[tuple[int, int]]:
    """Those to try again now: (space, number).

    A few of each space, so that none starves the others; who has waited for longest comes first,
    and those of one space in the order of their log.
    """
    nth = func.row_number().over(
        partition_by=Unapplied.space_id, order_by=(Unapplied.next_at, Unapplied.seq)
    )
    ready = (
        select(Unapplied.space_id, Unapplied.seq, Unapplied.next_at, nth.label("nth"))
        .where(Unapplied.next_at <= at)
        .subquery()
    )
    rows = session.execute(
        select(ready.c.space_id, ready.c.seq)
        .where(ready.c.nth <= MOST_EACH)
        .order_by(ready.c.next_at, ready.c.space_id, ready.c.seq)
        .limit(most)
    ).all()
    turns = list(dict.fromkeys(row[0] for row in rows))
    return sorted(((row[0], row[1]) for row in rows), key=lambda at: (turns.index(at[0]), at[1]))
