"""Sending: two lanes per host, one request at a time, no host ever delays another.

The mirror lane has a cursor per copy and sends log entries by the page; the classic lane has a
row per activity and inbox. FEDERATION.md 4.2, 4.3. Nothing is sent inside a transaction.
"""

from __future__ import annotations

import json
import logging
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

from sqlalchemy import delete, func, select, update

from collab.core.db import writing
from collab.federation.house import Federation
from collab.federation.log import EPOCH, described, entries_after, head, head_seq, page_of
from collab.federation.models import Delivery, LogEntry, OutboxItem, Subscriber
from collab.federation.peerhealth import answered, failed, resting
from collab.federation.strictjson import canonical
from collab.federation.transport import Answer, Unreachable
from collab.people.models import Actor, Peer
from collab.spaces.models import Space
from collab.spaces.policy import host_may_read
from collab.web.extensions import db

log = logging.getLogger(__name__)
WORKERS = 24
PAGE = 50
IN_ONE_GO = 20
PERMANENT = frozenset({400, 401, 403, 404, 405, 409, 410, 413, 415, 422})
LONGEST_PAUSE = timedelta(hours=1)


@dataclass(frozen=True)
class _Letter:
    """One classic delivery, copied out of the database before it is sent."""

    delivery: int
    inbox: str
    body: bytes
    actor: int


