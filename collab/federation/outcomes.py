"""What came of letters, written down many at a time (FEDERATION.md 4.3).

A letter is done when this is committed, not before: what a process took along when it ended is
sent again, and its receiver knows it by its id.
"""

from __future__ import annotations

import logging
from collections import defaultdict, deque
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import islice
from threading import Lock

from sqlalchemy import delete, exists, or_, select, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from collab.core.db import writing
from collab.core.jobs import enqueue
from collab.federation.expired import DECLINED, SETTLED
from collab.federation.letters import Outcome
from collab.federation.models import Delivery, GoneInbox, Subscriber
from collab.federation.peerhealth import asked_to_wait, backoff, failed, peers_of, refused, took
from collab.federation.post import Sent, Verdict, gone_for_good
from collab.people.models import Actor
from collab.spaces.models import Follow
from collab.web.extensions import db

log = logging.getLogger(__name__)
TOGETHER = 200
"""Outcomes in one transaction."""


class Outcomes:
    """What the senders of this process tell, until it is written down. Needs an app context."""

    def __init__(self) -> None:
        self._told: deque[Outcome] = deque()
        self._lock = Lock()

    def tell(self, outcome: Outcome) -> None:
        """Remember what came of a letter; any thread may."""
        self._told.append(outcome)

    def write(self) -> None:
        """Write down everything told so far. What could not be for now is told again next time."""
        with self._lock:
            while batch := list(islice(self._told, TOGETHER)):
                _write(batch)
                for _ in batch:
                    self._told.popleft()


def _write(batch: Sequence[Outcome]) -> None:
    try:
        with writing(db.session()) as session:
            note(session, batch)
    except OperationalError:  # the database is busy, or gone for now
        raise
    except Exception:  # one that cannot be noted is sent again; it takes no other along
        log.exception("outcomes not noted deliveries=%s", [one.delivery for one in batch])
        if len(batch) > 1:
            for one in batch:
                _write([one])
        else:
            _put_off(batch[0])


def _put_off(one: Outcome) -> None:
    """Wait longer each time before sending again what came of which cannot be written down."""
    with writing(db.session()) as session:
        row = session.get(Delivery, one.delivery)
        if row is not None and row.state == "waiting":
            row.attempts += 1
            row.next_at = one.at + backoff(row.attempts)


def note(session: Session, outcomes: Sequence[Outcome]) -> None:
    """Write down how deliveries went and how their hosts are, in this order; the caller commits."""
    inboxes = {one.inbox for one in outcomes}
    absent = set(session.scalars(select(GoneInbox.inbox).where(GoneInbox.inbox.in_(inboxes))))
    _note_taken(session, outcomes)
    peers = {
        row.host: row for row in peers_of(session, {one.host for one in outcomes}, outcomes[0].at)
    }
    for one in outcomes:
        if one.scheme is not None:
            peer = peers[one.host]
            peer.scheme, peer.scheme_at = one.scheme, one.at
        if isinstance(one.sent, Sent):
            _note_answer(session, one, one.sent, absent)
        else:
            failed(session, one.host, one.at, f"{one.sent.reason}: {one.sent.detail}")


def _note_taken(session: Session, outcomes: Sequence[Outcome]) -> None:
    taken: dict[int, list[Outcome]] = defaultdict(list)
    for one in outcomes:
        if isinstance(one.sent, Sent) and one.sent.verdict == Verdict.TAKEN:
            taken[one.sent.answer.status].append(one)
    for status, some in taken.items():
        session.execute(
            update(Delivery)
            .where(Delivery.id.in_([one.delivery for one in some]))
            .values(
                state="done",
                done_at=max(one.at for one in some),
                attempts=Delivery.attempts + 1,
                status=status,
                error="",
            )
            .execution_options(synchronize_session=False)
        )


def _note_answer(session: Session, one: Outcome, sent: Sent, absent: set[str]) -> None:
    """How one letter went that was answered; `absent`: inboxes said before not to be there."""
    if sent.verdict != Verdict.TAKEN:
        _note_row(session, one, sent)
        log.warning("not delivered host=%s status=%d", one.host, sent.answer.status)
    match sent.verdict:
        case Verdict.PAUSE:
            asked_to_wait(session, one.host, one.at, sent.pause or timedelta(0))
        case Verdict.FAILED:
            failed(session, one.host, one.at, f"status {sent.answer.status}")
        case Verdict.REFUSED if sent.answer.status == 403:
            refused(session, one.host, one.at)
        case Verdict.GONE if not sent.was_read:
            took(session, one.host, one.at, sent.took)
            _gone(session, one.inbox, one.at, at_once=sent.answer.status == 410)
            absent.add(one.inbox)
        case _:
            took(session, one.host, one.at, sent.took)
            if one.inbox in absent:
                session.execute(delete(GoneInbox).where(GoneInbox.inbox == one.inbox))
                absent.discard(one.inbox)


def _note_row(session: Session, one: Outcome, sent: Sent) -> None:
    row = session.get(Delivery, one.delivery)
    if row is None or row.state != "waiting":
        return
    row.attempts += 1
    row.status, row.error = sent.answer.status, sent.reason
    if sent.verdict in (Verdict.REFUSED, Verdict.GONE):
        row.state, row.done_at = "refused", one.at
        if row.verb in SETTLED:
            enqueue(session, DECLINED, {"delivery": row.id}, one.at)
    elif sent.verdict == Verdict.FAILED:
        row.next_at = one.at + backoff(row.attempts)


def _gone(session: Session, inbox: str, now: datetime, *, at_once: bool) -> None:
    """An inbox is not there: its followers are dropped, at once or when it stays so (4.3).

    One that many share is never believed gone at once.
    """
    elsewhere = Actor.local.is_(False)
    shared = exists().where(Actor.shared_inbox == inbox, elsewhere)
    at_once = at_once and not session.scalar(select(shared))
    if not gone_for_good(session, inbox, now, at_once=at_once):
        return
    log.info("followers dropped, their inbox is gone: %s", inbox)
    through_it = or_(Actor.inbox == inbox, Actor.shared_inbox == inbox)
    whose = select(Actor.id).where(through_it, elsewhere)
    session.execute(
        delete(Follow)
        .where(Follow.actor_id.in_(whose))
        .execution_options(synchronize_session=False)
    )
    session.execute(
        update(Subscriber)
        .where(Subscriber.inbox == inbox, Subscriber.state == "active")
        .values(state="ended")
        .execution_options(synchronize_session=False)
    )
    session.execute(
        update(Delivery)
        .where(Delivery.inbox == inbox, Delivery.state == "waiting")
        .values(state="refused", error="the inbox is gone", done_at=now)
        .execution_options(synchronize_session=False)
    )
