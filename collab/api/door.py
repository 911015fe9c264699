"""What every API view shares: who asks, what they sent, how answers and pages look."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, g, jsonify, request
from werkzeug.exceptions import BadRequest
from werkzeug.wrappers import Response

from collab.core.db import now, writing
from collab.core.errors import Forbidden, Invalid, Unauthenticated
from collab.core.i18n import N_
from collab.core.work import Work
from collab.people.models import Actor
from collab.web.runtime import current_runtime
from collab.web.security import csrf
from collab.web.view import bearer_token, dbsession

bp = Blueprint("api", __name__, url_prefix="/api/v1")
csrf.exempt(bp)
MOST, USUAL = 200, 50
NOTED_EVERY = timedelta(hours=1)


@bp.before_request
def who() -> None:
    """Find out who asks. A token without the right scope is refused here, for every view."""
    token = bearer_token()
    g.api_actor = token.account.actor if token else None
    if token is None:
        return
    wanted = "read" if request.method in ("GET", "HEAD") else "write"
    if wanted not in token.scope.split():
        raise Forbidden(N_("Ce jeton d’accès ne permet pas cela."))
    if token.last_used_at is None or now() - token.last_used_at > NOTED_EVERY:
        with writing(dbsession()):
            token.last_used_at = now()


def caller() -> Actor:
    """Who acts. Raises Unauthenticated without a token."""
    actor: Actor | None = g.api_actor
    if actor is None:
        raise Unauthenticated(N_("Il faut un jeton d’accès : en-tête Authorization: Bearer …"))
    return actor


def acting() -> Work:
    """A unit of work of the caller."""
    return current_runtime().work(caller())


def body() -> Mapping[str, Any]:
    """The JSON object that was sent, or the words of a form with a file. Raises Invalid."""
    if request.mimetype == "multipart/form-data":
        return request.form.to_dict()
    if not request.data:
        return {}
    try:
        sent = request.get_json(force=True)
    except (BadRequest, RecursionError):  # lists in lists, without end
        raise Invalid(body=N_("Le corps de la demande n’est pas du JSON.")) from None
    if not isinstance(sent, dict):
        raise Invalid(body=N_("Le corps de la demande doit être un objet JSON."))
    return sent


def answer(told: Any, status: int = 200) -> Response:
    """JSON that no cache may keep for somebody else."""
    response = jsonify(told)
    response.status_code = status
    response.headers["Cache-Control"] = "private, no-store"
    response.headers["Vary"] = "Authorization"
    return response


def limit() -> int:
    """How many the caller wants at most, within reason."""
    return min(max(request.args.get("limit", USUAL, type=int), 1), MOST)


def cursor() -> int:
    """Where the caller's page begins; 0 at the start."""
    return max(request.args.get("cursor", 0, type=int), 0)


def page(rows: list[Any], following: int | None) -> Response:
    """One page of a list, with `Link: rel="next"` while there is more (RFC 8288)."""
    response = answer(rows)
    if following is not None:
        query = {k: v for k, v in request.args.items() if k != "cursor"} | {"cursor": following}
        url = f"{current_runtime().settings.origin}{request.path}?{urlencode(query)}"
        response.headers["Link"] = f'<{url}>; rel="next"'
    return response
