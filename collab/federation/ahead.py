"""What a page of a log will ask of the database, asked once for all its entries."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache

from sqlalchemy import Select, or_, select
from sqlalchemy.orm import selectin_polymorphic

from collab.core.among import among
from collab.core.work import Work
from collab.federation.chain import Link
from collab.federation.holding import buried
from collab.people.models import Actor
from collab.spaces.models import Item
from collab.spaces.tool import Json, Tools

LONGEST_UID = 40
_ITEMS = select(Item).where(or_(among(Item.iri, "iris"), among(Item.uid, "uids")))
_PEOPLE = select(Actor).where(among(Actor.iri, "iris"))


def read_ahead(work: Work, tools: Tools, links: Sequence[Link]) -> dict[str, Actor | None]:
    """Read the items, the refusals and the people that entries name; people by their IRI.

    What is there is remembered under its IRI and public id (`items.by_iri`, `items.by_uid`), what
    is not there as None; so the operations find it without asking.
    """
    things = [thing for link in links if (thing := _thing(link)) is not None]
    iris = set(_named(things, "id")) | set(_named(things, "inReplyTo"))
    named = iris | set(_named(things, "context"))
    uids = {uid for iri in named if len(uid := iri.rpartition("/")[2].lower()) <= LONGEST_UID}
    _read_items(work, tools, iris, uids)
    found = buried(work, iris)
    for iri in iris:
        work.remember("buried", iri, found.get(iri, frozenset()))
    actors = {str(link.body["actor"]) for link in links if link.body and "actor" in link.body}
    people: dict[str, Actor | None] = dict.fromkeys(actors)
    rows = work.session.scalars(_PEOPLE, {"iris": actors})
    return people | {actor.iri: actor for actor in rows}


def _thing(link: Link) -> Json | None:
    """The object that an entry is about, or what is left of it."""
    thing = link.left if link.body is None else link.body.get("object")
    if isinstance(thing, dict) and thing.get("type") == "Delete":
        thing = thing.get("object")
    return {"id": thing} if isinstance(thing, str) else thing if isinstance(thing, dict) else None


def _named(things: Iterable[Json], key: str) -> list[str]:
    return [found for thing in things if isinstance(found := thing.get(key), str)]


def _read_items(work: Work, tools: Tools, iris: set[str], uids: set[str]) -> None:
    for iri in iris:
        work.remember("item", iri, None)
    for uid in uids:
        work.remember("uid", uid, None)
    whole = _whole(*[kind.model for kind in tools.kinds()])
    for item in work.session.scalars(whole, {"iris": iris, "uids": uids}):
        work.remember("item", item.iri, item)
        work.remember("uid", item.uid, item)


@cache
def _whole(*models: type[Item]) -> Select[Item]:
    """The same statement each time: making one costs as much as asking it."""
    return _ITEMS.options(selectin_polymorphic(Item, models))
