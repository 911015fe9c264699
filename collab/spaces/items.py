"""What can be done with any item, whatever tool made it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from collab.core.errors import Conflict, Forbidden, Invalid, Missing
from collab.core.i18n import N_
from collab.core.work import Work
from collab.spaces.events import (
    ItemConfirmed,
    ItemPinned,
    ItemPublished,
    ItemRefused,
    ItemRestored,
    ItemRevised,
    ItemUnpinned,
    ItemWithdrawn,
    Reacted,
    Unreacted,
)
from collab.spaces.models import Item, ItemState, Reaction, Revision, Role, Space
from collab.spaces.policy import ELSEWHERE, require, role_of

UNDO_WINDOW = timedelta(days=30)
"""How long a withdrawn item can be brought back; after that its text is erased."""
SIGNS = {
    "merci": N_("Merci"),
    "accord": N_("D’accord"),
    "bravo": N_("Bravo"),
    "question": N_("Question"),
}
"""Reactions in words: each sign and what it says (French source strings)."""
MAX_TITLE = 200
HANGING: list[Callable[[Session, Item], Sequence[Item]]] = []
"""Each finds what goes and comes back with an item: its simple version. Rooms add their own."""


def facts(work: Work, item: Item) -> dict[str, Any]:
    """The ids every event about `item` carries."""
    return {"space_id": item.space_id, "actor_id": work.actor.id, "item_id": item.id}


def version_of(title: str, source: str) -> str:
    """The name of one version of a text: sha-256 of title, line feed, source (hex)."""
    return hashlib.sha256(f"{title}\n{source}".encode()).hexdigest()


def first_state(work: Work, space: Space) -> ItemState:
    """Pending when somebody of here writes in a space of elsewhere; confirmed otherwise."""
    waits = not space.local and work.actor.local and not work.mirrored
    return ItemState.PENDING if waits else ItemState.CONFIRMED


def publish(work: Work, item: Item, summary: str = "") -> None:
    """Add a new item to its space, keep its first revision, and say so."""
    work.add(item)
    work.remember("item", item.iri, item)
    work.remember("uid", item.uid, item)
    work.remember("id", str(item.id), item)
    _keep(work, item, summary)
    work.record(ItemPublished(**facts(work, item)))


def revise(
    work: Work,
    item: Item,
    *,
    title: str,
    source: str,
    html: str,
    summary: str = "",
    at: datetime | None = None,
) -> None:
    """Give an item a new text and keep the old one. Who may do it is the caller's to decide.

    `at` is when its author changed it, for a change that comes from elsewhere.

    Raises:
        Conflict: it was withdrawn.
    """
    if item.withdrawn_at:
        raise Conflict(N_("Ce texte a été effacé entre-temps."))
    item.title, item.source, item.html = title, source, html
    item.revision += 1
    item.revised_at = at or work.now
    space = work.session.get_one(Space, item.space_id)
    item.state = first_state(work, space)
    _keep(work, item, summary)
    work.record(ItemRevised(**facts(work, item), number=item.revision))


def _keep(work: Work, item: Item, summary: str) -> None:
    work.write(
        Revision,
        item_id=item.id,
        number=item.revision,
        author_id=work.actor.id,
        title=item.title,
        source=item.source,
        summary=summary,
        version=version_of(item.title, item.source),
        at=item.revised_at or item.created_at,
    )


def by_iri(work: Work, iri: str) -> Item | None:
    """The item with that IRI, of whatever space; in bulk, as it was read ahead."""
    return work.look("item", iri, lambda: work.session.scalar(select(Item).where(Item.iri == iri)))


def by_uid(work: Work, uid: str) -> Item | None:
    """The item with that public id, of whatever space; in bulk, as it was read ahead."""
    return work.look("uid", uid, lambda: work.session.scalar(select(Item).where(Item.uid == uid)))


def withdraw(work: Work, item: Item) -> None:
    """Take an item back; it can be brought back for UNDO_WINDOW. The row stays as a tombstone.

    Raises:
        Forbidden: the actor is neither its author nor a facilitator.
        Conflict: it is already withdrawn.
    """
    _may_take_back(work, item)
    if item.withdrawn_at:
        raise Conflict(N_("C’est déjà effacé."))
    for one in (item, *hanging(work.session, item)):
        if one.withdrawn_at is None:
            one.withdrawn_at, one.withdrawn_by = work.now, work.actor.id
            work.record(ItemWithdrawn(**facts(work, one)))


def hanging(session: Session, item: Item) -> Iterator[Item]:
    """What hangs on an item of a project of here; elsewhere the project's host says what goes."""
    if session.get_one(Space, item.space_id).local:
        for find in HANGING:
            yield from find(session, item)


