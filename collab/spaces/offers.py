"""Changes to common things of a project that lives elsewhere: proposed to its host, then answered.

FEDERATION.md 1.1, 1.6(c), 4.6. Nothing of a remote project is written here before its host said
so; what somebody of here wrote is kept in the offer meanwhile, and after a refusal.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from collab.core.errors import Conflict, Forbidden, Missing
from collab.core.i18n import N_
from collab.core.work import Work
from collab.people.models import Actor
from collab.spaces.events import OfferAnswered, OfferMade
from collab.spaces.models import Item, Offer, OfferState, Role, Space
from collab.spaces.policy import require, role_of

MAX_REASON = 500
WAITING = (OfferState.PENDING,)
OPEN = (OfferState.PENDING, OfferState.CONFLICT, OfferState.REFUSED)
"""The states in which an offer's text is nowhere but in the offer."""


def must_offer(work: Work, space: Space) -> bool:
    """Whether a change to a common thing of `space` is offered to its host, not written here."""
    return not space.local and work.actor.local and not work.mirrored


def make_offer(
    work: Work,
    space: Space,
    kind: str,
    item: Item | None,
    wire: Mapping[str, Any],
    given: Mapping[str, Any],
) -> Offer:
    """Propose a change to the host of a remote space.

    `kind` is the kind of item, `item` the one concerned (None for a new one), `wire` the
    ActivityStreams object that is offered, `given` the operation's input as JSON, from which the
    form can be filled again.

    Raises:
        Missing, Forbidden, Conflict: the actor may not write in the space (see `require`).
    """
    require(work, space, Role.MEMBER)
    offer = Offer(
        iri=work.mint("/a/"),
        space_id=space.id,
        actor_id=work.actor.id,
        item_id=item.id if item else None,
        kind=kind,
        wire=dict(wire),
        given=dict(given),
        created_at=work.now,
    )
    work.session.add(offer)
    work.session.flush()
    work.record(
        OfferMade(
            space_id=space.id,
            actor_id=work.actor.id,
            item_id=offer.item_id,
            offer_id=offer.id,
        )
    )
    return offer


def answer_offer(work: Work, offer: Offer, state: OfferState, reason: str = "") -> None:
    """Write down what the host said. The first answer counts; a second one changes nothing.

    A clash may still be taken up when the host's log shows that it was.

    Raises:
        ValueError: `state` is no answer.
    """
    if state == OfferState.PENDING:
        raise ValueError("an answer is a yes or a no")
    if offer.state in (state, OfferState.ACCEPTED):
        return
    if offer.state != OfferState.PENDING and state != OfferState.ACCEPTED:
        return
    offer.state, offer.reason, offer.answered_at = state, reason[:MAX_REASON], work.now
    work.session.flush()
    work.record(
        OfferAnswered(
            space_id=offer.space_id,
            actor_id=work.actor.id,
            item_id=offer.item_id,
            offer_id=offer.id,
            state=state,
        )
    )


def drop_offer(work: Work, offer: Offer) -> None:
    """Let a refused or clashing offer go, for good; only the person who made it may.

    Raises:
        Forbidden: somebody else's offer.
        Conflict: the host has not answered yet, or has accepted it.
    """
    if offer.actor_id != work.actor.id:
        raise Forbidden(N_("Seule la personne qui a écrit ce texte peut faire cela."))
    if offer.state not in (OfferState.CONFLICT, OfferState.REFUSED):
        raise Conflict(N_("Cette proposition n’attend plus rien de vous."))
    work.session.delete(offer)
    work.session.flush()


def offers_shown(
    session: Session, space: Space, viewer: Actor | None, item: Item | None = None
) -> Sequence[Offer]:
    """The offers a person sees in a space, oldest first: their own, and the others' that wait.

    Only for members of the space; nobody else's refused text is shown to them. With `item`, those
    about that item.
    """
    if viewer is None or space.local or role_of(session, space, viewer.id) < Role.READER:
        return ()
    mine = (Offer.actor_id == viewer.id) & Offer.state.in_(OPEN)
    wanted = select(Offer).where(Offer.space_id == space.id, or_(mine, Offer.state.in_(WAITING)))
    if item is not None:
        wanted = wanted.where(Offer.item_id == item.id)
    return session.scalars(wanted.order_by(Offer.id)).all()


def offer_named(session: Session, space: Space, uid: str, viewer: Actor | None) -> Offer:
    """The offer whose IRI ends with `uid`, if that person may see it. Raises Missing."""
    for offer in offers_shown(session, space, viewer):
        if offer.iri.rpartition("/")[2] == uid:
            return offer
    raise Missing(N_("Cette page n’existe pas, ou plus."))
