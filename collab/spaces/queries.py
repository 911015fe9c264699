"""Reads about spaces, always with a viewer."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from collab.core.errors import Missing
from collab.core.events import EventRow
from collab.core.i18n import N_
from collab.core.letters import alphabetical
from collab.people.models import Actor
from collab.spaces.hiding import unheard
from collab.spaces.models import (
    Follow,
    Invitation,
    Item,
    Membership,
    MembershipState,
    Revision,
    Space,
)
from collab.spaces.policy import may_read, may_see_card, shown_to, visible_spaces, visible_to

ABSENT = N_("Ce projet n’existe pas, ou vous n’y avez pas accès.")


def find_space(session: Session, address: str, own_host: str) -> Space | None:
    """The space at `slug`, `slug@our-host` or `slug@other-host`, whoever asks."""
    slug, _, host = address.strip().lstrip("!@").lower().partition("@")
    return session.scalar(
        select(Space).where(
            Space.slug == slug, Space.host == (host or own_host), Space.deleted_at.is_(None)
        )
    )


def space_at(session: Session, address: str, own_host: str, viewer: Actor | None) -> Space:
    """The space at an address, which `viewer` may read. Raises Missing otherwise."""
    space = find_space(session, address, own_host)
    if space is None or not may_read(session, space, viewer):
        raise Missing(ABSENT)
    return space


def card_at(session: Session, address: str, own_host: str, viewer: Actor | None) -> Space:
    """The space whose name and purpose `viewer` may see. Raises Missing otherwise."""
    space = find_space(session, address, own_host)
    if space is None or not may_see_card(session, space, viewer):
        raise Missing(ABSENT)
    return space


def visible_space_ids(session: Session, viewer: Actor | None) -> list[int]:
    """The ids of all spaces that `viewer` may read."""
    return list(session.scalars(select(Space.id).where(visible_to(viewer))))


def directory(
    session: Session,
    viewer: Actor | None,
    *,
    without: Collection[int] = (),
    limit: int = 50,
    offset: int = 0,
) -> Sequence[Space]:
    """The spaces `viewer` may read, but those of the ids `without`: living ones first, then new."""
    order = visible_spaces(viewer).order_by(
        Space.archived_at.is_not(None), Space.created_at.desc(), Space.id.desc()
    )
    others = order.where(Space.id.not_in(without)) if without else order
    return session.scalars(others.limit(limit).offset(offset)).all()


def frozen_spaces(session: Session) -> Sequence[Space]:
    """The copies that stand still because their host contradicted itself, the last first."""
    frozen = select(Space).where(Space.frozen_at.is_not(None), Space.deleted_at.is_(None))
    return session.scalars(frozen.order_by(Space.frozen_at.desc())).all()


def spaces_of(session: Session, actor: Actor) -> Sequence[Space]:
    """The spaces the actor takes part in or follows."""
    mine = select(Membership.space_id).where(
        Membership.actor_id == actor.id, Membership.state == MembershipState.ACTIVE
    )
    followed = select(Follow.space_id).where(Follow.actor_id == actor.id)
    wanted = visible_spaces(actor).where(Space.id.in_(mine.union(followed)))
    return sorted(session.scalars(wanted), key=lambda space: (alphabetical(space.name), space.id))


def members(session: Session, space: Space) -> Sequence[Membership]:
    """The active members, those in charge first."""
    return session.scalars(
        select(Membership)
        .where(Membership.space_id == space.id, Membership.state == MembershipState.ACTIVE)
        .order_by(Membership.role.desc(), Membership.since, Membership.id)
    ).all()


def requests(session: Session, space: Space) -> Sequence[Membership]:
    """Who asks to join, the oldest first; not who is suspended, gone, or of a blocked instance."""
    return session.scalars(
        select(Membership)
        .where(
            Membership.space_id == space.id,
            Membership.state == MembershipState.REQUESTED,
            Membership.actor_id.not_in(unheard()),
        )
        .order_by(Membership.since, Membership.id)
    ).all()


def asked_by_name(session: Session, space: Space) -> Sequence[Membership]:
    """Who was invited by name and has not answered, the newest first; as for `requests`."""
    return session.scalars(
        select(Membership)
        .where(
            Membership.space_id == space.id,
            Membership.state == MembershipState.INVITED,
            Membership.actor_id.not_in(unheard()),
        )
        .order_by(Membership.since.desc(), Membership.id)
    ).all()


def invited_to(session: Session, actor: Actor) -> Sequence[Space]:
    """The projects that wait for the actor's answer."""
    return session.scalars(
        select(Space)
        .join(Membership, Membership.space_id == Space.id)
        .where(
            Membership.actor_id == actor.id,
            Membership.state == MembershipState.INVITED,
            Space.deleted_at.is_(None),
        )
        .order_by(Membership.since)
    ).all()


def standing(session: Session, space: Space, actor: Actor | None) -> Membership | None:
    """How an actor stands in a space: member, asking, removed ... or nothing."""
    if actor is None:
        return None
    return session.scalar(
        select(Membership).where(Membership.space_id == space.id, Membership.actor_id == actor.id)
    )


def following(session: Session, space: Space, actor: Actor | None) -> Follow | None:
    """The actor's follow of the space, accepted or not."""
    if actor is None:
        return None
    return session.scalar(
        select(Follow).where(Follow.space_id == space.id, Follow.actor_id == actor.id)
    )


def invitations(session: Session, space: Space) -> Sequence[Invitation]:
    """The space's invitations that were not revoked, the newest first."""
    return session.scalars(
        select(Invitation)
        .where(Invitation.space_id == space.id, Invitation.revoked_at.is_(None))
        .order_by(Invitation.id.desc())
    ).all()


def invited_with(session: Session, one: Invitation) -> list[int]:
    """The ids of the invitations that were made in the same act as this one, the oldest first."""
    together = select(Invitation.id).where(
        Invitation.space_id == one.space_id,
        Invitation.created_by == one.created_by,
        Invitation.created_at == one.created_at,
    )
    return list(session.scalars(together.order_by(Invitation.id)))


def item_by_uid(session: Session, uid: str, viewer: Actor | None) -> Item:
    """The item with that public id, which `viewer` may read. Raises Missing otherwise."""
    item = session.scalar(
        select(Item)
        .join(Space, Space.id == Item.space_id)
        .where(Item.uid == uid, visible_to(viewer), shown_to(viewer))
    )
    if item is None:
        raise Missing(N_("Cette page n’existe pas, ou plus."))
    return item


def revisions(session: Session, item: Item) -> Sequence[Revision]:
    """Every version of an item's text, the newest first."""
    return session.scalars(
        select(Revision).where(Revision.item_id == item.id).order_by(Revision.number.desc())
    ).all()


def journal_head(session: Session) -> int:
    """The id of the newest fact: what a page that is being rendered already shows."""
    return session.scalar(select(func.max(EventRow.id))) or 0
