"""Who is suspended on this instance, and suspending somebody from their page."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from collab.core.errors import Forbidden, Problem
from collab.core.i18n import N_
from collab.people.sanctions import Sanction, lift, suspend, suspended
from collab.spaces.reports import oversees
from collab.web.view import dbsession, require_login, viewer, working

bp = Blueprint("people", __name__, template_folder="templates")
ACTS = {"suspend": suspend, "lift": lift}


@bp.get("/admin/people")
def listed() -> str:
    """Who is suspended here."""
    require_login()
    if not oversees(dbsession(), viewer()):
        raise Forbidden(N_("Seules les personnes qui administrent ce site peuvent faire cela."))
    return render_template("admin/people.html", people=suspended(dbsession()))


@bp.post("/admin/people/<int:person>")
def decide(person: int) -> Response:
    """Suspend, or lift it; the notice has the button that undoes it."""
    require_login()
    act = request.form.get("act", "")
    if act not in ACTS:
        raise Problem(N_("Cette demande n’est pas comprise."))
    with working() as work:
        actor = ACTS[act](work, Sanction(person))
    suspended = _("Le compte de %(name)s est suspendu.")
    said = suspended if act == "suspend" else _("La suspension est levée.")
    other = "lift" if act == "suspend" else "suspend"
    told: Any = {
        "text": said % {"name": actor.label} if act == "suspend" else said,
        "action": request.path,
        "fields": {"act": other},
    }
    flash(told, "undo")
    return redirect("/admin/people")
