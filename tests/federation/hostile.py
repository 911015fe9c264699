"""A peer that misbehaves on purpose, over real sockets on loopback.

`peer.url("/drip")` and so on name the misdeeds below; `peer.serve(path, ...)` adds well-behaved
answers. Every misdeed ends by itself after some seconds with an answer that would be accepted, so
that a client without limits makes a test fail instead of hanging it.
"""

import gzip
import json
import socket
import socketserver
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

ACTIVITY_JSON = "application/activity+json"
PACE = 0.05  # seconds between two pieces of a slow answer
PIECES = 60  # how many, before it ends well


@dataclass(frozen=True)
class Asked:
    """One request as it arrived."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name: str) -> str | None:
        found = [value for key, value in self.headers if key.lower() == name.lower()]
        return found[0] if found else None


@dataclass(frozen=True)
class Reply:
    """One answer, headers written exactly as given; Content-Length is added unless there."""

    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""

    def raw(self) -> bytes:
        lines = [f"HTTP/1.1 {self.status} Said", *(f"{k}: {v}" for k, v in self.headers)]
        if not any(k.lower() in {"content-length", "transfer-encoding"} for k, _ in self.headers):
            lines.append(f"Content-Length: {len(self.body)}")
        return "\r\n".join([*lines, "", ""]).encode() + self.body


Answerer = Callable[[Asked], Reply]


@dataclass
class HostilePeer:
    """A server on a free port of 127.0.0.1 (`host` may be `localhost`), in threads."""

    scheme: str = "http"
    host: str = "127.0.0.1"
    tls: ssl.SSLContext | None = None
    asked: list[Asked] = field(default_factory=list)
    connections: int = 0
    done: threading.Event = field(default_factory=threading.Event)
    answers: dict[str, Answerer] = field(default_factory=dict)
    port: int = 0

    @property
    def origin(self) -> str:
        return f"{self.scheme}://{self.host}:{self.port}"

    def url(self, path: str) -> str:
        return self.origin + path

    def serve(
        self, path: str, document: object, *, content_type: str = ACTIVITY_JSON, status: int = 200
    ) -> str:
        """Answer `path` with a JSON document; returns its address."""
        reply = Reply(status, (("Content-Type", content_type),), json.dumps(document).encode())
        self.answers[path] = lambda _asked: reply
        return self.url(path)

    def redirect(self, path: str, location: str, status: int = 302) -> str:
        """Answer `path` with a redirect; returns its address."""
        self.answers[path] = lambda _asked: Reply(status, (("Location", location),))
        return self.url(path)

    def targets(self) -> list[str]:
        return [asked.target for asked in self.asked]


@contextmanager
def hostile_peer(
    *, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1"
) -> Iterator[HostilePeer]:
    """Run a HostilePeer for the time of a `with` block."""
    peer = HostilePeer("https" if tls else "http", host, tls)
    server = _Server(("127.0.0.1", 0), _Handler)
    server.peer = peer
    peer.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield peer
    finally:
        peer.done.set()
        server.shutdown()
        thread.join(10)
        server.server_close()


@contextmanager
def dripping_tls(tls: ssl.SSLContext) -> Iterator[str]:
    """Run a TLS peer, `https://localhost:PORT`, that sends a good answer in crumbs.

    They are crumbs of one TLS record: nothing can be read from it before it is whole.
    """
    done = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=_drip_records, args=(server, tls, done))
        thread.start()
        try:
            yield f"https://localhost:{server.getsockname()[1]}"
        finally:
            done.set()
            server.shutdown(socket.SHUT_RDWR)
            thread.join(10)


def _drip_records(server: socket.socket, tls: ssl.SSLContext, done: threading.Event) -> None:
    while not done.is_set():
        try:
            connection, _ = server.accept()
        except OSError:
            return
        with connection, suppress(OSError):
            connection.settimeout(10)
            _drip_record(connection, tls, done)


def _drip_record(connection: socket.socket, tls: ssl.SSLContext, done: threading.Event) -> None:
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    secured = tls.wrap_bio(incoming, outgoing, server_side=True)
    for step in (secured.do_handshake, lambda: secured.read(1 << 16)):
        while True:
            try:
                step()
                break
            except ssl.SSLWantReadError:
                connection.sendall(outgoing.read())
                incoming.write(connection.recv(1 << 16))
    secured.write(Reply(200, (("Content-Type", ACTIVITY_JSON),), b"{}").raw())
    raw = outgoing.read()
    size = len(raw) // PIECES + 1
    for start in range(0, len(raw), size):
        if done.wait(PACE):
            return
        connection.sendall(raw[start : start + size])


def tls_contexts(pem: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Make a certificate for `localhost` in a file: the context of its server, and of a client."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a test authority")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    encoding = serialization.Encoding.PEM
    pem.write_bytes(
        key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(encoding)
    )
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(pem)
    return server, ssl.create_default_context(cafile=str(pem))


@cache
def bomb() -> bytes:
    """A few kilobytes that unpack to 64 MiB."""
    return gzip.compress(bytes(64 << 20), 9)


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64
    peer: HostilePeer

    def handle_error(self, request, client_address):
        """A client that hangs up is what these tests are about."""


class _Handler(socketserver.BaseRequestHandler):
    server: _Server

    def setup(self):
        peer = self.server.peer
        peer.connections += 1
        self.request.settimeout(30)
        if peer.tls is not None:
            self.request = peer.tls.wrap_socket(self.request, server_side=True)

    def handle(self):
        reader = self.request.makefile("rb")
        try:
            while asked := _read(reader):
                self.server.peer.asked.append(asked)
                if not self.answer(asked):
                    return
        except OSError:
            return

    def answer(self, asked: Asked) -> bool:
        """Answer one request; tell whether the connection may be used again."""
        peer = self.server.peer
        path = asked.target.partition("?")[0]
        if path in peer.answers:
            self.request.sendall(peer.answers[path](asked).raw())
            return True
        misdeed = getattr(self, path.strip("/").replace("-", "_"), None)
        if misdeed is None:
            self.request.sendall(Reply(404).raw())
            return True
        misdeed()
        return False

    def finish(self):
        self.request.close()

    def pieces(self, piece: bytes) -> None:
        for _ in range(PIECES):
            if self.server.peer.done.wait(PACE):
                return
            self.request.sendall(piece)

    # The misdeeds, by the path that asks for them.

    def silent(self):
        self.server.peer.done.wait(PACE * PIECES)
        self.request.sendall(Reply(200, (("Content-Type", ACTIVITY_JSON),), b"{}").raw())

    def drip(self):
        head = Reply(200, (("Content-Type", ACTIVITY_JSON), ("Content-Length", str(PIECES))))
        self.request.sendall(head.raw())
        self.pieces(b" ")

    def drip_headers(self):
        self.request.sendall(b"HTTP/1.1 200 Said\r\nX-Slow: ")
        self.pieces(b"a")
        self.request.sendall(b"\r\nContent-Length: 0\r\n\r\n")

    def bomb(self):
        headers = (("Content-Type", ACTIVITY_JSON), ("Content-Encoding", "gzip"))
        self.request.sendall(Reply(200, headers, bomb()).raw())

    def endless(self):
        self.request.sendall(Reply(200, (("Transfer-Encoding", "chunked"),)).raw())
        for _ in range(64):
            self.request.sendall(b"10000\r\n" + bytes(1 << 16) + b"\r\n")
        self.request.sendall(b"0\r\n\r\n")

    def endless_without_length(self):
        self.request.sendall(b"HTTP/1.0 200 Said\r\n\r\n" + bytes(4 << 20))

    def unasked_encoding(self):
        self.request.sendall(Reply(200, (("Content-Encoding", "br"),), b"\x0b\x00\x80").raw())

    def cut_short(self):
        self.request.sendall(Reply(200, (("Content-Length", "100"),), b"{}").raw())

    def cut_gzip(self):
        packed = gzip.compress(b'{"a": "b"}')[:-9]
        self.request.sendall(Reply(200, (("Content-Encoding", "gzip"),), packed).raw())

    def huge_headers(self):
        headers = tuple((f"X-{number}", "a" * 60_000) for number in range(4))
        self.request.sendall(Reply(200, headers).raw())

    def one_huge_header(self):
        self.request.sendall(Reply(200, (("X-Huge", "a" * 200_000),)).raw())

    def many_headers(self):
        headers = tuple((f"X-{number}", "a") for number in range(2000))
        self.request.sendall(Reply(200, headers).raw())

    def not_http(self):
        self.request.sendall(b"220 mail.example ESMTP\r\n")

    def hang_up(self):
        """Close without a word."""


def _read(reader) -> Asked | None:
    """Read one request; None when the client has gone."""
    line = reader.readline(1 << 16).decode("latin-1").strip()
    if not line:
        return None
    method, target, _version = line.split(" ")
    headers = []
    while line := reader.readline(1 << 16).decode("latin-1").strip():
        name, _, value = line.partition(":")
        headers.append((name, value.strip()))
    length = next((int(v) for k, v in headers if k.lower() == "content-length"), 0)
    return Asked(method, target, tuple(headers), reader.read(length))
