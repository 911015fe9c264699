"""The well-known addresses: WebFinger, host-meta and NodeInfo."""

from __future__ import annotations

from flask import Blueprint, jsonify, request
from werkzeug.wrappers import Response

from collab.core.errors import Missing
from collab.federation import views, wellknown
from collab.federation.hosts import BadHost
from collab.federation.house import Federation
from collab.federation.routes import federation_here
from collab.people.actors import find_actor
from collab.people.models import Actor, Registration
from collab.people.queries import actor_by_iri, site
from collab.web.security import limiter
from collab.web.view import dbsession

bp = Blueprint("wellknown", __name__)
FINGER_RATE = "600 per minute"


@bp.get("/.well-known/webfinger")
@limiter.limit(FINGER_RATE)
def webfinger() -> Response:
    """Who is behind `acct:name@host` or an address of ours. RFC 7033, R33."""
    federation = federation_here()
    found = _fingered(federation, request.args.get("resource", ""))
    if found is None or not views.findable(federation, found):
        raise Missing
    response = jsonify(wellknown.webfinger(found, federation.origin))
    response.content_type = "application/jrd+json"
    response.headers["Access-Control-Allow-Origin"] = "*"
    return response


def _fingered(federation: Federation, resource: str) -> Actor | None:
    session, ours = dbsession(), federation.instance_actor()
    if resource.rstrip("/") == federation.origin:
        return ours
    if resource.startswith(("https://", "http://")):
        return actor_by_iri(session, resource)
    name, _, host = resource.removeprefix("acct:").removeprefix("@").rpartition("@")
    try:
        if federation.canonical(host) != federation.host:
            return None
    except BadHost:
        return None
    return find_actor(session, name, federation.host)


@bp.get("/.well-known/host-meta")
def host_meta() -> Response:
    """Where WebFinger is, for those who still ask (RFC 6415)."""
    return Response(wellknown.host_meta(federation_here().origin), content_type=wellknown.XRD)


@bp.get("/.well-known/nodeinfo")
def nodeinfo_links() -> Response:
    """Where NodeInfo is, and the instance's own actor (FEP-2677)."""
    return jsonify(wellknown.nodeinfo_links(federation_here().origin))


@bp.get("/nodeinfo/<any('2.0','2.1'):version>")
def nodeinfo(version: str) -> Response:
    """What runs here and how many use it."""
    federation, session = federation_here(), dbsession()
    row = site(session)
    body = wellknown.nodeinfo(
        version,
        row,
        views.usage(federation),
        registration=row.registration == Registration.OPEN,
        federates=federation.mode() != "off",
    )
    response = jsonify(body)
    response.content_type = f'application/json; profile="{wellknown.SCHEMA}{version}#"'
    return response
