"""« Depuis votre dernière visite »: what is new in one’s projects, by thread, on one page."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from collab.core.db import now
from collab.pages.news import title_of
from collab.people.models import Actor
from collab.spaces.models import Item, Space
from collab.spaces.visits import Fresh, fresh_for, mark_seen, visit_of
from collab.web.light import shorter
from collab.web.runtime import current_runtime
from collab.web.view import dbsession, require_login

bp = Blueprint("since", __name__, template_folder="templates")
PATH = "/depuis"
MOST_GROUPS = 30
MOST_NAMES = 3


@dataclass
class Group:
    """What is new on one page of a project: a thread and its answers, or a document."""

    space: Space
    title: str
    url: str
    room: str
    at: datetime
    first: str = ""
    """Where the oldest new thing is."""
    added: int = 0
    changed: int = 0
    people: list[Actor] = field(default_factory=list)


def groups_of(fresh: list[Fresh]) -> list[Group]:
    """The new things by the page they are on, the page that moved last first."""
    tools = current_runtime().tools
    groups: dict[int, Group] = {}
    for new in fresh:
        item, space = new.item, new.item.space
        kind = tools.kind(item)
        root: Item = kind.within(item) or item
        group = groups.get(root.id)
        if group is None:
            url = tools.kind(root).url(space, root)
            group = Group(space, title_of(root), url, _(tools.of(item).title), new.at)
            groups[root.id] = group
        group.first = kind.url(space, item)
        group.changed += new.changed
        group.added += not new.changed
        if item.author not in group.people:
            group.people.append(item.author)
    return list(groups.values())


def by_space(groups: list[Group]) -> list[tuple[Space, list[Group]]]:
    """The groups of each project, the project that moved last first."""
    spaces: dict[int, tuple[Space, list[Group]]] = {}
    for group in groups:
        spaces.setdefault(group.space.id, (group.space, []))[1].append(group)
    return list(spaces.values())


def fresh_groups(actor: Actor) -> tuple[list[Group], int]:
    """What is new for this person, and the newest event of it (0 when there is nothing)."""
    fresh = list(fresh_for(dbsession(), actor, now()))
    return groups_of(fresh), max((new.event_id for new in fresh), default=0)


@bp.get(PATH)
def show() -> str:
    """What is new since the last visit."""
    actor = require_login().actor
    groups, newest = fresh_groups(actor)
    most = shorter(MOST_GROUPS)
    return render_template(
        "site/since.html",
        spaces=by_space(groups[:most]),
        more=max(len(groups) - most, 0),
        newest=newest,
        visit=visit_of(dbsession(), actor),
    )


@bp.post(PATH)
def seen() -> Response:
    """Count all of it as seen; the page offers to undo it."""
    actor = require_login().actor
    with current_runtime().work(actor) as work:
        before = mark_seen(work, request.form.get("upto", 0, type=int))
    if "undo" not in request.form:
        fields = {"upto": str(before), "undo": "1"}
        said: Any = {"text": _("C’est noté : tout est vu."), "action": PATH, "fields": fields}
        flash(said, "undo")
    return redirect(PATH)
