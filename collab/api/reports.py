"""Reports: make one, read the answers, and answer those about a project one looks after."""

from __future__ import annotations

from werkzeug.wrappers import Response

from collab.api import shapes
from collab.api.door import acting, answer, body, bp, caller, cursor, limit, page
from collab.api.spaces import readable
from collab.core.errors import Forbidden
from collab.core.i18n import N_
from collab.core.inputs import parse
from collab.spaces.models import Report, Role
from collab.spaces.policy import role_of
from collab.spaces.queries import item_by_uid
from collab.spaces.reports import (
    CloseReport,
    MakeReport,
    close_report,
    make_report,
    oversees,
    report_for,
    reports,
    reports_by,
)
from collab.web.once import do_once
from collab.web.view import dbsession, viewer


def _shape(row: Report, *, named: bool) -> shapes.Json:
    """A report; who made it is for those who handle it (R37)."""
    told: shapes.Json = {
        "report": row.uid,
        "state": row.state,
        "space": row.space.address if row.space else None,
        "item": row.item.uid if row.item else None,
        "iri": row.item_iri,
        "author": shapes.person(row.author),
        "reason": row.reason,
        "words": row.words,
        "answer": row.answer,
        "created_at": shapes.instant(row.created_at),
        "closed_at": shapes.instant(row.closed_at),
    }
    if named:
        told["reporter"] = shapes.person(row.reporter) if row.reporter else None
        told["from_host"] = row.from_host or None
    return told


@bp.post("/items/<uid>/report")
def report_item(uid: str) -> Response:
    """Report an item to those who look after its project."""
    caller()
    item = item_by_uid(dbsession(), uid, viewer())
    given = parse(MakeReport, body())
    with acting() as work:
        row = do_once(work, lambda: make_report(work, item.space, item, given))
    return answer(_shape(row, named=False), 201)


@bp.get("/me/reports")
def own_reports() -> Response:
    """What the caller has reported, with the answers."""
    return answer([_shape(row, named=False) for row in reports_by(dbsession(), caller())])


@bp.get("/spaces/<address>/reports")
def list_reports(address: str) -> Response:
    """The open reports of a project, for those who answer them."""
    row, actor = readable(address), caller()
    charged = role_of(dbsession(), row, actor.id) >= Role.FACILITATOR
    if not charged and not oversees(dbsession(), actor):
        raise Forbidden(N_("Seules les personnes référentes du projet peuvent faire cela."))
    found = reports(dbsession(), row, "open", limit=limit() + 1, offset=cursor())
    shown = [_shape(one, named=True) for one in found[: limit()]]
    return page(shown, cursor() + limit() if len(found) > limit() else None)


@bp.post("/reports/<uid>/close")
def close_one(uid: str) -> Response:
    """Answer a report, which closes it."""
    row = report_for(dbsession(), uid, caller())
    given = parse(CloseReport, body())
    with acting() as work:
        close_report(work, row, given)
    return answer(_shape(row, named=True))
