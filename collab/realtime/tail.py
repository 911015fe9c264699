"""Reads the journal and tells the rooms, in order. Works the same for facts of any process."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

import gevent
from flask import Flask
from flask_socketio import SocketIO
from gevent.lock import Semaphore
from gevent.select import select as wait_for
from sqlalchemy import Row, Select
from sqlalchemy.exc import SQLAlchemyError

from collab.core.events import EventRow
from collab.core.pulse import Listener
from collab.realtime.told import JOURNAL, Told, tell
from collab.spaces.queries import journal_head
from collab.spaces.tool import Tools
from collab.web.extensions import db

log = logging.getLogger(__name__)

BATCH = 200
RECENT = 1000
"""Facts kept in memory, for joins that come while new ones are told."""
REPLAY = 1000
"""Facts that a joining page is told at most; beyond that it reads the page again."""
REST = 1.0
"""Seconds between two looks when no pulse comes."""


def everybody(space_id: int) -> str:
    """The room of all who read a space."""
    return f"space:{space_id}"


def members(space_id: int) -> str:
    """The room of a space's members."""
    return f"space:{space_id}:members"


class Tail:
    """What has happened since this process started. `seq` is the last id that the rooms know.

    Ids grow in commit order (see EventRow), so that nothing appears later behind `seq`.
    """

    def __init__(self, app: Flask, socketio: SocketIO, tools: Tools) -> None:
        self._app = app
        self._socketio = socketio
        self._tools = tools
        self._pumping = Semaphore()
        self._recent: deque[Told] = deque(maxlen=RECENT)
        self.heard: Callable[[str, int], None] = lambda name, space_id: None
        """Told the name and space of every fact, after the rooms; must not wait."""
        self.seq = -1

    def begin(self) -> None:
        """Start behind the newest fact."""
        with self._app.app_context():
            self.seq = journal_head(db.session())

    def run(self, listener: Listener) -> None:
        """Tell what happens until killed; a database that does not answer is asked again."""
        while True:
            try:
                while self.pump():
                    gevent.sleep(0)
            except SQLAlchemyError as error:
                log.warning("journal unreadable error=%s", type(error).__name__)
                gevent.sleep(REST)
            if wait_for([listener.fileno()], [], [], REST)[0]:
                listener.wait(0)

    def pump(self) -> int:
        """Tell every fact not yet told by this process, a batch at most. Returns how many."""
        with self._pumping:
            rows, told = self._read(JOURNAL.where(EventRow.id > self.seq).limit(BATCH))
            by_seq = {one.seq: one for one in told}
            # No greenlet switches from here to the end: a join sees all of a batch or nothing.
            for row in rows:
                self.seq = row.id
                if row.id in by_seq:
                    self._emit(by_seq[row.id])
                self.heard(row.name, row.space_id)
        return len(rows)

    def _emit(self, told: Told) -> None:
        self._recent.append(told)
        room = members(told.space_id) if told.to_members else everybody(told.space_id)
        self._socketio.emit("happened", told.message, to=room)

    def _read(self, wanted: Select[*tuple[Any, ...]]) -> tuple[Sequence[Row[Any]], list[Told]]:
        with self._app.app_context():
            rows = db.session.execute(wanted).all()
            return rows, tell(db.session(), self._tools, rows)

    def missed(self, space_id: int, after: int, *, member: bool) -> list[Told] | None:
        """What a page that knows everything up to `after` has missed, up to `seq` on return.

        None when that is too much, or when the journal never had `after`. To be exact the caller
        must take its place in the room before another greenlet runs.
        """
        if after > self.seq:
            self.pump()  # the page was rendered from facts that the rooms do not know yet
        upto = self.seq
        if not 0 <= after <= upto:
            return None
        told: list[Told] = []
        if after < upto:
            here = EventRow.space_id == space_id, EventRow.id > after, EventRow.id <= upto
            rows, told = self._read(JOURNAL.where(*here).limit(REPLAY + 1))
            if len(rows) > REPLAY:
                return None
        if len(self._recent) == RECENT and self._recent[0].seq > upto:
            return None  # more happened while we read than memory holds
        told += [t for t in self._recent if t.seq > upto and t.space_id == space_id]
        return [t for t in told if member or not t.to_members]
