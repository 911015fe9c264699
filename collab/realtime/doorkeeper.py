"""Puts out of a room whoever may no longer be in it, within seconds."""

from __future__ import annotations

import logging

import gevent
from flask import Flask
from gevent.event import Event
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from collab.core.db import now
from collab.people.models import Actor
from collab.realtime.callers import Caller, Seat, ended
from collab.realtime.gateway import Gateway
from collab.spaces.exclusions import excluded_from
from collab.spaces.models import Membership, MembershipState, Role, Space
from collab.spaces.policy import may_read
from collab.web.extensions import db

log = logging.getLogger(__name__)

SWEEP = 3.0
"""Seconds between two looks at whether accounts and tokens still hold."""


class Doorkeeper:
    """Looks again at a space when its members or visibility change, at accounts by the clock."""

    def __init__(self, app: Flask, gateway: Gateway) -> None:
        self._app = app
        self._gateway = gateway
        self._doubts: set[int] = set()
        self._stirred = Event()
        gateway.in_doubt = self.doubt

    def heard(self, name: str, space_id: int) -> None:
        """Facts about members or the space itself may change who reads it."""
        if name.startswith(("member.", "space.")):
            self.doubt(space_id)

    def doubt(self, space_id: int) -> None:
        """Look again at who is in this space, soon."""
        self._doubts.add(space_id)
        self._stirred.set()

    def run(self) -> None:
        """Look again until killed; what could not be asked stays in doubt."""
        while True:
            self._stirred.wait(SWEEP)
            self._stirred.clear()
            try:
                self.look()
            except SQLAlchemyError as error:
                log.warning("permissions unreadable error=%s", type(error).__name__)
                gevent.sleep(1)

    def look(self) -> None:
        """Put out everybody whose account or permission has ended."""
        with self._app.app_context():
            for caller in ended(db.session(), list(self._gateway.callers.values())):
                self._send_away(caller)
            for space_id in list(self._doubts):
                self._look_at(db.session(), space_id)
                self._doubts.discard(space_id)

    def _send_away(self, caller: Caller) -> None:
        for space_id in list(caller.seats):
            self._gateway.put_out(caller, space_id)
        self._gateway.emit("put_out", {"space": None, "code": "unauthenticated"}, caller.sid)
        self._gateway.server.disconnect(caller.sid, "/")

    def _look_at(self, session: Session, space_id: int) -> None:
        seated = [c for c in self._gateway.callers.values() if space_id in c.seats]
        space = session.get(Space, space_id) if seated else None
        if space is None:
            return
        active = select(Membership.actor_id).where(
            Membership.space_id == space_id,
            Membership.state == MembershipState.ACTIVE,
            Membership.role > Role.NONE,
        )
        inside = set(session.scalars(active))
        everybody = may_read(session, space, None)
        barred = {row.actor_id for row in excluded_from(session, space, now())}
        for caller in seated:
            actor = session.get(Actor, caller.actor_id) if caller.actor_id else None
            if caller.actor_id not in barred and (everybody or may_read(session, space, actor)):
                self._settle(caller, Seat(space.id, space.address, caller.actor_id in inside))
            else:
                self._gateway.put_out(caller, space_id)
                told = {"space": space.address, "code": "missing"}
                self._gateway.emit("put_out", told, caller.sid)

    def _settle(self, caller: Caller, seat: Seat) -> None:
        held = caller.seats.get(seat.space_id)
        if held is not None and held != seat and caller.sid in self._gateway.callers:
            self._gateway.sit(caller, seat)
            self._gateway.presence.changed(seat.space_id, seat.address)
