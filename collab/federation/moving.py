"""Somebody, or a community, is somewhere else now: `Move` (FEP-7628; R4, R19).

Both must say so: the old one sends the Move, the new one, fetched afresh, names the old one in its
`alsoKnownAs`. Who follows a community here follows the new one from then on; of a person the page
says where they are. Nobody's place in a project moves with them: its facilitators decide that.
"""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from collab.core.errors import Forbidden, Problem
from collab.core.i18n import N_
from collab.federation import vocab
from collab.federation.actors import BadActor
from collab.federation.gate import Arrival
from collab.federation.house import Federation
from collab.federation.inbox import Case, id_of, on, prepares
from collab.federation.remote import fetch_object, keep_actor
from collab.people.models import Actor, ActorKind
from collab.people.queries import actor_by_iri
from collab.spaces.membership import follow, unfollow
from collab.spaces.models import Follow, Space
from collab.spaces.tool import Json

AGAIN = timedelta(days=7)
"""Between two moves of the same actor."""
MOST_NAMES = 20
NOT_AGREED = N_("Ce déménagement n’est pas confirmé de l’autre côté.")
TOO_SOON = N_("Un déménagement vient d’avoir lieu. Attendez sept jours.")


def is_own(activity: Json) -> bool:
    """Whether somebody moves themselves; NodeBB moves subjects between categories so too."""
    actor, target = vocab.iri(activity, "actor"), vocab.iri(activity, "target")
    return id_of(activity.get("object")) == actor and target not in ("", actor)


@prepares("Move")
def look(federation: Federation, arrival: Arrival) -> None:
    """Ask where they moved to, now, whether that is so. Raises Forbidden when it is not (R19)."""
    if not is_own(arrival.activity):
        return
    target = vocab.iri(arrival.activity, "target")
    old = actor_by_iri(federation.session, arrival.actor)
    if old is None or old.moved_to == target:
        return
    if old.moved_at is not None and federation.now() - old.moved_at < AGAIN:
        raise Forbidden(TOO_SOON)
    names, moved_on = names_of(federation, target)
    if moved_on or arrival.actor not in names:
        raise Forbidden(NOT_AGREED)
    if old.kind == ActorKind.GROUP and not federation.is_ours(target):
        federation.space_card(target)


def names_of(federation: Federation, target: str) -> tuple[list[str], bool]:
    """By which ids the new one is also known, as it says itself; and whether it has moved on.

    May ask. Raises Forbidden when what answers there is no actor.
    """
    if federation.is_ours(target):
        own = actor_by_iri(federation.session, target)
        return (list(own.also_known_as), bool(own.moved_to)) if own else ([], False)
    document = fetch_object(federation, target)
    try:
        keep_actor(federation, document)
    except BadActor as error:
        raise Forbidden(NOT_AGREED) from error
    return vocab.iris(document, "alsoKnownAs", MOST_NAMES), bool(document.get("movedTo"))


@on("Move")
def move(case: Case) -> None:
    """What was asked and confirmed takes place."""
    if not is_own(case.activity):
        return
    old = case.actor
    new = actor_by_iri(case.work.session, vocab.iri(case.activity, "target"))
    if new is None or new.iri == old.moved_to:
        return
    if new.kind != old.kind or new.suspended_at or new.deleted_at or new.moved_to:
        raise Forbidden(NOT_AGREED)
    if not new.local:
        case.federation.require_peer(new.host)
    old.moved_to, old.moved_at = new.iri, case.work.now
    if old.kind == ActorKind.GROUP:
        _follow_there(case, old, new)


def _follow_there(case: Case, old: Actor, new: Actor) -> None:
    """People of here who follow the old community follow the new one, in their own names."""
    work = case.work
    there = _space(case, new)
    here = _space(case, old)
    if there is None or here is None or here.local:
        return
    rows = work.session.scalars(select(Follow).where(Follow.space_id == here.id)).all()
    cause = work.cause
    for person in [row.actor for row in rows if row.actor.local]:
        work.acting(person, None)
        try:
            with work.attempt():
                follow(work, there)
                unfollow(work, here)
        except Problem:
            continue  # not let in there; they stay with the old one, which says where it went
    work.acting(old, cause)


def _space(case: Case, group: Actor) -> Space | None:
    return case.work.session.scalar(select(Space).where(Space.actor_id == group.id))
