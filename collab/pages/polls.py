"""A poll of elsewhere: its choices, how many took them, and voting from here."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, flash, make_response, redirect, render_template, request
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from collab.core.db import now
from collab.core.errors import Conflict, Invalid, Missing
from collab.core.i18n import N_
from collab.spaces.hiding import is_text_hidden
from collab.spaces.models import Item, Space
from collab.spaces.polls import Poll, Vote, ballot_of, vote
from collab.spaces.queries import item_by_uid
from collab.web.context import space_frame
from collab.web.extensions import db
from collab.web.runtime import current_runtime
from collab.web.view import dbsession, here, require_login, viewer, working

bp = Blueprint("polls", __name__, template_folder="templates")


@bp.get("/p/<address>/poll/<uid>")
def read(address: str, uid: str) -> str:
    """A poll of elsewhere, and how many took each choice."""
    return render_template("spaces/poll.html", errors={}, **_shown(*_poll(address, uid)))


@bp.post("/p/<address>/poll/<uid>")
def give(address: str, uid: str) -> Response:
    """Vote; its own instance counts."""
    require_login()
    space, poll = _poll(address, uid)
    try:
        with working() as work:
            vote(work, space, poll.item, Vote(tuple(request.form.getlist("choices"))))
    except Invalid as invalid:
        db.session.rollback()
        errors = {name: _(text) for name, text in invalid.fields.items()}
        again = _shown(*_poll(address, uid))
        return make_response(render_template("spaces/poll.html", errors=errors, **again), 422)
    except Conflict as refused:
        flash(_(refused.message), "error")
    else:
        flash(_("Votre vote est envoyé."), "ok")
    return redirect(request.path)


def _poll(address: str, uid: str) -> tuple[Space, Poll]:
    space, item = here(address), item_by_uid(dbsession(), uid, viewer())
    poll = dbsession().get(Poll, item.id)
    gone = item.withdrawn_at or is_text_hidden(dbsession(), item)
    if poll is None or item.space_id != space.id or gone:
        raise Missing(N_("Cette page n’existe pas, ou plus."))
    return space, poll


def _shown(space: Space, poll: Poll) -> dict[str, Any]:
    item: Item = poll.item
    actor, tools = viewer(), current_runtime().tools
    total = max(sum(poll.counts.values()), 1)
    return space_frame(space, tools.of(item).name) | {
        "poll": poll,
        "item": item,
        "back": tools.kind(item).url(space, item),
        "lines": [(name, n, round(100 * n / total)) for name, n in poll.counts.items()],
        "options": [(name, name) for name in poll.counts],
        "ballot": ballot_of(dbsession(), item, actor) if actor else None,
        "over": poll.over(now()),
    }
