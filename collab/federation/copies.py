"""Where a project's copies stand: who has one, how far behind, whom it does not go to and why."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from collab.federation.delays import Day, day_of, days_of
from collab.federation.lanes import state_of
from collab.federation.log import head_seq
from collab.federation.models import Subscriber
from collab.federation.peerhealth import REFUSES_AT
from collab.people.models import Peer, PeerState
from collab.spaces.models import Space

MOST = 500
"""Hosts that are read for one page; more are not shown."""


@dataclass(frozen=True)
class Copy:
    """One instance that holds a copy of a project of ours."""

    host: str
    name: str
    seq: int
    """The last entry it has confirmed."""
    behind: int
    """Entries it lacks."""
    state: str
    """Of sending to it: `ok`, `retrying`, `open`, `dead`, `paused`, `blocked`, `limited`."""
    live: bool
    """A stream to it is open: what happens here is there at once."""
    confirmed_at: datetime | None
    lag_ms: float | None
    """From an entry's acceptance here to its confirmation there, the last time."""
    day: Day | None
    """The same in the last 24 hours; None when nothing was confirmed."""
    failing_since: datetime | None
    next_try: datetime | None


@dataclass(frozen=True)
class Kept:
    """An instance that gets no copy. `why`: `blocked`, `limited`, `refuses` (it does not want
    one), `ended` (it has no right to one any more, or is not there); `words` of our
    administrators, "" when they gave none."""

    host: str
    why: str
    words: str


def copies_of(session: Session, space: Space, at: datetime) -> list[Copy]:
    """The mirrors of a project of ours, by host."""
    last = head_seq(session, space.id)
    rows = session.execute(
        select(Subscriber, Peer)
        .outerjoin(Peer, Peer.host == Subscriber.host)
        .where(
            Subscriber.space_id == space.id,
            Subscriber.reach == "mirror",
            Subscriber.state == "active",
        )
        .order_by(Subscriber.host)
        .limit(MOST)
    ).all()
    days = days_of(session, [row.id for row, _peer in rows], at)
    return [_copy(row, peer, last, at, days.get(row.id)) for row, peer in rows]


def whole_day(session: Session, space: Space, at: datetime) -> Day | None:
    """How long entries took to all mirrors of a project of ours, in the last 24 hours."""
    ids = session.scalars(_mirrors(space).limit(MOST)).all()
    return day_of(session, ids, at)


def _mirrors(space: Space) -> Select[int]:
    return select(Subscriber.id).where(
        Subscriber.space_id == space.id,
        Subscriber.reach == "mirror",
        Subscriber.state == "active",
    )


def _copy(row: Subscriber, peer: Peer | None, last: int, at: datetime, day: Day | None) -> Copy:
    return Copy(
        host=row.host,
        name=peer.name if peer else "",
        seq=row.cursor,
        behind=max(last - row.cursor, 0),
        state=state_of(peer) if peer else "ok",
        live=row.streaming_until is not None and row.streaming_until > at,
        confirmed_at=row.confirmed_at,
        lag_ms=row.lag_ms,
        day=day,
        failing_since=peer.first_fail_at if peer else None,
        next_try=peer.next_try_at if peer else None,
    )


def kept_from(session: Session, space: Space) -> list[Kept]:
    """The instances a project of ours does not go to: our decisions first, then theirs."""
    decided = session.scalars(
        select(Peer)
        .where(Peer.state.in_([PeerState.BLOCKED, PeerState.LIMITED]))
        .order_by(Peer.state, Peer.host)
        .limit(MOST)
    ).all()
    told = [Kept(peer.host, peer.state, peer.reason) for peer in decided]
    known = {one.host for one in told}
    rows = session.execute(
        select(Subscriber.host, Subscriber.state, Peer.refusals)
        .outerjoin(Peer, Peer.host == Subscriber.host)
        .where(Subscriber.space_id == space.id, Subscriber.reach == "mirror")
        .order_by(Subscriber.host)
        .limit(MOST)
    )
    for host, state, refusals in rows:
        if host in known or (state == "active" and (refusals or 0) < REFUSES_AT):
            continue
        told.append(Kept(host, "refuses" if (refusals or 0) >= REFUSES_AT else "ended", ""))
    return told
