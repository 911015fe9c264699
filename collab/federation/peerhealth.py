"""How well another instance answers, and when to try it again (FEDERATION.md 4.3)."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from collab.people.models import Peer, PeerState

FIRST_WAIT = timedelta(seconds=5)
LONGEST_WAIT = timedelta(hours=12)


def peer_of(session: Session, host: str, at: datetime) -> Peer:
    """The row of a host, made when it is met for the first time."""
    row = session.get(Peer, host)
    if row is None:
        row = Peer(host=host, created_at=at)
        session.add(row)
        session.flush()
    return row


def answered(session: Session, host: str, at: datetime) -> None:
    """The host answered, or wrote to us: it is well, whatever it was before."""
    row = peer_of(session, host, at)
    row.fail_count, row.first_fail_at, row.next_try_at, row.last_error = 0, None, None, ""
    row.last_ok_at = at


def failed(
    session: Session, host: str, at: datetime, reason: str, wait: timedelta | None = None
) -> None:
    """The host did not answer: everything for it waits, longer each time, up to 12 hours.

    `wait` overrides the wait, when the host itself said how long (`Retry-After`).
    """
    row = peer_of(session, host, at)
    row.fail_count += 1
    row.first_fail_at = row.first_fail_at or at
    row.last_error = reason[:500]
    row.next_try_at = at + (wait or backoff(row.fail_count))


def backoff(failures: int) -> timedelta:
    """5 s, 10 s, 20 s ... 12 h, give or take a fifth, so that hosts do not move in step."""
    plain: timedelta = min(FIRST_WAIT * 2 ** min(failures - 1, 20), LONGEST_WAIT)
    return plain * random.uniform(0.8, 1.2)  # noqa: S311 - spreads load, keeps no secret


def resting(session: Session, host: str, at: datetime) -> bool:
    """Whether nothing may be sent to the host now: it is blocked, or it rests after failures."""
    row = session.get(Peer, host)
    if row is None:
        return False
    if row.state == PeerState.BLOCKED:
        return True
    return row.next_try_at is not None and row.next_try_at > at
