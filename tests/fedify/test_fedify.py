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
def make(town) -> Make:
    return Make(town.house)


@pytest.fixture(scope="module")
def ines(make):
    return make.person("ines")


@pytest.fixture(scope="module")
def garden(make, ines) -> Space:
    space = make.space(ines)
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
    asked = town.pia_does("follow", object=garden.iri)
    assert db.session.query(Follow).one().iri == asked["id"]
    town.post()
    (yes,) = town.pia.heard("Accept")
    assert (yes["actor"], yes["objectId"]) == (garden.iri, asked["id"])
    (knock,) = town.pia.knocks()
    assert knock["scheme"] == "cavage"
    assert knock["key"].startswith(f"{garden.iri}#")


def test_a_server_of_the_other_scheme_is_knocked_at_twice_once(town, make, ines):
    """2.2 point 3: the second knock is in the other scheme, and is remembered for the host."""
    town.pia.ask("forget")
    town.pia.ask("accept", scheme="rfc9421")
    for number, slug in enumerate(("verger", "ruche")):
        town.pia_does("follow", object=make.space(ines, slug=slug).iri)
        town.post()
        knocks = [(knock["scheme"], knock["status"]) for knock in town.pia.knocks()]
        assert knocks == [("cavage", 401), *[("rfc9421", 202)] * (number + 1)]
    town.pia.ask("accept", scheme="any")
    assert len(town.pia.heard("Accept")) == 2
    assert db.session.get(Peer, town.pia.host).scheme == "rfc9421"


@pytest.fixture(scope="module")
def thread(town, ines, garden) -> Item:
    """A discussion of ours that Pia can answer."""
    given = {"title": "Une cuve", "body": "Qui a une **cuve** ?"}
    uid = perform(ines, "jardin", "discussion", "open", given)
    town.post()
    return db.session.query(Item).filter_by(uid=uid).one()


def ours_do(town, ines, action: str, **given) -> Item:
    """Ines does something in the discussion; everybody concerned is told of it."""
    town.pia.ask("forget")
    uid = perform(ines, "jardin", "discussion", action, given)
    town.post()
    return db.session.query(Item).filter_by(uid=uid).one()


def test_she_hears_of_a_new_subject_and_fetches_it(town, ines, garden, thread):
    """1.1: to followers, the plain announcement of what opens a page of its own."""
    (heard,) = town.pia.heard("Announce")
    assert (heard["actor"], heard["objectId"]) == (garden.iri, thread.iri)
    assert heard["object"] == "Note"
    assert "<strong>cuve</strong>" in heard["content"]


def test_fedify_holds_our_edit_for_proven_and_our_deletion_too(town, ines, garden):
    opened = ours_do(town, ines, "open", title="Semis", body="Des fèves.")
    assert [one["objectId"] for one in town.pia.heard("Announce")] == [opened.iri]
    ours_do(town, ines, "edit", item=opened.uid, title="Semis", body="Des pois.")
    (heard,) = town.pia.heard("Update")
    assert (heard["actor"], heard["objectId"]) == (ines.iri, opened.iri)
    assert "Des pois." in heard["content"]
    (knock,) = town.pia.knocks()
    assert knock["proven"] is True
    assert knock["key"].startswith(f"{ines.iri}#")
    ours_do(town, ines, "remove", item=opened.uid)
    (deleted,) = town.pia.heard("Delete")
    assert (deleted["actor"], deleted["objectId"]) == (ines.iri, opened.iri)
    (undone,) = town.pia.heard("Undo")
    assert undone["actor"] == garden.iri
    assert {knock["proven"] for knock in town.pia.knocks()} <= {True, None}
    assert True in {knock["proven"] for knock in town.pia.knocks()}


def test_she_reads_a_discussion_of_ours(town, thread):
    read = town.pia.ask("lookup", address=thread.iri)
    assert (read["type"], read["name"]) == ("Note", "Une cuve")
    assert "<strong>cuve</strong>" in read["content"]


