"""Home, first visit, who we are, a person's page, health."""

from __future__ import annotations

from flask import Blueprint, redirect, render_template, request
from flask_babel import gettext as _
from sqlalchemy import func, select, text
from werkzeug.wrappers import Response

from collab.core.errors import Conflict, Invalid, Missing
from collab.core.events import EventRow
from collab.core.i18n import N_
from collab.core.inputs import parse
from collab.core.letters import alphabetical
from collab.pages.forms import again, blank
from collab.pages.since import fresh_groups
from collab.people.actors import find_actor
from collab.people.first import first_administrator
from collab.people.models import Peer, PeerState
from collab.people.operations import Register, new_recovery_code
from collab.people.queries import account_of, moved_to, site
from collab.spaces.known import is_met
from collab.spaces.models import Membership, MembershipState, Space
from collab.spaces.notices import unread
from collab.spaces.policy import visible_spaces, visible_to
from collab.spaces.queries import directory, invited_to, spaces_of
from collab.spaces.reports import answers_for, oversees
from collab.spaces.requests import requests_for
from collab.web.context import Page
from collab.web.light import shorter
from collab.web.runtime import current_runtime
from collab.web.tongues import choose_locale
from collab.web.view import dbsession, log_in, viewer

bp = Blueprint("site", __name__, template_folder="templates")
PER_PAGE = 16
NEWS = 4
"""Threads and documents with news that home names; the others are one page away."""
NOT_FOR_ENGINES = ("/account", "/admin", "/affichage", "/api/", "/join", "/login", "/search")
MINE = 8
"""One's own projects that home says something of; the others are named."""


@bp.get("/")
def home() -> str | Response:
    """One's projects and what is new, or what this site is for a visitor."""
    session = dbsession()
    if site(session).set_up_at is None:
        return redirect("/setup")
    actor = viewer()
    every = spaces_of(session, actor) if actor else []
    own = [space.id for space in every]
    visible = select(func.count(Space.id)).where(visible_to(actor), Space.id.not_in(own))
    size = shorter(PER_PAGE)
    page = Page.asked(request.args.get("page", 1, type=int), session.scalar(visible) or 0, size)
    spaces = directory(session, actor, without=own, limit=size, offset=page.offset)
    mine, others = every[:MINE], every[MINE:]
    at = _last_activity([s.id for s in [*spaces, *mine]])
    news, _newest = fresh_groups(actor) if actor else ([], 0)
    return render_template(
        "site/home.html",
        mine=[{"space": s, "at": at.get(s.id)} for s in mine],
        spaces=[{"space": s, "at": at.get(s.id)} for s in spaces],
        others=others,
        news=news[:NEWS],
        news_count=len(news),
        page=page,
        answers=answers_for(session, actor) if actor else 0,
        fresh=unread(session, actor) if actor else 0,
        asked=invited_to(session, actor) if actor else [],
        waiting=requests_for(session, actor) if actor else [],
    )


def _last_activity(ids: list[int]) -> dict[int, object]:
    newest = (
        select(EventRow.space_id, func.max(EventRow.id).label("id"))
        .where(EventRow.space_id.in_(ids))
        .group_by(EventRow.space_id)
        .subquery()
    )
    rows = dbsession().execute(
        select(EventRow.space_id, EventRow.at).join(newest, EventRow.id == newest.c.id)
    )
    return {row.space_id: row.at for row in rows}


@bp.get("/setup")
def setup() -> str | Response:
    """The first page of a new instance: the form for its name and its first account."""
    if site(dbsession()).set_up_at is not None:
        return redirect("/")
    return blank("site/setup.html")


