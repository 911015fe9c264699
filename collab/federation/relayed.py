"""What a community of elsewhere passes on, as far as it can be believed (R11, R15 to R17, R29).

A community (a Lemmy or PieFed community, a NodeBB category) wraps the acts of others in its own
Announce and proves nothing of them. An act is believed if its author's proof holds, if the thing is
of the community's own host, whose word counts for it anyway, or as its own host serves it. Of a
deletion or an exclusion the community's word is enough: what and who is in it is its to decide.

Everything here may ask other hosts, within one purse of requests; nothing changes what is held.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from collab.core.errors import Problem
from collab.federation import vocab
from collab.federation.hosts import same_origin
from collab.federation.hygiene import domain_of
from collab.federation.models import PARTIAL, Mirror
from collab.federation.proofs import verify_proof
from collab.federation.remote import fetch_object
from collab.federation.signatures import Refused
from collab.people.models import Actor
from collab.people.queries import actor_by_iri
from collab.spaces.barred import Exclusion
from collab.spaces.models import Follow, Item, Space
from collab.spaces.tool import Json

if TYPE_CHECKING:
    from collab.federation.house import Federation

log = logging.getLogger(__name__)
REQUESTS, ANCESTORS, NEW_ACTORS = 30, 20, 10
WORDS = frozenset({"Create", "Update"})
GREETED = frozenset({"Like", "EmojiReact", "Undo"})


@dataclass
class Purse:
    """How many requests to other hosts one event may still cause (R29)."""

    left: int = REQUESTS

    def spend(self) -> bool:
        """Take one request out; False when none was left."""
        self.left -= 1
        return self.left >= 0


def community(session: Session, group_iri: str) -> Space | None:
    """The community with that IRI, while somebody of here follows it, or is excluded from it: whose
    following that has ended, and who waits for its word."""
    follows = select(Follow.id).where(Follow.space_id == Space.id).exists()
    barred = select(Exclusion.id).where(Exclusion.space_id == Space.id).exists()
    return session.scalar(
        select(Space)
        .join(Actor, Actor.id == Space.actor_id)
        .join(Mirror, Mirror.space_id == Space.id)
        .where(
            Actor.iri == group_iri,
            Mirror.state == PARTIAL,
            Space.deleted_at.is_(None),
            or_(follows, barred),
        )
    )


def believable(federation: Federation, group_iri: str, thing: object, purse: Purse) -> list[Json]:
    """The acts to carry out for something a community announced, what they answer first. May ask.

    Empty when there is nothing to do, or nothing that can be believed.
    """
    space = community(federation.session, group_iri)
    if space is None:
        return []
    try:
        return Reader(federation, space.id, group_iri, purse).acts_of(thing)
    except (Problem, ValueError) as doubt:
        log.info("passed on by %s, not believed: %s", group_iri, doubt)
        return []


@dataclass(frozen=True)
class Reader:
    """Reads what one community passes on."""

    federation: Federation
    space_id: int
    group: str
    purse: Purse

    def acts_of(self, thing: object) -> list[Json]:
        """See `believable`. Raises Problem, BadHost."""
        inner = thing if isinstance(thing, dict) else {}
        verb = str(inner.get("type"))
        if verb in ("Delete", "Undo") and self._is_removal(inner):
            return [self._by_group(inner)]
        if self._is_exclusion(inner):
            return [inner | {"actor": self.group}]
        if verb in WORDS:
            return self._words(inner)
        if verb in GREETED:
            return self._greeting(inner)
        return [] if isinstance(inner.get("actor"), str) else self._created(thing)

    def _is_removal(self, inner: Json) -> bool:
        undone = inner.get("object")
        return inner["type"] == "Delete" or (
            isinstance(undone, dict) and undone.get("type") == "Delete"
        )

    def _is_exclusion(self, inner: Json) -> bool:
        """Whether somebody is excluded from this very community, or let in again (R15)."""
        undone = inner.get("object") if inner.get("type") == "Undo" else inner
        if not isinstance(undone, dict) or undone.get("type") != "Block":
            return False
        return vocab.iri(undone, "target") == self.group

    def _by_group(self, inner: Json) -> Json:
        """A removal or its undoing, as the community's own act."""
        about = inner["object"]
        if inner["type"] == "Undo":
            target = {"type": "Delete", "object": {"id": vocab.iri(about, "object")}}
        else:
            target = {"id": vocab.iri(inner, "object")}
        return {"type": inner["type"], "actor": self.group, "object": target}

    def _words(self, inner: Json) -> list[Json]:
        author = vocab.iri(inner, "actor")
        if self.federation.is_ours(author):
            return [{"type": "Echo", "object": vocab.iri(inner, "object")}]
        if self._proven(inner, author):
            return self._known([*self._before(inner["object"]), inner])
        return self._created(inner.get("object"), inner)

    def _created(self, thing: object, inner: Json | None = None) -> list[Json]:
        """The object as its own host has it, in the words of its owner."""
        iri = vocab.iri({"object": thing}, "object")
        if self.federation.is_ours(iri):
            return [{"type": "Echo", "object": iri}]
        obj = self._object(thing, iri)
        owner = vocab.iri(obj, "attributedTo")
        if not owner or not same_origin(owner, iri) or obj.get("type") == "Tombstone":
            return []
        verb = "Update" if (inner or {}).get("type") == "Update" else "Create"
        act: Json = {"type": verb, "id": f"{iri}#passed-on", "actor": owner, "object": obj}
        return self._known([*self._before(obj), act])

    def _object(self, thing: object, iri: str) -> Json:
        """R11: embedded, if it is of the community's own host; else from its own address."""
        if isinstance(thing, dict) and same_origin(iri, self.group):
            return thing
        return self._fetch(iri)

    def _fetch(self, iri: str) -> Json:
        if not iri or not self.purse.spend():
            return {}
        return fetch_object(self.federation, iri)

    def _before(self, obj: object) -> list[Json]:
        """What an answer answers, as far up as it is not known here, the first first (R29)."""
        found: list[Json] = []
        above = vocab.iri(obj, "inReplyTo") if isinstance(obj, dict) else ""
        while above and len(found) < ANCESTORS and not self._holds(above):
            parent = {} if self.federation.is_ours(above) else self._fetch(above)
            owner = vocab.iri(parent, "attributedTo")
            if not owner or not same_origin(owner, above):
                break
            act = {"type": "Create", "id": f"{above}#passed-on", "actor": owner, "object": parent}
            found.insert(0, act)
            above = vocab.iri(parent, "inReplyTo")
        return found

    def _holds(self, iri: str) -> bool:
        held = select(Item.id).where(Item.iri == iri, Item.space_id == self.space_id)
        return self.federation.session.scalar(held) is not None

    def _greeting(self, inner: Json) -> list[Json]:
        author, iri = vocab.iri(inner, "actor"), vocab.iri(inner, "id")
        if not author or self.federation.is_ours(author) or not same_origin(iri, author):
            return []
        if self._proven(inner, author) or same_origin(author, self.group):
            return self._known([inner])
        told = self._fetch(iri)
        same = all(
            vocab.iri(told, name) == vocab.iri(inner, name) for name in ("id", "actor", "object")
        )
        return self._known([told]) if same and told.get("type") == inner["type"] else []

    def _proven(self, inner: Json, author: str) -> bool:
        if "proof" not in inner:
            return False
        try:
            found = verify_proof(inner, self.federation.find_key, self.federation.now())
        except Refused:
            return False
        return found == author

    def _known(self, acts: list[Json]) -> list[Json]:
        """The acts whose authors are known here, or could be made known."""
        return [act for act in acts if self._acquainted(str(act["actor"]))]

    def _acquainted(self, author: str) -> bool:
        federation = self.federation
        known = actor_by_iri(federation.session, author)
        if known is not None:
            return not (known.local or known.suspended_at)
        domain = domain_of(federation.host_of(author))
        few = federation.budget.spend(f"new actors passed on of {domain}", NEW_ACTORS, 3600)
        return few and self.purse.spend() and federation.acquaint(author) is not None
