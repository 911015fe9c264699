"""The only module that opens a connection to another host (FEDERATION.md R21 to R26)."""

import contextlib
import http.client
import socket
import ssl
import time
import zlib
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType

from urllib3.exceptions import HTTPError
from urllib3.exceptions import TimeoutError as SlowError
from urllib3.response import BaseHTTPResponse

from collab.federation.addresses import is_public, resolve
from collab.federation.hosts import BadHost, Location, locate
from collab.federation.wire import Connection, Idle, Wire

Resolver = Callable[[str, int], list[str]]

_CONNECT = 5.0
_MAX_HEADERS = 1 << 16
_CHUNK = 1 << 16
_ADDRESSES = 4
# Ours alone: what a caller passes under these names is dropped.
_OWN_HEADERS = frozenset({"host", "accept-encoding", "connection", "content-length", "user-agent"})
_NO_HEADERS: Mapping[str, str] = MappingProxyType({})


class Unreachable(Exception):
    """No usable answer. `reason` is one of a few stable words, `detail` an English sentence.

    `address` refused before any look-up; `forbidden` a network address that is not public;
    `resolve`, `connect`, `tls` as they say; `timeout` the deadline passed; `too_large` the answer
    or its headers; `encoding` one we did not ask for; `broken` not HTTP, or cut short.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True)
class Answer:
    """An answer read to its end: header names in lower case, the body unpacked, what was asked."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: str


class Transport:
    """Ask other hosts over HTTPS. One instance per process, shared by threads and greenlets.

    `allow_loopback` lets tests and demonstrations reach `http://127.0.0.1:PORT`; a name that
    resolves to a loopback address stays refused. `resolver(name, port)` returns addresses as
    texts or raises OSError. Proxies set in the environment are not used.
    """

    def __init__(
        self,
        *,
        allow_loopback: bool = False,
        resolver: Resolver = resolve,
        user_agent: str = "collab",
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._allow_loopback = allow_loopback
        self._resolver = resolver
        self._user_agent = user_agent
        self._given_tls = tls
        self._idle = Idle()

    def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] = _NO_HEADERS,
        body: bytes = b"",
        limit: int = 1 << 20,
        deadline: float = 10.0,
    ) -> Answer:
        """Send one request and read the whole answer; a redirect is an answer like another.

        `limit`: bytes of the body, packed and unpacked. `deadline`: seconds for everything, of
        which 5 to connect. A kept connection that the peer has closed is replaced once.

        Raises Unreachable.
        """
        try:
            place = locate(url, allow_loopback=self._allow_loopback)
        except BadHost as error:
            raise Unreachable("address", str(error)) from error
        sent = {k: v for k, v in headers.items() if k.lower() not in _OWN_HEADERS}
        sent |= {"Host": place.host, "User-Agent": self._user_agent, "Accept-Encoding": "gzip"}
        ends = time.monotonic() + deadline
        with _named_failures():
            try:
                return self._exchange(place, (method, sent, body), limit, ends, fresh=False)
            except _StaleConnection:
                return self._exchange(place, (method, sent, body), limit, ends, fresh=True)

    def listen(
        self,
        url: str,
        *,
        headers: Mapping[str, str],
        silence: float,
        deadline: float,
        opened: Callable[[Callable[[], None]], None] = lambda _cut: None,
    ) -> Generator[Answer, None, None]:
        """Ask once and give the answer piece by piece as it comes: first one without a body, then
        one for each piece, until the peer ends it.

        `silence`: seconds the peer may say nothing. `deadline`: seconds in all. The connection is
        closed when the iterator is; `opened` is given what ends it from another thread.

        Raises Unreachable, at any piece.
        """
        try:
            place = locate(url, allow_loopback=self._allow_loopback)
        except BadHost as error:
            raise Unreachable("address", str(error)) from error
        sent = {k: v for k, v in headers.items() if k.lower() not in _OWN_HEADERS}
        sent |= {"Host": place.host, "User-Agent": self._user_agent}
        ends = time.monotonic() + deadline
        connection = Connection(place.name, place.port)
        with _named_failures():
            try:
                connection.hold(self._connect(place, ends))
                opened(connection.cut)
                connection.ends_at(min(ends, time.monotonic() + silence))
                response = _ask(connection, place.target, ("GET", sent, b""), stale=False)
                found = _headers(response)
                yield Answer(response.status, found, b"", place.url)
                while piece := _piece(connection, response, min(ends, time.monotonic() + silence)):
                    yield Answer(response.status, found, piece, place.url)
            finally:
                connection.abort()

    def close(self) -> None:
        """Close the connections kept for later requests."""
        self._idle.clear()

    def _exchange(
        self,
        place: Location,
        asked: tuple[str, dict[str, str], bytes],
        limit: int,
        ends: float,
        *,
        fresh: bool,
    ) -> Answer:
        kept = None if fresh else self._idle.take(place.origin)
        connection = kept or Connection(place.name, place.port)
        try:
            if kept is None:
                connection.hold(self._connect(place, ends))
            connection.ends_at(ends)
            response = _ask(connection, place.target, asked, stale=kept is not None)
            found = _headers(response)
            content = _read(response, found.get("content-encoding", ""), limit)
        except BaseException:
            connection.abort()
            raise
        if connection.sock is not None:
            self._idle.give(place.origin, connection)
        return Answer(response.status, found, content, place.url)

    def _connect(self, place: Location, ends: float) -> Wire:
        addresses = self._addresses(place)
        ends = min(ends, time.monotonic() + _CONNECT)
        wire = Wire(_dial(addresses, place.port, ends), ends)
        if place.scheme == "https":
            try:
                wire.secure(self._tls, place.name)
            except BaseException:
                wire.abort()
                raise
        return wire

    def _addresses(self, place: Location) -> list[str]:
        """Resolve once and judge every address: what is checked here is what is dialled (R22)."""
        if place.is_loopback:
            return ["::1" if place.name == "[::1]" else "127.0.0.1"]
        try:
            found = self._resolver(place.name, place.port)
        except (OSError, UnicodeError) as error:
            raise Unreachable("resolve", f"{place.name} has no address") from error
        if not found:
            raise Unreachable("resolve", f"{place.name} has no address")
        if not all(is_public(address) for address in found):
            raise Unreachable("forbidden", f"{place.name} is not on the public network")
        return found[:_ADDRESSES]

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        return self._given_tls or ssl.create_default_context()


