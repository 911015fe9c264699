"""The web process: gevent's WSGI server, with the socket door and the tail that feeds it."""

from __future__ import annotations

import logging
import resource
from dataclasses import dataclass

import gevent
from flask import Flask
from flask_socketio import SocketIO
from gevent.pywsgi import WSGIHandler, WSGIServer

from collab.realtime.doorkeeper import Doorkeeper
from collab.realtime.elsewhere import Elsewhere
from collab.realtime.gateway import Gateway
from collab.realtime.sendpath import make_socketio
from collab.realtime.tail import Tail
from collab.realtime.wire import GOING_AWAY
from collab.web.runtime import Runtime

log = logging.getLogger(__name__)

SILENCE = 75
"""Seconds without a byte after which a connection is closed. Websockets are pinged every 25."""
FILES = 16_384
"""Open files asked for, where the system allows it."""


@dataclass
class Live:
    """The realtime parts of one app; `app.extensions["live"]`."""

    socketio: SocketIO
    tail: Tail
    gateway: Gateway
    doorkeeper: Doorkeeper


def register(app: Flask) -> Live:
    """Give `app` its socket door. Nothing runs before `make_server`."""
    runtime: Runtime = app.extensions["collab"]
    socketio = make_socketio(app, base_url=runtime.settings.origin)
    tail = Tail(app, socketio, runtime.tools)
    gateway = Gateway(socketio, tail, Elsewhere(socketio, runtime.whispers))
    doorkeeper = Doorkeeper(app, gateway)
    tail.heard = doorkeeper.heard
    socketio.on_namespace(gateway)
    live = app.extensions["live"] = Live(socketio, tail, gateway, doorkeeper)
    return live


class _Handler(WSGIHandler):  # type: ignore[misc]
    """A connection that says nothing for too long is closed: it would hold a greenlet for ever."""

    def __init__(self, sock: object, *more: object) -> None:
        sock.settimeout(SILENCE)  # type: ignore[attr-defined]
        super().__init__(sock, *more)


class Server(WSGIServer):  # type: ignore[misc]
    """Serves pages and sockets, and tells the rooms what the journal says."""

    def __init__(self, app: Flask, host: str, port: int) -> None:
        """Open nothing yet. `host` may be an IPv6 address in brackets."""
        address = (host.strip("[]"), port)
        super().__init__(address, app, log=None, error_log=log, handler_class=_Handler)
        self._live: Live = app.extensions["live"]
        self._runtime: Runtime = app.extensions["collab"]
        self._tasks: list[gevent.Greenlet] = []

    def start(self) -> None:
        """Listen, and begin to tell. Raises OSError when the address cannot be used."""
        _allow_many_files()
        self._live.tail.begin()
        super().start()
        self._listener = self._runtime.pulse.listen("tail")
        self._overheard = self._runtime.whispers.listen("sockets")
        self._tasks = [
            gevent.spawn(self._live.tail.run, self._listener),
            gevent.spawn(self._live.doorkeeper.run),
            gevent.spawn(self._live.gateway.elsewhere.run, self._overheard),
        ]

    def stop(self, timeout: float | None = None) -> None:
        """Close every socket, wait `timeout` seconds for requests to end, and stop."""
        if self._tasks:
            gevent.killall(self._tasks)
            self._tasks = []
            self._listener.close()
            self._overheard.close()
            for client in list(self._live.socketio.server.eio.sockets.values()):
                client.queue.end(GOING_AWAY)
        super().stop(timeout)


def _allow_many_files() -> None:
    """Raise the soft limit of open files, often 1024: a websocket takes two."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES if hard == resource.RLIM_INFINITY else min(FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def make_server(app: Flask, host: str, port: int) -> Server:
    """The server of the web process, not started yet. `app` must have been `register`ed."""
    return Server(app, host, port)
