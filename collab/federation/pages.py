"""The mirror lane: log entries by the page, one cursor for each copy (FEDERATION.md 4.2)."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import Session

from collab.core.db import writing
from collab.federation.delays import note
from collab.federation.house import Federation
from collab.federation.log import EPOCH, described, entries_after, head, head_seq, page_of
from collab.federation.models import LogEntry, Subscriber
from collab.federation.peerhealth import asked_to_wait, backoff, failed, took
from collab.federation.post import Sent, Verdict, gone_for_good, post
from collab.federation.strictjson import canonical
from collab.spaces.models import Space
from collab.spaces.policy import host_may_read
from collab.web.extensions import db

log = logging.getLogger(__name__)
PAGE = 50
STREAM_GRACE = timedelta(seconds=3)
"""While a stream is open, an entry this old and not acknowledged is sent all the same (4.7)."""
LONGEST_REST = timedelta(minutes=15)


@dataclass
class MirrorLane:
    """Feeds copies. One that is refused rests alone; its host's other projects go on."""

    federation: Federation
    _rests: dict[int, tuple[float, int]] = field(default_factory=dict)
    """Subscriber -> (until, in seconds of `time.monotonic`; how many refusals in a row)."""

    def behind(self, session: Session, now: datetime, host: str = "") -> list[tuple[int, str]]:
        """Copies that lack an entry and do not rest: (subscriber, host)."""
        rows = session.execute(
            select(Subscriber.id, Subscriber.host)
            .where(
                Subscriber.state == "active",
                Subscriber.reach == "mirror",
                Subscriber.host == host if host else Subscriber.host != "",
                _lacks(now),
            )
            .order_by(Subscriber.id)
        ).all()
        clock = time.monotonic()
        return [(r[0], r[1]) for r in rows if self._rests.get(r[0], (0.0, 0))[0] <= clock]

    def send(self, host: str, *, probing: bool) -> Iterator[float | None]:
        """Bring the copies of a host up to date; one entry when `probing`.

        Gives the milliseconds of each answer, and None last when the host must rest.
        """
        session = db.session()
        ids = [row[0] for row in self.behind(session, self.federation.now(), host)]
        session.commit()
        for subscriber_id in ids:
            more = True
            while more:
                took_ms, more = self._page(subscriber_id, host, 1 if probing else PAGE)
                yield took_ms
                if probing or took_ms is None:
                    return

    def _page(self, subscriber_id: int, host: str, limit: int) -> tuple[float | None, bool]:
        """Send the next page of one log. How long it took (None: failed), and is there more."""
        session = db.session()
        row = session.get_one(Subscriber, subscriber_id)
        space = session.get_one(Space, row.space_id)
        if row.state != "active" or not host_may_read(session, space, host):
            with writing(session):
                row.state = "ended"
            return 0.0, False
        if not self.federation.admits(host):  # not for now: it goes on when it is let in (R55)
            session.commit()
            return 0.0, False
        cursor, last = row.cursor, head_seq(session, space.id)
        if cursor >= last:
            session.commit()
            return 0.0, False
        rows = entries_after(session, space.id, cursor, limit)
        base = f"{space.iri}/log?epoch={EPOCH}&after={cursor}&limit={limit}"
        page = page_of(space, rows, last, base)
        if "next" not in page:
            page["log"] = described(head(session, space))
        body, group, inbox = canonical(page), space.actor_id, row.inbox
        session.commit()
        sent = post(self.federation, group, inbox, body, host)
        if sent is None:
            return None, False
        return self._advance(subscriber_id, host, sent, cursor)

    def _advance(
        self, subscriber_id: int, host: str, sent: Sent, cursor: int
    ) -> tuple[float | None, bool]:
        now, accepted = self.federation.now(), _accepted(sent)
        with writing(db.session()) as session:
            row = session.get_one(Subscriber, subscriber_id)
            if accepted is None:
                return (sent.took if self._refused(session, row, sent, now) else None), False
            took(session, host, now, sent.took)
            self._rests.pop(subscriber_id, None)
            last = confirmed(session, row, accepted, now)
            reached = row.cursor
        if reached <= cursor:
            self._rest(subscriber_id)
        return sent.took, cursor < reached < last

    def _refused(self, session: Session, row: Subscriber, sent: Sent, now: datetime) -> bool:
        """A page was not taken. Whether the host is well all the same."""
        reason = f"log page: {sent.reason or 'no number in the answer'}"
        match sent.verdict:
            case Verdict.PAUSE:
                asked_to_wait(session, row.host, now, sent.pause or timedelta(0))
                return False
            case Verdict.GONE:
                key = f"{row.inbox} {row.space_id}"
                if gone_for_good(session, key, now, at_once=sent.answer.status == 410):
                    row.state = "ended"
            case Verdict.FAILED | Verdict.TAKEN:
                failed(session, row.host, now, reason)
                return False
        self._rest(row.id)
        log.warning("log page refused host=%s space=%d %s", row.host, row.space_id, reason)
        return True

    def _rest(self, subscriber_id: int) -> None:
        times = self._rests.get(subscriber_id, (0.0, 0))[1] + 1
        wait = min(backoff(times), LONGEST_REST)
        self._rests[subscriber_id] = time.monotonic() + wait.total_seconds(), times


def confirmed(session: Session, row: Subscriber, accepted: int, now: datetime) -> int:
    """A mirror says up to where it holds a log; the caller commits. Returns the log's last."""
    last = head_seq(session, row.space_id)
    before = row.cursor
    row.cursor, row.confirmed_at = min(accepted, last), now
    note(session, row, before, now)
    return last


def _lacks(now: datetime) -> ColumnElement[bool]:
    """Whether a copy lacks an entry that the courier is to send."""
    missing = select(LogEntry.seq).where(
        LogEntry.space_id == Subscriber.space_id,
        LogEntry.epoch == Subscriber.epoch,
        LogEntry.seq > Subscriber.cursor,
    )
    return missing.exists() & or_(
        Subscriber.streaming_until.is_(None),
        Subscriber.streaming_until <= now,
        missing.where(LogEntry.at <= now - STREAM_GRACE).exists(),
    )


def _accepted(sent: Sent) -> int | None:
    if sent.verdict != Verdict.TAKEN:
        return None
    try:
        accepted = json.loads(sent.answer.body).get("accepted")
    except (ValueError, AttributeError, RecursionError):
        return None
    return accepted if isinstance(accepted, int) and accepted >= 0 else None
