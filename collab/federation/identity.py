"""Who we are, in JSON: actors and their collections (FEDERATION.md 1.3).

Pure: these functions look at what they are given and at nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any
from urllib.parse import urlencode, urlsplit

from collab.federation.activities import space_object
from collab.federation.log import TERMS, LogHead, stamp
from collab.people.models import Actor, Key, Site
from collab.spaces.models import JoinPolicy, Space, Visibility

Json = dict[str, Any]
CONTEXT = [
    "https://www.w3.org/ns/activitystreams",
    "https://w3id.org/security/v1",
    "https://www.w3.org/ns/cid/v1",
    TERMS,
]
ACTIVITY_JSON = "application/activity+json"
SPACES = {"href": "https://w3id.org/project-space/v1", "name": "Project spaces: signed log"}
SIGNATURES = [
    {
        "href": "https://datatracker.ietf.org/doc/html/rfc9421",
        "name": "RFC-9421: HTTP Message Signatures",
    },
    {
        "href": "https://datatracker.ietf.org/doc/html/rfc9421#name-eddsa-using-curve-edwards25",
        "name": "RFC-9421 signatures using the Ed25519 algorithm",
    },
]
OPENNESS = {
    JoinPolicy.OPEN: "open",
    JoinPolicy.REQUEST: "moderated",
    JoinPolicy.INVITATION: "invite_only",
}
MOST_KEYS = 10
"""As many as readers look at in one list; the newest."""
ROOMS = ("resources", "posts", "todos", "discussions", "events")
"""The collections without which Mobilizon does not take a group in (1.3)."""


def instance(actor: Actor, keys: Iterable[Key], site: Site) -> Json:
    """The instance's own actor, which anybody may fetch without a signature (FEP-2677, d556)."""
    origin = actor.iri.removesuffix("/actor")
    return {
        "@context": CONTEXT,
        "id": actor.iri,
        "type": "Application",
        "preferredUsername": actor.name,
        "name": site.name,
        "summary": paragraph(site.tagline),
        "inbox": actor.inbox,
        "outbox": actor.outbox,
        "endpoints": {"sharedInbox": actor.shared_inbox},
        "manuallyApprovesFollowers": True,
        "url": origin,
        "implements": [*SIGNATURES, SPACES],
        "projects": f"{actor.iri}/projects",
        "published": stamp(actor.created_at),
        **keys_of(actor, keys),
    }


def person(actor: Actor, keys: Iterable[Key], instance_iri: str, *, whole: bool = True) -> Json:
    """A person of this instance, or only what verifies their words. Searching by strangers needs a
    consent that is not asked yet."""
    away = not whole or actor.suspended_at is not None
    return ({"suspended": True} if actor.suspended_at else {}) | {
        "@context": CONTEXT,
        "id": actor.iri,
        "type": "Person",
        "preferredUsername": actor.name,
        "name": "" if away else actor.label,
        "summary": "" if away else paragraph(actor.summary),
        "url": actor.url,
        "webfinger": actor.address,
        "inbox": actor.inbox,
        "outbox": actor.outbox,
        "followers": f"{actor.iri}/followers",
        "following": f"{actor.iri}/following",
        "endpoints": {"sharedInbox": actor.shared_inbox},
        "manuallyApprovesFollowers": False,
        "discoverable": False,
        "indexable": False,
        "published": stamp(actor.created_at),
        **_elsewhere(actor),
        "generator": _generator(instance_iri),
        **keys_of(actor, keys),
    }


def group(space: Space, keys: Iterable[Key], head: LogHead | None) -> Json:
    """A project. `head` is where its log stands, for those who may read it; else None."""
    actor, iri = space.actor, space.iri
    closed = space.visibility != Visibility.PUBLIC
    own = {name: value for name, value in space_object(space).items() if value is not None}
    return own | {
        "@context": CONTEXT,
        "id": iri,
        "type": "Group",
        "preferredUsername": actor.name,
        "name": space.name,
        "webfinger": actor.address,
        "summary": paragraph(space.why),
        "source": {"content": space.why, "mediaType": "text/markdown"},
        "url": actor.url,
        "sensitive": False,
        "discoverable": not closed,
        "indexable": not closed,
        "manuallyApprovesFollowers": closed,
        "postingRestrictedToMods": False,
        "openness": OPENNESS.get(JoinPolicy(space.join_policy), "moderated"),
        "inbox": actor.inbox,
        "outbox": actor.outbox,
        "followers": f"{iri}/followers",
        "following": f"{iri}/following",
        "featured": f"{iri}/featured",
        "attributedTo": f"{iri}/moderators",
        "members": f"{iri}/members",
        "endpoints": {"sharedInbox": actor.shared_inbox, "members": f"{iri}/members"}
        | {name: f"{iri}/{name}" for name in ROOMS},
        "ticketsTrackedBy": iri,
        "history": f"{iri}/log",
        "log": _log(iri, head),
        **_elsewhere(actor),
        "published": stamp(space.created_at),
        **({"updated": stamp(space.revised_at)} if space.revised_at else {}),
        "generator": _generator(actor.shared_inbox.removesuffix("/inbox") + "/actor"),
        **keys_of(actor, keys),
    }


