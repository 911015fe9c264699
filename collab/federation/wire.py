"""A socket on which everything ends at one moment, however slowly the other side answers."""

import contextlib
import http.client
import io
import socket
import ssl
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

from urllib3.connection import HTTPConnection
from urllib3.util.wait import wait_for_read, wait_for_write

T = TypeVar("T")
Socket = socket.socket | ssl.SSLSocket

_IDLE_PER_HOST = 2
_IDLE_HOSTS = 128
_IDLE_SECONDS = 60.0


class Wire:
    """A connected socket with a deadline instead of a timeout per read (R26).

    A peer that sends one byte a second never lets a timeout per read pass. Here each wait lasts
    at most until `ends`, in seconds of `time.monotonic`. The socket is non-blocking and waits
    are explicit, because a single read of TLS may need many reads of the network.
    """

    def __init__(self, sock: Socket, ends: float) -> None:
        self._sock = sock
        self._readers = 0
        self._closing = False
        self.ends = ends
        sock.settimeout(0.0)

    def secure(self, context: ssl.SSLContext, name: str) -> None:
        """Start TLS with the peer as `name`: what is announced, and what its certificate says."""
        assert not isinstance(self._sock, ssl.SSLSocket)
        wrapped = context.wrap_socket(
            self._sock, server_hostname=name, do_handshake_on_connect=False
        )
        self._sock = wrapped
        self._repeat(wrapped.do_handshake, wait_for_read)

    def sendall(self, data: Any) -> None:
        """Send all bytes. Raises TimeoutError at the deadline."""
        view = memoryview(data).cast("B")
        while view:
            sent = self._repeat(partial(self._sock.send, view[: 1 << 16]), wait_for_write)
            view = view[sent:]

    def receive_into(self, buffer: Any) -> int:
        """Fill a buffer with what comes first; 0 at the end. Raises TimeoutError."""
        return self._repeat(lambda: self._sock.recv_into(buffer), wait_for_read)

    def makefile(self, *_mode: object, **_options: object) -> io.BufferedReader:
        """Return a reader of the answer; the socket stays open until it is closed as well."""
        self._readers += 1
        return io.BufferedReader(_Reader(self))

    def reader_closed(self) -> None:
        """One reader fewer; the last one closes the socket if `close` came before."""
        self._readers -= 1
        if self._closing and self._readers <= 0:
            self._sock.close()

    def close(self) -> None:
        """Close now, or when the last reader is done."""
        self._closing = True
        if self._readers <= 0:
            self._sock.close()

    def abort(self) -> None:
        """Close whatever is still being read."""
        self._sock.close()

    def cut(self) -> None:
        """End what another thread is reading: it finds the end, or a failure."""
        with contextlib.suppress(OSError, ValueError):
            self._sock.shutdown(socket.SHUT_RDWR)

    def fileno(self) -> int:
        """The descriptor to wait for."""
        return self._sock.fileno()

    def settimeout(self, _seconds: float | None) -> None:
        """Do nothing: the deadline rules."""

    def setsockopt(self, *option: Any) -> None:
        """Set an option of the socket."""
        self._sock.setsockopt(*option)

    def _repeat(self, action: Callable[[], T], otherwise: Callable[..., bool]) -> T:
        while True:
            left = self.ends - time.monotonic()
            if left <= 0:
                raise TimeoutError("the deadline has passed")
            try:
                return action()
            except ssl.SSLWantReadError:
                wait_for_read(self._sock, left)
            except ssl.SSLWantWriteError:
                wait_for_write(self._sock, left)
            except BlockingIOError:
                otherwise(self._sock, left)


class _Reader(io.RawIOBase):
    """The raw end that `io.BufferedReader` reads from."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return self._wire.receive_into(buffer)

    def close(self) -> None:
        if not self.closed:
            super().close()
            self._wire.reader_closed()


class Connection(HTTPConnection):
    """One HTTP connection over a socket that is given to it; it never opens one by itself."""

    idle_since = 0.0
    _wire: Wire | None = None

    def hold(self, wire: Wire) -> None:
        """Use this socket; keep hold of it even when HTTP lets go of it before the body is read."""
        self.sock = self._wire = wire

    def ends_at(self, moment: float) -> None:
        """Set the deadline of the request that comes next, in seconds of `time.monotonic`."""
        assert self._wire is not None
        self._wire.ends = moment

    def connect(self) -> None:
        """Refuse: the transport dials, after checking where to."""
        raise http.client.NotConnected

    def cut(self) -> None:
        """End it from another thread than the one that reads."""
        if self._wire is not None:
            self._wire.cut()

    def abort(self) -> None:
        """Close the socket, whoever still reads from it."""
        if self._wire is not None:
            self._wire.abort()
        self.close()


class Idle:
    """Connections kept open between requests, the longest unused host dropped first."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, list[Connection]] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, host: str) -> Connection | None:
        """Take the connection used last, if the peer has left it open."""
        while True:
            with self._lock:
                kept = self._kept.get(host)
                connection = kept.pop() if kept else None
            if connection is None:
                return None
            if time.monotonic() - connection.idle_since < _IDLE_SECONDS and connection.is_connected:
                return connection
            connection.abort()

    def give(self, host: str, connection: Connection) -> None:
        """Keep a connection whose answer has been read to its end."""
        connection.idle_since = time.monotonic()
        dropped: list[Connection] = []
        with self._lock:
            kept = self._kept.setdefault(host, [])
            self._kept.move_to_end(host)
            kept.append(connection)
            dropped += kept[:-_IDLE_PER_HOST]
            del kept[:-_IDLE_PER_HOST]
            if len(self._kept) > _IDLE_HOSTS:
                dropped += self._kept.popitem(last=False)[1]
        for old in dropped:
            old.abort()

    def clear(self) -> None:
        """Close every connection that is kept."""
        with self._lock:
            everything, self._kept = self._kept, OrderedDict()
        for kept in everything.values():
            for connection in kept:
                connection.abort()
