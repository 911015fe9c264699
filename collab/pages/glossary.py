"""The glossary of this instance: difficult words, what they mean, and who may add one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from collab.core.errors import Invalid
from collab.core.falc import GLOSSARY, check
from collab.core.inputs import parse
from collab.core.letters import fold
from collab.spaces.tools.simple.inputs import AddTerm
from collab.spaces.tools.simple.queries import added_terms
from collab.spaces.tools.simple.words import add_term, may_define, remove_term
from collab.web.context import Page
from collab.web.light import shorter
from collab.web.view import dbsession, require_login, viewer, working

bp = Blueprint("glossary", __name__, template_folder="templates")
PER_PAGE = 80


@bp.get("/glossaire")
def words() -> str:
    """Every difficult word that has a definition here."""
    return _page({}, {})


@bp.post("/glossaire")
def add() -> Response | tuple[str, int]:
    """Add a word."""
    require_login()
    try:
        with working() as work:
            term = add_term(work, parse(AddTerm, request.form))
            word, definition = term.word, term.definition
    except Invalid as invalid:
        errors = {name: _(text) for name, text in invalid.fields.items()}
        return _page(request.form, errors), invalid.status
    flash(_("Le mot « %(word)s » est dans le glossaire.", word=word), "ok")
    for found in check(definition.replace(". ", ".\n"), ())[:3]:
        flash(_(found.says, words=found.words, mend=found.mend, **found.given), "ok")
    return redirect("/glossaire")


@bp.post("/glossaire/<int:number>/<any(remove,restore):act>")
def change(number: int, act: str) -> Response:
    """Take a word out, or put it back."""
    require_login()
    with working() as work:
        remove_term(work, number, removed=act == "remove")
    if act == "remove":
        undo = f"/glossaire/{number}/restore"
        told: Any = {"text": _("Mot retiré du glossaire."), "action": undo}
        flash(told, "undo")
    else:
        flash(_("Le mot est de retour."), "ok")
    return redirect("/glossaire")


def _page(typed: Mapping[str, str], errors: Mapping[str, str]) -> str:
    added = added_terms(dbsession())
    rows = [(t.word, t.definition, 0) for t in GLOSSARY]
    rows += [(t.word, t.definition, t.id) for t in added]
    rows.sort(key=lambda row: fold(row[0]))
    allowed = may_define(dbsession(), viewer())
    size = shorter(PER_PAGE)
    page = Page.asked(request.args.get("page", 1, type=int), len(rows), size)
    return render_template(
        "site/glossary.html",
        rows=rows[page.offset : page.offset + size],
        page=page,
        allowed=allowed,
        typed=typed,
        errors=errors,
    )
