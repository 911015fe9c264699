"""The servers that benchmarks/realtime.py measures, one in a process: `stock`, `ours`, `floor`."""

from __future__ import annotations

import selectors
import socket
import struct
import sys

from flask import Flask
from flask_socketio import SocketIO, join_room
from gevent.pywsgi import WSGIServer

from collab.realtime.sendpath import make_socketio
from collab.realtime.wire import frame


def serve_socketio(mode: str) -> None:
    """Flask-SocketIO on gevent's server; as it comes, or with our way out."""
    app = Flask("bench")
    stock = {"async_mode": "gevent", "async_handlers": False}
    socketio = SocketIO(app, **stock) if mode == "stock" else make_socketio(app)

    @socketio.on("connect")
    def connect(_auth: object = None) -> None:
        join_room("all")

    @socketio.on("say")
    def say(said: object) -> None:
        socketio.emit("n", said, to="all")

    server = WSGIServer(("127.0.0.1", 0), app, log=None, error_log=None)
    server.start()
    print(server.server_port, flush=True)
    server.serve_forever()


class Floor:
    """The least that Python can do: one epoll loop, one send for each socket and message."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self._poll = selectors.DefaultSelector()
        self._poll.register(self._listener, selectors.EVENT_READ)
        self._clients: dict[socket.socket, bytes] = {}

    def serve(self) -> None:
        print(self._listener.getsockname()[1], flush=True)
        while True:
            for key, _ in self._poll.select():
                if key.fileobj is self._listener:
                    self._accept()
                else:
                    self._read(key.fileobj)

    def _accept(self) -> None:
        client, _ = self._listener.accept()
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._poll.register(client, selectors.EVENT_READ)

    def _read(self, client: socket.socket) -> None:
        got = client.recv(65536)
        if not got:
            self._poll.unregister(client)
            self._clients.pop(client, None)
            client.close()
        elif got.startswith(b"GET"):
            client.sendall(b"HTTP/1.1 101 Switching Protocols\r\n\r\n" + frame(b"0"))
            self._clients[client] = b""
        else:
            rest = self._clients[client] + got
            while (taken := unmasked(rest)) is not None:
                text, rest = taken
                self._said(client, text)
            self._clients[client] = rest

    def _said(self, client: socket.socket, text: bytes) -> None:
        if text == b"40":
            client.sendall(frame(b"40"))
            return
        wire = frame(text.replace(b'"say"', b'"n"', 1))
        for other in self._clients:
            other.send(wire)


def unmasked(frames: bytes) -> tuple[bytes, bytes] | None:
    """The payload of the first frame, which is masked by zeros, and what follows it."""
    if len(frames) < 8:
        return (frames[6:], b"") if len(frames) == 6 + (frames[1:2] or b"\0")[0] % 128 else None
    size, at = frames[1] & 0x7F, 6
    if size == 126:
        size, at = struct.unpack("!H", frames[2:4])[0], 8
    return (frames[at : at + size], frames[at + size :]) if len(frames) >= at + size else None


if __name__ == "__main__":
    if sys.argv[1] == "floor":
        Floor().serve()
    else:
        serve_socketio(sys.argv[1])
