"""A project's own pages: its card, joining, following, members, settings."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from collab.core.db import now
from collab.core.errors import Forbidden, Invalid, Missing, Problem
from collab.core.i18n import N_
from collab.core.inputs import parse
from collab.pages.forms import again, blank
from collab.pages.news import copies_of, mirror_in_words, news_of
from collab.spaces.barred import exclusion_of
from collab.spaces.decisions import decide as decide_about
from collab.spaces.decisions import refusals_of, waiting_in
from collab.spaces.membership import AskToJoin, Decide, ask_to_join, follow, leave, unfollow
from collab.spaces.models import MembershipState, Role, Space
from collab.spaces.operations import (
    DEFAULT_TOOLS,
    OpenSpace,
    ReviseSpace,
    ShowPresence,
    archive_space,
    open_space,
    reopen_space,
    revise_space,
    show_presence,
)
from collab.spaces.policy import may_read, may_see_card, role_of
from collab.spaces.queries import following, members, requests, standing
from collab.spaces.reports import open_reports
from collab.web.context import Page, space_frame
from collab.web.light import shorter
from collab.web.runtime import current_runtime
from collab.web.view import card, dbsession, here, require_login, viewer, working

bp = Blueprint("spaces", __name__, template_folder="templates")
ASKED = N_("C’est demandé à %(host)s, où vit le projet. Vous le verrez ici dès que c’est fait.")
MEMBERS_ON_A_PAGE = 20
NOBODY = N_("Personne ne répond à cette adresse. Vérifiez-la auprès de qui vous l’a donnée.")
"""Also said of a project that the person may not know of: as if there were none."""


def _tools() -> list[tuple[str, str]]:
    return [(t.name, _(t.title)) for t in current_runtime().tools]


def _chosen() -> tuple[str, ...]:
    """The tools that are ticked; none at all is a mistake to be mended, not the usual two."""
    return tuple(request.form.getlist("tools"))


@bp.get("/spaces/new")
def new() -> str:
    require_login()
    return blank(
        "spaces/form.html", new=True, action="/spaces/new", all_tools=_tools(),
        typed_tools=list(DEFAULT_TOOLS),
    )  # fmt: skip


@bp.post("/spaces/new")
def open_one() -> Response:
    require_login()
    try:
        given = parse(OpenSpace, request.form, tools=_chosen())
        with working() as work:
            space = open_space(work, given)
    except Invalid as invalid:
        return again(
            "spaces/form.html", invalid, new=True, action="/spaces/new", all_tools=_tools(),
            typed_tools=request.form.getlist("tools"),
        )  # fmt: skip
    flash(_("Votre projet est ouvert. Invitez du monde, ou écrivez un premier message."), "ok")
    return redirect(space.url)


@bp.get("/spaces/elsewhere")
def elsewhere() -> str:
    """The form to find a project of another instance by its address."""
    require_login()
    return blank("spaces/elsewhere.html", {"address": request.args.get("address", "")})


@bp.post("/spaces/elsewhere")
def find_elsewhere() -> Response:
    """Look a remote project up and show its card (the network comes before any transaction)."""
    require_login()
    address = request.form.get("address", "").strip()
    try:
        if not address:
            raise Invalid(address=N_("Collez l’adresse d’un projet."))
        try:
            space = current_runtime().network.space_card(address)
            if not may_see_card(dbsession(), space, viewer()):
                raise Missing(NOBODY)
        except Invalid:
            raise
        except Problem as problem:
            raise Invalid(address=problem.message) from problem
    except Invalid as invalid:
        return again("spaces/elsewhere.html", invalid)
    return redirect(space.url)


@bp.get("/p/<address>")
@bp.get("/p/<address>/")
def home(address: str) -> str:
    """The card of a project, and for its readers what happens in it."""
    space, session, actor = card(address), dbsession(), viewer()
    readable = may_read(session, space, actor)
    mine = role_of(session, space, actor.id if actor else None)
    return render_template(
        "spaces/home.html",
        **space_frame(space, "home"),
        readable=readable,
        standing=standing(session, space, actor),
        follow=following(session, space, actor),
        barred=exclusion_of(session, space, actor.id, now()) if actor else None,
        news=news_of(space) if readable else [],
        copies=copies_of(space) if readable and space.local else [],
        mirror=mirror_in_words(space) if readable and not space.local else "",
        waiting=len(requests(session, space)) if mine >= Role.FACILITATOR else 0,
        reported=open_reports(session, space) if mine >= Role.FACILITATOR else 0,
    )


@bp.get("/p/<address>/join")
def ask(address: str) -> str:
    require_login()
    return render_template("spaces/join.html", space=card(address))


@bp.post("/p/<address>/join")
def join(address: str) -> Response:
    """Join the project, or ask those who look after it."""
    require_login()
    space = card(address)
    with working() as work:
        row = ask_to_join(work, space, parse(AskToJoin, request.form))
    if row.state == "active":
        flash(_("Bienvenue dans le projet."), "ok")
    else:
        flash(_("Votre demande est envoyée. Vous verrez la réponse ici."), "ok")
    return redirect(space.url)


@bp.post("/p/<address>/leave")
def go(address: str) -> Response:
    """Take part in the project no longer, or take the request back."""
    require_login()
    space, actor = card(address), viewer()
    row = standing(dbsession(), space, actor)
    asked = row is not None and row.state == MembershipState.REQUESTED
    with working() as work:
        leave(work, space)
    left = _("Vous ne participez plus à ce projet.")
    flash(_("Votre demande est retirée.") if asked else left, "ok")
    return redirect(space.url if may_see_card(dbsession(), space, actor) else "/")


@bp.post("/p/<address>/follow")
def start_following(address: str) -> Response:
    """Follow the project."""
    require_login()
    space = card(address)
    with working() as work:
        follow(work, space)
    flash(_("Vous suivez ce projet."), "ok")
    return redirect(space.url)


@bp.post("/p/<address>/unfollow")
def stop_following(address: str) -> Response:
    """Follow it no longer."""
    require_login()
    space = card(address)
    with working() as work:
        unfollow(work, space)
    flash(_("Vous ne suivez plus ce projet."), "ok")
    return redirect(space.url)


@bp.get("/p/<address>/members")
def list_members(address: str) -> str:
    """Who takes part, a page at a time, with those who ask to."""
    space, session, actor = here(address), dbsession(), viewer()
    mine = role_of(session, space, actor.id if actor else None)
    decides = mine >= Role.FACILITATOR
    every = members(session, space)
    size = shorter(MEMBERS_ON_A_PAGE)
    page = Page.asked(request.args.get("page", 1, type=int), len(every), size)
    wanted = request.args.get("change", 0, type=int) if decides else 0
    return render_template(
        "spaces/members.html",
        **space_frame(space, "members"),
        members=every[page.offset : page.offset + size],
        page=page,
        changing=next((row for row in every if row.actor_id == wanted), None),
        requests=requests(session, space) if decides else [],
        asked=waiting_in(session, space) if decides else {},
        refusals=refusals_of(session, actor, now(), space) if actor and decides else [],
        standing=standing(session, space, actor),
    )


@bp.post("/p/<address>/members")
def decide(address: str) -> Response:
    """Admit, decline, give a role or remove; where the project lives elsewhere, ask for it."""
    require_login()
    space = here(address)
    with working() as work:
        decide_about(work, space, request.form.get("act", ""), parse(Decide, request.form))
    asked = _(ASKED, host=space.host)
    flash(_("C’est fait.") if space.local else asked, "ok")
    return redirect(f"{space.url}/members")


def _typed(space: Space) -> dict[str, object]:
    names = ("name", "why", "who", "how", "territory", "insee_code", "visibility", "join_policy")
    return {name: getattr(space, name) for name in names}


@bp.get("/p/<address>/settings")
def settings(address: str) -> str:
    """The form to change the project."""
    require_login()
    space = _mine_to_set(address)
    return blank(
        "spaces/form.html", _typed(space), new=False, **space_frame(space, "settings"),
        all_tools=_tools(), action=f"{space.url}/settings", typed_tools=space.tools,
    )  # fmt: skip


@bp.post("/p/<address>/settings")
def change(address: str) -> Response:
    """Change it."""
    require_login()
    space = _mine_to_set(address)
    try:
        given = parse(ReviseSpace, request.form, tools=_chosen())
        with working() as work:
            revise_space(work, space, given)
    except Invalid as invalid:
        return again(
            "spaces/form.html", invalid, new=False, **space_frame(space, "settings"),
            all_tools=_tools(), action=f"{space.url}/settings",
            typed_tools=request.form.getlist("tools"),
        )  # fmt: skip
    flash(_("C’est enregistré."), "ok")
    return redirect(space.url)


def _mine_to_set(address: str) -> Space:
    space, actor = here(address), viewer()
    if role_of(dbsession(), space, actor.id if actor else None) < Role.FACILITATOR:
        raise Forbidden(N_("Seules les personnes référentes du projet peuvent faire cela."))
    return space


@bp.post("/p/<address>/presence")
def presence(address: str) -> Response:
    """Show other instances who is here, or no longer."""
    require_login()
    space = here(address)
    with working() as work:
        show_presence(work, space, parse(ShowPresence, request.form))
    flash(_("C’est enregistré."), "ok")
    return redirect(f"{space.url}/settings")


@bp.post("/p/<address>/archive")
def archive(address: str) -> Response:
    """Close the project to writing; it can be opened again."""
    require_login()
    space = here(address)
    with working() as work:
        archive_space(work, space)
    flash(_("Le projet est archivé."), "ok")
    return redirect(space.url)


@bp.post("/p/<address>/reopen")
def reopen(address: str) -> Response:
    """Open it to writing again."""
    require_login()
    space = here(address)
    with working() as work:
        reopen_space(work, space)
    flash(_("Le projet est rouvert."), "ok")
    return redirect(space.url)
