"""Reactions as Likes, and their undoing (FEDERATION.md 1.6 b)."""

from __future__ import annotations

from sqlalchemy import select

from collab.core.errors import Conflict, Forbidden, Missing
from collab.core.events import EventRow
from collab.core.i18n import N_
from collab.core.work import Work
from collab.federation.holding import bury, iri_of, item_of, taken_back
from collab.spaces import items
from collab.spaces.events import Unreacted
from collab.spaces.models import Item, Reaction, Space
from collab.spaces.tool import Json, Tools

GREETINGS = frozenset({"Like", "EmojiReact"})
NOT_YOURS = N_("Cette réaction est d’une autre personne.")


def unlike(
    work: Work, iri: str, space: Space | None = None, undone: Json | None = None
) -> Item | None:
    """Take a sign back, by the id of its Like; one that never came stays away (R7, R47)."""
    reaction = work.session.scalar(select(Reaction).where(Reaction.iri == iri))
    if reaction is None:
        if work.mirrored and work.actor.local:
            return None  # it was taken back here; a sign put since is another one
        if space is None or undone is None or not _forget_sign(work, space, undone):
            bury(work, iri)
        return None
    if reaction.actor_id != work.actor.id:
        raise Forbidden(NOT_YOURS)
    item = work.session.get_one(Item, reaction.item_id)
    items.unreact(work, item, reaction.sign)
    return item


def _forget_sign(work: Work, space: Space, undone: Json) -> bool:
    """Take back a sign that was put here under another id; whether there was one."""
    item = item_of(work, space, iri_of(undone.get("object")))
    if item is None:
        return False
    sign = sign_of(undone)
    held = work.session.scalar(
        select(Reaction.id).where(
            Reaction.item_id == item.id,
            Reaction.actor_id == work.actor.id,
            Reaction.sign == sign,
        )
    )
    if held is None:
        return False
    items.unreact(work, item, sign)
    return True


def like(work: Work, tools: Tools, space: Space, activity: Json) -> Item | None:
    """Put a sign on an item. Raises Missing, and as `items.react`."""
    iri = iri_of(activity)
    item = item_of(work, space, iri_of(activity.get("object")))
    if item is None:
        raise Missing(N_("Cette page n’existe pas, ou plus."))
    known = work.session.scalar(select(Reaction).where(Reaction.iri == iri))
    if known is not None and known.actor_id != work.actor.id:
        raise Conflict(NOT_YOURS)
    if work.mirrored and item.erased_at is not None:
        return item  # it stood under words that were erased before they came here
    if known is None and not taken_back(work, iri) and not _undone_here(work, item, iri):
        items.react(work, item, sign_of(activity), iri)
    return item


def _undone_here(work: Work, item: Item, iri: str) -> bool:
    """Whether the log echoes a sign that its owner, of here, has taken back since (4.6)."""
    if not (work.mirrored and work.actor.local):
        return False
    undone = select(EventRow.data).where(
        EventRow.item_id == item.id,
        EventRow.actor_id == work.actor.id,
        EventRow.name == Unreacted.name,
        EventRow.mirrored.is_(False),
    )
    return any(told.get("iri") == iri for told in work.session.scalars(undone))


def sign_of(like: Json) -> str:
    """Which of our signs a Like is; « merci » when it says nothing we know (1.6 b)."""
    content = like.get("content")
    return content if isinstance(content, str) and content in items.SIGNS else "merci"