class Courier:
    """The delivery service of one worker process."""

    def __init__(self, federation: Federation) -> None:
        self._federation = federation
        self._pool = ThreadPoolExecutor(WORKERS, thread_name_prefix="deliver")
        self._busy: set[str] = set()

    def step(self) -> int:
        """Start sending to every host that has something waiting and is not resting."""
        with self._federation.runtime.app.app_context():
            hosts = self._due() - self._busy
        for host in hosts:
            self._busy.add(host)
            self._pool.submit(self._serve, host)
        return len(hosts)

    def drain(self) -> int:
        """Send everything due now, in this thread; tests and commands use it."""
        with self._federation.runtime.app.app_context():
            hosts = self._due()
        for host in sorted(hosts):
            self._serve(host)
        return len(hosts)

    def _due(self) -> set[str]:
        session, now = db.session(), self._federation.now()
        waiting = set(
            session.scalars(select(Delivery.host).where(Delivery.state == "waiting").distinct())
        )
        behind = select(Subscriber.host).where(
            Subscriber.state == "active",
            Subscriber.reach == "mirror",
            Subscriber.cursor
            < select(func.max(LogEntry.seq))
            .where(LogEntry.space_id == Subscriber.space_id)
            .scalar_subquery(),
        )
        waiting |= set(session.scalars(behind.distinct()))
        due = {host for host in waiting if not resting(session, host, now)}
        session.commit()
        return due

    def _serve(self, host: str) -> None:
        try:
            with self._federation.runtime.app.app_context():
                if self._letters(host):
                    self._mirrors(host)
        except Exception:  # the thread's boundary: the host is tried again at the next step
            log.exception("delivery failed host=%s", host)
        finally:
            self._busy.discard(host)
            self._federation.runtime.pulse.beat()

    # ---- the classic lane

    def _letters(self, host: str) -> bool:
        """Send waiting activities in order. False when the host failed and must rest."""
        for letter in self._next_letters(host):
            answer = self._post(letter.actor, letter.inbox, letter.body, host)
            if answer is None:
                return False
            if not self._note(letter, host, answer):
                return False
        return True

    def _next_letters(self, host: str) -> list[_Letter]:
        session, now = db.session(), self._federation.now()
        with writing(session):
            session.execute(
                update(Delivery)
                .where(
                    Delivery.state == "waiting",
                    Delivery.host == host,
                    Delivery.outbox_id.in_(
                        select(OutboxItem.id).where(OutboxItem.expires_at <= now)
                    ),
                )
                .values(state="expired", error="not delivered in time")
            )
            session.execute(
                delete(Delivery).where(
                    Delivery.state == "done", Delivery.done_at < now - timedelta(days=1)
                )
            )
        rows = session.execute(
            select(Delivery.id, Delivery.inbox, OutboxItem.body, OutboxItem.actor_id)
            .join(OutboxItem, OutboxItem.id == Delivery.outbox_id)
            .where(Delivery.state == "waiting", Delivery.host == host)
            .order_by(Delivery.id)
            .limit(IN_ONE_GO)
        ).all()
        session.commit()
        return [_Letter(row[0], row[1], row[2], row[3]) for row in rows]

    def _note(self, letter: _Letter, host: str, answer: Answer) -> bool:
        """Write down how one delivery went. False when the host is to rest."""
        now = self._federation.now()
        well = 200 <= answer.status < 300
        settled = well or answer.status in PERMANENT
        with writing(db.session()) as session:
            row = session.get(Delivery, letter.delivery)
            if row is not None:
                row.attempts += 1
                row.status = answer.status
                row.error = "" if well else _reason(answer)
                if settled:
                    row.state, row.done_at = "done" if well else "refused", now
            if settled:
                answered(session, host, now)
            else:
                failed(session, host, now, f"status {answer.status}", _pause(answer))
        if not well:
            log.warning("not delivered host=%s status=%d", host, answer.status)
        return settled

    # ---- the mirror lane

    def _mirrors(self, host: str) -> None:
        session = db.session()
        ids = session.scalars(
            select(Subscriber.id).where(
                Subscriber.host == host,
                Subscriber.state == "active",
                Subscriber.reach == "mirror",
            )
        ).all()
        session.commit()
        for subscriber_id in ids:
            while self._page(subscriber_id, host):
                continue

    def _page(self, subscriber_id: int, host: str) -> bool:
        """Send the next page of one log to one mirror. True when there is more to send now."""
        session = db.session()
        row = session.get_one(Subscriber, subscriber_id)
        space = session.get_one(Space, row.space_id)
        if row.state != "active" or not host_may_read(session, space, host):
            with writing(session):
                row.state = "ended"
            return False
        cursor, last = row.cursor, head_seq(session, space.id)
        if cursor >= last:
            session.commit()
            return False
        rows = entries_after(session, space.id, cursor, PAGE)
        base = f"{space.iri}/log?epoch={EPOCH}&after={cursor}&limit={PAGE}"
        page = page_of(space, rows, last, base)
        if "next" not in page:
            page["log"] = described(head(session, space))
        body = canonical(page)
        group, inbox = space.actor_id, row.inbox
        session.commit()
        answer = self._post(group, inbox, body, host)
        if answer is None:
            return False
        return self._advance(subscriber_id, host, answer, cursor)

    def _advance(self, subscriber_id: int, host: str, answer: Answer, cursor: int) -> bool:
        now, accepted = self._federation.now(), _accepted(answer)
        with writing(db.session()) as session:
            row = session.get_one(Subscriber, subscriber_id)
            if accepted is None:
                if answer.status in (404, 410):
                    row.state = "ended"
                failed(session, host, now, f"log page: status {answer.status}", _pause(answer))
                return False
            answered(session, host, now)
            last = head_seq(session, row.space_id)
            row.cursor, row.confirmed_at = min(accepted, last), now
            reached = row.cursor
        return cursor < reached < last

    def _post(self, actor_id: int, inbox: str, body: bytes, host: str) -> Answer | None:
        """Sign and send once. None when the host could not be reached; it rests then."""
        session = db.session()
        signer = self._federation.signer(session.get_one(Actor, actor_id))
        session.commit()
        try:
            return signer.post(inbox, body)
        except Unreachable as away:
            with writing(session):
                failed(session, host, self._federation.now(), f"{away.reason}: {away.detail}")
            return None


def retry_now(host: str) -> None:
    """Let a resting host be tried at once; the caller commits."""
    db.session().execute(update(Peer).where(Peer.host == host).values(next_try_at=None))


def _accepted(answer: Answer) -> int | None:
    if not 200 <= answer.status < 300:
        return None
    try:
        accepted = json.loads(answer.body).get("accepted")
    except (ValueError, AttributeError, RecursionError):
        return None
    return accepted if isinstance(accepted, int) and accepted >= 0 else None


def _pause(answer: Answer) -> timedelta | None:
    text = answer.headers.get("retry-after", "")
    if answer.status in (429, 503) and text.isdigit():
        return min(timedelta(seconds=int(text)), LONGEST_PAUSE)
    return None


def _reason(answer: Answer) -> str:
    try:
        told = json.loads(answer.body[:2000])
        return str(told.get("detail") or told.get("title") or answer.status)[:300]
    except (ValueError, AttributeError, RecursionError):
        return f"status {answer.status}"


def log_inbox_of(actor_iri: str) -> str:
    """Where an instance takes pages of logs in: `/ap/log` of the instance actor's origin."""
    parts = urlsplit(actor_iri)
    return f"{parts.scheme}://{parts.netloc}/ap/log"
