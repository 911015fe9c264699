"""Sign requests and find out who signed: one module per scheme, one way in."""

from collections.abc import Callable
from datetime import datetime
from types import MappingProxyType
from typing import Protocol

from collab.federation.hosts import BadHost, host_of, locate
from collab.federation.keys import PublicKey, SigningKey
from collab.federation.signatures import cavage, rfc9421
from collab.federation.signatures.message import (
    Message,
    Refused,
    Verified,
    check_envelope,
    check_once,
)

__all__ = [
    "SCHEMES",
    "Message",
    "Refused",
    "Verified",
    "check_envelope",
    "key_id_of",
    "sign",
    "verify",
]


class Scheme(Protocol):
    """What a module of this package offers under one NAME."""

    NAME: str

    def sign(
        self,
        method: str,
        url: str,
        body: bytes,
        key: SigningKey,
        now: datetime,
        *,
        content_type: str = ...,
    ) -> dict[str, str]:
        """Return the headers that sign a request. FEDERATION.md 2.2."""

    def key_id_of(self, message: Message) -> str:
        """Return the key id that the request claims, without believing it."""

    def verify(
        self,
        message: Message,
        scheme_host: str,
        find_key: Callable[[str], PublicKey],
        now: datetime,
    ) -> PublicKey:
        """Return the key that signed, or raise Refused. FEDERATION.md 2.3."""


# In the order tried towards a host we know nothing of.
SCHEMES: MappingProxyType[str, Scheme] = MappingProxyType(
    {cavage.NAME: cavage, rfc9421.NAME: rfc9421}
)


def sign(
    method: str,
    url: str,
    body: bytes,
    key: SigningKey,
    scheme: str,
    now: datetime,
    *,
    content_type: str = "application/activity+json",
) -> dict[str, str]:
    """Return the headers that sign a request, `Host` and `Content-Type` among them.

    Called for each attempt: the time is part of what is signed. `scheme` is a key of SCHEMES.
    FEDERATION.md 2.2.
    """
    return SCHEMES[scheme].sign(method, url, body, key, now, content_type=content_type)


def key_id_of(message: Message) -> str:
    """Return the key id a request claims, so that its host can be refused before any lookup.

    Raises Refused: 400 for repeated headers or parameters, 401 when there is no readable
    signature or the key id is not an https address (http on loopback).
    """
    return _checked(_scheme(message).key_id_of(message), allow_loopback=True)


def verify(
    message: Message,
    *,
    scheme_host: str,
    find_key: Callable[[str], PublicKey],
    now: datetime,
) -> Verified:
    """Find out who signed a request, in the order of FEDERATION.md 2.3 points 2 to 9.

    `scheme_host` is our configured origin, `https://a.example`; no header ever replaces it.
    `find_key` raises Refused for a host it will not ask and for a key it cannot get; it is called
    once, after everything that can be checked without the key.

    A request with `Signature-Input` is verified by RFC 9421 alone: a failure never falls back to
    the older scheme. Raises Refused; `bad_signature` is worth one retry with a refreshed key.
    """
    scheme = _scheme(message)
    if not message.target.startswith("/"):
        raise Refused(400, "bad_target", "The request target is not a path.")
    testing = locate(scheme_host, allow_loopback=True).is_loopback

    def found(key_id: str) -> PublicKey:
        key = find_key(_checked(key_id, allow_loopback=testing))
        if key.key_id != key_id:
            raise Refused(401, "bad_key_id", "The key found is not the key claimed.")
        return key

    key = scheme.verify(message, scheme_host, found, now)
    if key.end is not None and key.end < now:
        raise Refused(401, "expired_key", "The key is no longer in use.")
    return Verified(key.owner, key.key_id, scheme.NAME, key.algorithm)


def _scheme(message: Message) -> Scheme:
    check_once(message)
    if message.values("signature-input"):
        return rfc9421
    if message.values("signature"):
        return cavage
    raise Refused(401, "unsigned", "The request is not signed.")


def _checked(key_id: str, *, allow_loopback: bool) -> str:
    try:
        host_of(key_id, allow_loopback=allow_loopback)
    except BadHost as error:
        raise Refused(401, "bad_key_id", "The key id is not an https address.") from error
    return key_id