@bp.post("/setup")
def set_up() -> Response:
    """Name the instance and make its first account; only once."""
    name = request.form.get("site_name", "").strip()
    runtime = current_runtime()
    if site(dbsession()).set_up_at is not None:
        raise Conflict(N_("Ce site a déjà une personne qui l’administre."))
    try:
        if not name or len(name) > 80:
            raise Invalid(site_name=N_("Donnez un nom au site, de 80 caractères au plus."))
        given = parse(Register, request.form, locale=choose_locale())
        school = request.form.get("kind") == "school"
        account = first_administrator(runtime.work, name, given, school=school)
    except Invalid as invalid:
        return again("site/setup.html", invalid)
    with runtime.work(account.actor) as work:
        code = new_recovery_code(work, account)
    log_in(account)
    html = render_template("account/code.html", code=code, next="/spaces/new")
    return Response(html, headers={"Cache-Control": "no-store"}, mimetype="text/html")


@bp.get("/about")
def about() -> str:
    """Who keeps this site, in their words."""
    row = site(dbsession())
    told = row.about or _("Les personnes qui tiennent ce site n’ont pas encore écrit cette page.")
    return render_template("site/text.html", title=_("Qui sommes-nous"), paragraphs=[told])


@bp.get("/mentions")
def mentions() -> str:
    """What the law asks a site to say of itself."""
    row = site(dbsession())
    told = [
        _("Ce site est tenu par : %(name)s.", name=row.name),
        row.contact
        or _("Les personnes qui tiennent ce site n’ont pas encore écrit comment les joindre."),
        _(
            "Aucun contenu ne vient d’un autre serveur que celui-ci. Un seul témoin de connexion "
            "est déposé, quand vous vous connectez ou choisissez une langue. Aucune mesure "
            "d’audience."
        ),
        _("Si vous réglez l’affichage, un autre témoin garde vos choix dans ce navigateur."),
    ]
    return render_template("site/text.html", title=_("Mentions légales"), paragraphs=told)


@bp.get("/instances")
def instances() -> str:
    """The instances this one is linked with."""
    peers = dbsession().scalars(
        select(Peer).where(Peer.state == PeerState.ALLOWED).order_by(Peer.host)
    )
    return render_template("site/instances.html", peers=list(peers))


@bp.get("/u/<address>")
def person(address: str) -> str:
    """A person, and the projects that the viewer may see them in."""
    name, _at, host = address.lstrip("@").partition("@")
    found = find_actor(dbsession(), name, host.lower() or current_runtime().settings.host)
    if found is None or found.deleted_at or found.kind != "person":
        raise Missing(N_("Cette personne n’est pas connue ici."))
    here, watches = account_of(dbsession(), found.id), oversees(dbsession(), viewer())
    if (found.suspended_at and not watches) or (here and here.disabled_at):
        raise Missing(N_("Cette personne n’est pas connue ici."))
    if not (found.local or watches or is_met(dbsession(), found, viewer())):
        raise Missing(N_("Cette personne n’est pas connue ici."))
    shared = dbsession().scalars(
        visible_spaces(viewer())
        .join(Membership, Membership.space_id == Space.id)
        .where(Membership.actor_id == found.id, Membership.state == MembershipState.ACTIVE)
        .order_by(Space.name)
        .limit(100)
    )
    return render_template(
        "site/person.html",
        person=found,
        spaces=sorted(shared, key=lambda space: alphabetical(space.name)),
        watches=watches,
        new=moved_to(dbsession(), found),
    )


@bp.get("/healthz")
def healthy() -> Response:
    """The process answers; the database is not asked."""
    return Response("ok", mimetype="text/plain")


@bp.get("/robots.txt")
def robots() -> Response:
    """What search engines may read: what is said and written, not the ways in and the lists."""
    lines = ["User-agent: *", *(f"Disallow: {path}" for path in NOT_FOR_ENGINES)]
    return Response("\n".join(lines) + "\n", mimetype="text/plain")


@bp.get("/readyz")
def ready() -> Response:
    """The process answers and the database too."""
    dbsession().execute(text("SELECT 1"))
    return Response("ok", mimetype="text/plain")
