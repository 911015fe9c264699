"""Who we are, in JSON: actors, their collections, WebFinger and NodeInfo (FEDERATION.md 1.3).

Pure: these functions look at what they are given and at nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from importlib.metadata import version as version_of
from typing import Any

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
APPLICATION = "https://www.w3.org/ns/activitystreams#Application"
SCHEMA = "http://nodeinfo.diaspora.software/ns/schema/"
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
        **_keys(actor, keys),
    }


def person(actor: Actor, keys: Iterable[Key], instance_iri: str) -> Json:
    """A person of this instance. Searching by strangers needs a consent that is not asked yet."""
    return {
        "@context": CONTEXT,
        "id": actor.iri,
        "type": "Person",
        "preferredUsername": actor.name,
        "name": actor.label,
        "summary": paragraph(actor.summary),
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
        "alsoKnownAs": [],
        "generator": {"type": "Application", "id": instance_iri, "implements": [SPACES]},
        **_keys(actor, keys),
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
        "featured": f"{iri}/featured",
        "attributedTo": f"{iri}/moderators",
        "members": f"{iri}/members",
        "endpoints": {"sharedInbox": actor.shared_inbox, "members": f"{iri}/members"}
        | {name: f"{iri}/{name}" for name in ROOMS},
        "ticketsTrackedBy": iri,
        "history": f"{iri}/log",
        "log": _log(iri, head),
        "alsoKnownAs": [],
        "published": stamp(space.created_at),
        **({"updated": stamp(space.revised_at)} if space.revised_at else {}),
        **_keys(actor, keys),
    }


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


def _keys(actor: Actor, keys: Iterable[Key]) -> Json:
    """The newest RSA key as one object, which is what most readers understand; every Ed25519 key,
    an ended one too, so that old proofs still verify (2.1)."""
    held = sorted((k for k in keys if k.revoked_at is None), key=lambda k: k.id)
    rsa = [k for k in held if k.algorithm == "rsa"]
    told: Json = {}
    if rsa:
        told["publicKey"] = {
            "id": rsa[-1].key_id,
            "owner": actor.iri,
            "publicKeyPem": rsa[-1].public,
        }
    told["assertionMethod"] = [
        {
            "id": key.key_id,
            "type": "Multikey",
            "controller": actor.iri,
            "publicKeyMultibase": key.public,
            **({"expires": stamp(key.expires_at)} if key.expires_at else {}),
        }
        for key in held
        if key.algorithm == "ed25519"
    ]
    return told


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


def webfinger(actor: Actor) -> Json:
    """The JRD of one of our actors: its one name, its address, its document. RFC 7033."""
    return {
        "subject": f"acct:{actor.address}",
        "aliases": [actor.iri],
        "links": [
            {"rel": "self", "type": ACTIVITY_JSON, "href": actor.iri},
            {
                "rel": "http://webfinger.net/rel/profile-page",
                "type": "text/html",
                "href": actor.url,
            },
        ],
    }


def nodeinfo_links(origin: str) -> Json:
    """Where NodeInfo and the instance's own actor are (FEP-2677)."""
    links = [
        {"rel": f"{SCHEMA}{version}", "href": f"{origin}/nodeinfo/{version}"}
        for version in ("2.1", "2.0")
    ]
    return {"links": [*links, {"rel": APPLICATION, "href": f"{origin}/actor"}]}


def nodeinfo(
    version: str, site: Site, *, users: int, posts: int, registration: bool, federates: bool
) -> Json:
    """NodeInfo of one version, never used to guess what we can do (FEP-0151)."""
    software: Json = {"name": "collab", "version": version_of("collab")}
    return {
        "version": version,
        "software": software,
        "protocols": ["activitypub"],
        "services": {"inbound": [], "outbound": []},
        "openRegistrations": registration,
        "usage": {"users": {"total": users}, "localPosts": posts},
        "metadata": {
            "nodeName": site.name,
            "nodeDescription": site.tagline,
            "federation": {"enabled": federates},
            "staffAccounts": [],
        },
    }
