"""Putting activities in the queue: who gets what, in which order, and what need not leave (4.2)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import Table, select, update
from sqlalchemy.orm import Session

from collab.core.rows import insert_rows
from collab.federation.hosts import host_of
from collab.federation.models import Delivery, OutboxItem
from collab.federation.peerhealth import peers_of
from collab.federation.strictjson import canonical
from collab.people.models import Actor

Json = dict[str, Any]
KEPT = timedelta(days=30)
"""How long a member's act waits for a host that is away (FEDERATION.md 4.6)."""
SPREAD = timedelta(days=7)
"""How long copies for followers do (4.3)."""
ABOUT_A_THING = frozenset({"Create", "Update", "Delete"})
EDITS = ("Create", "Update")


def send(
    session: Session,
    actor: Actor,
    activity: Json,
    inboxes: Iterable[str],
    at: datetime,
    *,
    ordering_key: str = "",
    keep: timedelta = KEPT,
) -> bool:
    """Put an activity in the queue for some inboxes, in the caller's transaction.

    The bytes are made once; each attempt signs them anew as `actor`, one of ours. Those with the
    same `ordering_key` (by itself: the id of the object) reach a host in this order. After `keep`
    they expire.

    What a host cannot have heard of is not taken back there: a Delete cancels a Create that never
    left, and an Undo of that Delete lets it leave after all. Returns False when nothing of the
    activity is to be sent.
    """
    known = session.scalar(
        select(OutboxItem.id).where(OutboxItem.activity_id == activity["id"]).limit(1)
    )
    if known is not None:
        return True
    item = OutboxItem(
        actor_id=actor.id,
        activity_id=activity["id"],
        ordering_key=ordering_key or _about(activity),
        body=canonical(activity),
        created_at=at,
        expires_at=at + keep,
    )
    session.add(item)
    session.flush()
    verb = verb_of(activity)
    addressed = {
        inbox: host_of(inbox, allow_loopback=True) for inbox in sorted(filter(None, inboxes))
    }
    peers_of(session, addressed.values(), at)
    rows = [_row(session, item, verb, inbox, host, at) for inbox, host in addressed.items()]
    insert_rows(session, cast("Table", Delivery.__table__), rows)
    return any(row["state"] == "waiting" for row in rows)


def verb_of(activity: Json) -> str:
    """What an activity does; of an announced activity, what that one does."""
    verb, thing = str(activity.get("type")), activity.get("object")
    inner = str(thing.get("type")) if isinstance(thing, dict) else ""
    if verb == "Announce" and isinstance(thing, dict) and "actor" in thing:
        return verb_of(thing)
    return "Undo Delete" if verb == "Undo" and inner == "Delete" else verb[:40]


def _about(activity: Json) -> str:
    thing = activity.get("object")
    iri = thing.get("id") if isinstance(thing, dict) else thing
    about = activity["type"] in ABOUT_A_THING and isinstance(iri, str)
    return str(iri if about else activity["id"])


def _row(
    session: Session, item: OutboxItem, verb: str, inbox: str, host: str, at: datetime
) -> dict[str, object]:
    """One delivery; it is not to be sent when its state is `cancelled`."""
    never = verb == "Delete" and _never_left(session, item.ordering_key, host, inbox, at)
    if verb == "Undo Delete":
        never = wait_again(session, item.ordering_key, inbox, "cancelled")
    return {
        "outbox_id": item.id,
        "host": host,
        "inbox": inbox,
        "ordering_key": item.ordering_key,
        "verb": verb,
        "state": "cancelled" if never else "waiting",
        "done_at": at if never else None,
    }


def _never_left(session: Session, key: str, host: str, inbox: str, at: datetime) -> bool:
    """Cancel what waits about a thing whose Create was never tried with this host, if so."""
    here = Delivery.ordering_key == key, Delivery.host == host
    begun = session.scalar(
        select(Delivery.id).where(*here, Delivery.begun_at.is_not(None)).limit(1)
    )
    waits = Delivery.ordering_key == key, Delivery.inbox == inbox, Delivery.state == "waiting"
    create = session.scalar(select(Delivery.id).where(*waits, Delivery.verb == "Create").limit(1))
    if begun is not None or create is None:
        return False
    session.execute(
        update(Delivery)
        .where(*waits, Delivery.verb.in_(EDITS))
        .values(state="cancelled", done_at=at)
        .execution_options(synchronize_session=False)
    )
    return True


def wait_again(session: Session, key: str, inbox: str, state: str) -> bool:
    """Let a Create and its Updates that were cancelled, or refused, wait again. Whether any were.

    The caller's transaction.
    """
    ended = select(Delivery.id).where(
        Delivery.ordering_key == key,
        Delivery.inbox == inbox,
        Delivery.state == state,
        Delivery.verb.in_(EDITS),
    )
    ids = session.scalars(ended).all()
    session.execute(
        update(Delivery)
        .where(Delivery.id.in_(ids))
        .values(state="waiting", done_at=None)
        .execution_options(synchronize_session=False)
    )
    return bool(ids)
