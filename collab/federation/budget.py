"""How often, and how much at once, a stranger may cause something (R29, R53, R56)."""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

from collab.federation.signatures import Refused

_MOST_KEPT = 10_000
AT_ONCE, MOST_WAITING, PATIENCE = 2, 50, 5.0
"""Requests in one name that are worked on at once; that wait besides; and for how many seconds."""


@dataclass
class Payer:
    """On whose account another host is asked for a key: the place a request came from, as long as
    nothing of it is verified; then the host that signed; "" for what we read of ourselves."""

    name: str = ""
    met: str = ""
    """The domain of somebody unknown whose key was fetched."""


class Budget:
    """Counts in this process; at most 10 000 names, the longest unused forgotten first."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._spent: OrderedDict[str, deque[float]] = OrderedDict()
        self._weighed: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def has(self, name: str, limit: int, seconds: float) -> bool:
        """Whether one is left, without taking it."""
        at = self._clock().timestamp()
        with self._lock:
            spent = self._spent.get(name, ())
            return sum(1 for one in spent if one > at - seconds) < limit

    def spend(self, name: str, limit: int, seconds: float) -> bool:
        """Take one of `limit` per `seconds` under a name. False when none is left."""
        at = self._clock().timestamp()
        with self._lock:
            spent = self._spent.setdefault(name, deque())
            self._spent.move_to_end(name)
            while spent and spent[0] <= at - seconds:
                spent.popleft()
            if len(spent) >= limit:
                return False
            spent.append(at)
            while len(self._spent) > _MOST_KEPT:
                self._spent.popitem(last=False)
            return True

    def weigh(self, name: str, amount: int, seconds: float) -> int:
        """Add an amount, such as of bytes, under a name; how much that is in all since it began to
        be counted, which is anew after so many seconds."""
        at = self._clock().timestamp()
        with self._lock:
            since, before = self._weighed.get(name, (at, 0))
            since, before = (at, 0) if at - since >= seconds else (since, before)
            self._weighed[name] = since, before + amount
            self._weighed.move_to_end(name)
            while len(self._weighed) > _MOST_KEPT:
                self._weighed.popitem(last=False)
            return before + amount


@dataclass
class _Turn:
    free: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(AT_ONCE))
    users: int = 0


class Turns:
    """Two at once in each name, the others wait (R56): nobody takes every place of this process."""

    def __init__(self, patience: float = PATIENCE) -> None:
        self._patience = patience
        self._lock = threading.Lock()
        self._turns: dict[str, _Turn] = {}

    @contextmanager
    def taken(self, name: str) -> Iterator[None]:
        """Wait for one's turn and have it. Raises Refused, 503, when too many wait, or too long."""
        busy = Refused(503, "busy", "Too many activities of this host at once.")
        with self._lock:
            turn = self._turns.setdefault(name, _Turn())
            if turn.users >= AT_ONCE + MOST_WAITING:
                raise busy
            turn.users += 1
        try:
            if not turn.free.acquire(timeout=self._patience):
                raise busy
            try:
                yield
            finally:
                turn.free.release()
        finally:
            with self._lock:
                turn.users -= 1
                if not turn.users:
                    del self._turns[name]
