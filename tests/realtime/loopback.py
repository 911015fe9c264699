"""A real server on loopback, and a websocket client plain enough to stall, lie and vanish."""

from __future__ import annotations

import base64
import json
import os
import queue
import socket
import struct
import threading
import time
from concurrent.futures import Future

import gevent
from gevent.pywsgi import WSGIServer

SECONDS = 20
"""How long anything here waits before the test has failed."""


def plain(app, **tls):
    """A server for an application that is not a whole instance."""
    return WSGIServer(("127.0.0.1", 0), app, log=None, error_log=None, **tls)


def until(claim, what):
    """Wait for what a real server does in its own time."""
    limit = time.monotonic() + SECONDS
    while not claim():
        assert time.monotonic() < limit, what
        time.sleep(0.01)


class Served:
    """Runs a gevent server in a thread of its own, as `collab web` does in a process."""

    def __init__(self, make):
        self._make = make
        self._calls = queue.SimpleQueue()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self):
        self._thread.start()
        assert self._ready.wait(SECONDS)
        return self

    def __exit__(self, *_):
        self.call(self._server.stop, 1)
        self._calls.put(None)
        self._watcher.send()
        self._thread.join(SECONDS)
        assert not self._thread.is_alive()

    def _serve(self):
        hub = gevent.get_hub()
        over = gevent.event.Event()
        self._watcher = hub.loop.async_()
        self._watcher.start(lambda: self._run(over))
        self._server = self._make()
        self._server.start()
        self.port = self._server.server_port
        self._ready.set()
        over.wait()
        self._watcher.close()
        gevent.get_hub().destroy()

    def _run(self, over):
        while not self._calls.empty():
            call = self._calls.get()
            if call is None:
                over.set()
            else:
                gevent.spawn(self._settle, *call)

    @staticmethod
    def _settle(future, function, args):
        try:
            future.set_result(function(*args))
        except BaseException as error:
            future.set_exception(error)

    def call(self, function, *args):
        """Run `function` in a greenlet of the server's thread and return its result."""
        future = Future()
        self._calls.put((future, function, args))
        self._watcher.send()
        return future.result(SECONDS)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"


HANDSHAKE = (
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Version: 13",
    f"Sec-WebSocket-Key: {base64.b64encode(os.urandom(16)).decode()}",
)


class Closed(Exception):
    """The server closed the websocket; `code` and `reason` are those of its close frame."""

    def __init__(self, code=None, reason=""):
        super().__init__(code, reason)
        self.code = code
        self.reason = reason


class Socket:
    """A Socket.IO client over one bare websocket. It reads only when asked to."""

    def __init__(
        self,
        port,
        *,
        auth=None,
        headers=(),
        query="",
        buffer=None,
        connect=True,
        tls=None,
        handshake=HANDSHAKE,
    ):
        self.sock = socket.socket()
        self.sock.settimeout(SECONDS)
        if buffer:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        self.sock.connect(("127.0.0.1", port))
        if tls:
            self.sock = tls.wrap_socket(self.sock, server_hostname="localhost")
        self._read = b""
        self._ids = 0
        self.events = []
        self.answer = self._upgrade(port, [*handshake, *headers], query)
        if connect and self.answer.startswith("HTTP/1.1 101"):
            assert self.text().startswith("0{")
            self.send("40" + (json.dumps(auth) if auth else ""))
            self.welcome = self.text()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()

    def _upgrade(self, port, headers, query):
        lines = [
            f"GET /socket.io/?EIO=4&transport=websocket{query} HTTP/1.1",
            f"Host: 127.0.0.1:{port}",
            *headers,
        ]
        self.sock.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        while b"\r\n\r\n" not in self._read:
            more = self.sock.recv(65536)
            if not more:
                break
            self._read += more
        head, _, self._read = self._read.partition(b"\r\n\r\n")
        return head.decode()

    def send(self, text, opcode=0x1):
        """Send one masked frame."""
        payload = text.encode() if isinstance(text, str) else text
        size = len(payload)
        if size < 126:
            head = bytes((0x80 | opcode, 0x80 | size))
        elif size < 65536:
            head = struct.pack("!BBH", 0x80 | opcode, 0x80 | 126, size)
        else:
            head = struct.pack("!BBQ", 0x80 | opcode, 0x80 | 127, size)
        self.sock.sendall(head + b"\0\0\0\0" + payload)

    def _take(self, size):
        while len(self._read) < size:
            more = self.sock.recv(262144)
            if not more:
                raise Closed
            self._read += more
        taken, self._read = self._read[:size], self._read[size:]
        return taken

    def frame(self):
        """The next frame: (opcode, payload). Any byte out of place fails here."""
        first, size = self._take(2)
        assert first & 0x70 == 0, "reserved bits set: compressed or torn"
        assert first & 0x0F in {0x1, 0x2, 0x8, 0x9, 0xA}, f"no such opcode: {first:#x}"
        assert not size & 0x80
        if size == 126:
            (size,) = struct.unpack("!H", self._take(2))
        elif size == 127:
            (size,) = struct.unpack("!Q", self._take(8))
        return first & 0x0F, self._take(size)

    def text(self):
        """The next text frame; answers pings on the way. Raises Closed."""
        while True:
            opcode, payload = self.frame()
            if opcode == 0x8:
                code = struct.unpack("!H", payload[:2])[0] if payload else None
                raise Closed(code, payload[2:].decode())
            if opcode == 0x1 and payload == b"2":
                self.send("3")
            elif opcode == 0x1:
                return payload.decode()

    def rest(self, most=10**9):
        """Read until the connection ends, or `most` texts: (texts, the Closed that ended it)."""
        texts = []
        try:
            while len(texts) < most:
                texts.append(self.text())
        except Closed as closed:
            return texts, closed
        except ConnectionError:
            return texts, Closed()
        return texts, None

    def emit(self, event, *given):
        """Send an event that asks for no answer."""
        self.send("42" + json.dumps([event, *given]))

    def ask(self, event, *given):
        """Send an event and return the acknowledgement; events met on the way are kept."""
        self._ids += 1
        self.send(f"42{self._ids}" + json.dumps([event, *given]))
        head = f"43{self._ids}["
        while not (text := self.text()).startswith(head):
            assert text.startswith("42["), text
            self.events.append(json.loads(text[2:]))
        answer = json.loads(text[len(head) - 1 :])
        return answer[0] if answer else None

    def event(self, name=None):
        """The next event as [name, data], or the next one called `name`."""
        kept = [e for e in self.events if name in {None, e[0]}]
        if kept:
            self.events.remove(kept[0])
            return kept[0]
        while True:
            text = self.text()
            assert text.startswith("42["), text
            event = json.loads(text[2:])
            if name in {None, event[0]}:
                return event
            self.events.append(event)

    def nothing(self, name=None, seconds=0.4):
        """Is there no event, or none called `name`, for a while? Others are kept."""
        until = time.monotonic() + seconds
        try:
            while (left := until - time.monotonic()) > 0:
                self.sock.settimeout(left)
                self.events.append(json.loads(self.text()[2:]))
        except TimeoutError:
            pass
        finally:
            self.sock.settimeout(SECONDS)
        return not [e for e in self.events if name in {None, e[0]}]
