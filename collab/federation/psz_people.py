"""Who a project's history names, for readers of `project.psz` that cannot ask their hosts.

Names to show and no keys. On the way in this is what a stranger says of strangers: it fills the
place of somebody unknown, counts as never fetched, and gives way to what their own host says.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from collab.federation.actors import BadActor, Described, name_taken, read_actor
from collab.federation.models import LogEntry
from collab.people.models import Actor, ActorKind
from collab.people.queries import actor_by_iri

Json = dict[str, Any]
PEOPLE = "people.json"
TYPES = {
    ActorKind.PERSON: "Person",
    ActorKind.GROUP: "Group",
    ActorKind.APPLICATION: "Application",
}
PAGE = 200


def people_of(session: Session, space_id: int, group: str) -> Json:
    """The project and everybody its log names, as far as they are known here."""
    named = {group}
    rows = session.execute(
        select(LogEntry.body, LogEntry.left).where(LogEntry.space_id == space_id)
    )
    for body, left in rows.yield_per(PAGE):
        named.update(_named(body or {}, left or {}))
    listed = sorted(named)
    found: list[Json] = []
    for start in range(0, len(listed), PAGE):
        part = select(Actor).where(Actor.iri.in_(listed[start : start + PAGE]))
        found += [_told(actor) for actor in session.scalars(part.order_by(Actor.iri))]
    return {"people": found}


def _named(body: Json, left: Json) -> Iterator[str]:
    thing = body.get("object")
    revision = thing.get("revision") if isinstance(thing, dict) else None
    by = revision.get("by") if isinstance(revision, dict) else None
    for name in (body.get("actor"), body.get("target"), by, left.get("attributedTo")):
        if isinstance(name, str):
            yield name


def _told(actor: Actor) -> Json:
    gone = actor.deleted_at or actor.suspended_at
    return {
        "id": actor.iri,
        "type": TYPES[ActorKind(actor.kind)],
        "preferredUsername": actor.name,
        "name": "" if gone else actor.display_name,
        "inbox": actor.inbox,
    }


def read_people(told: Json, *, allow_loopback: bool) -> dict[str, Described]:
    """What an archive says of people, by IRI; without keys, and without what is odd."""
    found: dict[str, Described] = {}
    listed = told.get("people")
    for one in listed if isinstance(listed, list) else []:
        if not isinstance(one, dict):
            continue
        plain = {name: one.get(name) for name in ("id", "type", "preferredUsername", "name")}
        try:
            described = read_actor(
                plain | {"inbox": one.get("inbox")}, allow_loopback=allow_loopback
            )
        except BadActor:
            continue
        found[described.iri] = described
    return found


def write_down(session: Session, described: Described, at: datetime) -> Actor | None:
    """Make somebody known by the words of an archive, unless they are; the caller commits.

    Nobody known is changed, no name is taken from anybody, and no key comes with them. None when
    the name is another actor's.
    """
    known = actor_by_iri(session, described.iri)
    if known is not None:
        return known
    if name_taken(session, described):
        return None
    actor = Actor(
        iri=described.iri,
        kind=described.kind,
        name=described.name,
        host=described.host,
        local=False,
        display_name=described.display_name,
        url=described.iri,
        inbox=described.inbox,
        created_at=at,
    )
    session.add(actor)
    session.flush()
    return actor
