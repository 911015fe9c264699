"""Mastodon and what follows it: a home timeline with boosts.

`app/lib/activitypub/activity.rb` (status_from_object), `activity/{announce,delete,update}.rb`,
`app/services/activitypub/{fetch_remote_status,process_account}_service.rb`,
`app/helpers/json_ld_helper.rb` (fetch_resource): what is announced is fetched at its id, and must
say that very id; types that are not notes become a title, a summary and a link.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from federation.readers import Fetch, Json, host, id_of, is_public, many

CONTEXT = "https://www.w3.org/ns/activitystreams"
SUPPORTED = ("Note", "Question")
CONVERTED = ("Image", "Audio", "Video", "Article", "Page", "Event")
ACTORS = ("Application", "Group", "Organization", "Person", "Service")


@dataclass
class Status:
    """One post as its reader sees it."""

    uri: str
    author: str
    text: str


@dataclass
class Mastodon:
    """One server with somebody who follows `follows`."""

    fetch: Fetch
    follows: set[str]
    statuses: dict[str, Status] = field(default_factory=dict)
    boosts: dict[str, tuple[str, str]] = field(default_factory=dict)
    """By the id of the Announce: who boosted what."""

    def home(self) -> list[tuple[str, str]]:
        """Who boosted, and the text."""
        return [(who, self.statuses[uri].text) for who, uri in self.boosts.values()]

    def account(self, iri: str) -> Json:
        """A profile page: the actor document and its WebFinger must agree."""
        told = self._document(iri)
        assert told is not None
        assert told["type"] in ACTORS
        assert told["inbox"]
        assert told["publicKey"]["owner"] == iri
        assert id_of(told["publicKey"]).startswith(iri)
        name = f"{told['preferredUsername']}@{host(iri)}"
        finger = self.fetch(f"{iri.partition('/p/')[0]}/.well-known/webfinger?resource=acct:{name}")
        assert finger.status == 200
        assert finger.body["subject"] == f"acct:{name}"
        links = [link for link in finger.body["links"] if link["rel"] == "self"]
        assert [link["href"] for link in links] == [iri]
        return {
            "name": told["name"],
            "group": told["type"] == "Group",
            "locked": told["manuallyApprovesFollowers"],
            "followers": self.fetch(told["followers"]).body["totalItems"],
        }

    def receive(self, activity: Json, signer: str) -> None:
        """One delivery. What it makes nothing of is dropped."""
        if activity["actor"] != signer:
            return  # forwarding needs a signature of the older kind
        take = getattr(self, f"_{activity['type'].lower()}", None)
        if take is not None:
            take(activity)

    def _announce(self, activity: Json) -> None:
        if activity["actor"] not in self.follows:
            return
        uri = id_of(activity["object"])
        status = self.statuses.get(uri) or self._fetched(uri)
        boosted = (activity["actor"], uri)
        if status is not None and boosted not in self.boosts.values():
            self.boosts[activity["id"]] = boosted

    def _fetched(self, uri: str) -> Status | None:
        told = self._document(uri)
        if told is None or told["id"] != uri or told["type"] not in (*SUPPORTED, *CONVERTED):
            return None
        author = id_of(many(told["attributedTo"])[0])
        if host(author) != host(uri) or not is_public(told):
            return None
        self.statuses[uri] = Status(uri, author, _text(told))
        return self.statuses[uri]

    def _undo(self, activity: Json) -> None:
        thing = activity["object"]
        known = self.boosts.get(id_of(thing))
        if thing.get("type") == "Announce" and known and known[0] == activity["actor"]:
            del self.boosts[id_of(thing)]

    def _delete(self, activity: Json) -> None:
        status = self.statuses.get(id_of(activity["object"]))
        if status is None or status.author != activity["actor"]:
            return
        del self.statuses[status.uri]
        self.boosts = {k: v for k, v in self.boosts.items() if v[1] != status.uri}

    def _update(self, activity: Json) -> None:
        thing = activity["object"]
        status = self.statuses.get(id_of(thing))
        if status is not None and status.author == activity["actor"]:
            status.text = _text(thing)

    def replies(self, uri: str) -> list[str]:
        """What is shown below a post that is opened: its replies, when they can be fetched."""
        told = self._document(uri) or {}
        page = self._document(id_of(told.get("replies"))) or {}
        items = page.get("orderedItems") or page.get("items") or []
        return [status.text for uri in items if (status := self._fetched(id_of(uri)))]

    def _document(self, url: str) -> Json | None:
        answer = self.fetch(url)
        if answer.status != 200 or answer.kind != "application/activity+json":
            return None
        told = answer.body
        return told if told and CONTEXT in many(told.get("@context")) else None


def _text(told: Json) -> str:
    if told["type"] in SUPPORTED:
        return told["content"]
    parts = (told.get("name"), told.get("summary"), told.get("url") or told["id"])
    return "\n\n".join(part for part in parts if part)
