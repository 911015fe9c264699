"""Every Ed25519 key of an actor of ours, by the page: an actor's document lists the newest ten.

So that a proof made under a key of long ago still verifies (FEDERATION.md 2.1).
"""

from __future__ import annotations

import json

from flask import Blueprint, request
from sqlalchemy import func, select
from werkzeug.wrappers import Response

from collab.core.errors import Missing
from collab.federation import identity, views
from collab.federation.routes import federation_here
from collab.people.models import Key
from collab.people.queries import actor_by_iri
from collab.web.view import dbsession

bp = Blueprint("keys", __name__)
PAGE = 50


@bp.get("/ap/keys")
def every_key() -> Response:
    """`?of=IRI`: how many there are, and where; `&page=N`: some of them, the newest first.

    404 for whom WebFinger does not know either (R33).
    """
    federation, session = federation_here(), dbsession()
    actor = actor_by_iri(session, request.args.get("of", ""))
    if actor is None or not views.findable(federation, actor):
        raise Missing
    wanted = Key.actor_id == actor.id, Key.algorithm == "ed25519"
    total = session.scalar(select(func.count()).where(*wanted)) or 0
    page = request.args.get("page", 0, type=int)
    if page < 1:
        return _document(identity.key_list(actor, total))
    rows = session.scalars(
        select(Key).where(*wanted).order_by(Key.id.desc()).offset((page - 1) * PAGE).limit(PAGE)
    ).all()
    more = page * PAGE < total
    return _document(identity.key_page(actor, rows, page, more=more))


def _document(told: identity.Json) -> Response:
    response = Response(json.dumps(told), mimetype=identity.ACTIVITY_JSON)
    response.headers["Cache-Control"] = "max-age=60"
    return response
