"""The logo of this instance: sent, looked at, shown, taken away; its picture and its icons."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, abort, flash, redirect, request
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from collab.core.errors import Invalid
from collab.core.pictures import as_logo
from collab.pages.forms import again, blank
from collab.people.logo import (
    ENDINGS,
    hide_logo,
    logo_of,
    logos,
    propose_logo,
    show_logo,
    shown_logo,
)
from collab.web.assets import YEAR
from collab.web.runtime import current_runtime
from collab.web.security import limiter
from collab.web.view import dbsession, require_admin

bp = Blueprint("logos", __name__, template_folder="templates")
PAGE = "/admin/look/logo"
RATE = "20/minute"
"""How often pictures may be sent: each costs the machine a moment of drawing."""


@bp.get(PAGE)
def show() -> str:
    """The logos that were sent, and the one that is shown."""
    require_admin()
    return blank("admin/logo.html", logos=logos(dbsession()))


@bp.post(PAGE)
@limiter.limit(RATE)
def send() -> Response:
    """Keep a new logo, to be looked at before anybody else sees it. Its file's name is not read."""
    found = require_admin()
    file = request.files.get("picture")
    try:
        drawing = as_logo(file.read() if file else b"")
        with current_runtime().work(found.actor) as work:
            propose_logo(work, drawing, request.form.get("words", ""))
    except Invalid as invalid:
        return again("admin/logo.html", invalid, logos=logos(dbsession()))
    flash(_("Regardez ce logo, puis montrez-le sur le site."), "ok")
    return redirect(PAGE)


@bp.post(PAGE + "/<int:number>/show")
def choose(number: int) -> Response:
    """Show this logo on every page; the page offers to undo it."""
    found = require_admin()
    before = shown_logo(dbsession())
    act = f"{before.id}/show" if before else "hide"
    with current_runtime().work(found.actor) as work:
        show_logo(work, number)
    undo: Any = {"text": _("Ce logo est montré sur toutes les pages."), "action": f"{PAGE}/{act}"}
    flash(undo, "undo")
    return redirect(PAGE)


@bp.post(PAGE + "/hide")
def hide() -> Response:
    """Show no logo; the page offers to undo it."""
    found = require_admin()
    before = shown_logo(dbsession())
    with current_runtime().work(found.actor) as work:
        hide_logo(work)
    if before is not None:
        action = f"{PAGE}/{before.id}/show"
        undo: Any = {"text": _("Le logo n’est plus montré."), "action": action}
        flash(undo, "undo")
    return redirect(PAGE)


@bp.get("/logo.<mark>.<ending>")
def picture(mark: str, ending: str) -> Response:
    """The picture. Its address changes with it, so it may be kept for ever."""
    found = logo_of(dbsession(), mark)
    if found is None or ENDINGS[found.kind] != ending:
        abort(404)
    headers = {"Cache-Control": f"public, max-age={YEAR}, immutable"}
    return Response(found.body, content_type=found.kind, headers=headers)
