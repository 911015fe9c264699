"""The administrator's page: what the site says of itself, who may register, which peers."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, flash, redirect, request
from flask_babel import gettext as _
from sqlalchemy import select
from werkzeug.wrappers import Response

from collab.core.errors import Invalid, Problem
from collab.core.i18n import N_
from collab.core.inputs import parse
from collab.pages.forms import again, blank
from collab.people.models import Peer
from collab.people.queries import site
from collab.people.site import ReviseSite, revise_site
from collab.web.runtime import current_runtime
from collab.web.view import dbsession, require_admin

bp = Blueprint("admin", __name__, template_folder="templates")
PEER_WORDS = {
    "known": ("", N_("connue")),
    "asked": ("wait", N_("nous avons demandé")),
    "asking": ("wait", N_("demande une liaison")),
    "allowed": ("ok", N_("reliée")),
    "limited": ("wait", N_("limitée")),
    "blocked": ("error", N_("bloquée")),
    "refused": ("error", N_("refusée")),
}


@dataclass(frozen=True)
class AskPeer:
    """The address of an instance to be linked with."""

    url: str


def _around() -> dict[str, object]:
    peers = dbsession().scalars(select(Peer).order_by(Peer.state, Peer.host).limit(500))
    return {"peers": list(peers), "peer_words": PEER_WORDS}


def _typed() -> dict[str, object]:
    row = site(dbsession())
    mode = row.federation or current_runtime().settings.federation.mode
    names = ("name", "tagline", "about", "contact", "registration")
    return {name: getattr(row, name) for name in names} | {"federation": mode}


@bp.get("/admin")
def show() -> str:
    require_admin()
    return blank("admin/site.html", _typed(), **_around())


@bp.post("/admin")
def change() -> Response:
    found = require_admin()
    try:
        given = parse(ReviseSite, request.form)
        with current_runtime().work(found.actor) as work:
            revise_site(work, site(work.session), given)
    except Invalid as invalid:
        return again("admin/site.html", invalid, **_around())
    flash(_("C’est enregistré."), "ok")
    return redirect("/admin")


@bp.post("/admin/peers")
def ask() -> Response:
    found = require_admin()
    try:
        given = parse(AskPeer, request.form)
        try:
            current_runtime().network.ask_peer(found.actor, given.url)
        except Problem as problem:
            raise Invalid(url=problem.message) from problem
    except Invalid as invalid:
        return again("admin/site.html", invalid, **_around())
    flash(_("La demande est partie. Une personne de là-bas doit l’accepter."), "ok")
    return redirect("/admin")


@bp.post("/admin/peers/<host>")
def decide(host: str) -> Response:
    found = require_admin()
    current_runtime().network.decide_peer(found.actor, host, request.form.get("act", ""))
    flash(_("C’est fait."), "ok")
    return redirect("/admin")
