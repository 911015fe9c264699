"""Single activities by their id: log entries, grants, and what the project said (1.2, 1.4).

The fragment of an id stays with who asks; what is served is what the address without it names.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import not_, or_, select
from sqlalchemy.orm import Session

from collab.core.errors import Missing
from collab.core.events import EventRow
from collab.federation.log import announce
from collab.federation.models import LogEntry
from collab.federation.reading import Asker, Json, Shown, own_space, readable
from collab.spaces.hiding import hidden_authors, not_silenced
from collab.spaces.models import Item, Space, Visibility

OF_PEOPLE = ("Grant", "Revoke", "Block")
"""Who belongs to a project is for the project, and for whom it is about (R37)."""
WORDS = ("Create", "Update", "Undo")
"""Activities that carry the text itself."""


def log_entry(asker: Asker, slug: str, seq: int) -> Shown:
    """One entry of the log, as it was announced."""
    space = own_space(asker.federation, slug)
    row = asker.federation.session.scalar(
        select(LogEntry).where(LogEntry.space_id == space.id, LogEntry.seq == seq)
    )
    if row is None:
        raise Missing
    return _shown(asker, space, row, whole=True)


def grant(asker: Asker, slug: str, uid: str) -> Shown:
    """A Grant: for its target, for hosts that hold a copy, and for members (1.4)."""
    space = own_space(asker.federation, slug)
    named = f"{space.iri}/grants/{uid}"
    return _newest(asker, space, named)


def block(asker: Asker, slug: str, uid: str) -> Shown:
    """A Block, or its Undo if that is newer: for the same as a Grant."""
    space = own_space(asker.federation, slug)
    session, named = asker.federation.session, f"{space.iri}/blocks/{uid}"
    wanted = LogEntry.activity_id.in_((named, f"{named}#undo"))
    row = session.scalar(
        select(LogEntry)
        .where(LogEntry.space_id == space.id, wanted)
        .order_by(LogEntry.seq.desc())
        .limit(1)
    )
    if row is None:
        raise Missing
    return _shown(asker, space, row, whole=False)


def said_by_group(asker: Asker, slug: str, event: int) -> Shown:
    """Something the project said that has no object of its own, such as a pin."""
    space = own_space(asker.federation, slug)
    return _newest(asker, space, f"{space.iri}/a/{event}")


def _newest(asker: Asker, space: Space, iri: str) -> Shown:
    row = asker.federation.session.scalar(
        select(LogEntry)
        .where(
            LogEntry.space_id == space.id,
            LogEntry.activity_id.startswith(f"{iri}#", autoescape=True),
        )
        .order_by(LogEntry.seq.desc())
        .limit(1)
    )
    if row is None:
        raise Missing
    return _shown(asker, space, row, whole=False)


def _shown(asker: Asker, space: Space, row: LogEntry, *, whole: bool) -> Shown:
    if row.activity_type in OF_PEOPLE or row.activity_id.startswith(f"{space.iri}/blocks/"):
        about = _whom(row.body or {})
        if not asker.is_one_of(about) and not asker.belongs(space):
            raise Missing
        private = True
    else:
        readable(asker, space.slug)
        private = space.visibility != Visibility.PUBLIC
    (body,) = bodies(asker.federation.session, [row])
    if whole:
        return Shown(announce(space, row) | {"object": body}, private=private)
    return Shown(body, private=private)


def _whom(told: Json) -> tuple[object, object]:
    """Whom a Grant, a Revoke, a Block or its Undo is about: one of both."""
    undone = told.get("object")
    said = undone if isinstance(undone, dict) else told
    return said.get("target"), said.get("object")


def _of_hidden(session: Session, events: Sequence[int]) -> set[int]:
    """Which of these events are acts, or about texts, of people whose texts are hidden (R36)."""
    hidden = hidden_authors()
    if session.scalar(hidden.limit(1)) is None:
        return set()
    rows = (
        select(EventRow.id)
        .outerjoin(Item, Item.id == EventRow.item_id)
        .where(EventRow.id.in_(events), or_(EventRow.actor_id.in_(hidden), not_(not_silenced())))
    )
    return set(session.scalars(rows))


def bodies(session: Session, rows: Sequence[LogEntry]) -> list[Json]:
    """The activities of some entries, for anybody who may read the project.

    Of what was erased, of the words of what was taken back since, and of all that people did whose
    texts are hidden here, a Tombstone; only copies hear those words, with the Delete that follows
    them in the log. Nothing of the log changes: lifting a suspension shows all of it again.
    """
    events = [row.event_id for row in rows if row.event_id is not None]
    gone = set(
        session.scalars(
            select(EventRow.id)
            .join(Item, Item.id == EventRow.item_id)
            .where(EventRow.id.in_(events), Item.withdrawn_at.is_not(None))
        )
    )
    away = _of_hidden(session, events)
    return [
        row.body
        if row.body is not None
        and row.event_id not in away
        and not (row.event_id in gone and row.activity_type in WORDS)
        else {"type": "Tombstone", "id": row.activity_id}
        for row in rows
    ]
