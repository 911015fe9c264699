"""A small OpenID provider on loopback: real HTTP, real keys, as wrong as a test asks it to be."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
import time
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

from joserfc import jws
from joserfc.jwk import RSAKey

CLIENT, SECRET = "collab-test", "tres-secret"


@cache
def key(kid: str) -> RSAKey:
    """Keys take a while to make, and one of a name is like another."""
    return RSAKey.generate_key(2048, {"kid": kid, "use": "sig", "alg": "RS256"})


def b64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


@dataclass
class Person:
    """Who is logged in at the provider, in the browser that comes by."""

    sub: str = "4711"
    claims: dict[str, object] = field(
        default_factory=lambda: {"preferred_username": "Zoé.Lefèvre", "name": "Zoé Lefèvre"}
    )


class Provider:
    """`wrong` changes claims of the next ID tokens; the other switches say what they break."""

    def __init__(self) -> None:
        self.key = key("one")
        self.signing_key = self.key
        self.person = Person()
        self.wrong: dict[str, object] = {}
        self.unsigned = self.mute = self.in_userinfo = self.denies = False
        self.says_issuer = ""
        self.codes: dict[str, dict[str, str]] = {}
        self.tokens: dict[str, Person] = {}
        self.asked: list[str] = []
        self.authorized_with: dict[str, str] = {}
        outer = self

        class Door(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                outer.get(self)

            def do_POST(self):
                outer.post(self)

            def log_message(self, *_args):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
        self.server.daemon_threads = True
        self.issuer = f"http://127.0.0.1:{self.server.server_port}"
        looks = {"poll_interval": 0.02}  # whether it is to stop; half a second, unless told
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs=looks, daemon=True)

    def __enter__(self) -> Provider:
        self.thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def new_key(self) -> None:
        """The provider changes its key and publishes only the new one."""
        self.key = key("two")
        self.signing_key = self.key

    def get(self, door: BaseHTTPRequestHandler) -> None:
        parts = urlsplit(door.path)
        self.asked.append(parts.path)
        if parts.path == "/.well-known/openid-configuration":
            self.answer(door, 200, self.description())
        elif parts.path == "/jwks":
            other = {"kty": "OKP", "crv": "X25519", "x": b64(bytes(32)), "use": "enc", "kid": "e"}
            self.answer(door, 200, {"keys": [other, self.key.as_dict(private=False)]})
        elif parts.path == "/authorize":
            self.authorize(door, dict(parse_qsl(parts.query)))
        elif parts.path == "/userinfo":
            token = door.headers.get("Authorization", "").removeprefix("Bearer ")
            person = self.tokens.get(token)
            told = {"sub": person.sub, **person.claims} if person else {"error": "invalid_token"}
            self.answer(door, 200 if person else 401, told)
        else:
            self.answer(door, 404, {})

    def description(self) -> dict[str, object]:
        return {
            "issuer": self.says_issuer or self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/jwks",
            "userinfo_endpoint": f"{self.issuer}/userinfo",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256", "none"],
            "code_challenge_methods_supported": ["S256"],
        }

    def authorize(self, door: BaseHTTPRequestHandler, asked: dict[str, str]) -> None:
        """As if the person had logged in and agreed."""
        self.authorized_with = asked
        if asked["client_id"] != CLIENT or asked["response_type"] != "code":
            return self.answer(door, 400, {"error": "unauthorized_client"})
        told = {"state": asked["state"], "iss": self.issuer}
        if self.denies:
            told["error"] = "access_denied"
        else:
            told["code"] = secrets.token_urlsafe(16)
            self.codes[told["code"]] = asked
        door.send_response(302)
        door.send_header("Location", f"{asked['redirect_uri']}?{urlencode(told)}")
        door.send_header("Content-Length", "0")
        door.end_headers()
        return None

    def post(self, door: BaseHTTPRequestHandler) -> None:
        form = parse_qs(door.rfile.read(int(door.headers["Content-Length"])).decode())
        sent = {name: values[0] for name, values in form.items()}
        self.asked.append(door.path)
        asked = self.codes.pop(sent.get("code", ""), None)
        basic = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        if door.headers.get("Authorization") != f"Basic {basic}":
            return self.answer(door, 401, {"error": "invalid_client"})
        verifier = b64(hashlib.sha256(sent.get("code_verifier", "").encode()).digest())
        if (
            asked is None
            or sent.get("redirect_uri") != asked["redirect_uri"]
            or (asked["code_challenge_method"], asked["code_challenge"]) != ("S256", verifier)
        ):
            return self.answer(door, 400, {"error": "invalid_grant"})
        access = secrets.token_urlsafe(16)
        self.tokens[access] = self.person
        told = {"access_token": access, "token_type": "Bearer", "expires_in": 60}
        if not self.mute:
            told["id_token"] = self.id_token(asked["nonce"], access)
        return self.answer(door, 200, told)

    def id_token(self, nonce: str, access: str) -> str:
        at = int(time.time())
        half = hashlib.sha256(access.encode()).digest()[:16]
        claims = {"iss": self.issuer, "sub": self.person.sub, "aud": CLIENT, "iat": at}
        claims |= {"exp": at + 60, "nonce": nonce, "at_hash": b64(half)}
        claims |= {} if self.in_userinfo else self.person.claims
        payload = json.dumps({k: v for k, v in (claims | self.wrong).items() if v is not None})
        if self.unsigned:
            return f"{b64(json.dumps({'alg': 'none'}).encode())}.{b64(payload.encode())}."
        header = {"alg": "RS256", "kid": self.key.kid}
        return jws.serialize_compact(header, payload, self.signing_key)

    def answer(self, door: BaseHTTPRequestHandler, status: int, told: dict[str, object]) -> None:
        body = json.dumps(told).encode()
        door.send_response(status)
        door.send_header("Content-Type", "application/json")
        door.send_header("Content-Length", str(len(body)))
        door.end_headers()
        door.wfile.write(body)
