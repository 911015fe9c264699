"""Whose texts are hidden: those of suspended people, and of people of a blocked instance (R36)."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import ColumnElement, and_, exists, literal, or_, select
from sqlalchemy.orm import Session

from collab.people.models import Actor, Peer, PeerState
from collab.spaces.models import Item


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


def not_silenced() -> ColumnElement[bool]:
    """The same as an SQL condition on Item, for lists that show a text without a notice."""
    below = Actor.host.like(literal("%.") + Peer.host)
    cut_off = exists().where(Peer.state == PeerState.BLOCKED, or_(Peer.host == Actor.host, below))
    away = and_(Actor.local.is_(False), cut_off)
    hidden = select(Actor.id).where(or_(Actor.suspended_at.is_not(None), away))
    return Item.author_id.not_in(hidden)
