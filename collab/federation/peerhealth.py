"""How well another instance answers, and when to try it again (FEDERATION.md 4.3)."""

from __future__ import annotations

import random
from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import and_, select
from sqlalchemy.orm import Session

from collab.core.one_line import one_line
from collab.federation.expired import expire
from collab.federation.models import Delivery, OutboxItem
from collab.people.models import Peer, PeerState

FIRST_WAIT = timedelta(seconds=5)
LONGEST_WAIT = timedelta(hours=12)
WINDOW = timedelta(minutes=10)
OPENS_AT = 5
"""Failures within WINDOW that open the circuit."""
DEAD_AT = 7
"""Distinct days with failures and no success, after which a host is dead."""
PROBE_DEAD = timedelta(days=1)
HELD = timedelta(days=7)
"""What was promised for longer than this is kept for a dead host: a member's own act (4.6)."""
REFUSES_AT = 20
"""Answers 403 in a row, after which we say that a host refuses us."""
NEWEST = 0.3
"""How much the newest answer counts in `answer_ms`."""


def peer_of(session: Session, host: str, at: datetime) -> Peer:
    """The row of a host, made when it is met for the first time."""
    row = session.get(Peer, host)
    if row is None:
        row = Peer(host=host, created_at=at)
        session.add(row)
        session.flush()
    return row


def peers_of(session: Session, hosts: Iterable[str], at: datetime) -> list[Peer]:
    """As `peer_of` for several, in one question. While the list is held, each is found at once."""
    wanted = set(hosts)
    rows = list(session.scalars(select(Peer).where(Peer.host.in_(wanted))))
    rows += [peer_of(session, host, at) for host in sorted(wanted - {row.host for row in rows})]
    return rows


def answered(session: Session, host: str, at: datetime) -> None:
    """The host answered, or wrote to us: it is well, whatever it was before."""
    row = peer_of(session, host, at)
    row.fail_count, row.first_fail_at, row.next_try_at, row.last_error = 0, None, None, ""
    row.circuit, row.window_at, row.window_fails = "ok", None, 0
    row.fail_day, row.fail_days = "", 0
    row.last_ok_at = at


def wake(session: Session, host: str, at: datetime) -> bool:
    """A verified request of a host came in: if it rested, it is tried at once (4.3).

    Returns whether anything changed; the caller commits then.
    """
    row = session.get(Peer, host)
    if row is None or not (row.fail_count or row.next_try_at):
        return False
    answered(session, host, at)
    return True


def took(session: Session, host: str, at: datetime, milliseconds: float) -> None:
    """The host took something in that long: it is well, and refuses us no more."""
    answered(session, host, at)
    row = peer_of(session, host, at)
    row.refusals = 0
    before = milliseconds if row.answer_ms is None else row.answer_ms
    row.answer_ms = round(before + NEWEST * (milliseconds - before), 1)


def refused(session: Session, host: str, at: datetime) -> None:
    """The host answered 403: it is well, but does not want what we send."""
    answered(session, host, at)
    peer_of(session, host, at).refusals += 1


def has_decided(status: int) -> bool:
    """Whether an HTTP status is a host's own no, and no sign of its being unwell: 4xx but for
    408, 425 and 429."""
    return 400 <= status < 500 and status not in (408, 425, 429)


def asked_to_wait(session: Session, host: str, at: datetime, wait: timedelta) -> None:
    """The host said itself how long (`Retry-After`): that is no failure."""
    row = peer_of(session, host, at)
    row.next_try_at, row.last_error = at + wait, "asked us to wait"


def failed(session: Session, host: str, at: datetime, reason: str) -> None:
    """The host did not answer, or badly: everything for it waits, longer each time.

    Five failures in ten minutes open its circuit, seven days of them and it is dead: then what
    waited for it is dropped, but for what was promised for longer; mirrors keep their cursor.
    """
    row = peer_of(session, host, at)
    row.fail_count += 1
    row.first_fail_at = row.first_fail_at or at
    row.last_error = one_line(reason, 500)
    if row.window_at is None or at - row.window_at > WINDOW:
        row.window_at, row.window_fails = at, 0
    row.window_fails += 1
    today = at.date().isoformat()
    if row.fail_day != today:
        row.fail_day, row.fail_days = today, row.fail_days + 1
    row.circuit = _circuit(row)
    dead = row.circuit == "dead"
    row.next_try_at = at + (_about(PROBE_DEAD) if dead else backoff(row.fail_count))
    if dead:
        _drop_letters(session, host, at)


def _circuit(row: Peer) -> str:
    if row.fail_days >= DEAD_AT:
        return "dead"
    return "open" if row.circuit == "open" or row.window_fails >= OPENS_AT else "retrying"


def _drop_letters(session: Session, host: str, at: datetime) -> None:
    held = select(OutboxItem.id).where(OutboxItem.expires_at > at + HELD)
    waits = and_(Delivery.host == host, Delivery.state == "waiting")
    lost = and_(waits, Delivery.outbox_id.not_in(held))
    expire(session, lost, "its host has not answered for days", at)


def backoff(failures: int) -> timedelta:
    """5 s, 10 s, 20 s ... 12 h, give or take a fifth, so that hosts do not move in step."""
    return _about(min(FIRST_WAIT * 2 ** min(failures - 1, 20), LONGEST_WAIT))


def _about(wait: timedelta) -> timedelta:
    return wait * random.uniform(0.8, 1.2)  # noqa: S311 - spreads load, keeps no secret


def shut(session: Session, host: str) -> bool:
    """Whether an administrator wants nothing to be sent to the host: it is blocked or paused."""
    row = session.get(Peer, host)
    return row is not None and (row.state == PeerState.BLOCKED or row.paused_at is not None)


def resting(session: Session, host: str, at: datetime) -> bool:
    """Whether nothing may be sent to the host now: blocked, paused, or resting after failures."""
    if shut(session, host):
        return True
    row = session.get(Peer, host)
    return row is not None and row.next_try_at is not None and row.next_try_at > at


# How it shows that its words are its own (R59)

MISSED = 20
"""Requests in a row without what a host used before, after which we say that it stopped."""


def signed(peer: Peer, *, rfc9421: bool | None, ed25519: bool | None, proven: bool | None) -> None:
    """Note how a host signed what it sent; None where this request says nothing of it."""
    if rfc9421 is not None:
        peer.without_rfc9421 = _row_without(peer.without_rfc9421, used=rfc9421)
    if ed25519 is not None:
        peer.without_ed25519 = _row_without(peer.without_ed25519, used=ed25519)
    if proven is not None:
        peer.without_proof = _row_without(peer.without_proof, used=proven)


def _row_without(before: int | None, *, used: bool) -> int | None:
    if used:
        return 0
    return None if before is None else min(before + 1, MISSED)


def weaker_than_before(peer: Peer) -> tuple[str, ...]:
    """What a host used to do and has stopped: `rfc9421`, `ed25519`, `proof`. Shown, not refused."""
    rows = (
        ("rfc9421", peer.without_rfc9421),
        ("ed25519", peer.without_ed25519),
        ("proof", peer.without_proof),
    )
    return tuple(name for name, without in rows if without is not None and without >= MISSED)
