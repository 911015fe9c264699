"""Who somebody of here, or a project, was elsewhere, so that those may move to them (FEP-7628)."""

from __future__ import annotations

from dataclasses import dataclass

from collab.core.errors import Conflict, Invalid, Missing
from collab.core.i18n import N_
from collab.core.work import Work
from collab.people.models import Actor, ActorKind

MOST = 5
NOT_A_PERSON = N_("Cette adresse n’est pas celle d’une personne d’une autre instance.")
NOT_A_PROJECT = N_("Cette adresse n’est pas celle d’un projet d’une autre instance.")


@dataclass(frozen=True)
class Former:
    """The IRI of the other actor."""

    iri: str


def also_known(work: Work, given: Former) -> Actor:
    """Say that an account of elsewhere is one's own too. Saying it twice is saying it once.

    Nothing moves by it: the other account must name this one, and send the move.

    Raises:
        Invalid: it is nobody of elsewhere, or of another kind (`address`).
        Conflict: MOST are named already.
    """
    me = work.session.get_one(Actor, work.actor.id)
    other = work.session.query(Actor).filter_by(iri=given.iri).one_or_none()
    if other is None or other.local or other.kind != me.kind:
        raise Invalid(address=NOT_A_PERSON if me.kind == ActorKind.PERSON else NOT_A_PROJECT)
    if other.iri in me.also_known_as:
        return me
    if len(me.also_known_as) >= MOST:
        raise Conflict(N_("Cinq comptes au plus. Retirez-en un d’abord."))
    me.also_known_as = [*me.also_known_as, other.iri]
    return me


def no_longer_known(work: Work, given: Former) -> Actor:
    """Take it back. Raises Missing when it was not said."""
    me = work.session.get_one(Actor, work.actor.id)
    if given.iri not in me.also_known_as:
        raise Missing(N_("Ce compte n’est pas dans la liste, ou plus."))
    me.also_known_as = [iri for iri in me.also_known_as if iri != given.iri]
    return me
