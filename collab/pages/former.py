"""One's accounts of elsewhere: named here, so that they may move here."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, request
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from collab.core.errors import Invalid, Problem
from collab.core.i18n import N_
from collab.core.inputs import parse
from collab.pages.forms import again, blank
from collab.people.former import Former, also_known, no_longer_known
from collab.web.runtime import current_runtime
from collab.web.security import limiter
from collab.web.view import require_login, working

bp = Blueprint("former", __name__, template_folder="templates")


@bp.get("/account/former")
def mine() -> str:
    """The accounts of elsewhere that may move to this one."""
    return blank("account/former.html", named=require_login().actor.also_known_as)


@bp.post("/account/former")
@limiter.limit("30 per hour")
def change() -> Response:
    """Name one (its host is asked who it is, before anything is written), or take one back."""
    found = require_login()
    if request.form.get("act") == "drop":
        with working() as work:
            no_longer_known(work, parse(Former, request.form))
        flash(_("C’est retiré."), "ok")
        return redirect("/account/former")
    try:
        iri = _asked(request.form.get("address", "").strip())
        with working() as work:
            also_known(work, Former(iri))
    except Invalid as invalid:
        return again("account/former.html", invalid, named=found.actor.also_known_as)
    flash(_("C’est noté. Demandez maintenant le déménagement depuis l’ancien compte."), "ok")
    return redirect("/account/former")


def _asked(address: str) -> str:
    """Whose address that is. Raises Invalid."""
    if not address:
        raise Invalid(address=N_("Écrivez l’adresse de votre ancien compte."))
    try:
        return current_runtime().network.person_at(address).iri
    except Invalid as invalid:
        raise Invalid(address=next(iter(invalid.fields.values()), "")) from invalid
    except Problem as problem:
        raise Invalid(address=problem.message) from problem
