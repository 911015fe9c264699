"""What other instances may read of us, address by address (FEDERATION.md 1.2, 1.3; R32 to R37)."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, distinct, func, select

from collab.core.errors import Missing
from collab.federation import identity, wellknown
from collab.federation.listings import replies
from collab.federation.log import CONTEXT, head, stamp
from collab.federation.models import OutboxItem
from collab.federation.reading import (
    Asker,
    Shown,
    keys_of,
    own_actor,
    own_space,
)
from collab.federation.strictjson import parse
from collab.people.models import Account, AccountRole, Actor, ActorKind
from collab.people.queries import actor_by_iri, site
from collab.spaces.hiding import is_text_hidden, not_silenced
from collab.spaces.items import UNDO_WINDOW
from collab.spaces.models import Item, ItemState, Space, Visibility
from collab.spaces.policy import may_see_card, visible_to

if TYPE_CHECKING:
    from collab.federation.house import Federation

Json = dict[str, Any]


def person(asker: Asker, name: str) -> Shown:
    """A person of this instance. Of who is suspended only what verifies older words is left: the
    keys, for the logs they are in; Mastodon reads `suspended`, and shows nothing of them. The same
    for who is not linked with an instance that speaks only with those it chose (R55)."""
    actor = own_actor(asker.federation, name, ActorKind.PERSON)
    federation = asker.federation
    ours, closed = federation.instance_actor().iri, federation.mode() != "open"
    told = identity.person(
        actor, keys_of(federation, actor), ours, whole=not closed or asker.is_let_in()
    )
    return Shown(told, private=closed)


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
                not_silenced(),
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
    if not whole and not may_see_card(session, space, None) and not asker.is_invited(space):
        raise Missing
    if not whole and federation.mode() != "open" and asker.sender() is None:
        raise Missing
    log_head = head(session, space) if whole else None
    keys = keys_of(federation, space.actor)
    private = space.visibility != Visibility.PUBLIC or federation.mode() != "open"
    return Shown(identity.group(space, keys, log_head), private=private)


def thing(asker: Asker, uid: str, folder: str = "/o/") -> Shown:
    """Something somebody here wrote, or a common thing of a project of ours; or its tombstone."""
    federation = asker.federation
    item, space = _readable_item(asker, f"{federation.origin}{folder}{uid}", uid)
    private = space.visibility != Visibility.PUBLIC
    kind = federation.runtime.tools.kind(item)
    shown = kind.mapping.to_object(federation.session, item)
    if item.withdrawn_at is not None:
        past = item.erased_at or federation.now() - item.withdrawn_at > UNDO_WINDOW
        left = identity.tombstone(item.iri, str(shown["type"]), stamp(item.withdrawn_at))
        return Shown(left, status=410 if past else 200, private=private)
    found = {"replies": f"{item.iri}/replies"} if kind.answers is not None else {}
    return Shown({"@context": CONTEXT} | shown | found, private=private)


def _readable_item(asker: Asker, iri: str, uid: str) -> tuple[Item, Space]:
    """What is at an address of ours, for whoever may read its project. Raises Missing."""
    session = asker.federation.session
    item = session.scalar(select(Item).where(Item.uid == uid))
    if item is None or item.iri != iri or item.state == ItemState.REFUSED:
        raise Missing
    if is_text_hidden(session, item):
        raise Missing
    space = session.get_one(Space, item.space_id)
    if not asker.may_read(space):
        raise Missing
    return item, space


def answers(asker: Asker, uid: str) -> Shown:
    """The replies to something somebody here wrote."""
    item, space = _readable_item(asker, f"{asker.federation.origin}/o/{uid}", uid)
    return replies(asker, item, space, asker.federation.runtime.tools.kind(item))


def common(asker: Asker, slug: str, room: str, uid: str) -> Shown:
    """A common thing of a project, such as a document (`w`)."""
    return thing(asker, uid, f"/p/{slug}/{room}/")


def activity(asker: Asker, uid: str) -> Shown:
    """An activity one of ours sent, for those it is addressed to (1.2)."""
    federation = asker.federation
    iri = f"{federation.origin}/a/{uid}"
    row = federation.session.scalar(
        select(OutboxItem).where(OutboxItem.activity_id == iri).limit(1)
    )
    author = federation.session.get(Actor, row.actor_id) if row is not None else None
    if author is None or author.suspended_at:
        raise Missing
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


def usage(federation: Federation) -> wellknown.Usage:
    """How many people and words there are here, for NodeInfo (FEP-0151)."""
    session, count = federation.session, func.count
    open_ = Account.disabled_at.is_(None)

    kinds = federation.runtime.tools.kinds()
    theirs = (
        select(Item)
        .join(Actor, Actor.id == Item.author_id)
        .join(Space, Space.id == Item.space_id)
        .where(Actor.local, Item.withdrawn_at.is_(None))
        .where(visible_to(None))  # what strangers may not read is not counted for them
    )

    def active(days: int) -> int:
        since = federation.now() - timedelta(days=days)
        authors = theirs.where(Item.created_at >= since).join(
            Account, and_(Account.actor_id == Item.author_id, open_)
        )
        return session.scalar(authors.with_only_columns(count(distinct(Item.author_id)))) or 0

    def written(*, own_page: bool) -> int:
        names = [kind.name for kind in kinds if kind.has_own_page == own_page]
        these = theirs.where(Item.kind.in_(names)).with_only_columns(count(Item.id))
        return session.scalar(these) or 0

    return wellknown.Usage(
        users=session.scalar(select(count(Account.id)).where(open_)) or 0,
        month=active(30),
        half_year=active(180),
        posts=written(own_page=True),
        comments=written(own_page=False),
        staff=tuple(
            session.scalars(
                select(Actor.iri)
                .join(Account, Account.actor_id == Actor.id)
                .where(open_, Account.role == AccountRole.ADMIN)
                .order_by(Account.id)
            )
        ),
    )


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
    """Whether WebFinger may say that this actor of ours exists (R32, R33): to everybody or nobody,
    for these questions come unsigned; to nobody where nothing goes to other instances."""
    if federation.mode() == "off":
        return False
    if actor.deleted_at or actor.suspended_at or not actor.local:
        return False
    if actor.kind != ActorKind.GROUP:
        return True
    space = federation.session.scalar(select(Space).where(Space.actor_id == actor.id))
    return space is not None and may_see_card(federation.session, space, None)
