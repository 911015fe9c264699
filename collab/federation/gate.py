"""The way in: who sent this, is it theirs, is it well formed (FEDERATION.md 2.3, in its order).

Nothing here changes what a project holds; what passes is an Arrival, which the inbox takes up.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from collab.core.places import place_of
from collab.federation.budget import Payer
from collab.federation.gone import is_gone
from collab.federation.keyring import paid
from collab.federation.proofs import verify_proof
from collab.federation.signatures import (
    Message,
    Refused,
    Verified,
    check_envelope,
    key_id_of,
    verify,
)
from collab.federation.strictjson import Malformed, multihash, parse
from collab.federation.vocab import MAX_IRI
from collab.people.queries import actor_by_iri

if TYPE_CHECKING:
    from collab.federation.house import Federation
    from collab.federation.keys import PublicKey

log = logging.getLogger(__name__)
Json = dict[str, Any]
AHEAD = timedelta(days=1)
MAX_ADDRESSED, MAX_TAGS, MAX_ATTACHED, MAX_OPTIONS = 200, 100, 32, 100
NO_HOST = partial(Refused, 401, "bad_host", "An address is not one we speak with.")
INBOX_RATE = 3000
"""Activities that one host may bring in a minute, and one place in a host's name (R51)."""
BYTES = 200_000_000
"""Bytes of what it brings that are kept in a day (R53): tens of thousands of texts."""
PEERING = frozenset({"Follow", "Accept", "Reject", "Undo"})
"""What an instance that is not linked may say: these, about the link itself (R55)."""
FAREWELLS = frozenset({"Delete", "Update"})
CREATED = re.compile(r";\s*created=(\d{9,12})|\bcreated=\"?(\d{9,12})")


@dataclass(frozen=True)
class Sender:
    """Who signed a request, of which host they are, and with what: `rsa` or `ed25519`."""

    actor_id: str
    host: str
    key_id: str
    scheme: str
    algorithm: str


@dataclass(frozen=True)
class Arrival:
    """An activity that is its actor's own word. `scheme` says how that was shown.

    `digest` is the multihash of `raw`, the bytes that came; `offset` is how many seconds the
    sender's clock is ahead of ours, as far as the signature tells.
    """

    activity: Json
    actor: str
    host: str
    sender: Sender
    scheme: str
    raw: bytes
    digest: str
    offset: float | None

    @property
    def id(self) -> str:
        """The activity's own id."""
        return str(self.activity["id"])

    @property
    def verb(self) -> str:
        """Its type."""
        return str(self.activity["type"])


def authenticate(federation: Federation, message: Message) -> Sender:
    """Who signed this request; any method. May ask another host for the key.

    Raises Refused: 401 without a valid signature, 403 for a host that is not let in.
    """
    return _verified(federation, message, asking=False)


def turn_of(federation: Federation, message: Message) -> AbstractContextManager[None]:
    """A turn for what comes in a host's name from one place (R56). Raises Refused as `receive`."""
    check_envelope(message)
    host = federation.host_of(key_id_of(message), otherwise=NO_HOST)
    return federation.turns.taken(f"{host} by {place_of(message.address)}")


def receive(federation: Federation, message: Message) -> Arrival | None:
    """Let one activity in, or say why not. None when it is about somebody nobody here knows.

    May ask the sender's host for a key; the read transaction is ended before (R56).

    Raises Refused with the status to answer.
    """
    check_envelope(message)
    host = federation.host_of(key_id_of(message), otherwise=NO_HOST)
    standing = federation.standing(host)
    if standing == "none" or host == federation.host:
        raise Refused(403, "host_refused", "This host is not let in here.")
    place = place_of(message.address)
    if not federation.strangers.spend(f"inbox {host} by {place}", INBOX_RATE, 60):
        raise Refused(429, "too_many", "Too many activities of this host in a minute.")
    if standing == "asking" and not _is_about_the_link(message):
        raise Refused(403, "host_refused", "This host is not let in here.")
    if _is_strangers_farewell(federation, message):
        return None
    sender = _verified(federation, message, asking=standing == "asking")
    if not federation.budget.spend(f"inbox {sender.host}", INBOX_RATE, 60):
        raise Refused(429, "too_many", "Too many activities of this host in a minute.")
    if kept(federation, sender.host) >= BYTES:
        raise Refused(429, "too_much", "Too many bytes of this host are kept since a day.")
    activity = _read(message.body)
    actor = _single_actor(federation, activity)
    scheme = _belief(federation, activity, actor, sender)
    _check_shape(federation, activity, actor)
    return Arrival(
        activity=activity,
        actor=actor,
        host=federation.host_of(actor, otherwise=NO_HOST),
        sender=sender,
        scheme=scheme,
        raw=message.body,
        digest=multihash(message.body),
        offset=_offset(message, federation.now()),
    )


def kept(federation: Federation, host: str, more: int = 0) -> int:
    """How many bytes of what a host sent are kept since a day, with some more (R53)."""
    return federation.budget.weigh(f"bytes of {host}", more, 86_400)


