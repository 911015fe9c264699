"""Items of every room, by the actions the rooms declare."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from sqlalchemy import select
from werkzeug.wrappers import Response

from collab.api import shapes
from collab.api.door import acting, answer, body, bp, caller, cursor, limit, page
from collab.api.spaces import readable
from collab.core.errors import Missing
from collab.core.i18n import N_
from collab.core.inputs import parse
from collab.spaces.files import file_of, may_have
from collab.spaces.items import withdraw
from collab.spaces.models import Item, Offer, Space
from collab.spaces.policy import shown_to
from collab.spaces.queries import item_by_uid
from collab.spaces.tool import Action, Kind, Tool
from collab.web.actions import run_in
from collab.web.files import link_to, uploaded_sound
from collab.web.once import do_once
from collab.web.runtime import current_runtime
from collab.web.view import dbsession, viewer

NO_KIND = N_("Ce projet n’a rien de ce genre.")


def kind_of(space: Space, tool: str, plural: str) -> tuple[Tool, Kind]:
    """The kind of item that `<tool>/<plural>` names, in a space that uses the tool."""
    if tool in space.tools:
        for candidate in current_runtime().tools:
            for kind in candidate.kinds if candidate.name == tool else ():
                if kind.plural == plural:
                    return candidate, kind
    raise Missing(NO_KIND)


def given_for(action: Action, raw: Mapping[str, Any], space: Space, **named: str) -> Any:
    """The action's input from JSON; `body` is also understood where the text is called `source`.

    A form may bring a sound with it (`voice`), which is kept from here on. Raises Invalid.
    """
    names = {f.name for f in fields(action.input)}
    told = dict(raw) | {k: v for k, v in named.items() if k in names}
    if "body" in told and "source" in names and "source" not in told:
        told["source"] = told["body"]
    sounds = [f.name for f in fields(action.input) if f.metadata.get("sound")]
    sent = {name: uploaded_sound(name, space) for name in sounds}
    return parse(action.input, told, **{name: sound for name, sound in sent.items() if sound})


def done(result: Item | Offer, status: int) -> Response:
    """What was made or changed; 202 when it only travels to the space's host."""
    if isinstance(result, Offer):
        return answer(shapes.offer(result), 202)
    told = shapes.item(result)
    return answer(told, 202 if told["state"] == "pending" else status)


@bp.get("/spaces/<address>/<tool>/<plural>")
def list_items(address: str, tool: str, plural: str) -> Response:
    """A page of the items of one kind, in one room."""
    space = readable(address)
    _, kind = kind_of(space, tool, plural)
    rows = dbsession().scalars(
        select(kind.model)
        .where(kind.model.space_id == space.id, kind.model.withdrawn_at.is_(None))
        .where(shown_to(viewer()))
        .order_by(kind.model.created_at.desc(), kind.model.id.desc())
        .limit(limit() + 1)
        .offset(cursor())
    )
    found = list(rows)
    shown = [shapes.item(row) for row in found[: limit()]]
    return page(shown, cursor() + limit() if len(found) > limit() else None)


@bp.post("/spaces/<address>/<tool>/<plural>")
def add_item(address: str, tool: str, plural: str) -> Response:
    """Add an item; the same Idempotency-Key adds it once."""
    caller()
    space = readable(address)
    _, kind = kind_of(space, tool, plural)
    given = given_for(kind.add, body(), space)
    with acting() as work:
        result = do_once(work, lambda: run_in(work, space, tool, kind.add, given))
    return done(result, 201)


@bp.get("/items/<uid>")
def read_item(uid: str) -> Response:
    """One item, wherever it stands."""
    return answer(shapes.item(item_by_uid(dbsession(), uid, viewer())))


@bp.patch("/items/<uid>")
def change_item(uid: str) -> Response:
    """Change an item; its title stays when none is sent."""
    caller()
    item = item_by_uid(dbsession(), uid, viewer())
    runtime = current_runtime()
    tool, kind = runtime.tools.of(item), runtime.tools.kind(item)
    sent = {"title": item.title, **body()}
    given = given_for(kind.revise, sent, item.space, item=uid, **{kind.name: uid})
    with acting() as work:
        result = do_once(work, lambda: run_in(work, item.space, tool.name, kind.revise, given))
    return done(result, 200)


@bp.delete("/items/<uid>")
def remove_item(uid: str) -> Response:
    """Withdraw an item, where its room can."""
    caller()
    item = item_by_uid(dbsession(), uid, viewer())
    runtime = current_runtime()
    tool, kind = runtime.tools.of(item), runtime.tools.kind(item)
    action = tool.actions.get("remove")
    with acting() as work:

        def act() -> Item | Offer:
            if action is None:
                withdraw(work, item)
                return item
            given = given_for(action, {}, item.space, item=uid, **{kind.name: uid})
            return run_in(work, item.space, tool.name, action, given)

        result = do_once(work, act)
    return done(result, 200)


@bp.get("/items/<uid>/voice")
def hear_item(uid: str) -> Response:
    """Where the recording of a message is for the caller, for the next ten minutes."""
    item = item_by_uid(dbsession(), uid, viewer())
    file = file_of(dbsession(), item)
    if file is None or not may_have(dbsession(), file, viewer()):
        raise Missing(N_("Ce message n’a pas de son, ou il n’est plus montré."))
    if not (file.held or current_runtime().network.bring_file(item)):
        raise Missing(N_("Ce son n’est pas encore arrivé ici. Réessayez dans un moment."))
    return answer({"url": absolute(link_to(file, viewer())), "type": file.kind})


def absolute(link: str) -> str:
    """A link of ours with its origin."""
    return f"{current_runtime().settings.origin}{link}" if link.startswith("/") else link


@bp.get("/items/<uid>/messages")
def list_messages(uid: str) -> Response:
    """A thread's messages, the opening one first, in the order they were written."""
    thread = item_by_uid(dbsession(), uid, viewer())
    reply = reply_kind(thread)
    model: Any = reply.model
    rows = dbsession().scalars(
        select(model)
        .where(model.thread_id == thread.id, model.withdrawn_at.is_(None), shown_to(viewer()))
        .order_by(model.uid)  # as on the page: ids tell the time of writing, everywhere the same
        .limit(limit() + 1)
        .offset(max(cursor() - 1, 0))
    )
    found = [thread, *rows] if not cursor() else list(rows)
    shown = [shapes.item(row) for row in found[: limit()]]
    return page(shown, cursor() + limit() if len(found) > limit() else None)


@bp.post("/items/<uid>/messages")
def add_message(uid: str) -> Response:
    """Answer a thread; the same Idempotency-Key answers once."""
    caller()
    thread = item_by_uid(dbsession(), uid, viewer())
    kind = reply_kind(thread)
    given = given_for(kind.add, body(), thread.space, thread=uid)
    tool = current_runtime().tools.of(thread).name
    with acting() as work:
        result = do_once(work, lambda: run_in(work, thread.space, tool, kind.add, given))
    return done(result, 201)


def reply_kind(thread: Item) -> Kind:
    """The kind of the answers to an item. Raises Missing for what takes none."""
    for kind in current_runtime().tools.of(thread).kinds:
        if hasattr(kind.model, "thread_id") and thread.kind != kind.name:
            return kind
    raise Missing(NO_KIND)


@bp.get("/me")
def me() -> Response:
    """Whose token this is."""
    return answer(shapes.person(caller()))
