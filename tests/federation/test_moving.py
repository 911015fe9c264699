"""A move is believed when both say so, now, and not too often (R19, FEP-7628)."""
# ruff: noqa: F401, F811 - fixtures are imported by their names

from __future__ import annotations

from datetime import timedelta

import pytest
from conftest import log_in
from federation.stage import actor, federation, foreign, house, sent

from collab.federation.peers import ChoosePeer, block_peer
from collab.people.models import AccountRole, Actor
from collab.spaces.membership import follow
from collab.spaces.models import Follow, Space
from collab.web.extensions import db


@pytest.fixture
def ines(make):
    return make.person("ines", AccountRole.ADMIN)


def moved(iri: str) -> str:
    db.session.rollback()
    return actor(iri).moved_to


def test_r19_a_move_counts_only_when_the_new_one_names_the_old_one_now(foreign, house, federation):
    lea = foreign.person("lea")
    new = foreign.person("lea2")
    federation.acquaint(new.iri)  # known here before it said anything

    def ask(who=lea, thing=lea.iri, target=new.iri):
        return foreign.say(who, "Move", thing, target=target).status_code

    assert ask() == 403  # it does not name her
    foreign.peer.serve("/u/lea2", new.document | {"alsoKnownAs": [f"{lea.iri}x", new.iri]})
    assert ask() == 403
    claims = {"alsoKnownAs": [lea.iri], "movedTo": foreign.peer.url("/u/lea3")}
    foreign.peer.serve("/u/lea2", new.document | claims)
    assert ask() == 403  # it has moved on itself
    foreign.peer.serve("/u/lea2", new.document | {"alsoKnownAs": lea.iri, "type": "Group"})
    assert ask() == 403
    foreign.peer.serve("/u/lea2", new.document | {"alsoKnownAs": [lea.iri]})
    mallory = foreign.person("mallory")
    assert ask(who=mallory) == 202  # R4: nobody moves somebody else
    assert moved(lea.iri) == ""
    assert ask() == 202
    assert moved(lea.iri) == new.iri
    page = house.client().get(f"/u/{actor(lea.iri).address}").get_data(as_text=True)
    assert "a déménagé" in page
    assert actor(new.iri).address in page
    again = foreign.person("lea4", alsoKnownAs=[lea.iri]).iri
    assert ask(target=again) == 403  # seven days have not passed
    assert moved(lea.iri) == new.iri
    row = actor(lea.iri)
    row.moved_at -= timedelta(days=8)
    db.session.commit()
    assert ask(target=again) == 202
    assert moved(lea.iri) == again


def test_r19_nobody_moves_to_a_host_that_is_blocked(foreign, house, make, ines):
    lea = foreign.person("lea")
    with house.as_(ines) as work:
        block_peer(work, ChoosePeer("blocked.example"))
    answer = foreign.say(lea, "Move", lea.iri, target="https://blocked.example/u/lea")
    assert answer.status_code == 403
    assert moved(lea.iri) == ""


def test_somebody_of_elsewhere_moves_to_an_account_here(foreign, house, ines):
    lea = foreign.person("lea")
    assert foreign.say(lea, "Move", lea.iri, target=ines.iri).status_code == 403
    browser = house.client()
    log_in(browser, ines)
    for wrong in ("", "not an address", ines.iri):
        assert browser.post("/account/former", data={"address": wrong}).status_code == 422
    assert browser.post("/account/former", data={"address": lea.iri}).status_code == 302
    assert lea.iri in browser.get("/account/former").get_data(as_text=True)
    told = foreign.get(None, "/u/ines").get_json()
    assert told["alsoKnownAs"] == [lea.iri]
    assert "movedTo" not in told
    assert foreign.say(lea, "Move", lea.iri, target=ines.iri).status_code == 202
    assert moved(lea.iri) == ines.iri
    drop = {"act": "drop", "iri": lea.iri}
    assert browser.post("/account/former", data=drop).status_code == 302
    assert foreign.get(None, "/u/ines").get_json()["alsoKnownAs"] == []


def test_who_follows_a_community_that_moves_follows_it_there(foreign, house, federation, ines):
    old = foreign.person("verger", "Group")
    new = foreign.person("verger2", "Group", alsoKnownAs=[old.iri])
    space = federation.space_card(old.iri)
    with house.as_(ines) as work:
        follow(work, work.session.get_one(Space, space.id))
    house.settle()
    assert foreign.say(old, "Move", old.iri, target=new.iri).status_code == 202
    house.settle()
    db.session.rollback()
    (row,) = db.session.query(Follow)
    assert (row.space.iri, row.actor_id) == (new.iri, ines.id)
    asked = [(told["actor"], told["object"]) for told in sent("Follow")]
    assert asked == [(ines.iri, old.iri), (ines.iri, new.iri)]
    (undone,) = sent("Undo")
    assert undone["object"]["object"] == old.iri
