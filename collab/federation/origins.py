"""Words without a proof: does their author's own host say the same (FEDERATION.md 1.5)?

Entries of trust `http` are the project's host's word for what somebody else wrote. In a public
project the mirror asks the author's host, once for each entry; what cannot be asked stays marked
as relayed.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from collab.core.db import writing
from collab.core.errors import Problem
from collab.federation.house import Federation
from collab.federation.models import LogEntry, Mirror
from collab.federation.remote import fetch_object
from collab.spaces.models import Space, Visibility

log = logging.getLogger(__name__)
Json = dict[str, Any]
AT_ONCE = 5
"""Objects asked for in one look (R29)."""
SAME_WORDS = ("type", "attributedTo", "name", "content", "summary", "inReplyTo")


class Origins:
    """Looks at every such entry once; where it has come is kept per copy in memory."""

    def __init__(self, federation: Federation) -> None:
        self._federation = federation
        self._seen: dict[int, int] = {}

    def step(self) -> int:
        """Ask about the next entries, a few. Returns how many were looked at."""
        done = 0
        for space_id, upto in self._copies():
            for seq, body in self._unasked(space_id, upto):
                self._write(space_id, seq, self._ask(body))
                done += 1
        return done

    def _copies(self) -> list[tuple[int, int]]:
        session = self._federation.session
        rows = session.execute(
            select(Mirror.space_id, Mirror.seq)
            .join(Space, Space.id == Mirror.space_id)
            .where(Mirror.state == "active", Space.visibility == Visibility.PUBLIC)
        ).all()
        session.commit()
        return [(row[0], row[1]) for row in rows if self._seen.get(row[0], 0) < row[1]]

    def _unasked(self, space_id: int, upto: int) -> list[tuple[int, Json]]:
        session: Session = self._federation.session
        rows = session.execute(
            select(LogEntry.seq, LogEntry.body)
            .where(
                LogEntry.space_id == space_id,
                LogEntry.seq > self._seen.get(space_id, 0),
                LogEntry.trust == "http",
                LogEntry.origin_check == "",
            )
            .order_by(LogEntry.seq)
            .limit(AT_ONCE)
        ).all()
        session.commit()
        self._seen[space_id] = rows[-1].seq if len(rows) == AT_ONCE else upto
        return [(row.seq, row.body) for row in rows if row.body is not None]

    def _ask(self, body: Json) -> str:
        """`same`, `differs`, or `relayed` when nobody but the project's host says so."""
        told = body.get("object")
        if body.get("type") not in ("Create", "Update") or not isinstance(told, dict):
            return "relayed"
        self._federation.let_go()
        try:
            found = fetch_object(self._federation, str(told.get("id")))
        except Problem:
            return "relayed"
        if found.get("attributedTo") != body.get("actor"):
            return "differs"
        if _when(found) > _when(told):
            return "same"  # its author has written on since; that came or comes as an entry
        same = all(found.get(name) == told.get(name) for name in SAME_WORDS)
        return "same" if same else "differs"

    def _write(self, space_id: int, seq: int, said: str) -> None:
        with writing(self._federation.session) as session:
            row = session.scalar(
                select(LogEntry).where(LogEntry.space_id == space_id, LogEntry.seq == seq)
            )
            if row is not None:
                row.origin_check = said
        if said == "differs":
            log.warning("the author's host says something else space=%d seq=%d", space_id, seq)


def _when(thing: Json) -> datetime:
    try:
        at = datetime.fromisoformat(str(thing.get("updated") or thing.get("published")))
    except ValueError:
        return datetime.min.replace(tzinfo=UTC)
    return at if at.tzinfo else at.replace(tzinfo=UTC)
