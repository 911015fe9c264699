"""All that the tellers of events may look at, and what every activity starts with."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session

from collab.core.events import Event, EventRow
from collab.federation.log import CONTEXT, PUBLIC, stamp
from collab.people.models import Actor
from collab.spaces.models import Item, Space
from collab.spaces.tool import Json, Tools


@dataclass(frozen=True)
class Facts:
    """All that a teller may look at."""

    session: Session
    tools: Tools
    row: EventRow
    event: Event
    space: Space
    actor: Actor

    def item(self) -> Item:
        """The item the event is about."""
        return self.session.get_one(Item, self.event.item_id)

    def member(self) -> Actor:
        """The person a membership event is about."""
        return self.session.get_one(Actor, self.event.member_id)  # type: ignore[attr-defined]

    def envelope(self, verb: str, actor: str, iri: str) -> Json:
        """What every activity starts with, addressed to the whole project."""
        public = self.space.visibility == "public"
        space = self.space.iri
        return {
            "@context": CONTEXT,
            "id": iri,
            "type": verb,
            "actor": actor,
            "published": stamp(self.row.at),
            "to": [PUBLIC] if public else [f"{space}/members"],
            "cc": [space, f"{space}/followers"] if public else [space],
            "audience": space,
        }
