"""One websocket: simple-websocket's handshake and reading, our Wire for everything that leaves."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import simple_websocket
from engineio import packet as eio
from engineio.exceptions import SocketIsClosedError, UnknownPacketError
from gevent.event import Event
from wsproto.utilities import RemoteProtocolError

from collab.realtime.wire import Wire, frame

log = logging.getLogger(__name__)

StartResponse = Callable[[str, list[tuple[str, str]]], object]
MAX_INCOMING = 256 * 1024
"""Bytes of one message that a client may send."""


class _Inline:
    """A thread for simple-websocket that does not start: its reader runs where we call it.

    A handler that is busy then stops reading, so that TCP holds back a client that floods.
    """

    name = ""

    def __init__(self, target: Callable[[], None]) -> None:
        self.run = target

    def start(self) -> None:
        """Do nothing yet."""


class _Receiver(simple_websocket.Server):  # type: ignore[misc]
    """simple-websocket's handshake and reading; each message is handed to `hear` at once."""

    def __init__(self, environ: dict[str, Any], full: Callable[[], None]) -> None:
        # Browsers offer permessage-deflate and simple-websocket always accepts: more CPU for
        # each message, and memory for each connection. What is not seen is not accepted.
        asked = {k: v for k, v in environ.items() if k != "HTTP_SEC_WEBSOCKET_EXTENSIONS"}
        self._full = full
        super().__init__(
            asked, max_message_size=MAX_INCOMING, thread_class=_Inline, event_class=Event
        )

    def handshake(self) -> None:
        """Answer the upgrade through our Wire, which also takes simple-websocket's own replies."""
        sock = self.sock
        self.wire = Wire(sock, self._full)
        self.sock: Any = self.wire
        try:
            super().handshake()
        except RemoteProtocolError:
            sock.close()  # our copy; pywsgi answers on its own
            raise

    def listen(self, hear: Callable[[str | bytes], bool]) -> None:
        """Read until the client goes or `hear` says False."""
        self.input_buffer = _Ear(self, hear)
        self.thread.run()


class _Ear:
    """Takes the place of simple-websocket's list of received messages."""

    def __init__(self, receiver: _Receiver, hear: Callable[[str | bytes], bool]) -> None:
        self._receiver = receiver
        self._hear = hear
        self._deaf = False

    def append(self, message: str | bytes) -> None:
        if not self._deaf and not self._hear(message):
            self._deaf = True
            self._receiver.wire.end()


class Upgrade:
    """What python-engineio calls to serve one websocket, in place of its own driver class.

    `handler` is the private `engineio.socket.Socket._websocket_handler`; its owner is the client.
    """

    def __init__(self, handler: Any, server: Any) -> None:
        self._client = handler.__self__
        self._reason = server.reason.TRANSPORT_CLOSE
        self._owner = False

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> list[bytes]:
        """Serve the websocket until it ends. pywsgi has nothing to answer after that."""
        client = self._client
        try:
            receiver = _Receiver(environ, client.queue.overflow)
        except (simple_websocket.ConnectionError, RemoteProtocolError, OSError):
            if not client.connected:
                client.close(wait=False, abort=True, reason=self._reason)
            start_response("400 Bad Request", [("Content-Type", "text/plain")])
            return [b"not a websocket handshake"]
        self._wire = receiver.wire
        try:
            if client.connected:
                self._hear = self._probe
            else:
                self._open()
            receiver.listen(self._heard)
        finally:
            self._wire.close()
            if self._owner:
                client.close(wait=False, abort=True, reason=self._reason)
            elif not client.upgraded:
                client.upgrading = False  # the upgrade failed; polling goes on
        return []

    def _heard(self, message: str | bytes) -> bool:
        return self._hear(message)

    def _open(self) -> bool:
        client = self._client
        client.connected = client.upgraded = self._owner = True
        client.upgrading = False
        client.queue.attach(self._wire)
        self._hear = self._receive
        return True

    def _probe(self, message: str | bytes) -> bool:
        """First word of a client that polled so far. Engine.IO v4, "Upgrade"."""
        if message != "2probe" or self._client.upgraded:
            return False
        self._client.upgrading = True
        self._wire.send(frame(b"3probe"))
        self._client.queue.put(eio.Packet(eio.NOOP))  # ends the poll that may be waiting
        self._hear = self._switch
        return True

    def _switch(self, message: str | bytes) -> bool:
        return message == "5" and not self._client.upgraded and self._open()

    def _receive(self, message: str | bytes) -> bool:
        if self._client.closed:
            return False
        try:
            self._client.receive(eio.Packet(encoded_packet=message))
        except UnknownPacketError:
            return True
        except SocketIsClosedError:
            return False
        except (ValueError, RecursionError) as error:
            log.info("unreadable packet sid=%s error=%s", self._client.sid, type(error).__name__)
            return False
        return True
