"""Fedify, an ActivityPub server by other people, as our peer on loopback; both sides unchanged.

The tests are one story, told in order: the two servers meet once for the whole file.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from conftest import House, Make, open_house
from fedify.peer import Pia, fedify
from werkzeug.serving import make_server

from collab.federation.models import InboxItem
from collab.people.models import Peer
from collab.spaces.models import Follow, Item, JoinPolicy, Reaction, Space
from collab.web.actions import perform
from collab.web.extensions import db

TOML = """[site]
name = "Maison d’essai"
base_url = "{origin}"

[federation]
allow_loopback = true
"""


@dataclass
class Town:
    """Our house, which really listens, and Pia's server; both know nothing of each other yet."""

    house: House
    pia: Pia
    origin: str

    def post(self) -> None:
        """Let our house do its jobs and deliver everything that is due."""
        self.house.settle()
        self.house.app.extensions["collab.courier"].drain()
        db.session.rollback()

    def pia_does(self, what: str, scheme: str = "cavage", **more) -> dict:
        """Pia sends something to our house, as Fedify makes and signs it."""
        inbox = {"actor": f"{self.origin}/p/jardin", "url": f"{self.origin}/inbox"}
        told = self.pia.ask(what, scheme=scheme, inbox=inbox, **more)
        db.session.rollback()
        return told

    def item(self, iri: str) -> Item | None:
        db.session.rollback()
        return db.session.query(Item).filter_by(iri=iri).one_or_none()


@pytest.fixture(scope="module")
def town(tmp_path_factory) -> Iterator[Town]:
    server = make_server("127.0.0.1", 0, lambda *_: [], threaded=True)
    origin = f"http://127.0.0.1:{server.server_port}"
    path = tmp_path_factory.mktemp("fedify") / "instance"
    path.mkdir()
    (path / "collab.toml").write_text(TOML.format(origin=origin), encoding="utf-8")
    house = open_house(path, origin=origin)
    server.app = house.app
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        with fedify() as pia, house.app.test_request_context("/", base_url=origin):
            yield Town(house, pia, origin)
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()
        with house.app.app_context():
            house.app.extensions["collab.federation"].transport.close()
            db.session.remove()
            db.engine.dispose()


@pytest.fixture(scope="module")
def ines(town):
    return Make(town.house).person("ines")


@pytest.fixture(scope="module")
def garden(town, ines) -> Space:
    space = Make(town.house).space(ines)
    space.join_policy = JoinPolicy.OPEN
    db.session.commit()
    return space


def test_fedify_finds_our_people_and_projects_by_webfinger(town, ines, garden):
    host = town.origin.partition("//")[2]
    for name, iri in (("ines", ines.iri), ("jardin", garden.iri)):
        told = town.pia.ask("webfinger", resource=f"acct:{name}@{host}")
        assert told["subject"] == f"acct:{name}@{host}"
        links = {(link["rel"], link.get("type")): link.get("href") for link in told["links"]}
        assert links["self", "application/activity+json"] == iri


def test_fedify_reads_our_actors_with_their_keys(town, ines, garden):
    project = town.pia.ask("lookup", address=garden.iri)
    assert (project["type"], project["id"]) == ("Group", garden.iri)
    assert project["inbox"] == garden.actor.inbox
    assert project["sharedInbox"] == f"{town.origin}/inbox"
    person = town.pia.ask("lookup", address=ines.iri)
    assert (person["type"], person["username"]) == ("Person", "ines")
    assert person["key"].startswith(f"{ines.iri}#")
    assert len(person["methods"]) == 1


def test_she_follows_a_project_and_believes_its_yes(town, garden):
    town.pia.ask("accept", scheme="any")
    asked = town.pia_does("follow", object=garden.iri)
    assert db.session.query(Follow).one().iri == asked["id"]
    town.post()
    (yes,) = town.pia.heard("Accept")
    assert (yes["actor"], yes["objectId"]) == (garden.iri, asked["id"])
    (knock,) = town.pia.knocks()
    assert knock["scheme"] == "cavage"
    assert knock["key"].startswith(f"{garden.iri}#")
