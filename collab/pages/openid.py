"""The protocol half of OpenID Connect sign-in (Core 3.1, Discovery 4, RFC 7636).

Authlib and joserfc prepare and judge every piece; the requests themselves go out by the one way
there is (FEDERATION.md R21), which is why Authlib's own HTTP clients are not used.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from secrets import token_urlsafe
from typing import Any

from authlib.common.security import is_secure_transport
from authlib.oauth2.auth import ClientAuth
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri, prepare_token_request
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import ECKey, KeySet, RSAKey, import_key
from joserfc.jws import JWSRegistry

from collab.config import OidcProvider
from collab.core.errors import Forbidden, Unreachable
from collab.core.i18n import N_
from collab.people.identities import Outsider

log = logging.getLogger(__name__)

Ask = Callable[[str, str, Mapping[str, str], bytes], tuple[int, bytes]]
"""Method, address, headers, body; gives status and body or raises Unreachable."""

SCOPE = "openid profile"
"""Who somebody is and what to call them. No e-mail is asked for."""
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512")
"""Signatures made with a key that only the provider has; never `none`, never a shared secret."""
FRESH = 3600.0
"""Seconds for which a provider's description and keys are used without asking again."""
LEEWAY = 120
"""Seconds by which the provider's clock may differ from ours."""
LONGEST_SUBJECT = 255

ODD = N_("Le site qui vous connaît n’a pas répondu comme prévu. Réessayez dans un moment.")
NOT_PROVED = N_("La réponse du site qui vous connaît n’est pas valable. Recommencez.")


@dataclass(frozen=True)
class Trail:
    """What only the browser that set out may bring back (Core 3.1.2.1, RFC 7636)."""

    state: str
    nonce: str
    verifier: str


@dataclass(frozen=True)
class Introduced:
    """Somebody as their provider introduces them; `alias` and `name` are only suggestions."""

    who: Outsider
    alias: str
    name: str


