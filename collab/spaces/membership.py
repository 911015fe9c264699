"""Joining, asking to join, leaving; who decides; following without joining."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from collab.core.errors import Conflict, Forbidden, Invalid, Missing
from collab.core.i18n import N_
from collab.core.work import Work
from collab.people.models import Actor
from collab.spaces.barred import refuse_excluded
from collab.spaces.events import (
    GrantRenewed,
    MemberAdmitted,
    MemberAsked,
    MemberLeft,
    MemberRefused,
    MemberRemoved,
    RequestWithdrawn,
    RoleChanged,
    SpaceFollowed,
    SpaceUnfollowed,
)
from collab.spaces.hiding import is_unheard
from collab.spaces.models import (
    Follow,
    JoinPolicy,
    Membership,
    MembershipState,
    Role,
    Space,
    Visibility,
)
from collab.spaces.policy import may_see_card, require, require_hosted_here

MAX_NOTE = 1000
REMOVED = N_("Vous avez été retiré de ce projet. Parlez-en à une personne référente.")


@dataclass(frozen=True)
class AskToJoin:
    """`note` is what the person says of themselves, plain text."""

    note: str = ""


@dataclass(frozen=True)
class Decide:
    """A facilitator's word on one member or request."""

    member: int
    role: Role = Role.MEMBER


def membership(work: Work, space: Space, actor_id: int) -> Membership | None:
    """The row that says how an actor stands in a space, whatever its state."""
    return work.session.scalar(
        select(Membership).where(Membership.space_id == space.id, Membership.actor_id == actor_id)
    )


def ask_to_join(
    work: Work, space: Space, given: AskToJoin, *, join_iri: str | None = None
) -> Membership:
    """Ask to take part. In an open project of this instance one is a member at once.

    In a project hosted elsewhere the request waits for its host (FEDERATION.md 1.4, `Join`).

    Raises:
        Missing: the actor may not know that the space exists.
        Forbidden: one enters only by invitation, was removed before, or is excluded.
        Conflict: already a member; or the space is archived.
    """
    actor = work.session.get_one(Actor, work.actor.id)
    if not work.mirrored and not may_see_card(work.session, space, actor):
        raise Missing(N_("Ce projet n’existe pas, ou vous n’y avez pas accès."))
    if space.archived_at:
        raise Conflict(N_("Ce projet est archivé : on peut le lire, on n’y écrit plus."))
    row = membership(work, space, actor.id)
    if row and row.state == MembershipState.ACTIVE:
        raise Conflict(N_("Vous participez déjà à ce projet."))
    refuse_excluded(work.session, space, actor.id, work.now)
    if row and row.state == MembershipState.REMOVED and space.local:
        raise Forbidden(REMOVED)
    if space.local and space.join_policy == JoinPolicy.INVITATION:
        raise Forbidden(N_("On entre dans ce projet sur invitation."))
    if row is None:
        row = Membership(space_id=space.id, actor_id=actor.id, since=work.now)
        work.session.add(row)
    row.state, row.role, row.since = MembershipState.REQUESTED, Role.MEMBER, work.now
    row.note = given.note.strip()[:MAX_NOTE]
    row.join_iri = join_iri or work.mint("/a/")
    work.session.flush()
    work.record(MemberAsked(space_id=space.id, actor_id=actor.id))
    if space.local and space.join_policy == JoinPolicy.OPEN:
        _admit(work, space, row, Role.MEMBER)
    return row


def admit(work: Work, space: Space, given: Decide) -> Membership:
    """Say yes to a request.

    Raises:
        Forbidden: the actor is no facilitator of a space of this instance.
        Missing: nobody asked under that number.
    """
    row = _decidable(work, space, given.member, MembershipState.REQUESTED)
    _admit(work, space, row, given.role)
    return row


def _admit(work: Work, space: Space, row: Membership, role: Role) -> None:
    row.state, row.role, row.since = MembershipState.ACTIVE, role, work.now
    row.grant_iri = work.mint(f"/p/{space.slug}/grants/")
    work.record(
        MemberAdmitted(
            space_id=space.id, actor_id=work.actor.id, member_id=row.actor_id, role=int(role)
        )
    )


def admit_invited(work: Work, space: Space, role: Role, made_at: datetime) -> Membership:
    """Let the actor in, who holds a valid invitation (checked by the caller) made at `made_at`.

    Raises:
        Forbidden: is excluded; or was removed after the invitation was made, and a newer one
            lets them in again.
        Conflict: already a member; or the space is archived.
    """
    if space.archived_at:
        raise Conflict(N_("Ce projet est archivé : on peut le lire, on n’y écrit plus."))
    row = membership(work, space, work.actor.id)
    if row and row.state == MembershipState.ACTIVE:
        raise Conflict(N_("Vous participez déjà à ce projet."))
    refuse_excluded(work.session, space, work.actor.id, work.now)
    if row and row.state == MembershipState.REMOVED and made_at <= row.since:
        raise Forbidden(REMOVED)
    if row is None:
        row = Membership(space_id=space.id, actor_id=work.actor.id, since=work.now)
        work.session.add(row)
        work.session.flush()
    _admit(work, space, row, role)
    return row


def decline(work: Work, space: Space, given: Decide) -> Membership:
    """Say no to a request. The person may ask again later.

    Raises:
        Forbidden: the actor is no facilitator of a space of this instance.
        Missing: nobody asked under that number.
    """
    row = _decidable(work, space, given.member, MembershipState.REQUESTED)
    row.state, row.since = MembershipState.REFUSED, work.now
    work.record(MemberRefused(space_id=space.id, actor_id=work.actor.id, member_id=row.actor_id))
    return row


