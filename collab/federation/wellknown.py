"""What is said at well-known addresses: WebFinger, host-meta, NodeInfo. Pure, as identity.py."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import version as version_of

from collab.federation.identity import ACTIVITY_JSON, Json
from collab.people.models import Actor, ActorKind, Site

XRD = "application/xrd+xml"
INTENTS = "https://w3id.org/fep/3b86/"
APPLICATION = "https://www.w3.org/ns/activitystreams#Application"
SCHEMA = "http://nodeinfo.diaspora.software/ns/schema/"


def webfinger(actor: Actor, origin: str) -> Json:
    """The JRD of one of our actors: its one name, its address, its document. RFC 7033.

    Of a person also where they act on things of elsewhere (FEP-3b86): the page that looks a
    project up by its address, whatever the intent names.
    """
    intents = [
        {"rel": f"{INTENTS}{name}", "template": f"{origin}/spaces/elsewhere?address={{object}}"}
        for name in ("Follow", "Object")
        if actor.kind == ActorKind.PERSON
    ]
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
            *intents,
        ],
    }


def host_meta(origin: str) -> str:
    """The XRD that says where WebFinger is (RFC 6415)."""
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<XRD xmlns="http://docs.oasis-open.org/ns/xri/xrd-1.0">'
        f'<Link rel="lrdd" template="{origin}/.well-known/webfinger?resource={{uri}}"/></XRD>\n'
    )


def nodeinfo_links(origin: str) -> Json:
    """Where NodeInfo and the instance's own actor are (FEP-2677)."""
    links = [
        {"rel": f"{SCHEMA}{version}", "href": f"{origin}/nodeinfo/{version}"}
        for version in ("2.1", "2.0")
    ]
    return {"links": [*links, {"rel": APPLICATION, "href": f"{origin}/actor"}]}


@dataclass(frozen=True)
class Usage:
    """How much an instance is used: accounts, those that wrote something in 30 and in 180
    days (nobody's visits are noted), what was written here that stands by itself, and what answers
    it; and who looks after it."""

    users: int
    month: int
    half_year: int
    posts: int
    comments: int
    staff: tuple[str, ...] = ()


def nodeinfo(
    version: str, site: Site, usage: Usage, *, registration: bool, federates: bool
) -> Json:
    """NodeInfo of one version, never used to guess what we can do (FEP-0151)."""
    software: Json = {"name": "collab", "version": version_of("collab")}
    return {
        "version": version,
        "software": software,
        "protocols": ["activitypub"],
        "services": {"inbound": [], "outbound": []},
        "openRegistrations": registration,
        "usage": {
            "users": {
                "total": usage.users,
                "activeMonth": usage.month,
                "activeHalfyear": usage.half_year,
            },
            "localPosts": usage.posts,
            "localComments": usage.comments,
        },
        "metadata": {
            "nodeName": site.name,
            "nodeDescription": site.tagline,
            "federation": {"enabled": federates},
            "staffAccounts": list(usage.staff),
        },
    }
