"""Cookies, CSRF, rate limits and response headers: the same for every page."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlsplit

from flask import Flask, Response, current_app, g, request
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_wtf import CSRFProtect
from flask_wtf.csrf import CSRFError
from werkzeug.middleware.proxy_fix import ProxyFix

from collab.config import Settings
from collab.core.places import place_of
from collab.web.scripts import ALLOWED

SESSION_DAYS = 30
POLICY = (
    "default-src 'self'; img-src 'self' data:; style-src 'self'{styles}; "
    "script-src 'self' {scripts}; "
    "media-src 'self' blob:{media}; connect-src 'self' {sockets}; object-src 'none'; "
    "base-uri 'none'; form-action {forms}; frame-ancestors 'none'"
)


def place_of_request() -> str:
    """Under what most limits count a request: its address, or its IPv6 network."""
    return place_of(get_remote_address())


limiter = Limiter(place_of_request, strategy="moving-window", headers_enabled=True)
csrf = CSRFProtect()


def secure(app: Flask, settings: Settings) -> None:
    """Set up sessions, CSRF, limits and headers (issue: no third-party request, ever)."""
    prefix = "__Host-" if settings.secure else ""
    app.config.update(
        SESSION_COOKIE_NAME=f"{prefix}collab",
        SESSION_COOKIE_SECURE=settings.secure,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_PATH="/",
        PERMANENT_SESSION_LIFETIME=timedelta(days=SESSION_DAYS),
        SESSION_REFRESH_EACH_REQUEST=False,
        WTF_CSRF_TIME_LIMIT=None,
        WTF_CSRF_SSL_STRICT=False,
        MAX_CONTENT_LENGTH=settings.limits.upload,
        MEDIA_ORIGIN=settings.media.base_url.rstrip("/"),
        MAX_FORM_MEMORY_SIZE=2_000_000,
        RATELIMIT_STORAGE_URI="memory://",
    )
    # It stands on every page: a token would cost every stranger a cookie. See require_our_page.
    csrf.exempt("collab.pages.account.language")
    csrf.exempt("collab.pages.looks.choose")
    csrf.init_app(app)
    app.after_request(_true_wait)  # before the limiter's: what is registered last runs first
    limiter.init_app(app)
    if settings.limits.trusted_proxies:
        hops = settings.limits.trusted_proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=0, x_host=0)  # type: ignore[method-assign]
    app.after_request(_headers)


def require_our_page() -> None:
    """Let a form without a token go on only when the browser says that it is on a page of ours.

    Otherwise another site could send it: no cookie of ours would come along, and the answer would
    put a fresh session in the place of the reader's. Raises CSRFError.
    """
    if not current_app.config["WTF_CSRF_ENABLED"]:
        return
    told = request.headers.get("Origin") or request.headers.get("Referer", "")
    if urlsplit(told).netloc != request.host:
        raise CSRFError("not from a page of ours")


def _policy(sockets: str, forms: str) -> str:
    styles = g.dress.hashes if "dress" in g else ""
    media = current_app.config["MEDIA_ORIGIN"]
    return POLICY.format(
        sockets=sockets,
        forms=forms,
        styles=styles,
        scripts=ALLOWED,
        media=media and f" {media}",
    )


def _headers(response: Response) -> Response:
    headers = response.headers
    g.own_wait = headers.get("Retry-After")
    forms = getattr(response, "form_action", "'self'")
    sockets = "ws: wss:" if request.host.startswith(("127.", "localhost")) else ""
    headers.setdefault("Content-Security-Policy", _policy(sockets, forms))
    headers.setdefault("X-Content-Type-Options", "nosniff")
    headers.setdefault("Referrer-Policy", "same-origin")
    headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
    headers.setdefault(
        "Permissions-Policy", "camera=(), geolocation=(), microphone=(self), interest-cohort=()"
    )
    if response.mimetype == "text/html":
        headers.setdefault("Cache-Control", "private, no-cache")
        headers.add("Vary", "Accept")
    return response


def _true_wait(response: Response) -> Response:
    """`Retry-After` as the answer itself said it; the limiter's only where the limiter refused.

    The limiter writes the end of its count onto every answer of a page it counts.
    """
    own = g.pop("own_wait", None)
    if own is not None:
        response.headers["Retry-After"] = own
    elif response.status_code != 429:
        response.headers.pop("Retry-After", None)
    return response
