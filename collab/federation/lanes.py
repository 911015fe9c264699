"""How sending to each host stands, and what an administrator may do about it (4.3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from collab.core.errors import Missing
from collab.core.work import Work
from collab.federation.expired import expire
from collab.federation.models import Delivery, LogEntry, OutboxItem, Subscriber
from collab.federation.peerhealth import REFUSES_AT, weaker_than_before
from collab.federation.peers import NOT_KNOWN, ChoosePeer
from collab.people.models import Peer, PeerState

MOST_WAITING = 100_000
"""Letters that wait for one host at most (4.3)."""
LESSER = ("Like", "EmojiReact", "Announce")
"""What is dropped first when more wait than may."""


@dataclass(frozen=True)
class Lane:
    """Sending to one host. `state`: `ok`, `retrying`, `open`, `dead`, `blocked`, `paused`."""

    host: str
    state: str
    waiting: int
    """Letters not yet delivered."""
    behind: int
    """Log entries that its mirrors have not confirmed, all projects together."""
    next_try: datetime | None
    last_error: str
    clock_offset: float | None
    """Seconds its clock is ahead of ours."""
    lag_ms: float | None
    """From an entry's acceptance here to its confirmation there, the slowest project's last."""
    answer_ms: float | None
    last_ok: datetime | None
    failing_since: datetime | None
    refuses_us: bool
    weaker: tuple[str, ...]
    """What it did to show that its words are its own, and does no more: `rfc9421`, `ed25519`,
    `proof`."""


def lanes(session: Session) -> list[Lane]:
    """Every host we know, by name, with what waits for it."""
    peers = session.scalars(select(Peer).order_by(Peer.host)).all()
    return _described(session, peers)


def _described(session: Session, peers: Sequence[Peer]) -> list[Lane]:
    hosts = [peer.host for peer in peers]
    waiting = _waiting(session, hosts)
    behind, lag = _mirrors(session, hosts)
    return [
        Lane(
            host=peer.host,
            state=state_of(peer),
            waiting=waiting.get(peer.host, 0),
            behind=behind.get(peer.host, 0),
            next_try=peer.next_try_at,
            last_error=peer.last_error,
            clock_offset=peer.clock_offset,
            lag_ms=lag.get(peer.host),
            answer_ms=peer.answer_ms,
            last_ok=peer.last_ok_at,
            failing_since=peer.first_fail_at,
            refuses_us=peer.refusals >= REFUSES_AT,
            weaker=weaker_than_before(peer),
        )
        for peer in peers
    ]


def state_of(peer: Peer) -> str:
    """The one word for a host: what was decided about it comes before how it answers."""
    if peer.state == PeerState.BLOCKED:
        return "blocked"
    return "paused" if peer.paused_at else peer.circuit


def _waiting(session: Session, hosts: Sequence[str]) -> dict[str, int]:
    rows = session.execute(
        select(Delivery.host, func.count())
        .where(Delivery.state == "waiting", Delivery.host.in_(hosts))
        .group_by(Delivery.host)
    )
    return {row[0]: row[1] for row in rows}


def _mirrors(
    session: Session, hosts: Sequence[str]
) -> tuple[dict[str, int], dict[str, float | None]]:
    heads = (
        select(LogEntry.space_id, func.max(LogEntry.seq).label("seq"))
        .group_by(LogEntry.space_id)
        .subquery()
    )
    rows = session.execute(
        select(
            Subscriber.host, func.sum(heads.c.seq - Subscriber.cursor), func.max(Subscriber.lag_ms)
        )
        .join(heads, heads.c.space_id == Subscriber.space_id)
        .where(
            Subscriber.reach == "mirror",
            Subscriber.state == "active",
            Subscriber.host.in_(hosts),
        )
        .group_by(Subscriber.host)
    ).all()
    return {row[0]: int(row[1]) for row in rows}, {row[0]: row[2] for row in rows}


# What an administrator does


def pause_peer(work: Work, given: ChoosePeer) -> Peer:
    """Let everything for a host wait until it is resumed. Raises Missing when it is not known."""
    peer = _known(work, given)
    peer.paused_at = peer.paused_at or work.now
    return peer


def resume_peer(work: Work, given: ChoosePeer) -> Peer:
    """Send to a paused host again. Raises Missing when it is not known."""
    peer = _known(work, given)
    peer.paused_at = None
    return peer


def retry_peer(work: Work, given: ChoosePeer) -> Peer:
    """Try a resting or dead host at once, and what failed alone with it.

    Raises:
        Missing: it is not known.
    """
    peer = _known(work, given)
    peer.next_try_at = None
    if peer.circuit == "dead":
        peer.circuit, peer.fail_day, peer.fail_days = "open", "", 0
    work.session.execute(
        update(Delivery)
        .where(Delivery.host == peer.host, Delivery.state == "waiting")
        .values(next_at=None)
        .execution_options(synchronize_session=False)
    )
    return peer


def _known(work: Work, given: ChoosePeer) -> Peer:
    peer = work.session.get(Peer, given.host)
    if peer is None:
        raise Missing(NOT_KNOWN)
    return peer


# Bounds


def tidy(session: Session, at: datetime, most: int = MOST_WAITING) -> None:
    """Expire what waited too long, and keep every lane bounded. The caller commits."""
    late = select(OutboxItem.id).where(OutboxItem.expires_at <= at)
    expire(session, Delivery.outbox_id.in_(late), "not delivered in time", at)
    crowded = session.execute(
        select(Delivery.host, func.count())
        .where(Delivery.state == "waiting")
        .group_by(Delivery.host)
        .having(func.count() > most)
    ).all()
    for host, number in crowded:
        _thin_out(session, host, number - most, at)


def _thin_out(session: Session, host: str, over: int, at: datetime) -> None:
    """Drop the oldest greetings and announcements of a lane first, then the oldest of all."""
    lane = Delivery.host == host, Delivery.state == "waiting"
    oldest = (
        select(Delivery.id)
        .where(*lane)
        .order_by(Delivery.verb.not_in(LESSER), Delivery.id)
        .limit(over)
    )
    expire(session, Delivery.id.in_(oldest), "too much waits for this host", at)
