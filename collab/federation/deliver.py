"""Sending: two lanes per host, one request at a time, no host ever delays another.

The mirror lane has a cursor per copy and sends log entries by the page (`pages`); the classic
lane has a row per activity and inbox (`letters`). FEDERATION.md 4.2, 4.3.
"""

from __future__ import annotations

import logging
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import chain
from urllib.parse import urlsplit

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from collab.core.db import writing
from collab.federation.fetch import Unfetched, fetch_document
from collab.federation.house import Federation
from collab.federation.hygiene import forget
from collab.federation.lanes import MOST_WAITING, tidy
from collab.federation.letters import ready, send_letters
from collab.federation.models import Delivery
from collab.federation.pages import MirrorLane
from collab.federation.peerhealth import answered, failed, peer_of
from collab.people.models import Actor, Peer, PeerState
from collab.web.extensions import db

log = logging.getLogger(__name__)
QUICK, SLOW = 16, 8
"""Threads for hosts that answer, and for those that take long or rest: these never take more."""
SLOW_MS = 1000.0
SLOW_FOR = 300.0
"""Seconds for which a host that was slow once is served with the slow ones."""
AFTER_ERROR = 5.0
TIDY_EVERY = 60.0


class Courier:
    """The delivery service of one worker process."""

    def __init__(self, federation: Federation, most_waiting: int = MOST_WAITING) -> None:
        self._federation = federation
        self._mirrors = MirrorLane(federation)
        self._quick = ThreadPoolExecutor(QUICK, thread_name_prefix="deliver")
        self._slow = ThreadPoolExecutor(SLOW, thread_name_prefix="deliver-slow")
        self._busy: set[str] = set()
        self._slow_until: dict[str, float] = {}
        self._stumbled: dict[str, float] = {}
        self._most_waiting = most_waiting
        self._next_tidy: float | None = None

    def step(self) -> int:
        """Start sending to every host that has something waiting and is not resting."""
        with self._federation.runtime.app.app_context():
            self._keep_tidy()
            due = self._due()
        started = 0
        for host, probing in due.items():
            if host not in self._busy and self._stumbled.get(host, 0.0) <= time.monotonic():
                self._busy.add(host)
                slow = probing or self._is_slow(host)
                pool = self._slow if slow else self._quick
                pool.submit(self._serve, host, probing=probing, slow=slow)
                started += 1
        return started

    def drain(self) -> int:
        """Send everything due now, in this thread; tests and commands use it."""
        with self._federation.runtime.app.app_context():
            self._keep_tidy()
            due = self._due()
        for host in sorted(due):
            self._serve(host, probing=due[host], slow=True)
        return len(due)

    def close(self) -> None:
        """Begin nothing more, and wait for what is under way."""
        for pool in (self._quick, self._slow):
            pool.shutdown(wait=True, cancel_futures=True)

    def _due(self) -> dict[str, bool]:
        """The hosts to be served now, and whether only to try how they are."""
        session, now = db.session(), self._federation.now()
        behind = {host for _, host in self._mirrors.behind(session, now)}
        letters = select(Delivery.id).where(Delivery.host == Peer.host, ready(now)).exists()
        rows = session.execute(
            select(Peer.host, Peer.fail_count).where(
                Peer.state != PeerState.BLOCKED,
                Peer.paused_at.is_(None),
                or_(Peer.next_try_at.is_(None), Peer.next_try_at <= now),
                or_(letters, Peer.host.in_(behind), Peer.circuit == "dead"),
            )
        ).all()
        due = {host: fails > 0 for host, fails in rows if self._federation.standing(host) != "none"}
        session.commit()
        return due

    def _is_slow(self, host: str) -> bool:
        return self._slow_until.get(host, 0.0) > time.monotonic()

    def _serve(self, host: str, *, probing: bool, slow: bool) -> None:
        """Serve one host. One that turns out slow leaves the quick threads to the others."""
        try:
            with self._federation.runtime.app.app_context():
                self._send(host, probing=probing, slow=slow)
        except Exception:  # the thread's boundary: the host is tried again a little later
            log.exception("delivery failed host=%s", host)
            self._stumbled[host] = time.monotonic() + AFTER_ERROR
        finally:
            self._busy.discard(host)
            self._federation.runtime.pulse.beat()

    def _send(self, host: str, *, probing: bool, slow: bool) -> None:
        if probing and self._is_dead(host) and not self._revive(host):
            return
        letters = send_letters(self._federation, host, probing=probing)
        for took in chain(letters, self._mirrors.send(host, probing=probing)):
            if took is None or took > SLOW_MS:
                self._slow_until[host] = time.monotonic() + SLOW_FOR
            if took is None or probing or (took > SLOW_MS and not slow):
                return

    # ---- hosts that have been silent for days

    def _is_dead(self, host: str) -> bool:
        session = db.session()
        dead = session.scalar(select(Peer.circuit).where(Peer.host == host)) == "dead"
        session.commit()
        return dead

    def _revive(self, host: str) -> bool:
        """Ask a dead host for its own actor, once a day. Whether it lives (4.3)."""
        session, federation = db.session(), self._federation
        iri = _known_actor(session, host)
        signer = federation.signer(federation.instance_actor())
        session.commit()
        if iri is None:
            return True
        try:
            fetch_document(federation.transport, iri, sign=signer, now=federation.now())
        except Unfetched as away:
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
        self._slow_until = {h: until for h, until in self._slow_until.items() if until > clock}
        self._stumbled = {h: until for h, until in self._stumbled.items() if until > clock}


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
