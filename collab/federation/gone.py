"""Deletions that another than the author signed: true if the author's host serves the text no more.

A forum's moderator deletes in the author's name and signs with a key of their own (NodeBB). The
signature proves nothing of the author; that the text is gone from its own address does (R4, R11).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from collab.core.errors import Missing, Problem
from collab.federation.hosts import same_origin
from collab.federation.remote import fetch_object
from collab.people.models import Actor
from collab.spaces.models import Item

if TYPE_CHECKING:
    from collab.federation.house import Federation

LOOKED_AT = 60
"""How many such texts of one host are looked at in a minute."""


def is_gone(federation: Federation, activity: dict[str, Any], actor: str, signer: str) -> bool:
    """Whether a Delete by `actor`, signed by `signer`, speaks of what is really gone. May ask.

    Only of a text that is held here, of that author, when author, signer and text are of one host.
    """
    thing = activity.get("object")
    iri = thing.get("id") if isinstance(thing, dict) else thing
    if activity.get("type") != "Delete" or not isinstance(iri, str):
        return False
    one_host = same_origin(iri, actor) and same_origin(signer, actor)
    return one_host and _is_held(federation, iri, actor) and _is_missing(federation, iri)


def _is_held(federation: Federation, iri: str, author: str) -> bool:
    held = select(Item.id).join(Actor, Actor.id == Item.author_id)
    known = held.where(Item.iri == iri, Actor.iri == author, Item.withdrawn_at.is_(None))
    return federation.session.scalar(known) is not None


def _is_missing(federation: Federation, iri: str) -> bool:
    if not federation.budget.spend(f"gone {federation.host_of(iri)}", LOOKED_AT, 60):
        return False
    try:
        return fetch_object(federation, iri).get("type") == "Tombstone"
    except Missing:
        return True
    except Problem:
        return False
