"""« Signaler »: saying that a text is not right, answering, and reading the answer."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from collab.core.errors import Conflict, Forbidden, Invalid, Missing
from collab.core.i18n import N_
from collab.core.inputs import parse
from collab.core.markup import excerpt, plain
from collab.pages.forms import again, blank
from collab.spaces.hiding import is_text_hidden
from collab.spaces.models import Item, Report, Role, Space
from collab.spaces.policy import role_of
from collab.spaces.queries import item_by_uid
from collab.spaces.reports import (
    MAX_WORDS,
    REASONS,
    CloseReport,
    MakeReport,
    answers_read,
    close_report,
    make_report,
    open_reports,
    oversees,
    readers_of,
    report_for,
    reports,
    reports_by,
)
from collab.web.actions import run_in
from collab.web.context import Page, space_frame
from collab.web.runtime import current_runtime
from collab.web.security import limiter
from collab.web.view import dbsession, here, require_login, viewer, working

bp = Blueprint("reports", __name__, template_folder="templates")
PER_PAGE = 20


# Making one


@bp.get("/p/<address>/report/<uid>")
def form(address: str, uid: str) -> str:
    """The form to report a text."""
    require_login()
    space, item = _item(address, uid)
    return blank("reports/form.html", {"reason": ""}, **_about(space, item))


@bp.post("/p/<address>/report/<uid>")
@limiter.limit("30 per hour")
def make(address: str, uid: str) -> Response:
    """Report it to those who look after the project."""
    require_login()
    space, item = _item(address, uid)
    try:
        with working() as work:
            make_report(work, space, item, parse(MakeReport, request.form))
    except Invalid as invalid:
        return again("reports/form.html", invalid, **_about(space, item))
    except Conflict as already:
        flash(_(already.message), "error")
        return redirect(_place(space, item))
    flash(_("Merci. C’est transmis ; la réponse viendra dans « Mes signalements »."), "ok")
    return redirect("/account/reports")


def _item(address: str, uid: str) -> tuple[Space, Item]:
    space, item = here(address), item_by_uid(dbsession(), uid, viewer())
    if is_text_hidden(dbsession(), item):
        raise Missing(N_("Ce texte n’est plus montré."))
    return item.space if item.space_id != space.id else space, item


def _about(space: Space, item: Item) -> dict[str, Any]:
    return {
        **space_frame(space, current_runtime().tools.of(item).name),
        "item": item,
        "quoted": _quoted(item),
        "back": _place(space, item),
        "reasons": [(key, _(words)) for key, words in REASONS.items()],
        "readers": readers_of(dbsession(), space),
        "far": _told_elsewhere(space, item),
        "max_words": MAX_WORDS,
    }


def _told_elsewhere(space: Space, item: Item) -> list[str]:
    """The other instances that will read the report, without the reporter's name."""
    hosts = {space.host, item.author.host} - {current_runtime().settings.host}
    return sorted(hosts)


def _quoted(item: Item | None) -> str:
    if item is None or item.withdrawn_at:
        return ""
    return excerpt(plain(item.html), 300) or item.title


def _place(space: Space, item: Item) -> str:
    return current_runtime().tools.kind(item).url(space, item)


# Reading the answers


@bp.get("/account/reports")
def mine() -> str:
    """What one has reported, with the answers, which count as read from now on."""
    found = require_login()
    rows = reports_by(dbsession(), found.actor)
    html = render_template("reports/mine.html", rows=[_line(row) for row in rows])
    if any(row.state == "closed" and row.seen_at is None for row in rows):
        with working() as work:
            answers_read(work, rows)
    return html


# Answering


@bp.get("/p/<address>/reports")
def of_space(address: str) -> str:
    """The reports of a project, for those who look after it."""
    require_login()
    space, actor = here(address), viewer()
    charged = role_of(dbsession(), space, actor.id if actor else None) >= Role.FACILITATOR
    if not charged and not oversees(dbsession(), actor):
        raise Forbidden(N_("Seules les personnes référentes du projet peuvent faire cela."))
    return _list(space, f"{space.url}/reports", **space_frame(space, "reports"))


@bp.get("/admin/reports")
def of_all() -> str:
    """The reports of every project, for the administrators."""
    require_login()
    if not oversees(dbsession(), viewer()):
        raise Forbidden(N_("Seules les personnes qui administrent ce site peuvent faire cela."))
    return _list(None, "/admin/reports")


def _list(space: Space | None, address: str, /, **frame: Any) -> str:
    session = dbsession()
    waiting = open_reports(session, space)
    page = Page.asked(request.args.get("page", 1, type=int), waiting, PER_PAGE)
    rows = reports(session, space, "open", limit=PER_PAGE, offset=page.offset)
    closed = reports(session, space, "closed", limit=PER_PAGE)
    return render_template(
        "reports/list.html" if space else "reports/all.html",
        rows=[_line(row) for row in rows],
        closed=[_line(row) for row in closed],
        page=page,
        waiting=waiting,
        address=address,
        **frame,
    )


def _line(row: Report) -> dict[str, Any]:
    """One report as the pages show it; the text itself is there while it is not hidden."""
    item, space = row.item, row.space
    there = _place(space, item) if item is not None and space is not None else ""
    return {
        "row": row,
        "quoted": _quoted(item),
        "url": there,
        "reason": "" if row.from_host else _(REASONS.get(row.reason, REASONS["other"])),
        "may_hide": bool(item and not item.withdrawn_at and space and _may_hide(space)),
        "may_exclude": bool(space and _may_hide(space)),
    }


def _may_hide(space: Space) -> bool:
    actor = viewer()
    held = role_of(dbsession(), space, actor.id if actor else None)
    return space.local and held >= Role.FACILITATOR and space.archived_at is None


@bp.get("/reports/<uid>")
def one(uid: str) -> str:
    """One report, with the form to answer it."""
    require_login()
    row = report_for(dbsession(), uid, viewer())
    return blank("reports/one.html", line=_line(row), max_words=MAX_WORDS)


@bp.post("/reports/<uid>/hide")
def hide(uid: str) -> Response:
    """Hide the reported text, as its room does it; it can be brought back for 30 days."""
    require_login()
    row = report_for(dbsession(), uid, viewer())
    if row.item is None or row.space is None:
        raise Conflict(N_("Il n’y a pas de texte à cacher."))
    runtime, item, space = current_runtime(), row.item, row.space
    tool, kind = runtime.tools.of(item), runtime.tools.kind(item)
    action = tool.actions["remove"]
    given = parse(action.input, {"item": item.uid, kind.name: item.uid})
    with working() as work:
        run_in(work, space, tool.name, action, given)
    flash(_("Le texte est caché. Dites maintenant un mot à la personne qui l’a signalé."), "ok")
    return redirect(f"/reports/{uid}")


@bp.post("/reports/<uid>")
def close(uid: str) -> Response:
    """Answer a report, which closes it."""
    require_login()
    row = report_for(dbsession(), uid, viewer())
    try:
        with working() as work:
            close_report(work, row, CloseReport(request.form.get("answer", "")))
    except Invalid as invalid:
        row = report_for(dbsession(), uid, viewer())
        return again("reports/one.html", invalid, line=_line(row), max_words=MAX_WORDS)
    flash(_("Le signalement est clos."), "ok")
    if row.space is None or role_of(dbsession(), row.space, _own_id()) < Role.FACILITATOR:
        return redirect("/admin/reports")
    return redirect(f"{row.space.url}/reports")


def _own_id() -> int | None:
    actor = viewer()
    return actor.id if actor else None
