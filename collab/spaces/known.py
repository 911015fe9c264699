"""Of whom of elsewhere there is a page here: of those met in what its reader may read (R33).

An instance gets to know many people whom nobody here has met, such as who asks to join a project
that somebody of here looks after.
"""

from __future__ import annotations

from sqlalchemy import ColumnElement, Select, literal, select
from sqlalchemy.orm import Session

from collab.people.models import Actor
from collab.spaces.barred import Exclusion
from collab.spaces.models import (
    Item,
    Membership,
    MembershipState,
    Reaction,
    Revision,
    Role,
    Space,
)
from collab.spaces.policy import shown_to, visible_to


def is_met(session: Session, person: Actor, viewer: Actor | None) -> bool:
    """Whether `viewer` has met somebody of elsewhere: as a member or an author in a space that
    they may read, as whoever such a person was before, or in one that they look after."""
    were = select(Actor.id).where(Actor.moved_to == person.iri, Actor.moved_to != "")
    who = [person.id, *session.scalars(were.limit(20))]
    return any(session.scalar(one.limit(1)) is not None for one in _meetings(who, viewer))


def _meetings(who: list[int], viewer: Actor | None) -> list[Select[int]]:
    """Where they are met, as statements that find something, the cheap ones first."""
    member = Membership.state == MembershipState.ACTIVE
    stands = select(literal(1)).select_from(Membership).join(Space)
    found = [
        stands.where(Membership.actor_id.in_(who), member, visible_to(viewer)),
        _written(Item.author_id.in_(who), viewer),
    ]
    if viewer is not None:
        mine = select(Membership.space_id).where(
            Membership.actor_id == viewer.id, member, Membership.role >= Role.FACILITATOR
        )
        found += [
            select(literal(1)).where(row.actor_id.in_(who), row.space_id.in_(mine))
            for row in (Membership, Exclusion)
        ]
    revised = select(Revision.item_id).where(Revision.author_id.in_(who))
    greeted = select(Reaction.item_id).where(Reaction.actor_id.in_(who))
    return [*found, *(_written(Item.id.in_(ids), viewer) for ids in (revised, greeted))]


def _written(which: ColumnElement[bool], viewer: Actor | None) -> Select[int]:
    items = select(literal(1)).select_from(Item).join(Space, Space.id == Item.space_id)
    return items.where(which, Item.withdrawn_at.is_(None), shown_to(viewer), visible_to(viewer))
