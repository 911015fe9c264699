"""Applications as Authlib sees them: what they may do, and how they introduce themselves."""

from __future__ import annotations

import hmac
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from authlib.oauth2.rfc6749 import ClientMixin
from authlib.oauth2.rfc7591 import ClientRegistrationEndpoint
from authlib.oauth2.rfc7591.claims import ClientMetadataClaims
from authlib.oauth2.rfc7591.errors import InvalidClientMetadataError, InvalidRedirectURIError
from flask import g

from collab.core.errors import Invalid
from collab.core.tongues import CODES
from collab.core.work import Actor, Work
from collab.people.models import OAuthClient
from collab.people.oauth import (
    RegisterApplication,
    digest,
    redirects_to,
    register_application,
)
from collab.people.tokens import SCOPES
from collab.web.runtime import current_runtime

AUTH_METHODS = ["none", "client_secret_basic", "client_secret_post"]
KEPT = ("redirect_uris", "client_name", "scope", "token_endpoint_auth_method")
GRANTS = ["authorization_code", "refresh_token"]


def metadata() -> dict[str, Any]:
    """What this server offers, and where (RFC 8414)."""
    origin = current_runtime().settings.origin
    return {
        "issuer": origin,
        "authorization_endpoint": f"{origin}/oauth/authorize",
        "token_endpoint": f"{origin}/oauth/token",
        "revocation_endpoint": f"{origin}/oauth/revoke",
        "registration_endpoint": f"{origin}/oauth/register",
        "scopes_supported": list(SCOPES),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": GRANTS,
        "token_endpoint_auth_methods_supported": AUTH_METHODS,
        "revocation_endpoint_auth_methods_supported": AUTH_METHODS,
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": True,
        "ui_locales_supported": list(CODES),
    }


@contextmanager
def serving(actor: Actor) -> Iterator[None]:
    """Let the server write as `actor`; commits when left without an error."""
    with current_runtime().work(actor) as g.oauth_work:
        yield


def current_work() -> Work:
    """The work that `serving` opened."""
    work: Work = g.oauth_work
    return work


class Client(ClientMixin):  # type: ignore[misc]
    """An application, with the questions Authlib asks of it."""

    def __init__(self, row: OAuthClient) -> None:
        self.row = row
        self.client_id = row.client_id

    def get_client_id(self) -> str:
        """The name this server has given the application."""
        return self.client_id

    def get_default_redirect_uri(self) -> str | None:
        """Where to send answers when none is named: only if there is one place."""
        return self.row.redirect_uris[0] if len(self.row.redirect_uris) == 1 else None

    def get_allowed_scope(self, scope: str | None) -> str | None:
        """None when something is asked for that the application did not register."""
        wanted = (scope or "read").split()
        return " ".join(wanted) if set(wanted) <= set(self.row.scope.split()) else None

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        """Whether the application has registered that place."""
        return redirects_to(self.row, redirect_uri)

    def check_client_secret(self, client_secret: str) -> bool:
        """Whether that is its secret, compared in constant time."""
        return hmac.compare_digest(self.row.secret_digest or "", digest(client_secret))

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        """Whether it introduces itself so: without a secret if it has none."""
        return (method == "none") == (self.row.secret_digest is None)

    def check_response_type(self, response_type: str) -> bool:
        """Only codes are given; no token travels in an address."""
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        """Whether this server gives tokens that way."""
        return grant_type in GRANTS


class Metadata(ClientMetadataClaims):  # type: ignore[misc]
    """Redirect addresses are judged by `may_redirect_to`, once, where they are kept."""

    def validate_redirect_uris(self) -> None:
        """Left to the operation."""


class Registration(ClientRegistrationEndpoint):  # type: ignore[misc]
    """Anybody's application may introduce itself (RFC 7591, open registration)."""

    def __init__(self, server: Any) -> None:
        super().__init__(server, [Metadata])

    def authenticate_token(self, asked: Any) -> bool:
        """Anybody may register an application; people decide what it may do."""
        return True

    def get_server_metadata(self) -> Mapping[str, Any]:
        """What this server offers, as its own page says it."""
        return metadata()

    def extract_client_metadata(self, asked: Any) -> dict[str, Any]:
        """What was sent and is kept; the answer says no more than that."""
        try:
            told = super().extract_client_metadata(asked)
        except (TypeError, ValueError, AttributeError) as error:
            raise InvalidClientMetadataError("A value is of the wrong kind.") from error
        return {name: told[name] for name in KEPT if name in told}

    def generate_client_info(self, asked: Any) -> dict[str, Any]:
        """Written down first, so that the answer holds what was made."""
        told = self.extract_client_metadata(asked)
        confidential = told["token_endpoint_auth_method"] in AUTH_METHODS[1:]
        row, secret = _register(told, confidential)
        made = {
            "client_id": row.client_id,
            "client_id_issued_at": int(row.created_at.timestamp()),
            "client_name": row.name,
            "scope": row.scope,
            "grant_types": GRANTS,
            "response_types": ["code"],
        }
        return made | ({"client_secret": secret, "client_secret_expires_at": 0} if secret else {})

    def save_client(self, info: Any, told: Any, asked: Any) -> None:
        """Done in `generate_client_info`."""


def _register(told: Mapping[str, Any], confidential: bool) -> tuple[OAuthClient, str]:
    uris, name, scope = told.get("redirect_uris"), told.get("client_name"), told.get("scope")
    if not isinstance(uris, list) or not all(isinstance(uri, str) for uri in uris):
        raise InvalidRedirectURIError("redirect_uris must be a list of addresses.")
    if not isinstance(name or "", str) or not isinstance(scope or "", str):
        raise InvalidClientMetadataError("client_name and scope must be strings.")
    given = RegisterApplication(name or "", tuple(uris), scope or "read", confidential)
    try:
        return register_application(current_work(), given)
    except Invalid as invalid:
        if "redirect_uris" in invalid.fields:
            raise InvalidRedirectURIError("A redirect URI cannot be used.") from invalid
        raise InvalidClientMetadataError("client_name is needed.") from invalid
