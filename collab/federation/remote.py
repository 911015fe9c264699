"""Actors, addresses and projects of other instances: asked for, checked, remembered."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from collab.core.db import writing
from collab.core.errors import Invalid, Missing, Unreachable
from collab.core.i18n import N_
from collab.federation.actors import (
    BadActor,
    Described,
    name_taken,
    read_actor,
    remember,
    words,
    words_of_html,
)
from collab.federation.fetch import Unfetched, fetch_document
from collab.federation.hosts import BadHost
from collab.federation.keys import PublicKey
from collab.federation.models import PARTIAL, Mirror
from collab.federation.reach import note_declared
from collab.federation.webfinger import (
    GONE,
    ODD,
    SILENT,
    UNKNOWN,
    ask_json,
    finger,
    links_of,
)
from collab.people.models import Actor, ActorKind
from collab.people.queries import actor_by_iri
from collab.spaces.mirrors import adopt_space
from collab.spaces.models import JoinPolicy, Space, Visibility
from collab.spaces.operations import MAX_CARD

if TYPE_CHECKING:
    from collab.federation.house import Federation

Json = dict[str, Any]
FRESH = timedelta(hours=24)
NOBODY = partial(Missing, UNKNOWN)
NODEINFO_APPLICATION = "https://www.w3.org/ns/activitystreams#Application"
OPENNESS = {
    "open": JoinPolicy.OPEN,
    "moderated": JoinPolicy.REQUEST,
    "invite_only": JoinPolicy.INVITATION,
}

NOT_AN_ADDRESS = N_("Une adresse ressemble à jardin@exemple.fr ou à https://exemple.fr/p/jardin.")


def resolve_actor(federation: Federation, iri: str, *, refresh: bool, peering: bool) -> Actor:
    """See Federation.resolve_actor (R9, R10, R12, R20, R27, R38)."""
    host = federation.host_of(iri, otherwise=NOBODY)
    known = actor_by_iri(federation.session, iri)
    if host == federation.host:
        if known is None or not known.local:
            raise Missing(UNKNOWN)
        return known
    if not peering or federation.standing(host) == "none":
        federation.require_peer(host)
    if known is not None and not refresh and is_fresh(known.fetched_at, federation.now()):
        return known
    try:
        return keep_actor(federation, _fetch(federation, iri))
    except Unreachable:
        if known is not None and not refresh:
            return known
        raise
    except BadActor as error:
        raise Unreachable(ODD) from error


def is_fresh(fetched_at: datetime | None, now: datetime) -> bool:
    """Whether what was fetched then need not be asked for again."""
    return fetched_at is not None and now - fetched_at < FRESH


def keep_actor(federation: Federation, document: Json, *, also: PublicKey | None = None) -> Actor:
    """Remember an actor whose document was fetched from its own id.

    A name that is known as another actor's is looked up by WebFinger first (R14). `also` is a key
    that the actor confirmed but keeps in a document of its own.

    Raises BadActor: not an actor we would remember, or one of ours (R20).
    """
    described = read_actor(document, allow_loopback=federation.allow_loopback)
    if described.host == federation.host:
        raise BadActor("it claims to be one of ours")
    if also is not None and also.key_id not in {key.key_id for key in described.keys}:
        described = _with_key(described, also)
    rename = name_taken(federation.session, described)
    if rename and finger(federation, f"{described.name}@{described.host}") != described.iri:
        raise BadActor("the name is another actor's")
    federation.let_go()
    note_declared(federation.session, described.host, document, federation.now())
    return remember(federation.session, described, federation.now(), rename=rename)


def _with_key(described: Described, key: PublicKey) -> Described:
    fields = {name: getattr(described, name) for name in Described.__dataclass_fields__}
    return Described(**fields | {"keys": (*described.keys, key)})


def _fetch(federation: Federation, iri: str) -> Json:
    signer = federation.signer(federation.instance_actor())
    federation.let_go()
    try:
        return fetch_document(
            federation.transport,
            iri,
            sign=signer,
            now=federation.now(),
            admits=federation.may_lead_to,
        )
    except Unfetched as error:
        if error.status == 410:
            _mark_gone(federation, iri)
        if error.status in GONE:
            raise Missing(UNKNOWN) from error
        raise Unreachable(SILENT if error.code == "unreachable" else ODD) from error


def _mark_gone(federation: Federation, iri: str) -> None:
    """The host says that this actor is gone for good."""
    with writing(federation.session) as session:
        actor = actor_by_iri(session, iri)
        if actor is not None and not actor.local:
            actor.deleted_at = actor.deleted_at or federation.now()


def fetch_object(federation: Federation, iri: str) -> Json:
    """A document of another instance, from the address that is its id (R9, R11).

    Raises Forbidden, Missing or Unreachable as `resolve_actor` does.
    """
    federation.require_peer(federation.host_of(iri, otherwise=NOBODY))
    return _fetch(federation, iri)


# Addresses


def resolve_address(federation: Federation, address: str) -> str:
    """See Federation.resolve_address (R13)."""
    given = address.strip()
    if given.lower().startswith(("https://", "http://")):
        return _of_page(federation, given)
    name, _, host = given.removeprefix("acct:").lstrip("@!").partition("@")
    try:
        host = federation.canonical(host)
    except BadHost as error:
        raise Invalid(address=NOT_AN_ADDRESS) from error
    if not name or len(name) > 200:
        raise Invalid(address=NOT_AN_ADDRESS)
    if host == federation.host:
        return _own(federation, name)
    federation.require_peer(host)
    found = finger(federation, f"{name}@{host}")
    if found is None:
        raise Missing(UNKNOWN)
    return found


def _own(federation: Federation, name: str) -> str:
    iri = federation.session.scalar(
        select(Actor.iri).where(Actor.name == name.lower(), Actor.host == federation.host)
    )
    if iri is None:
        raise Missing(UNKNOWN)
    return iri


def _of_page(federation: Federation, url: str) -> str:
    """The id of the document behind a page's address."""
    try:
        host = federation.host_of(url)
    except BadHost as error:
        raise Invalid(address=NOT_AN_ADDRESS) from error
    plain = url.partition("#")[0].rstrip("/")
    if actor_by_iri(federation.session, plain) is not None or host == federation.host:
        return plain
    return str(fetch_object(federation, url)["id"])


