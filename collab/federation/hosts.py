"""Spell the name of a host in exactly one way, or refuse it (FEDERATION.md R12, R25)."""

import re
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import quote

import idna

from collab.federation.vocab import MAX_IRI

_IRI = re.compile(r"(https?)://([^/?#]*)([^#]*)(#.*)?", re.IGNORECASE | re.DOTALL)
_FORBIDDEN = re.compile(r"[\x00-\x20\x7f-\xa0\\]")
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_LOOPBACK = re.compile(r"(127\.0\.0\.1|localhost|\[::1\]):([1-9][0-9]{0,4})")
# WHATWG URL 3.5: a name whose last label is a number is read as an IPv4 address.
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_DEFAULT_PORT = re.compile(r":(?:443)?\Z")
_MAX_NAME = 253


class BadHost(ValueError):
    """A text that is not the name of a host we would speak with."""


@dataclass(frozen=True)
class Location:
    """Where an IRI points: scheme, canonical host, name and port to dial, raw path and query."""

    scheme: str
    host: str
    name: str
    port: int
    target: str

    @property
    def origin(self) -> str:
        """Scheme and host: `https://a.example`."""
        return f"{self.scheme}://{self.host}"

    @property
    def url(self) -> str:
        """The address as it goes on the wire: what is signed and what is asked for."""
        return self.origin + self.target

    @property
    def is_loopback(self) -> bool:
        """Whether it is this machine itself, with a port: 127.0.0.1, localhost or [::1]."""
        return _LOOPBACK.fullmatch(self.host) is not None


@lru_cache(maxsize=1024)
def canonical_host(text: str, *, allow_loopback: bool = False) -> str:
    """Return the one spelling of a host name: lower case, A-labels, no trailing dot, no port.

    `allow_loopback` also accepts `127.0.0.1:PORT`, `localhost:PORT` and `[::1]:PORT`, the
    addresses of test and demonstration instances, port included.

    Raises BadHost for user info, backslash, control characters, other ports than 443, address
    literals, names of one label and labels outside letters, digits, hyphen. FEDERATION.md R12.
    """
    if not text or len(text) > _MAX_NAME + 5 or _FORBIDDEN.search(text):
        raise BadHost("not a host name")
    if allow_loopback and _is_loopback(text.lower()):
        return text.lower()
    name = _DEFAULT_PORT.sub("", text)
    if ":" in name or "[" in name:
        raise BadHost("an address or a port where a name belongs")
    return _named(_ascii(name).removesuffix("."))


def host_of(iri: str, *, allow_loopback: bool = False) -> str:
    """Return the canonical host of an `https` IRI (`http` only for a loopback host).

    Raises BadHost when the scheme, the host or a character of the IRI is refused.
    """
    return locate(iri, allow_loopback=allow_loopback).host


@lru_cache(maxsize=4096)
def locate(iri: str, *, allow_loopback: bool = False) -> Location:
    """Take an IRI apart into what is dialled and what is asked for. The fragment is dropped.

    Characters outside ASCII in the path are percent-encoded; nothing else is rewritten, so that
    the bytes signed are the bytes sent. At most 2048 characters.

    Raises BadHost as `host_of` does.
    """
    match = _IRI.fullmatch(iri)
    if match is None or len(iri) > MAX_IRI or _FORBIDDEN.search(iri):
        raise BadHost("not an https address")
    scheme, authority, target = match[1].lower(), match[2], match[3]
    host = canonical_host(authority, allow_loopback=allow_loopback)
    loopback = _LOOPBACK.fullmatch(host)
    if scheme == "http" and not loopback:
        raise BadHost("not an https address")
    name, port = (loopback[1], int(loopback[2])) if loopback else (host, 443)
    target = target if target.startswith("/") else "/" + target
    return Location(scheme, host, name, port, quote(target, safe=_ASCII))


def same_origin(a: str, b: str) -> bool:
    """Tell whether two IRIs have the same scheme, host and port. Never raises.

    Loopback hosts compare like any other: comparing opens no connection.
    """
    try:
        return _origin(a) == _origin(b)
    except BadHost:
        return False


@lru_cache(maxsize=1024)
def _origin(iri: str) -> str:
    """As `locate(iri).origin`; what stands behind the host is not taken apart."""
    plain = _PLAIN_IRI.fullmatch(iri)
    if plain is None or len(iri) > MAX_IRI:
        return locate(iri, allow_loopback=True).origin
    return _plain_origin(plain[1])


@lru_cache(maxsize=1024)
def _plain_origin(start: str) -> str:
    return locate(start, allow_loopback=True).origin


_PLAIN_IRI = re.compile(r"(https?://[a-z0-9.:-]+/)[A-Za-z0-9/_.~#?=&%@:-]*")
_ASCII = "".join(map(chr, range(0x21, 0x7F)))


def _is_loopback(text: str) -> bool:
    match = _LOOPBACK.fullmatch(text)
    return match is not None and int(match[2]) < 1 << 16


def _ascii(name: str) -> str:
    if name.isascii():
        return name.lower()
    try:
        return idna.encode(name, uts46=True, std3_rules=True).decode("ascii")
    except idna.IDNAError as error:
        raise BadHost("not an international host name") from error


def _named(name: str) -> str:
    labels = name.split(".")
    if len(labels) < 2 or len(name) > _MAX_NAME:
        raise BadHost("a host name has two labels or more")
    if not all(_LABEL.fullmatch(label) for label in labels):
        raise BadHost("a label has letters, digits and hyphens only")
    if _NUMBER.fullmatch(labels[-1]):
        raise BadHost("an address where a name belongs")
    for label in labels:
        _check_punycode(label)
    return name


def _check_punycode(label: str) -> None:
    """Refuse an A-label that no U-label encodes to: two spellings would look the same."""
    if label.startswith("xn--"):
        try:
            idna.ulabel(label)
        except idna.IDNAError as error:
            raise BadHost("not an international host name") from error
