"""Finding the key somebody signed with: ours, remembered, or fetched (FEDERATION.md 2.4)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, delete, select
from sqlalchemy.orm import joinedload

from collab.core.db import writing
from collab.core.errors import Problem
from collab.federation import actors, patience
from collab.federation.budget import Payer
from collab.federation.fetch import Unfetched, fetch_document
from collab.federation.hosts import same_origin
from collab.federation.hygiene import domain_of
from collab.federation.keys import BadKey, Claim, PublicKey, key_from_document
from collab.federation.models import KeyRefusal
from collab.federation.remote import keep_actor
from collab.federation.signatures import Refused
from collab.people.models import ActorKind, Key
from collab.people.queries import actor_by_iri

if TYPE_CHECKING:
    from collab.federation.house import Federation

FRESH = timedelta(hours=24)
REFUSED_FOR = timedelta(minutes=10)
"""How long a key that does not exist is not asked for again."""
AWAY_FOR = timedelta(seconds=20)
"""The same for a host that did not answer: it may be back at once."""
REFETCH_AFTER = timedelta(seconds=60)
MOST_PAGES, MOST_ON_PAGE = 5, 100
"""Of somebody's list of all keys (R29)."""
NO_KEY_ID = partial(Refused, 401, "bad_key_id", "The key id is not an https address.")
_WITH_ACTOR = select(Key).where(Key.key_id == bindparam("key_id")).options(joinedload(Key.actor))
PURSE = "waited for keys"
"""What pays for the time that the keys of logs take."""
SILENT_FOR = 60
"""Seconds for which a host that let us wait is not asked for keys of logs."""
NEW_PER_HOUR = 120
"""Keys of unknown people of one domain (hygiene.domain_of) that are fetched in an hour for one
place, and for all whose signature then held (R29)."""
FAILED, FAILED_IN = 100, 600
"""Keys that could not be had, in so many seconds, for one place (R29, R51)."""

KNOWN_PER_HOUR, CHANGES_PER_HOUR = 1200, 6
"""The same for people known here, all of a host and each, for one place: a house may change all
its keys."""


def find_key(
    federation: Federation,
    key_id: str,
    allowed: Callable[[str], bool],
    payer: Payer | None = None,
    *,
    hurried: bool = False,
) -> PublicKey:
    """The key with that id. `allowed(host)` says whom we may ask. See Federation.find_key.

    `hurried`: for one of many entries of a log, whose hosts together get little of our time.
    """
    host = federation.host_of(key_id, otherwise=NO_KEY_ID)
    if host != federation.host and not allowed(host):
        raise Refused(403, "host_refused", "This host is not let in here.")
    row = _row(federation, key_id)
    if row is not None and (row.actor.local or _fresh(row, federation.now())):
        return _public(row)
    if host == federation.host:
        raise Refused(401, "unknown_key", "There is no such key.")
    stale = _public(row) if row is not None else None
    _check_refusals(federation, key_id, stale)
    payer = payer or Payer()
    if not _may_ask(federation, host, key_id, payer):
        raise Refused(429, "too_many", "Too many unknown keys of this host.")
    try:
        return (_in_time if hurried else _fetch)(federation, key_id)
    except _Away as away:
        if stale is not None:
            return stale
        _remember_refusal(federation, key_id, AWAY_FOR, payer)
        raise Refused(503, "key_unreachable", "The host of the key does not answer.") from away
    except (BadKey, actors.BadActor, Unfetched, Problem) as error:
        _remember_refusal(federation, key_id, REFUSED_FOR, payer)
        raise Refused(401, "unknown_key", "The key cannot be had.") from error


def _in_time(federation: Federation, key_id: str) -> PublicKey:
    """Fetch it, unless its host let us wait before or too many did. Raises _Away then, too.

    The key of a project that is known here is asked for at any rate: without it nothing of its
    log can be read.
    """
    owner = actor_by_iri(federation.session, key_id.partition("#")[0])
    if owner is not None and owner.kind == ActorKind.GROUP:
        return _fetch(federation, key_id)
    if not patience.may_ask(federation, key_id, PURSE, SILENT_FOR):
        raise _Away("no time for this host")
    with patience.counted(federation, key_id, PURSE):
        return _fetch(federation, key_id)


def _may_ask(federation: Federation, host: str, key_id: str, payer: Payer) -> bool:
    """Strangers' keys are few in an hour (R29); whom we know may have new ones, all at once.

    Counted for each payer: a key id costs nothing to claim, and must use up nothing of those who
    are who they say (R51).
    """
    owner, by = key_id.partition("#")[0], payer.name
    spend = federation.strangers.spend
    if by and not federation.strangers.has(f"failed keys by {by}", FAILED, FAILED_IN):
        return False
    if actor_by_iri(federation.session, owner) is not None:
        return spend(f"key of {owner} by {by}", CHANGES_PER_HOUR, 3600) and spend(
            f"changes {host} by {by}", KNOWN_PER_HOUR, 3600
        )
    payer.met = domain_of(host)
    few = federation.budget.has(_verified(payer), NEW_PER_HOUR, 3600)
    return few and spend(f"key {payer.met} by {by}", NEW_PER_HOUR, 3600)


