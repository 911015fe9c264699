"""How often something that a stranger can cause may happen (R29, R53)."""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from collections.abc import Callable
from datetime import datetime

_MOST_KEPT = 10_000


class Budget:
    """Counts in this process; at most 10 000 names, the longest unused forgotten first."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._spent: OrderedDict[str, deque[float]] = OrderedDict()

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
