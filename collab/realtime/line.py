"""What goes to one client, in Engine.IO packets: it waits for a poll, or leaves by a websocket."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

import gevent
from engineio import packet as eio
from gevent.event import Event
from gevent.queue import Empty

from collab.realtime.wire import (
    BINARY,
    CLOSE_SECONDS,
    MAX_BYTES,
    MAX_PACKETS,
    NORMAL,
    Wire,
    frame,
)

PER_POLL = 16
"""Packets in one answer to a poll: python-engineio's client refuses more."""


class Framed(eio.Packet):  # type: ignore[misc]
    """A text packet for many clients: encoded and framed once, the same bytes for each."""

    def __init__(self, text: str) -> None:
        super().__init__(eio.MESSAGE, text)
        self.wire = frame(self.encode().encode())


class Bundle:
    """Packets that belong together, such as a catch-up: they do not count against the caps."""

    def __init__(self, packets: Iterable[Framed]) -> None:
        self.packets = list(packets)
        self.wire = b"".join(p.wire for p in self.packets)


def wire_of(packet: Any) -> bytes:
    """The frame or frames of a packet."""
    made: bytes | None = getattr(packet, "wire", None)
    if made is not None:
        return made
    text = packet.encode()
    return frame(text.encode()) if isinstance(text, str) else frame(text, BINARY)


class Line:
    """What goes to one client. python-engineio uses it as the client's queue.

    While the client polls, packets wait here to be fetched; once it has a websocket they pass
    straight through to its Wire. Either way no more waits than MAX_PACKETS and MAX_BYTES.
    """

    __slots__ = ("_arrived", "_ended", "_full", "_given", "_spare", "_waiting", "_wire", "size")

    def __init__(self, full: Callable[[Line], None]) -> None:
        self._full = full
        self._waiting: deque[Any] = deque()
        self._wire: Wire | None = None
        self._arrived = Event()
        self._ended = False
        self._given = 0
        self._spare = 0
        self.size = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def attach(self, wire: Wire) -> None:
        """From now on the client has a websocket; what waited goes first, in order."""
        self._wire = wire
        waiting, self._waiting = self._waiting, deque()
        if packets := [p for p in waiting if p is not None]:
            wire.send(b"".join(wire_of(p) for p in packets))
        if self._ended:
            wire.end()

    def put(self, packet: Any) -> None:
        """Send `packet`; None closes the connection after what was sent before."""
        if packet is None:
            self.end()
        elif self._wire is not None:
            self._wire.send(wire_of(packet))
        elif not self._ended:
            self._hold(packet)

    def end(self, code: int = NORMAL) -> None:
        """Close the connection after what was sent before; `code` is a websocket's close code."""
        self._ended = True
        if self._wire is not None:
            self._wire.end(code)
        else:
            self._waiting.append(None)
            self._arrived.set()

    def _hold(self, packet: Any) -> None:
        if isinstance(packet, Bundle):
            self._waiting.extend(packet.packets)
            self._spare += len(packet.packets)
        else:
            self._waiting.append(packet)
            self.size += len(packet.data or "")
        self._arrived.set()
        if len(self._waiting) > MAX_PACKETS + self._spare or self.size > MAX_BYTES:
            self.overflow()

    def overflow(self) -> None:
        """The client is too slow: forget what waits for it and have the connection closed."""
        self._ended = True
        self._forget()
        self._full(self)

    def _forget(self) -> None:
        self._waiting.clear()
        self.size = self._spare = 0

    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        """The next packet for a client that polls; with `block`, the first of an answer.

        Raises Empty when none comes within `timeout` seconds, or the answer is long enough.
        """
        if block:
            self._given = 0
            if not self._waiting:
                self._arrived.clear()
                self._arrived.wait(timeout)
            if self._ended and not self._waiting:
                return None
        if not self._waiting or self._given == PER_POLL:
            raise Empty
        self._given += 1
        packet = self._waiting.popleft()
        self.size -= 0 if packet is None else len(packet.data or "")
        if not self._waiting:
            self._forget()
        return packet

    def empty(self) -> bool:
        """Does nothing wait to be fetched?"""
        return not self._waiting

    def task_done(self) -> None:
        """Part of a queue's interface; nothing is counted."""

    def join(self) -> None:
        """Wait until everything is fetched, for CLOSE_SECONDS at the longest."""
        for _ in range(int(CLOSE_SECONDS * 10)):
            if not any(self._waiting):  # nobody may come for the None that ends it
                return
            gevent.sleep(0.1)