def find_instance(federation: Federation, address: str) -> Actor:
    """The actor of the instance at `https://a.example` or `a.example` (FEP-2677). May ask.

    Raises:
        Invalid: not an address. Forbidden: blocked. Missing, Unreachable: as it answers.
    """
    plain = address.strip().rstrip("/")
    try:
        host = federation.host_of(plain) if "//" in plain else federation.canonical(plain.lower())
    except BadHost as error:
        raise Invalid(address=N_("Une adresse ressemble à https://exemple.fr.")) from error
    if host == federation.host:
        raise Invalid(address=N_("C’est l’adresse de cette instance."))
    for link in links_of(ask_json(federation, host, "/.well-known/nodeinfo")):
        href = link.get("href")
        if link.get("rel") != NODEINFO_APPLICATION or not isinstance(href, str):
            continue
        if federation.host_of(href, otherwise=NOBODY) == host:
            return resolve_actor(federation, href, refresh=True, peering=True)
    raise Missing(N_("Ce site ne dit pas comment se relier à lui."))


# Projects


def space_card(federation: Federation, address: str) -> Space:
    """See Federation.space_card."""
    iri = resolve_address(federation, address)
    own = _space(federation, iri)
    if federation.is_ours(iri):
        if own is None or own.deleted_at:
            raise Missing(UNKNOWN)
        return own
    document = fetch_object(federation, iri)
    try:
        group = keep_actor(federation, document)
    except BadActor as error:
        raise Unreachable(ODD) from error
    if group.kind != ActorKind.GROUP:
        raise Missing(N_("Cette adresse n’est pas celle d’un projet."))
    card = card_of(document)
    with federation.runtime.work(federation.instance_actor()) as work:
        space = adopt_space(work, work.session.get_one(Actor, group.id), card)
        if not has_log(document) and work.session.get(Mirror, space.id) is None:
            work.session.add(Mirror(space_id=space.id, log_iri="", follow_iri="", state=PARTIAL))
        return space


def _space(federation: Federation, iri: str) -> Space | None:
    return federation.session.scalar(
        select(Space).join(Actor, Actor.id == Space.actor_id).where(Actor.iri == iri)
    )


def has_log(document: Json) -> bool:
    """Whether a Group keeps a log that a whole copy can be made of, as our software does."""
    return bool(document.get("log"))


def card_of(document: Json) -> Json:
    """The words of a Group in our own terms, also when another software wrote them.

    A group that approves its followers by hand counts as members only; one that says nothing of
    its tools offers discussion (FEDERATION.md 1.3).
    """
    card: Json = {
        name: document[name]
        for name in (
            "territory", "inseeCode", "visibility", "joinPolicy", "tools", "archived",
        )
        if name in document
    }  # fmt: skip
    for name in ("why", "who", "how"):
        card[name] = words(document.get(name), MAX_CARD)
    card["name"] = words(document.get("name") or document.get("preferredUsername"), 120)
    if not any(card[name] for name in ("why", "who", "how")):
        card["why"] = words_of_html(document.get("summary"), MAX_CARD)
    closed = document.get("manuallyApprovesFollowers") is True
    card.setdefault("visibility", Visibility.MEMBERS if closed else Visibility.PUBLIC)
    if not has_log(document):
        # Its software has no word for joining: one takes part by following.
        card.setdefault("joinPolicy", JoinPolicy.INVITATION)
    card.setdefault("joinPolicy", OPENNESS.get(str(document.get("openness")), JoinPolicy.OPEN))
    card.setdefault("tools", ["discussion"])
    return card
