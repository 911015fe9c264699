"""Flask-SocketIO with our own way out: one frame per room, bounded, never torn. See ADR 0011.

python-engineio keeps, in each server's `_async`, the classes it uses for a client's queue and
for a websocket. Both are replaced here, on one server at a time, so that nothing is patched for
the whole process. simple-websocket still does the handshake and reads what clients send.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import gevent
from flask import Flask
from flask_socketio import SocketIO
from socketio import Manager
from socketio import packet as sio

from collab.realtime.line import Bundle, Framed, Line
from collab.realtime.websocket import MAX_INCOMING, Upgrade

log = logging.getLogger(__name__)


class Rooms(Manager):  # type: ignore[misc]
    """Who is in which room, and the short way from `emit` to each of their lines."""

    def emit(
        self,
        event: str,
        data: Any,
        namespace: str,
        room: Any = None,
        skip_sid: Any = None,
        callback: Any = None,
        to: Any = None,
        **kwargs: Any,
    ) -> None:
        """Send an event to a room. No greenlet switches here: nobody joins halfway through."""
        text = None if callback else encode(event, data, namespace)
        if text is None:
            super().emit(event, data, namespace, to or room, skip_sid, callback, **kwargs)
            return
        packet = Framed(text)
        skipped = skip_sid if isinstance(skip_sid, list) else [skip_sid]
        sockets = self.server.eio.sockets
        for sid, eio_sid in self.get_participants(namespace, to or room):
            client = sockets.get(eio_sid)
            if client is not None and not client.closed and sid not in skipped:
                client.queue.put(packet)


def encode(event: str, data: Any, namespace: str = "/") -> str | None:
    """The Socket.IO packet for an event, or None when it has binary parts."""
    given = list(data) if isinstance(data, tuple) else [] if data is None else [data]
    text = sio.Packet(sio.EVENT, namespace=namespace, data=[event, *given]).encode()
    return text if isinstance(text, str) else None


def send_all(socketio: SocketIO, sid: str, event: str, told: Iterable[Mapping[str, Any]]) -> None:
    """Send many events to one client as one entry of its queue, without a greenlet switch."""
    server = socketio.server
    client = server.eio.sockets.get(server.manager.eio_sid_from_sid(sid, "/"))
    packets = [Framed(text) for one in told if (text := encode(event, one)) is not None]
    if client is not None and not client.closed and packets:
        client.queue.put(Bundle(packets))


def _resync(engine: Any, line: Line) -> None:
    """Take a client out of every room because it is too slow; on its return it catches up."""
    for client in list(engine.sockets.values()):
        if client.queue is line:
            log.info("client too slow, closed sid=%s", client.sid)
            # Later: this runs in the middle of an emit, and leaving calls the disconnect handler.
            gevent.spawn(client.close, wait=False, abort=True, reason="resync")
            return


def _hear(engine: Any, handle: Callable[[str, Any], None], eio_sid: str, message: Any) -> None:
    """Hand a client's message to python-socketio, and close on one that it cannot read.

    Nothing of ours takes bytes; python-socketio would collect attachments without end.
    """
    try:
        if not isinstance(message, str) or message[:1] not in {"0", "1", "2", "3", "4"}:
            raise ValueError("not a text packet")
        handle(eio_sid, message)
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
        log.info("unreadable message sid=%s error=%s", eio_sid, type(error).__name__)
        log.debug("unreadable message", exc_info=True)
        client = engine.sockets.get(eio_sid)
        if client is not None:
            client.close(wait=False, abort=True, reason="unreadable")


def _same_origin(own: str, origin: str | None, environ: Mapping[str, Any]) -> bool:
    """Is this the origin of our own pages, by configuration or by the address that was asked?"""
    asked = f"{environ.get('wsgi.url_scheme')}://{environ.get('HTTP_HOST')}"
    return origin in {own, asked}


def make_socketio(app: Flask, *, base_url: str = "", **options: Any) -> SocketIO:
    """Give `app` its own Socket.IO server with this module's way out.

    `base_url` is where browsers see the instance, when a proxy stands in front of it; pages of
    any other origin are refused. `options` go to Flask-SocketIO.
    """
    split = urlsplit(base_url)
    quiet = {"logger": _quiet("collab.socketio"), "engineio_logger": _quiet("collab.engineio")}
    defaults = {
        "async_mode": "gevent",
        # In order, and one at a time for each client: with True, events overtake each other.
        "async_handlers": False,
        "client_manager": Rooms(),
        "cors_allowed_origins": partial(_same_origin, f"{split.scheme}://{split.netloc}"),
        "max_http_buffer_size": MAX_INCOMING,
    }
    socketio = SocketIO(app, **(defaults | quiet | options))
    engine = socketio.server.eio
    engine.on("message", partial(_hear, engine, engine.handlers["message"]))
    engine._async = {
        **engine._async,
        "queue": lambda: Line(partial(_resync, engine)),
        "websocket": Upgrade,
    }
    return socketio


def _quiet(name: str) -> logging.Logger:
    """A logger that says no more than warnings: the libraries' lower levels quote messages."""
    logger = logging.getLogger(name)
    logger.setLevel(logging.WARNING)
    return logger
