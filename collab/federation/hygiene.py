"""What is forgotten, and when: letters, hours of delays, hosts that were only met (4.3, R53).

A little at a time, so that nobody waits for the database's one writer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Select, and_, delete, exists, func, select
from sqlalchemy.orm import Session

from collab.core.db import Base
from collab.federation.delays import forget_delays
from collab.federation.models import Delivery, GoneInbox, KeyRefusal, OutboxItem, Subscriber
from collab.people.models import Peer, PeerState
from collab.spaces.models import Space

BATCH = 500
"""Rows of one kind that are deleted in one go; the next go is a minute later."""
DELIVERED_KEPT = timedelta(days=1)
FAILED_KEPT = timedelta(days=30)
"""Refused, expired and cancelled letters, which people may ask about."""
ACTIVITY_KEPT = timedelta(days=180)
"""What was sent, once nothing of it waits: as long as what came in is kept."""
INBOX_KEPT = timedelta(days=60)
MET_KEPT = timedelta(days=90)
"""Hosts of which nothing is known but that they wrote once."""
MOST_OF_A_DOMAIN = 50
"""Such hosts of one registrable domain: names below a domain cost its owner nothing."""
MANY = 500
"""Fewer such hosts than this are not looked through."""
SECOND_LEVELS = frozenset(
    ["ac", "asso", "co", "com", "edu", "gob", "gouv", "gov", "mil", "ne", "net", "or", "org"]
)
"""Below a country's domain, what nobody registers but names below it."""


def forget(session: Session, at: datetime) -> int:
    """Delete what has been kept long enough, a batch of each kind. The caller commits.

    Returns how many rows went.
    """
    gone = sum(_delete(session, rows) for rows in _too_old(at))
    forget_delays(session, at)
    session.execute(delete(KeyRefusal).where(KeyRefusal.until <= at))
    return gone + _forget_hosts(session, at)


def _too_old(at: datetime) -> Iterator[tuple[type[Base], Select[int]]]:
    done = Delivery.state == "done", Delivery.done_at < at - DELIVERED_KEPT
    yield Delivery, select(Delivery.id).where(*done)
    over = Delivery.state.in_(("refused", "expired", "cancelled"))
    yield Delivery, select(Delivery.id).where(over, Delivery.done_at < at - FAILED_KEPT)
    needed = exists().where(Delivery.outbox_id == OutboxItem.id)
    old = OutboxItem.created_at < at - ACTIVITY_KEPT
    yield OutboxItem, select(OutboxItem.id).where(old, ~needed)


def _delete(session: Session, rows: tuple[type[Base], Select[int]]) -> int:
    model, wanted = rows
    ids = session.scalars(wanted.limit(BATCH)).all()
    if ids:
        session.execute(
            delete(model)
            .where(model.__table__.c.id.in_(ids))
            .execution_options(synchronize_session=False)
        )
    return len(ids)


def _forget_hosts(session: Session, at: datetime) -> int:
    """Hosts that were only met: after a time, and beyond so many of one domain (R53)."""
    session.execute(delete(GoneInbox).where(GoneInbox.first_at < at - INBOX_KEPT))
    met = _only_met()
    seen = func.coalesce(Peer.last_ok_at, Peer.scheme_at, Peer.created_at)
    hosts = list(session.scalars(select(Peer.host).where(met, seen < at - MET_KEPT).limit(BATCH)))
    number = session.scalar(select(func.count()).select_from(Peer).where(met)) or 0
    if number > MANY:
        newest = session.scalars(select(Peer.host).where(met).order_by(Peer.created_at.desc()))
        hosts += _beyond(newest)
    session.execute(
        delete(Peer)
        .where(Peer.host.in_(hosts[:BATCH]))
        .execution_options(synchronize_session=False)
    )
    return len(hosts[:BATCH])


def _only_met() -> ColumnElement[bool]:
    """Nobody decided about it, nothing goes there, nothing of it is copied here."""
    return and_(
        Peer.state == PeerState.KNOWN,
        Peer.decided_at.is_(None),
        Peer.verified_at.is_(None),
        Peer.paused_at.is_(None),
        Peer.reach == "",
        Peer.follow_iri == "",
        Peer.their_follow_iri == "",
        ~exists().where(Subscriber.host == Peer.host),
        ~exists().where(Delivery.host == Peer.host, Delivery.state == "waiting"),
        ~exists().where(Space.host == Peer.host),
    )


def _beyond(hosts: Iterable[str]) -> list[str]:
    """Those hosts, newest first, that are too many of one domain."""
    counted: Counter[str] = Counter()
    found = []
    for host in hosts:
        counted[domain_of(host)] += 1
        if counted[domain_of(host)] > MOST_OF_A_DOMAIN:
            found.append(host)
    return found


def domain_of(host: str) -> str:
    """The domain somebody must have registered for a host, nearly: its last two labels, or three
    below a country's second level (`x.co.uk`). Addresses with a port are themselves."""
    labels = host.split(".")
    if ":" in host or len(labels) < 3:
        return host
    below = len(labels[-1]) == 2 and labels[-2] in SECOND_LEVELS
    return ".".join(labels[-3:] if below else labels[-2:])
