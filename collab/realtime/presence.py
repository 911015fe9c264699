"""Who has a page of a space open: kept in memory, never stored. Each process knows its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import gevent
from flask_socketio import SocketIO

from collab.realtime.callers import Caller
from collab.realtime.elsewhere import Elsewhere
from collab.realtime.tail import everybody, members

SETTLE = 0.3
"""Seconds in which arrivals and departures are gathered into one message."""
MOST = 100
"""Names in one message."""


class Presence:
    """Tells each space who is there, once for each flurry of arrivals."""

    def __init__(
        self, socketio: SocketIO, callers: Mapping[str, Caller], elsewhere: Elsewhere
    ) -> None:
        self._socketio = socketio
        self._callers = callers
        self._elsewhere = elsewhere
        elsewhere.changed = self.changed
        self._pending: set[int] = set()

    def changed(self, space_id: int, address: str) -> None:
        """Somebody came or went."""
        if space_id not in self._pending:
            self._pending.add(space_id)
            gevent.spawn_later(SETTLE, self._tell, space_id, address)

    def _tell(self, space_id: int, address: str) -> None:
        self._pending.discard(space_id)
        there = [c for c in self._callers.values() if space_id in c.seats]
        named = people(c for c in there if c.seats[space_id].member)
        self._elsewhere.say(space_id, address, named)
        named += self._elsewhere.cards(space_id)
        readers = sum(not c.seats[space_id].member for c in there)
        told = {"space": address, "people": [], "count": len(named), "readers": readers}
        inside = [c.sid for c in there if c.seats[space_id].member]
        # Names are for members; everybody else learns how many there are.
        self._socketio.emit("presence", told, to=everybody(space_id), skip_sid=inside)
        self._socketio.emit("presence", told | {"people": named[:MOST]}, to=members(space_id))


def people(callers: Iterable[Caller]) -> list[dict[str, str]]:
    """The persons behind these sockets, each once, in the order of their names."""
    found = {c.address: c.card for c in callers}
    return sorted(found.values(), key=lambda person: (person["label"].lower(), person["by"]))
