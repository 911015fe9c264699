"""An incoming request as the bytes say it, and the answers verification can give."""

import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import NoReturn

from collab.federation.hosts import BadHost, canonical_host, locate

MAX_BODY = 1 << 20
# A request is signed at most an hour ago, or five minutes ahead by a peer's clock.
OLDEST = timedelta(hours=1)
NEWEST = timedelta(minutes=5)

_ONCE = (
    "signature",
    "signature-input",
    "date",
    "digest",
    "content-digest",
    "host",
    "content-type",
    "content-length",
)
_ACTIVITYSTREAMS = "https://www.w3.org/ns/activitystreams"
_PARAMETER = re.compile(r';\s*([A-Za-z0-9-]+)\s*=\s*("[^"\\]*"|[^\s;"]+)\s*')


class Refused(Exception):
    """A request or a proof that is not believed.

    `status` is the HTTP status to answer, `code` a stable word for logs and counters, `detail`
    an English sentence that reveals nothing secret.
    """

    def __init__(self, status: int, code: str, detail: str) -> None:
        super().__init__(f"{status} {code}: {detail}")
        self.status = status
        self.code = code
        self.detail = detail


@dataclass(frozen=True)
class Message:
    """A request: `target` is the raw path and query, `headers` keep order and doubles, `address`
    is where it came from."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    address: str = ""

    def values(self, name: str) -> list[str]:
        """All values of a header, by its lower-case name, outer white space removed."""
        return self._by_name.get(name, [])

    def value(self, name: str) -> str | None:
        """The value of a header, several joined as RFC 9110 5.3 says; None when absent."""
        found = self.values(name)
        return ", ".join(found) if found else None

    @cached_property
    def _by_name(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for name, value in self.headers:
            found.setdefault(name.lower(), []).append(value.strip())
        return found

    @property
    def has_body(self) -> bool:
        """Whether a digest is due: every method that may carry content, and any content."""
        return bool(self.body) or self.method not in {"GET", "HEAD"}


@dataclass(frozen=True)
class Verified:
    """Who signed: the owner of the key, the key with its kind, and the scheme. Never tested for
    truth."""

    actor_id: str
    key_id: str
    scheme: str
    algorithm: str

    def __bool__(self) -> NoReturn:
        raise TypeError("a Verified is compared by its members, not by its truth")


def check_envelope(message: Message) -> None:
    """Check size and type before any parsing. FEDERATION.md 2.3 point 1.

    Raises Refused: 400 for a header sent twice, 413 above 1 MiB (declared or counted), 415 for a
    body of another type than ActivityStreams.
    """
    check_once(message)
    declared = message.value("content-length")
    if declared is not None and not re.fullmatch(r"[0-9]{1,18}", declared):
        raise Refused(400, "bad_length", "The length of the content is not a number.")
    if max(int(declared or 0), len(message.body)) > MAX_BODY:
        raise Refused(413, "too_large", "The content has more than 1 MiB.")
    if message.has_body and not is_activity_type(message.value("content-type") or ""):
        raise Refused(415, "wrong_type", "The content is not declared as ActivityStreams.")


def check_once(message: Message) -> None:
    """Refuse a repeated header that two readers could take differently. 2.3 point 2."""
    for name in _ONCE:
        if len(message.values(name)) > 1:
            raise Refused(400, "repeated_header", f"The header {name} is sent twice.")


def is_activity_type(content_type: str) -> bool:
    """Tell whether a Content-Type means ActivityStreams. ActivityPub 3.2; FEDERATION.md R10."""
    kind, _, rest = content_type.partition(";")
    kind = kind.strip().lower()
    if kind == "application/activity+json":
        return True
    if kind != "application/ld+json":
        return False
    parameters = {name.lower(): text.strip('"') for name, text in _PARAMETER.findall(";" + rest)}
    return _ACTIVITYSTREAMS in parameters.get("profile", "").split()


def check_host(message: Message, scheme_host: str) -> None:
    """Refuse a request whose Host is not that of our configured origin. 2.3 point 5."""
    ours = locate(scheme_host, allow_loopback=True).host
    try:
        theirs = canonical_host(message.value("host") or "", allow_loopback=True)
    except BadHost as error:
        raise Refused(401, "wrong_host", "The request is signed for another host.") from error
    if theirs != ours:
        raise Refused(401, "wrong_host", "The request is signed for another host.")


def check_content(message: Message, declared: bytes) -> None:
    """Refuse a body whose SHA-256 is not the declared one. 2.3 point 6."""
    if not hmac.compare_digest(declared, hashlib.sha256(message.body).digest()):
        raise Refused(401, "bad_digest", "The digest does not match the content.")


def check_time(moment: datetime, now: datetime) -> None:
    """Refuse a signature older than an hour or more than five minutes ahead. 2.3 point 4."""
    if moment < now - OLDEST:
        raise Refused(401, "too_old", "The request was signed more than an hour ago.")
    if moment > now + NEWEST:
        raise Refused(401, "in_future", "The request is signed more than five minutes ahead.")


def check_expiry(expires: datetime, now: datetime) -> None:
    """Refuse a signature whose declared end has passed. An end after an hour changes nothing."""
    if expires < now:
        raise Refused(401, "expired", "The signature has expired.")


def from_seconds(seconds: int, now: datetime) -> datetime:
    """Read a Unix time in seconds, in the zone of `now`. Raises Refused for an absurd one."""
    try:
        return datetime.fromtimestamp(seconds, now.tzinfo)
    except (OverflowError, OSError, ValueError) as error:
        raise Refused(401, "bad_time", "The time of the signature is unreadable.") from error
