"""Spaces: list, open, read, follow, join, leave, members, state of the copies."""

from __future__ import annotations

from werkzeug.wrappers import Response

from collab.api import shapes
from collab.api.door import acting, answer, body, bp, caller, cursor, limit, page
from collab.core.errors import Forbidden
from collab.core.i18n import N_
from collab.core.inputs import parse
from collab.spaces.decisions import decide
from collab.spaces.membership import (
    AskToJoin,
    Decide,
    ask_to_join,
    follow,
    leave,
    unfollow,
)
from collab.spaces.models import Role, Space
from collab.spaces.operations import OpenSpace, open_space
from collab.spaces.policy import role_of
from collab.spaces.queries import card_at, directory, find_space, members, requests, space_at
from collab.web.once import do_once
from collab.web.runtime import current_runtime
from collab.web.view import dbsession, viewer


def space_card(address: str) -> Space:
    """The space at an address, its card fetched from its host when it is not known here yet.

    Raises Missing when there is none, or the caller may not see it.
    """
    session, own = dbsession(), current_runtime().settings.host
    if "@" in address and viewer() is not None and find_space(session, address, own) is None:
        current_runtime().network.space_card(address)
    return card_at(session, address, own, viewer())


@bp.get("/spaces")
def list_spaces() -> Response:
    """A page of the projects that the caller may find."""
    rows = directory(dbsession(), viewer(), limit=limit() + 1, offset=cursor())
    shown = [shapes.space(row, viewer()) for row in rows[: limit()]]
    return page(shown, cursor() + limit() if len(rows) > limit() else None)


@bp.post("/spaces")
def open_one() -> Response:
    """Open a project; the same Idempotency-Key opens it once."""
    given = parse(OpenSpace, body())
    with acting() as work:
        row = do_once(work, lambda: open_space(work, given))
    return answer(shapes.space(row, caller()), 201)


@bp.get("/spaces/<address>")
def read_space(address: str) -> Response:
    """The card of a project."""
    return answer(shapes.space(space_card(address), viewer()))


@bp.post("/spaces/<address>/follow")
def follow_space(address: str) -> Response:
    """Follow a project; 202 when its own instance is still to answer."""
    caller()
    row = space_card(address)
    with acting() as work:
        follow(work, row)
    return answer(shapes.space(row, caller()), 200 if row.local else 202)


@bp.delete("/spaces/<address>/follow")
def unfollow_space(address: str) -> Response:
    """Follow it no longer."""
    caller()
    row = space_card(address)
    with acting() as work:
        unfollow(work, row)
    return answer(shapes.space(row, caller()))


@bp.post("/spaces/<address>/join")
def join_space(address: str) -> Response:
    """Join a project or ask to; 202 until somebody has said yes."""
    caller()
    row, given = space_card(address), parse(AskToJoin, body())
    with acting() as work:
        ask_to_join(work, row, given)
    told = shapes.space(row, caller())
    return answer(told, 200 if told["membership"] == "active" else 202)


@bp.post("/spaces/<address>/leave")
def leave_space(address: str) -> Response:
    """Take part in it no longer."""
    caller()
    row = space_card(address)
    with acting() as work:
        leave(work, row)
    return answer(shapes.space(row, caller()))


def readable(address: str) -> Space:
    """The space at an address that the caller may read. Raises Missing."""
    return space_at(dbsession(), address, current_runtime().settings.host, viewer())


@bp.get("/spaces/<address>/members")
def list_members(address: str) -> Response:
    """Who takes part in a project."""
    row = readable(address)
    return answer([shapes.member(m) for m in members(dbsession(), row)])


@bp.get("/spaces/<address>/requests")
def list_requests(address: str) -> Response:
    """Who asks to join, for those who decide."""
    row = readable(address)
    if role_of(dbsession(), row, caller().id) < Role.FACILITATOR:
        raise Forbidden(N_("Seules les personnes référentes du projet peuvent faire cela."))
    return answer([shapes.member(m) for m in requests(dbsession(), row)])


@bp.post("/spaces/<address>/requests/<int:member>/accept")
def accept_request(address: str, member: int) -> Response:
    """Let somebody in who asked; 202 when the project's own instance is to do it."""
    row = readable(address)
    with acting() as work:
        done = decide(work, row, "admit", Decide(member=member))
    return answer(shapes.member(done), 200 if row.local else 202)


@bp.post("/spaces/<address>/requests/<int:member>/refuse")
def refuse_request(address: str, member: int) -> Response:
    """Refuse somebody who asked; 202 as above."""
    row = readable(address)
    with acting() as work:
        done = decide(work, row, "decline", Decide(member=member))
    return answer(shapes.member(done), 200 if row.local else 202)
