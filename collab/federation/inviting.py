"""`Invite` and its answers, both ways; and whom an address names (FEDERATION.md 1.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from collab.core.errors import Forbidden, Missing
from collab.core.i18n import N_
from collab.federation.gate import Arrival
from collab.federation.grants import role_named
from collab.federation.hygiene import domain_of
from collab.federation.inbox import NO_HOST, Case, id_of, on, prepares
from collab.people.models import Actor, ActorKind
from collab.people.queries import actor_by_iri
from collab.spaces.decisions import INVITE, ask
from collab.spaces.invited import (
    InvitePerson,
    invitation_accepted,
    invite_person,
    take_invitation,
)
from collab.spaces.membership import Decide
from collab.spaces.models import Membership, MembershipState, Role, Space
from collab.spaces.policy import NEEDS, may_know, role_of

if TYPE_CHECKING:
    from collab.federation.house import Federation

UNKNOWN = N_("Ce projet n’existe pas, ou vous n’y avez pas accès.")
MOST_ASKED = 30
AN_HOUR = 3600


def invite_by_address(
    federation: Federation, facilitator: Actor, space: Space, address: str, role: Role
) -> None:
    """Invite the person behind `@omar@c.example`, or the address of their page. May ask.

    To a project of elsewhere its host invites them, when it is asked to.

    Raises as `resolve_address`, `invite_person` and `decisions.ask` do.
    """
    space_id = space.id
    if role_of(federation.session, space, facilitator.id) < Role.FACILITATOR:
        raise Forbidden(NEEDS[Role.FACILITATOR])
    person = federation.resolve_actor(federation.resolve_address(address))
    if federation.is_limited(person.host):
        raise Forbidden(N_("Les échanges avec l’instance de cette personne sont limités."))
    with federation.runtime.work(facilitator) as work:
        space = work.session.get_one(Space, space_id)
        if space.local:
            invite_person(work, space, InvitePerson(member=person.id, role=role))
        else:
            ask(work, space, INVITE, Decide(member=person.id, role=role))


@prepares("Invite")
def look_up(federation: Federation, arrival: Arrival) -> None:
    """Get to know the project one of ours is invited to, before any transaction (R56, R29)."""
    target = id_of(arrival.activity.get("target"))
    if federation.is_ours(target):
        _meet_for(federation, arrival, target)
        return
    _of_here(federation, id_of(arrival.activity.get("object")))
    if federation.host_of(target) != arrival.host or federation.is_ours(target):
        raise Forbidden(N_("Un projet n’invite que depuis sa propre instance."))
    known = actor_by_iri(federation.session, target)
    if known is not None and federation.session.scalar(
        select(Space.id).where(Space.actor_id == known.id)
    ):
        return
    domain = domain_of(arrival.host)
    if not federation.budget.spend(f"invited by {domain}", MOST_ASKED, AN_HOUR):
        raise Forbidden(N_("Trop d’invitations de cette instance en une heure."))
    federation.space_card(target)


def _meet_for(federation: Federation, arrival: Arrival, target: str) -> None:
    """A facilitator of elsewhere invites somebody to a project of ours: only for them we ask."""
    facilitator, group = (actor_by_iri(federation.session, iri) for iri in (arrival.actor, target))
    space = group and federation.session.scalar(select(Space).where(Space.actor_id == group.id))
    if not space or not facilitator or not space.local or space.deleted_at:
        raise Missing(UNKNOWN)
    if not may_know(federation.session, space, facilitator):
        raise Missing(UNKNOWN)
    if role_of(federation.session, space, facilitator.id) < Role.FACILITATOR:
        raise Forbidden(NEEDS[Role.FACILITATOR])
    person = id_of(arrival.activity.get("object"))
    if federation.is_limited(federation.host_of(person, otherwise=NO_HOST)):
        raise Forbidden(N_("Les échanges avec l’instance de cette personne sont limités."))
    if not federation.budget.spend(f"invited by {domain_of(arrival.host)}", MOST_ASKED, AN_HOUR):
        raise Forbidden(N_("Trop d’invitations de cette instance en une heure."))
    federation.resolve_actor(person)


def _of_here(federation: Federation, iri: str) -> Actor:
    person = actor_by_iri(federation.session, iri)
    if person is None or not person.local or person.kind != ActorKind.PERSON or person.deleted_at:
        raise Missing(N_("Cette personne n’est pas connue ici."))
    return person


@on("Invite")
def invite(case: Case) -> None:
    """Somebody of a project's own instance invites one of ours to it."""
    case.federation.require_peer(case.actor.host)
    role = role_named(case.activity.get("instrument"))
    ours = case.space(id_of(case.activity.get("target")))
    if ours is not None:
        asked = actor_by_iri(case.work.session, case.thing)
        invite_person(case.work, ours, InvitePerson(member=asked.id if asked else 0, role=role))
        return
    person = _of_here(case.federation, case.thing)
    group = actor_by_iri(case.work.session, id_of(case.activity.get("target")))
    found = select(Space).where(Space.actor_id == (group.id if group else None))
    space = case.work.session.scalar(found)
    if space is None or group is None or group.host != case.actor.host:
        raise Missing(UNKNOWN)
    take_invitation(case.work, space, person, role, str(case.activity["id"]))


def answered(case: Case, iri: str, *, yes: bool) -> None:
    """`Accept` or `Reject` of an Invite of ours: by whom it was for, while it waits (R8)."""
    row = case.work.session.scalar(
        select(Membership).where(
            Membership.join_iri == iri,
            Membership.actor_id == case.actor.id,
            Membership.state == MembershipState.INVITED,
        )
    )
    if row is not None and row.space.local:
        invitation_accepted(case.work, row.space, iri, yes=yes)
