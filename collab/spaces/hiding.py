"""Whose texts are hidden: those of suspended people, and of people of a blocked instance (R36)."""

from __future__ import annotations

from collections.abc import Callable, Collection

from sqlalchemy import ColumnElement, Select, and_, exists, literal, not_, or_, select
from sqlalchemy.orm import Session, aliased

from collab.people.models import Actor, Peer, PeerState
from collab.spaces.models import Item, Revision

VERSIONS: dict[str, Callable[[], ColumnElement[str]]] = {}
"""Kinds that say another text in other words, and go with it when that is hidden: how the IRI of
that text is had, as SQL beside Item. Added by rooms."""


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


def is_unheard(session: Session, actor: Actor) -> bool:
    """Whether somebody's request is shown to nobody: they are hidden, or gone."""
    return actor.deleted_at is not None or is_hidden(session, actor)


def unheard() -> Select[int]:
    """The ids of all those, as a statement."""
    gone = select(Actor.id).where(Actor.deleted_at.is_not(None))
    return select(hidden_authors().union(gone).subquery().c.id)


def not_silenced() -> ColumnElement[bool]:
    """The same as an SQL condition on Item, for lists that show a text without a notice.

    A common thing that somebody else has worked on too is theirs as well, and stays. What says a
    text in other words is hidden with it, whoever wrote it.
    """
    said = aliased(Item, flat=True)
    gone = [
        and_(
            Item.kind == kind,
            exists()
            .where(said.iri == named(), said.space_id == Item.space_id, not_(_shown(said)))
            .correlate(Item),
        )
        for kind, named in VERSIONS.items()
    ]
    return and_(_shown(Item), *(not_(one) for one in gone))


def _shown(item: type[Item]) -> ColumnElement[bool]:
    """Whether its author is not hidden, or somebody else who is not has worked on it."""
    hidden = hidden_authors()
    others = exists().where(Revision.item_id == item.id, Revision.author_id.not_in(hidden))
    return or_(item.author_id.not_in(hidden), others.correlate(item))


def is_text_hidden(session: Session, item: Item) -> bool:
    """Whether a text is hidden: its author is, and nobody else has worked on it; or it says a
    text that is, in other words."""
    if item.kind not in VERSIONS and not is_hidden(session, item.author):
        return False
    return session.scalar(select(Item.id).where(Item.id == item.id, not_silenced())) is None
