"""What is new for somebody: who named or answered them, and what was decided about them."""

from __future__ import annotations

import textwrap
from typing import Any

from flask import Blueprint, render_template, request
from flask_babel import gettext as _

from collab.core.db import now
from collab.core.i18n import N_
from collab.core.markup import plain
from collab.people.models import Actor
from collab.spaces import notices as told
from collab.spaces.decisions import refusals_of
from collab.spaces.exclusions import exclusions_of
from collab.spaces.models import ItemState
from collab.spaces.notices import NAMED, REFUSED, Notice, notices, seen
from collab.spaces.requests import requests_for, requests_of
from collab.web.light import shorter
from collab.web.reasons import in_words
from collab.web.runtime import current_runtime
from collab.web.view import dbsession, require_login, working

bp = Blueprint("notices", __name__, template_folder="templates")
PER_PAGE = 24
NOT_TAKEN = {
    told.UNSAID: N_("%(host)s n’a pas accepté votre texte. Vous seul le voyez."),
    told.UNCHANGED: N_("%(host)s n’a pas accepté votre modification. Le texte d’avant est revenu."),
    told.UNDELETED: N_("%(host)s n’a pas accepté d’effacer votre texte. Il est toujours là."),
    told.UNRESTORED: N_("%(host)s n’a pas accepté de remettre votre texte."),
    told.UNSIGNED: N_("%(host)s n’a pas accepté votre réaction à ce texte."),
    told.UNTAKEN: N_(
        "%(host)s n’a pas accepté de retirer votre réaction à ce texte. Elle est toujours là."
    ),
    told.UNVOTED: N_("%(host)s n’a pas accepté votre vote. Vous pouvez voter à nouveau."),
}
"""What another instance did not take from whoever reads it."""
SINCE = {
    told.UNSAID: N_("%(host)s a d’abord refusé votre texte. Maintenant, il y est."),
    told.UNDELETED: N_(
        "%(host)s a d’abord refusé d’effacer votre texte. Maintenant, il est effacé."
    ),
}
"""The same, of what it took later."""


@bp.get("/news")
def mine() -> str:
    """The page; looking at it is having seen what is on it, unless a browser only fetches ahead."""
    actor: Actor = require_login().actor
    number = min(max(request.args.get("page", 1, type=int), 1), 1000)
    size = shorter(PER_PAGE)
    rows = notices(dbsession(), actor, limit=size + 1, offset=(number - 1) * size)
    shown = rows[:size]
    html = render_template(
        "notices/mine.html",
        lines=[_line(row) for row in shown],
        number=number,
        more=len(rows) > size,
        barred=exclusions_of(dbsession(), actor, now()),
        refusals=refusals_of(dbsession(), actor, now()),
        waiting=requests_for(dbsession(), actor),
        asked=requests_of(dbsession(), actor, now()),
    )
    fresh = [row.id for row in shown if row.seen_at is None]
    if fresh and "prefetch" not in request.headers.get("Sec-Purpose", ""):
        with working() as work:
            seen(work, fresh)
    return html


def _not_taken(row: Notice) -> str:
    """What the host did not take, as it stands now."""
    item = row.item
    later = {
        told.UNSAID: item.state == ItemState.CONFIRMED,
        told.UNDELETED: item.withdrawn_at is not None,
    }
    return SINCE[row.why] if later.get(row.why) else NOT_TAKEN[row.why]


def _line(row: Notice) -> dict[str, Any]:
    item, tools = row.item, current_runtime().tools
    named, refused = row.why == NAMED, row.why in REFUSED
    host = item.author.host if row.why == told.UNVOTED else item.space.host
    return {
        "refused": _(_not_taken(row), host=host) if refused else "",
        "reason": in_words(row.reason),
        "author": item.author,
        "said": _("parle de vous") if named else _("vous répond"),
        "words": textwrap.shorten(plain(item.html), 160, placeholder=" …") or item.title,
        "url": tools.kind(item).url(item.space, item),
        "space": item.space,
        "at": row.at,
        "fresh": row.seen_at is None,
    }
