"""Applications introduce themselves here (RFC 7591), and where answers to them may be sent.

Secrets are kept as SHA-256 digests only; all of them are random and long, so that is enough.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

from sqlalchemy import delete, exists

from collab.core.errors import Invalid
from collab.core.i18n import N_
from collab.core.work import Work
from collab.people.models import OAuthClient, OAuthCode, Token
from collab.people.tokens import SCOPES

KEPT_UNUSED = timedelta(days=30)
"""How long an application that nobody ever authorised stays registered."""
MOST_REDIRECTS, LONGEST_REDIRECT = 10, 1000
OWN_SCHEME = re.compile(r"[a-z][a-z0-9+-]*(\.[a-z0-9+-]+)+")
LOOPBACK = ("127.0.0.1", "[::1]", "localhost")


def digest(secret: str) -> str:
    """What is kept of a random secret."""
    return hashlib.sha256(secret.encode()).hexdigest()


@dataclass(frozen=True)
class RegisterApplication:
    """`redirect_uris`: where answers may be sent. `confidential`: it can keep a secret."""

    name: str
    redirect_uris: tuple[str, ...]
    scope: str = "read"
    confidential: bool = False


def register_application(work: Work, given: RegisterApplication) -> tuple[OAuthClient, str]:
    """Let an application introduce itself (RFC 7591). Anybody may; it can do nothing yet.

    Returns the application and its secret, the only time that can be seen; empty if it has none.

    Raises:
        Invalid: no name, an unknown scope, an address that answers must not be sent to.
    """
    errors = {}
    name = " ".join(given.name.split())[:80]
    if not name:
        errors["name"] = N_("L’application doit dire comment elle s’appelle.")
    if not given.scope.split() or set(given.scope.split()) - set(SCOPES):
        errors["scope"] = N_("L’application demande un droit qui n’existe pas.")
    if not 0 < len(given.redirect_uris) <= MOST_REDIRECTS or not all(
        may_redirect_to(uri) for uri in given.redirect_uris
    ):
        errors["redirect_uris"] = N_(
            "L’application donne une adresse de retour qui ne convient pas."
        )
    if errors:
        raise Invalid(**errors)
    _forget_unused(work)
    secret = secrets.token_urlsafe(32) if given.confidential else ""
    row = OAuthClient(
        client_id=secrets.token_urlsafe(18),
        secret_digest=digest(secret) if secret else None,
        name=name,
        redirect_uris=list(given.redirect_uris),
        scope=in_order(given.scope),
        created_at=work.now,
    )
    work.session.add(row)
    work.session.flush()
    return row, secret


def may_redirect_to(uri: str) -> bool:
    """Whether answers may go there: https, this machine, or an app's own scheme (RFC 8252, 7)."""
    try:
        parts = urlsplit(uri)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return False
    plain = uri.isascii() and uri.isprintable() and " " not in uri and "\\" not in uri
    if not plain or "#" in uri or "@" in parts.netloc or len(uri) > LONGEST_REDIRECT:
        return False
    if parts.scheme == "https":
        return bool(host)
    if parts.scheme == "http":
        return parts.netloc.removesuffix(f":{port}") in LOOPBACK
    return OWN_SCHEME.fullmatch(parts.scheme) is not None


def redirects_to(client: OAuthClient, uri: str) -> bool:
    """Whether `uri` is one the application registered; on this machine any port will do."""
    return uri in client.redirect_uris or _portless(uri) in {
        _portless(known) for known in client.redirect_uris if known.startswith("http://")
    }


def _portless(uri: str) -> str:
    parts = urlsplit(uri)
    if parts.scheme != "http" or not may_redirect_to(uri):
        return uri
    return parts._replace(netloc=parts.netloc.removesuffix(f":{parts.port}")).geturl()


def _forget_unused(work: Work) -> None:
    tokens = exists().where(Token.client_id == OAuthClient.client_id)
    codes = exists().where(OAuthCode.client_id == OAuthClient.client_id)
    work.session.execute(
        delete(OAuthClient).where(OAuthClient.created_at < work.now - KEPT_UNUSED, ~tokens, ~codes)
    )


def in_order(scope: str) -> str:
    """The known scopes among those, always in the same order."""
    wanted = scope.split()
    return " ".join(known for known in SCOPES if known in wanted)
