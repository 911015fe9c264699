"""Inviting somebody of another instance by their address, and answering such an invitation."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, request
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from collab.core.errors import Forbidden, Invalid, Problem
from collab.core.i18n import N_
from collab.pages.forms import again
from collab.pages.invitations import frame
from collab.spaces.invited import answer_invitation
from collab.spaces.models import Role
from collab.spaces.policy import role_of
from collab.web.runtime import current_runtime
from collab.web.security import limiter
from collab.web.view import card, dbsession, here, require_login, viewer, working

bp = Blueprint("invited", __name__, template_folder="templates")
RATE = "60 per hour"
ASKED = N_("C’est demandé à %(host)s, où vit le projet. Vous le verrez ici dès que c’est fait.")


@bp.post("/p/<address>/invitations/person")
@limiter.limit(RATE)
def by_address(address: str) -> Response:
    """Ask the person's instance who they are, then invite them (the network comes first)."""
    require_login()
    space, actor, session = here(address), viewer(), dbsession()
    if actor is None or role_of(session, space, actor.id) < Role.FACILITATOR:
        raise Forbidden(N_("Seules les personnes référentes du projet peuvent faire cela."))
    try:
        _invite(address, request.form.get("person", ""))
    except Invalid as invalid:
        return again("spaces/invitations.html", invalid, **frame(here(address)))
    space = here(address)
    sent = _("L’invitation est envoyée. Vous verrez la réponse dans la liste des membres.")
    flash(sent if space.local else _(ASKED, host=space.host), "ok")
    return redirect(f"{space.url}/invitations")


def _invite(address: str, person: str) -> None:
    """Raises Invalid, naming the mend beside the field."""
    actor, role = viewer(), request.form.get("role", int(Role.MEMBER), type=int)
    if not person.strip():
        raise Invalid(person=N_("Écrivez l’adresse de la personne."))
    if actor is None or role not in set(Role):
        raise Invalid(role=N_("Choisissez un rôle."))
    try:
        current_runtime().network.invite(actor, here(address), person.strip(), Role(role))
    except Invalid as invalid:
        raise Invalid(person=next(iter(invalid.fields.values()), "")) from invalid
    except Problem as problem:
        raise Invalid(person=problem.message) from problem


@bp.post("/p/<address>/invitation")
def answer(address: str) -> Response:
    """Say yes or no to the invitation of a project of elsewhere."""
    require_login()
    space, yes = card(address), request.form.get("answer") == "yes"
    with working() as work:
        answer_invitation(work, space, yes=yes)
    if yes and space.local:
        flash(_("Bienvenue dans le projet."), "ok")
        return redirect(space.url)
    if yes:
        flash(_("Votre oui est parti. Vous verrez ici quand le projet l’aura reçu."), "ok")
        return redirect(space.url)
    flash(_("Vous avez décliné l’invitation."), "ok")
    return redirect("/")