class Provider:
    """One provider of the settings, as seen by one app. Shared by requests; keeps no secret of any.

    `redirect_uri` is where it sends people back. Every method may ask the provider and raises
    Unreachable when it does not answer, or answers nonsense.
    """

    def __init__(self, settings: OidcProvider, ask: Ask, redirect_uri: str) -> None:
        self.settings = settings
        self.redirect_uri = redirect_uri
        self._ask = ask
        self._described: dict[str, Any] = {}
        self._keys: KeySet | None = None
        self._read_at = 0.0

    def begin(self) -> tuple[str, Trail]:
        """Where to send the browser, and what to remember until it comes back."""
        trail = Trail(token_urlsafe(24), token_urlsafe(24), token_urlsafe(48))
        url: str = prepare_grant_uri(
            self._described_now()["authorization_endpoint"],
            client_id=self.settings.client_id,
            response_type="code",
            redirect_uri=self.redirect_uri,
            scope=SCOPE,
            state=trail.state,
            nonce=trail.nonce,
            code_challenge=create_s256_code_challenge(trail.verifier),
            code_challenge_method="S256",
        )
        return url, trail

    def finish(self, code: str, trail: Trail) -> Introduced:
        """Exchange the code for an ID token and judge it (Core 3.1.3).

        Raises:
            Forbidden: the provider does not take the code, or the ID token proves nothing.
        """
        given = self._exchange(code, trail)
        claims = self._judge(given, trail)
        subject = claims["sub"]
        if not isinstance(subject, str) or not 0 < len(subject) <= LONGEST_SUBJECT:
            raise Forbidden(NOT_PROVED)
        told = self._more(claims, given)
        alias = _first(told, "preferred_username", "nickname", "name")
        name = _first(told, "name", "nickname", "preferred_username")
        label = _first(told, "preferred_username", "name", "nickname")
        return Introduced(Outsider(self.issuer, subject, label), alias, name)

    @property
    def issuer(self) -> str:
        """The provider's own name for itself, as it stands in its tokens."""
        return str(self._described_now()["issuer"])

    def _described_now(self) -> dict[str, Any]:
        if not self._described or time.monotonic() - self._read_at > FRESH:
            known_as = self.settings.issuer.rstrip("/")
            found = self._get_json(f"{known_as}/.well-known/openid-configuration")
            self._check_description(found, known_as)
            self._described, self._keys, self._read_at = found, None, time.monotonic()
        return self._described

    def _check_description(self, found: dict[str, Any], known_as: str) -> None:
        """Discovery 4.3: it must be the description of this issuer and of no other."""
        if str(found.get("issuer", "")).rstrip("/") != known_as:
            log.warning("oidc %s: the issuer found there is another", self.settings.name)
            raise Unreachable(ODD)
        for needed in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
            if not isinstance(found.get(needed), str) or not is_secure_transport(found[needed]):
                log.warning("oidc %s: no usable %s", self.settings.name, needed)
                raise Unreachable(ODD)

    def _exchange(self, code: str, trail: Trail) -> dict[str, Any]:
        described = self._described_now()
        form = prepare_token_request(
            "authorization_code", code=code, redirect_uri=self.redirect_uri,
            code_verifier=trail.verifier,
        )  # fmt: skip
        secret = self.settings.client_secret
        auth = ClientAuth(self.settings.client_id, secret, _method(described, secret))
        headers = {
            "Accept": "application/json",
            "Content-Type": "application/x-www-form-urlencoded",
        }
        url, headers, form = auth.prepare("POST", described["token_endpoint"], headers, form)
        status, body = self._ask("POST", url, headers, form.encode())
        if 400 <= status < 500:
            log.warning("oidc %s: code refused: %r", self.settings.name, body[:200])
            raise Forbidden(NOT_PROVED)
        return self._read(status, body)

    def _judge(self, given: dict[str, Any], trail: Trail) -> dict[str, Any]:
        """The claims of a signed, current ID token meant for us and for this very attempt."""
        raw = given.get("id_token")
        if not isinstance(raw, str):
            log.warning("oidc %s: no id_token", self.settings.name)
            raise Forbidden(NOT_PROVED)
        expected = {
            "iss": {"essential": True, "value": self.issuer},
            "aud": {"essential": True, "value": self.settings.client_id},
        }
        about = {
            "nonce": trail.nonce,
            "client_id": self.settings.client_id,
            "access_token": given.get("access_token"),
        }
        try:
            token = self._verify(raw)
            claims = CodeIDToken(token.claims, token.header, expected, about)
            claims.validate(leeway=LEEWAY)
        except (JoseError, ValueError, TypeError, KeyError) as error:
            log.warning("oidc %s: id_token refused: %s", self.settings.name, error)
            raise Forbidden(NOT_PROVED) from error
        return dict(claims)

    def _verify(self, raw: str) -> jwt.Token:
        """Signed by a key of the provider; its keys are asked for anew when it is a new one."""
        registry = JWSRegistry(algorithms=list(ALGORITHMS), strict_check_header=False)
        try:
            return jwt.decode(raw, self._key_set(), registry=registry)
        except InvalidKeyIdError:
            self._keys = None
            return jwt.decode(raw, self._key_set(), registry=registry)

    def _key_set(self) -> KeySet:
        if self._keys is None:
            found = self._get_json(self._described_now()["jwks_uri"]).get("keys")
            usable = [_public_key(entry) for entry in found] if isinstance(found, list) else []
            self._keys = KeySet([key for key in usable if key is not None])
        return self._keys

    def _more(self, claims: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
        """What the person is called: from the ID token, else from UserInfo (Core 5.3)."""
        where = self._described_now().get("userinfo_endpoint")
        named = _first(claims, "preferred_username", "nickname", "name")
        token = given.get("access_token")
        if named or not isinstance(where, str) or not isinstance(token, str):
            return claims
        try:
            told = self._get_json(where, {"Authorization": f"Bearer {token}"})
        except Unreachable:
            log.warning("oidc %s: no userinfo", self.settings.name)
            return claims
        return told if told.get("sub") == claims["sub"] else claims

    def _get_json(self, url: str, headers: Mapping[str, str] | None = None) -> dict[str, Any]:
        status, body = self._ask("GET", url, {"Accept": "application/json", **(headers or {})}, b"")
        return self._read(status, body)

    def _read(self, status: int, body: bytes) -> dict[str, Any]:
        try:
            found = json.loads(body)
        except (ValueError, RecursionError):
            found = None
        if status != 200 or not isinstance(found, dict):
            log.warning("oidc %s: not a JSON answer, status %s", self.settings.name, status)
            raise Unreachable(ODD)
        return found


def _method(described: Mapping[str, Any], secret: str) -> str:
    """How to show who we are at the token endpoint (Core 9)."""
    if not secret:
        return "none"
    offered = described.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
    post = "client_secret_basic" not in offered and "client_secret_post" in offered
    return "client_secret_post" if post else "client_secret_basic"


def _public_key(entry: Any) -> RSAKey | ECKey | None:
    """A key that signatures can be checked with; None for those of other kinds and uses."""
    if not isinstance(entry, dict) or entry.get("use", "sig") != "sig":
        return None
    try:
        key = import_key(entry)
    except (JoseError, ValueError, TypeError, KeyError):
        return None
    return key if isinstance(key, RSAKey | ECKey) else None


def _first(told: Mapping[str, Any], *names: str) -> str:
    found = (told.get(name) for name in names)
    return next((v.strip()[:200] for v in found if isinstance(v, str) and v.strip()), "")
