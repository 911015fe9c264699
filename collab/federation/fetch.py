"""Ask other hosts in signed words, and believe a document only at its own address."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol
from urllib.parse import urljoin

from collab.federation.hosts import BadHost, Location, locate, same_origin
from collab.federation.keys import SigningKey
from collab.federation.signatures import SCHEMES, cavage, rfc9421
from collab.federation.signatures.message import is_activity_type
from collab.federation.strictjson import MAX_BYTES, Malformed, parse
from collab.federation.transport import Answer, Transport, Unreachable

ACCEPT = 'application/activity+json, application/ld+json; profile="https://www.w3.org/ns/activitystreams"'
ACTIVITY_JSON = "application/activity+json"

# Remembered of a host that says it reads RFC 9421 by Ed25519 keys (2.2 point 2).
ED25519 = "rfc9421-ed25519"
_MAX_REDIRECTS = 3
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_SAME_METHOD = frozenset({307, 308})
# The answers that mean "not signed as I like it". Mastodon asks 401, NodeBB 400.
_KNOCK_AGAIN = frozenset({400, 401})
_MAX_KNOCKS = 3
_AHEAD = timedelta(days=1)
# What we can compute and are willing to add when a peer names it in Accept-Signature.
_ADDABLE = ("@authority", "@path", "@query", "host", "content-type")


class Unfetched(Exception):
    """A document that cannot be had, or not believed.

    `code`: `unreachable` (`detail` says why), `status`, `redirect`, `wrong_type`, `malformed`,
    `wrong_id`, `in_future`. `status`: the HTTP status of the last answer, 0 without one.
    """

    def __init__(self, code: str, detail: str, status: int = 0) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail
        self.status = status


class Memory(Protocol):
    """Which scheme a host has understood, or ED25519. Kept 30 days by who implements it."""

    def get(self, host: str, /) -> str | None: ...

    def learned(self, host: str, scheme: str, /) -> None: ...


@dataclass(frozen=True)
class _Asked:
    """One request, before it is signed; the bytes stay the same however often it is sent."""

    method: str
    url: str
    host: str
    body: bytes
    content_type: str


@dataclass(frozen=True)
class _Attempt:
    """One way to sign it."""

    scheme: str
    components: tuple[str, ...] = ()
    without_query: bool = False
    edwards: bool = False


class Signer:
    """Send signed requests, and knock a second time in the other scheme. FEDERATION.md 2.2.

    An unknown host is asked by draft-cavage first, the scheme every server reads. On 400 or 401
    the same request is signed again by the other scheme; at most three requests for one address.
    A host that says it reads RFC 9421 by Ed25519 is asked so first, by `edwards` or by `key`.
    """

    def __init__(
        self,
        key: SigningKey,
        transport: Transport,
        memory: Memory,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        edwards: SigningKey | None = None,
    ) -> None:
        self._key = key
        self._edwards = edwards
        self._transport = transport
        self._memory = memory
        self._clock = clock

    def get(self, url: str, *, limit: int = MAX_BYTES, deadline: float = 10.0) -> Answer:
        """Ask for a document; redirects are the caller's. `deadline`: seconds in all.

        Raises Unreachable.
        """
        return self._knock(_asked("GET", url), limit, time.monotonic() + deadline)

    def post(
        self, url: str, body: bytes, content_type: str = ACTIVITY_JSON, *, deadline: float = 10.0
    ) -> Answer:
        """Deliver a body. A redirect 307 or 308 within the host is followed, signed anew.

        `deadline`: seconds in all. Raises Unreachable.
        """
        ends = time.monotonic() + deadline
        answer = self._knock(_asked("POST", url, body, content_type), MAX_BYTES, ends)
        for _ in range(_MAX_REDIRECTS):
            target = urljoin(answer.url, answer.headers.get("location", ""))
            if answer.status not in _SAME_METHOD or not same_origin(target, answer.url):
                break
            answer = self._knock(_asked("POST", target, body, content_type), MAX_BYTES, ends)
        return answer

    def _knock(self, asked: _Asked, limit: int, ends: float) -> Answer:
        known = self._memory.get(asked.host)
        scheme = rfc9421.NAME if known == ED25519 else str(known)
        edwards = known == ED25519 and self._edwards is not None
        first = _Attempt(scheme if scheme in SCHEMES else cavage.NAME, edwards=edwards)
        answer = self._send(asked, first, limit, ends)
        if answer.status not in _KNOCK_AGAIN:
            if asked.method == "POST" and known not in (first.scheme, ED25519):
                self._learn(asked.host, first, answer)
            return answer
        for attempt in _more_attempts(asked, first, answer):
            answer = self._send(asked, attempt, limit, ends)
            if answer.status not in _KNOCK_AGAIN:
                self._learn(asked.host, attempt, answer)
                break
        return answer

    def _send(self, asked: _Asked, attempt: _Attempt, limit: int, ends: float) -> Answer:
        return self._transport.request(
            asked.method,
            asked.url,
            headers=self._headers(asked, attempt) | {"Accept": ACCEPT},
            body=asked.body,
            limit=limit,
            deadline=ends - time.monotonic(),
        )

    def _headers(self, asked: _Asked, attempt: _Attempt) -> dict[str, str]:
        """Sign now: the date is part of what is signed."""
        kind, key = asked.content_type, (attempt.edwards and self._edwards) or self._key
        what = (asked.method, asked.url, asked.body, key, self._clock())
        if attempt.scheme == rfc9421.NAME:
            return rfc9421.sign(*what, content_type=kind, components=attempt.components)
        return cavage.sign(*what, content_type=kind, without_query=attempt.without_query)

    def _learn(self, host: str, attempt: _Attempt, answer: Answer) -> None:
        if 200 <= answer.status < 300 and not attempt.without_query:
            self._memory.learned(host, attempt.scheme)


Sign = Callable[[str, str], dict[str, str]]
Way = Signer | Sign | None


def fetch_document(
    transport: Transport,
    iri: str,
    *,
    sign: Way,
    now: datetime,
    deadline: float = 10.0,
) -> dict[str, Any]:
    """Fetch an ActivityStreams document and return it, its `id` being where it was found.

    `sign` is a Signer (which knocks twice), or makes the headers of one request from method and
    address, or is None; every hop of at most three redirects is signed anew. A document whose
    `id` is elsewhere on the same host is fetched again from there, once. `deadline`: seconds in
    all. Whoever asked for one address and gets a document of another id believes the id.

    Raises Unfetched. FEDERATION.md R9, R10, R24, R41, R44.
    """
    ends = time.monotonic() + deadline
    answer = follow(transport, iri, sign, ends)
    document = _document(answer, now)
    if _is_at(document["id"], answer.url, iri):
        return document
    if not same_origin(document["id"], answer.url):
        raise Unfetched("wrong_id", "The document claims to be of another host.", answer.status)
    again = follow(transport, document["id"], sign, ends)
    second = _document(again, now)
    if not _is_at(second["id"], again.url, document["id"]):
        raise Unfetched("wrong_id", "The document is not where it says it is.", again.status)
    return second


def follow(
    transport: Transport, iri: str, sign: Way, ends: float, limit: int = MAX_BYTES
) -> Answer:
    """Ask; follow at most three redirects, each judged and signed anew (R24). Raises Unfetched."""
    url = iri
    seen: set[str] = set()
    while len(seen) <= _MAX_REDIRECTS:
        answer = _get(transport, url, sign, ends, limit)
        if answer.status not in _REDIRECTS:
            return answer
        seen.add(answer.url)
        url = _redirected(answer)
        if url in seen:
            raise Unfetched("redirect", "The redirects go round in circles.", answer.status)
    raise Unfetched("redirect", f"More than {_MAX_REDIRECTS} redirects.", answer.status)


def _get(transport: Transport, url: str, sign: Way, ends: float, limit: int) -> Answer:
    left = ends - time.monotonic()
    try:
        if isinstance(sign, Signer):
            return sign.get(url, limit=limit, deadline=left)
        url = _located(url).url
        headers = ({} if sign is None else sign("GET", url)) | {"Accept": ACCEPT}
        return transport.request("GET", url, headers=headers, limit=limit, deadline=left)
    except Unreachable as error:
        raise Unfetched("unreachable", str(error)) from error


def _redirected(answer: Answer) -> str:
    """Where an answer sends us, never from https to http."""
    try:
        place = locate(urljoin(answer.url, answer.headers.get("location", "")), allow_loopback=True)
    except ValueError as error:
        raise Unfetched("redirect", "A redirect to nowhere.", answer.status) from error
    if place.scheme != "https" and answer.url.startswith("https:"):
        raise Unfetched("redirect", "A redirect away from https.", answer.status)
    return place.url


def _document(answer: Answer, now: datetime) -> dict[str, Any]:
    if answer.status != 200:
        raise Unfetched("status", f"The answer is {answer.status}.", answer.status)
    if not is_activity_type(answer.headers.get("content-type", "")):
        raise Unfetched("wrong_type", "The answer is not declared as ActivityStreams.", 200)
    try:
        document = parse(answer.body)
    except Malformed as error:
        raise Unfetched("malformed", f"The document is malformed: {error}.", 200) from error
    if not isinstance(document.get("id"), str):
        raise Unfetched("wrong_id", "The document has no id.", 200)
    _check_published(document.get("published"), now)
    return document


def _check_published(published: object, now: datetime) -> None:
    """Refuse what will be published in more than a day (R44); other oddities are the reader's."""
    try:
        moment = datetime.fromisoformat(published) if isinstance(published, str) else now
    except ValueError:
        return
    if (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) > now + _AHEAD:
        raise Unfetched("in_future", "The document is of tomorrow or later.", 200)


