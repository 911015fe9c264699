"""Ask another host in signed words, and once more in the other scheme. FEDERATION.md 2.2."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol
from urllib.parse import urljoin

from collab.federation.hosts import BadHost, Location, locate, same_origin
from collab.federation.keys import SigningKey
from collab.federation.signatures import SCHEMES, cavage, rfc9421
from collab.federation.strictjson import MAX_BYTES
from collab.federation.transport import Answer, Transport, Unreachable

ACCEPT = 'application/activity+json, application/ld+json; profile="https://www.w3.org/ns/activitystreams"'
ACTIVITY_JSON = "application/activity+json"

# Remembered of a host that says it reads RFC 9421 by Ed25519 keys (2.2 point 2).
ED25519 = "rfc9421-ed25519"
MAX_REDIRECTS = 3
_SAME_METHOD = frozenset({307, 308})
# The answers that mean "not signed as I like it". Mastodon asks 401, NodeBB 400.
_KNOCK_AGAIN = frozenset({400, 401})
_MAX_KNOCKS = 3
# What we can compute and are willing to add when a peer names it in Accept-Signature.
_ADDABLE = ("@authority", "@path", "@query", "host", "content-type")


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
        for _ in range(MAX_REDIRECTS):
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
    place = located(url)
    return _Asked(method, place.url, place.host, body, content_type)


def located(url: str) -> Location:
    """Where an address leads. Raises Unreachable for one that nobody may ask."""
    try:
        return locate(url, allow_loopback=True)
    except BadHost as error:
        raise Unreachable("address", str(error)) from error
