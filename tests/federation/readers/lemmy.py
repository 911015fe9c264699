"""Lemmy 0.19: a community with posts, comments and votes.

`crates/apub`: `activities/community/announce.rs`, `activity_lists.rs`, `protocol/objects/{group,
page,note}.rs`, `protocol/activities/**`, `collections/*`: an announced activity is parsed as the
first shape that fits, every named field required; plain objects are refused (CannotReceivePage);
who acts must be a person; a Delete with a `summary` is a moderator's.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from federation.readers import Fetch, Json, host, id_of, is_public

POSTS = ("Page", "Article", "Note", "Video", "Event")
PERSONS = ("Person", "Service", "Organization")


class Refused(Exception):
    """An activity that Lemmy answers with an error."""


@dataclass
class Lemmy:
    """One server on which somebody subscribed to a community."""

    fetch: Fetch
    community: str
    posts: dict[str, str] = field(default_factory=dict)
    """Titles by id."""
    comments: dict[str, tuple[str, str]] = field(default_factory=dict)
    """What each answers, and its text."""
    bodies: dict[str, str] = field(default_factory=dict)
    votes: set[tuple[str, str]] = field(default_factory=set)
    deleted: set[str] = field(default_factory=set)
    removed: dict[str, str] = field(default_factory=dict)
    """By whom."""

    def look(self) -> Json:
        """Fetch the community and all that is read with it; nothing may be missing."""
        told = self._get(self.community)
        assert told["type"] == "Group"
        for name in ("preferredUsername", "inbox", "outbox", "publicKey", "id"):
            assert told[name], name
        moderators = self._get(told["attributedTo"])
        assert moderators["type"] == "OrderedCollection"
        assert all(self._get(iri)["type"] in PERSONS for iri in moderators["orderedItems"])
        featured = self._get(told["featured"])
        pinned = [self._page(item) for item in featured["orderedItems"]]
        assert isinstance(featured["totalItems"], int)
        for item in self._outbox(told):
            self._post(item["object"])
        return {
            "title": told["name"],
            "sidebar": told["source"]["content"],
            "private": told["manuallyApprovesFollowers"],
            "moderators": moderators["orderedItems"],
            "pinned": pinned,
            "subscribers": self._get(told["followers"])["totalItems"],
        }

    def _outbox(self, told: Json) -> list[Json]:
        """Of the outbox, only whole posts are taken; each item must be a well-formed Announce."""
        outbox = self._get(told["outbox"])
        assert outbox["type"] == "OrderedCollection"
        assert host(outbox["id"]) == host(self.community)
        for item in outbox["orderedItems"]:
            assert item["type"] == "Announce"
            assert item["actor"] == self.community
            assert {"id", "to", "cc", "object"} <= item.keys()
        wrapped = [item for item in outbox["orderedItems"] if isinstance(item["object"], dict)]
        return [
            item
            for item in wrapped
            if item["object"]["type"] == "Create" and "inReplyTo" not in item["object"]["object"]
        ]

    def receive(self, activity: Json, signer: str) -> None:
        """One delivery. Raises Refused as Lemmy answers 400."""
        if activity["actor"] != signer:
            raise Refused("signer")
        if activity["type"] != "Announce":
            self._inner(activity)
            return
        if signer != self.community or not is_public(activity):
            raise Refused("community")
        inner = activity["object"]
        if not isinstance(inner, dict) or not {"id", "actor", "type"} <= inner.keys():
            raise Refused("plain object")
        self._inner(inner)

    def _inner(self, inner: Json) -> None:
        actor = inner["actor"]
        if self._get(actor)["type"] not in PERSONS:
            raise Refused("actor is no person")
        verb = inner["type"]
        if verb in ("Create", "Update"):
            self._post(inner)
        elif verb == "Like":
            self.votes.add((actor, self._known(inner["object"])))
        elif verb == "Delete":
            self._delete(inner)
        elif verb == "Undo" and inner["object"]["type"] == "Like":
            self.votes.discard((actor, id_of(inner["object"]["object"])))
        else:
            raise Refused(verb)

    def _post(self, inner: Json) -> None:
        thing = inner["object"]
        if not is_public(inner) or thing["attributedTo"] != inner["actor"]:
            raise Refused("not public, or somebody else's")
        if host(thing["id"]) != host(inner["actor"]):
            raise Refused("another host")
        if thing["type"] == "Note" and "inReplyTo" in thing:
            self._known(thing["inReplyTo"])
            assert isinstance(thing["content"], str)
            assert thing["to"]
            self.comments[thing["id"]] = (thing["inReplyTo"], thing["content"])
            return
        self.posts[thing["id"]] = self._page(thing)
        self.bodies[thing["id"]] = thing["content"]

    def _page(self, thing: Json) -> str:
        """A post's title, when the object is one."""
        if thing["type"] not in POSTS or "inReplyTo" in thing:
            raise Refused("no post")
        if thing["audience"] != self.community or not thing["name"]:
            raise Refused("of no community")
        return thing["name"]

    def _delete(self, inner: Json) -> None:
        iri = self._known(inner["object"])
        if "summary" not in inner:
            self.deleted.add(iri)
            return
        moderators = self._get(self._get(self.community)["attributedTo"])["orderedItems"]
        if inner["actor"] not in moderators:
            raise Refused("no moderator")
        self.removed[iri] = inner["actor"]

    def _known(self, thing: object) -> str:
        iri = id_of(thing)
        if iri not in self.posts and iri not in self.comments:
            raise Refused("nothing known")
        return iri

    def _get(self, url: str) -> Json:
        answer = self.fetch(url)
        if answer.status != 200 or answer.body is None:
            raise Refused(url)
        return answer.body
