"""What other instances may read of us, address by address (FEDERATION.md 1.2, 1.3; R32 to R37)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from collab.core.errors import Missing
from collab.federation import identity
from collab.federation.log import CONTEXT, announce, head, stamp
from collab.federation.models import LogEntry, OutboxItem
from collab.federation.reading import (
    Asker,
    Shown,
    keys_of,
    own_actor,
    own_space,
    readable,
)
from collab.federation.strictjson import parse
from collab.people.models import Actor, ActorKind
from collab.people.queries import actor_by_iri, site
from collab.spaces.items import UNDO_WINDOW
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
from collab.spaces.policy import may_see_card

if TYPE_CHECKING:
    from collab.federation.house import Federation

Json = dict[str, Any]
NEWEST = 50
MOST_IN_CONTEXT = 500


def person(asker: Asker, name: str) -> Shown:
    """A person of this instance."""
    actor = own_actor(asker.federation, name, ActorKind.PERSON)
    federation = asker.federation
    ours = federation.instance_actor().iri
    return Shown(identity.person(actor, keys_of(federation, actor), ours))


def person_collection(asker: Asker, name: str, which: str) -> Shown:
    """A person's outbox, followers or followed: how many, never which."""
    actor = own_actor(asker.federation, name, ActorKind.PERSON)
    total = 0
    if which == "outbox":
        count = (
            select(func.count(Item.id))
            .join(Space, Space.id == Item.space_id)
            .where(
                Item.author_id == actor.id,
                Item.withdrawn_at.is_(None),
                Space.visibility == Visibility.PUBLIC,
                Space.deleted_at.is_(None),
            )
        )
        total = asker.federation.session.scalar(count) or 0
    return Shown(identity.collection(f"{actor.iri}/{which}", total))


def group(asker: Asker, slug: str) -> Shown:
    """A project: its card for whoever may ask to join it, where its log stands for its readers."""
    federation = asker.federation
    space = own_space(federation, slug)
    session = federation.session
    whole = asker.may_read(space)
    if not whole and not may_see_card(session, space, None):
        raise Missing
    if not whole and federation.mode() != "open" and asker.sender() is None:
        raise Missing
    log_head = head(session, space) if whole else None
    keys = keys_of(federation, space.actor)
    private = space.visibility != Visibility.PUBLIC or federation.mode() != "open"
    return Shown(identity.group(space, keys, log_head), private=private)


def group_collection(asker: Asker, slug: str, which: str) -> Shown:
    """The collections of a project: totals, and who answers for it (R37)."""
    space = readable(asker, slug)
    iri = f"{space.iri}/{which}"
    private = space.visibility != Visibility.PUBLIC
    if which == "moderators":
        people = _moderators(asker.federation, space)
        return Shown(identity.collection(iri, len(people), people), private=private)
    total = _totals(asker.federation, space).get(which, 0)
    items: list[str | Json] | None = [] if which in identity.ROOMS else None
    if which == "outbox":
        items = _newest(asker.federation, space)
    elif which == "featured":
        items = _pinned(asker.federation, space)
        total = len(items)
    return Shown(identity.collection(iri, total, items), private=private)


def _moderators(federation: Federation, space: Space) -> list[str]:
    rows = federation.session.scalars(
        select(Actor.iri)
        .join(Membership, Membership.actor_id == Actor.id)
        .where(
            Membership.space_id == space.id,
            Membership.state == MembershipState.ACTIVE,
            Membership.role >= Role.FACILITATOR,
        )
        .order_by(Membership.since)
    )
    return list(rows)


def _totals(federation: Federation, space: Space) -> dict[str, int]:
    session = federation.session
    members = select(func.count(Membership.id)).where(
        Membership.space_id == space.id, Membership.state == MembershipState.ACTIVE
    )
    followers = select(func.count(Follow.id)).where(Follow.space_id == space.id)
    entries = select(func.count()).where(LogEntry.space_id == space.id)
    return {
        "members": session.scalar(members) or 0,
        "followers": session.scalar(followers) or 0,
        "outbox": session.scalar(entries) or 0,
    }


def _newest(federation: Federation, space: Space) -> list[str | Json]:
    rows = federation.session.scalars(
        select(LogEntry)
        .where(LogEntry.space_id == space.id, LogEntry.body.is_not(None))
        .order_by(LogEntry.epoch.desc(), LogEntry.seq.desc())
        .limit(NEWEST)
    )
    return [announce(space, row) for row in rows]


