"""The way out to browsers, over real sockets. The numbers in the stalled-reader test are the ones
with which stock gevent and simple-websocket were seen to tear the stream."""

from __future__ import annotations

import inspect
import json
import socket
import ssl
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import engineio
import engineio.async_drivers.gevent
import engineio.socket
import gevent.ssl
import pytest
import socketio as client_library
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from flask import Flask, request
from flask_socketio import join_room
from realtime.loopback import HANDSHAKE, SECONDS, Served, Socket, plain, until

from collab.realtime.line import Line
from collab.realtime.sendpath import MAX_INCOMING, make_socketio, send_all
from collab.realtime.wire import MAX_BYTES, MAX_PACKETS, RESYNC

COUNT = 3000
TEXT = "x" * 3000


@contextmanager
def served(tls=None, **options):
    """A small application with one room, `all`, that everyone enters on connecting."""
    app = Flask("small")
    app.testing = True
    socketio = make_socketio(app, **options)
    left = []

    @socketio.on("connect")
    def connect(_auth=None):
        join_room("all")

    @socketio.on("disconnect")
    def disconnect(reason):
        left.append((request.sid, reason))

    @socketio.on("echo")
    def echo(said):
        return said

    @socketio.on("all")
    def everything(after):
        send_all(socketio, request.sid, "n", [{"n": n} for n in range(after + 1, COUNT)])
        return COUNT

    with Served(lambda: plain(app, **(tls or {}))) as server:
        server.socketio = socketio
        server.engine = socketio.server.eio
        server.left = left
        yield server


def tell(server, count=COUNT, first=0, text=TEXT):
    """Emit numbered messages to the room, with a pause as real traffic has."""

    def emit():
        for n in range(first, first + count):
            server.socketio.emit("n", {"n": n, "text": text}, to="all")
            if n % 50 == 0:
                server.socketio.sleep(0.001)

    server.call(emit)


def waiting(server):
    """(packets, bytes) that wait for each client."""

    def of(line):
        wire = line._wire or line
        return len(wire), wire.size

    return [of(c.queue) for c in server.engine.sockets.values()]


def stall(server):
    """Emit until the kernel takes no more and something waits. Returns how many were told."""
    told = 0
    while not server.call(waiting, server)[0][0]:
        tell(server, 20, told)
        told += 20
    return told


def test_a_stalled_reader_gets_whole_messages_in_order_or_is_closed_and_catches_up():
    with served() as server, Socket(server.port, buffer=8192) as slow:
        tell(server)
        texts, closed = slow.rest()
        assert (closed.code, closed.reason) == (RESYNC, "resync")
        heard = [json.loads(text[2:])[1] for text in texts]
        assert {data["text"] for data in heard} == {TEXT}
        got = [data["n"] for data in heard]
        assert got == list(range(len(got)))
        with Socket(server.port) as again:
            assert again.ask("all", got[-1]) == COUNT
            got += [data["n"] for _, data in again.events]
        assert got == list(range(COUNT))


def test_what_waits_for_a_stalled_reader_is_capped_and_given_back():
    with served() as server, Socket(server.port, buffer=8192):
        (client,) = server.engine.sockets.values()
        wire, seen = client.queue._wire, []
        for n in range(60):
            tell(server, 50, n * 50)
            seen += server.call(waiting, server)
        assert max(packets for packets, _ in seen) > 100, "the reader never stalled"
        assert max(packets for packets, _ in seen) <= MAX_PACKETS + 1
        assert max(size for _, size in seen) <= MAX_BYTES + 2 * len(TEXT)
        assert [reason for _, reason in server.left] == ["resync"]
        until(lambda: wire._sock.closed, "a client that never reads is still held")
        assert server.call(lambda: (len(wire), wire.size)) == (0, 0)


def test_a_few_large_messages_are_too_many_as_well():
    with served() as server, Socket(server.port, buffer=8192) as slow:
        tell(server, 120, text="x" * 50_000)
        texts, closed = slow.rest()
        assert closed.reason == "resync"
        assert len(texts) < 120


def test_a_slow_reader_that_stays_below_the_cap_loses_nothing():
    with served() as server, Socket(server.port, buffer=8192) as slow:
        told = stall(server)
        tell(server, 150, told)
        assert server.call(waiting, server)[0][0] > 150
        assert [slow.event()[1]["n"] for _ in range(told + 150)] == list(range(told + 150))
        assert server.left == []


