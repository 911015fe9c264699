"""The OAuth 2 authorization server: Authlib's, on the rows and operations of collab.people.

Whoever calls it does so inside `serving`, so that a code is used and tokens are made in one
transaction.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.integrations.flask_oauth2.requests import FlaskJsonRequest, FlaskOAuth2Payload
from authlib.oauth2.rfc6749 import (
    AuthorizationCodeMixin,
    InvalidRequestError,
    OAuth2Request,
    TokenMixin,
)
from authlib.oauth2.rfc6749.grants import AuthorizationCodeGrant, RefreshTokenGrant
from authlib.oauth2.rfc6750 import BearerTokenGenerator
from authlib.oauth2.rfc7009 import RevocationEndpoint
from authlib.oauth2.rfc7636 import CodeChallenge
from flask import request

from collab.pages.oauth_clients import AUTH_METHODS, Client, Registration, current_work
from collab.people.grants import (
    ACCESS_LIFE,
    Consent,
    NewTokens,
    end_tokens,
    find_code,
    find_given,
    find_refreshable,
    give_tokens,
    keep_code,
)
from collab.people.models import Account, OAuthClient, OAuthCode, Token
from collab.people.tokens import SCOPES
from collab.web.runtime import current_runtime
from collab.web.view import dbsession


class Code(AuthorizationCodeMixin):  # type: ignore[misc]
    """A code that may be used now."""

    def __init__(self, row: OAuthCode) -> None:
        self.row = row
        self.code_challenge = row.code_challenge
        self.code_challenge_method = row.code_challenge_method

    def get_redirect_uri(self) -> str:
        """Where the code was sent, which its exchange must name again."""
        return self.row.redirect_uri

    def get_scope(self) -> str:
        """What was allowed."""
        return self.row.scope


class Given(TokenMixin):  # type: ignore[misc]
    """Tokens that were given to an application."""

    def __init__(self, row: Token) -> None:
        self.row = row

    def check_client(self, client: Client) -> bool:
        """Whether the token was given to that application."""
        return self.row.client_id == client.client_id

    def get_scope(self) -> str:
        """What the token allows."""
        return self.row.scope


def _living(account: Account) -> Account | None:
    return None if account.ended else account


class CodeGrant(AuthorizationCodeGrant):  # type: ignore[misc]
    TOKEN_ENDPOINT_AUTH_METHODS = AUTH_METHODS

    def save_authorization_code(self, code: str, asked: Any) -> None:
        """Keep a code with what was allowed and its PKCE challenge."""
        given = Consent(
            client_id=asked.client.client_id,
            redirect_uri=self.redirect_uri,
            scope=asked.scope,
            code_challenge=asked.payload.data["code_challenge"],
        )
        keep_code(current_work(), asked.user, code, given)

    def query_authorization_code(self, code: str, client: Client) -> Code | None:
        """The code, if this application may still use it."""
        row = find_code(current_work(), code, client.client_id)
        return Code(row) if row else None

    def delete_authorization_code(self, authorization_code: Code) -> None:
        """Mark the code as used; the row stays, so that a second use is seen."""
        authorization_code.row.used_at = current_work().now

    def authenticate_user(self, authorization_code: Code) -> Account | None:
        """Whose code it is; None if the account has ended."""
        row = authorization_code.row
        return _living(current_work().session.get_one(Account, row.account_id))


class RefreshGrant(RefreshTokenGrant):  # type: ignore[misc]
    TOKEN_ENDPOINT_AUTH_METHODS = AUTH_METHODS
    INCLUDE_NEW_REFRESH_TOKEN = True

    def authenticate_refresh_token(self, refresh_token: str) -> Given | None:
        """The tokens it may renew, or None."""
        row = find_refreshable(current_work(), refresh_token)
        return Given(row) if row else None

    def authenticate_user(self, refresh_token: Given) -> Account | None:
        """Whose token it is; None if the account has ended."""
        return _living(refresh_token.row.account)

    def revoke_old_credential(self, refresh_token: Given) -> None:
        """End the tokens that the new ones replace."""
        refresh_token.row.revoked_at = current_work().now


class OnlyS256(CodeChallenge):  # type: ignore[misc]
    """Every application proves that it is the one that asked (RFC 7636, RFC 9700 2.1.1)."""

    SUPPORTED_CODE_CHALLENGE_METHOD = ["S256"]

    def validate_code_challenge(self, grant: CodeGrant, redirect_uri: str) -> None:
        """Refuse a request without PKCE, or with `plain` (RFC 9700 2.1.1)."""
        sent = grant.request.payload.data
        if not sent.get("code_challenge") or sent.get("code_challenge_method") != "S256":
            raise InvalidRequestError("PKCE is required: code_challenge with S256.")
        super().validate_code_challenge(grant, redirect_uri)


class Revocation(RevocationEndpoint):  # type: ignore[misc]
    CLIENT_AUTH_METHODS = AUTH_METHODS

    def query_token(self, token_string: str, token_type_hint: str | None) -> Given | None:
        """The tokens that the application may end, or None."""
        row = find_given(current_work(), token_string)
        return Given(row) if row else None

    def revoke_token(self, token: Given, asked: Any) -> None:
        """End them."""
        end_tokens(current_work(), token.row)


class Asked(OAuth2Request):  # type: ignore[misc]
    """The request under our canonical address: behind a proxy it arrives here as plain http."""

    def __init__(self) -> None:
        origin = current_runtime().settings.origin
        super().__init__(request.method, origin + request.full_path, headers=request.headers)
        self.payload = FlaskOAuth2Payload(request)

    @property
    def args(self) -> Mapping[str, str]:
        """The fields of the address."""
        return request.args

    @property
    def form(self) -> Mapping[str, str]:
        """The fields of the body."""
        return request.form


class Server(AuthorizationServer):  # type: ignore[misc]
    """Holds nothing of any app: two of them in one process share it."""

    def __init__(self) -> None:
        super().__init__()
        self.scopes_supported = list(SCOPES)
        self.register_token_generator("default", BearerTokenGenerator(_access, _refresh, _life))
        self.register_grant(CodeGrant, [OnlyS256(required=True)])
        self.register_grant(RefreshGrant)
        self.register_endpoint(Revocation)
        self.register_endpoint(Registration)

    def query_client(self, client_id: str) -> Client | None:
        """The application of that name, or None."""
        row = dbsession().get(OAuthClient, client_id)
        return Client(row) if row else None

    def save_token(self, token: Mapping[str, Any], asked: Any) -> None:
        """Keep what is given, in the work of this request."""
        code, old = asked.authorization_code, asked.refresh_token
        given = NewTokens(
            client_id=asked.client.client_id,
            access=token["access_token"],
            refresh=token["refresh_token"],
            scope=token["scope"],
            family=code.row.digest if code else old.row.family,
        )
        give_tokens(current_work(), asked.user, given)

    def create_oauth2_request(self, _request: Any) -> Asked:
        """The request in hand, as Authlib reads it."""
        return Asked()

    def create_json_request(self, _request: Any) -> FlaskJsonRequest:
        """The request in hand, for endpoints that take JSON."""
        return FlaskJsonRequest(request)


def _access(**_about: Any) -> str:
    return f"collab_{secrets.token_urlsafe(32)}"


def _refresh(**_about: Any) -> str:
    return f"collabr_{secrets.token_urlsafe(32)}"


def _life(_client: Any, _grant_type: str) -> int:
    return int(ACCESS_LIFE.total_seconds())


server = Server()
