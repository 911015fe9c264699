"""The two addresses of a stream: where a mirror listens, and where it says what it has (4.7)."""

from __future__ import annotations

from flask import Blueprint, current_app, jsonify, request
from sqlalchemy import select
from werkzeug.wrappers import Response

from collab.core.db import writing
from collab.core.errors import Conflict, Missing, TooMany
from collab.federation.gate import authenticate
from collab.federation.house import Federation
from collab.federation.log_routes import alive, within
from collab.federation.models import Subscriber
from collab.federation.pages import confirmed
from collab.federation.presence import believed, project_of, shown_to
from collab.federation.routes import message_of
from collab.federation.streams import Hub, open_stream, read_ack
from collab.federation.strictjson import Malformed, parse
from collab.people.models import Actor
from collab.spaces.models import Space
from collab.web.extensions import db
from collab.web.nearby import told as whispered
from collab.web.security import csrf

bp = Blueprint("project_stream", __name__)
csrf.exempt(bp)  # signed by an instance; no cookie is looked at
OPENS = 30
"""Streams that one host may open in a minute (R51)."""
PRESENCES = 120
"""Words about presence that it may say in a minute; and how long one may be."""
LONGEST_PRESENCE = 16_384


def _signer(federation: Federation) -> str:
    """The host that signed this request. Raises Refused or Forbidden."""
    sender = authenticate(federation, message_of(request))
    federation.require_peer(sender.host)
    alive(federation, sender.host)
    return sender.host


@bp.get("/ap/stream")
def stream() -> Response:
    """`?projects=IRI,IRI`: new log entries of those, as server-sent events, to their mirror.

    `Last-Event-ID`: `epoch:seq` for each of them, in that order. Ends after ten minutes, or when
    the signer may read no longer. Anything else looks as if there were nothing (R33).
    """
    hub: Hub = current_app.extensions["collab.streams"]
    host = _signer(hub.federation)
    if not hub.federation.budget.spend(f"stream {host}", OPENS, 60):
        raise TooMany
    projects = request.args.get("projects", "").split(",")
    opened = open_stream(hub, host, projects, request.headers.get("Last-Event-ID", ""))
    response = Response(opened.run(), content_type="text/event-stream; charset=utf-8")
    response.headers["Cache-Control"] = "private, no-store"
    response.headers["X-Accel-Buffering"] = "no"
    return response


@bp.post("/ap/ack")
def ack() -> Response:
    """A mirror says up to where it holds some logs; the courier sends none of that again."""
    hub: Hub = current_app.extensions["collab.streams"]
    host = _signer(hub.federation)
    within(hub.federation, host, "ack")
    try:
        told = read_ack(parse(request.get_data()))
    except Malformed as bad:
        raise Conflict from bad
    now, taken = hub.federation.now(), 0
    with writing(db.session()) as session:
        for log_iri, seq in told:
            row = session.scalar(
                select(Subscriber)
                .join(Space, Space.id == Subscriber.space_id)
                .join(Actor, Actor.id == Space.actor_id)
                .where(
                    Actor.iri == log_iri.removesuffix("/log"),
                    Subscriber.host == host,
                    Subscriber.reach == "mirror",
                    Subscriber.state == "active",
                )
            )
            if row is not None and seq > row.cursor:
                confirmed(session, row, seq, now)
                taken += 1
    return jsonify(taken=taken)


@bp.post("/ap/presence")
def presence() -> Response:
    """A mirror says who of its people is in one of our projects, and who writes (4.7).

    202 when it was heard. 404 unless the project shows presence and the signer's people take part
    (R33); 403 when it names anybody of another host. Nothing of it is stored.
    """
    hub: Hub = current_app.extensions["collab.streams"]
    federation, host = hub.federation, _signer(hub.federation)
    if not federation.budget.spend(f"presence {host}", PRESENCES, 60):
        raise TooMany
    body = request.get_data()
    try:
        words = parse(body) if len(body) <= LONGEST_PRESENCE else {}
    except Malformed as bad:
        raise Conflict from bad
    session = db.session()
    space = project_of(session, words.get("project"))
    if not shown_to(federation, space, host):
        raise Missing
    here, writing = believed(federation, space, host, words, federation.pace)
    federation.runtime.whispers.say(whispered(here))
    for hint in writing:
        federation.runtime.whispers.say(whispered(hint))
    return Response(status=202)
