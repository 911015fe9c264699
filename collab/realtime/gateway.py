"""The socket door: join a space, act, say that one is writing. Facts come back through the tail."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from flask import g, request
from flask_socketio import ConnectionRefusedError as Refused
from flask_socketio import Namespace, SocketIO
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from collab.core.db import now
from collab.core.errors import Forbidden, Missing, Problem, TooMany
from collab.core.i18n import N_
from collab.people.models import Account
from collab.realtime.callers import Caller, Seat, answer_call, must_write, still_there
from collab.realtime.elsewhere import Elsewhere
from collab.realtime.presence import Presence
from collab.realtime.sendpath import send_all
from collab.realtime.tail import Tail, everybody, members
from collab.spaces.barred import refuse_excluded
from collab.spaces.models import Role
from collab.spaces.policy import role_of
from collab.spaces.queries import item_by_uid, space_at
from collab.web.actions import describe, perform
from collab.web.extensions import db
from collab.web.runtime import current_runtime

log = logging.getLogger(__name__)

Json = dict[str, Any]
Answer = Callable[[Caller, Account | None, Json], Json]
EVENTS = frozenset(["join", "leave", "do", "typing"])
"""What a client may say."""
MAX_SEATS = 20
MAX_WORD = 400
"""Characters of an address, an id or a name."""
UNCLEAR = N_("Cette demande n’est pas comprise.")
BROKEN = N_("Une erreur est arrivée de notre côté. Rien d’enregistré n’est perdu.")
BUSY = N_("La base de données est occupée. Attendez un instant, puis recommencez.")


class Gateway(Namespace):  # type: ignore[misc]
    """The one namespace, `/`. Every answer is a mapping: what was asked for, or a problem."""

    def __init__(self, socketio: SocketIO, tail: Tail, elsewhere: Elsewhere) -> None:
        super().__init__("/")
        self._server = socketio.server
        self._tail = tail
        self._socketio = socketio
        self.callers: dict[str, Caller] = {}
        self.elsewhere = elsewhere
        self.presence = Presence(socketio, self.callers, elsewhere)
        self.in_doubt: Callable[[int], None] = lambda space_id: None
        """Asks for another look at who may be in a space."""

    def trigger_event(self, event: Any, sid: str, *given: Any) -> Any:
        """Let through what python-socketio itself says and what clients may ask.

        A client can name its events `connect` and `disconnect`; those are not the real ones.
        """
        if event == "disconnect":
            return None if self._server.manager.is_connected(sid, "/") else self._gone(sid)
        known = sid in self.callers
        if (event == "connect" and not known) or (known and event in EVENTS):
            return super().trigger_event(event, sid, *given)
        return None

    def on_connect(self, auth: object = None) -> None:
        """Somebody opens a socket. Refused for a token that is not valid, or a JSONP poll."""
        if request.args.get("j"):
            raise Refused("jsonp")  # a script tag of another origin could read the answers
        sid = request.sid  # type: ignore[attr-defined]
        try:
            self.callers[sid] = answer_call(db.session(), sid, auth)
        except Problem as problem:
            raise Refused(problem.code, describe(problem)) from None

    def _gone(self, sid: str) -> None:
        caller = self.callers.pop(sid, None)
        for seat in caller.seats.values() if caller else ():
            self.presence.changed(seat.space_id, seat.address)

    def on_join(self, *given: Any) -> Json:
        """`{"space", "after"?}`: be told what happens there, and what has since `after`."""
        return self._answer(self._join, given)

    def on_leave(self, *given: Any) -> Json:
        """`{"space"}`: be told no more."""
        return self._answer(self._leave, given)

    def on_do(self, *given: Any) -> Json:
        """`{"space", "tool", "action", "data"}`: what the API's actions do."""
        return self._answer(self._do, given)

    def on_typing(self, *given: Any) -> Json:
        """`{"item"}`: the members who have it open see that the caller writes there."""
        return self._answer(self._typing, given)

    def _answer(self, answer: Answer, given: tuple[Any, ...]) -> Json:
        """Never raises: a client's mistake must not end its connection."""
        caller = self.callers[request.sid]  # type: ignore[attr-defined]
        try:
            caller.asks.take()
            if len(given) != 1 or not isinstance(given[0], dict):
                raise Problem(UNCLEAR)
            g.account = found = still_there(db.session(), caller)
            return answer(caller, found, given[0])
        except Problem as problem:
            return self._no(problem)
        except OperationalError as error:
            log.error("database unavailable: %s", error.orig)
            return self._no(_broken(BUSY, 503, "busy"))
        except Exception:  # the request boundary
            log.exception("bug in a socket event")
            return self._no(_broken(BROKEN, 500, "bug"))

    @staticmethod
    def _no(problem: Problem) -> Json:
        try:
            db.session.rollback()
        except SQLAlchemyError as error:
            log.error("rollback failed: %s", error)
        return describe(problem)

    def _join(self, caller: Caller, found: Account | None, asked: Json) -> Json:
        after = asked.get("after")
        if after is not None and type(after) is not int:
            raise Problem(UNCLEAR)
        known = self._tail.seq
        seat = self._seat(found, _word(asked, "space"))
        if len(caller.seats) >= MAX_SEATS and seat.space_id not in caller.seats:
            raise TooMany(N_("Trop de projets sont ouverts sur cette connexion."))
        # Ends the transaction now, so that giving it back cannot let another greenlet run later.
        db.session.close()
        missed = None if after is None else self._tail.missed(
            seat.space_id, after, member=seat.member
        )  # fmt: skip
        # No greenlet switches from here to the return: what the tail tells comes wholly before
        # (then it is in `missed`) or wholly after (then the caller sits in the room).
        if caller.sid not in self.callers:
            return {}
        send_all(self._socketio, caller.sid, "happened", [t.message for t in missed or ()])
        self.sit(caller, seat)
        self.presence.changed(seat.space_id, seat.address)
        if known != self._tail.seq:
            self.in_doubt(seat.space_id)  # perhaps removed while we read
        resync = after is not None and missed is None
        return {"seq": self._tail.seq} | ({"resync": True} if resync else {})

    @staticmethod
    def _seat(found: Account | None, address: str) -> Seat:
        actor = found.actor if found else None
        space = space_at(db.session(), address, current_runtime().settings.host, actor)
        if actor is not None:
            refuse_excluded(db.session(), space, actor.id, now())
        role = role_of(db.session(), space, actor.id if actor else None)
        return Seat(space.id, space.address, role > Role.NONE)

    def sit(self, caller: Caller, seat: Seat) -> None:
        """Put a caller into the rooms of a space, or move them between the rooms."""
        caller.seats[seat.space_id] = seat
        self._server.enter_room(caller.sid, everybody(seat.space_id), "/")
        move = self._server.enter_room if seat.member else self._server.leave_room
        move(caller.sid, members(seat.space_id), "/")

    def put_out(self, caller: Caller, space_id: int) -> None:
        """Take a caller out of the rooms of a space."""
        seat = caller.seats.pop(space_id, None)
        if seat is not None:
            self._server.leave_room(caller.sid, everybody(space_id), "/")
            self._server.leave_room(caller.sid, members(space_id), "/")
            self.presence.changed(space_id, seat.address)

    def _leave(self, caller: Caller, found: Account | None, asked: Json) -> Json:
        address = _word(asked, "space").lower().partition("@")
        own = current_runtime().settings.host
        wanted = address[0] if address[2] in {"", own} else "@".join(address[::2])
        seat = next((s for s in caller.seats.values() if s.address == wanted), None)
        if seat is None:
            raise Missing(N_("Ce projet n’est pas ouvert sur cette connexion."))
        self.put_out(caller, seat.space_id)
        return {}

    @staticmethod
    def _do(caller: Caller, found: Account | None, asked: Json) -> Json:
        must_write(caller)
        caller.acts.take()
        given = asked.get("data", {})
        if found is None or not isinstance(given, dict):
            raise Problem(UNCLEAR)
        space, tool, action = (_word(asked, name) for name in ("space", "tool", "action"))
        return {"item": perform(found.actor, space, tool, action, given)}

    def _typing(self, caller: Caller, found: Account | None, asked: Json) -> Json:
        must_write(caller)
        uid = _word(asked, "item")
        caller.types.take()
        item = item_by_uid(db.session(), uid, found.actor if found else None)
        seat = caller.seats.get(item.space_id)
        if seat is None or not seat.member:
            raise Forbidden(N_("Il faut être membre de ce projet pour y écrire."))
        told = {"space": seat.address, "item": item.uid} | caller.card
        self._socketio.emit("typing", told, to=members(seat.space_id), skip_sid=caller.sid)
        self.elsewhere.writes(seat.address, item, caller.card)
        return {}


def _word(asked: Json, name: str) -> str:
    word = asked.get(name)
    if not isinstance(word, str) or not 0 < len(word) <= MAX_WORD or not word.isprintable():
        raise Problem(UNCLEAR)
    return word


def _broken(words: str, status: int, code: str) -> Problem:
    problem = Problem(words)
    problem.status, problem.code = status, code
    return problem
