"""The accessibility statement of this site, and the audits that it is drawn from."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from collab.core.db import now
from collab.core.errors import Invalid
from collab.core.inputs import parse
from collab.pages.forms import again, blank
from collab.people.accessibility import (
    CRITERIA,
    TEXTS,
    Audit,
    RecordAudit,
    audit_that_counts,
    audits,
    conformity,
    record_audit,
    restore_audit,
    withdraw_audit,
)
from collab.web.light import shorter
from collab.web.runtime import current_runtime
from collab.web.view import dbsession, require_admin

bp = Blueprint("accessibility", __name__, template_folder="templates")
PAGE = "/admin/accessibilite"
SHOWN = 10
"""Earlier audits that the statement names."""
FIELDS = ("made_by", "reference", "met", "failed", "inapplicable", *TEXTS)


@bp.get("/accessibilite")
def statement() -> str:
    """What French law has a site say (decree 2019-768, article 4), from the audit that counts."""
    counts, today = audit_that_counts(dbsession()), now().date()
    earlier = [a for a in audits(dbsession()) if not a.withdrawn_at and a is not counts]
    return render_template(
        "site/accessibility.html",
        audit=counts,
        state=conformity(counts, today),
        expired=counts is not None and today > counts.holds_until,
        earlier=earlier[: shorter(SHOWN)],
    )


@bp.get(PAGE)
def show() -> str:
    """The audits so far, and the form for another (`?like=` fills it from one)."""
    require_admin()
    like = dbsession().get(Audit, request.args.get("like", 0, type=int))
    typed = {name: getattr(like, name) for name in FIELDS} if like else {}
    return blank("admin/accessibility.html", typed, **_around())


@bp.post(PAGE)
def record() -> Response:
    """Record an audit: the statement is drawn from it at once."""
    found = require_admin()
    try:
        given = parse(RecordAudit, request.form)
        with current_runtime().work(found.actor) as work:
            made = record_audit(work, given)
    except Invalid as invalid:
        return again("admin/accessibility.html", invalid, **_around())
    undo: Any = {"action": f"{PAGE}/{made.id}/withdraw", "text": _("L’audit est enregistré.")}
    flash(undo, "undo")
    return redirect("/accessibilite")


@bp.post(PAGE + "/<int:number>/withdraw")
def withdraw(number: int) -> Response:
    """Take an audit out of the statement; the page offers to undo it."""
    found = require_admin()
    with current_runtime().work(found.actor) as work:
        withdraw_audit(work, number)
    undo: Any = {"action": f"{PAGE}/{number}/restore", "text": _("L’audit est retiré.")}
    flash(undo, "undo")
    return redirect(PAGE)


@bp.post(PAGE + "/<int:number>/restore")
def restore(number: int) -> Response:
    """Let a withdrawn audit count again."""
    found = require_admin()
    with current_runtime().work(found.actor) as work:
        restore_audit(work, number)
    flash(_("L’audit compte de nouveau."), "ok")
    return redirect(PAGE)


def _around() -> dict[str, object]:
    counts = audit_that_counts(dbsession())
    return {
        "audits": audits(dbsession()),
        "counts": counts,
        "state": conformity(counts, now().date()),
        "references": [(name, f"{name} ({total})") for name, total in CRITERIA.items()],
        "today": now().date().isoformat(),
    }
