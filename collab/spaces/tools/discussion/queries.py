"""Reads of a discussion, always for a viewer who may read the space."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.orm import Session

from collab.people.models import Actor
from collab.spaces.models import Item, ItemState, Membership, MembershipState, Reaction, Role, Space
from collab.spaces.policy import shown_to
from collab.spaces.tools.discussion.models import Message, Said, Thread

T = TypeVar("T")
THREADS_ON_A_PAGE = 30
MESSAGES_ON_A_PAGE = 18
"""As many as keep the page below 380 elements for somebody who may act on each (docs/weight.md)."""
LAST = 1_000_000
"""Asking for a page beyond the last gives the last."""


@dataclass(frozen=True)
class Page(Generic[T]):
    """One page of a list; `number` counts from 1, `pages` is at least 1."""

    rows: Sequence[T]
    number: int
    pages: int

    @property
    def last(self) -> bool:
        """Whether nothing follows, so that what is new belongs here."""
        return self.number == self.pages


@dataclass(frozen=True)
class Answered:
    """The message that another one answers, in a line."""

    uid: str
    name: str


def is_shown(item: Item, viewer: Actor | None) -> bool:
    """As `shown_to`, for an item at hand."""
    return item.state != ItemState.REFUSED or bool(viewer and viewer.id == item.author_id)


def threads(session: Session, space: Space, viewer: Actor | None, number: int) -> Page[Thread]:
    """The pinned threads, then the others by last activity."""
    wanted = select(Thread).where(*_listed(space), shown_to(viewer))
    ordered = wanted.order_by(Thread.pinned_at.is_(None), Thread.last_at.desc(), Thread.id.desc())
    return _page(session, ordered, number, THREADS_ON_A_PAGE)


def count_threads(session: Session, space: Space) -> int:
    """How many threads the tab announces."""
    counted = select(func.count(Thread.id)).where(*_listed(space))
    return session.scalar(counted.where(Thread.state != ItemState.REFUSED)) or 0


def _listed(space: Space) -> tuple[ColumnElement[bool], ...]:
    """Not what was taken back before anybody answered."""
    kept = or_(Thread.withdrawn_at.is_(None), Thread.message_count > 0)
    return Thread.space_id == space.id, kept


def messages(session: Session, thread: Thread, viewer: Actor | None, number: int) -> Page[Message]:
    """The messages of a thread as they were written; those taken back keep their place.

    Ids tell the time of writing, so the order is the same on every instance.
    """
    ordered = _messages(thread, viewer).order_by(Message.uid)
    return _page(session, ordered, number, MESSAGES_ON_A_PAGE)


def page_of(session: Session, message: Message, viewer: Actor | None) -> int:
    """On which page of its thread a message stands."""
    before = _messages(message.thread, viewer).where(Message.uid < message.uid)
    return _count(session, before) // MESSAGES_ON_A_PAGE + 1


def _messages(thread: Thread, viewer: Actor | None) -> Select[Message]:
    return select(Message).where(Message.thread_id == thread.id, shown_to(viewer))


def _page(session: Session, wanted: Select[T], number: int, size: int) -> Page[T]:
    pages = max(1, -(-_count(session, wanted) // size))
    number = min(max(number, 1), pages)
    rows = session.scalars(wanted.limit(size).offset((number - 1) * size)).all()
    return Page(rows, number, pages)


def _count(session: Session, wanted: Select[T]) -> int:
    rows = wanted.order_by(None).subquery()
    return session.scalar(select(func.count()).select_from(rows)) or 0


def reactions(session: Session, items: Iterable[Item]) -> dict[int, dict[str, list[Actor]]]:
    """Who put which sign: by item id, then by sign, the first first."""
    ids = [item.id for item in items]
    found: dict[int, dict[str, list[Actor]]] = {item_id: {} for item_id in ids}
    rows = select(Reaction).where(Reaction.item_id.in_(ids)).order_by(Reaction.id)
    for row in session.scalars(rows):
        found[row.item_id].setdefault(row.sign, []).append(row.actor)
    return found


def answered(session: Session, items: Iterable[Said]) -> dict[int, Answered]:
    """What each message answers, by the id of the answered item."""
    wanted = {m.reply_to_id for m in items if isinstance(m, Message) and m.reply_to_id}
    rows = session.execute(
        select(Item.id, Item.uid, Actor.display_name, Actor.name)
        .join(Actor, Actor.id == Item.author_id)
        .where(Item.id.in_(wanted))
    )
    return {row.id: Answered(row.uid, row.display_name or row.name) for row in rows}


def facilitators(session: Session, space: Space) -> set[int]:
    """The ids of those in charge, so that a page can say who they are."""
    return set(
        session.scalars(
            select(Membership.actor_id).where(
                Membership.space_id == space.id,
                Membership.state == MembershipState.ACTIVE,
                Membership.role >= Role.FACILITATOR,
            )
        )
    )


def in_thread(thread: Thread) -> Select[int]:
    """The ids of a thread and of every message in it, for a condition on items."""
    return select(Item.id).where(
        or_(
            Item.id == thread.id,
            Item.id.in_(select(Message.id).where(Message.thread_id == thread.id)),
        )
    )


def answers_to(item: Said) -> Select[int]:
    """The ids of what answers a thread or a message directly."""
    if isinstance(item, Thread):
        opened = Message.thread_id == item.id
        return select(Message.id).where(opened, Message.reply_to_id.is_(None))
    return select(Message.id).where(Message.reply_to_id == item.id)
