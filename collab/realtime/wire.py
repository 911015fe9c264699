"""One client's websocket, outward: written at once, held in order when the client is slow, capped.

A gevent socket writes short when the kernel's buffer is full. simple-websocket 1.1 ignores that
and the rest of the frame is lost, so that the reader's stream is garbage from there on. Here a
short write keeps its remainder, and everything later waits behind it.
"""

from __future__ import annotations

import socket
import struct
from collections import deque
from collections.abc import Callable

import gevent
from gevent import ssl

MAX_PACKETS = 256
"""Packets that may wait for one client."""
MAX_BYTES = 1024 * 1024
"""Bytes that may wait for one client."""
CLOSE_SECONDS = 5.0
"""How long a client has to read its last frames before the connection is cut."""
RESYNC = 4000
"""Websocket close code (RFC 6455 §7.4.2, private range): too slow, come back and catch up."""
NORMAL, GOING_AWAY = 1000, 1001

TEXT, BINARY, CLOSE = 0x1, 0x2, 0x8


def frame(payload: bytes, kind: int = TEXT) -> bytes:
    """Return one whole unmasked websocket frame, RFC 6455 §5.2."""
    size = len(payload)
    if size < 126:
        return bytes((0x80 | kind, size)) + payload
    if size < 65536:
        return struct.pack("!BBH", 0x80 | kind, 126, size) + payload
    return struct.pack("!BBQ", 0x80 | kind, 127, size) + payload


class Wire:
    """The socket that simple-websocket reads from and through which every frame leaves."""

    __slots__ = ("_closed", "_full", "_fuse", "_raw", "_sock", "_waiting", "_writer", "size")

    def __init__(self, sock: socket.socket, full: Callable[[], None]) -> None:
        """Take over `sock`, a gevent socket; `full` is told once when the caps are passed."""
        self._sock = sock
        # The plain non-blocking socket underneath: one system call per frame. TLS has none.
        plain = not isinstance(sock, ssl.SSLSocket)
        self._raw: socket.socket | None = getattr(sock, "_sock", None) if plain else None
        self._full = full
        self._waiting: deque[bytes | memoryview] = deque()
        self._writer: gevent.Greenlet | None = None
        self._fuse: gevent.Greenlet | None = None
        self._closed = False
        self.size = 0
        try:
            # Without it a second small frame waits for the acknowledgement of the first, 40 ms.
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError:
            return  # a Unix socket: nothing to turn off

    def __len__(self) -> int:
        return len(self._waiting)

    def recv(self, size: int) -> bytes:
        """Wait for bytes from the client; b"" when it is gone."""
        return self._sock.recv(size)

    def send(self, whole: bytes) -> int:
        """Send whole frames: now if nothing waits before them, else in their turn."""
        if not self._closed and not self._left(whole):
            waiting = len(self._waiting)
            if waiting > MAX_PACKETS or (self.size > MAX_BYTES and waiting > 1):
                self._overflow()
        return len(whole)

    def _left(self, whole: bytes) -> bool:
        """Write what can be written; whether that was all. The rest waits, in order."""
        rest: bytes | memoryview = whole
        if self._writer is None and self._raw is not None:
            try:
                sent = self._raw.send(whole)
            except BlockingIOError:
                sent = 0
            except OSError:
                self.cut()
                return True
            if sent == len(whole):
                return True
            rest = memoryview(whole)[sent:]
        self._waiting.append(rest)
        self.size += len(rest)
        if self._writer is None:
            self._writer = gevent.spawn(self._drain)
        return False

    def _drain(self) -> None:
        try:
            while self._waiting:
                head = memoryview(self._waiting[0])
                sent = self._sock.send(head)
                self.size -= sent
                if sent == len(head):
                    self._waiting.popleft()
                else:
                    self._waiting[0] = head[sent:]
            if self._closed:
                self._sock.shutdown(socket.SHUT_WR)
        except (OSError, IndexError):  # IndexError: cut() emptied the queue during the send
            self.cut()
        finally:
            self._writer = None

    def _overflow(self) -> None:
        """Forget what waits but finish the frame that is being written, then say why and close."""
        head = self._waiting.popleft()
        self._waiting.clear()
        self._waiting.append(head)
        self.size = len(head)
        self.end(RESYNC, "resync")
        self._full()

    def end(self, code: int = NORMAL, reason: str = "") -> None:
        """Close after what waits is written; cut the connection after CLOSE_SECONDS."""
        if self._closed:
            return
        self._left(frame(struct.pack("!H", code) + reason.encode(), CLOSE))
        self._closed = True
        self._fuse = gevent.spawn_later(CLOSE_SECONDS, self.cut)
        if self._writer is None:
            self._writer = gevent.spawn(self._drain)

    def cut(self) -> None:
        """Break the connection; whoever waits in `recv` is told that the client is gone."""
        self._closed = True
        self._waiting.clear()
        self.size = 0
        try:
            self._sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            return  # the other side was quicker

    def close(self) -> None:
        """Break the connection and give everything back. Called by the reader when it stops."""
        self.cut()
        for task in (self._fuse, self._writer):
            if task is not None:
                task.kill(block=False)
        self._sock.close()
