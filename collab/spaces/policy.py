"""Who may see and do what: the one place that decides, deny by default."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Select, and_, exists, or_, select
from sqlalchemy.orm import Session

from collab.core.errors import Conflict, Forbidden, Missing
from collab.core.i18n import N_
from collab.core.work import Work
from collab.people.models import Actor, ActorKind
from collab.spaces.barred import exclusion_of, refuse_excluded
from collab.spaces.models import (
    Item,
    ItemState,
    JoinPolicy,
    Membership,
    MembershipState,
    Role,
    Space,
    Visibility,
)

ELSEWHERE = N_("Cela se fait sur l’instance qui héberge le projet.")
FROZEN = N_(
    "Le journal de ce projet se contredit, et sa copie ici est arrêtée : on peut la lire, on n’y "
    "écrit pas. Les personnes qui tiennent ce site peuvent la reprendre."
)


def role_of(session: Session, space: Space, actor_id: int | None) -> Role:
    """The role an actor holds in `space` now; NONE for strangers."""
    if actor_id is None:
        return Role.NONE
    held = session.scalar(
        select(Membership.role).where(
            Membership.space_id == space.id,
            Membership.actor_id == actor_id,
            Membership.state == MembershipState.ACTIVE,
        )
    )
    return Role(held or Role.NONE)


def facilitators(space: Space, *, local: bool) -> Select[Actor]:
    """Who of here, or of elsewhere, looks after `space` and can, as a statement, in our order of
    meeting them."""
    return (
        select(Actor)
        .join(Membership, Membership.actor_id == Actor.id)
        .where(
            Membership.space_id == space.id,
            Membership.state == MembershipState.ACTIVE,
            Membership.role >= Role.FACILITATOR,
            Actor.local.is_(local),
            Actor.deleted_at.is_(None),
            Actor.suspended_at.is_(None),
        )
        .order_by(Actor.id)
    )


def visible_to(viewer: Actor | None) -> ColumnElement[bool]:
    """The SQL condition on Space under which `viewer` may read it. None is a stranger."""
    alive = Space.deleted_at.is_(None)
    public = Space.visibility == Visibility.PUBLIC
    if viewer is None or viewer.suspended_at:
        return and_(alive, public)
    belongs = (
        exists()
        .where(
            Membership.space_id == Space.id,
            Membership.actor_id == viewer.id,
            Membership.state == MembershipState.ACTIVE,
        )
        .correlate(Space)  # also inside a statement that looks at memberships itself
    )
    here = Space.visibility == Visibility.LOCAL
    allowed = [public, belongs] + ([here] if viewer.local else [])
    return and_(alive, or_(*allowed))


def visible_spaces(viewer: Actor | None) -> Select[Space]:
    """The spaces `viewer` may read, as a statement to refine."""
    return select(Space).where(visible_to(viewer))


def may_read(session: Session, space: Space, viewer: Actor | None) -> bool:
    """Whether `viewer` may read `space` and everything in it."""
    return (
        session.scalar(select(Space.id).where(Space.id == space.id, visible_to(viewer))) is not None
    )


def shown_to(viewer: Actor | None) -> ColumnElement[bool]:
    """The SQL condition on Item: what the host of a remote space refused is its author's alone."""
    if viewer is None:
        return Item.state != ItemState.REFUSED
    return or_(Item.state != ItemState.REFUSED, Item.author_id == viewer.id)


def may_see_card(session: Session, space: Space, viewer: Actor | None) -> bool:
    """Whether `viewer` may see a space's name and purpose, to ask to join it.

    A members-only space that takes requests shows its card to whoever has its address; one that
    is entered by invitation does not exist for strangers.
    """
    if may_read(session, space, viewer) or _is_invited(session, space, viewer):
        return True
    return (
        space.deleted_at is None
        and space.visibility == Visibility.MEMBERS
        and space.join_policy != JoinPolicy.INVITATION
    )


def may_know(session: Session, space: Space, asker: Actor) -> bool:
    """Whether somebody of elsewhere may know that a space is there: people as by `may_see_card`,
    another instance's own actor while that instance may hold a copy (R33, R35)."""
    if asker.kind == ActorKind.APPLICATION and host_may_read(session, space, asker.host):
        return True
    return may_see_card(session, space, asker)


