"""How pages look: the reader's own settings, without an account, and the page of all the parts."""

from __future__ import annotations

from flask import Blueprint, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from collab.pages.forms import next_page
from collab.web.display import Display, display, keep
from collab.web.security import require_our_page

bp = Blueprint("looks", __name__, template_folder="templates")


@bp.get("/affichage")
def settings() -> str:
    back = next_page("")
    return render_template("looks/display.html", typed=display(), back=back)


@bp.post("/affichage")
def choose() -> Response:
    require_our_page()
    wanted = Display() if "reset" in request.form else Display.of(request.form)
    response = make_response(redirect(url_for(".settings", next=next_page("") or None)))
    keep(response, wanted)
    return response
