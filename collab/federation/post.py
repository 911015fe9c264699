"""One request to one host: sent, timed, and what its answer means (FEDERATION.md 4.3)."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Any

from sqlalchemy.orm import Session

from collab.core.db import writing
from collab.core.one_line import one_line
from collab.federation.house import Federation
from collab.federation.models import GoneInbox
from collab.federation.peerhealth import failed, has_decided
from collab.federation.signer import Signer
from collab.federation.transport import Answer, Unreachable
from collab.people.models import Actor
from collab.web.extensions import db

NOT_FOUND = 404
GONE_TIMES = 3
GONE_FOR = timedelta(days=3)
LONGEST_PAUSE = timedelta(hours=1)
STALE_KEY = "401: it does not believe our signature; it may hold an old key of ours"


class Verdict(StrEnum):
    """What an answer means for what was sent, and for the host."""

    TAKEN = "taken"
    REFUSED = "refused"
    """Never again this one; the host is well."""
    GONE = "gone"
    """The same, and the inbox is not there."""
    PAUSE = "pause"
    """The host says itself how long to wait."""
    FAILED = "failed"
    """The host is not well: everything for it waits."""


@dataclass(frozen=True)
class Sent:
    """An answer, and how many milliseconds it took."""

    answer: Answer
    took: float

    @property
    def verdict(self) -> Verdict:
        """The class of an answer; 5xx, 408, 425 and a redirect nobody follows are failures."""
        status = self.answer.status
        if 200 <= status < 300:
            return Verdict.TAKEN
        if status in (404, 410):
            return Verdict.GONE
        if status in (429, 503) and self.pause is not None:
            return Verdict.PAUSE
        if has_decided(status):
            return Verdict.REFUSED
        return Verdict.FAILED

    @property
    def pause(self) -> timedelta | None:
        """What `Retry-After` asks for, seconds or a date (RFC 9110 10.2.3), an hour at most."""
        text = self.answer.headers.get("retry-after", "")
        try:
            if text.isdigit() and len(text) < 10:
                asked = timedelta(seconds=int(text))
            else:
                asked = parsedate_to_datetime(text) - datetime.now(UTC)
        except (ValueError, TypeError, OverflowError):
            return None
        return max(timedelta(), min(asked, LONGEST_PAUSE))

    @property
    def was_read(self) -> bool:
        """Whether a 404 is about what was sent and not about the inbox: a problem with a code, as
        instances like ours answer, whose inboxes are always there."""
        told, status = self._problem, self.answer.status
        return isinstance(told.get("code"), str) and told.get("status") == status == NOT_FOUND

    @property
    def _problem(self) -> dict[str, Any]:
        """The problem details of the answer (RFC 9457); {} where it has none."""
        try:
            told = json.loads(self.answer.body[:2000])
        except (ValueError, RecursionError):
            return {}
        return told if isinstance(told, dict) else {}

    @property
    def reason(self) -> str:
        """Why it was not taken, in the host's words where it has some; "" when it was."""
        status = self.answer.status
        if 200 <= status < 300:
            return ""
        told = self._problem
        words = one_line(str(told.get("detail") or told.get("title") or ""), 300)
        words = words[:1].upper() + words[1:]  # what we say ourselves of a letter begins small
        if status == 401:
            return f"{STALE_KEY} ({words})" if words else STALE_KEY
        return words or f"status {status}"


def exchange(signer: Signer, inbox: str, body: bytes) -> Sent | Unreachable:
    """Sign and send, once, knowing nothing of any database (R56); why not, if it was not had."""
    began = time.monotonic()
    try:
        answer = signer.post(inbox, body)
    except Unreachable as away:
        return away
    return Sent(answer, (time.monotonic() - began) * 1000)


def post(federation: Federation, actor_id: int, inbox: str, body: bytes, host: str) -> Sent | None:
    """Sign as one of our actors and send to an instance like ours, once, outside any transaction
    (R56).

    None when the host could not be reached; it rests then.
    """
    session = db.session()
    signer = federation.signer(session.get_one(Actor, actor_id), "ed25519")
    session.commit()
    sent = exchange(signer, inbox, body)
    if isinstance(sent, Sent):
        return sent
    with writing(session):
        failed(session, host, federation.now(), f"{sent.reason}: {sent.detail}")
    return None


def gone_for_good(session: Session, inbox: str, now: datetime, *, at_once: bool) -> bool:
    """Whether an inbox that is said not to be there is given up: at once (410), or when it was
    said three times over three days (404). The caller commits."""
    row = session.get(GoneInbox, inbox)
    if row is None:
        row = GoneInbox(inbox=inbox, times=0, first_at=now)
        session.add(row)
        session.flush()
    row.times += 1
    if not at_once and (row.times < GONE_TIMES or now - row.first_at < GONE_FOR):
        return False
    session.delete(row)
    return True
