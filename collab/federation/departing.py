"""One of ours moves to another instance: `Move`, as its sender (FEP-7628; FEDERATION.md 1.6 j).

The new one names the old one first; that is asked of its host again just before. Then the old one
says where it went, in its own document and to every host that knows it. It cannot be unsaid: what
others did about it is theirs. Texts, places in projects and rights stay where they are.
"""

from __future__ import annotations

from dataclasses import dataclass

from collab.core.errors import Conflict, Forbidden, Invalid
from collab.core.i18n import N_
from collab.core.work import Work
from collab.federation.house import Federation
from collab.federation.log import CONTEXT, PUBLIC, stamp
from collab.federation.moving import AGAIN, TOO_SOON, names_of
from collab.federation.proofs import add_proof
from collab.federation.rotation import KeyOf, audience
from collab.federation.sending import send
from collab.people.models import Actor
from collab.people.queries import actor_by_iri
from collab.spaces.events import SpaceMoved
from collab.spaces.models import Space, Visibility
from collab.spaces.operations import archive_space
from collab.spaces.policy import require_hosted_here

NOT_NAMED = N_(
    "Le nouveau compte ne nomme pas encore celui-ci. Connectez-vous là-bas, nommez votre ancien "
    "compte, puis revenez ici."
)
NOWHERE = N_("On ne peut pas déménager vers cette adresse.")


@dataclass(frozen=True)
class Depart:
    """The IRI of who they are from now on: `agreed` has just said yes to it."""

    target: str


def agreed(federation: Federation, old: Actor, address: str) -> Actor:
    """The actor behind an address, if it says itself, asked now, that it is also `old`. May ask.

    Raises:
        Conflict: `old` has moved within the last seven days.
        Invalid: it does not say so, or cannot be moved to (`address`).
        Problem: its host is not let in, or does not answer.
    """
    iri, own, kind = federation.resolve_address(address), old.iri, old.kind
    _not_again(old, federation)
    if federation.is_ours(iri):
        raise Invalid(address=NOWHERE)
    try:
        names, moved_on = names_of(federation, iri)
    except Forbidden as odd:
        raise Invalid(address=NOWHERE) from odd
    found = actor_by_iri(federation.session, iri)
    if moved_on or found is None or found.kind != kind:
        raise Invalid(address=NOWHERE)
    if own not in names:
        raise Invalid(address=NOT_NAMED)
    return found


def _not_again(old: Actor, federation: Federation) -> None:
    if old.moved_at is not None and federation.now() - old.moved_at < AGAIN:
        raise Conflict(TOO_SOON)


def depart(work: Work, given: Depart, key_of: KeyOf) -> Actor:
    """The acting person is somewhere else from now on; every host that knows them is told.

    Raises:
        Conflict: they have moved within the last seven days.
        Invalid: nobody of elsewhere is known under that IRI (`address`).
    """
    me, new = _moved(work, work.session.get_one(Actor, work.actor.id), given)
    told = {
        "@context": CONTEXT,
        "id": work.mint("/a/"),
        "type": "Move",
        "actor": me.iri,
        "object": me.iri,
        "target": new.iri,
        "to": [PUBLIC],
        "cc": [f"{me.iri}/followers"],
        "published": stamp(work.now),
    }
    proven = add_proof(told, key_of(me, "ed25519"), work.now)
    send(work.session, me, proven, audience(work.session, me), work.now)
    return new


def move_space(work: Work, space: Space, given: Depart) -> Actor:
    """A project of ours is somewhere else from now on: archived here, its log ended by the Move.

    Followers elsewhere follow the new one; its texts stay here to be read.

    Raises:
        Forbidden: the actor is no facilitator, or the project is hosted elsewhere.
        Conflict: it is archived, has moved within seven days, or never leaves its instance.
        Invalid: no project of elsewhere is known under that IRI (`address`).
    """
    require_hosted_here(space)
    if space.visibility == Visibility.LOCAL:
        raise Conflict(N_("Ce projet ne sort pas de son instance : il ne peut pas déménager."))
    archive_space(work, space)
    _, new = _moved(work, space.actor, given)
    work.record(SpaceMoved(space_id=space.id, actor_id=work.actor.id, target=new.iri))
    return new


def _moved(work: Work, old: Actor, given: Depart) -> tuple[Actor, Actor]:
    """Note on the old one where it went. Raises as the operations do."""
    if old.moved_at is not None and work.now - old.moved_at < AGAIN:
        raise Conflict(TOO_SOON)
    new = actor_by_iri(work.session, given.target)
    if new is None or new.local or new.kind != old.kind or new.deleted_at or new.suspended_at:
        raise Invalid(address=NOWHERE)
    old.moved_to, old.moved_at = new.iri, work.now
    return old, new
