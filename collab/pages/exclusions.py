"""Who is excluded from a project: the list, excluding somebody, lifting it."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from collab.core.db import now
from collab.core.errors import Forbidden, Invalid, Problem
from collab.core.i18n import N_
from collab.core.inputs import parse
from collab.pages.forms import again
from collab.people.actors import find_actor
from collab.people.models import ActorKind
from collab.spaces.decisions import EXCLUDE, Decision, refusals_of, waiting_in
from collab.spaces.excluding import exclude_or_ask, readmit_or_ask
from collab.spaces.exclusions import Exclude, Readmit, excluded_from
from collab.spaces.models import Role, Space
from collab.spaces.policy import role_of
from collab.web.context import space_frame
from collab.web.runtime import current_runtime
from collab.web.view import dbsession, here, require_login, viewer, working

bp = Blueprint("exclusions", __name__, template_folder="templates")
ASKED = N_("C’est demandé à %(host)s, où vit le projet. Vous le verrez ici dès que c’est fait.")
NOBODY = N_(
    "Personne ne répond à cette adresse ici. Vérifiez-la, par exemple sous un de ses textes."
)


@bp.get("/p/<address>/excluded")
def listed(address: str) -> str:
    """Who is excluded, with the form to exclude somebody."""
    require_login()
    space = _mine(address)
    typed = {"person": request.args.get("person", "")}
    return render_template("spaces/excluded.html", errors={}, typed=typed, **_shown(space))


@bp.post("/p/<address>/excluded")
def decide(address: str) -> Response:
    """Exclude, or lift it; the notice has the button that undoes it."""
    require_login()
    space = _mine(address)
    act = request.form.get("act", "")
    try:
        if act == "exclude":
            _exclude(space)
        elif act == "readmit":
            with working() as work:
                person = readmit_or_ask(work, space, parse(Readmit, request.form))
            lifted = _("L’exclusion de %(name)s est levée.", name=person.label)
            flash(lifted if space.local else _(ASKED, host=space.host), "ok")
        else:
            raise Problem(N_("Cette demande n’est pas comprise."))
    except Invalid as invalid:
        return again("spaces/excluded.html", invalid, **_shown(space))
    return redirect(f"{space.url}/excluded")


def _exclude(space: Space) -> None:
    member = request.form.get("member") or _number_of(request.form.get("person", ""))
    with working() as work:
        row = exclude_or_ask(work, space, parse(Exclude, {**request.form, "member": member}))
    if isinstance(row, Decision):
        flash(_(ASKED, host=space.host), "ok")
        return
    told: Any = {
        "text": _("%(name)s ne peut plus écrire dans le projet.", name=row.actor.label),
        "action": f"{space.url}/excluded",
        "fields": {"act": "readmit", "member": row.actor_id, "back": "1"},
    }
    flash(told, "undo")


def _number_of(written: str) -> int:
    """The actor at `lea` or `lea@b.example`, among those known here. Raises Invalid."""
    name, _at, host = written.strip().lstrip("@").lower().partition("@")
    found = find_actor(dbsession(), name, host or current_runtime().settings.host)
    if found is None or found.kind != ActorKind.PERSON:
        raise Invalid(person=NOBODY)
    return found.id


def _mine(address: str) -> Space:
    """The project that the viewer looks after."""
    space, actor = here(address), viewer()
    if role_of(dbsession(), space, actor.id if actor else None) < Role.FACILITATOR:
        raise Forbidden(N_("Seules les personnes référentes du projet peuvent faire cela."))
    return space


def _shown(space: Space) -> dict[str, Any]:
    session, actor = dbsession(), viewer()
    asked = waiting_in(session, space)
    return space_frame(space, "members") | {
        "rows": excluded_from(session, space, now()),
        "asked": asked,
        "leaving": [one.member for one in asked.values() if one.act == EXCLUDE],
        "refusals": refusals_of(session, actor, now(), space) if actor else [],
    }
