"""The pages of a discussion. Everything works by links and forms; scripts only add to it."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, redirect, render_template, request, session
from flask_babel import gettext
from werkzeug.wrappers import Response

from collab.core.errors import Invalid, Missing, Problem, Unauthenticated
from collab.core.i18n import N_
from collab.core.inputs import parse
from collab.core.markup import excerpt, plain
from collab.spaces.hiding import is_hidden
from collab.spaces.models import Space
from collab.spaces.queries import journal_head, revisions
from collab.spaces.tools.discussion.addresses import place
from collab.spaces.tools.discussion.cards import Card, cards, marks, reader_of
from collab.spaces.tools.discussion.inputs import (
    EditMessage,
    OpenThread,
    PostMessage,
)
from collab.spaces.tools.discussion.models import Message, Said, Thread
from collab.spaces.tools.discussion.operations import (
    MAX_BODY,
    edit_message,
    open_thread,
    post_message,
    said_in,
)
from collab.spaces.tools.discussion.queries import (
    LAST,
    is_shown,
    messages,
    page_of,
    reactions,
    threads,
)
from collab.web.context import space_frame
from collab.web.once import by_script, do_once, done_at
from collab.web.security import limiter
from collab.web.view import dbsession, here, viewer, working

bp = Blueprint("discussion", __name__, template_folder="templates")
writing = limiter.limit("60/minute", key_func=lambda: f"account-{session.get('account_id')}")


@bp.get("/")
def index(address: str) -> str:
    space = room(address)
    return shown("threads", space, page=threads(dbsession(), space, viewer(), _number()))


@bp.get("/new")
def new(address: str) -> str:
    return shown("new", room(address), typed={}, errors={})


@bp.post("/new")
@writing
def create(address: str) -> Response | tuple[str, int]:
    space = room(address)
    try:
        with working() as work:
            given = parse(OpenThread, typed_form())
            thread = do_once(work, lambda: open_thread(work, space, given))
    except Problem as problem:
        return shown("new", space, typed=request.form, errors=errors_of(problem)), problem.status
    return done_at(place(dbsession(), viewer(), space, thread))


@bp.get("/<uid>/")
def thread(address: str, uid: str) -> str:
    space, found = thread_at(address, uid)
    return _thread_page(space, found, _number(), typed={}, errors={})


@bp.post("/<uid>/")
@writing
def post(address: str, uid: str) -> Response | tuple[str, int]:
    space, found = thread_at(address, uid)
    try:
        with working() as work:
            given = parse(PostMessage, typed_form(thread=found.uid))
            message = do_once(work, lambda: post_message(work, space, given))
    except Problem as problem:
        return _thread_page(space, found, LAST, request.form, errors_of(problem)), problem.status
    return done_at(place(dbsession(), viewer(), space, message))


@bp.get("/m/<uid>")
def message(address: str, uid: str) -> Response:
    space, item = said_at(address, uid)
    return redirect(place(dbsession(), viewer(), space, item))


@bp.get("/fragment/<uid>")
def fragment(address: str, uid: str) -> str:
    space, item = said_at(address, uid)
    return render_template("discussion/fragment.html", card=_card(space, item))


@bp.get("/m/<uid>/acts")
def acts(address: str, uid: str) -> str:
    space, item = said_at(address, uid)
    signs = {} if item.withdrawn_at else reactions(dbsession(), [item])[item.id]
    return _item_page("acts", space, item, marks=marks(signs, viewer(), every=True))


@bp.get("/m/<uid>/history")
def history(address: str, uid: str) -> str:
    space, item = readable(address, uid)
    return _item_page("history", space, item, versions=revisions(dbsession(), item))


@bp.get("/m/<uid>/edit")
def edit(address: str, uid: str) -> str:
    space, item = readable(address, uid)
    if not _own(item):
        raise Missing(N_("Seule la personne qui l’a écrit peut modifier ce texte."))
    typed = {"title": item.title, "body": item.source, "language": item.language}
    return _item_page("edit", space, item, typed=typed, errors={})


@bp.post("/m/<uid>/edit")
@writing
def save(address: str, uid: str) -> Response | tuple[str, int]:
    space, item = readable(address, uid)
    try:
        with working() as work:
            edit_message(work, space, parse(EditMessage, typed_form(item=uid)))
    except Problem as problem:
        if not _own(item):
            raise
        errors = errors_of(problem)
        again = _item_page("edit", space, item, typed=request.form, errors=errors)
        return again, problem.status
    return redirect(place(dbsession(), viewer(), space, item))


def room(address: str) -> Space:
    """The space at this address, if it has this room. Raises Missing."""
    space = here(address)
    if "discussion" not in space.tools:
        raise Missing(N_("Ce projet n’utilise pas cet outil."))
    return space


def said_at(address: str, uid: str) -> tuple[Space, Said]:
    """A thread or message that the viewer may know of, taken back or not. Raises Missing."""
    space = room(address)
    item = said_in(dbsession(), space, uid)
    if not is_shown(item, viewer()):
        raise Missing(N_("Cette page n’existe pas, ou plus."))
    return space, item


def readable(address: str, uid: str) -> tuple[Space, Said]:
    """One whose text may be read. Raises Missing."""
    space, item = said_at(address, uid)
    if item.withdrawn_at or is_hidden(dbsession(), item.author):
        raise Missing(N_("Ce texte n’est plus montré."))
    return space, item


def thread_at(address: str, uid: str) -> tuple[Space, Thread]:
    space, item = said_at(address, uid)
    if not isinstance(item, Thread):
        raise Missing(N_("Cette discussion n’existe pas, ou plus."))
    return space, item


def _own(item: Said) -> bool:
    return item.author == viewer()


def _number() -> int:
    """The page asked for; 0 when none is, or it is no number."""
    asked = request.args.get("page", "")
    if asked == "last":
        return LAST
    return int(asked) if asked.isdecimal() and len(asked) < 8 else 0


def shown(template: str, space: Space, **more: Any) -> str:
    frame = space_frame(space, current="discussion")
    reader = reader_of(dbsession(), space, viewer())
    seq = more.pop("seq", None) or journal_head(dbsession())
    return render_template(
        f"discussion/{template}.html", **frame, reader=reader, seq=seq, max_body=MAX_BODY, **more
    )


def typed_form(**known: str) -> dict[str, str]:
    """The form; an empty text is left to the operation, which says what to write there."""
    blank = {name: " " for name in ("title", "body") if not request.form.get(name)}
    return {**request.form, **blank, **known}


def errors_of(problem: Problem) -> dict[str, str]:
    """What to say at which field; a refusal of the whole act stands at the text.

    Raises the problem itself for a script, and for who is not logged in any more (web.held).
    """
    if by_script() or isinstance(problem, Unauthenticated):
        raise problem
    if isinstance(problem, Invalid):
        return {name: gettext(text) for name, text in problem.fields.items()}
    return {"body": gettext(problem.message)}


def _card(space: Space, item: Said) -> Card:
    return cards(dbsession(), space, reader_of(dbsession(), space, viewer()), [item])[0]


def _item_page(template: str, space: Space, item: Said, **more: Any) -> str:
    thread = item if isinstance(item, Thread) else item.thread
    return shown(template, space, card=_card(space, item), thread=thread, **more)


def _thread_page(space: Space, thread: Thread, number: int, typed: Any, errors: Any) -> str:
    seq = journal_head(dbsession())
    actor = viewer()
    reader = reader_of(dbsession(), space, actor)
    answers = answered_in(space, thread, typed.get("reply_to") or request.args.get("reply"))
    if isinstance(answers, Message) and not number:
        number = page_of(dbsession(), answers, actor)
    page = messages(dbsession(), thread, actor, number)
    said: list[Said] = [thread, *page.rows] if page.number == 1 else list(page.rows)
    return shown(
        "thread",
        space,
        seq=seq,
        thread=thread,
        page=page,
        cards=cards(dbsession(), space, reader, said),
        answers=answers,
        quoted=excerpt(plain(answers.html), 120) if answers else "",
        typed=typed,
        errors=errors,
    )


def answered_in(space: Space, thread: Thread, uid: str | None) -> Said | None:
    """The item somebody is about to answer: of this thread, and readable."""
    try:
        item = said_in(dbsession(), space, uid or "")
    except Missing:
        return None
    of_it = item.id == thread.id or (isinstance(item, Message) and item.thread_id == thread.id)
    shown = is_shown(item, viewer()) and not is_hidden(dbsession(), item.author)
    return item if of_it and not item.withdrawn_at and shown else None
