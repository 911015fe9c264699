"""What a facilitator of elsewhere decides in a project of ours, beside its words (1.4, R18); and
what a project of elsewhere tells those who look after it from here."""

from __future__ import annotations

from sqlalchemy import select

from collab.core.errors import Forbidden, Missing, Problem
from collab.core.i18n import N_
from collab.core.inputs import parse
from collab.federation.actors import words
from collab.federation.candidates import REQUESTS
from collab.federation.gate import Arrival
from collab.federation.grants import role_named
from collab.federation.hosts import same_origin
from collab.federation.house import Federation
from collab.federation.hygiene import domain_of
from collab.federation.inbox import Case, id_of, on, prepares
from collab.people.models import Actor, ActorKind
from collab.people.queries import actor_by_iri
from collab.spaces.candidates import drop_candidate, take_candidate
from collab.spaces.decisions import UNLISTED, echoed
from collab.spaces.items import by_iri
from collab.spaces.membership import (
    MAX_NOTE,
    Decide,
    admit,
    change_role,
    decline,
    remove_member,
)
from collab.spaces.models import Membership, MembershipState, Role, Space
from collab.spaces.policy import facilitators, require, role_of

FEATURED = "/featured"
MOST_MET = 60
MANY = 50
"""Of those that an activity is written to, how many are looked at."""
AN_HOUR = 3600
ACTS = {"Add": "pin", "Remove": "unpin"}


@on("Add", "Remove")
def feature(case: Case) -> None:
    """Keep a thing of the project at the top of its room, or let it go; or take somebody out of
    the project. The operations say who may.

    Raises:
        Missing: no such thing or person in that project, or none that can be pinned.
        Forbidden: they are no facilitator of it.
    """
    target = id_of(case.activity.get("target"))
    if target.endswith(REQUESTS):
        _waits(case)
        return
    verb, featured = case.activity["type"], target.endswith(FEATURED)
    space = case.space(target.removesuffix(FEATURED)) if featured or verb == "Remove" else None
    if space is None:
        return
    case.federation.require_peer(case.actor.host)
    require(case.work, space, Role.FACILITATOR)  # before anything tells what is there (R33)
    if not featured:
        remove_member(case.work, space, Decide(member=_number(case, case.thing)))
        return
    item = by_iri(case.work, case.thing)
    action = None
    if item is not None and item.space_id == space.id:
        action = case.federation.runtime.tools.of(item).actions.get(ACTS[verb])
    if item is None or action is None:
        raise Missing(N_("Cette page n’existe pas, ou plus."))
    action.run(case.work, space, parse(action.input, {"item": item.uid}))


def _number(case: Case, iri: str) -> int:
    person = actor_by_iri(case.work.session, iri)
    if person is None:
        raise Missing(UNLISTED)
    return person.id


def answered(case: Case, iri: str, *, yes: bool) -> None:
    """`Accept` or `Reject` of somebody's `Join` of a project of ours; its table says who may (R18).

    Nothing for what is no Join, or who asked themselves. What is answered to who may not decide
    does not depend on whether there is such a Join (R33).
    """
    session = case.work.session
    asked = select(Membership).join(Space, Space.id == Membership.space_id)
    row = session.scalar(asked.where(Membership.join_iri == iri, Space.local))
    if row is not None and row.actor_id == case.actor.id:
        return
    _require_of_known(case)
    if row is None or role_of(session, row.space, case.actor.id) < Role.FACILITATOR:
        return
    case.federation.require_peer(case.actor.host)
    space = case.hosted(row.space.iri)
    if row.state == MembershipState.INVITED:
        raise Missing(UNLISTED)
    if yes:
        said = case.activity.get("instrument")
        role = Role.MEMBER if said is None else role_named(said)
        admit(case.work, space, Decide(member=row.actor_id, role=role))
    else:
        decline(case.work, space, Decide(member=row.actor_id))