@pytest.mark.parametrize("scheme", ["cavage", "rfc9421"])
def test_her_reply_lands_in_the_thread_and_on_its_page(town, ines, garden, thread, scheme):
    words = f"J’ai une cuve de 300 litres, {scheme}."
    told = town.pia_does(
        "say", scheme, content=f"<p>{words}</p>", inReplyTo=thread.iri, cc=[garden.iri, ines.iri]
    )
    reply = town.item(told["objectId"])
    assert reply.thread.id == thread.id
    assert reply.author.iri == town.pia.iri
    came = db.session.query(InboxItem).filter_by(activity_id=told["id"]).one()
    assert came.scheme == scheme
    page = town.house.client().get(f"/p/jardin/discussion/{thread.uid}/").get_data(as_text=True)
    assert words in page
    assert "Pia" in page


@pytest.fixture(scope="module")
def reply(town, garden, thread) -> str:
    """The IRI of something Pia said, for what comes after."""
    told = town.pia_does("say", content="<p>Première</p>", inReplyTo=thread.iri, cc=[garden.iri])
    return told["objectId"]


@pytest.mark.parametrize("scheme", ["cavage", "rfc9421"])
def test_her_edit_is_applied(town, garden, thread, reply, scheme):
    changed = {"content": f"<p>Corrigé {scheme}</p>", "inReplyTo": thread.iri, "cc": [garden.iri]}
    town.pia_does("edit", scheme, object=reply, **changed)
    assert f"Corrigé {scheme}" in town.item(reply).html


@pytest.mark.parametrize("scheme", ["cavage", "rfc9421"])
def test_her_like_is_counted_and_its_undo_too(town, garden, thread, scheme):
    like = town.pia_does("like", scheme, object=thread.iri, cc=[garden.iri])
    assert db.session.query(Reaction).one().iri == like["id"]
    town.pia_does("undo", scheme, object=like["id"], cc=[garden.iri])
    assert db.session.query(Reaction).count() == 0


def test_what_she_erases_is_erased(town, garden, thread, reply):
    town.pia_does("erase", "rfc9421", object=reply, cc=[garden.iri])
    assert town.item(reply).withdrawn_at is not None


def test_our_answer_to_her_reaches_her_with_its_edit_and_its_end(town, ines, garden, thread):
    told = town.pia_does("say", content="<p>Où ?</p>", inReplyTo=thread.iri, cc=[garden.iri])
    question = town.item(told["objectId"])
    answer = ours_do(
        town, ines, "post", thread=thread.uid, reply_to=question.uid, body="Rue des Semis."
    )
    (heard,) = town.pia.heard("Create")
    assert (heard["actor"], heard["inReplyTo"]) == (ines.iri, question.iri)
    assert "Rue des Semis." in heard["content"]
    ours_do(town, ines, "edit", item=answer.uid, body="Rue des Fèves.")
    (heard,) = town.pia.heard("Update")
    assert "Rue des Fèves." in heard["content"]
    assert [knock["proven"] for knock in town.pia.knocks()] == [True]
    ours_do(town, ines, "remove", item=answer.uid)
    assert [one["objectId"] for one in town.pia.heard("Delete")] == [answer.iri]
    ours_do(town, ines, "restore", item=answer.uid)
    assert [one["actor"] for one in town.pia.heard("Undo")] == [ines.iri]


@pytest.mark.parametrize("scheme", ["cavage", "rfc9421"])
def test_once_she_names_the_project_she_hears_every_answer_with_its_proof(
    town, ines, garden, thread, scheme
):
    """1.1, FEP-1b12: `Announce{Create}`, the inner activity with its author's own proof."""
    told = town.pia_does(
        "say", content="<p>Alors ?</p>", inReplyTo=thread.iri, audience=garden.iri, cc=[garden.iri]
    )
    assert town.item(told["objectId"]) is not None
    town.post()
    assert 400 not in {knock["status"] for knock in town.pia.knocks()}
    town.pia.ask("accept", scheme=scheme)
    answer = ours_do(town, ines, "post", thread=thread.uid, body=f"Oui, {scheme}.")
    (heard,) = town.pia.heard("Announce")
    assert (heard["actor"], heard["object"]) == (garden.iri, "Create")
    (knock,) = [knock for knock in town.pia.knocks() if knock["status"] == 202]
    assert knock["scheme"] == scheme
    assert knock["innerProven"] is True
    assert knock["activity"]["object"]["object"]["id"] == answer.iri
    assert f"Oui, {scheme}." in knock["activity"]["object"]["object"]["content"]
    town.pia.ask("accept", scheme="any")
