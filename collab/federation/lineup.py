"""Whose turn it is: hosts known to be quick first, and slow ones never in their way (4.3)."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import IntEnum
from threading import Lock

SLOW_MS = 1000.0
SLOW_FOR = 300.0
"""Seconds for which a host that was slow once is served with the slow ones."""
AFTER_ERROR = 5.0


class Kind(IntEnum):
    """What is known of a host before it is sent anything; served in this order."""

    QUICK = 0
    """It answered well and soon the last time."""
    NEW = 1
    """It was never sent anything."""
    SLOW = 2
    """It took long, or failed: it is tried."""


PLACES = {Kind.QUICK: 16, Kind.NEW: 16, Kind.SLOW: 8}
"""How many of a kind are served at once."""
WAITS = {Kind.QUICK: 0.3, Kind.NEW: 0.1, Kind.SLOW: math.inf}
"""Seconds without an answer after which a host holds no place of its kind any more: signing and
sending to it are over, and waiting costs nothing. Of new ones many may never answer."""
ASIDE = 88
"""How many more at most wait for an answer without holding a place. Should ever more hosts hang,
those that are too many keep their places: of their own kind, and of no other."""
THREADS = sum(PLACES.values()) + ASIDE
"""Requests under way at once, those included that wait for an answer that may never come."""


@dataclass(frozen=True)
class Due:
    """A host that has something waiting and does not rest."""

    host: str
    kind: Kind
    probing: bool
    """It failed the last time: only to try how it is."""
    dead: bool
    letters: bool
    behind: bool
    """A copy it holds lacks entries of the log."""


@dataclass
class _Served:
    kind: Kind
    since: float
    """When its last answer came, or it was begun."""


@dataclass
class LineUp:
    """Who is being served, who was slow, and who is next. For one thread that chooses; those that
    serve only tell. Times are seconds of `time.monotonic`."""

    slow_until: dict[str, float] = field(default_factory=dict)
    frees_in: float | None = None
    """In how many seconds a place is free that somebody waits for; None when nobody does, or it is
    free only when an answer comes."""
    _served: dict[str, _Served] = field(default_factory=dict)
    _last: dict[str, float] = field(default_factory=dict)
    _stumbled: dict[str, float] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def kind_of(self, host: str, failures: int, answer_ms: float | None) -> Kind:
        """What is known of a host. `answer_ms`: how long its answers take; None: none ever came."""
        slow = self.slow_until.get(host, 0.0) > time.monotonic()
        if failures or slow or (answer_ms or 0.0) > SLOW_MS:
            return Kind.SLOW
        return Kind.NEW if answer_ms is None else Kind.QUICK

    def choose(self, due: Iterable[Due]) -> list[Due]:
        """Those to be served now; of a kind, who was served longest ago comes first."""
        now = time.monotonic()
        with self._lock:
            free = self._free(now)
            left, kept = THREADS - len(self._served), set[Kind]()
            chosen = []
            for one in sorted(due, key=lambda d: (d.kind, self._last.get(d.host, 0.0), d.host)):
                if self._stumbled.get(one.host, 0.0) > now or one.host in self._served:
                    continue
                if not free[one.kind] or not left:
                    kept.add(one.kind)
                    continue
                free[one.kind], left = free[one.kind] - 1, left - 1
                self._served[one.host] = _Served(one.kind, now)
                self._last[one.host] = now
                chosen.append(one)
            self.frees_in = self._frees_in(kept, now)
        return chosen

    def _free(self, now: float) -> dict[Kind, int]:
        """Places that are free. Who is quick or new and lets us wait stands in nobody's way, as
        long as there are not too many of them."""
        free, aside = dict(PLACES), 0
        for one in sorted(self._served.values(), key=lambda served: served.since):
            if now - one.since >= WAITS[one.kind] and aside < ASIDE:
                aside += 1
            else:
                free[one.kind] = max(free[one.kind] - 1, 0)
        return free

    def _frees_in(self, kept: set[Kind], now: float) -> float | None:
        """When the first of those who hold a place of these kinds will have waited long enough."""
        left = [
            one.since + WAITS[one.kind] - now
            for one in self._served.values()
            if one.kind in kept - {Kind.SLOW} and now - one.since < WAITS[one.kind]
        ]
        return min(left, default=None)

    def answered(self, host: str, took: float | None) -> bool:
        """Note how long an answer took (ms; None: none). Whether that was slow."""
        now = time.monotonic()
        slow = took is None or took > SLOW_MS
        with self._lock:
            if slow:
                self.slow_until[host] = now + SLOW_FOR
            if host in self._served:
                self._served[host].since = now
        return slow

    def stumbled(self, host: str) -> None:
        """Serving it went wrong on our side: it waits a moment."""
        with self._lock:
            self._stumbled[host] = time.monotonic() + AFTER_ERROR

    def release(self, hosts: Iterable[str]) -> None:
        """They are served no more."""
        with self._lock:
            for host in hosts:
                self._served.pop(host, None)

    def tidy(self) -> None:
        """Forget what is over."""
        now = time.monotonic()
        with self._lock:
            for held in (self.slow_until, self._stumbled):
                for host in [host for host, until in held.items() if until <= now]:
                    del held[host]
            for host in [host for host, at in self._last.items() if at < now - SLOW_FOR]:
                del self._last[host]