def test_deflate_is_refused_although_the_browser_offers_it():
    offer = ["Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits"]
    with served() as server, Socket(server.port, headers=offer) as client:
        assert client.answer.startswith("HTTP/1.1 101")
        assert "extensions" not in client.answer.lower()
        assert client.ask("echo", "é" * 4000) == "é" * 4000


@pytest.fixture
def certificate(tmp_path):
    """A certificate for localhost and its key, as files."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    day = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(day - timedelta(days=1))
        .not_valid_after(day + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    pem = serialization.Encoding.PEM
    (tmp_path / "cert").write_bytes(made.public_bytes(pem))
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain)
    (tmp_path / "key").write_bytes(private)
    return tmp_path / "cert", tmp_path / "key"


def test_a_stalled_reader_behind_tls_gets_whole_messages_too(certificate):
    trust = ssl.create_default_context(cafile=certificate[0])
    show = gevent.ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    show.load_cert_chain(*certificate)
    with (
        served({"ssl_context": show}) as server,
        Socket(server.port, tls=trust, buffer=8192) as slow,
    ):
        told = stall(server)
        assert [slow.event()[1]["n"] for _ in range(told)] == list(range(told))
        assert slow.ask("echo", "é" * 4000) == "é" * 4000


def test_small_frames_leave_at_once():
    with served() as server, Socket(server.port):
        (sid,) = server.engine.sockets
        wire = server.engine.sockets[sid].queue._wire
        assert wire._sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


class OneAfterAnother(engineio.Client):
    """The library starts a thread for each message, and one may overtake another."""

    def _trigger_event(self, event, *args, **kwargs):
        return super()._trigger_event(event, *args, **(kwargs | {"run_async": False}))


class OfficialClient(client_library.Client):
    """Tells of messages in the order in which they came."""

    def _engineio_client_class(self):
        return OneAfterAnother


def test_two_apps_live_in_one_process():
    with served() as one, served() as two:
        with Socket(one.port) as here, Socket(two.port) as there:
            tell(one, 1, 1)
            tell(two, 1, 2)
            assert here.event()[1]["n"] == 1
            assert there.event()[1]["n"] == 2
            assert here.nothing()
        assert one.engine is not two.engine


@pytest.mark.parametrize("transports", [["polling"], ["polling", "websocket"], ["websocket"]])
def test_an_official_client_gets_everything_in_order(transports):
    with served() as server:
        got = []
        client = OfficialClient(reconnection=False)
        client.on("n", lambda data: got.append(data["n"]))
        client.connect(server.url, transports=transports, wait_timeout=SECONDS)
        try:
            assert client.transport() == transports[-1]
            for n in range(40):
                tell(server, 5, n * 5)
                assert client.call("echo", n, timeout=SECONDS) == n
            until(lambda: len(got) == 200, got)
            assert got == list(range(200))
            assert client.call("all", COUNT - 401, timeout=SECONDS) == COUNT
            until(lambda: len(got) == 600, len(got))
            assert got[200:] == list(range(COUNT - 400, COUNT))
        finally:
            client.disconnect()


def test_messages_told_during_an_upgrade_arrive_once_and_in_order():
    with served() as server:
        got = []
        client = OfficialClient(reconnection=False)
        client.on("n", lambda data: got.append(data["n"]))

        def steadily():
            for n in range(400):
                server.socketio.emit("n", {"n": n})
                server.socketio.sleep(0.001)

        client.on("connect", handler=lambda: start(server, steadily))
        client.connect(server.url, transports=["polling", "websocket"], wait_timeout=SECONDS)
        try:
            until(lambda: len(got) >= 400, len(got))
            assert client.transport() == "websocket"
            assert got == list(range(400))
        finally:
            client.disconnect()


def start(server, function):
    """Start `function` in the server's thread without waiting for it."""
    server.call(server.socketio.start_background_task, function)


def test_a_client_that_polls_and_stops_fetching_is_dropped():
    with served() as server:
        client = OfficialClient(reconnection=False)
        client.connect(server.url, transports=["polling"], wait_timeout=SECONDS)
        (sid,) = server.engine.sockets
        line = server.engine.sockets[sid].queue

        def flood():
            for n in range(400):  # nobody polls meanwhile: no greenlet switches here
                server.socketio.emit("n", {"n": n}, to="all")
            return len(line)

        assert server.call(flood) == 0
        until(lambda: server.left, "the client was not dropped")
        assert server.left[0][1] == "resync"
        client.disconnect()


