"""What one does with words that are there: take back, bring back, answer with a sign, pin."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import flash, redirect, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response

from collab.core.i18n import N_
from collab.core.inputs import parse
from collab.core.work import Work
from collab.spaces.asking import DECIDED, still_asked
from collab.spaces.models import Item, Space
from collab.spaces.tools.discussion.addresses import place
from collab.spaces.tools.discussion.inputs import Pin, React, Remove
from collab.spaces.tools.discussion.models import Said, Thread
from collab.spaces.tools.discussion.operations import (
    bring_back,
    pin_thread,
    put_reaction,
    remove,
    take_reaction,
    unpin_thread,
)
from collab.spaces.tools.discussion.views import bp, said_at, typed_form
from collab.web.view import dbsession, viewer, working

__all__ = ["bp"]

ACTS: dict[str, tuple[type[Any], Callable[[Work, Space, Any], Item]]] = {
    "restore": (Remove, bring_back),
    "react": (React, put_reaction),
    "unreact": (React, take_reaction),
    "pin": (Pin, pin_thread),
    "unpin": (Pin, unpin_thread),
}


@bp.post("/m/<uid>/remove")
def take_back(address: str, uid: str) -> Response:
    """Take words back, with the way to undo it; or ask their host, where that decides."""
    space, item = said_at(address, uid)
    with working() as work:
        asked = still_asked(remove(work, space, Remove(item=uid)), "remove")
    if asked:
        return _asked_of_host(space, item)
    undo = url_for(".do", address=space.address, uid=uid, act="restore")
    gone = N_("Discussion effacée.") if isinstance(item, Thread) else N_("Message effacé.")
    said: Any = {"text": gettext(gone), "action": undo, "label": gettext("Annuler")}
    flash(said, "undo")
    return redirect(_after_removal(space, item))


@bp.post("/m/<uid>/<any(restore, react, unreact, pin, unpin):act>")
def do(address: str, uid: str, act: str) -> Response:
    """Every other act, by its name; back to the words it was about."""
    space, item = said_at(address, uid)
    given, run = ACTS[act]
    with working() as work:
        done = run(work, space, parse(given, typed_form(item=uid)))
        asked = act in DECIDED and still_asked(done, act)
    if asked:
        return _asked_of_host(space, item)
    return redirect(place(dbsession(), viewer(), space, item))


def _asked_of_host(space: Space, item: Said) -> Response:
    said = N_("C’est demandé à %(host)s, où vit le projet. Vous le verrez ici dès que c’est fait.")
    flash(gettext(said, host=space.host), "ok")
    return redirect(place(dbsession(), viewer(), space, item))


def _after_removal(space: Space, item: Said) -> str:
    """A thread that nobody answered is gone from the list; anything else keeps its place."""
    if isinstance(item, Thread) and not item.message_count:
        return url_for("discussion.index", address=space.address)
    return place(dbsession(), viewer(), space, item)
