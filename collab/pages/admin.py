"""The administrator's page: what the site says of itself, and who may register."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, request
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from collab.core.errors import Invalid
from collab.core.inputs import parse
from collab.pages.forms import again, blank
from collab.people.models import PeerState
from collab.people.queries import site
from collab.people.site import ReviseSite, revise_site
from collab.spaces.queries import frozen_spaces
from collab.spaces.reports import open_reports
from collab.web.runtime import current_runtime
from collab.web.view import dbsession, require_admin

bp = Blueprint("admin", __name__, template_folder="templates")


def _typed() -> dict[str, object]:
    row = site(dbsession())
    mode = row.federation or current_runtime().settings.federation.mode
    names = ("name", "tagline", "about", "contact", "registration")
    return {name: getattr(row, name) for name in names} | {"federation": mode}


def _around() -> dict[str, object]:
    peers = current_runtime().network.peers()
    asking = sum(1 for peer in peers if peer.state == PeerState.ASKING)
    session = dbsession()
    return {
        "asking": asking,
        "reported": open_reports(session),
        "frozen": frozen_spaces(session),
    }


@bp.get("/admin")
def show() -> str:
    """What the site says of itself, to change it."""
    require_admin()
    return blank("admin/site.html", _typed(), **_around())


@bp.post("/admin")
def change() -> Response:
    """Change it."""
    found = require_admin()
    try:
        given = parse(ReviseSite, request.form)
        with current_runtime().work(found.actor) as work:
            revise_site(work, site(work.session), given)
    except Invalid as invalid:
        return again("admin/site.html", invalid, **_around())
    flash(_("C’est enregistré."), "ok")
    return redirect("/admin")