def _is_at(identity: str, url: str, asked: str) -> bool:
    """Whether an id is the address of its document; a fragment counts only when asked for."""
    if "#" in identity and identity != asked:
        return False
    plain = identity.partition("#")[0]
    if plain.isascii():
        return plain == url
    try:
        return locate(plain, allow_loopback=True).url == url
    except BadHost:
        return False


def _more_attempts(asked: _Asked, first: _Attempt, answer: Answer) -> list[_Attempt]:
    """What is still worth trying after 400 or 401, by the first key: at most two more requests."""
    asked_for = answer.headers.get("accept-signature", "")  # its key and algorithm are our choice
    wanted = tuple(name for name in _ADDABLE if f'"{name}"' in asked_for)
    if wanted:
        attempts = [_Attempt(rfc9421.NAME, components=wanted)]
        attempts += [_Attempt(cavage.NAME)] if first.scheme != cavage.NAME else []
    else:
        attempts = [plain for name in SCHEMES if (plain := _Attempt(name)) != first]
    if asked.method == "GET" and "?" in asked.url and answer.status == 401:
        attempts.append(_Attempt(cavage.NAME, without_query=True))
    return attempts[: _MAX_KNOCKS - 1]


def _asked(method: str, url: str, body: bytes = b"", content_type: str = ACTIVITY_JSON) -> _Asked:
    place = _located(url)
    return _Asked(method, place.url, place.host, body, content_type)


def _located(url: str) -> Location:
    try:
        return locate(url, allow_loopback=True)
    except BadHost as error:
        raise Unreachable("address", str(error)) from error
