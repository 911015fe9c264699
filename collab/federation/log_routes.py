"""The two addresses of a project log: where mirrors read it, and where they are fed."""

from __future__ import annotations

import gzip

from flask import Blueprint, current_app, jsonify, request
from werkzeug.exceptions import Gone
from werkzeug.wrappers import Response

from collab.core.db import writing
from collab.core.errors import Conflict, Missing
from collab.federation.chain import BrokenLog
from collab.federation.gate import authenticate
from collab.federation.house import Federation
from collab.federation.log import EPOCH, described, entries_after, head, head_seq, page_of
from collab.federation.peerhealth import wake
from collab.federation.replica import mirror_of, take_page
from collab.federation.routes import message_of
from collab.federation.signatures import Refused
from collab.federation.state import bucket_digests, page_of_lines
from collab.federation.strictjson import Malformed, canonical, parse
from collab.people.models import Peer
from collab.spaces.models import Space
from collab.spaces.policy import host_may_read
from collab.spaces.queries import find_space
from collab.spaces.tool import Json
from collab.web.extensions import db
from collab.web.security import csrf

bp = Blueprint("project_log", __name__)
csrf.exempt(bp)  # signed by the sending project; no cookie is looked at
MOST = 200
WORTH_IT = 1000
"""Bytes below which a page of a log is left as it is."""
GZIP_LEVEL = 1
"""The fastest: a log repeats itself so much that more effort hardly makes it smaller."""
RATES = {"log": 1200, "feed": 3000, "ack": 600}
"""How often a host may read pages of logs, bring some, and say what it has, in a minute (R51). The
whole of a log of 10 000 entries is 50 pages."""


def _federation() -> Federation:
    federation: Federation = current_app.extensions["collab.federation"]
    return federation


@bp.get("/p/<slug>/log")
def read(slug: str) -> Response:
    """The log after an entry, for an instance that may hold a copy; signed by its own actor.

    Anything else looks as if there were no such project (R33).
    """
    federation = _federation()
    session, space = db.session(), _readable(federation, slug)
    after = max(request.args.get("after", 0, type=int), 0)
    limit = min(max(request.args.get("limit", MOST, type=int), 1), MOST)
    rows = entries_after(session, space.id, after, limit, most_bytes=800_000)
    page = page_of(space, rows, head_seq(session, space.id), _asked(federation))
    if "next" not in page:
        page["log"] = described(head(session, space))
    return _document(page)


@bp.get("/p/<slug>/log/state")
def state(slug: str) -> Response:
    """What a project holds: its 256 bucket digests, or with `?bucket=k` the lines of one (4.5),
    some at a time; `next` says where the others are.

    For whom the log is, as the log; a mirror that differs asks which objects do.
    """
    federation = _federation()
    session, space = db.session(), _readable(federation, slug)
    at = head(session, space)
    told: Json = {"id": _asked(federation), "type": "Object", "partOf": f"{space.iri}/log"}
    bucket = request.args.get("bucket", type=int)
    if bucket is None:
        told |= described(at) | {"buckets": bucket_digests(session, space)}
    else:
        after = max(request.args.get("after", 0, type=int), 0)
        lines, more = page_of_lines(session, space, bucket, after)
        told |= {"epoch": at.epoch, "seq": at.seq, "bucket": bucket, "lines": lines}
        if more is not None:
            told["next"] = f"{space.iri}/log/state?bucket={bucket}&after={more}"
    return _document(told)


def _readable(federation: Federation, slug: str) -> Space:
    """The project of ours that the signer of this request may hold a copy of (R33)."""
    asker = authenticate(federation, message_of(request))
    federation.require_peer(asker.host)
    within(federation, asker.host, "log")
    alive(federation, asker.host)
    session = db.session()
    space = find_space(session, slug, federation.runtime.settings.host)
    if space is None or not space.local or not host_may_read(session, space, asker.host):
        raise Missing
    return space


def within(federation: Federation, host: str, what: str) -> None:
    """Count a verified request of a host. Raises Refused, 429, for one too many (R51)."""
    if not federation.budget.spend(f"{what} {host}", RATES[what], 60):
        raise Refused(429, "too_many", "Too many requests of this host in a minute.")


def alive(federation: Federation, host: str) -> None:
    """A verified request of a host came in: what rested for it is sent now (4.3)."""
    session = db.session()
    peer = session.get(Peer, host)
    if peer is None or not (peer.fail_count or peer.next_try_at):
        return
    with writing(session):
        wake(session, host, federation.now())
    federation.runtime.pulse.beat()


def _asked(federation: Federation) -> str:
    return f"{federation.runtime.settings.origin}{request.full_path.rstrip('?')}"


def _document(told: Json) -> Response:
    """In canonical form, which our own instances read fastest; packed for who asks so (4.4).

    No length tells a secret here: nobody makes an instance ask for an address with its signature.
    """
    body = canonical(told)
    packed = len(body) >= WORTH_IT and bool(request.accept_encodings["gzip"])
    response = Response(
        gzip.compress(body, GZIP_LEVEL, mtime=0) if packed else body,
        content_type="application/activity+json",
    )
    response.vary.add("Accept-Encoding")
    if packed:
        response.headers["Content-Encoding"] = "gzip"
    response.headers["Cache-Control"] = "private, no-store"
    return response


@bp.post("/ap/log")
def feed() -> Response:
    """A page of a remote project's log, pushed by its host and signed by the project (R16)."""
    federation = _federation()
    message = message_of(request)
    sender = authenticate(federation, message)
    federation.require_peer(sender.host)
    within(federation, sender.host, "feed")
    alive(federation, sender.host)
    try:
        page = parse(message.body)
    except Malformed as bad:
        raise Conflict from bad
    mirror = mirror_of(db.session(), str(page.get("partOf")), sender.actor_id)
    if mirror is None:
        raise Missing
    if mirror.state == "ended":
        raise Gone
    space_id, log_iri = mirror.space_id, mirror.log_iri
    db.session.commit()
    try:
        accepted = take_page(federation, space_id, page)
    except BrokenLog as broken:
        raise Conflict from broken
    return jsonify(project=log_iri, accepted=accepted, epoch=EPOCH)
