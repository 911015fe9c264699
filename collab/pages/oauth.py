"""Applications of other people, allowed to act for somebody here: asked for in plain words."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from authlib.common.urls import add_params_to_uri
from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749.grants import BaseGrant
from flask import Blueprint, Response, flash, jsonify, redirect, render_template, request
from flask_babel import gettext as _
from werkzeug.wrappers import Response as AnyResponse

from collab.core.db import now
from collab.core.errors import Problem
from collab.core.i18n import N_
from collab.pages.oauth_clients import metadata, serving
from collab.pages.oauth_server import server
from collab.people.first import Nobody
from collab.people.grants import applications_of, end_application
from collab.web.runtime import current_runtime
from collab.web.security import csrf, limiter
from collab.web.view import account, dbsession, require_login

bp = Blueprint("oauth", __name__, template_folder="templates")
STRANGE = N_(
    "Cette demande d’accès n’est pas en règle : l’application n’est pas connue ici, ou elle ne "
    "donne pas la bonne adresse de retour. Rien ne lui a été permis. Dites-le à qui l’a faite."
)


class ConsentPage(Response):
    """Its one form leads to the application, which the page's policy has to let it do."""

    form_action = "'self'"


@bp.errorhandler(OAuth2Error)
def refused(error: OAuth2Error) -> AnyResponse:
    """What Authlib refuses before it has an answer of its own: JSON (RFC 6749, 5.2)."""
    status, body, headers = error()
    response = jsonify(body)
    response.status_code = status
    response.headers.extend(headers)
    return response


@bp.get("/.well-known/oauth-authorization-server")
def describe() -> AnyResponse:
    """What this authorization server offers (RFC 8414)."""
    response = jsonify(metadata())
    response.headers["Cache-Control"] = "public, max-age=3600"
    return response


def _asked() -> BaseGrant | AnyResponse:
    """The request of an application, found to be in order; else where to send the browser."""
    try:
        return server.get_consent_grant(end_user=account())
    except OAuth2Error as error:
        if not error.redirect_uri:
            raise Problem(STRANGE) from error
        return _signed(redirect(error()[2][0][1]))
    except ValueError as error:  # Authlib cannot quote what was sent
        raise Problem(STRANGE) from error


def _signed(response: AnyResponse) -> AnyResponse:
    """The answer with our name in it, so that an application knows whose it is (RFC 9207)."""
    origin = current_runtime().settings.origin
    response.location = add_params_to_uri(response.location, [("iss", origin)])
    return response


@bp.get("/oauth/authorize")
@limiter.limit("60 per minute")
def ask() -> AnyResponse:
    """Ask the account's owner what an application may do (RFC 6749 4.1.1)."""
    grant = _asked()
    if not isinstance(grant, BaseGrant):
        return grant
    mine = require_login()
    parts = urlsplit(grant.redirect_uri)
    html = render_template(
        "oauth/consent.html",
        name=grant.client.row.name,
        since=grant.client.row.created_at,
        where=parts.hostname if parts.scheme in ("http", "https") else "",
        scopes=grant.request.scope.split(),
        account=mine,
        action=request.full_path,
    )
    page = ConsentPage(html, headers={"Cache-Control": "no-store"})
    page.form_action = f"'self' {_source(grant.redirect_uri)}"
    return page


def _source(uri: str) -> str:
    """An address as a source of a Content-Security-Policy, which knows no IPv6 literal."""
    parts = urlsplit(uri)
    if parts.scheme not in ("http", "https") or "[" in parts.netloc:
        return f"{parts.scheme}:"
    return f"{parts.scheme}://{parts.netloc}"


@bp.post("/oauth/authorize")
@limiter.limit("60 per minute")
def decide() -> AnyResponse:
    """Send the answer back to the application."""
    grant = _asked()
    if not isinstance(grant, BaseGrant):
        return grant
    mine = require_login()
    yes = request.form.get("act") == "allow"
    with serving(mine.actor):
        answer: AnyResponse = server.create_authorization_response(
            grant_user=mine if yes else None, grant=grant
        )
    return _signed(answer)


@bp.post("/oauth/token")
@limiter.limit("120 per minute")
def token() -> AnyResponse:
    """Change a code or a refresh token for tokens (RFC 6749 4.1.3 and 6)."""
    try:
        with serving(Nobody()):
            answer: AnyResponse = server.create_token_response()
    except ValueError:  # Authlib cannot quote what was sent
        return _mistake("invalid_request", "A parameter holds characters that it may not.")
    return answer


@bp.post("/oauth/revoke")
@limiter.limit("120 per minute")
def revoke() -> AnyResponse:
    """End a token (RFC 7009)."""
    return _endpoint("revocation")


@bp.post("/oauth/register")
@limiter.limit("20 per hour")
def register() -> AnyResponse:
    """Register an application (RFC 7591)."""
    if not isinstance(request.get_json(force=True, silent=True), dict):
        return _mistake("invalid_client_metadata", "The body must be a JSON object.")
    return _endpoint("client_registration")


for machine in (token, revoke, register):
    csrf.exempt(machine)


def _endpoint(name: str) -> AnyResponse:
    with serving(Nobody()):
        answer: AnyResponse = server.create_endpoint_response(name)
    return answer


def _mistake(error: str, description: str) -> AnyResponse:
    response = jsonify({"error": error, "error_description": description})
    response.status_code = 400
    return response


@bp.get("/account/applications")
def applications() -> str:
    """The applications that act for this account."""
    mine = require_login()
    found: Any = applications_of(dbsession(), mine, now())
    return render_template("account/applications.html", applications=found)


@bp.post("/account/applications/<client_id>/end")
def end(client_id: str) -> AnyResponse:
    """End all that an application may do here."""
    mine = require_login()
    with current_runtime().work(mine.actor) as work:
        end_application(work, mine, client_id)
    flash(_("Cette application n’a plus accès à votre compte."), "ok")
    return redirect("/account/applications")
