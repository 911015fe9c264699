"""The stream to mirrors: each log entry as it is written, over one open answer (4.7).

Runs in the web process: one greenlet for each mirror, woken by the pulse, without a connection to
the database while it waits. What a stream carried and the mirror acknowledged is not sent again;
without a stream, or when it stalls, the courier sends pages as always.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from collab.core.db import writing
from collab.core.errors import Missing
from collab.federation.house import Federation
from collab.federation.log import EPOCH, described, entries_after, head, head_seq, page_of
from collab.federation.models import Subscriber
from collab.federation.presence import Rooms
from collab.federation.strictjson import canonical
from collab.federation.telling import PRESENCE, Voice
from collab.people.models import Actor
from collab.spaces.models import Space
from collab.spaces.policy import host_may_read
from collab.web.extensions import db
from collab.web.nearby import understood

Json = dict[str, Any]
LONGEST = 600.0
"""Seconds after which a stream ends, so that its reader is asked who it is anew."""
HEARTBEAT = 15.0
LOOK = 3.0
"""Seconds after which a stream looks whether its reader may still read (R36: within 5)."""
AT_A_PULSE = 0.5
"""At a pulse, which each decision about a host is, it looks so soon after it looked last."""
DIGEST_EVERY = 2.0
PAGE = 50
MOST_PROJECTS = 200
MOST_STREAMS = 500


@dataclass
class Hub:
    """The streams of one process, and what wakes them."""

    federation: Federation
    longest: float = LONGEST
    heartbeat: float = HEARTBEAT
    open: dict[str, Stream] = field(default_factory=dict)
    """The newest stream of each host; an older one ends."""
    rooms: Rooms = field(default_factory=Rooms)
    """Who is here and who writes, as our processes whisper."""
    _beats: int = 0
    _changed: threading.Condition = field(default_factory=threading.Condition)
    _threads: list[threading.Thread] = field(default_factory=list)

    def enter(self, stream: Stream) -> None:
        """Make a stream its host's one and only; begin to listen to the pulse."""
        with self._changed:
            self.open[stream.host] = stream
            if not self._threads:
                self._threads = [
                    threading.Thread(target=target, name="streams", daemon=True)
                    for target in (self._wake, self._overhear)
                ]
                for thread in self._threads:
                    thread.start()
            self._changed.notify_all()

    def leave(self, stream: Stream) -> bool:
        """Forget a stream. Whether it was still its host's newest."""
        with self._changed:
            newest = self.open.get(stream.host) is stream
            if newest:
                del self.open[stream.host]
            return newest

    def beats(self) -> int:
        """How many pulses were felt; what `wait` compares with."""
        return self._beats

    def wait(self, beats: int, seconds: float) -> None:
        """Sleep until a pulse later than `beats`, or for `seconds`."""
        with self._changed:
            self._changed.wait_for(lambda: self._beats != beats, seconds)

    def _wake(self) -> None:
        listener = self.federation.runtime.pulse.listen("streams")
        while True:
            if listener.wait(LOOK):
                self._beat()

    def _overhear(self) -> None:
        listener = self.federation.runtime.whispers.listen("streams")
        while True:
            heard = [self.rooms.take(understood(words)) for words in listener.take(LOOK)]
            if any(heard):
                self._beat()

    def _beat(self) -> None:
        with self._changed:
            self._beats += 1
            self._changed.notify_all()


