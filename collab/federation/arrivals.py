"""Has it arrived? For things of a project: which instances have them, which wait, which refuse."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.orm import Session

from collab.core.events import EventRow
from collab.federation.halted import BLOCKED
from collab.federation.lanes import state_of
from collab.federation.models import Delivery, LogEntry, OutboxItem, Subscriber
from collab.people.models import Peer
from collab.spaces.models import Item, ItemState, Space

MOST = 500
"""Lines that are read for one thing."""
BY_AUTHOR = ("Create", "Update", "Delete", "Undo Delete")
SAID = {
    "waiting": "waiting",
    "halted": "waiting",
    "done": "received",
    "refused": "refused",
    "expired": "expired",
}


@dataclass(frozen=True)
class Tally:
    """On how many of the instances that hold a copy the newest form of a thing has arrived."""

    received: int
    of: int


@dataclass(frozen=True)
class Line:
    """How a thing stands with one instance. `state`: `received`, `waiting`, `refused`, `expired`;
    `unchanged`: received, but not the last change.

    `why` is what the instance or the network said; `paused`: our administrators let it wait.
    """

    host: str
    state: str
    at: datetime | None = None
    why: str = ""
    paused: bool = False


def tallies(session: Session, space: Space, items: Sequence[Item]) -> dict[int, Tally]:
    """By item id, for a project of ours that has copies; two queries for a whole page."""
    if not space.local or not space.federates or not items:
        return {}
    cursors = session.scalars(select(Subscriber.cursor).where(_active(space)).limit(MOST)).all()
    if not cursors:
        return {}
    seqs = _newest(session, space, [item.id for item in items])
    return {item.id: Tally(_reached(cursors, seqs.get(item.id)), len(cursors)) for item in items}


def _active(space: Space) -> ColumnElement[bool]:
    return and_(
        Subscriber.space_id == space.id,
        Subscriber.reach == "mirror",
        Subscriber.state == "active",
    )


def _reached(cursors: Sequence[int], seq: int | None) -> int:
    return 0 if seq is None else sum(cursor >= seq for cursor in cursors)


def _newest(session: Session, space: Space, ids: Sequence[int]) -> dict[int, int]:
    """The number of the newest entry of the log about each item."""
    rows = session.execute(
        select(EventRow.item_id, func.max(LogEntry.seq))
        .join(LogEntry, LogEntry.event_id == EventRow.id)
        .where(EventRow.item_id.in_(ids), LogEntry.space_id == space.id)
        .group_by(EventRow.item_id)
    )
    return {row[0]: row[1] for row in rows if row[0] is not None}


def lines_of(session: Session, space: Space, item: Item) -> list[Line]:
    """One line for each instance that is to have a thing: copies first, then all others."""
    if not space.local:
        return [_at_its_host(session, space, item)]
    told = _copies(session, space, item) if space.federates else []
    known = {line.host for line in told}
    letters = [line for line in _letters(session, item) if line.host not in known]
    return told + letters


def _copies(session: Session, space: Space, item: Item) -> list[Line]:
    seq = _newest(session, space, [item.id]).get(item.id)
    rows = session.execute(
        select(Subscriber, Peer)
        .outerjoin(Peer, Peer.host == Subscriber.host)
        .where(_active(space))
        .order_by(Subscriber.host)
        .limit(MOST)
    )
    told = []
    for row, peer in rows:
        if seq is not None and row.cursor >= seq:
            told.append(Line(row.host, "received", row.confirmed_at))
            continue
        paused = peer is not None and state_of(peer) == "paused"
        why = peer.last_error if peer is not None else ""
        told.append(Line(row.host, "waiting", peer.first_fail_at if peer else None, why, paused))
    return told


def _letters(session: Session, item: Item) -> list[Line]:
    """The newest activity about the item for each host that gets activities one by one."""
    about = and_(OutboxItem.activity_id >= f"{item.iri}#", OutboxItem.activity_id < f"{item.iri}$")
    rows = session.execute(
        select(Delivery)
        .join(OutboxItem, OutboxItem.id == Delivery.outbox_id)
        .where(about, Delivery.state.in_(list(SAID)))
        .order_by(Delivery.id.desc())
        .limit(MOST)
    ).scalars()
    newest: dict[str, Line] = {}
    for row in rows:
        held = row.state == "halted"
        newest.setdefault(row.host, Line(row.host, SAID[row.state], row.done_at, row.error, held))
    return [newest[host] for host in sorted(newest)]


def _at_its_host(session: Session, space: Space, item: Item) -> Line:
    """Something written here for a project of elsewhere."""
    if item.state == ItemState.REFUSED:
        return Line(space.host, "refused", None, item.state_reason)
    newest = _newest_letter(session, space, item)
    if item.state == ItemState.CONFIRMED:
        refused = newest is not None and newest.state == "refused"
        why = newest.error if newest is not None and refused else ""
        return Line(space.host, "unchanged" if refused else "received", None, why)
    if newest is not None and newest.state == "expired":
        return Line(space.host, "expired", newest.done_at, newest.error)
    peer = session.get(Peer, space.host)
    if peer is None:
        return Line(space.host, "waiting")
    if state_of(peer) == "blocked":
        return Line(space.host, "waiting", peer.decided_at, BLOCKED, paused=True)
    paused = state_of(peer) == "paused"
    return Line(space.host, "waiting", peer.first_fail_at, peer.last_error, paused)


def _newest_letter(session: Session, space: Space, item: Item) -> Delivery | None:
    """What its author last told the project's host of it, as far as that is kept."""
    return session.scalar(
        select(Delivery)
        .where(
            Delivery.ordering_key == item.iri,
            Delivery.inbox == space.actor.inbox,
            Delivery.verb.in_(BY_AUTHOR),
        )
        .order_by(Delivery.id.desc())
        .limit(1)
    )
