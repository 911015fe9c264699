"""How a fact of the journal is told to open pages, and to which of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import Row, select
from sqlalchemy.orm import Session, selectin_polymorphic

from collab.core.events import EventRow
from collab.people.models import Actor
from collab.spaces.models import Item, Space
from collab.spaces.tool import Tools

TO_MEMBERS = frozenset(
    ["member.admitted", "member.left", "member.removed", "member.excluded",
     "member.readmitted", "member.role", "offer.made", "offer.answered"]
)  # fmt: skip
"""Facts about people that pages of members show and that strangers are not told."""
TO_READERS = frozenset(["space.revised", "space.archived", "space.reopened"])
"""Facts without an item that every page of the space may show. Others are told to nobody."""
TO_NOBODY = frozenset(["item.asked"])
"""Facts with an item that change nothing anybody sees."""


Json = dict[str, Any]


class Told(NamedTuple):
    """One fact, ready to be emitted. `seq` is its id in the journal."""

    seq: int
    name: str
    space_id: int
    to_members: bool
    message: Json


JOURNAL = (
    select(
        EventRow.id, EventRow.name, EventRow.space_id, EventRow.item_id, EventRow.at,
        Actor.name.label("actor_name"), Actor.host, Actor.display_name,
    )
    .outerjoin(Actor, Actor.id == EventRow.actor_id)
    .order_by(EventRow.id)
)  # fmt: skip


def audience(name: str, item_id: int | None) -> bool | None:
    """True: members only. False: every reader of the space. None: nobody."""
    if name in TO_MEMBERS:
        return True
    if name in TO_NOBODY:
        return None
    return False if item_id is not None or name in TO_READERS else None


def tell(session: Session, tools: Tools, rows: Sequence[Row[Any]]) -> list[Told]:
    """Turn rows of JOURNAL into messages; what is told to nobody is left out."""
    rows = [row for row in rows if audience(row.name, row.item_id) is not None]
    spaces = _by_id(session, Space, {row.space_id for row in rows})
    items = _items(session, tools, {row.item_id for row in rows if row.item_id is not None})
    return [
        _told(row, spaces[row.space_id], items.get(row.item_id), tools)
        for row in rows
        if row.space_id in spaces
    ]


def _told(row: Row[Any], space: Space, item: Item | None, tools: Tools) -> Told:
    message: Json = {
        "seq": row.id,
        "name": row.name,
        "space": space.address,
        "item": item.uid if item else None,
        "by": f"{row.actor_name}@{row.host}",
        "label": row.display_name or row.actor_name,
        "at": row.at.isoformat(),
    }
    if item is not None:
        message |= {"kind": item.kind} | _place(tools, space, item)
    return Told(row.id, row.name, row.space_id, bool(audience(row.name, row.item_id)), message)


def _place(tools: Tools, space: Space, item: Item) -> Json:
    """Where the item is shown: its own address, and the item on whose page it stands."""
    try:
        kind = tools.kind(item)
    except KeyError:  # its tool is no longer installed
        return {}
    around = kind.within(item)
    return {"url": kind.url(space, item), "within": around.uid if around else None}


def _by_id(session: Session, model: type[Space], ids: set[int]) -> dict[int, Space]:
    return {s.id: s for s in session.scalars(select(model).where(model.id.in_(ids)))}


def _items(session: Session, tools: Tools, ids: set[int]) -> dict[int, Item]:
    """The items with what their tools' tables say of them, in one query for each kind."""
    whole = selectin_polymorphic(Item, [kind.model for kind in tools.kinds()])
    found = session.scalars(select(Item).where(Item.id.in_(ids)).options(whole))
    return {item.id: item for item in found}