def _verified(federation: Federation, message: Message, *, asking: bool) -> Sender:
    """Verify the signature; once more when the key may have changed (2.3 point 8)."""
    key_id, payer = key_id_of(message), Payer(place_of(message.address))
    find = federation.find_peer_key if asking else federation.find_key
    try:
        verified = _verify(federation, message, partial(find, payer=payer))
    except Refused as refused:
        if refused.code != "bad_signature" or not federation.refresh_key(key_id, payer):
            raise
        verified = _verify(federation, message, partial(find, payer=payer))
    paid(federation, payer)
    if not isinstance(verified, Verified):  # never a truthy something else (2.3 point 9)
        raise Refused(401, "bad_signature", "The signature does not match the request.")
    host = federation.host_of(verified.actor_id, otherwise=NO_HOST)
    return Sender(verified.actor_id, host, verified.key_id, verified.scheme, verified.algorithm)


def _verify(federation: Federation, message: Message, find: Callable[[str], PublicKey]) -> Verified:
    return verify(message, scheme_host=federation.origin, find_key=find, now=federation.now())


def _read(body: bytes) -> Json:
    try:
        return parse(body)
    except Malformed as error:
        raise Refused(400, "malformed", f"The activity is malformed: {error}.") from error


def _peek(body: bytes) -> Json:
    """The activity before it is believed, for refusals that cost nothing; {} when unreadable."""
    try:
        return parse(body)
    except Malformed:
        return {}


def _is_about_the_link(message: Message) -> bool:
    told = _peek(message.body)
    return str(told.get("type")) in PEERING and isinstance(told.get("actor"), str)


def _is_strangers_farewell(federation: Federation, message: Message) -> bool:
    """Somebody unknown here deletes or updates themselves: nothing to do or fetch (R52)."""
    told = _peek(message.body)
    thing, actor = told.get("object"), told.get("actor")
    about = thing.get("id") if isinstance(thing, dict) else thing
    if str(told.get("type")) not in FAREWELLS or not isinstance(actor, str) or about != actor:
        return False
    return actor_by_iri(federation.session, actor) is None


def _single_actor(federation: Federation, activity: Json) -> str:
    """The one actor of an activity, who is not one of ours (R3, R20)."""
    actor = activity.get("actor")
    if not isinstance(actor, str) or len(actor) > MAX_IRI:
        raise Refused(400, "no_actor", "The activity names no single actor.")
    if federation.is_ours(actor):
        raise Refused(401, "our_actor", "The activity claims to be of one of our own actors.")
    return actor


def _belief(federation: Federation, activity: Json, actor: str, sender: Sender) -> str:
    """How the actor's word is shown: a proof decides when there is one, else the signature (R1).

    Proofs travel with the activity into the project's log, so a wrong one is never let in.
    """
    if "proof" in activity:
        find = federation.find_key if federation.admits(sender.host) else federation.find_peer_key
        find = partial(find, payer=Payer(sender.host))
        if verify_proof(activity, find, federation.now()) == actor:
            if actor != sender.actor_id:
                log.info("relayed activity id=%s by=%s", activity.get("id"), sender.actor_id)
            return "proof" if actor != sender.actor_id else sender.scheme
        raise Refused(401, "wrong_actor", "The proof is somebody else's.")
    if actor == sender.actor_id:
        return sender.scheme
    if is_gone(federation, activity, actor, sender.actor_id):
        return "fetched"
    raise Refused(401, "wrong_actor", "The activity is not the signer's own.")


def _check_shape(federation: Federation, activity: Json, actor: str) -> None:
    """Ids, dates and sizes that hold for every verb (R2, R15, R38, R44)."""
    identity, verb = activity.get("id"), activity.get("type")
    host = partial(federation.host_of, otherwise=NO_HOST)
    if not isinstance(identity, str) or not 0 < len(identity) <= MAX_IRI:
        raise Refused(400, "no_id", "The activity has no id.")
    if not isinstance(verb, str) or len(verb) > 100:
        raise Refused(400, "no_type", "The activity has no type.")
    if host(identity) != host(actor):
        raise Refused(401, "foreign_id", "The id of the activity is of another host.")
    thing = activity.get("object")
    if verb == "Announce" and isinstance(thing, dict) and thing.get("type") == "Announce":
        raise Refused(400, "nested", "An announcement of an announcement.")
    for part in (activity, thing if isinstance(thing, dict) else {}):
        _check_sizes(part)
        _check_date(part.get("published"), federation.now())


def _check_sizes(part: Json) -> None:
    addressed = _count(part.get("to")) + _count(part.get("cc"))
    over = (
        addressed > MAX_ADDRESSED
        or _count(part.get("tag")) > MAX_TAGS
        or _count(part.get("attachment")) > MAX_ATTACHED
        or max(_count(part.get("oneOf")), _count(part.get("anyOf"))) > MAX_OPTIONS
    )
    if over:
        raise Refused(400, "too_many_parts", "The activity has too many parts.")


def _count(value: object) -> int:
    return len(value) if isinstance(value, list) else int(value is not None)


def _check_date(value: object, now: datetime) -> None:
    if value is None:
        return
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) else None
        far = at is not None and (at if at.tzinfo else at.replace(tzinfo=UTC)) > now + AHEAD
    except (ValueError, OverflowError):
        far, at = False, None
    if at is None or far:
        raise Refused(400, "bad_date", "A date of the activity is unreadable or to come.")


def _offset(message: Message, now: datetime) -> float | None:
    """How far the sender's clock is ahead of ours, in seconds; None when not told."""
    created = CREATED.search(message.value("signature-input") or message.value("signature") or "")
    try:
        if created:
            at = datetime.fromtimestamp(int(created[1] or created[2]), UTC)
        else:
            at = parsedate_to_datetime(message.value("date") or "")
        return round((at - now).total_seconds(), 1)
    except (ValueError, TypeError, OverflowError, OSError):
        return None
