"""Telling the hosts of projects held here who of ours is in them: the other way of 4.7.

Runs in the worker, beside the streams. A host hears of ours only while its own stream says that
the project shows presence; one request to a host at a time, seconds apart, never tried again.
"""

from __future__ import annotations

import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

from collab.federation.house import Federation
from collab.federation.presence import Rooms, names_its_people, said
from collab.federation.signatures import cavage, rfc9421, sign
from collab.federation.signer import ED25519
from collab.federation.strictjson import canonical
from collab.federation.transport import Unreachable
from collab.spaces.models import Space
from collab.web.extensions import db
from collab.web.nearby import AGAIN, KEPT, understood

log = logging.getLogger(__name__)
APART = 2.0
"""Seconds between two requests to one host."""
THREADS = 4
LOOK = 0.5
MOST_UNDER_WAY = 50
"""Hosts that wait for their request or its answer; what is due to others is told later."""
DEADLINE = 5.0


def signed_headers(
    federation: Federation, host: str, method: str, url: str, body: bytes
) -> dict[str, str]:
    """A request of this instance itself to a host like ours, in the scheme it understood last."""
    with federation.runtime.app.app_context():
        known = federation.memory.get(host)
        scheme = rfc9421.NAME if known == ED25519 else known or cavage.NAME
        key = federation.signing_key(federation.instance_actor(), "ed25519")
        return sign(method, url, body, key, scheme, federation.now())


class PresencePost:
    """What the sockets of this instance whisper about projects of elsewhere, sent there."""

    def __init__(self, federation: Federation) -> None:
        self._federation = federation
        self._rooms = Rooms()
        self._until: dict[int, float] = {}
        """Project -> as long as its host shows presence."""
        self._told: dict[int, tuple[float, int]] = {}
        """Project -> (when, which version) its host was told."""
        self._next: dict[str, float] = {}
        """Host -> when it may be told again."""
        self._under_way: set[str] = set()
        """Hosts that a request goes to now; as many as wait or run in the pool."""
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="presence")
        self._thread: threading.Thread | None = None

    def allowed(self, space_id: int, open_: bool) -> None:
        """The host of a project says that it shows presence there, or no more."""
        if open_:
            self._until[space_id] = time.monotonic() + KEPT
        else:
            self._until.pop(space_id, None)

    def begin(self) -> None:
        """Begin to listen to our sockets, once."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="presence", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        listener = self._federation.runtime.whispers.listen("presence")
        while True:
            for words in listener.take(LOOK):
                heard = understood(words)
                if heard is not None and not heard.host:
                    self._rooms.take(heard)
            try:
                self.step()
            except Exception:  # the thread's boundary: presence is worth no more than this
                log.exception("presence was not sent")

    def step(self) -> int:
        """Send what is due to whom it is due. Returns to how many projects' hosts."""
        now = time.monotonic()
        self._until = {one: until for one, until in self._until.items() if until > now}
        due = [one for one in self._until if self._is_due(one, now)]
        if not due:
            return 0
        sent = 0
        with self._federation.runtime.app.app_context():
            if not names_its_people(self._federation):
                return 0
            for space_id in due:
                space = db.session.get(Space, space_id)
                if space is None or not self._may_tell(space.host, now):
                    continue
                words = self._words(space)
                self._under_way.add(space.host)
                self._pool.submit(self._send, space.host, *words)
                sent += 1
        return sent

    def _may_tell(self, host: str, now: float) -> bool:
        if host in self._under_way or len(self._under_way) >= MOST_UNDER_WAY:
            return False
        return self._next.get(host, 0.0) <= now

    def _is_due(self, space_id: int, now: float) -> bool:
        at, version = self._told.get(space_id, (0.0, 0))
        if self._rooms.version(space_id) != version:
            return True
        return now - at >= AGAIN and bool(self._rooms.people(space_id))

    def _words(self, space: Space) -> tuple[str, bytes]:
        before = self._told.get(space.id, (0.0, 0))[1]
        self._told[space.id] = time.monotonic(), self._rooms.version(space.id)
        words = said(
            space.iri,
            self._rooms.people(space.id),
            self._rooms.hints(space.id, before, space.host),
            self._federation.host,
        )
        parts = urlsplit(space.iri)
        return f"{parts.scheme}://{parts.netloc}/ap/presence", canonical(words)

    def _send(self, host: str, url: str, body: bytes) -> None:
        federation = self._federation
        try:
            if federation_admits(federation, host):
                headers = signed_headers(federation, host, "POST", url, body)
                federation.transport.request(
                    "POST", url, headers=headers, body=body, deadline=DEADLINE
                )
        except Unreachable as away:
            log.info("presence not told host=%s: %s", host, away)
        except Exception:  # the thread's boundary
            log.exception("presence not told host=%s", host)
        finally:
            self._next[host] = time.monotonic() + APART
            self._under_way.discard(host)


def federation_admits(federation: Federation, host: str) -> bool:
    """Whether we speak with that host, asked from a thread of its own."""
    with federation.runtime.app.app_context():
        return federation.admits(host)
