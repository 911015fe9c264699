"""A mirror's end of the stream: one thread for each host whose projects we hold copies of (4.7).

An entry that comes is checked and applied as any other page of the log. When the stream ends it
is opened again, a little later each time it could not be; meanwhile the host posts pages, and
copies are caught up with as always.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

from sqlalchemy import ColumnElement, select

from collab.core.db import writing
from collab.core.errors import Problem
from collab.federation.chain import BrokenLog
from collab.federation.house import Federation
from collab.federation.models import Mirror
from collab.federation.peerhealth import shut, wake
from collab.federation.presence import believed, project_of
from collab.federation.presence_post import PresencePost, signed_headers
from collab.federation.replica import take_page
from collab.federation.streams import LONGEST, ack_of
from collab.federation.strictjson import Malformed, parse
from collab.federation.telling import PRESENCE
from collab.federation.transport import Unreachable
from collab.people.models import Actor
from collab.spaces.models import Space
from collab.web.extensions import db
from collab.web.nearby import told

log = logging.getLogger(__name__)
Json = dict[str, Any]
SILENCE = 40.0
"""Seconds: a host that says nothing for that long, not even a heartbeat, is gone."""
ACK_EVERY = 2.0
LOOK_EVERY = 3.0
"""Seconds between two looks whether other copies are to be listened for, or none any more."""
FIRST_WAIT, LONGEST_WAIT = 1.0, 300.0
SOON, SHORT_WAIT = 1800.0, 6.0
"""Seconds of silence in which a host is asked again every few seconds: most come back soon, and the
first request that gets through ends the rest of every lane, on both sides."""
WELL_AFTER = 20.0
"""Seconds a stream must have lasted for the next one to be opened at once."""
TURNED_AWAY = frozenset({403, 404, 410})
"""Answers to which a stream is not asked for again while the logs are refused too."""
MOST_HOSTS = 64
MOST_EVENT = 4 << 20
"""Bytes of one event."""
PRESENCES = 300
"""Words about presence that one host may say in a minute (R51)."""


@dataclass
class Ear:
    """One host that is listened to, and the logs it streams: IRI -> (space, number held)."""

    federation: Federation
    host: str
    reached: dict[str, int] = field(default_factory=dict)
    acked: dict[str, int] = field(default_factory=dict)
    acked_at: float = 0.0
    cut: Callable[[], None] = lambda: None
    """Ends the stream that is open, from another thread."""
    post: PresencePost | None = None
    """What says to the host who of ours is here; told of which projects it may speak."""

    def listen(self) -> None:
        """Open the stream and take in what comes until it ends.

        Raises Unreachable when it cannot be opened, breaks, or is refused.
        """
        logs = self._wanted()
        if not logs:
            return
        projects = [iri.removesuffix("/log") for iri in logs]
        url = f"{_origin(projects[0])}/ap/stream?{urlencode({'projects': ','.join(projects)})}"
        headers = self._signed("GET", url, b"")
        headers["Last-Event-ID"] = ",".join(f"{epoch}:{seq}" for epoch, seq in logs.values())
        headers["Accept"] = "text/event-stream"
        pieces = self.federation.transport.listen(
            url, headers=headers, silence=SILENCE, deadline=LONGEST + SILENCE, opened=self._opened
        )
        first = next(pieces)
        if first.status != 200:
            pieces.close()
            if first.status in TURNED_AWAY:
                self._ask_why()
            raise Unreachable("broken", f"the stream answers {first.status}")
        self._well()
        rest, looked = b"", time.monotonic()
        for piece in pieces:
            rest = self._read(rest + piece.body)
            self._acknowledge()
            if time.monotonic() - looked > LOOK_EVERY:
                looked = time.monotonic()
                if set(self._wanted()) != set(logs):
                    pieces.close()
                    return

    def _ask_why(self) -> None:
        """The host gives us no stream: the copies ask at once whether it gives its logs."""
        federation = self.federation
        with federation.runtime.app.app_context(), writing(db.session()) as session:
            theirs = select(Mirror).join(Space).join(Actor, Actor.id == Space.actor_id)
            for mirror in session.scalars(theirs.where(*_streamed(), Actor.host == self.host)):
                mirror.next_check_at = federation.now()
        federation.runtime.pulse.beat()

    def _opened(self, cut: Callable[[], None]) -> None:
        self.cut = cut

    def _well(self) -> None:
        """The host answers: whatever waits for it goes at once."""
        with self.federation.runtime.app.app_context(), writing(db.session()) as session:
            woken = wake(session, self.host, self.federation.now())
        if woken:
            self.federation.runtime.pulse.beat()

    def _wanted(self) -> dict[str, tuple[int, int]]:
        """The logs of that host that we hold active copies of: IRI -> (epoch, number). None while
        it is not let in."""
        with self.federation.runtime.app.app_context():
            if not self.federation.admits(self.host):
                return {}
            rows = db.session.execute(
                select(Mirror.log_iri, Mirror.epoch, Mirror.seq)
                .join(Space, Space.id == Mirror.space_id)
                .join(Actor, Actor.id == Space.actor_id)
                .where(*_streamed(), Actor.host == self.host)
                .order_by(Mirror.log_iri)
                .limit(100)
            ).all()
        return {row[0]: (row[1], row[2]) for row in rows}

    def _signed(self, method: str, url: str, body: bytes) -> dict[str, str]:
        return signed_headers(self.federation, self.host, method, url, body)

    def _read(self, data: bytes) -> bytes:
        """Take in every whole event; what is left of an unfinished one.

        Raises Unreachable for an event that is too long.
        """
        *events, rest = data.split(b"\n\n")
        for event in events:
            lines = event.split(b"\n")
            body = b"\n".join(line[6:] for line in lines if line.startswith(b"data: "))
            if body and f"event: {PRESENCE}".encode() in lines:
                self._hear(body)
            elif body:
                self._take(body)
        if len(rest) > MOST_EVENT:
            raise Unreachable("too_large", "an event without end")
        return rest

    def _take(self, body: bytes) -> None:
        """One page of one log. What it skips over is fetched by the catch-up."""
        federation = self.federation
        with federation.runtime.app.app_context():
            if not federation.admits(self.host):  # blocked since the stream was opened (R36)
                return
            try:
                page = parse(body)
                session = db.session()
                mirror = session.scalar(
                    select(Mirror).where(Mirror.log_iri == str(page.get("partOf")))
                )
                if mirror is None or session.get_one(Space, mirror.space_id).host != self.host:
                    return
                space_id, log_iri = mirror.space_id, mirror.log_iri
                before = mirror.seq
                reached = take_page(federation, space_id, page)
                self.reached[log_iri] = reached
                if reached == before and _last(page) > reached:
                    with writing(session):
                        session.get_one(Mirror, space_id).next_check_at = federation.now()
            except (Malformed, BrokenLog, Problem) as bad:
                log.warning("stream of %s: not taken: %s", self.host, bad)

    def _hear(self, body: bytes) -> None:
        """Who is in a project of that host, as it says: shown, and not kept."""
        federation = self.federation
        if not federation.budget.spend(f"presence {self.host}", PRESENCES, 60):
            return
        with federation.runtime.app.app_context():
            if not federation.admits(self.host):
                return
            try:
                words = parse(body)
                space = project_of(db.session(), words.get("project"))
                if space.local or space.host != self.host:
                    return
                here, writing = believed(federation, space, self.host, words, federation.pace)
            except (Malformed, Problem) as bad:
                log.info("presence of %s: not taken: %s", self.host, bad)
                return
        if self.post is not None:
            self.post.allowed(space.id, here.open)
        federation.runtime.whispers.say(told(here))
        for hint in writing:
            federation.runtime.whispers.say(told(hint))

    def _acknowledge(self) -> None:
        """Say what we have, at once and then every two seconds at most."""
        clock = time.monotonic()
        news = {iri: seq for iri, seq in self.reached.items() if self.acked.get(iri) != seq}
        if not news or clock - self.acked_at < ACK_EVERY:
            return
        url, body = f"{_origin(next(iter(news)))}/ap/ack", ack_of(news)
        self.federation.transport.request(
            "POST", url, headers=self._signed("POST", url, body), body=body, deadline=5.0
        )
        self.acked |= news
        self.acked_at = clock


class Listening:
    """The service that keeps one ear on every host whose projects are held here."""

    def __init__(self, federation: Federation) -> None:
        self._federation = federation
        self._post = PresencePost(federation)
        self._threads: dict[str, threading.Thread] = {}
        self._ears: dict[str, Ear] = {}

    def step(self) -> int:
        """Begin to listen to hosts that are not listened to; end it with those that are not to be
        any more, at once (R36). Returns how many were begun."""
        self._threads = {host: t for host, t in self._threads.items() if t.is_alive()}
        self._ears = {host: ear for host, ear in self._ears.items() if host in self._threads}
        self._post.begin()
        wanted = self._hosts()
        for host in self._threads.keys() - wanted:
            self._ears[host].cut()
        new = [host for host in wanted if host not in self._threads]
        new = new[: max(MOST_HOSTS - len(self._threads), 0)]
        for host in new:
            ear = self._ears[host] = Ear(self._federation, host, post=self._post)
            name = f"stream {host}"
            thread = threading.Thread(target=self._listen, args=(ear,), name=name, daemon=True)
            self._threads[host] = thread
            thread.start()
        return len(new)

    def _hosts(self) -> list[str]:
        with self._federation.runtime.app.app_context():
            session = db.session()
            found = session.scalars(
                select(Actor.host)
                .join(Space, Space.actor_id == Actor.id)
                .join(Mirror, Mirror.space_id == Space.id)
                .where(*_streamed())
                .distinct()
            ).all()
            return [
                host for host in found if self._federation.admits(host) and not shut(session, host)
            ]

    def _listen(self, ear: Ear) -> None:
        """Listen to one host again and again, until we hold nothing of it any more."""
        host = ear.host
        wait, heard = FIRST_WAIT, time.monotonic()
        while host in self._hosts():
            began = time.monotonic()
            try:
                ear.listen()
            except Unreachable as away:
                log.info("stream of %s: %s", host, away)
            except Exception:  # the thread's boundary
                log.exception("stream failed host=%s", host)
            clock = time.monotonic()
            lasted = clock - began > WELL_AFTER
            heard = clock if lasted else heard
            longest = SHORT_WAIT if clock - heard < SOON else LONGEST_WAIT
            wait = FIRST_WAIT if lasted else min(wait * 2, longest)
            time.sleep(wait * random.uniform(0.5, 1.0))  # noqa: S311 - spreads load


def _streamed() -> tuple[ColumnElement[bool], ...]:
    """Which copies a stream is for: those whose host still gives us the log."""
    return Mirror.state == "active", Mirror.turned_away.is_(None)


def _origin(iri: str) -> str:
    parts = urlsplit(iri)
    return f"{parts.scheme}://{parts.netloc}"


def _last(page: Json) -> int:
    items = page.get("orderedItems")
    entry = items[-1].get("logEntry") if isinstance(items, list) and items else None
    seq = entry.get("seq") if isinstance(entry, dict) else None
    return seq if isinstance(seq, int) else 0