def paid(federation: Federation, payer: Payer) -> None:
    """The signature held: who was unknown until now counts against their own domain (R29)."""
    if payer.met:
        federation.budget.spend(_verified(payer), NEW_PER_HOUR, 3600)


def _verified(payer: Payer) -> str:
    return f"key {payer.met}"


def in_use(key: PublicKey) -> PublicKey:
    """The key, when its owner has not revoked it. Raises Refused (FEDERATION.md 2.1)."""
    if key.revoked is not None:
        raise Refused(401, "revoked_key", "The key was revoked by its owner.")
    return key


def refresh_key(federation: Federation, key_id: str, payer: Payer) -> bool:
    """Fetch a remembered key again: once in five minutes, 20 a minute for a payer (2.3 point 8).

    Returns whether the key is another now.
    """
    row = _row(federation, key_id)
    now = federation.now()
    if row is None or row.actor.local or _age(row, now) < REFETCH_AFTER:
        return False
    host, before = row.actor.host, row.public
    again = federation.strangers.spend(f"again at {host} by {payer.name}", 20, 60)
    if not (again and federation.budget.spend(f"again {key_id}", 1, 300)):
        return False
    try:
        _fetch(federation, key_id)
    except (_Away, BadKey, actors.BadActor, Unfetched, Problem):
        return False
    found = _row(federation, key_id)
    return found is not None and found.public != before


class _Away(Exception):
    """The host of the key did not answer, or not in a state to."""


def _fetch(federation: Federation, key_id: str) -> PublicKey:
    """Fetch what the key id points to, then its owner when that is another document."""
    document = _get(federation, key_id.partition("#")[0])
    try:
        found = key_from_document(document, key_id)
    except BadKey:
        entry = _among_all(federation, document, key_id)
        if entry is None:
            raise
        found = key_from_document(document | {"assertionMethod": [entry]}, key_id)
    if isinstance(found, Claim):
        document = _get(federation, found.owner)
        found = key_from_document(document, key_id, claim=found)
    if isinstance(found, Claim):
        raise BadKey("nobody owns this key")
    keep_actor(federation, document, also=found)
    return found


def _among_all(
    federation: Federation, document: dict[str, object], key_id: str
) -> dict[str, object] | None:
    """The key in an actor's list of all its keys, some pages of it; None when it is not there."""
    listed, whose = document.get("allKeys"), str(document.get("id"))
    if not isinstance(listed, str) or not same_origin(listed, whose):
        return None
    page: object = _get(federation, listed).get("first")
    for _ in range(MOST_PAGES):
        if not isinstance(page, str) or not same_origin(page, whose):
            return None
        told = _get(federation, page)
        items = told.get("orderedItems")
        for entry in items[:MOST_ON_PAGE] if isinstance(items, list) else ():
            if isinstance(entry, dict) and entry.get("id") == key_id:
                return entry
        page = told.get("next")
    return None


def _get(federation: Federation, iri: str) -> dict[str, object]:
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
        if error.code == "unreachable" or error.status >= 500 or error.status == 429:
            raise _Away(str(error)) from error
        raise


def _row(federation: Federation, key_id: str) -> Key | None:
    return federation.session.scalar(_WITH_ACTOR, {"key_id": key_id})


def _public(row: Key) -> PublicKey:
    try:
        return actors.public_key(row)
    except BadKey as error:
        raise Refused(401, "unknown_key", "The key cannot be read.") from error


def _age(row: Key, now: datetime) -> timedelta:
    return now - (row.fetched_at or row.created_at)


def _fresh(row: Key, now: datetime) -> bool:
    return _age(row, now) < FRESH


def _check_refusals(federation: Federation, key_id: str, stale: PublicKey | None) -> None:
    """Do not ask again for what was refused a moment ago (CVE-2026-34148: a fetch per request)."""
    row = federation.session.get(KeyRefusal, key_id)
    if row is not None and row.until > federation.now() and stale is None:
        raise Refused(503 if row.away else 401, "unknown_key", "The key cannot be had.")


def _remember_refusal(
    federation: Federation, key_id: str, how_long: timedelta, payer: Payer
) -> None:
    at = federation.now()
    federation.strangers.spend(f"failed keys by {payer.name}", FAILED, FAILED_IN)
    with writing(federation.session) as session:
        session.execute(delete(KeyRefusal).where(KeyRefusal.until <= at))
        session.merge(KeyRefusal(key_id=key_id, until=at + how_long, away=how_long == AWAY_FOR))