def test_a_client_that_vanishes_does_not_disturb_the_others():
    with served() as server, Socket(server.port) as other:
        gone = Socket(server.port)
        # RST instead of FIN: the server learns of it by a failing send.
        gone.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        gone.sock.close()
        tell(server, 100)
        assert [other.event()[1]["n"] for _ in range(100)] == list(range(100))
        until(lambda: len(server.engine.sockets) == 1, "the dead client is still held")


def test_a_client_that_never_answers_pings_is_let_go():
    with served(ping_interval=0.2, ping_timeout=0.3) as server, Socket(server.port) as dead:
        until(lambda: not server.engine.sockets, "still held")
        assert server.left[0][1] == "ping timeout"
        while dead.frame()[0] != 0x8:
            pass


def test_a_client_that_says_goodbye_gets_its_answer_and_is_forgotten():
    with served() as server, Socket(server.port) as client:
        client.send(b"\x03\xe8", opcode=0x8)
        assert client.frame()[0] == 0x8
        until(lambda: not server.engine.sockets, "still held")


def test_a_ping_frame_is_answered_between_whole_frames():
    with served() as server, Socket(server.port, buffer=8192) as client:
        told = stall(server)
        client.send(b"are you there", opcode=0x9)
        assert [client.frame()[0] for _ in range(told)] == [0x1] * told
        assert client.frame() == (0xA, b"are you there")


@pytest.mark.parametrize(
    "message",
    [
        "42" + "[" * 100_000,
        "42{}",
        "42[]",
        "47[1]",
        "45199999-[1]",
        "4",
        "x",
        b"\x00\x01",
        "4[1,2]",
        "42" + json.dumps(["echo", "x" * (MAX_INCOMING + 10)]),
    ],
    ids=lambda m: repr(m[:12]),
)
def test_an_unreadable_message_ends_only_its_own_connection(message, caplog):
    with served() as server, Socket(server.port) as good:
        with Socket(server.port) as bad:
            bad.send(message, opcode=0x2 if isinstance(message, bytes) else 0x1)
            bad.emit("echo", "still there?")
            assert bad.rest()[1] is not None
        assert good.ask("echo", 1) == 1
        until(lambda: len(server.engine.sockets) == 1, "the bad client is still held")
    assert [r for r in caplog.records if r.levelname == "ERROR"] == []


@pytest.mark.parametrize(
    "handshake",
    [HANDSHAKE[:3], [*HANDSHAKE[:2], HANDSHAKE[3]]],
    ids=["no key", "no version"],
)
def test_a_bad_handshake_is_refused_and_forgotten(handshake, caplog):
    with served() as server:
        with Socket(server.port, handshake=handshake, connect=False) as bad:
            assert bad.answer.startswith("HTTP/1.1 400")
        until(lambda: not server.engine.sockets, "the client is still held")
    assert [r for r in caplog.records if r.levelname == "ERROR"] == []


@pytest.mark.parametrize(
    ("origin", "answer"),
    [
        ("http://127.0.0.1:{port}", "101"),
        ("https://collab.example", "101"),
        ("http://collab.example", "400"),
        ("https://collab.example.evil.example", "400"),
        ("https://evil.example", "400"),
        ("null", "400"),
    ],
)
def test_only_our_own_pages_may_connect(origin, answer):
    with served(base_url="https://collab.example/") as server:
        origin = origin.format(port=server.port)
        with Socket(server.port, headers=[f"Origin: {origin}"], connect=False) as client:
            assert client.answer.startswith(f"HTTP/1.1 {answer}")


def test_the_private_parts_of_engineio_that_are_replaced_are_still_there():
    handler = engineio.socket.Socket._websocket_handler
    assert list(inspect.signature(handler).parameters) == ["self", "ws"]
    source = inspect.getsource(engineio.socket.Socket._upgrade_websocket)
    assert "self.server._async['websocket'](\n            self._websocket_handler" in source
    assert {"queue", "websocket"} <= set(engineio.async_drivers.gevent._async)
    queue = engineio.base_server.BaseServer.create_queue
    assert "self._async['queue']" in inspect.getsource(queue)
    used = inspect.getsource(engineio.socket)
    for word in ("get(", "put(", "join()", "task_done()"):
        assert f"queue.{word}" in used
        assert hasattr(Line, word.rstrip("()"))
    for flag in ("connected", "upgrading", "upgraded", "closed"):
        assert f"self.{flag} = False" in inspect.getsource(engineio.base_socket)
