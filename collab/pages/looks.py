"""How pages look: the reader's own settings, without an account, and the page of all the parts."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from flask import Blueprint, make_response, redirect, render_template, request, url_for
from flask_babel import gettext as _
from markupsafe import Markup
from werkzeug.wrappers import Response

from collab.pages.forms import next_page
from collab.people.models import Actor
from collab.web.assets import read
from collab.web.display import Display, display, keep
from collab.web.security import require_our_page

bp = Blueprint("looks", __name__, template_folder="templates")
TOKENS = (
    "paper", "card", "sunk", "line", "edge", "ink", "soft", "brand", "madder", "ochre", "ok",
    "mark", "ins", "del",
)  # fmt: skip


@bp.get("/affichage")
def settings() -> str:
    """How pages look for this reader, and the form to change it."""
    back = next_page("")
    return render_template("looks/display.html", typed=display(), back=back)


@bp.post("/affichage")
def choose() -> Response:
    """Keep the choice in a cookie, or forget it."""
    require_our_page()
    wanted = Display() if "reset" in request.form else Display.of(request.form)
    response = make_response(redirect(url_for(".settings", next=next_page("") or None)))
    keep(response, wanted)
    return response


@bp.get("/styleguide")
def styleguide() -> str:
    """Every part that pages are made of, made by the real macros, with figures that nobody has."""
    now = datetime.now(UTC)
    who = Actor(name="mesange", display_name=_("Mésange"), host=request.host, local=True)
    cards = [
        {"id": "1", "title": _("Réserver la salle"), "actor": who},
        {"id": "2", "title": _("Écrire aux voisins"), "text": _("Avant samedi.")},
    ]
    return render_template(
        "looks/styleguide.html",
        tokens=TOKENS,
        icons=re.findall(r'symbol id="([a-z]+)"', read("icons.svg")[0].decode()),
        now=now,
        person=who,
        words=Markup("<p>{}</p>").format(_("On en installe une avant l’hiver ?")),
        figures=[(_("Courges"), 61), (_("Tomates"), 34.5), (_("Haricots"), 12)],
        visits=[(_("janvier"), 4), (_("février"), 9), (_("mars"), 6), (_("avril"), 14)],
        columns=[
            {"key": "todo", "title": _("À faire"), "cards": cards},
            {"key": "doing", "title": _("En cours"), "cards": cards[:1]},
            {"key": "done", "title": _("Fait"), "cards": []},
        ],
        points=[
            {"at": now - timedelta(days=40), "title": _("Première réunion")},
            {"at": now - timedelta(days=3), "title": _("Chantier"), "text": _("Douze personnes.")},
        ],
    )
