"""Up to where somebody has seen what happens in their projects, and what is new since then."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ForeignKey, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from collab.core.db import Base
from collab.core.events import EventRow
from collab.core.work import Work
from collab.people.models import Actor
from collab.spaces.events import ItemPublished, ItemRevised
from collab.spaces.hiding import not_silenced
from collab.spaces.models import Item
from collab.spaces.policy import shown_to
from collab.spaces.queries import spaces_of

FIRST = timedelta(days=7)
"""How far back somebody looks who has never said that all was seen."""
MOST = 500
"""Events that one page of news looks at."""


class Visit(Base):
    """The newest event that somebody has said to have seen."""

    __tablename__ = "visit"

    actor_id: Mapped[int] = mapped_column(ForeignKey("actor.id"), primary_key=True)
    event_id: Mapped[int]
    at: Mapped[datetime]


@dataclass(frozen=True)
class Fresh:
    """An item that is new or has changed."""

    item: Item
    event_id: int
    at: datetime
    changed: bool
    """It was there before: only its words are new."""


def visit_of(session: Session, actor: Actor) -> Visit | None:
    """Up to where this person has seen; None for who has never said so."""
    return session.get(Visit, actor.id)


def fresh_for(session: Session, actor: Actor, now: datetime) -> Sequence[Fresh]:
    """What others wrote in this person's projects since then, the newest first; each item once.

    Nothing that was taken back, or that this person may not see.
    """
    seen = visit_of(session, actor)
    since = EventRow.id > seen.event_id if seen else EventRow.at > now - FIRST
    happened = session.execute(
        select(EventRow.id, EventRow.name, EventRow.item_id, EventRow.at)
        .where(
            since,
            EventRow.space_id.in_([space.id for space in spaces_of(session, actor)]),
            EventRow.name.in_((ItemPublished.name, ItemRevised.name)),
            EventRow.actor_id != actor.id,
        )
        .order_by(EventRow.id.desc())
        .limit(MOST)
    ).all()
    kept = {
        item.id: item
        for item in session.scalars(
            select(Item).where(
                Item.id.in_({row.item_id for row in happened}),
                Item.withdrawn_at.is_(None),
                Item.author_id != actor.id,
                shown_to(actor),
                not_silenced(),
            )
        )
    }
    published = {row.item_id for row in happened if row.name == ItemPublished.name}
    found: dict[int, Fresh] = {}
    for row in happened:
        if row.item_id in kept and row.item_id not in found:
            changed = row.item_id not in published
            found[row.item_id] = Fresh(kept[row.item_id], row.id, row.at, changed)
    return list(found.values())


def mark_seen(work: Work, event_id: int) -> int:
    """Say that this person has seen all up to that event; gives what it was before (0: nothing).

    0 forgets it, as if they had never said so. Never further than what has happened.
    """
    session, actor = work.session, work.actor
    seen = session.get(Visit, actor.id)
    before = seen.event_id if seen else 0
    newest = session.scalar(select(func.max(EventRow.id))) or 0
    upto = min(max(event_id, 0), newest)
    if upto == 0:
        if seen is not None:
            session.delete(seen)
    elif seen is None:
        session.add(Visit(actor_id=actor.id, event_id=upto, at=work.now))
    else:
        seen.event_id, seen.at = upto, work.now
    return before
