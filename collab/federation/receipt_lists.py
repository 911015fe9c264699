"""An author whose account is elsewhere is told which copies their deletion has reached (1.6 h).

Each mirror confirms to the project's host; the host passes on to the author's instance, as the
project, an `Accept` of the Delete whose `result` lists what each other mirror has said.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from collab.core.work import Work, new_uid
from collab.federation.hosts import BadHost, canonical_host
from collab.federation.log import CONTEXT, stamp
from collab.federation.models import ErasureReceipt
from collab.federation.sending import send
from collab.federation.vocab import moment
from collab.people.models import Actor
from collab.spaces.models import Item, Space

Json = dict[str, Any]
MOST = 200
"""Mirrors that one list names; more are neither told nor read."""
STATES = frozenset(["waiting", "confirmed"])


def tell_author(session: Session, space: Space, iri: str, at: datetime) -> None:
    """Host side: say how the deletion of the item `iri` stands with every mirror but the author's.

    Nothing is said to authors of here, who read it on their page, and nothing where there is no
    other mirror. Part of the caller's transaction.
    """
    item = session.scalar(select(Item).where(Item.iri == iri, Item.space_id == space.id))
    if item is None or item.author.local:
        return
    rows = session.scalars(
        select(ErasureReceipt)
        .where(
            ErasureReceipt.space_id == space.id,
            ErasureReceipt.iri == iri,
            ErasureReceipt.host != item.author.host,
        )
        .order_by(ErasureReceipt.host)
        .limit(MOST)
    ).all()
    if not rows:
        return
    told = {
        "@context": CONTEXT,
        "id": f"{space.iri}/a/{new_uid()}#receipts",
        "type": "Accept",
        "actor": space.iri,
        "to": [item.author.iri],
        "cc": [],
        "object": {"id": rows[0].activity_id, "type": "Delete", "object": iri},
        "result": {"type": "Collection", "totalItems": len(rows), "items": [*map(_line, rows)]},
        "published": stamp(at),
    }
    send(session, space.actor, told, [item.author.inbox], at, ordering_key=f"{iri}#receipts")


def _line(row: ErasureReceipt) -> Json:
    told = {"name": row.host, "state": row.state, "published": stamp(row.asked_at)}
    return told | ({"updated": stamp(row.at)} if row.at else {})


def hear(work: Work, sender: Actor, activity: Json) -> bool:
    """The author's side: keep such a list. False when the activity is none.

    Only the project itself says it, of words in it whose author is of here (R8).
    """
    thing, result = activity.get("object"), activity.get("result")
    if activity.get("type") != "Accept" or not isinstance(thing, dict):
        return False
    if thing.get("type") != "Delete" or not isinstance(result, dict):
        return False
    item = work.session.scalar(
        select(Item)
        .join(Space, Space.id == Item.space_id)
        .where(Item.iri == str(thing.get("object")), Space.actor_id == sender.id, ~Space.local)
    )
    if item is None or not item.author.local:
        return False
    lines = result.get("items")
    of_it = ErasureReceipt.space_id == item.space_id, ErasureReceipt.iri == item.iri
    work.session.execute(delete(ErasureReceipt).where(*of_it))
    kept = {row.host: row for row in map(_row, (lines if isinstance(lines, list) else [])[:MOST])}
    for host, row in kept.items():
        if host:
            row.space_id, row.iri, row.activity_id = item.space_id, item.iri, str(thing.get("id"))
            work.session.add(row)
    return True


def _row(line: object) -> ErasureReceipt:
    """What one line says; its host is "" when it says nothing that can be kept."""
    told = line if isinstance(line, dict) else {}
    asked, at = moment(told.get("published")), moment(told.get("updated"))
    state = str(told.get("state"))
    try:
        host = canonical_host(str(told.get("name")), allow_loopback=True)
    except BadHost:
        host = ""
    known = asked is not None and state in STATES and (at is not None) == (state == "confirmed")
    return ErasureReceipt(host=host if known else "", state=state, asked_at=asked, at=at)
