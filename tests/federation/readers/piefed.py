"""PieFed: as Lemmy's, read more loosely.

`app/activitypub/routes.py` (shared_inbox, process_inbox_request), `util.py`: announced objects that
lack id, type, actor or object are for Mastodon and passed over; who acts must be a user, not a
community; ids are taken once; a named object is fetched.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from federation.readers import Fetch, Json, id_of

NEEDED = {"id", "type", "actor", "object"}
POSTS = ("Page", "Article", "Link", "Note", "Question")


@dataclass
class PieFed:
    """One server on which somebody joined a community."""

    fetch: Fetch
    community: str
    posts: dict[str, str] = field(default_factory=dict)
    replies: dict[str, str] = field(default_factory=dict)
    votes: set[tuple[str, str]] = field(default_factory=set)
    gone: dict[str, str] = field(default_factory=dict)
    """What was deleted, and by whom."""
    ignored: list[str] = field(default_factory=list)
    _seen: set[str] = field(default_factory=set)

    def look(self) -> Json:
        """The community as its page shows it."""
        told = self.fetch(self.community).body
        return {
            "title": told["name"],
            "name": told["preferredUsername"],
            "inbox": told["endpoints"]["sharedInbox"],
            "moderators": self.fetch(told["attributedTo"]).body["orderedItems"],
            "key": told["publicKey"]["publicKeyPem"],
            "outbox": len(self.fetch(told["outbox"]).body["orderedItems"]),
        }

    def receive(self, activity: Json, signer: str) -> None:
        """One delivery; nothing is ever answered with an error."""
        inner = activity["object"] if activity["type"] == "Announce" else activity
        if isinstance(inner, str):
            self._named(inner)
            return
        if not inner.keys() >= NEEDED:
            self.ignored.append("Intended for Mastodon")
            return
        if inner["id"] in self._seen:
            self.ignored.append("Already aware of this activity")
            return
        self._seen.add(inner["id"])
        if self._is_user(inner["actor"]):
            self._take(inner)
        else:
            self.ignored.append("Unexpected activity from Group")

    def _is_user(self, iri: str) -> bool:
        return self.fetch(iri).body["type"] in ("Person", "Service")

    def _named(self, iri: str) -> None:
        """A named object: fetched, and a post when a user wrote it."""
        told = self.fetch(iri).body
        if iri not in self.posts and told and self._is_user(id_of(told["attributedTo"])):
            self._write(told)

    def _take(self, inner: Json) -> None:
        verb, thing = inner["type"], inner["object"]
        if verb in ("Create", "Update"):
            self._write(thing)
        elif verb == "Like":
            self.votes.add((inner["actor"], id_of(thing)))
        elif verb == "Delete":
            self.gone[id_of(thing)] = inner["actor"]
        elif verb == "Undo" and thing["type"] == "Like":
            self.votes.discard((thing["actor"], id_of(thing["object"])))

    def _write(self, thing: Json) -> None:
        if thing.get("inReplyTo"):
            self.replies[thing["id"]] = thing["inReplyTo"]
        elif thing["type"] in POSTS:
            self.posts[thing["id"]] = thing["name"]
