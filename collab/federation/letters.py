"""The classic lane: one activity for one inbox, those about one thing in their order (4.2)."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, or_, select, update
from sqlalchemy.orm import Session

from collab.core.db import writing
from collab.core.jobs import enqueue
from collab.federation.house import Federation
from collab.federation.models import Delivery, GoneInbox, OutboxItem, Subscriber
from collab.federation.peerhealth import asked_to_wait, backoff, failed, refused, took
from collab.federation.post import Sent, Verdict, gone_for_good, post
from collab.people.models import Actor
from collab.spaces.models import Follow
from collab.web.extensions import db

log = logging.getLogger(__name__)
IN_ONE_GO = 20
DECLINED = "settle_declined"
"""The kind of job that undoes here what a project's host refused (see `declined`)."""
ABOUT_A_TEXT = frozenset({"Create", "Update", "Delete", "Undo Delete", "Like"})


@dataclass(frozen=True)
class Letter:
    """One delivery, copied out of the database before it is sent."""

    delivery: int
    inbox: str
    body: bytes
    actor: int


def send_letters(federation: Federation, host: str, *, probing: bool) -> Iterator[float | None]:
    """Send what waits for a host, in order; only one thing when `probing`.

    Gives the milliseconds of each answer, and None last when the host must rest.
    """
    for letter in _next(federation, host, probing=probing):
        sent = post(federation, letter.actor, letter.inbox, letter.body, host)
        if sent is None:
            yield None
            return
        well = _note(federation, letter, host, sent)
        yield sent.took if well else None
        if not well:
            return


def ready(now: datetime) -> ColumnElement[bool]:
    """Whether a delivery waits and may be tried now."""
    return (Delivery.state == "waiting") & or_(Delivery.next_at.is_(None), Delivery.next_at <= now)


def _next(federation: Federation, host: str, *, probing: bool) -> list[Letter]:
    """The next letters, marked as begun: from then on the host may have heard of them.

    What comes after one that failed alone waits for it, if it is about the same thing. A probe
    takes what was tried least, so that one poisoned letter does not keep a host from healing.
    """
    session, now = db.session(), federation.now()
    held = select(Delivery.ordering_key).where(
        Delivery.host == host, Delivery.state == "waiting", Delivery.next_at > now
    )
    with writing(session):
        rows = session.execute(
            select(
                Delivery.id,
                Delivery.inbox,
                Delivery.ordering_key,
                Delivery.attempts,
                OutboxItem.body,
                OutboxItem.actor_id,
            )
            .join(OutboxItem, OutboxItem.id == Delivery.outbox_id)
            .where(Delivery.host == host, ready(now), Delivery.ordering_key.not_in(held))
            .order_by(Delivery.id)
            .limit(IN_ONE_GO)
        ).all()
        if probing and rows:
            first = {row.ordering_key: row for row in reversed(rows)}
            rows = [min(first.values(), key=lambda row: (row.attempts, row.id))]
        session.execute(
            update(Delivery)
            .where(Delivery.id.in_([row.id for row in rows]), Delivery.begun_at.is_(None))
            .values(begun_at=now)
            .execution_options(synchronize_session=False)
        )
    return [Letter(row.id, row.inbox, row.body, row.actor_id) for row in rows]


def _note(federation: Federation, letter: Letter, host: str, sent: Sent) -> bool:
    """Write down how one delivery went. False when the host is to rest."""
    now, verdict = federation.now(), sent.verdict
    with writing(db.session()) as session:
        row = session.get(Delivery, letter.delivery)
        if row is not None and row.state == "waiting":
            row.attempts += 1
            row.status, row.error = sent.answer.status, sent.reason
            if verdict in (Verdict.REFUSED, Verdict.GONE):
                row.state, row.done_at = "refused", now
                if row.verb in ABOUT_A_TEXT:
                    enqueue(session, DECLINED, {"delivery": row.id}, now)
            elif verdict == Verdict.FAILED:
                row.next_at = now + backoff(row.attempts)
        if row is not None and verdict == Verdict.TAKEN:
            row.state, row.done_at = "done", now
        _note_host(session, letter, host, sent, now)
    if verdict != Verdict.TAKEN:
        log.warning("not delivered host=%s status=%d", host, sent.answer.status)
    return verdict not in (Verdict.PAUSE, Verdict.FAILED)


def _note_host(session: Session, letter: Letter, host: str, sent: Sent, now: datetime) -> None:
    match sent.verdict:
        case Verdict.PAUSE:
            asked_to_wait(session, host, now, sent.pause or timedelta(0))
        case Verdict.FAILED:
            failed(session, host, now, f"status {sent.answer.status}")
        case Verdict.REFUSED if sent.answer.status == 403:
            refused(session, host, now)
        case Verdict.GONE:
            took(session, host, now, sent.took)
            _gone(session, letter.inbox, now, at_once=sent.answer.status == 410)
        case _:
            took(session, host, now, sent.took)
            session.execute(delete(GoneInbox).where(GoneInbox.inbox == letter.inbox))


def _gone(session: Session, inbox: str, now: datetime, *, at_once: bool) -> None:
    """An inbox is not there: its follower is dropped, at once or when it stays so (4.3)."""
    if not gone_for_good(session, inbox, now, at_once=at_once):
        return
    log.info("followers dropped, their inbox is gone: %s", inbox)
    whose = select(Actor.id).where(Actor.inbox == inbox, Actor.local.is_(False))
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
