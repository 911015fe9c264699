"""The collections of a project, as other software asks for them (FEDERATION.md 1.3, 1.6).

A short one holds its items itself, which is the only form Lemmy and Mobilizon read; a long one
points to pages. To strangers those of people give totals only (R37).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import TYPE_CHECKING

from sqlalchemy import ColumnElement, Select, and_, func, not_, select

from collab.core.errors import Missing
from collab.core.events import EventRow
from collab.federation import identity
from collab.federation.fanout import highlight
from collab.federation.log import CONTEXT, announce
from collab.federation.models import LogEntry
from collab.federation.papers import bodies
from collab.federation.reading import Asker, Json, Shown, readable
from collab.people.models import Actor
from collab.spaces.hiding import not_silenced
from collab.spaces.models import (
    Follow,
    Item,
    ItemState,
    Membership,
    MembershipState,
    Role,
    Space,
    Visibility,
)
from collab.spaces.tool import Kind

if TYPE_CHECKING:
    from collab.federation.house import Federation

ON_A_PAGE = 200
NEWEST = 200
PINS = 50
ROOM_TYPES = {
    "discussions": "Note",
    "posts": "Article",
    "resources": "Document",
    "todos": "Ticket",
    "events": "Event",
}
"""What Mobilizon looks for in each of a group's collections."""
SPOKEN = ("Create", "Update", "Delete", "Like", "Undo", "Add", "Remove")
"""What an outbox tells everybody; who belongs to the project is told to the project alone."""


def group_collection(asker: Asker, slug: str, which: str) -> Shown:
    """One collection of a project. Raises Missing for whom may not read the project."""
    space = readable(asker, slug)
    iri = f"{space.iri}/{which}"
    private = space.visibility != Visibility.PUBLIC
    federation = asker.federation
    if which in ROOM_TYPES:
        return _paged(asker, iri, _of_type(federation, space, ROOM_TYPES[which]), private=private)
    if which == "members":
        return _members(asker, space, iri, private=private)
    if which == "followers":
        count = select(func.count(Follow.id)).where(Follow.space_id == space.id)
        total = federation.session.scalar(count) or 0
        return Shown(_total_only(iri, total), private=private)
    if which == "following":
        return Shown(_total_only(iri, 0), private=private)
    items = {"outbox": _newest, "featured": _pinned, "moderators": _moderators}[which]
    told = items(federation, space)
    total = _spoken(federation, space) if which == "outbox" else len(told)
    return Shown(identity.collection(iri, total, told), private=private)


def _total_only(iri: str, total: int) -> Json:
    """How many, never who; the empty page is for readers that insist on one (Mobilizon)."""
    page = {
        "type": "OrderedCollectionPage",
        "id": f"{iri}?page=1",
        "partOf": iri,
        "orderedItems": [],
    }
    return identity.collection(iri, total, first=page)


