"""What somebody is told: that they were named in a text, or answered, each once (R50); and that
another instance did not take what they did. One does not hide the other."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import (
    ColumnElement,
    ForeignKey,
    String,
    Text,
    UniqueConstraint,
    and_,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from collab.core.db import Base
from collab.core.work import Work
from collab.people.models import Actor
from collab.spaces.hiding import not_silenced
from collab.spaces.models import Item, ItemState, Space
from collab.spaces.policy import may_read, visible_to

NAMED, ANSWERED = "named", "answered"
UNSAID, UNCHANGED, UNDELETED, UNRESTORED, UNSIGNED, UNTAKEN, UNVOTED = REFUSED = (
    "unsaid", "unchanged", "undeleted", "unrestored", "unsigned", "untaken", "unvoted",
)  # fmt: skip
"""What the host of a project did not take: a new text, a change, ... a sign, its end, a vote."""
MOST_NAMED = 20
"""People whom one text tells (R38)."""


class Notice(Base):
    """Somebody of here was named or answered in an item, or what they did with it was refused."""

    __tablename__ = "notice"
    __table_args__ = (UniqueConstraint("actor_id", "item_id", "why"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    actor_id: Mapped[int] = mapped_column(ForeignKey("actor.id"))
    item_id: Mapped[int] = mapped_column(ForeignKey("item.id"), index=True)
    why: Mapped[str] = mapped_column(String(10))
    reason: Mapped[str] = mapped_column(Text, default="", server_default="")
    """Why it was refused, in the words of whoever did."""
    at: Mapped[datetime]
    seen_at: Mapped[datetime | None]

    item: Mapped[Item] = relationship()


def tell(session: Session, item: Item, why: str, people: Iterable[Actor], at: datetime) -> int:
    """Write down that these people of here are told of an item; how many were not before.

    Not its author, nor who may not read it, nor who is not here any more.
    """
    space = session.get_one(Space, item.space_id)
    held = select(Notice.actor_id).where(
        Notice.item_id == item.id, Notice.why.in_((NAMED, ANSWERED))
    )
    told = {item.author_id, *session.scalars(held)}
    new = 0
    for person in list(people)[:MOST_NAMED]:
        ended = person.suspended_at or person.deleted_at or not person.local
        if person.id in told or ended or not may_read(session, space, person):
            continue
        told.add(person.id)
        session.add(Notice(actor_id=person.id, item_id=item.id, why=why, at=at))
        new += 1
    return new


def tell_refused(
    session: Session, item: Item, why: str, person: Actor, reason: str, at: datetime
) -> None:
    """Write down that what somebody of here did with an item was refused elsewhere, at `at`.

    Of each kind the newest about an item stands; the same one again is not told again. The caller
    commits.
    """
    about = Notice.actor_id == person.id, Notice.item_id == item.id, Notice.why == why
    row = session.scalar(select(Notice).where(*about))
    if row is None:
        session.add(
            Notice(actor_id=person.id, item_id=item.id, why=why, reason=reason[:500], at=at)
        )
    elif row.at != at:
        row.reason, row.at, row.seen_at = reason[:500], at, None


def notices(session: Session, actor: Actor, *, limit: int, offset: int = 0) -> Sequence[Notice]:
    """What somebody was told of and may still read, the newest first."""
    wanted = select(Notice).join(Item, Item.id == Notice.item_id).where(*_shown(actor))
    order = wanted.order_by(Notice.id.desc())
    return session.scalars(order.limit(limit).offset(offset)).all()


def unread(session: Session, actor: Actor) -> int:
    """How many of them they have not looked at yet."""
    count = select(func.count(Notice.id)).join(Item, Item.id == Notice.item_id)
    return session.scalar(count.where(*_shown(actor), Notice.seen_at.is_(None))) or 0


def _shown(actor: Actor) -> tuple[ColumnElement[bool], ...]:
    readable = select(Space.id).where(visible_to(actor))
    return (
        Notice.actor_id == actor.id,
        Item.space_id.in_(readable),
        or_(
            Notice.why.in_(REFUSED),
            and_(Item.withdrawn_at.is_(None), Item.state != ItemState.REFUSED),
        ),
        not_silenced(),
    )


def seen(work: Work, ids: Iterable[int]) -> None:
    """Note that the actor has looked at these of the things they were told of."""
    work.session.execute(
        update(Notice)
        .where(Notice.id.in_(list(ids)), Notice.actor_id == work.actor.id, Notice.seen_at.is_(None))
        .values(seen_at=work.now)
    )
