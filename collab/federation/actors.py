"""Actors of other instances: what they say of themselves, checked, and how it is remembered."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from collab.core.db import writing
from collab.core.markup import plain, sanitise_remote
from collab.federation.hosts import BadHost, host_of, same_origin
from collab.federation.keys import (
    BadKey,
    PublicKey,
    key_from_document,
    load_multikey,
    load_public_pem,
)
from collab.federation.vocab import MAX_IRI
from collab.people.models import Actor, ActorKind, Key

Json = dict[str, Any]
KINDS = {
    "Person": ActorKind.PERSON,
    "Service": ActorKind.PERSON,
    "Organization": ActorKind.PERSON,
    "Group": ActorKind.GROUP,
    "Application": ActorKind.APPLICATION,
}
UNSEEN = re.compile("[\x00-\x09\x0b-\x1f\x7f\u200b-\u200f\u202a-\u202e\u2066-\u2069]+")
SITE = "site"
NAME = re.compile(r"[\w.:-]{1,200}")
MAX_SHOWN, MAX_SUMMARY, MAX_KEYS = 200, 5000, 10


class BadActor(ValueError):
    """A document that is no actor we would remember."""


@dataclass(frozen=True)
class Described:
    """An actor's own words, checked. Texts are plain; empty where nothing usable was said."""

    iri: str
    kind: ActorKind
    name: str
    host: str
    display_name: str
    summary: str
    url: str
    inbox: str
    shared_inbox: str
    outbox: str
    keys: tuple[PublicKey, ...]


def read_actor(document: Json, *, allow_loopback: bool = False) -> Described:
    """Check an actor document that was fetched from its own id (FEDERATION.md 1.3).

    Inboxes and outbox must be of the actor's own origin (R27); a `url` of another host is dropped
    (R61); names are plain text of bounded length (R38, R39); keys that are not the actor's own or
    not strong enough are left out.

    Raises BadActor.
    """
    iri = document.get("id")
    kind = KINDS.get(str(document.get("type")))
    if not isinstance(iri, str) or kind is None or "#" in iri:
        raise BadActor("not an actor")
    try:
        host = host_of(iri, allow_loopback=allow_loopback)
    except BadHost as error:
        raise BadActor("an id that is no address") from error
    name = document.get("preferredUsername")
    if name is None and kind == ActorKind.APPLICATION:
        name = SITE  # the site itself, as PieFed describes it, is called by nobody
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise BadActor("no usable name")
    endpoints = document.get("endpoints")
    shared = endpoints.get("sharedInbox") if isinstance(endpoints, dict) else None
    inbox = _own(document.get("inbox"), iri)
    if not inbox:
        raise BadActor("no inbox")
    url = document.get("url")
    return Described(
        iri=iri,
        kind=kind,
        name=name.lower(),
        host=host,
        display_name=words(document.get("name"), MAX_SHOWN),
        summary=words_of_html(document.get("summary"), MAX_SUMMARY),
        url=url if isinstance(url, str) and same_origin(url, iri) else iri,
        inbox=inbox,
        shared_inbox=_own(shared, iri),
        outbox=_own(document.get("outbox"), iri),
        keys=_keys(document),
    )


def words(value: object, limit: int) -> str:
    """A text property as plain text, lines kept, of at most `limit` characters (R38, R39)."""
    if not isinstance(value, str):
        return ""
    lines = UNSEEN.sub(" ", value[: limit * 4].replace("\r\n", "\n"))
    return lines.strip()[:limit].strip()


def words_of_html(value: object, limit: int) -> str:
    """The plain text of a property that holds HTML, as `summary` does (R39)."""
    return words(plain(sanitise_remote(value)), limit) if isinstance(value, str) else ""


def _own(value: object, iri: str) -> str:
    """An address that must be of the actor's own origin (R27); "" when there is none."""
    if value is None:
        return ""
    if not isinstance(value, str) or not same_origin(value, iri):
        raise BadActor("an address of another host")
    return value


def _keys(document: Json) -> tuple[PublicKey, ...]:
    found: dict[str, PublicKey] = {}
    for member in ("publicKey", "assertionMethod"):
        entries = document.get(member)
        for entry in (entries if isinstance(entries, list) else [entries])[:MAX_KEYS]:
            key_id = entry.get("id") if isinstance(entry, dict) else None
            if not isinstance(key_id, str) or len(key_id) > MAX_IRI:
                continue
            try:
                key = key_from_document(document, key_id)
            except BadKey:
                continue
            if isinstance(key, PublicKey):
                found[key_id] = key
    return tuple(found.values())


def remember(
    session: Session, described: Described, at: datetime, *, rename: bool = False
) -> Actor:
    """Write an actor and its keys down, in a transaction of its own; keys no longer listed go.

    `rename` says that the host itself vouches for the name's new owner (R14).

    Raises:
        BadActor: the name belongs to another actor of that host, and `rename` is not given.
    """
    try:
        with writing(session):
            return _write(session, described, at, rename=rename)
    except IntegrityError:  # another process met the same actor at the same moment
        with writing(session):
            return _write(session, described, at, rename=rename)


def name_taken(session: Session, described: Described) -> bool:
    """Whether the name is known here as another actor's (R14)."""
    other = session.scalar(
        select(Actor.iri).where(Actor.name == described.name, Actor.host == described.host)
    )
    return other is not None and other != described.iri


def _write(session: Session, described: Described, at: datetime, *, rename: bool) -> Actor:
    if name_taken(session, described):
        if not rename:
            raise BadActor("the name is another actor's")
        former = session.scalars(
            select(Actor).where(Actor.name == described.name, Actor.host == described.host)
        ).one()
        former.name = f"{former.name[:180]}:{former.id}"
        session.flush()
    actor = session.scalar(select(Actor).where(Actor.iri == described.iri))
    if actor is None:
        actor = Actor(iri=described.iri, local=False, created_at=at)
        session.add(actor)
    elif actor.local:
        raise BadActor("it claims to be one of ours")
    for field in (
        "kind", "name", "host", "display_name", "summary", "url", "inbox", "shared_inbox", "outbox",
    ):  # fmt: skip
        setattr(actor, field, getattr(described, field))
    actor.fetched_at, actor.deleted_at = at, None
    session.flush()
    _write_keys(session, actor, described, at)
    return actor


def _write_keys(session: Session, actor: Actor, described: Described, at: datetime) -> None:
    listed = {key.key_id for key in described.keys}
    session.execute(delete(Key).where(Key.actor_id == actor.id, Key.key_id.not_in(listed)))
    for key in described.keys:
        row = session.scalar(select(Key).where(Key.key_id == key.key_id))
        if row is None:
            row = Key(key_id=key.key_id, actor_id=actor.id, created_at=at)
            session.add(row)
        elif row.actor_id != actor.id:
            continue
        row.algorithm, row.public = key.algorithm, key.written()
        row.fetched_at = at
        row.expires_at, row.revoked_at = key.expires, key.revoked


def public_key(row: Key) -> PublicKey:
    """The key a row holds, of ours or of elsewhere. Raises BadKey."""
    read = load_multikey if row.public.startswith("z") else load_public_pem
    algorithm = "rsa" if row.algorithm == "rsa" else "ed25519"
    return PublicKey(
        row.key_id, row.actor.iri, algorithm, read(row.public),  # type: ignore[arg-type]
        row.expires_at, row.revoked_at,
    )  # fmt: skip
