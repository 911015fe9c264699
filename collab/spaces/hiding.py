"""Whose texts are hidden: those of suspended people, and of people of a blocked instance (R36)."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import ColumnElement, Select, and_, exists, literal, or_, select
from sqlalchemy.orm import Session

from collab.people.models import Actor, Peer, PeerState
from collab.spaces.models import Item, Revision


def blocked_hosts(session: Session) -> frozenset[str]:
    """The instances that are blocked here."""
    return frozenset(session.scalars(select(Peer.host).where(Peer.state == PeerState.BLOCKED)))


def is_silenced(author: Actor, blocked: Collection[str]) -> bool:
    """Whether an author's texts are hidden. `blocked`: of `blocked_hosts`; names below count."""
    if author.suspended_at is not None:
        return True
    if author.local or not blocked:
        return False
    labels = author.host.split(".")
    return any(".".join(labels[n:]) in blocked for n in range(len(labels)))


def is_hidden(session: Session, author: Actor) -> bool:
    """The same for one author."""
    return is_silenced(author, () if author.local else blocked_hosts(session))


def hidden_authors() -> Select[int]:
    """The ids of everybody whose texts are hidden, as a statement."""
    below = Actor.host.like(literal("%.") + Peer.host)
    cut_off = exists().where(Peer.state == PeerState.BLOCKED, or_(Peer.host == Actor.host, below))
    away = and_(Actor.local.is_(False), cut_off)
    return select(Actor.id).where(or_(Actor.suspended_at.is_not(None), away))


def not_silenced() -> ColumnElement[bool]:
    """The same as an SQL condition on Item, for lists that show a text without a notice.

    A common thing that somebody else has worked on too is theirs as well, and stays.
    """
    hidden = hidden_authors()
    others = exists().where(Revision.item_id == Item.id, Revision.author_id.not_in(hidden))
    return or_(Item.author_id.not_in(hidden), others.correlate(Item))


def is_text_hidden(session: Session, item: Item) -> bool:
    """Whether a text is hidden: its author is, and nobody else has worked on it."""
    if not is_hidden(session, item.author):
        return False
    return session.scalar(select(Item.id).where(Item.id == item.id, not_silenced())) is None
