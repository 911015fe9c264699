"""The page that answers « Chercher »: one box, four filters, no script needed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from flask import Blueprint, render_template, request
from flask_babel import get_timezone
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from collab.core.i18n import N_
from collab.people.actors import find_actor
from collab.people.models import Actor
from collab.search.port import REACHABLE
from collab.search.projects import projects
from collab.search.question import LONGEST
from collab.spaces.models import Space
from collab.spaces.policy import may_read
from collab.spaces.queries import directory, find_space
from collab.spaces.tool import Tools
from collab.web.context import Page
from collab.web.light import shorter
from collab.web.runtime import current_runtime
from collab.web.searching import Answer, Asked
from collab.web.view import dbsession, viewer

bp = Blueprint("search", __name__, template_folder="templates")

PER_PAGE = 20
SPACES = 40
"""Projects that the filter offers; any other is reached from its own page. Half in light mode."""
FIELDS = ("q", "space", "tool", "author", "since", "until", "order")


@bp.get("/search")
def search() -> str:
    """The search form, and what it finds among what this reader may see."""
    session, actor, runtime = dbsession(), viewer(), current_runtime()
    form = Form.read(session, actor, request.args, runtime.tools, runtime.settings.host)
    answer, page = Answer(), Page.asked(1, 0, 1)
    if form.asks:
        answer, page = _ask(session, actor, form, request.args.get("page", 1, type=int))
    named = form.asks and not form.filtered and page.number == 1
    return render_template(
        "search/search.html",
        form=form,
        answer=answer,
        page=page,
        projects=projects(session, actor, form.typed["q"]) if named else (),
        reachable=REACHABLE,
        longest=LONGEST,
        spaces=directory(session, actor, limit=shorter(SPACES)),
        tools=list(runtime.tools),
    )


def _ask(session: Session, actor: Actor | None, form: Form, number: int) -> tuple[Answer, Page]:
    """The results of that page, or of the last one there is."""
    wanted = max(number, 1)
    while True:
        answer = current_runtime().search.find(session, actor, form.question(wanted))
        page = Page.asked(wanted, min(answer.total, REACHABLE), shorter(PER_PAGE))
        if page.number == wanted:
            return answer, page
        wanted = page.number


@dataclass(frozen=True)
class Form:
    """What was asked for. `typed` is shown again as it was; `errors` say what to mend."""

    typed: Mapping[str, str]
    errors: Mapping[str, str]
    space: Space | None = None
    author: Actor | None = None
    since: datetime | None = None
    until: datetime | None = None

    @classmethod
    def read(
        cls, session: Session, actor: Actor | None, args: Mapping[str, str], tools: Tools, host: str
    ) -> Form:
        """Understand the filters; what cannot be understood stops the search and is named."""
        typed = {name: args.get(name, "").strip() for name in FIELDS}
        errors: dict[str, str] = {}
        space = _space(session, typed["space"], host, actor)
        author = _author(session, typed["author"], host)
        if typed["space"] and space is None:
            errors["space"] = _(N_("Ce projet n’existe pas, ou vous n’y avez pas accès."))
        if typed["tool"] and typed["tool"] not in tools.names():
            errors["tool"] = _(N_("Il n’y a pas d’outil de ce nom."))
        if typed["author"] and author is None:
            errors["author"] = _(N_("Personne n’a ce nom ici. Écrivez par exemple ines ou "
                                    "ines@ecole.example."))  # fmt: skip
        days = {}
        for name in ("since", "until"):
            days[name], wrong = _day(typed[name])
            if wrong:
                errors[name] = _(N_("Écrivez la date ainsi : 2026-03-21."))
        return cls(
            typed,
            errors,
            space=space,
            author=author,
            since=_midnight(days["since"]),
            until=_midnight(days["until"] and days["until"] + timedelta(days=1)),
        )

    @property
    def filtered(self) -> bool:
        """Whether any filter is set."""
        return any(self.typed[name] for name in ("space", "tool", "author", "since", "until"))

    @property
    def asks(self) -> bool:
        """Whether there is something to look for."""
        return not self.errors and (bool(self.typed["q"]) or self.filtered)

    @property
    def order(self) -> Literal["best", "newest"]:
        """The best results first, unless the newest are asked for."""
        return "newest" if self.typed["order"] == "newest" else "best"

    def question(self, number: int) -> Asked:
        """The question for page `number`, from 1."""
        size = shorter(PER_PAGE)
        return Asked(
            self.typed["q"],
            space=self.space,
            tool=self.typed["tool"] or None,
            author=self.author,
            since=self.since,
            until=self.until,
            order=self.order,
            limit=size,
            cursor=str((number - 1) * size),
        )


def _space(session: Session, typed: str, host: str, actor: Actor | None) -> Space | None:
    """The space of that address; one the reader may not read is as absent as any other."""
    space = find_space(session, typed, host) if typed else None
    return space if space and may_read(session, space, actor) else None


def _author(session: Session, typed: str, host: str) -> Actor | None:
    name, _at, elsewhere = typed.lstrip("@").lower().partition("@")
    return find_actor(session, name, elsewhere or host) if name else None


def _day(typed: str) -> tuple[date | None, bool]:
    """The day, and whether something else than a day was typed."""
    try:
        return (date.fromisoformat(typed), False) if typed else (None, False)
    except ValueError:
        return None, True


def _midnight(day: date | None) -> datetime | None:
    """The first instant of a day where the reader is."""
    return datetime.combine(day, time(), ZoneInfo(str(get_timezone()))) if day else None