def _pinned(federation: Federation, space: Space) -> list[str | Json]:
    rows = federation.session.scalars(
        select(Item.iri)
        .where(
            Item.space_id == space.id,
            Item.pinned_at.is_not(None),
            Item.withdrawn_at.is_(None),
        )
        .order_by(Item.pinned_at.desc())
        .limit(NEWEST)
    )
    return list(rows)


def thing(asker: Asker, uid: str, folder: str = "/o/") -> Shown:
    """Something somebody here wrote, or a common thing of a project of ours; or its tombstone."""
    federation = asker.federation
    item = federation.session.scalar(select(Item).where(Item.uid == uid))
    if item is None or item.iri != f"{federation.origin}{folder}{uid}":
        raise Missing
    if item.state == ItemState.REFUSED:
        raise Missing
    space = federation.session.get_one(Space, item.space_id)
    if not asker.may_read(space):
        raise Missing
    private = space.visibility != Visibility.PUBLIC
    shown = federation.runtime.tools.kind(item).mapping.to_object(federation.session, item)
    if item.withdrawn_at is not None:
        past = federation.now() - item.withdrawn_at > UNDO_WINDOW
        left = identity.tombstone(item.iri, str(shown["type"]), stamp(item.withdrawn_at))
        return Shown(left, status=410 if past else 200, private=private)
    return Shown({"@context": CONTEXT} | shown, private=private)


def common(asker: Asker, slug: str, room: str, uid: str) -> Shown:
    """A common thing of a project, such as a document (`w`)."""
    return thing(asker, uid, f"/p/{slug}/{room}/")


def conversation(asker: Asker, slug: str, uid: str) -> Shown:
    """A discussion as a collection of its posts, oldest first (FEP-7888, f228, 2931)."""
    space = readable(asker, slug)
    federation = asker.federation
    iri = f"{space.iri}/c/{uid}"
    kinds = federation.runtime.tools
    opener = federation.session.scalar(
        select(Item).where(Item.uid == uid, Item.space_id == space.id)
    )
    if opener is None:
        raise Missing
    rows = federation.session.scalars(
        select(Item)
        .where(
            Item.space_id == space.id,
            Item.created_at >= opener.created_at,
            Item.withdrawn_at.is_(None),
            Item.state == ItemState.CONFIRMED,
        )
        .order_by(Item.created_at, Item.id)
        .limit(MOST_IN_CONTEXT)
    )
    posts: list[str | Json] = []
    for item in rows:
        told = kinds.kind(item).mapping.to_object(federation.session, item)
        if told.get("context") == iri:
            posts.append(item.iri)
    private = space.visibility != Visibility.PUBLIC
    body = identity.collection(iri, len(posts), posts, attributedTo=space.iri)
    return Shown(body, private=private)


def activity(asker: Asker, uid: str) -> Shown:
    """An activity one of ours sent, for those it is addressed to (1.2)."""
    federation = asker.federation
    iri = f"{federation.origin}/a/{uid}"
    row = federation.session.scalar(
        select(OutboxItem).where(OutboxItem.activity_id == iri).limit(1)
    )
    sender = asker.sender() if row is not None else None
    if row is None or sender is None or not federation.admits(sender.host):
        raise Missing
    told = parse(row.body)
    addressed = {*told.get("to", []), *told.get("cc", [])}
    asking = actor_by_iri(federation.session, sender.actor_id)
    whole_host = asking is not None and asking.kind == ActorKind.APPLICATION
    hosts = {federation.host_of(one) for one in addressed if one.startswith("http")}
    if sender.actor_id not in addressed and not (whole_host and sender.host in hosts):
        raise Missing
    return Shown(told, private=True)


def instance(federation: Federation) -> Json:
    """The instance's own actor."""
    actor = federation.instance_actor()
    return identity.instance(actor, keys_of(federation, actor), site(federation.session))


def projects(federation: Federation) -> Json:
    """The public projects of this instance, for search across a territory."""
    iri = f"{federation.instance_actor().iri}/projects"
    rows = federation.session.scalars(
        select(Actor.iri)
        .join(Space, Space.actor_id == Actor.id)
        .where(
            Space.local,
            Space.visibility == Visibility.PUBLIC,
            Space.deleted_at.is_(None),
        )
        .order_by(Space.id)
        .limit(1000)
    ).all()
    return identity.collection(iri, len(rows), rows)


def findable(federation: Federation, actor: Actor) -> bool:
    """Whether WebFinger may say that this actor of ours exists (R32, R33)."""
    if actor.deleted_at or not actor.local:
        return False
    if actor.kind != ActorKind.GROUP:
        return True
    space = federation.session.scalar(select(Space).where(Space.actor_id == actor.id))
    return space is not None and may_see_card(federation.session, space, None)
