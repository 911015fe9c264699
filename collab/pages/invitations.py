"""Inviting by link and QR, and coming in with one: at most three screens from the poster."""

from __future__ import annotations

import io
from typing import Any

import segno
from flask import Blueprint, flash, redirect, render_template, request
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from collab.core.db import now
from collab.core.errors import Forbidden, Invalid, Missing
from collab.core.i18n import N_
from collab.core.inputs import parse
from collab.pages.forms import again, blank
from collab.spaces.decisions import waiting_in
from collab.spaces.invitations import (
    Invite,
    Revoke,
    accept_invitation,
    invite,
    revoke_invitation,
    valid_invitation,
)
from collab.spaces.models import Invitation, Role, Space
from collab.spaces.policy import role_of
from collab.spaces.queries import asked_by_name, invitations
from collab.web.context import space_frame
from collab.web.runtime import current_runtime
from collab.web.security import limiter
from collab.web.view import dbsession, here, require_login, viewer, working

bp = Blueprint("invitations", __name__, template_folder="templates")


def _inviting(address: str) -> Space:
    require_login()
    space, actor = here(address), viewer()
    if role_of(dbsession(), space, actor.id if actor else None) < Role.FACILITATOR:
        raise Forbidden(N_("Seules les personnes référentes du projet peuvent faire cela."))
    return space


def frame(space: Space) -> dict[str, Any]:
    """What the page of invitations shows: those by link, and who was asked by name."""
    return space_frame(space, "members") | {
        "invitations": invitations(dbsession(), space),
        "invited": asked_by_name(dbsession(), space),
        "asked": waiting_in(dbsession(), space),
    }


@bp.get("/p/<address>/invitations")
def listed(address: str) -> str:
    """The invitations of a project, and who was asked by name."""
    space = _inviting(address)
    return blank("spaces/invitations.html", **frame(space))


@bp.post("/p/<address>/invitations")
def make(address: str) -> Response:
    """Make an invitation, or end one."""
    space = _inviting(address)
    try:
        if "revoke" in request.form:
            with working() as work:
                revoke_invitation(work, space, Revoke(request.form.get("revoke", 0, type=int)))
            flash(_("Cette invitation ne fonctionne plus."), "ok")
        else:
            with working() as work:
                invite(work, space, parse(Invite, request.form))
    except Invalid as invalid:
        return again("spaces/invitations.html", invalid, **frame(space))
    return redirect(f"{space.url}/invitations")


def _of_space(space: Space, code: str) -> Invitation:
    row = valid_invitation(dbsession(), code, now())
    if row.space_id != space.id:
        raise Missing(N_("Cette invitation n’existe pas, ou elle n’est plus valable."))
    return row


@bp.get("/p/<address>/invitations/<code>")
def cards(address: str, code: str) -> str:
    """An invitation as a card to print."""
    space = _inviting(address)
    row = _of_space(space, code)
    return render_template("spaces/card.html", **space_frame(space, "members"), row=row)


@bp.get("/p/<address>/invitations/<code>.svg")
def picture(address: str, code: str) -> Response:
    """The QR code of an invitation's link, as SVG."""
    row = _of_space(_inviting(address), code)
    link = f"{current_runtime().settings.origin}/join?code={row.code}"
    out = io.BytesIO()
    segno.make(link, error="m").save(
        out, kind="svg", scale=4, border=2, light="#fff", xmldecl=False
    )
    headers = {"Cache-Control": "private, max-age=3600"}
    return Response(out.getvalue(), mimetype="image/svg+xml", headers=headers)


@bp.get("/join")
@limiter.limit("60 per minute")
def invited() -> str | Response:
    """What an invitation invites to, or the form to type its code."""
    code = request.args.get("code", "")
    if not code:
        return blank("spaces/enter_code.html")
    try:
        row = valid_invitation(dbsession(), code, now())
    except Missing as missing:
        invalid = Invalid(code=missing.message)
        page = again("spaces/enter_code.html", invalid)
        page.status_code = 404
        return page
    return render_template("spaces/invited.html", invitation=row)


@bp.post("/join")
@limiter.limit("30 per minute")
def come_in() -> Response:
    """Accept an invitation."""
    require_login()
    with working() as work:
        member = accept_invitation(work, request.form.get("code", ""))
    flash(_("Bienvenue dans le projet."), "ok")
    return redirect(member.space.url if member else "/")
