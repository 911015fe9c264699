"""Taking words back for good: out of the text, its versions, the log, what came and what went.

FEDERATION.md 1.5, 1.6 h. What stays is that somebody said something then: the row of the item,
the signed entries of the log with the digest of words nobody has here any more, a Tombstone.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import JSON, String, inspect, null, or_, select, update
from sqlalchemy.orm import Session

from collab.core.db import now
from collab.core.errors import Conflict, Forbidden
from collab.core.i18n import N_
from collab.core.work import Work
from collab.federation.halted import UNSENT
from collab.federation.models import Delivery, InboxItem, LogEntry, OutboxItem
from collab.federation.strictjson import Malformed, canonical, parse
from collab.spaces.events import ItemErased
from collab.spaces.files import erase_files
from collab.spaces.items import UNDO_WINDOW, facts, hanging, item_in
from collab.spaces.models import Item, Offer, Revision, Role, Space
from collab.spaces.policy import ELSEWHERE, require
from collab.web.extensions import db

if TYPE_CHECKING:
    from collab.federation.house import Federation

log = logging.getLogger(__name__)
Json = dict[str, Any]
MARK = "erased"
"""The property of a Delete that says: not to be restored; erase it."""
WORDED = ("Create", "Update", "Undo")
PLACE = ("attributedTo", "audience", "context", "inReplyTo", "published")
"""What is kept of an object whose words are erased."""
AT_ONCE = 50
EVERY = 3600
"""Seconds between two looks at what is past."""


@dataclass(frozen=True)
class Erase:
    """Which text is to go for good, by its public id."""

    item: str


def erase_forever(work: Work, space: Space, given: Erase) -> Item:
    """Erase the words of an item that was taken back, without waiting for the end of 30 days.

    Nobody can bring them back then. Its author may, where it was written; on the project's host
    facilitators may too.

    Raises:
        Missing: no such item in this project.
        Forbidden: it is somebody else's, or the project is hosted elsewhere.
        Conflict: it was not taken back first.
    """
    item = item_in(work.session, space, given.item)
    own = item.author_id == work.actor.id
    require(work, space, Role.READER if own else Role.FACILITATOR)
    if not space.local and not (own and item.iri.startswith(f"{work.origin}/")):
        raise Forbidden(ELSEWHERE)
    if item.withdrawn_at is None:
        raise Conflict(N_("Effacez d’abord ce texte, puis effacez-le pour toujours."))
    erase(work, item)
    return item


def erase(work: Work, item: Item, *, told: bool = True) -> None:
    """Erase an item's words everywhere here, once; who may is the caller's to decide.

    `told`: others are told by an entry of its own; not where the Delete that stands in the log
    already says it.
    """
    if item.erased_at is not None:
        return
    item.withdrawn_at = item.withdrawn_at or work.now
    item.erased_at = work.now
    blank(work.session, item)
    erase_files(work, item)
    forget_words(work.session, item.space_id, item.iri)
    if told:
        work.record(ItemErased(**facts(work, item)))
    for one in hanging(work.session, item):
        erase(work, one)


def says_erase(activity: Json) -> bool:
    """Whether an activity is a Delete that asks for erasure."""
    return activity.get("type") == "Delete" and activity.get(MARK) is True


def blank(session: Session, item: Item) -> None:
    """Empty the columns of an item that hold words, those of its room too, and every version."""
    item.title = item.source = item.html = item.state_reason = ""
    shared = set(Item.__table__.columns.keys())
    for attribute in inspect(item).mapper.column_attrs:
        column = attribute.columns[0]
        if attribute.key in shared or column.foreign_keys:
            continue
        if isinstance(column.type, JSON):
            setattr(item, attribute.key, type(getattr(item, attribute.key) or [])())
        elif isinstance(column.type, String):
            unnamed = "" if column.default is not None else item.uid
            setattr(item, attribute.key, None if column.nullable else unnamed)
    session.flush()
    _write(session, Revision, Revision.item_id == item.id,
           title="", source="", summary="", version="")  # fmt: skip
    _write(session, Offer, Offer.item_id == item.id, wire={}, given={}, reason="")


def forget_words(session: Session, space_id: int, iri: str) -> None:
    """Erase what was said of one object: in the log, as it came, and as it goes out.

    Entries, ids and digests stay. Letters that still wait with these words are not sent.
    """
    session.flush()
    found = [row for row in _entries(session, space_id, iri) if row.activity_type in WORDED]
    named = {row.activity_id for row in found}
    named |= {
        str(row.body["fulfills"])
        for row in found
        if row.body is not None and "fulfills" in row.body
    }
    ids = [row.seq for row in found]
    for row in found:
        row.left = row.left or left_of(row.body)
    _write(session, LogEntry, LogEntry.space_id == space_id, LogEntry.seq.in_(ids), body=null())
    _write(session, InboxItem, InboxItem.activity_id.in_(named), raw=b"")
    for letter in session.scalars(
        select(OutboxItem).where(
            or_(OutboxItem.ordering_key == iri, OutboxItem.activity_id.in_(named))
        )
    ):
        if _holds_words(letter.body, iri):
            letter.body = canonical({"type": "Tombstone", "id": letter.activity_id})
            waits = (Delivery.outbox_id == letter.id, Delivery.state.in_(UNSENT))
            _write(session, Delivery, *waits, state="cancelled", done_at=now())
    session.flush()


def left_of(activity: Json | None) -> Json | None:
    """What stays of an activity's object when its words go: where it stood, and whose it was.

    A Tombstone of one line, for copies that never had the words; None when there was no object.
    """
    thing = (activity or {}).get("object")
    if isinstance(thing, dict) and thing.get("type") == "Delete":
        thing = thing.get("object")
    if not isinstance(thing, dict) or not isinstance(thing.get("id"), str):
        return None
    told = {name: thing[name] for name in PLACE if isinstance(thing.get(name), str)}
    return {"type": "Tombstone", "id": thing["id"], "formerType": thing.get("type"), **told}


def _entries(session: Session, space_id: int, iri: str) -> list[LogEntry]:
    """The entries of a project whose activity carries that object, or an older form of it."""
    thing = LogEntry.body["object"]
    within = or_(
        thing["id"].as_string() == iri,
        thing["object"]["id"].as_string() == iri,
        LogEntry.activity_id.startswith(f"{iri}#", autoescape=True),
    )
    return list(session.scalars(select(LogEntry).where(LogEntry.space_id == space_id, within)))


def _holds_words(body: bytes, iri: str) -> bool:
    """Whether a letter repeats the object itself, and not only its name."""
    try:
        waiting: list[object] = [parse(body)]
    except Malformed:
        return True
    while waiting:
        part = waiting.pop()
        if isinstance(part, list):
            waiting += part
        elif isinstance(part, dict):
            if part.get("id") == iri and part.get("type") != "Tombstone" and len(part) > 2:
                return True
            if part.get("context") == iri and "source" in part:
                return True  # a Revision that was offered
            waiting += part.values()
    return False


def _write(session: Session, table: Any, *where: Any, **values: Any) -> None:
    session.execute(
        update(table).where(*where).values(**values).execution_options(synchronize_session="fetch")
    )


class Eraser:
    """The service that erases what was taken back longer ago than it can be restored.

    The project's host decides; mirrors follow what its log then says.
    """

    def __init__(self, federation: Federation) -> None:
        self._federation = federation

    def step(self) -> int:
        """Erase what is due, each in its own transaction. Returns how many there were."""
        federation, count = self._federation, 0
        with federation.runtime.app.app_context():
            if not federation.budget.spend("erase what is past", 1, EVERY - 60):
                return 0
            while due := self._due():
                for item_id, space_id in due:
                    group = db.session().get_one(Space, space_id).actor
                    with federation.runtime.work(group) as work:
                        erase(work, work.session.get_one(Item, item_id))
                count += len(due)
        if count:
            log.info("erased for good count=%d", count)
        return count

    def _due(self) -> list[tuple[int, int]]:
        session = db.session()
        rows = session.execute(
            select(Item.id, Item.space_id)
            .join(Space, Space.id == Item.space_id)
            .where(
                Space.local,
                Item.withdrawn_at < self._federation.now() - UNDO_WINDOW,
                Item.erased_at.is_(None),
            )
            .order_by(Item.withdrawn_at)
            .limit(AT_ONCE)
        ).all()
        session.commit()
        return [(row[0], row[1]) for row in rows]