def _require_of_known(case: Case) -> None:
    """Who has or had a place in a project that they write to hears that they do not decide there:
    they may have decided before, and wait for an answer. Raises Forbidden, Missing, Conflict."""
    named = case.activity.get("to")
    written_to = [id_of(one) for one in (named if isinstance(named, list) else [named])[:MANY]]
    held = (
        select(Space)
        .join(Membership, Membership.space_id == Space.id)
        .join(Actor, Actor.id == Space.actor_id)
        .where(Membership.actor_id == case.actor.id, Space.local, Actor.iri.in_(written_to))
    )
    space = case.work.session.scalar(held.order_by(Space.id).limit(1))
    if space is not None:
        require(case.work, space, Role.FACILITATOR)


def regrade(case: Case, space: Space) -> None:
    """`Offer {object: Grant}`: a facilitator proposes another role for a member (1.4).

    Raises:
        Missing: no such member.
        Forbidden: they are no facilitator.
        Problem: the Grant is not of this project.
    """
    require(case.work, space, Role.FACILITATOR)
    if id_of(case.inner.get("context")) not in ("", space.iri):
        raise Problem(N_("Ce rôle n’est pas compris."))
    member = _number(case, id_of(case.inner.get("target")))
    role = role_named(case.inner.get("object"))
    change_role(case.work, space, Decide(member=member, role=role))


# A project of elsewhere tells those who look after it from here


@prepares("Add")
def meet(federation: Federation, arrival: Arrival) -> None:
    """Get to know who asks, before any transaction, for a project looked after here (R56, R29)."""
    who = _person_of(arrival.activity.get("object"))
    if not id_of(arrival.activity.get("target")).endswith(REQUESTS) or not who:
        return
    group = actor_by_iri(federation.session, arrival.actor)
    space = group and _copy_of(federation, group)
    if not space or actor_by_iri(federation.session, who) is not None:
        return
    if not federation.budget.spend(f"asking by {domain_of(arrival.host)}", MOST_MET, AN_HOUR):
        raise Forbidden(N_("Trop de demandes de cette instance en une heure."))
    federation.resolve_actor(who)


def _waits(case: Case) -> None:
    """`Add` to and `Remove` from the requests of a project of elsewhere, by itself (R15).

    Raises:
        Forbidden: nobody of here looks after that project, or a Join is of another origin than
            who asks.
        Missing: the person is not known here.
    """
    space = _copy_of(case.federation, case.actor)
    if space is None or id_of(case.activity.get("target")) != space.iri + REQUESTS:
        raise Forbidden(N_("Personne d’ici ne s’occupe de ce projet."))
    work, asked = case.work, case.inner
    if case.activity["type"] == "Remove":
        gone = drop_candidate(work, space, case.thing)
        if gone is not None:
            echoed(work, space, gone)
        return
    person = actor_by_iri(work.session, _person_of(asked))
    if person is None or person.kind != ActorKind.PERSON:
        raise Missing(N_("Cette personne n’est pas connue ici."))
    invited = asked.get("type") == "Invite"
    if not invited and not same_origin(case.thing, person.iri):
        raise Forbidden(N_("Cet objet n’est pas de la personne qui l’envoie."))
    state = MembershipState.INVITED if invited else MembershipState.REQUESTED
    role = role_named(asked.get("instrument")) if invited else Role.MEMBER
    note = words(asked.get("content"), MAX_NOTE)
    take_candidate(work, space, person, state, role, case.thing, note)
    echoed(work, space, person.id)


def _person_of(asked: object) -> str:
    """Who asks by a Join, or is asked by an Invite; "" for anything else."""
    if not isinstance(asked, dict):
        return ""
    names = {"Join": "actor", "Invite": "object"}
    return id_of(asked.get(names.get(str(asked.get("type")), "")))


def _copy_of(federation: Federation, group: Actor) -> Space | None:
    """The project of elsewhere that is that actor, when somebody of here looks after it."""
    session = federation.session
    space = session.scalar(select(Space).where(Space.actor_id == group.id, Space.local.is_(False)))
    looked_after = space and session.scalar(facilitators(space, local=True).limit(1))
    return space if looked_after else None
