"""Inviting somebody of another instance by name: asked, answered, then a member (1.4).

Both sides: on the project's host a facilitator asks; on the person's own instance the question
waits until they answer it. Only the host's Grant makes them a member.
"""

from __future__ import annotations

from dataclasses import dataclass

from collab.core.errors import Conflict, Forbidden, Invalid, Missing
from collab.core.i18n import N_
from collab.core.work import Work
from collab.people.models import Actor, ActorKind
from collab.spaces.barred import exclusion_of
from collab.spaces.events import InvitationAnswered, InvitationDeclined, MemberInvited
from collab.spaces.membership import admit_invited, membership
from collab.spaces.models import Membership, MembershipState, Role, Space
from collab.spaces.policy import ELSEWHERE, require, require_hosted_here

GONE = N_("Cette invitation n’existe pas, ou elle n’est plus valable.")


@dataclass(frozen=True)
class InvitePerson:
    """Whom to invite (the number of an actor of elsewhere), and as what."""

    member: int
    role: Role = Role.MEMBER


def invite_person(work: Work, space: Space, given: InvitePerson) -> Membership:
    """Ask somebody of another instance to take part.

    Raises:
        Forbidden: the actor is no facilitator, or the space is hosted elsewhere.
        Missing: nobody has that number.
        Invalid: it is somebody of here, who gets a link (unless the facilitator is of elsewhere);
            or no person; or the role is none.
        Conflict: they take part already, have asked to, or are excluded; or the space is archived.
    """
    require(work, space, Role.FACILITATOR)
    require_hosted_here(space)
    person = work.session.get(Actor, given.member)
    if person is None or person.deleted_at:
        raise Missing(N_("Cette personne n’est pas connue ici."))
    if person.kind != ActorKind.PERSON:
        raise Invalid(person=N_("Cette adresse n’est pas celle d’une personne."))
    if person.local and work.actor.local:
        raise Invalid(person=N_("Cette personne est d’ici : donnez-lui un lien d’invitation."))
    if given.role == Role.NONE:
        raise Invalid(role=N_("Choisissez un rôle."))
    _may_be_asked(work, space, person)
    row = _waiting(work, space, person, given.role, work.mint("/a/"))
    work.record(_invited(work, space, row))
    return row


def _may_be_asked(work: Work, space: Space, person: Actor) -> None:
    row = membership(work, space, person.id)
    if row is not None and row.state == MembershipState.ACTIVE:
        raise Conflict(N_("Cette personne participe déjà à ce projet."))
    if row is not None and row.state == MembershipState.REQUESTED:
        raise Conflict(N_("Cette personne a demandé à participer : acceptez sa demande."))
    if exclusion_of(work.session, space, person.id, work.now) is not None:
        raise Conflict(N_("Cette personne est exclue de ce projet. Levez d’abord l’exclusion."))


def _waiting(work: Work, space: Space, person: Actor, role: Role, iri: str) -> Membership:
    row = membership(work, space, person.id)
    if row is None:
        row = Membership(space_id=space.id, actor_id=person.id, since=work.now)
        work.session.add(row)
    row.state, row.role, row.since = MembershipState.INVITED, role, work.now
    row.join_iri, row.note = iri, ""
    work.session.flush()
    return row


def _invited(work: Work, space: Space, row: Membership) -> MemberInvited:
    ids = {"space_id": space.id, "actor_id": work.actor.id, "member_id": row.actor_id}
    return MemberInvited(**ids, role=int(row.role))


def invitation_accepted(work: Work, space: Space, iri: str, *, yes: bool) -> None:
    """Host side: the person who was asked has answered that very invitation (R8).

    Raises:
        Missing: the actor was not asked, or with another invitation, or answered before.
        Conflict: the space is archived.
    """
    row = membership(work, space, work.actor.id)
    if row is None or row.state != MembershipState.INVITED or row.join_iri != iri:
        raise Missing(GONE)
    if yes:
        admit_invited(work, space, Role(row.role), row.since)
        return
    row.state = MembershipState.LEFT
    work.record(
        InvitationDeclined(space_id=space.id, actor_id=work.actor.id, member_id=row.actor_id)
    )


def take_invitation(work: Work, space: Space, person: Actor, role: Role, iri: str) -> None:
    """Member side: a remote project asks one of ours. Who takes part already is not asked again.

    Raises:
        Forbidden: the space is of this instance, where nobody else invites.
    """
    if space.local:
        raise Forbidden(ELSEWHERE)
    row = membership(work, space, person.id)
    if row is not None and row.state in (MembershipState.ACTIVE, MembershipState.REQUESTED):
        return
    work.record(_invited(work, space, _waiting(work, space, person, role, iri)))


def answer_invitation(work: Work, space: Space, *, yes: bool) -> Membership:
    """Member side: one of ours answers; after a yes they wait for the host's word.

    Raises:
        Missing: nothing was asked.
    """
    row = membership(work, space, work.actor.id)
    if row is None or row.state != MembershipState.INVITED:
        raise Missing(GONE)
    if space.local:  # a facilitator of elsewhere asked somebody of here
        invitation_accepted(work, space, row.join_iri or "", yes=yes)
        return row
    row.state = MembershipState.REQUESTED if yes else MembershipState.LEFT
    row.since = work.now
    work.record(InvitationAnswered(space_id=space.id, actor_id=work.actor.id, accepted=yes))
    return row
