"""From a stored event to the activity other instances are told (FEDERATION.md 1.4, 1.6)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from collab.core.events import Event
from collab.federation import blocks, grants
from collab.federation.facts import Facts
from collab.federation.log import CONTEXT, stamp
from collab.spaces import events as happened
from collab.spaces.models import Item, Membership, Offer, Space
from collab.spaces.tool import Json


def tell(facts: Facts) -> Json | None:
    """The activity that says what happened; None when nobody elsewhere is told."""
    teller = TELLERS.get(type(facts.event))
    return teller(facts) if teller else None


def _owner(facts: Facts, item: Item) -> str:
    """Who speaks: the project for what is common, the author for their own words."""
    commons = facts.tools.kind(item).mapping.ownership == "commons"
    return facts.space.iri if commons else facts.actor.iri


def _object(facts: Facts, item: Item) -> Json:
    return facts.tools.kind(item).mapping.to_object(facts.session, item)


def _published(facts: Facts) -> Json:
    item = facts.item()
    told = facts.envelope("Create", _owner(facts, item), f"{item.iri}#create")
    return _fulfilling(facts, told | {"object": _object(facts, item)})


def _revised(facts: Facts) -> Json:
    item = facts.item()
    number = getattr(facts.event, "number", 0) or item.revision
    told = facts.envelope("Update", _owner(facts, item), f"{item.iri}#update-{number}")
    return _fulfilling(facts, told | {"object": _object(facts, item)})


def _fulfilling(facts: Facts, told: Json) -> Json:
    """Name the Offer that a remote member made, when this is its result."""
    if facts.row.cause and told["actor"] == facts.space.iri:
        return told | {"fulfills": facts.row.cause}
    return told


def _withdrawn(facts: Facts) -> Json:
    """By its author, or by the project: the number is of another journal then, where the author is
    of elsewhere, and the word another, so that the two never meet in one id."""
    item = facts.item()
    tombstone = {
        "id": item.iri,
        "type": "Tombstone",
        "formerType": _object(facts, item)["type"],
        "deleted": stamp(facts.row.at),
    }
    own = item.author_id == facts.actor.id
    speaker = _owner(facts, item) if own else facts.space.iri
    word = "delete" if own else "removed"
    told = facts.envelope("Delete", speaker, f"{item.iri}#{word}-{facts.row.id}")
    if not own:
        told["instrument"] = facts.actor.iri
    return _fulfilling(facts, told | {"object": tombstone})


def _erased(facts: Facts) -> Json:
    """The words are gone for good: a Delete, marked so (1.6 h)."""
    told = _withdrawn(facts) | {"id": f"{facts.item().iri}#erase", "erased": True}
    if facts.actor.id == facts.space.actor_id:
        told.pop("instrument", None)  # nobody decided it: the time to bring it back is over
    return told


def _restored(facts: Facts) -> Json:
    item = facts.item()
    own = item.author_id == facts.actor.id
    speaker = _owner(facts, item) if own else facts.space.iri
    undone = {
        "type": "Delete",
        "id": f"{item.iri}#delete",
        "actor": speaker,
        "object": _object(facts, item),
    }
    word = "restore" if own else "returned"
    told = facts.envelope("Undo", speaker, f"{item.iri}#{word}-{facts.row.id}")
    return _fulfilling(facts, told | {"object": undone})


def _reacted(facts: Facts) -> Json:
    event = facts.event
    assert isinstance(event, happened.Reacted)
    told = facts.envelope("Like", facts.actor.iri, event.iri)
    return told | {"object": facts.item().iri, "content": event.sign}


def _unreacted(facts: Facts) -> Json:
    event = facts.event
    assert isinstance(event, happened.Unreacted)
    like = {
        "type": "Like",
        "id": event.iri,
        "actor": facts.actor.iri,
        "object": facts.item().iri,
        "content": event.sign,
    }
    return facts.envelope("Undo", facts.actor.iri, f"{event.iri}#undo") | {"object": like}


def _pinned(facts: Facts) -> Json:
    iri = f"{facts.space.iri}/a/{facts.row.id}#pin"
    verb = "Add" if isinstance(facts.event, happened.ItemPinned) else "Remove"
    told = facts.envelope(verb, facts.space.iri, iri)
    return told | {"object": facts.item().iri, "target": f"{facts.space.iri}/featured"}


def space_object(space: Space) -> Json:
    """What a project says of itself, as our software reads it (INTERFACE of mirrors)."""
    return {
        "id": space.iri,
        "type": "Group",
        "name": space.name,
        "why": space.why,
        "who": space.who,
        "how": space.how,
        "territory": space.territory,
        "inseeCode": space.insee_code,
        "visibility": space.visibility,
        "joinPolicy": space.join_policy,
        "tools": list(space.tools),
        "archived": stamp(space.archived_at) if space.archived_at else None,
    }


def _described(facts: Facts) -> Json:
    iri = f"{facts.space.iri}#update-{facts.row.id}"
    return facts.envelope("Update", facts.space.iri, iri) | {"object": space_object(facts.space)}


def _moved(facts: Facts) -> Json:
    event, space = facts.event, facts.space
    assert isinstance(event, happened.SpaceMoved)
    told = facts.envelope("Move", space.iri, f"{space.iri}#move-{facts.row.id}")
    return told | {"object": space.iri, "target": event.target}


def offer(session: Session, event: happened.OfferMade, facts: Facts) -> Json:
    """A member's Offer of a change to a common thing, to the project's host alone."""
    row = session.get_one(Offer, event.offer_id)
    return {
        "@context": CONTEXT,
        "id": row.iri,
        "type": "Offer",
        "actor": row.actor.iri,
        "to": [facts.space.iri],
        "cc": [],
        "target": facts.space.iri,
        "published": stamp(row.created_at),
        "object": row.wire,
    }


TELLERS: dict[type[Event], Callable[[Facts], Json | None]] = {
    happened.SpaceOpened: _described,
    happened.SpaceRevised: _described,
    happened.SpaceArchived: _described,
    happened.SpaceReopened: _described,
    happened.SpaceMoved: _moved,
    happened.ItemPublished: _published,
    happened.ItemRevised: _revised,
    happened.ItemWithdrawn: _withdrawn,
    happened.ItemErased: _erased,
    happened.ItemRestored: _restored,
    happened.Reacted: _reacted,
    happened.Unreacted: _unreacted,
    happened.ItemPinned: _pinned,
    happened.ItemUnpinned: _pinned,
    happened.MemberAdmitted: grants.granted,
    happened.RoleChanged: grants.granted,
    happened.GrantRenewed: grants.granted,
    happened.MemberLeft: grants.revoked,
    happened.MemberRemoved: grants.revoked,
    happened.MemberExcluded: blocks.excluded,
    happened.MemberReadmitted: blocks.readmitted,
}


def to_host(facts: Facts) -> dict[str, Any] | None:
    """What a person of here tells the host of a remote project; None for what is not told."""
    event, space = facts.event, facts.space
    if isinstance(event, happened.OfferMade):
        return offer(facts.session, event, facts)
    if type(event) in VOICES:
        return tell(facts)
    if isinstance(event, happened.DecisionAsked):
        told = grants.decided(facts)
    else:
        told = _asked_of_host(facts) or _about_oneself(facts)
    if told is None:
        return None
    plain = {"@context": CONTEXT, "actor": facts.actor.iri, "to": [space.iri], "cc": []}
    return plain | {"published": stamp(facts.row.at)} | told


def _asked_of_host(facts: Facts) -> Json | None:
    """What a facilitator of here decides about words: the host does it, if they may (R18)."""
    event = facts.event
    if not isinstance(event, happened.HostAsked):
        return None
    iri = f"{facts.actor.iri}#{event.act}-{facts.row.id}"
    thing, featured = facts.item().iri, f"{facts.space.iri}/featured"
    gone = {"type": "Delete", "id": f"{iri}-undone", "actor": facts.actor.iri, "object": thing}
    told: dict[str, Json] = {
        "pin": {"type": "Add", "object": thing, "target": featured},
        "unpin": {"type": "Remove", "object": thing, "target": featured},
        "remove": {"type": "Delete", "object": {"type": "Tombstone", "id": thing}},
        "restore": {"type": "Undo", "object": gone},
    }
    return {"id": iri} | told[event.act]


def _about_oneself(facts: Facts) -> Json | None:
    """Asking, leaving, answering: a person of here and their place in a remote project."""
    event, space, actor = facts.event, facts.space, facts.actor
    match event:
        case happened.MemberAsked():
            row = facts.session.scalars(
                select(Membership).where(
                    Membership.space_id == space.id, Membership.actor_id == actor.id
                )
            ).one()
            words = {"content": row.note} if row.note else {}
            told = {"id": row.join_iri, "type": "Join", "object": space.iri, "instrument": "report"}
            return told | words
        case happened.MemberLeft() | happened.RequestWithdrawn():
            iri = f"{actor.iri}#leave-{facts.row.id}"
            return {"id": iri, "type": "Leave", "object": space.iri}
        case happened.InvitationAnswered():
            return grants.answer_of(facts, accepted=event.accepted)
        case happened.SpaceUnfollowed():
            iri = event.follow_iri
            undone = {"id": iri, "type": "Follow", "actor": actor.iri, "object": space.iri}
            return {"id": f"{iri}#undo", "type": "Undo", "object": undone}
    return None


VOICES = (
    happened.ItemPublished,
    happened.ItemRevised,
    happened.ItemWithdrawn,
    happened.ItemErased,
    happened.ItemRestored,
    happened.Reacted,
    happened.Unreacted,
)