def restore(work: Work, item: Item) -> None:
    """Undo a withdrawal.

    Raises:
        Forbidden: the actor is neither the one who withdrew it nor a facilitator.
        Conflict: it is not withdrawn, or too long ago.
    """
    _may_take_back(work, item)
    if item.withdrawn_at is None:
        raise Conflict(N_("Ce n’est pas effacé."))
    if item.erased_at or work.now - item.withdrawn_at > UNDO_WINDOW:
        raise Conflict(N_("C’est effacé depuis trop longtemps : le texte n’existe plus."))
    if not work.mirrored and item.withdrawn_by != work.actor.id:
        require(work, work.session.get_one(Space, item.space_id), Role.FACILITATOR)
    since = item.withdrawn_at
    for one in (item, *hanging(work.session, item)):
        if one.withdrawn_at == since:
            one.withdrawn_at = one.withdrawn_by = None
            work.record(ItemRestored(**facts(work, one)))


def _may_take_back(work: Work, item: Item) -> None:
    if work.mirrored:
        return
    space = work.session.get_one(Space, item.space_id)
    own = item.author_id == work.actor.id
    require(work, space, Role.READER if own else Role.FACILITATOR)
    if not own and not space.local and work.actor.local:
        raise Forbidden(ELSEWHERE)


def confirm(work: Work, item: Item) -> None:
    """The space's host has it: what was pending here is confirmed. Confirming twice is nothing."""
    if item.state != ItemState.CONFIRMED:
        item.state, item.state_reason = ItemState.CONFIRMED, ""
        work.record(ItemConfirmed(**facts(work, item)))


def refuse(work: Work, item: Item, reason: str) -> None:
    """The space's host does not want it. The author still sees it, with the reason."""
    item.state, item.state_reason = ItemState.REFUSED, reason[:500]
    work.record(ItemRefused(**facts(work, item)))


def pin(work: Work, item: Item, *, pinned: bool) -> None:
    """Keep an item at the top of its room, or let it go.

    Raises:
        Forbidden: the actor is no facilitator, or the space is hosted elsewhere.
    """
    space = work.session.get_one(Space, item.space_id)
    require(work, space, Role.FACILITATOR)
    if not space.local and not work.mirrored:
        raise Forbidden(ELSEWHERE)
    if bool(item.pinned_at) == pinned:
        return
    item.pinned_at = work.now if pinned else None
    work.record(ItemPinned(**facts(work, item)) if pinned else ItemUnpinned(**facts(work, item)))


def react(work: Work, item: Item, sign: str, iri: str | None = None) -> None:
    """Put one's sign on an item. Doing it twice is doing it once.

    Raises:
        Invalid: no such sign.
        Conflict: the item was withdrawn.
    """
    require(work, work.session.get_one(Space, item.space_id), Role.MEMBER)
    if sign not in SIGNS:
        raise Invalid(sign=N_("Cette réaction n’existe pas."))
    if item.withdrawn_at:
        raise Conflict(N_("Ce texte a été effacé entre-temps."))
    if _own_reaction(work.session, item, work.actor.id, sign):
        return
    reaction = Reaction(
        item_id=item.id,
        actor_id=work.actor.id,
        sign=sign,
        iri=iri or work.mint("/a/"),
        created_at=work.now,
    )
    work.session.add(reaction)
    work.record(Reacted(**facts(work, item), sign=sign, iri=reaction.iri))


def unreact(work: Work, item: Item, sign: str) -> None:
    """Take one's sign back. Taking back what is not there is nothing."""
    require(work, work.session.get_one(Space, item.space_id), Role.MEMBER)
    reaction = _own_reaction(work.session, item, work.actor.id, sign)
    if reaction is None:
        return
    iri = reaction.iri
    work.session.execute(delete(Reaction).where(Reaction.id == reaction.id))
    work.record(Unreacted(**facts(work, item), sign=sign, iri=iri))


def _own_reaction(session: Session, item: Item, actor_id: int, sign: str) -> Reaction | None:
    return session.scalar(
        select(Reaction).where(
            Reaction.item_id == item.id, Reaction.actor_id == actor_id, Reaction.sign == sign
        )
    )


def item_in(session: Session, space: Space, uid: str) -> Item:
    """The item of `space` with that public id, withdrawn or not.

    Raises:
        Missing: there is none.
    """
    item = session.scalar(select(Item).where(Item.uid == uid, Item.space_id == space.id))
    if item is None:
        raise Missing(N_("Cette page n’existe pas, ou plus."))
    return item


def may_edit(session: Session, item: Item, actor_id: int | None) -> bool:
    """Whether to offer « Modifier » and « Effacer » to that actor: author, or facilitator."""
    if actor_id is None:
        return False
    space = session.get_one(Space, item.space_id)
    return item.author_id == actor_id or role_of(session, space, actor_id) >= Role.FACILITATOR