@dataclass
class Stream:
    """One open answer to one host. `sent`: the newest entry sent of each project, by space id."""

    hub: Hub
    host: str
    sent: dict[int, int]
    _told_at: dict[int, float] = field(default_factory=dict)
    _asked_at: float = 0.0
    """When it was last looked whether the reader may still read."""
    _put_off: bool = False
    """Whether a pulse came too soon after that for another look, which then follows."""
    voice: Voice = field(init=False)

    def __post_init__(self) -> None:
        self.voice = Voice(self.hub.federation, self.hub.rooms, self.host)

    def run(self) -> Iterator[str]:
        """The answer, until its time is up or its reader may read no longer."""
        began = said = time.monotonic()
        try:
            yield ": open\n\n"
            while time.monotonic() - began < self.hub.longest:
                beats = self.hub.beats()
                events = self._events()
                if events is None:
                    return
                for event in events:
                    yield event
                    said = time.monotonic()
                if not events and time.monotonic() - said >= self.hub.heartbeat:
                    yield ": still here\n\n"
                    said = time.monotonic()
                if not events:
                    soon = self.voice.wait(self.sent)
                    look = AT_A_PULSE if self._put_off else LOOK
                    self.hub.wait(beats, min(look, self.hub.heartbeat, soon))
        finally:
            self._close()

    def _events(self) -> list[str] | None:
        """What is new in every project; None when this stream must end (R35, R36)."""
        federation = self.hub.federation
        if self.hub.open.get(self.host) is not self:
            return None
        with federation.runtime.app.app_context():
            session = db.session()
            news = {one: head_seq(session, one) for one in self.sent}
            news = {one: last for one, last in news.items() if last > self.sent[one]}
            due = self.voice.due(self.sent)
            asked = time.monotonic() - self._asked_at
            self._put_off = not (news or due) and asked < AT_A_PULSE
            if self._put_off:
                return []
            self._asked_at = time.monotonic()
            spaces = {one: session.get_one(Space, one) for one in self.sent}
            if not federation.admits(self.host) or not all(
                host_may_read(session, space, self.host) for space in spaces.values()
            ):
                return None
            entries = [self._event(session, spaces[one], last) for one, last in news.items()]
            told = self.voice.told(spaces.values(), due)
            return entries + [
                f"event: {PRESENCE}\ndata: {canonical(words).decode()}\n\n" for words in told
            ]

    def _event(self, session: Session, space: Space, last: int) -> str:
        after = self.sent[space.id]
        rows = entries_after(session, space.id, after, PAGE)
        page = page_of(space, rows, last, f"{space.iri}/log?epoch={EPOCH}&after={after}")
        lately = time.monotonic() - self._told_at.get(space.id, 0.0) < DIGEST_EVERY
        if "next" not in page and not lately:
            page["log"] = described(head(session, space))
            self._told_at[space.id] = time.monotonic()
        self.sent[space.id] = rows[-1].seq
        return f"id: {EPOCH}:{rows[-1].seq}\ndata: {canonical(page).decode()}\n\n"

    def _close(self) -> None:
        federation = self.hub.federation
        if self.hub.leave(self):
            with federation.runtime.app.app_context(), writing(db.session()) as session:
                _mark(session, self.host, list(self.sent), until=None)


def open_stream(hub: Hub, host: str, projects: Sequence[str], last_ids: str) -> Stream:
    """A stream of those projects (their IRIs) that the host holds active copies of.

    `last_ids` is `epoch:seq` for each, in their order; without one its cursor is taken.

    Raises:
        Missing: it holds a copy of none of them, or there are too many streams.
    """
    federation = hub.federation
    session, now = db.session(), federation.now()
    known = dict(zip(projects, last_ids.split(","), strict=False))
    rows = session.execute(
        select(Subscriber, Actor.iri)
        .join(Space, Space.id == Subscriber.space_id)
        .join(Actor, Actor.id == Space.actor_id)
        .where(
            Subscriber.host == host,
            Subscriber.reach == "mirror",
            Subscriber.state == "active",
            Actor.iri.in_(projects[:MOST_PROJECTS]),
        )
    ).all()
    sent = {
        row.space_id: _after(known.get(iri, ""), row.cursor)
        for row, iri in rows
        if host_may_read(session, session.get_one(Space, row.space_id), host)
    }
    if not sent or len(hub.open) >= MOST_STREAMS:
        raise Missing
    with writing(session):
        _mark(session, host, list(sent), until=now + timedelta(seconds=hub.longest + LOOK))
    stream = Stream(hub, host, sent)
    hub.enter(stream)
    return stream


def _after(last_id: str, cursor: int) -> int:
    epoch, _, seq = last_id.partition(":")
    return int(seq) if epoch == str(EPOCH) and seq.isdigit() and len(seq) < 10 else cursor


def _mark(session: Session, host: str, spaces: Sequence[int], until: object) -> None:
    session.execute(
        update(Subscriber)
        .where(Subscriber.host == host, Subscriber.space_id.in_(spaces))
        .values(streaming_until=until)
        .execution_options(synchronize_session=False)
    )


def read_ack(body: Json) -> list[tuple[str, int]]:
    """What a mirror acknowledges: (log IRI, number), at most MOST_PROJECTS of them."""
    told = body.get("projects")
    found = []
    for one in (told if isinstance(told, list) else [])[:MOST_PROJECTS]:
        seq = one.get("seq") if isinstance(one, dict) else None
        if isinstance(seq, int) and not isinstance(seq, bool) and one.get("epoch") == EPOCH:
            found.append((str(one.get("log")), seq))
    return found


def ack_of(reached: dict[str, int]) -> bytes:
    """The acknowledgement of some logs, as it is sent."""
    told = [{"log": iri, "epoch": EPOCH, "seq": seq} for iri, seq in sorted(reached.items())]
    return json.dumps({"projects": told}).encode()
