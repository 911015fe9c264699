"""Leaving for another instance: asked there first, confirmed by one's password, and final."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from collab.core.errors import Invalid, Problem
from collab.core.i18n import N_
from collab.pages.forms import again
from collab.people.models import Account, Actor
from collab.people.operations import proves
from collab.people.queries import moved_to
from collab.web.guesses import guesses, login_rate
from collab.web.runtime import current_runtime
from collab.web.security import limiter
from collab.web.view import dbsession, require_login

bp = Blueprint("moving", __name__, template_folder="templates")
PAGE = "account/move.html"


@bp.get("/account/move")
def show() -> str:
    """What moving means, and the form to ask for it."""
    found = require_login()
    return render_template(PAGE, errors={}, typed={}, new=None, **_standing(found))


@bp.post("/account/move")
@limiter.limit(login_rate)
@guesses()
def move() -> Response:
    """First look who is there and say what will happen; then, with the password, do it."""
    found = require_login()
    new: Actor | None = None
    try:
        new = _asked(found.actor, request.form.get("address", "").strip())
        if "sure" not in request.form:
            return Response(
                render_template(PAGE, errors={}, typed=request.form, new=new, **_standing(found))
            )
        _proven(found)
        current_runtime().network.move_away(found.actor, new.iri)
    except Invalid as invalid:
        return again(PAGE, invalid, new=new if "sure" in request.form else None, **_standing(found))
    flash(
        _("C’est fait. Les instances qui vous connaissent reçoivent votre nouvelle adresse."), "ok"
    )
    return redirect("/account/move")


def _standing(found: Account) -> dict[str, object]:
    """What the page says of where they are."""
    moved = moved_to(dbsession(), found.actor)
    return {"account": found, "moved": moved, "moved_at": found.actor.moved_at}


def _asked(me: Actor, address: str) -> Actor:
    """Who is at that address and names this account. Raises Invalid."""
    if not address:
        raise Invalid(address=N_("Écrivez l’adresse de votre nouveau compte."))
    try:
        return current_runtime().network.agrees_to_move(me, address)
    except Invalid as invalid:
        raise Invalid(address=next(iter(invalid.fields.values()), "")) from invalid
    except Problem as problem:
        raise Invalid(address=problem.message) from problem


def _proven(found: Account) -> None:
    """Raises Invalid unless it is them: by their password, or by their name where there is none."""
    if found.password_hash:
        if not proves(found.password_hash, request.form.get("password", "")):
            raise Invalid(password=N_("Ce n’est pas votre mot de passe actuel."))
    elif request.form.get("name", "").strip().lower() != found.actor.name:
        raise Invalid(name=N_("Écrivez votre nom court, tel qu’il est dans votre adresse."))
