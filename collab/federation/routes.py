"""The addresses of federation: who we are, what we show, where we are written to.

People's pages and ActivityPub share addresses (`/p/jardin`). A request that prefers ActivityStreams
is answered here before the pages see it; everything else goes on to them.
"""

from __future__ import annotations

import json
import logging
import uuid
from typing import Any
from urllib.parse import quote, urlsplit

from flask import Blueprint, Request, current_app, jsonify, redirect, request
from werkzeug.exceptions import MethodNotAllowed, NotFound
from werkzeug.routing import Map, RequestRedirect, Rule
from werkzeug.wrappers import Response

from collab.core.errors import Missing
from collab.federation import (
    facilitating,
    identity,
    inviting,
    listings,
    membership,
    moving,
    papers,
    speech,
    views,
)
from collab.federation.gate import Sender, authenticate, receive, turn_of
from collab.federation.hosts import BadHost
from collab.federation.house import Federation
from collab.federation.inbox import take
from collab.federation.reading import Asker, Shown
from collab.federation.signatures import Message, Refused, key_id_of
from collab.federation.signatures.message import MAX_BODY
from collab.spaces.hiding import is_text_hidden
from collab.spaces.models import Space
from collab.spaces.queries import item_by_uid
from collab.web.runtime import current_runtime
from collab.web.security import csrf, limiter
from collab.web.view import dbsession, viewer

log = logging.getLogger(__name__)
bp = Blueprint("federation", __name__)
VERBS = (membership, inviting, moving, speech, facilitating)
"""The modules whose functions take activities; imported so that they are registered."""

ASKED_FOR = ("application/activity+json", "application/ld+json")
VARY = "Accept, Signature, Signature-Input"
INBOX_RATE = "6000 per minute"
TITLES = {
    400: "The activity is malformed.",
    401: "The signature was not accepted.",
    403: "This instance does not accept activities from there.",
    413: "The activity is too large.",
    415: "The content type is not one of ActivityStreams.",
    429: "Too many requests.",
    503: "We cannot take this now, or its key could not be fetched. Try again later.",
}
RETRY = {429: "60", 503: "20"}
"""Seconds after which to try again."""
NEGOTIATED = Map(
    [
        Rule("/u/<name>", endpoint=views.person),
        Rule("/u/<name>/<any(outbox,followers,following):which>", endpoint=views.person_collection),
        Rule("/p/<slug>", endpoint=views.group),
        Rule(
            "/p/<slug>/<any(outbox,followers,following,members,featured,moderators,"
            "resources,posts,todos,discussions,events):which>",
            endpoint=listings.group_collection,
        ),
        Rule("/p/<slug>/log/<int:seq>", endpoint=papers.log_entry),
        Rule("/p/<slug>/grants/<uid>", endpoint=papers.grant),
        Rule("/p/<slug>/blocks/<uid>", endpoint=papers.block),
        Rule("/p/<slug>/a/<int:event>", endpoint=papers.said_by_group),
        Rule("/p/<slug>/<any(w,t,v,e,f):room>/<uid>", endpoint=views.common),
        Rule("/p/<slug>/c/<uid>", endpoint=listings.conversation),
        Rule("/p/<slug>/c/<uid>/history", endpoint=listings.history),
        Rule("/o/<uid>", endpoint=views.thing),
        Rule("/o/<uid>/replies", endpoint=views.answers),
        Rule("/a/<uid>", endpoint=views.activity),
    ],
    strict_slashes=False,
)


def federation_here() -> Federation:
    """The federation of the app that handles this request."""
    found: Federation = current_app.extensions["collab.federation"]
    return found


def message_of(asked: Request) -> Message:
    """A request as its bytes say it: raw target, every header, raw body (2.3, R42)."""
    asked.max_content_length = MAX_BODY
    return Message(
        method=asked.method,
        target=raw_target(asked.environ),
        headers=tuple((name, value) for name, value in asked.headers.items()),
        body=asked.get_data(cache=True) if asked.method == "POST" else b"",
        address=asked.remote_addr or "",
    )


def raw_target(environ: dict[str, Any]) -> str:
    """The path and query as they were sent; servers that do not keep them get them rebuilt."""
    told = environ.get("REQUEST_URI") or environ.get("RAW_URI")
    if isinstance(told, str) and told:
        if told.startswith("/"):
            return told
        parts = urlsplit(told)
        return parts.path + (f"?{parts.query}" if parts.query else "")
    path = quote(environ.get("PATH_INFO", "/").encode("latin-1"), safe="/:@!$&'()*+,;=~-._")
    query = environ.get("QUERY_STRING", "")
    return f"{path}?{query}" if query else path


