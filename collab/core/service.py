"""What the worker process runs: services, each in a thread of its own, each a loop of steps."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from collab.core.pulse import Pulse

log = logging.getLogger(__name__)
AFTER_ERROR = 2.0
"""Seconds a service rests after a step that failed, so that a full disk does not spin."""


@dataclass(frozen=True)
class Service:
    """`step()` does what is due and returns how much it did; 0 means: rest until a pulse.

    `rest` is the longest sleep in seconds between two looks.
    """

    name: str
    step: Callable[[], int]
    rest: float = 1.0


def spaced(step: Callable[[], int], seconds: float) -> Callable[[], int]:
    """The same step, begun at most once in that time: pulses that come closer count as one."""
    ready = 0.0

    def run() -> int:
        nonlocal ready
        time.sleep(max(0.0, ready - time.monotonic()))
        ready = time.monotonic() + seconds
        return step()

    return run


def seldom(step: Callable[[], int], seconds: float) -> Callable[[], int]:
    """The same step, done at most once in that time; woken before, it does nothing.

    Unlike `spaced` it does not wait, so it suits hours. A step that fails is tried again.
    """
    ready = 0.0

    def run() -> int:
        nonlocal ready
        if time.monotonic() < ready:
            return 0
        done = step()
        ready = time.monotonic() + seconds
        return done

    return run


def serve(services: Sequence[Service], pulse: Pulse, stop: threading.Event) -> None:
    """Run every service until `stop` is set, then return when all their steps have ended."""
    threads = [
        threading.Thread(target=_loop, args=(s, pulse, stop), name=s.name, daemon=True)
        for s in services
    ]
    for thread in threads:
        thread.start()
    stop.wait()
    pulse.beat()
    for thread in threads:
        thread.join(timeout=7)


def _loop(service: Service, pulse: Pulse, stop: threading.Event) -> None:
    listener = pulse.listen(service.name)
    try:
        while not stop.is_set():
            try:
                done = service.step()
            except Exception:  # the service boundary: one bad step must not end the service
                log.exception("service failed name=%s", service.name)
                stop.wait(AFTER_ERROR)
                continue
            if not done and not stop.is_set():
                listener.wait(service.rest)
    finally:
        listener.close()
