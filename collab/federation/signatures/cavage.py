"""HTTP signatures as nearly every server speaks them: draft-cavage-http-signatures-12."""

import base64
import binascii
import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256

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

NAME = "cavage"

_PIECE = re.compile(r'\s*([A-Za-z]+)\s*=\s*(?:"([^"\\]*)"|([0-9]+))\s*(?:,|\Z)')
_IMF_FIXDATE = re.compile(r"[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT")
_ALGORITHMS = {
    "rsa": frozenset({None, "hs2019", "rsa-sha256"}),
    "ed25519": frozenset({None, "hs2019", "ed25519"}),
}


@dataclass(frozen=True)
class _Claimed:
    """What a Signature header says of itself."""

    key_id: str
    algorithm: str | None
    names: tuple[str, ...]
    signature: bytes
    created: int | None
    expires: int | None


def sign(
    method: str,
    url: str,
    body: bytes,
    key: SigningKey,
    now: datetime,
    *,
    content_type: str = "application/activity+json",
    without_query: bool = False,
) -> dict[str, str]:
    """Return the headers that sign a request. FEDERATION.md 2.2 point 1.

    A request with a body signs its digest and type as well. `without_query` leaves the query out
    of what is signed, for the one server that checks it so (GoToSocial).
    """
    place = locate(url, allow_loopback=True)
    target = place.target.partition("?")[0] if without_query else place.target
    headers = {"Host": place.host, "Date": format_datetime(now.astimezone(UTC), usegmt=True)}
    if method not in {"GET", "HEAD"}:
        headers["Digest"] = "SHA-256=" + _b64(hashlib.sha256(body).digest())
        headers["Content-Type"] = content_type
    lines = [f"(request-target): {method.lower()} {target}"]
    lines += [f"{name.lower()}: {value}" for name, value in headers.items()]
    signature = _signature(key, "\n".join(lines).encode("ascii"))
    names = " ".join(line.partition(": ")[0] for line in lines)
    algorithm = "rsa-sha256" if key.algorithm == "rsa" else "hs2019"
    headers["Signature"] = (
        f'keyId="{key.key_id}",algorithm="{algorithm}",headers="{names}",'
        f'signature="{_b64(signature)}"'
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
    _check_times(claimed, message, now)
    check_host(message, scheme_host)
    if message.has_body:
        _check_digest(message)
    lines = "\n".join(f"{name}: {_line(name, claimed, message)}" for name in claimed.names)
    key = find_key(claimed.key_id)
    if claimed.algorithm not in _ALGORITHMS[key.algorithm]:
        raise Refused(401, "wrong_algorithm", "The algorithm is not the one of the key.")
    if not _matches(key, claimed.signature, lines.encode("latin-1", "replace")):
        raise Refused(401, "bad_signature", "The signature does not match the request.")
    return key


def _claimed(message: Message) -> _Claimed:
    parameters = _parameters(message.value("signature") or "")
    try:
        signature = base64.b64decode(parameters["signature"], validate=True)
        key_id = parameters["keyId"]
    except (KeyError, binascii.Error, ValueError) as error:
        raise Refused(401, "unreadable", "The Signature header is incomplete.") from error
    names = tuple(parameters.get("headers", "(created)").lower().split())
    return _Claimed(
        key_id,
        parameters.get("algorithm"),
        names,
        signature,
        _seconds(parameters, "created"),
        _seconds(parameters, "expires"),
    )


def _parameters(header: str) -> dict[str, str]:
    found: dict[str, str] = {}
    position = 0
    while position < len(header):
        piece = _PIECE.match(header, position)
        if piece is None:
            raise Refused(401, "unreadable", "The Signature header is unreadable.")
        name = piece[1]
        if name in found:
            raise Refused(400, "repeated_parameter", f"The parameter {name} is given twice.")
        found[name] = piece[2] if piece[2] is not None else piece[3]
        position = piece.end()
    return found


def _seconds(parameters: dict[str, str], name: str) -> int | None:
    text = parameters.get(name)
    if text is None:
        return None
    if not re.fullmatch(r"[0-9]{1,12}", text):
        raise Refused(401, "bad_time", "The time of the signature is unreadable.")
    return int(text)


def _check_coverage(claimed: _Claimed, message: Message) -> None:
    names = set(claimed.names)
    if len(names) != len(claimed.names):
        raise Refused(401, "unsigned", "A header is listed twice in the signature.")
    needed = {"(request-target)", "host"} | ({"digest"} if message.has_body else set())
    if not needed <= names or not names & {"date", "(created)"}:
        raise Refused(401, "unsigned", "The signature leaves out what it must cover.")
    by_name = (claimed.algorithm or "").startswith(("rsa", "hmac", "ecdsa"))
    if by_name and names & {"(created)", "(expires)"}:
        raise Refused(401, "wrong_algorithm", "This algorithm does not sign (created).")


def _check_times(claimed: _Claimed, message: Message, now: datetime) -> None:
    if "date" in claimed.names:
        check_time(_date(message.value("date") or ""), now)
    if "(created)" in claimed.names:
        check_time(from_seconds(_present(claimed.created), now), now)
    if claimed.expires is not None:
        check_expiry(from_seconds(claimed.expires, now), now)


def _date(text: str) -> datetime:
    try:
        if _IMF_FIXDATE.fullmatch(text):
            return parsedate_to_datetime(text)
    except ValueError:
        pass
    raise Refused(401, "bad_time", "The Date header is unreadable.")


def _check_digest(message: Message) -> None:
    found: dict[str, str] = {}
    for piece in (message.value("digest") or "").split(","):
        name, _, value = piece.strip().partition("=")
        if name.lower() in found:
            raise Refused(400, "repeated_parameter", "The digest is given twice.")
        found[name.lower()] = value
    try:
        declared = base64.b64decode(found["sha-256"], validate=True)
    except (KeyError, binascii.Error, ValueError) as error:
        raise Refused(401, "bad_digest", "A SHA-256 digest of the content is missing.") from error
    check_content(message, declared)


def _line(name: str, claimed: _Claimed, message: Message) -> str:
    if name == "(request-target)":
        return f"{message.method.lower()} {message.target}"
    if name == "(created)":
        return str(_present(claimed.created))
    if name == "(expires)":
        return str(_present(claimed.expires))
    value = message.value(name)
    if value is None:
        raise Refused(401, "unsigned", "The signature lists a header that is not there.")
    return value


def _present(seconds: int | None) -> int:
    if seconds is None:
        raise Refused(401, "unsigned", "The signature lists a time that it does not give.")
    return seconds


def _signature(key: SigningKey, text: bytes) -> bytes:
    if isinstance(key.key, Ed25519PrivateKey):
        return key.key.sign(text)
    return key.key.sign(text, padding.PKCS1v15(), SHA256())


def _matches(key: PublicKey, signature: bytes, text: bytes) -> bool:
    try:
        if isinstance(key.key, Ed25519PublicKey):
            key.key.verify(signature, text)
        else:
            key.key.verify(signature, text, padding.PKCS1v15(), SHA256())
    except InvalidSignature:
        return False
    return True


def _b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode("ascii")
