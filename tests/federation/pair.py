"""Two houses of ours that reach each other over real sockets, in one process: host and mirror."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from conftest import House, Make, open_house
from werkzeug.serving import BaseWSGIServer, make_server

from collab.federation.catchup import CatchUp
from collab.federation.deliver import Courier
from collab.federation.house import Federation
from collab.federation.models import Mirror
from collab.people.models import AccountRole, Actor
from collab.spaces.membership import AskToJoin, Decide, admit, ask_to_join, follow
from collab.spaces.models import Space
from collab.spaces.tools.discussion.inputs import OpenThread
from collab.spaces.tools.discussion.operations import open_thread
from collab.web.extensions import db

TOML = '[site]\nname = "Essai"\nbase_url = "{origin}"\n\n[federation]\nallow_loopback = true\n'


@dataclass
class Served:
    """One house with its own port, courier and catch-up."""

    house: House
    port: int
    courier: Courier
    catch_up: CatchUp
    owner: int
    serving: BaseWSGIServer | None = None

    def start(self) -> None:
        """Answer on its port, from a thread of its own."""
        self.serving = make_server("127.0.0.1", self.port, self.house.app, threaded=True)
        looks = {"poll_interval": 0.02}  # whether it is to stop; half a second, unless told
        threading.Thread(target=self.serving.serve_forever, kwargs=looks, daemon=True).start()

    def stop(self) -> None:
        """Answer no more: whoever connects is refused."""
        if self.serving is not None:
            self.serving.shutdown()
            self.serving.server_close()
            self.serving = None

    @property
    def federation(self) -> Federation:
        return self.house.app.extensions["collab.federation"]

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    def person(self) -> Actor:
        return db.session.get(Actor, self.owner)

    def settle(self) -> int:
        """Do all that is due here. Returns how many jobs and hosts to write to that was."""
        with self.house.app.app_context():
            jobs = self.house.settle()
        return jobs + self.courier.drain()


@contextmanager
def served(path, name: str) -> Iterator[Served]:
    """Open a house and serve it until the end of the block."""
    port = free_port()
    origin = f"http://127.0.0.1:{port}"
    path.mkdir()
    (path / "collab.toml").write_text(TOML.format(origin=origin), encoding="utf-8")
    house = open_house(path, "", origin)
    with house.app.app_context():
        owner = Make(house).person(name, AccountRole.ADMIN).id
    federation = house.app.extensions["collab.federation"]
    side = Served(house, port, Courier(federation), CatchUp(federation), owner)
    side.start()
    try:
        yield side
    finally:
        side.stop()
        federation.transport.close()
        with house.app.app_context():
            db.session.remove()
            db.engine.dispose()


@dataclass
class Pair:
    """A project on `a`, and the copy that `b` holds of it since its member follows it."""

    a: Served
    b: Served
    space_id: int
    copy_id: int

    def settle(self) -> None:
        """Let everything that waits on both sides happen."""
        for _ in range(3):
            if not self.a.settle() + self.b.settle():
                break

    def catch_up(self) -> None:
        """Let the mirror ask for what it lacks, now."""
        with self.b.house.app.app_context():
            db.session.query(Mirror).filter_by(state="active").update(
                {"next_check_at": self.b.federation.now()}
            )
            db.session.commit()
        self.b.catch_up.step()


@contextmanager
def pair_of_houses(place) -> Iterator[Pair]:
    """Two houses, a public project on the first, its mirror on the second."""
    with ExitStack() as stack:
        a = stack.enter_context(served(place / "a", "ada"))
        b = stack.enter_context(served(place / "b", "bea"))
        with a.house.app.app_context():
            space = Make(a.house).space(a.person())
            space_id, iri = space.id, space.iri
        with b.house.app.app_context():
            copy_id = b.federation.space_card(iri).id
            with b.house.as_(b.person()) as work:
                follow(work, work.session.get(Space, copy_id), iri=work.mint("/a/"))
        pair = Pair(a, b, space_id, copy_id)
        pair.settle()
        yield pair


@contextmanager
def pair_with_a_member(place, title: str) -> Iterator[Pair]:
    """The same, with bea of B among the members, and one thread that ada of A opened."""
    with pair_of_houses(place) as pair:
        with pair.b.house.app.app_context(), pair.b.house.as_(pair.b.person()) as work:
            ask_to_join(work, work.session.get(Space, pair.copy_id), AskToJoin())
        pair.settle()
        with pair.a.house.app.app_context():
            bea = db.session.query(Actor).filter_by(name="bea").one()
            with pair.a.house.as_(pair.a.person()) as work:
                space = work.session.get(Space, pair.space_id)
                admit(work, space, Decide(member=bea.id))
                open_thread(work, space, OpenThread(title=title, body="début"))
        pair.settle()
        yield pair


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
