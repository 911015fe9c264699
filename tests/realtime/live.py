"""An instance that serves its sockets, and the ways of people to it."""

from __future__ import annotations

from realtime.loopback import Served, Socket

from collab.people.queries import account_of
from collab.people.tokens import GiveToken, give_token
from collab.realtime.server import make_server
from collab.spaces.events import SpaceRevised


class LiveHouse(Served):
    def __init__(self, house, port=0):
        super().__init__(lambda: make_server(house.app, "127.0.0.1", port))
        self.house = house
        self.live = house.app.extensions["live"]

    def cookie(self, actor):
        """The header of a browser in which that person is logged in."""
        app = self.house.app
        found = account_of(self.house.as_(actor).session, actor.id)
        signed = app.session_interface.get_signing_serializer(app).dumps(
            {"account_id": found.id, "epoch": found.epoch}
        )
        return f"Cookie: {app.config['SESSION_COOKIE_NAME']}={signed}"

    def socket(self, actor=None, **options):
        """A browser's socket, of that person or of a stranger."""
        headers = [self.cookie(actor)] if actor else []
        return Socket(self.port, headers=headers, **options)

    def token(self, actor, *scopes):
        with self.house.as_(actor) as work:
            found = account_of(work.session, actor.id)
            return give_token(work, found, GiveToken("essai", scopes))

    def happen(self, actor, space, times=1):
        """Commit a fact that every reader is told; returns its id in the journal."""
        for _ in range(times):
            with self.house.as_(actor) as work:
                work.record(SpaceRevised(space_id=space.id, actor_id=actor.id))
        return self.live.tail.seq
