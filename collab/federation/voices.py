"""People's own words in a project: created, changed, taken back, greeted (1.6 a, b, h).

Used by the inbox of a project's host, and by mirrors for what the host's log says.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from sqlalchemy import delete, select

from collab.core.errors import Forbidden, Invalid, Missing
from collab.core.events import EventRow
from collab.core.i18n import N_
from collab.core.inputs import parse
from collab.core.work import Work
from collab.federation.erasure import erase, says_erase
from collab.federation.holding import (
    NOT_OWN,
    bury,
    iri_of,
    item_of,
    require_author,
    taken_back,
)
from collab.federation.hosts import same_origin
from collab.federation.models import Delivery, OutboxItem, Tombstone
from collab.federation.signs import GREETINGS, like, unlike
from collab.federation.vocab import moment
from collab.spaces import items
from collab.spaces.events import ItemRestored, ItemWithdrawn
from collab.spaces.models import Item, Space, Visibility
from collab.spaces.tool import Json, Kind, Tools

PRESENCE = {ItemWithdrawn.name: "delete", ItemRestored.name: "restore"}
"""The acts by which words go and come, with the word that our own ids of them carry."""
_OWN_ACT = re.compile(r"(?:delete|restore)-([0-9]{1,18})")
PUBLIC = frozenset({"https://www.w3.org/ns/activitystreams#Public", "as:Public", "Public"})


def apply(work: Work, tools: Tools, space: Space, activity: Json) -> Item | None:
    """Do what a person says about their own words in `space`; `work.actor` is that person.

    Returns the item concerned; None when there is none, or nothing to do. What is known already
    is not done again; on a mirror (`work.mirrored`) it is confirmed.

    Raises:
        Forbidden: the words are somebody else's (R3 to R7), of another project (R15), or for
            other readers than the project's (1.1).
        Missing: what is spoken of is not known here, or no tool understands it.
        Problem: whatever the operation answers.
    """
    if activity.get("actor") != work.actor.iri:
        raise Forbidden(NOT_OWN)
    verb = VERBS.get(str(activity.get("type")))
    return verb(work, tools, space, activity) if verb else None


def _own_object(work: Work, activity: Json) -> Json:
    """The embedded object, which must be the actor's own and of their origin (R3, R11)."""
    obj, actor = activity.get("object"), work.actor.iri
    if not isinstance(obj, dict):
        raise Invalid(object=N_("Cet objet n’est pas compris ici."))
    if obj.get("attributedTo") != actor or not same_origin(iri_of(obj), actor):
        raise Forbidden(NOT_OWN)
    return obj


def _create(work: Work, tools: Tools, space: Space, activity: Json) -> Item | None:
    obj = _own_object(work, activity)
    known = item_of(work, space, iri_of(obj))
    if known is not None:
        return _again(work, known, obj)
    return _receive(work, tools, space, activity, obj)


def _receive(work: Work, tools: Tools, space: Space, activity: Json, obj: Json) -> Item | None:
    if taken_back(work, iri_of(obj)):
        return None
    _same_readers(space, activity, obj)
    kind = _kind(tools, space, obj)
    return kind.mapping.receive(work, space, obj)


def _kind(tools: Tools, space: Space, obj: Json) -> Kind:
    kind = tools.claiming(obj, "voice")
    if kind is None:
        raise Missing(N_("Aucun outil d’ici ne comprend cet objet."))
    if tools.maker(kind).name not in space.tools:
        raise Missing(N_("Ce projet n’utilise pas cet outil."))
    return kind


def _again(work: Work, item: Item, obj: Json) -> Item:
    """The same Create once more: nothing, or the host's confirmation of what was written here."""
    require_author(work, item)
    if work.mirrored and _covers(obj, item):
        items.confirm(work, item)
    return item


def _update(work: Work, tools: Tools, space: Space, activity: Json) -> Item | None:
    obj = _own_object(work, activity)
    item = item_of(work, space, iri_of(obj))
    if item is None:
        return _receive(work, tools, space, activity, obj)
    require_author(work, item)
    if work.mirrored and item.author.local:
        return _again(work, item, obj)
    _same_readers(space, activity, obj)
    if not _covers(obj, item):
        return item
    kind = tools.kind(item)
    if kind.mapping.ownership != "voice":
        raise Forbidden(NOT_OWN)
    return kind.mapping.revise(work, space, item, obj)


def _covers(obj: Json, item: Item) -> bool:
    """Whether an object is at least as new as the item we hold, to the second of the wire (R44)."""
    at = moment(obj.get("updated")) or moment(obj.get("published"))
    held = (item.revised_at or item.created_at).replace(microsecond=0)
    return at is None or at >= held


