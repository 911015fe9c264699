"""The classic lane: one activity for one inbox, those about one thing in their order (4.2).

Letters are taken up for many hosts at once, sent without any database, and what came of them is
written down together (`outcomes`).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, or_, select, update
from sqlalchemy.orm import Session

from collab.federation.house import Federation
from collab.federation.keys import Algorithm, BadKey, SigningKey
from collab.federation.memory import SCHEME_KEPT
from collab.federation.models import Delivery, OutboxItem
from collab.federation.post import Sent, Verdict, exchange
from collab.federation.signer import ED25519, Signer
from collab.federation.transport import Unreachable
from collab.people.models import Actor, Peer

log = logging.getLogger(__name__)
IN_ONE_GO = 20
WITHOUT_KEY = timedelta(hours=1)
"""How long a letter rests whose writer has no key here that opens."""


@dataclass
class Understood:
    """Which signature scheme one host understood, and what was learned of it while sending."""

    scheme: str | None
    news: str | None = None

    def get(self, _host: str, /) -> str | None:
        """The scheme it understood last; None when not known."""
        return self.scheme

    def learned(self, _host: str, scheme: str, /) -> None:
        """Remember it; it is written down with what came of the letter."""
        self.scheme = self.news = scheme


@dataclass(frozen=True)
class Letter:
    """One delivery, copied out of the database before it is sent."""

    delivery: int
    inbox: str
    body: bytes
    signer: Signer


@dataclass
class Packet:
    """What is sent to one host in one go, in this order."""

    host: str
    understood: Understood = field(default_factory=lambda: Understood(None))
    letters: list[Letter] = field(default_factory=list)


@dataclass(frozen=True)
class Outcome:
    """What came of one letter at `at`, and the scheme its host was found to understand."""

    host: str
    delivery: int
    inbox: str
    sent: Sent | Unreachable
    at: datetime
    scheme: str | None

    @property
    def well(self) -> bool:
        """Whether the host may be sent more now."""
        return isinstance(self.sent, Sent) and self.sent.verdict not in (
            Verdict.PAUSE,
            Verdict.FAILED,
        )


def send_letters(
    packet: Packet, now: Callable[[], datetime], tell: Callable[[Outcome], None]
) -> Iterator[float | None]:
    """Send a packet, telling what came of each letter; nothing after the first that failed.

    Gives the milliseconds of each answer, and None last when the host must rest.
    """
    for letter in packet.letters:
        sent = exchange(letter.signer, letter.inbox, letter.body)
        news, packet.understood.news = packet.understood.news, None
        outcome = Outcome(packet.host, letter.delivery, letter.inbox, sent, now(), news)
        tell(outcome)
        yield sent.took if isinstance(sent, Sent) and outcome.well else None
        if not outcome.well:
            return


def ready(now: datetime) -> ColumnElement[bool]:
    """Whether a delivery waits and may be tried now."""
    return (Delivery.state == "waiting") & or_(Delivery.next_at.is_(None), Delivery.next_at <= now)


def take_up(
    federation: Federation, session: Session, wanted: Mapping[str, bool], now: datetime
) -> list[Packet]:
    """The next letters for some hosts (whether only one as a probe), marked as begun: from then
    on their host may have heard of them. The caller commits before any is sent."""
    rows = {host: _next(session, host, now, probing=wanted[host]) for host in wanted}
    every = [row for some in rows.values() for row in some]
    session.execute(
        update(Delivery)
        .where(Delivery.id.in_([row.id for row in every if row.begun_at is None]))
        .values(begun_at=now)
        .execution_options(synchronize_session=False)
    )
    desk = _Desk(federation, session, {row.outbox_id for row in every})
    known = _understood(session, wanted, now)
    packets = []
    for host, some in rows.items():
        packet = Packet(host, known.get(host) or Understood(None))
        packet.letters += desk.signed(some, packet.understood)
        packets.append(packet)
    desk.put_aside(now)
    return packets


def _next(session: Session, host: str, now: datetime, *, probing: bool) -> list[Row[Any]]:
    """What comes after one that failed alone waits for it, if it is about the same thing. A probe
    takes what was tried least, so that one poisoned letter does not keep a host from healing."""
    held = select(Delivery.ordering_key).where(
        Delivery.host == host, Delivery.state == "waiting", Delivery.next_at > now
    )
    rows: list[Row[Any]] = list(
        session.execute(
            select(
                Delivery.id,
                Delivery.inbox,
                Delivery.ordering_key,
                Delivery.attempts,
                Delivery.begun_at,
                Delivery.outbox_id,
            )
            .where(Delivery.host == host, ready(now), Delivery.ordering_key.not_in(held))
            .order_by(Delivery.id)
            .limit(IN_ONE_GO)
        )
    )
    if not probing or not rows:
        return rows
    first = {row.ordering_key: row for row in reversed(rows)}
    return [min(first.values(), key=lambda row: (row.attempts, row.id))]


def _understood(
    session: Session, hosts: Mapping[str, bool], now: datetime
) -> dict[str, Understood]:
    rows = session.execute(
        select(Peer.host, Peer.scheme).where(
            Peer.host.in_(hosts), Peer.scheme_at > now - SCHEME_KEPT
        )
    )
    return {row.host: Understood(row.scheme) for row in rows}


class _Desk:
    """Puts rows into envelopes: each activity and each key is read once, for however many."""

    def __init__(self, federation: Federation, session: Session, items: set[int]) -> None:
        self._federation, self._session = federation, session
        named = select(OutboxItem.id, OutboxItem.body, OutboxItem.actor_id)
        found = session.execute(named.where(OutboxItem.id.in_(items))).all()
        self._items = {row.id: row for row in found}
        self._keys = {actor_id: self._key(actor_id) for actor_id in {r.actor_id for r in found}}
        self._edwards: dict[int, SigningKey | None] = {}
        self._unsigned: list[int] = []

    def _key(self, actor_id: int, algorithm: Algorithm = "rsa") -> SigningKey | None:
        try:
            actor = self._session.get_one(Actor, actor_id)
            return self._federation.signing_key(actor, algorithm)
        except BadKey:
            log.exception("letters wait, their writer has no key actor=%d", actor_id)
            return None

    def signed(self, rows: Sequence[Row[Any]], understood: Understood) -> Iterator[Letter]:
        """The letters of one host; those that nobody can sign are put aside."""
        federation = self._federation
        for row in rows:
            item = self._items[row.outbox_id]
            key = self._keys[item.actor_id]
            if key is None:
                self._unsigned.append(row.id)
                continue
            signer = Signer(
                key, federation.transport, understood, clock=federation.now,
                edwards=self._edwards_of(item.actor_id) if understood.scheme == ED25519 else None,
            )  # fmt: skip
            yield Letter(row.id, row.inbox, item.body, signer)

    def _edwards_of(self, actor_id: int) -> SigningKey | None:
        """The other key of a writer, opened for hosts that say they read it (2.2 point 2)."""
        if actor_id not in self._edwards:
            self._edwards[actor_id] = self._key(actor_id, "ed25519")
        return self._edwards[actor_id]

    def put_aside(self, now: datetime) -> None:
        """Let what nobody can sign wait, and the others go on."""
        if self._unsigned:
            self._session.execute(
                update(Delivery)
                .where(Delivery.id.in_(self._unsigned))
                .values(next_at=now + WITHOUT_KEY, error="no key to sign with")
                .execution_options(synchronize_session=False)
            )
