"""NodeBB 4: a category with topics.

`src/activitypub/actors.js` (assertGroup), `inbox.js` (announce, delete, update), `notes.js`
(assert), `contexts.js`: a category is an actor of the type Group; an announced Create is read from
where its object lives, never from the envelope; Like and Update are taken; an announced Delete is
not looked at, one by its owner is; the whole topic is read from the object's `context`, which
answers 304 to whoever has all of it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from federation.readers import Fetch, Json, host, id_of

ACCEPTED = ("Note", "Page", "Article", "Question", "Video")
COLLECTIONS = ("Collection", "CollectionPage", "OrderedCollection", "OrderedCollectionPage")


class Unread(Exception):
    """A document cannot be had: whatever asked for it is given up."""


@dataclass
class NodeBB:
    """One forum that follows a category of elsewhere."""

    fetch: Fetch
    category: str
    topics: dict[str, str] = field(default_factory=dict)
    """Titles by the id of what opened them."""
    posts: dict[str, str] = field(default_factory=dict)
    """Contents by id."""
    votes: list[tuple[str, str]] = field(default_factory=list)

    def look(self) -> Json:
        """The category as the forum lists it. Raises Unread."""
        told = self._get(self.category)
        if told["type"] != "Group":
            raise Unread("type")
        return {
            "title": told["name"],
            "handle": f"{told['preferredUsername']}@{host(told['id'])}",
            "description": told["summary"],
            "key": told["publicKey"]["publicKeyPem"],
        }

    def receive(self, activity: Json, signer: str) -> None:
        """One delivery."""
        thing = activity["object"]
        if activity["type"] == "Delete":
            self._delete(activity)
        elif activity["type"] == "Announce" and activity["actor"] == self.category:
            self._announce(thing if isinstance(thing, dict) else self._get(thing))

    def _announce(self, thing: Json) -> None:
        if thing["type"] == "Like":
            if id_of(thing["object"]) in self.posts:
                self.votes.append((thing["actor"], id_of(thing["object"])))
        elif thing["type"] == "Update":
            self._update(thing)
        elif thing["type"] == "Create":
            self._assert(id_of(thing["object"]))
        elif thing["type"] in ACCEPTED:
            self._assert(thing["id"])

    def _update(self, activity: Json) -> None:
        thing = activity["object"]
        if host(activity["actor"]) == host(thing["id"]) and thing["id"] in self.posts:
            self.posts[thing["id"]] = thing["content"]

    def _delete(self, activity: Json) -> None:
        iri = id_of(activity["object"])
        if host(activity["actor"]) == host(iri):
            self.posts.pop(iri, None)
            self.topics.pop(iri, None)

    def _assert(self, iri: str) -> None:
        """Read one object where it lives, and the topic it is in."""
        told = self._get(iri)
        if told["id"] in self.posts or told["type"] not in ACCEPTED:
            return
        chain = self._topic(told["context"]) if told.get("context") else [told]
        for post in chain:
            self.posts[post["id"]] = post["content"]
            if not post.get("inReplyTo"):
                self.topics[post["id"]] = post["name"]

    def _topic(self, context: str) -> list[Json]:
        posts, url = [], context
        while url:
            page = self._get(url)
            assert page["type"] in COLLECTIONS
            posts += [self._get(iri) for iri in page.get("orderedItems", [])]
            url = page.get("next") or (page.get("first") if url == context else None)
        return posts

    def unchanged(self, context: str, ids: set[str]) -> bool:
        """Whether the forum's own digest of a topic is what its host has."""
        total = 0
        for iri in ids:
            total ^= int(hashlib.sha256(iri.encode()).hexdigest(), 16)
        return self.fetch(context, **{"If-None-Match": f'"{total:064x}"'}).status == 304

    def _get(self, url: str) -> Json:
        answer = self.fetch(url)
        if answer.status != 200:
            raise Unread(url)
        return answer.body