def _paged(asker: Asker, iri: str, wanted: Select[str], *, private: bool, **more: object) -> Shown:
    """A collection of what `wanted` selects: whole when short, else one page of it."""
    session = asker.federation.session
    total = session.scalar(select(func.count()).select_from(wanted.subquery())) or 0
    last = max((total + ON_A_PAGE - 1) // ON_A_PAGE, 1)
    if not asker.page:
        if total <= ON_A_PAGE:
            body = identity.collection(iri, total, list(session.scalars(wanted))) | more
        else:
            links: Json = {"first": f"{iri}?page=1", "last": f"{iri}?page={last}"}
            body = identity.collection(iri, total) | links | more
        return Shown(body, private=private)
    number = asker.page
    if not 1 <= number <= last:
        raise Missing
    part = session.scalars(wanted.limit(ON_A_PAGE).offset((number - 1) * ON_A_PAGE))
    links = {"type": "OrderedCollectionPage", "partOf": iri}
    links |= {"next": f"{iri}?page={number + 1}"} if number < last else {}
    links |= {"prev": f"{iri}?page={number - 1}"} if number > 1 else {}
    body = identity.collection(f"{iri}?page={number}", total, list(part)) | links
    return Shown(body, private=private)


def _of_type(federation: Federation, space: Space, wanted: str) -> Select[str]:
    kinds = [
        kind.name
        for kind in federation.runtime.tools.kinds()
        if wanted in kind.mapping.types
        and kind.has_own_page
        and (kind.conversation is not None) == (wanted == ROOM_TYPES["discussions"])
    ]
    return _visible(select(Item.iri), space).where(Item.kind.in_(kinds))


def _visible(wanted: Select[str], space: Space) -> Select[str]:
    return wanted.where(
        Item.space_id == space.id,
        Item.withdrawn_at.is_(None),
        Item.state == ItemState.CONFIRMED,
        not_silenced(),
    ).order_by(Item.created_at, Item.id)


def _members(asker: Asker, space: Space, iri: str, *, private: bool) -> Shown:
    """Who takes part: for those who do, and for hosts that hold a copy or have a member (R37)."""
    rows = (
        select(Actor.iri)
        .join(Membership, Membership.actor_id == Actor.id)
        .where(Membership.space_id == space.id, Membership.state == MembershipState.ACTIVE)
        .order_by(Membership.since, Membership.id)
    )
    if asker.belongs(space):
        return _paged(asker, iri, rows, private=True)
    total = asker.federation.session.scalar(select(func.count()).select_from(rows.subquery()))
    return Shown(_total_only(iri, total or 0), private=private)


def _moderators(federation: Federation, space: Space) -> list[str | Json]:
    rows = federation.session.scalars(
        select(Actor.iri)
        .join(Membership, Membership.actor_id == Actor.id)
        .where(
            Membership.space_id == space.id,
            Membership.state == MembershipState.ACTIVE,
            Membership.role >= Role.FACILITATOR,
            Actor.suspended_at.is_(None),
        )
        .order_by(Membership.since)
    )
    return list(rows)


def _pinned(federation: Federation, space: Space) -> list[str | Json]:
    """What is pinned, whole: Lemmy reads nothing else here."""
    wanted = select(Item).where(
        Item.space_id == space.id,
        Item.pinned_at.is_not(None),
        Item.withdrawn_at.is_(None),
        Item.state == ItemState.CONFIRMED,
        not_silenced(),
    )
    rows = federation.session.scalars(wanted.order_by(Item.pinned_at.desc()).limit(PINS))
    kinds = federation.runtime.tools
    return [kinds.kind(item).mapping.to_object(federation.session, item) for item in rows]


def spoken(space: Space) -> ColumnElement[bool]:
    """The entries that an outbox tells; that an exclusion was lifted is not among them (R37)."""
    lifted = LogEntry.activity_id.startswith(f"{space.iri}/blocks/", autoescape=True)
    return and_(LogEntry.activity_type.in_(SPOKEN), not_(lifted))


def _spoken(federation: Federation, space: Space) -> int:
    count = select(func.count()).where(LogEntry.space_id == space.id, spoken(space))
    return federation.session.scalar(count) or 0


def _newest(federation: Federation, space: Space) -> list[str | Json]:
    """The newest entries, the newest first; what opened a page also in its plain form."""
    rows = federation.session.scalars(
        select(LogEntry)
        .where(
            LogEntry.space_id == space.id,
            LogEntry.body.is_not(None),
            spoken(space),
        )
        .order_by(LogEntry.epoch.desc(), LogEntry.seq.desc())
        .limit(NEWEST)
    ).all()
    told: list[str | Json] = []
    for row, body in zip(rows, bodies(federation.session, rows), strict=True):
        if body["type"] == "Tombstone":
            continue
        told.append(announce(space, row))
        thing = body.get("object")
        if row.activity_type == "Create" and isinstance(thing, dict) and "inReplyTo" not in thing:
            told.append(highlight(space, row, str(thing.get("id"))))
    return told


# Conversations


def conversation(asker: Asker, slug: str, uid: str) -> Shown:
    """A discussion as a collection of its posts, oldest first (FEP-7888, f228, 2931).

    Its ETag is the digest of the ids in it, so that whoever has them all hears 304.
    """
    space, parts = _conversation(asker, slug, uid)
    iri = f"{space.iri}/c/{uid}"
    wanted = _visible(select(Item.iri), space).where(Item.id.in_(parts))
    private = space.visibility != Visibility.PUBLIC
    shown = _paged(
        asker, iri, wanted, private=private, attributedTo=space.iri, history=f"{iri}/history"
    )
    ids = asker.federation.session.scalars(wanted)
    return Shown(shown.body, private=private, etag=digest_of(ids))


def _conversation(asker: Asker, slug: str, uid: str) -> tuple[Space, Select[int]]:
    space = readable(asker, slug)
    opener = asker.federation.session.scalar(
        select(Item).where(Item.uid == uid, Item.space_id == space.id)
    )
    kind = asker.federation.runtime.tools.kind(opener) if opener is not None else None
    if opener is None or kind is None or kind.conversation is None:
        raise Missing
    return space, kind.conversation(opener)


def history(asker: Asker, slug: str, uid: str) -> Shown:
    """Every activity of one conversation, in the order of the log (FEP-f228, bad1)."""
    space, parts = _conversation(asker, slug, uid)
    wanted = (
        select(LogEntry)
        .join(EventRow, EventRow.id == LogEntry.event_id)
        .where(
            LogEntry.space_id == space.id,
            spoken(space),
            EventRow.item_id.in_(parts),
        )
        .order_by(LogEntry.seq)
    )
    iri = f"{space.iri}/c/{uid}/history"
    session = asker.federation.session
    total = session.scalar(select(func.count()).select_from(wanted.subquery())) or 0
    last = max((total + ON_A_PAGE - 1) // ON_A_PAGE, 1)
    number = asker.page or 1
    if number > last:
        raise Missing
    rows = session.scalars(wanted.limit(ON_A_PAGE).offset((number - 1) * ON_A_PAGE)).all()
    told: list[str | Json] = [*bodies(session, rows)]
    links = {"next": f"{iri}?page={number + 1}"} if number < last else {}
    page = identity.collection(f"{iri}?page={number}", total, told, partOf=iri, **links)
    page["type"], page["@context"] = "OrderedCollectionPage", CONTEXT
    private = space.visibility != Visibility.PUBLIC
    if asker.page:
        return Shown(page, private=private)
    return Shown(identity.collection(iri, total, first=page), private=private)


def replies(asker: Asker, item: Item, space: Space, kind: Kind) -> Shown:
    """What directly answers something somebody of here wrote, oldest first."""
    if kind.answers is None:
        raise Missing
    wanted = _visible(select(Item.iri), space).where(Item.id.in_(kind.answers(item)))
    private = space.visibility != Visibility.PUBLIC
    return _paged(asker, f"{item.iri}/replies", wanted, private=private)


def digest_of(ids: Iterable[str]) -> str:
    """SHA-256 of every id, combined by XOR, in hex: for caches only (as NodeBB's and 8fcf's)."""
    total = 0
    for one in ids:
        total ^= int.from_bytes(hashlib.sha256(one.encode()).digest())
    return f"{total:064x}"
