"""How often a secret may be tried: from one place, and from anywhere for one account."""

from __future__ import annotations

from flask import request
from flask_limiter import RouteLimit
from werkzeug.wrappers import Response

from collab.web.runtime import current_runtime
from collab.web.security import limiter
from collab.web.view import account

WRONG = "20 per 15 minutes"
"""Wrong tries at one account, from however many places. Right ones are not counted, and a class
behind one address has as many names as people."""


def login_rate() -> str:
    """How often a secret may be tried from one place."""
    return current_runtime().settings.limits.login


def _was_wrong(response: Response) -> bool:
    return response.status_code == 422


def _name(field: str) -> str:
    """Whose password is tried: of who is logged in, unless a form asks for a name."""
    found = None if field else account()
    name = found.actor.name if found else request.form.get(field, "")
    return f"of {name.strip().lower()[:64]}"


def guesses(field: str = "") -> RouteLimit:
    """Bound the wrong tries at the account that this field of the form names, or one's own."""
    return limiter.shared_limit(
        WRONG, scope="guess", key_func=lambda: _name(field), deduct_when=_was_wrong
    )
