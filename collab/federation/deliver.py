"""Sending: two lanes per host, one request at a time, no host ever delays another.

The mirror lane has a cursor per copy and sends log entries by the page (`pages`); the classic
lane has a row per activity and inbox (`letters`). One thread takes letters up and writes down
what came of them, for all hosts together; many threads only send. FEDERATION.md 4.2, 4.3.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import chain
from threading import Event, Timer
from urllib.parse import urlsplit

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from collab.core.db import writing
from collab.federation.fetch import Unfetched, fetch_document
from collab.federation.house import Federation
from collab.federation.hygiene import forget
from collab.federation.lanes import MOST_WAITING, tidy
from collab.federation.letters import Packet, ready, send_letters, take_up
from collab.federation.lineup import THREADS, Due, Kind, LineUp
from collab.federation.models import Delivery
from collab.federation.outcomes import Outcomes
from collab.federation.pages import MirrorLane
from collab.federation.peerhealth import answered, failed, has_decided, peer_of
from collab.people.models import Actor, Peer, PeerState
from collab.web.extensions import db

log = logging.getLogger(__name__)
TIDY_EVERY = 60.0
COURTESY = 0.1
"""Seconds that senders hold back at most while the books are kept: threads of Python share one
interpreter, and sixteen that sign would make the one wait many times longer that all wait for."""


class Courier:
    """The delivery service of one worker process."""

    def __init__(self, federation: Federation, most_waiting: int = MOST_WAITING) -> None:
        self._federation = federation
        self._mirrors = MirrorLane(federation)
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="deliver")
        self._line = LineUp()
        self._outcomes = Outcomes()
        self._ended: deque[str] = deque()
        self._awake = False
        self._timer: Timer | None = None
        self._books_closed = Event()
        self._books_closed.set()
        self._most_waiting = most_waiting
        self._next_tidy: float | None = None

    def step(self) -> int:
        """Write down what was sent, and start sending to those whose turn it is."""
        self._awake = False
        with self._federation.runtime.app.app_context():
            with self._keeping_books():
                self._settle()
                self._keep_tidy()
                chosen = self._line.choose(self._due())
                quick = [due for due in chosen if due.kind == Kind.QUICK]
                others = [due for due in chosen if due.kind != Kind.QUICK]
                with self._releasing(chosen):
                    packets = self._packets(quick)
            with self._releasing(others):
                self._start(quick, packets)
                self._start(others, self._packets(others, first_one=True))
        self._look_again(self._line.frees_in)
        return len(chosen)

    def _look_again(self, seconds: float | None) -> None:
        """Wake the service when a place is free: those who hold it may never end and say so."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None if seconds is None else Timer(seconds, self._wake)
        if self._timer is not None:
            self._timer.daemon = True
            self._timer.start()

    @contextmanager
    def _releasing(self, chosen: Sequence[Due]) -> Iterator[None]:
        """Within this block something is made ready for some hosts; if not, it is tried again."""
        try:
            yield
        except BaseException:
            self._line.release([due.host for due in chosen])
            raise

    @contextmanager
    def _keeping_books(self) -> Iterator[None]:
        """Within this block senders hold back, so that it is over soon."""
        self._books_closed.clear()
        try:
            yield
        finally:
            self._books_closed.set()

    def _start(self, chosen: Sequence[Due], packets: Mapping[str, Packet]) -> None:
        for due in chosen:
            self._pool.submit(self._serve, due, packets[due.host])

    def drain(self) -> int:
        """Send everything due now, in this thread; tests and commands use it."""
        with self._federation.runtime.app.app_context():
            self._settle()
            self._keep_tidy()
            everybody = sorted(self._due(), key=lambda due: due.host)
            for due in everybody:
                self._serve(due, self._packets([due])[due.host])
                self._settle()
        return len(everybody)

    def close(self) -> None:
        """Begin nothing more, wait for what is under way, and write down what came of it."""
        self._look_again(None)
        self._pool.shutdown(wait=True, cancel_futures=True)
        with self._federation.runtime.app.app_context():
            self._settle()

    def _settle(self) -> None:
        """Write down what came of letters; only then may their hosts be served again."""
        ended = len(self._ended)
        self._outcomes.write()
        self._line.release([self._ended.popleft() for _ in range(ended)])

    def _due(self) -> list[Due]:
        """The hosts that have something waiting and do not rest."""
        session, now = db.session(), self._federation.now()
        behind = {host for _, host in self._mirrors.behind(session, now)}
        letters = select(Delivery.id).where(Delivery.host == Peer.host, ready(now)).exists()
        known = or_(Peer.actor_iri != "", select(Actor.id).where(Actor.host == Peer.host).exists())
        rows = session.execute(
            select(
                Peer.host, Peer.fail_count, Peer.answer_ms, Peer.circuit, letters.label("letters")
            ).where(
                Peer.state != PeerState.BLOCKED,
                Peer.paused_at.is_(None),
                or_(Peer.next_try_at.is_(None), Peer.next_try_at <= now),
                or_(letters, Peer.host.in_(behind), and_(Peer.circuit == "dead", known)),
            )
        ).all()
        self._federation.look_up([row.host for row in rows])
        due = [
            Due(
                host=row.host,
                kind=self._line.kind_of(row.host, row.fail_count, row.answer_ms),
                probing=row.fail_count > 0,
                dead=row.circuit == "dead",
                letters=bool(row.letters),
                behind=row.host in behind,
            )
            for row in rows
            if self._federation.standing(row.host) != "none"
        ]
        session.commit()
        return due

    def _packets(self, chosen: Sequence[Due], *, first_one: bool = False) -> Mapping[str, Packet]:
        """What each of them is sent in one go, marked as begun in one transaction.

        `first_one`: only one thing to who was never sent anything, to see how they are.
        """
        packets = {due.host: Packet(due.host) for due in chosen}
        wanted = {
            due.host: due.probing or (first_one and due.kind == Kind.NEW)
            for due in chosen
            if due.letters
        }
        if wanted:
            with writing(db.session()) as session:
                taken = take_up(self._federation, session, wanted, self._federation.now())
            packets |= {packet.host: packet for packet in taken}
        return packets

    def _serve(self, due: Due, packet: Packet) -> None:
        """Serve one host. One that turns out slow leaves its place to the others."""
        host = due.host
        try:
            with self._federation.runtime.app.app_context():
                self._send(due, packet)
        except Exception:  # the thread's boundary: the host is tried again a little later
            log.exception("delivery failed host=%s", host)
            self._line.stumbled(host)
        finally:
            self._ended.append(host)
            self._wake()

    def _wake(self) -> None:
        """Let the service look again; several that end at the same time wake it once."""
        if not self._awake:
            self._awake = True
            self._federation.runtime.pulse.beat()

    def _send(self, due: Due, packet: Packet) -> None:
        if due.dead and not self._revive(due.host):
            return
        letters = send_letters(packet, self._federation.now, self._outcomes.tell)
        for took in chain(letters, self._pages(due)):
            self._books_closed.wait(COURTESY)
            slow = self._line.answered(due.host, took)
            if took is None or due.probing or (slow and due.kind != Kind.SLOW):
                return

    def _pages(self, due: Due) -> Iterator[float | None]:
        if due.behind:
            self._outcomes.write()  # so that how the host is is noted in its order
            yield from self._mirrors.send(due.host, probing=due.probing)

    # ---- hosts that have been silent for days

    def _revive(self, host: str) -> bool:
        """Ask a dead host for its own actor, once a day. Whether it lives (4.3)."""
        session, federation = db.session(), self._federation
        iri = _known_actor(session, host)
        signer = federation.signer(federation.instance_actor())
        session.commit()
        if iri is None:
            return True
        try:
            fetch_document(
                federation.transport,
                iri,
                sign=signer,
                now=federation.now(),
                admits=federation.may_lead_to,
            )
        except Unfetched as away:
            if not has_decided(away.status):  # who says no is there
                with writing(session):
                    failed(session, host, federation.now(), str(away))
                return False
        with writing(session):
            answered(session, host, federation.now())
        return True

    # ---- bounds

    def _keep_tidy(self) -> None:
        clock, now = time.monotonic(), self._federation.now()
        if self._next_tidy is not None and clock < self._next_tidy:
            return
        session = db.session()
        with writing(session):
            if self._next_tidy is None:
                known = select(Peer.host)
                strangers = select(Delivery.host).where(Delivery.host.not_in(known)).distinct()
                for host in session.scalars(strangers).all():
                    peer_of(session, host, now)
            tidy(session, now, self._most_waiting)
        with writing(session):
            forget(session, now)
        self._next_tidy = clock + TIDY_EVERY
        self._line.tidy()


def _known_actor(session: Session, host: str) -> str | None:
    """Somebody of that host who can be asked for: its own actor, else anybody."""
    own = session.scalar(select(Peer.actor_iri).where(Peer.host == host))
    if own:
        return own
    anybody = select(Actor.iri).where(Actor.host == host).order_by(Actor.id).limit(1)
    return session.scalar(anybody)


def log_inbox_of(actor_iri: str) -> str:
    """Where an instance takes pages of logs in: `/ap/log` of the instance actor's origin."""
    parts = urlsplit(actor_iri)
    return f"{parts.scheme}://{parts.netloc}/ap/log"