# What we show


@bp.before_app_request
def as_activity() -> Response | None:
    """Answer a request that prefers ActivityStreams; None lets the page answer."""
    if request.method not in ("GET", "HEAD") or not prefers_activity():
        return None
    try:
        view, arguments = NEGOTIATED.bind("").match(request.path, "GET")
    except (NotFound, MethodNotAllowed, RequestRedirect):
        return None
    federation = federation_here()
    _refuse_blocked(federation)
    if federation.mode() == "off":
        raise Missing
    page = max(request.args.get("page", 0, type=int), 0)
    return _activity(view(Asker(federation, _sender, page), **arguments))


def prefers_activity() -> bool:
    """Whether the request asks for ActivityStreams rather than a page (ActivityPub 3.2)."""
    wanted = 0.0
    for kind, quality in request.accept_mimetypes:
        if kind.partition(";")[0].strip().lower() in ASKED_FOR:
            wanted = max(wanted, quality)
    return wanted > request.accept_mimetypes["text/html"] or wanted == 1.0


def _sender() -> Sender | None:
    if "Signature" not in request.headers:
        return None
    return authenticate(federation_here(), message_of(request))


def _refuse_blocked(federation: Federation) -> None:
    """A host that is blocked gets nothing, as far as it says who it is (R54)."""
    if "Signature" not in request.headers:
        return
    try:
        host = federation.host_of(key_id_of(message_of(request)))
    except (Refused, BadHost):
        return
    if federation.standing(host) == "none":
        raise Missing


def _activity(shown: Shown) -> Response:
    response = Response(
        json.dumps(shown.body, ensure_ascii=False), shown.status, mimetype=identity.ACTIVITY_JSON
    )
    response.headers["Vary"] = VARY
    if shown.private:
        return _private(response)
    response.headers["Cache-Control"] = "max-age=60"
    if shown.etag:
        response.set_etag(shown.etag)
    else:
        response.add_etag()
    return response.make_conditional(request)


def _private(response: Response) -> Response:
    response.headers["Cache-Control"] = "private, no-store"
    response.headers["Vary"] = VARY
    return response


@bp.get("/actor")
def actor() -> Response:
    """The instance's own actor, for everybody and without a signature (1.3)."""
    return _activity(Shown(views.instance(federation_here())))


@bp.get("/actor/<any(outbox,projects):which>")
def actor_collection(which: str) -> Response:
    """The instance actor's outbox (nothing), and the public projects of the instance."""
    federation = federation_here()
    if which == "projects" and federation.mode() == "open":
        return _activity(Shown(views.projects(federation)))
    return _activity(Shown(identity.collection(f"{federation.origin}/actor/{which}", 0, [])))


@bp.get("/o/<uid>")
def thing_page(uid: str) -> Response:
    """The page of something somebody wrote, on the address that names it everywhere."""
    item = item_by_uid(dbsession(), uid, viewer())
    if is_text_hidden(dbsession(), item):
        raise Missing
    space = dbsession().get_one(Space, item.space_id)
    return redirect(current_runtime().tools.kind(item).url(space, item))


# Where we are written to


@bp.post("/inbox")
@bp.post("/actor/inbox")
@bp.post("/u/<name>/inbox")
@bp.post("/p/<slug>/inbox")
@limiter.limit(INBOX_RATE)
def inbox(**_who: str) -> Response:
    """Take one activity in. Every inbox is the shared one: what counts is what is said in it."""
    federation, message = federation_here(), message_of(request)
    with turn_of(federation, message):
        arrival = receive(federation, message)
        if arrival is not None:
            take(federation, arrival)
    return Response(status=202)


csrf.exempt(bp)


@bp.app_errorhandler(Refused)
def refusal(refused: Refused) -> Response:
    """A short answer; the detail stands in the log beside the same number (R57)."""
    number = uuid.uuid4().hex[:8]
    log.warning(
        "refused number=%s path=%s status=%d code=%s: %s",
        number, request.path, refused.status, refused.code, refused.detail,
    )  # fmt: skip
    body = {
        "type": "about:blank",
        "title": TITLES.get(refused.status, TITLES[401]),
        "status": refused.status,
        "code": refused.code,
        "number": number,
    }
    response = jsonify(body)
    response.status_code = refused.status
    response.content_type = "application/problem+json"
    if refused.status in RETRY:
        response.headers["Retry-After"] = RETRY[refused.status]
    return _private(response)