def _is_invited(session: Session, space: Space, viewer: Actor | None) -> bool:
    """Whether somebody was asked by name and has not answered no; they may know to what."""
    if viewer is None or viewer.suspended_at or space.deleted_at:
        return False
    asked = select(Membership.id).where(
        Membership.space_id == space.id,
        Membership.actor_id == viewer.id,
        Membership.state.in_((MembershipState.INVITED, MembershipState.REQUESTED)),
    )
    return session.scalar(asked.limit(1)) is not None


def host_may_read(session: Session, space: Space, host: str) -> bool:
    """Whether another instance may hold a copy of `space` (FEDERATION.md 1.1, R35).

    Public: every host that the peer policy lets in (decided before). Members only: while at
    least one person of that host is an active member. Local: nobody.
    """
    if space.deleted_at or space.visibility == Visibility.LOCAL:
        return False
    if space.visibility == Visibility.PUBLIC:
        return True
    return host_has_member(session, space, host)


def host_has_member(session: Session, space: Space, host: str) -> bool:
    """Whether at least one person of another instance is an active member of `space`, who is not
    suspended here and has not deleted themselves (R36)."""
    member = (
        select(Membership.id)
        .join(Actor, Actor.id == Membership.actor_id)
        .where(
            Membership.space_id == space.id,
            Membership.state == MembershipState.ACTIVE,
            Actor.host == host,
            Actor.suspended_at.is_(None),
            Actor.deleted_at.is_(None),
        )
    )
    return session.scalar(member.limit(1)) is not None


def require(work: Work, space: Space, role: Role) -> None:
    """Let the work go on only if its actor holds at least `role` in `space`.

    An act that the space's host has already decided (`work.mirrored`) is let through.

    Raises:
        Missing: the actor may not even know that the space exists.
        Forbidden: the actor has a lesser role, or none, or is suspended or excluded.
        Conflict: the space is archived, or a copy that is frozen (R60): read, not written in.
    """
    if work.mirrored and not space.local:
        return
    actor = work.session.get(Actor, work.actor.id)
    held = role_of(work.session, space, work.actor.id)
    # Who takes part may read, as long as there is something and they are somebody (visible_to).
    inside = actor is not None and held > Role.NONE and not (space.deleted_at or actor.suspended_at)
    if actor is None or not (inside or may_read(work.session, space, actor)):
        raise Missing(N_("Ce projet n’existe pas, ou vous n’y avez pas accès."))
    if actor.suspended_at or actor.deleted_at:
        raise Forbidden(N_("Ce compte est suspendu."))
    if space.archived_at:
        raise Conflict(N_("Ce projet est archivé : on peut le lire, on n’y écrit plus."))
    if space.frozen_at:
        raise Conflict(FROZEN)
    if held < role and not is_guest(work, space, role):
        refuse_excluded(work.session, space, actor.id, work.now)
        raise Forbidden(NEEDS[role])


def is_open(space: Space) -> bool:
    """Whether anything may be written in a space: it is neither archived nor frozen."""
    return space.archived_at is None and space.frozen_at is None


def require_hosted_here(space: Space) -> None:
    """Let the work go on only if `space` lives on this instance. Raises Forbidden."""
    if not space.local:
        raise Forbidden(ELSEWHERE)


def is_guest(work: Work, space: Space, role: Role = Role.MEMBER) -> bool:
    """Whether somebody of elsewhere may act as a member without being one (FEDERATION.md 1.7).

    In a public project that anybody may join at once they may: most other software has no word
    for joining. Not those who were refused, removed or excluded.
    """
    if not (space.local and role <= Role.MEMBER and space.join_policy == JoinPolicy.OPEN):
        return False
    if work.actor.local or space.visibility != Visibility.PUBLIC:
        return False
    if exclusion_of(work.session, space, work.actor.id, work.now) is not None:
        return False
    sent_away = (MembershipState.REFUSED, MembershipState.REMOVED)
    return not work.session.scalar(
        select(Membership.id).where(
            Membership.space_id == space.id,
            Membership.actor_id == work.actor.id,
            Membership.state.in_(sent_away),
        )
    )


NEEDS = {
    Role.NONE: N_("Vous ne pouvez pas faire cela."),
    Role.READER: N_("Il faut d’abord participer à ce projet."),
    Role.MEMBER: N_("Il faut être membre de ce projet pour y écrire. Demandez à participer."),
    Role.FACILITATOR: N_("Seules les personnes référentes du projet peuvent faire cela."),
}
