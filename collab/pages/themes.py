"""The colours of this instance: chosen by its administrators, served as a style sheet."""

from __future__ import annotations

from flask import Blueprint, abort, flash, redirect, request
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from collab.core.colour import contrast, parse_colour
from collab.core.errors import Invalid
from collab.core.inputs import parse
from collab.pages.forms import again, blank
from collab.people.look import (
    GROUNDS,
    USUAL,
    ReviseLook,
    legible_look,
    look_of,
    mark_of,
    revise_look,
    sheet_of,
    words_on,
)
from collab.web.assets import YEAR
from collab.web.runtime import current_runtime
from collab.web.view import dbsession, require_admin

bp = Blueprint("themes", __name__, template_folder="templates")
INK = {"brand": "#211e29", "brand_dark": "#f0eadd"}


@bp.get("/admin/look")
def show() -> str:
    """The colours, and how they look together (fields of the address try others)."""
    require_admin()
    row = look_of(dbsession())
    now = {name: getattr(row, name) if row else usual for name, usual in USUAL.items()}
    wanted = {name: parse_colour(request.args.get(name, "")) or now[name] for name in USUAL}
    return blank("admin/look.html", wanted, own=row is not None, samples=_samples(wanted))


@bp.post("/admin/look")
def change() -> Response:
    """Keep these colours, or go back to the usual ones."""
    found = require_admin()
    try:
        given = ReviseLook() if "reset" in request.form else parse(ReviseLook, request.form)
        with current_runtime().work(found.actor) as work:
            revise_look(work, given)
    except Invalid as invalid:
        nearest = legible_look(given)
        proposed = {"brand": nearest.brand, "brand_dark": nearest.brand_dark}
        return again(
            "admin/look.html", invalid, own=True, proposed=proposed,
            samples=_samples({n: parse_colour(request.form.get(n, "")) or USUAL[n] for n in USUAL}),
            better=_samples(proposed),
        )  # fmt: skip
    flash(_("C’est enregistré."), "ok")
    return redirect("/admin/look")


@bp.get("/theme.<mark>.css")
def sheet(mark: str) -> Response:
    """The colours as a style sheet. Its address changes with them, so it may be kept for ever."""
    row = look_of(dbsession())
    if row is None:
        abort(404)
    lasting = f"public, max-age={YEAR}, immutable" if mark == mark_of(row) else "no-cache"
    headers = {"Cache-Control": lasting}
    return Response(sheet_of(row), content_type="text/css; charset=utf-8", headers=headers)


def _samples(colours: dict[str, str]) -> list[dict[str, object]]:
    """What a preview draws for light and for dark, and the contrast it has where it is least."""
    names = {"brand": _("Clair"), "brand_dark": _("Sombre")}
    return [
        {
            "title": names[name],
            "paper": GROUNDS[name][0],
            "card": GROUNDS[name][1],
            "ink": INK[name],
            "brand": colour,
            "words": words_on(colour),
            "contrast": round(min(contrast(colour, ground) for ground in GROUNDS[name]), 1),
        }
        for name, colour in colours.items()
    ]
