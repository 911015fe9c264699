"""Polls of elsewhere: read with their counts, and voted in from here (R43)."""
# ruff: noqa: F401, F811 - fixtures are imported by their names

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from conftest import log_in
from federation.hostile import Reply
from federation.stage import actor, decide, federation, foreign, house, sent, stamp

from collab.federation.deliver import Courier
from collab.people.models import PeerState
from collab.spaces.models import Item
from collab.spaces.polls import Ballot, Poll
from collab.web.extensions import db


@pytest.fixture
def ines(make):
    return make.person("ines")


@pytest.fixture
def space(make, ines):
    return make.space(ines)


def question(foreign, author, space, **more):
    def choice(name, votes=0):
        counted = {"type": "Collection", "totalItems": votes}
        return {"type": "Note", "name": name, "replies": counted}

    told = {
        "type": "Question", "content": "<p>Quel jour ?</p>", "votersCount": 7,
        "oneOf": [choice("Samedi", 5), choice("Dimanche", 2)],
        "endTime": stamp(datetime.now(UTC) + timedelta(days=2)),
    }  # fmt: skip
    return foreign.note(author, space, **told | more)


def page(client, path, status=200):
    answer = client.get(path)
    assert answer.status_code == status
    return answer.get_data(as_text=True)


def test_r43_one_vote_in_an_open_poll_for_what_it_asks(
    house, foreign, federation, make, ines, space
):
    lea = foreign.member(make, space, ines)
    asked = question(foreign, lea, space)
    assert foreign.say(lea, "Create", asked).status_code == 202
    item = db.session.query(Item).one()
    there = f"{space.url}/poll/{item.uid}"
    browser = house.client()
    log_in(browser, ines)
    assert there in page(browser, f"{space.url}/discussion/{item.uid}/")
    shown = page(browser, there)
    assert "5 (71 %)" in shown
    assert "Ouvert jusqu’au" in shown
    for wrong in ([], ["Lundi"], ["Samedi", "Dimanche"]):
        assert browser.post(there, data={"choices": wrong}).status_code == 422
    assert browser.post(there, data={"choices": ["Samedi"]}).status_code == 302
    assert "Votre vote est envoyé à" in page(browser, there)
    again = browser.post(there, data={"choices": ["Dimanche"]}, follow_redirects=True)
    assert "Vous avez déjà voté" in again.get_data(as_text=True)
    house.settle()
    (vote,) = [told for told in sent("Create") if told["actor"] == ines.iri]
    note = vote["object"]
    assert (vote["to"], vote["cc"]) == ([lea.iri], [])
    assert (note["type"], note["name"], note["inReplyTo"]) == ("Note", "Samedi", asked["id"])
    assert "content" not in note
    assert house.client().post(there, data={"choices": ["Samedi"]}).status_code in (302, 401)
    assert db.session.query(Ballot).count() == 1


def test_r54_no_vote_is_given_at_a_blocked_host(house, foreign, make, ines, space):
    lea = foreign.member(make, space, ines)
    foreign.say(lea, "Create", question(foreign, lea, space))
    browser = house.client()
    log_in(browser, ines)
    there = f"{space.url}/poll/{db.session.query(Item).one().uid}"
    assert browser.post(there, data={"choices": ["Samedi"]}).status_code == 302
    decide(foreign.host, PeerState.BLOCKED)
    house.settle()
    assert db.session.query(Ballot).count() == 1
    assert [told for told in sent("Create") if told["actor"] == ines.iri] == []


def test_a_vote_that_was_refused_is_told_and_can_be_given_again(
    house, foreign, federation, make, ines, space
):
    lea = foreign.member(make, space, ines)
    foreign.say(lea, "Create", question(foreign, lea, space))
    there = f"{space.url}/poll/{db.session.query(Item).one().uid}"
    browser = house.client()
    log_in(browser, ines)
    browser.post(there, data={"choices": ["Samedi"]})
    house.settle()
    foreign.peer.answers["/u/lea/inbox"] = lambda _asked: Reply(422)
    Courier(federation).drain()
    db.session.rollback()
    house.settle()
    assert f"{foreign.host} n’a pas accepté votre vote" in page(browser, "/news")
    assert "Votre vote est envoyé à" not in page(browser, there)
    foreign.peer.answers["/u/lea/inbox"] = lambda _asked: Reply(202)
    assert browser.post(there, data={"choices": ["Dimanche"]}).status_code == 302
    house.settle()
    again = [told["object"]["name"] for told in sent("Create") if told["actor"] == ines.iri]
    assert again == ["Samedi", "Dimanche"]
    assert [row.chosen for row in db.session.query(Ballot)] == [["Dimanche"]]


def test_r43_only_its_owner_changes_a_poll_and_a_closed_one_takes_no_vote(
    house, foreign, make, ines, space
):
    lea = foreign.member(make, space, ines)
    asked = question(foreign, lea, space)
    foreign.say(lea, "Create", asked)
    mallory = foreign.member(make, space, ines, "mallory")
    more = asked | {"closed": stamp(), "votersCount": 9}
    more["oneOf"] = [one | {"replies": {"totalItems": 99}} for one in asked["oneOf"]]
    assert foreign.say(mallory, "Update", more).status_code == 403
    assert db.session.query(Poll).one().counts == {"Samedi": 5, "Dimanche": 2}
    assert foreign.say(lea, "Update", more | {"updated": stamp()}).status_code == 202
    db.session.rollback()
    poll = db.session.query(Poll).one()
    assert poll.counts == {"Samedi": 99, "Dimanche": 99}
    browser = house.client()
    log_in(browser, ines)
    there = f"{space.url}/poll/{poll.item.uid}"
    assert "Terminé" in page(browser, there)
    told = browser.post(there, data={"choices": ["Samedi"]}, follow_redirects=True)
    assert "Ce vote est terminé" in told.get_data(as_text=True)
    assert db.session.query(Ballot).count() == 0
