"""Single activities by their id: log entries, grants, and what the project said (1.2, 1.4).

The fragment of an id stays with who asks; what is served is what the address without it names.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from collab.core.errors import Missing
from collab.core.events import EventRow
from collab.federation.log import announce
from collab.federation.models import LogEntry
from collab.federation.reading import Asker, Json, Shown, own_space, readable
from collab.spaces.models import Item, Space, Visibility

OF_PEOPLE = ("Grant", "Revoke")
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
    if row.activity_type in OF_PEOPLE:
        about = (row.body or {}).get("target"), (row.body or {}).get("object")
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


def bodies(session: Session, rows: Sequence[LogEntry]) -> list[Json]:
    """The activities of some entries, for anybody who may read the project.

    Of what was erased, and of the words of what was taken back since, a Tombstone; only copies
    hear those words, with the Delete that follows them in the log.
    """
    events = [row.event_id for row in rows if row.event_id is not None]
    gone = set(
        session.scalars(
            select(EventRow.id)
            .join(Item, Item.id == EventRow.item_id)
            .where(EventRow.id.in_(events), Item.withdrawn_at.is_not(None))
        )
    )
    return [
        row.body
        if row.body is not None and not (row.event_id in gone and row.activity_type in WORDS)
        else {"type": "Tombstone", "id": row.activity_id}
        for row in rows
    ]
