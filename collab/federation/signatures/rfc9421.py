"""HTTP Message Signatures, RFC 9421, with the components that Mastodon and Fedify use."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import http_sf
from http_message_signatures import (
    HTTPMessageSignaturesException,
    HTTPMessageSigner,
    HTTPMessageVerifier,
    HTTPSignatureAlgorithm,
    HTTPSignatureKeyResolver,
    MappingKeyResolver,
)
from http_message_signatures.algorithms import ED25519, RSA_V1_5_SHA256

from collab.federation.hosts import locate
from collab.federation.keys import PublicKey, SigningKey
from collab.federation.signatures.message import (
    Message,
    Refused,
    check_content,
    check_expiry,
    check_host,
    check_time,
    from_seconds,
)

NAME = "rfc9421"

# Chosen from the key, never from the message: RFC 9421 3.3.7.
_ALGORITHMS: dict[str, type[HTTPSignatureAlgorithm]] = {"rsa": RSA_V1_5_SHA256, "ed25519": ED25519}
_LABEL = "sig1"


@dataclass
class _Request:
    """A request as the library wants to see it: absolute address, upper-case method."""

    method: str
    url: str
    headers: Any


class _Fields:
    """Read-only header lines that keep doubles."""

    def __init__(self, lines: tuple[tuple[str, str], ...]) -> None:
        self._lines = lines

    def items(self) -> tuple[tuple[str, str], ...]:
        return self._lines


@dataclass(frozen=True)
class _Claimed:
    """What Signature-Input says of itself."""

    key_id: str
    algorithm: str | None
    components: frozenset[str]
    created: int
    expires: int | None


class _Verifier(HTTPMessageVerifier):
    """The library's verifier, with times checked beforehand against the caller's clock."""

    def validate_created_and_expires(self, sig_input: Any, max_age: Any = None) -> None:
        """Do nothing: `verify` below has checked `created` and `expires` (2.3 point 4)."""


def sign(
    method: str,
    url: str,
    body: bytes,
    key: SigningKey,
    now: datetime,
    *,
    content_type: str = "application/activity+json",
    components: tuple[str, ...] = (),
) -> dict[str, str]:
    """Return the headers that sign a request. FEDERATION.md 2.2 point 2.

    `components` are signed in addition to `@method`, `@target-uri` and, with a body,
    `content-digest`.
    """
    place = locate(url, allow_loopback=True)
    headers = {"Host": place.host}
    covered = ["@method", "@target-uri"]
    has_body = method not in {"GET", "HEAD"}
    if has_body:
        headers["Content-Type"] = content_type
        covered.append("content-digest")
    covered += [name for name in components if name not in covered]
    signer = HTTPMessageSigner(
        signature_algorithm=_ALGORITHMS[key.algorithm],
        key_resolver=MappingKeyResolver(public_keys={}, private_keys={key.key_id: key.key}),
    )
    signer.sign(
        _Request(method, place.url, headers),
        key_id=key.key_id,
        created=now,
        label=_LABEL,
        covered_component_ids=covered,
        body=body if has_body else None,
    )
    return headers


def key_id_of(message: Message) -> str:
    """Return the key id that the request claims, without believing it."""
    return _claimed(message).key_id


def verify(
    message: Message, scheme_host: str, find_key: Callable[[str], PublicKey], now: datetime
) -> PublicKey:
    """Return the key that signed. FEDERATION.md 2.3 points 3 to 8, in that order.

    Raises Refused.
    """
    claimed = _claimed(message)
    _check_coverage(claimed, message)
    check_time(from_seconds(claimed.created, now), now)
    if claimed.expires is not None:
        check_expiry(from_seconds(claimed.expires, now), now)
    _check_host(claimed, message, scheme_host)
    if message.has_body:
        _check_digest(message)
    key = find_key(claimed.key_id)
    algorithm = _ALGORITHMS[key.algorithm]
    if claimed.algorithm not in {None, algorithm.algorithm_id}:
        raise Refused(401, "wrong_algorithm", "The algorithm is not the one of the key.")
    url = locate(scheme_host, allow_loopback=True).origin + message.target
    _check_signature(_Request(message.method, url, _Fields(message.headers)), key, algorithm)
    return key


def _check_signature(
    request: _Request, key: PublicKey, algorithm: type[HTTPSignatureAlgorithm]
) -> None:
    verifier = _Verifier(signature_algorithm=algorithm, key_resolver=_OneKey(key))
    try:
        results = verifier.verify(request, max_age=None)
    except HTTPMessageSignaturesException as error:
        raise Refused(401, "bad_signature", "The signature does not match the request.") from error
    if len(results) != 1 or results[0].parameters.get("keyid") != key.key_id:
        raise Refused(401, "bad_signature", "The signature does not match the request.")


class _OneKey(HTTPSignatureKeyResolver):
    """The key already found; the library asks for it by the id it parsed itself."""

    def __init__(self, key: PublicKey) -> None:
        self._key = key

    def resolve_public_key(self, key_id: str) -> Any:
        """Return the key, or None for another id than the one it was found under."""
        return self._key.key if key_id == self._key.key_id else None


def _claimed(message: Message) -> _Claimed:
    inputs = _dictionary(message.value("signature-input") or "")
    if len(inputs) != 1:
        raise Refused(401, "several_signatures", "The request carries several signatures.")
    members, parameters = next(iter(inputs.values()))
    key_id, algorithm = parameters.get("keyid"), parameters.get("alg")
    created, expires = parameters.get("created"), parameters.get("expires")
    if not isinstance(members, list) or not isinstance(key_id, str):
        raise Refused(401, "unreadable", "The Signature-Input header is incomplete.")
    if type(created) is not int or type(expires) not in {int, type(None)}:
        raise Refused(401, "bad_time", "The time of the signature is missing.")
    if not isinstance(algorithm, str | None):
        raise Refused(401, "wrong_algorithm", "The algorithm is not the one of the key.")
    plain = frozenset(name for name, options in members if isinstance(name, str) and not options)
    return _Claimed(key_id, algorithm, plain, created, expires)


def _dictionary(header: str) -> dict[str, Any]:
    """Parse a structured dictionary. RFC 8941 3.2; here a key given twice is refused."""

    def refuse(key: str, _context: str) -> None:
        raise Refused(400, "repeated_parameter", f"The parameter {key} is given twice.")

    try:
        found = http_sf.parse(header.encode("ascii"), tltype="dictionary", on_duplicate_key=refuse)
    except (ValueError, TypeError) as error:
        raise Refused(401, "unreadable", "A header of the signature is unreadable.") from error
    if not isinstance(found, dict):
        raise Refused(401, "unreadable", "A header of the signature is unreadable.")
    return found


def _check_coverage(claimed: _Claimed, message: Message) -> None:
    apart = {"@authority", "@path"} | ({"@query"} if "?" in message.target else set())
    covered = claimed.components
    if "@method" not in covered or not ("@target-uri" in covered or apart <= covered):
        raise Refused(401, "unsigned", "The signature leaves out what it must cover.")
    if message.has_body and "content-digest" not in covered:
        raise Refused(401, "unsigned", "The signature leaves out the digest of the content.")


def _check_host(claimed: _Claimed, message: Message, scheme_host: str) -> None:
    """`@authority` and `@target-uri` are computed from our own address; `host` is compared."""
    if "host" in claimed.components:
        check_host(message, scheme_host)


def _check_digest(message: Message) -> None:
    """Compare SHA-256 with the content, whatever other digests stand beside it. RFC 9530."""
    found = _dictionary(message.value("content-digest") or "").get("sha-256")
    declared = found[0] if isinstance(found, tuple) else None
    if not isinstance(declared, bytes):
        raise Refused(401, "bad_digest", "A SHA-256 digest of the content is missing.")
    check_content(message, declared)