def _generator(instance_iri: str) -> Json:
    """What our software understands, at each actor that somebody may meet first (FEP-844e)."""
    return {"type": "Application", "id": instance_iri, "implements": [*SIGNATURES, SPACES]}


def _elsewhere(actor: Actor) -> Json:
    """Who else they are, and who they are now (FEP-7628)."""
    moved = {"movedTo": actor.moved_to} if actor.moved_to else {}
    return {"alsoKnownAs": list(actor.also_known_as), **moved}


def _log(iri: str, head: LogHead | None) -> Json:
    """The log as something to follow (FEP-efda), and where it stands."""
    described: Json = {
        "id": f"{iri}/log",
        "type": "OrderedCollection",
        "attributedTo": iri,
        "followers": f"{iri}/log/mirrors",
    }
    if head is None:
        return described
    return described | {
        "epoch": head.epoch,
        "seq": head.seq,
        "head": head.head,
        "stateDigest": head.state_digest,
    }


def keys_of(actor: Actor, keys: Iterable[Key]) -> Json:
    """The newest RSA key as one object, which is what most readers understand; every Ed25519 key,
    an ended one too, so that old proofs still verify (2.1)."""
    held = sorted(keys, key=lambda k: k.id)
    rsa = [k for k in held if k.algorithm == "rsa" and k.revoked_at is None]
    told: Json = {}
    if rsa:
        told["publicKey"] = {
            "id": rsa[-1].key_id,
            "owner": actor.iri,
            "publicKeyPem": rsa[-1].public,
        }
    edwards = [k for k in held if k.algorithm == "ed25519"]
    told["assertionMethod"] = [multikey_of(actor, key) for key in edwards[-MOST_KEYS:]]
    if len(edwards) > MOST_KEYS:
        told["allKeys"] = keys_iri(actor)
    return told


def multikey_of(actor: Actor, key: Key) -> Json:
    """An Ed25519 key, with when it ends or was revoked."""
    return {
        "id": key.key_id,
        "type": "Multikey",
        "controller": actor.iri,
        "publicKeyMultibase": key.public,
        **({"expires": stamp(key.expires_at)} if key.expires_at else {}),
        **({"revoked": stamp(key.revoked_at)} if key.revoked_at else {}),
    }


def keys_iri(actor: Actor, page: int = 0) -> str:
    """Where all Ed25519 keys of one of our actors are listed, or a page of them."""
    parts = urlsplit(actor.iri)
    asked = {"of": actor.iri} | ({"page": str(page)} if page else {})
    return f"{parts.scheme}://{parts.netloc}/ap/keys?{urlencode(asked)}"


def key_list(actor: Actor, total: int) -> Json:
    """Every Ed25519 key of an actor: how many, and where the first page is."""
    return collection(keys_iri(actor), total, first=keys_iri(actor, 1), attributedTo=actor.iri)


def key_page(actor: Actor, keys: Sequence[Key], page: int, *, more: bool) -> Json:
    """Some of them, the newest first; all of one page are one actor's."""
    return {
        "@context": CONTEXT,
        "id": keys_iri(actor, page),
        "type": "OrderedCollectionPage",
        "partOf": keys_iri(actor),
        "attributedTo": actor.iri,
        "orderedItems": [multikey_of(actor, key) for key in keys],
        **({"next": keys_iri(actor, page + 1)} if more else {}),
    }


def paragraph(text: str) -> str:
    """Plain text as the HTML that `summary` holds."""
    lines = escape(text.strip()).replace("\n", "<br>")
    return f"<p>{lines}</p>" if lines else ""


def collection(
    iri: str, total: int, items: Sequence[str | Json] | None = None, **more: object
) -> Json:
    """A collection in order; to strangers its total only (R37)."""
    told: Json = {
        "@context": CONTEXT[:1],
        "id": iri,
        "type": "OrderedCollection",
        "totalItems": total,
        **more,
    }
    if items is not None:
        told["orderedItems"] = list(items)
    return told


def tombstone(iri: str, former: str, deleted: str) -> Json:
    """What is left of something that was taken back."""
    return {
        "@context": CONTEXT[:1],
        "id": iri,
        "type": "Tombstone",
        "formerType": former,
        "deleted": deleted,
    }