def remove_member(work: Work, space: Space, given: Decide) -> Membership:
    """Take a member out.

    Raises:
        Forbidden: the actor is no facilitator of a space of this instance.
        Missing: no such member.
        Conflict: it would leave the space without anybody in charge.
    """
    row = _decidable(work, space, given.member, MembershipState.ACTIVE)
    somebody_stays(work, space, row)
    row.state, row.since = MembershipState.REMOVED, work.now
    work.record(MemberRemoved(space_id=space.id, actor_id=work.actor.id, member_id=row.actor_id))
    return row


def change_role(work: Work, space: Space, given: Decide) -> Membership:
    """Give a member another role.

    Raises:
        Forbidden: the actor is no facilitator of a space of this instance.
        Missing: no such member.
        Invalid: no such role.
        Conflict: it would leave the space without anybody in charge.
    """
    row = _decidable(work, space, given.member, MembershipState.ACTIVE)
    if given.role == Role.NONE:
        raise Invalid(role=N_("Choisissez un rôle."))
    if given.role < Role.FACILITATOR:
        somebody_stays(work, space, row)
    row.role, former = given.role, row.grant_iri or ""
    row.grant_iri = work.mint(f"/p/{space.slug}/grants/")
    work.record(
        RoleChanged(
            space_id=space.id,
            actor_id=work.actor.id,
            member_id=row.actor_id,
            role=int(given.role),
            former=former,
        )
    )
    return row


def renew_grant(work: Work, space: Space, row: Membership) -> None:
    """Say again, for another year, what place a member has (FEDERATION.md 1.4)."""
    former, row.grant_iri = row.grant_iri or "", work.mint(f"/p/{space.slug}/grants/")
    work.record(
        GrantRenewed(
            space_id=space.id, actor_id=work.actor.id, member_id=row.actor_id,
            role=int(row.role), former=former,
        )
    )  # fmt: skip


def leave(work: Work, space: Space) -> None:
    """Stop taking part, or take back a request.

    Raises:
        Missing: the actor is no member and asked nothing.
        Conflict: it would leave the space without anybody in charge.
    """
    row = membership(work, space, work.actor.id)
    if row is None or row.state not in (MembershipState.ACTIVE, MembershipState.REQUESTED):
        raise Missing(N_("Vous ne participez pas à ce projet."))
    if space.local:
        somebody_stays(work, space, row)
    kind = MemberLeft if row.state == MembershipState.ACTIVE else RequestWithdrawn
    work.record(kind(space_id=space.id, actor_id=work.actor.id, member_id=row.actor_id))
    row.state = MembershipState.LEFT
    if not space.local:
        row.join_iri = None  # what was asked is asked no more: its host cannot grant it again


def _decidable(work: Work, space: Space, actor_id: int, state: MembershipState) -> Membership:
    require(work, space, Role.FACILITATOR)
    require_hosted_here(space)
    row = membership(work, space, actor_id)
    asks = state == MembershipState.REQUESTED
    if row is None or row.state != state or (asks and is_unheard(work.session, row.actor)):
        raise Missing(N_("Cette personne n’est pas dans la liste, ou plus."))
    return row


def somebody_stays(work: Work, space: Space, leaving: Membership) -> None:
    """Raises Conflict when nobody would be in charge of a space any more."""
    if leaving.role < Role.FACILITATOR or leaving.state != MembershipState.ACTIVE:
        return
    others = select(func.count(Membership.id)).where(
        Membership.space_id == space.id,
        Membership.state == MembershipState.ACTIVE,
        Membership.role >= Role.FACILITATOR,
        Membership.id != leaving.id,
    )
    if not work.session.scalar(others):
        raise Conflict(N_("Il faut au moins une personne référente. Nommez-en une autre d’abord."))


def follow(work: Work, space: Space, *, iri: str | None = None) -> Follow:
    """Receive the news of a space. Following a remote one waits for its host's Accept.

    Following twice is following once.

    Raises:
        Missing: the actor may not know that the space exists.
        Forbidden: the space is for its members only; or the actor is excluded.
    """
    actor = work.session.get_one(Actor, work.actor.id)
    if not may_see_card(work.session, space, actor):
        raise Missing(N_("Ce projet n’existe pas, ou vous n’y avez pas accès."))
    if space.local and space.visibility == Visibility.MEMBERS and not actor.local:
        raise Forbidden(N_("Ce projet est réservé à ses membres."))
    refuse_excluded(work.session, space, actor.id, work.now)
    row = work.session.scalar(
        select(Follow).where(Follow.space_id == space.id, Follow.actor_id == actor.id)
    )
    if row is None:
        row = Follow(space_id=space.id, actor_id=actor.id, created_at=work.now)
        work.session.add(row)
    row.iri = iri or row.iri or work.mint("/a/")
    if space.local:
        row.accepted_at = row.accepted_at or work.now
    work.session.flush()
    work.record(SpaceFollowed(space_id=space.id, actor_id=actor.id))
    return row


def unfollow(work: Work, space: Space) -> None:
    """Stop receiving the news. Not following is nothing to stop."""
    row = work.session.scalar(
        select(Follow).where(Follow.space_id == space.id, Follow.actor_id == work.actor.id)
    )
    if row is None:
        return
    work.record(
        SpaceUnfollowed(space_id=space.id, actor_id=work.actor.id, follow_iri=row.iri or "")
    )
    work.session.delete(row)