def _delete(work: Work, tools: Tools, space: Space, activity: Json) -> Item | None:
    iri = iri_of(activity.get("object"))
    item = item_of(work, space, iri)
    if item is None:
        if same_origin(iri, work.actor.iri):
            bury(work, iri)
        return None
    was_there = item.withdrawn_at is None
    if _changed_since(work, item, activity):
        return item
    if was_there:
        take_back(work, tools, space, item)
    elif work.mirrored:
        items.confirm(work, item)
    if says_erase(activity):
        if not work.mirrored:
            require_author(work, item)
        erase(work, item, told=not was_there)
    return item


def take_back(work: Work, tools: Tools, space: Space, item: Item) -> None:
    """Withdraw an item by its own tool, so that what the tool counts stays true.

    Raises as `items.withdraw`.
    """
    _by_tool(work, tools, space, item, "remove", items.withdraw)


def bring_back(work: Work, tools: Tools, space: Space, item: Item) -> None:
    """Restore an item by its own tool. Raises as `items.restore`."""
    _by_tool(work, tools, space, item, "restore", items.restore)


def _by_tool(
    work: Work,
    tools: Tools,
    space: Space,
    item: Item,
    name: str,
    otherwise: Callable[[Work, Item], None],
) -> None:
    action = tools.of(item).actions.get(name)
    if action is None or tools.kind(item).mapping.ownership != "voice":
        otherwise(work, item)
    else:
        action.run(work, space, parse(action.input, {"item": item.uid}))


def _undo(work: Work, tools: Tools, space: Space, activity: Json) -> Item | None:
    undone = activity.get("object")
    if isinstance(undone, str):
        return unlike(work, undone)
    if not isinstance(undone, dict) or undone.get("actor") != work.actor.iri:
        raise Forbidden(NOT_OWN)
    if undone.get("type") == "Delete":
        return _undelete(work, tools, space, activity, undone)
    if str(undone.get("type")) in GREETINGS:
        return unlike(work, iri_of(undone), space, undone)
    return None


def _undelete(work: Work, tools: Tools, space: Space, activity: Json, undone: Json) -> Item | None:
    """Bring words back. What was taken back before it was ever told comes with its undoing, for
    its Create will not (R48)."""
    iri = iri_of(undone.get("object"))
    item = item_of(work, space, iri)
    if item is None:
        work.session.execute(
            delete(Tombstone).where(Tombstone.actor == work.actor.iri, Tombstone.iri == iri)
        )
        work.remember("buried", iri, frozenset())
        if not isinstance(undone.get("object"), dict):
            return None
        return _receive(work, tools, space, undone, _own_object(work, undone))
    if work.mirrored:
        require_author(work, item)
    if _changed_since(work, item, activity):
        return item
    if item.withdrawn_at is not None:
        bring_back(work, tools, space, item)
    elif work.mirrored:
        items.confirm(work, item)
    return item


def _changed_since(work: Work, item: Item, echo: Json) -> bool:
    """Whether its author, of here, took it back or restored it after the act that the log echoes.

    The newer act is still on its way to the host; until the log says it too, the page shows what
    the author did last (4.6), unless the host has refused it (see `declined`). Our own ids of
    these acts end in the number of their event.
    """
    act = _OWN_ACT.fullmatch(iri_of(echo).removeprefix(f"{item.iri}#"))
    if act is None or not (work.mirrored and item.author.local):
        return False
    later = select(EventRow.name, EventRow.id).where(
        EventRow.item_id == item.id,
        EventRow.actor_id == item.author_id,
        EventRow.name.in_(PRESENCE),
        EventRow.mirrored.is_(False),
        EventRow.id > int(act[1]),
    )
    acts = {f"{item.iri}#{PRESENCE[name]}-{of}" for name, of in work.session.execute(later)}
    told = select(OutboxItem.activity_id).join(Delivery, Delivery.outbox_id == OutboxItem.id)
    refused = told.where(OutboxItem.activity_id.in_(acts), Delivery.state == "refused")
    return bool(acts) and not acts <= set(work.session.scalars(refused))


def _same_readers(space: Space, activity: Json, obj: Json) -> None:
    """An object is for exactly those who read the project (1.1)."""
    public = any(_is_public(part) for part in (obj, activity))
    if public != (space.visibility == Visibility.PUBLIC):
        raise Forbidden(N_("Ce texte n’est pas adressé aux mêmes personnes que ce projet."))


def _is_public(part: Json) -> bool:
    for name in ("to", "cc"):
        value: Any = part.get(name)
        many = value if isinstance(value, list) else [value]
        if any(isinstance(one, str) and one in PUBLIC for one in many):
            return True
    return False


VERBS: dict[str, Callable[[Work, Tools, Space, Json], Item | None]] = {
    "Create": _create,
    "Update": _update,
    "Delete": _delete,
    "Undo": _undo,
    "Like": like,
    "EmojiReact": like,
}