class _StaleConnection(Exception):
    """A kept connection that the peer closed before it saw the request."""


@contextlib.contextmanager
def _named_failures() -> Iterator[None]:
    try:
        yield
    except (TimeoutError, SlowError) as error:
        raise Unreachable("timeout", "no complete answer in time") from error
    except ssl.SSLError as error:
        raise Unreachable("tls", str(error.reason or error)) from error
    except (http.client.HTTPException, HTTPError, OSError, ValueError, zlib.error) as error:
        raise Unreachable("broken", f"{type(error).__name__} while speaking") from error


def _dial(addresses: list[str], port: int, ends: float) -> socket.socket:
    """Connect to the first address that answers, the time left shared between them."""
    for index, address in enumerate(addresses):
        left = (ends - time.monotonic()) / (len(addresses) - index)
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        sock = socket.socket(family, socket.SOCK_STREAM)
        try:
            sock.settimeout(max(left, 0.001))
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.connect((address, port))
        except OSError:
            sock.close()
        else:
            return sock
    raise Unreachable("connect", "no address accepted a connection")


def _ask(
    connection: Connection,
    target: str,
    asked: tuple[str, dict[str, str], bytes],
    *,
    stale: bool,
) -> BaseHTTPResponse:
    method, headers, body = asked
    try:
        with contextlib.suppress(BrokenPipeError):  # refused before the end, maybe with an answer
            connection.request(
                method,
                target,
                body=body if body or method not in {"GET", "HEAD"} else None,
                headers=headers,
                preload_content=False,
                decode_content=False,
            )
        return connection.getresponse()
    except (http.client.RemoteDisconnected, ConnectionError) as error:
        if stale:
            raise _StaleConnection from error
        raise


def _piece(connection: Connection, response: BaseHTTPResponse, ends: float) -> bytes:
    """What has come of an answer that goes on; b"" at its end."""
    connection.ends_at(ends)
    return bytes(response.read1(_CHUNK))


def _headers(response: BaseHTTPResponse) -> dict[str, str]:
    lines = list(response.headers.items())
    if sum(len(name) + len(value) for name, value in lines) > _MAX_HEADERS:
        raise Unreachable("too_large", "more than 64 KiB of headers")
    return {name.lower(): response.headers[name] for name, _ in lines}


def _read(response: BaseHTTPResponse, encoding: str, limit: int) -> bytes:
    """Read the body, unpacked, never holding more than `limit` bytes and one chunk (R26)."""
    packed = {"": False, "identity": False, "gzip": True, "x-gzip": True}.get(encoding.lower())
    if packed is None:
        raise Unreachable("encoding", "an encoding that was not asked for")
    unpacker = zlib.decompressobj(zlib.MAX_WBITS + 16) if packed else None
    found = bytearray()
    received = 0
    while chunk := response.read(_CHUNK):
        received += len(chunk)
        found += chunk if unpacker is None else unpacker.decompress(chunk, limit + 1 - len(found))
        if max(received, len(found)) > limit:
            raise Unreachable("too_large", f"more than {limit} bytes")
    if unpacker is not None and received and not unpacker.eof:
        raise Unreachable("broken", "a packed answer cut short")
    return bytes(found)
