"""Who has taken back what was deleted: asked of every mirror, answered by its own instance.

FEDERATION.md 1.6 h. An author sees where their words are gone, and where that is not known yet.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session
from ulid import ULID

from collab.core.work import Work
from collab.federation.chain import Link
from collab.federation.erasure import forget_words, says_erase
from collab.federation.log import CONTEXT, stamp
from collab.federation.models import ErasureReceipt, LogEntry, Mirror, Subscriber
from collab.federation.receipt_lists import tell_author
from collab.federation.sending import send
from collab.federation.vocab import moment
from collab.people.models import Actor, ActorKind
from collab.people.queries import site
from collab.spaces.models import Item, Space

Json = dict[str, Any]
MARGIN = timedelta(hours=1)
"""How far the clocks of two hosts may be apart without a receipt being forgotten."""
MOST = 200


@dataclass(frozen=True)
class Receipt:
    """What one host says: `confirmed`, at `at`; or `waiting` since `asked_at`."""

    host: str
    state: str
    asked_at: datetime
    at: datetime | None


def receipts(session: Session, item: Item) -> list[Receipt]:
    """Where the deletion of an item was confirmed and where it is waited for, by host.

    On the project's host: every mirror there was at that moment. On a mirror: the project's host,
    and what it says of the other mirrors. Nothing for what was not taken back.
    """
    if item.withdrawn_at is None:
        return []
    space = session.get_one(Space, item.space_id)
    first = [] if space.local else [_of_host(session, space, item, item.withdrawn_at)]
    rows = session.scalars(
        select(ErasureReceipt)
        .where(
            ErasureReceipt.space_id == space.id,
            ErasureReceipt.iri == item.iri,
            # On a mirror those of an earlier deletion, which was undone, may still be there.
            ErasureReceipt.asked_at >= item.withdrawn_at - MARGIN,
        )
        .order_by(ErasureReceipt.host)
    )
    return first + [Receipt(row.host, row.state, row.asked_at, row.at) for row in rows]


def _of_host(session: Session, space: Space, item: Item, asked_at: datetime) -> Receipt:
    """The host has done it when its log says so."""
    said = session.scalar(
        select(LogEntry.at)
        .where(
            LogEntry.space_id == space.id,
            LogEntry.activity_type == "Delete",
            LogEntry.activity_id.startswith(f"{item.iri}#", autoescape=True),
        )
        .order_by(LogEntry.seq.desc())
        .limit(1)
    )
    return Receipt(space.host, "confirmed" if said else "waiting", asked_at, said)


def ask(session: Session, space: Space, activity: Json, at: datetime) -> None:
    """Host side: a Delete has come into the log; every mirror is to confirm it from here on.

    Its undoing ends the waiting. The caller's transaction is that of the log entry.
    """
    verb, thing = activity.get("type"), activity.get("object")
    if verb == "Undo" and isinstance(thing, dict) and thing.get("type") == "Delete":
        iri = _id(thing.get("object"))
        of_it = ErasureReceipt.space_id == space.id, ErasureReceipt.iri == iri
        session.execute(delete(ErasureReceipt).where(*of_it))
        return
    iri = _id(thing)
    if verb != "Delete" or not iri:
        return
    known = {
        row.host: row
        for row in session.scalars(
            select(ErasureReceipt).where(
                ErasureReceipt.space_id == space.id, ErasureReceipt.iri == iri
            )
        )
    }
    for host in session.scalars(
        select(Subscriber.host).where(
            Subscriber.space_id == space.id,
            Subscriber.reach == "mirror",
            Subscriber.state == "active",
        )
    ):
        row = known.get(host)
        if row is None:
            row = ErasureReceipt(space_id=space.id, iri=iri, host=host)
            session.add(row)
        row.activity_id, row.state = str(activity["id"]), "waiting"
        row.asked_at, row.at = at, None
    session.flush()
    tell_author(session, space, iri, at)


def take(work: Work, sender: Actor, activity: Json) -> bool:
    """Host side: a mirror says that it has done it. False when the Accept is about something else.

    Only the instance that holds the copy may say so, for itself (R8).
    """
    if activity.get("type") != "Accept" or sender.kind != ActorKind.APPLICATION:
        return False
    thing = activity.get("object")
    named = [_id(one) for one in (thing if isinstance(thing, list) else [thing])[:MOST]]
    holds = select(Subscriber.space_id).where(
        Subscriber.host == sender.host, Subscriber.actor_iri == sender.iri
    )
    rows = work.session.scalars(
        select(ErasureReceipt).where(
            ErasureReceipt.activity_id.in_([iri for iri in named if iri]),
            ErasureReceipt.host == sender.host,
            ErasureReceipt.space_id.in_(holds),
        )
    ).all()
    told = [row for row in rows if row.state != "confirmed"]
    for row in told:
        row.state, row.at = "confirmed", work.now
    work.session.flush()
    for row in told:
        space = work.session.get_one(Space, row.space_id)
        tell_author(work.session, space, row.iri, work.now)
    return bool(rows)


def settle_deletions(work: Work, space: Space, mirror: Mirror, taken: Sequence[Link]) -> None:
    """Mirror side: see that erased words are nowhere, and tell the project's host what is gone.

    `taken` are entries that had their effect, written down in this transaction. Those from before
    we held a copy, which nobody waits for, are not answered.
    """
    done = [link for link in taken if link.body is not None and link.body.get("type") == "Delete"]
    for link in done:
        if link.body is not None and says_erase(link.body):
            forget_words(work.session, space.id, _id(link.body.get("object")))
    since = _since(mirror)
    named = [
        {"id": link.entry.get("activity"), "type": "Delete"}
        for link in done
        if since is None or (moment(link.entry.get("published")) or since) >= since
    ]
    if not named:
        return
    ours = site(work.session).actor
    told = {
        "@context": CONTEXT,
        "id": work.mint("/a/"),
        "type": "Accept",
        "actor": ours.iri,
        "to": [space.iri],
        "cc": [],
        "object": named[0] if len(named) == 1 else named,
        "published": stamp(work.now),
    }
    send(work.session, ours, told, [space.actor.inbox], work.now)


def _since(mirror: Mirror) -> datetime | None:
    """From when on we are a mirror: the time in the id of our request for the log."""
    try:
        asked = ULID.from_str(mirror.follow_iri.rpartition("/")[2].upper()).datetime
    except ValueError:
        return None
    return asked - MARGIN


def _id(thing: object) -> str:
    found = thing.get("id") if isinstance(thing, dict) else thing
    return found if isinstance(found, str) else ""
