"""Who is named or answered is told, once, wherever the words come from (R50)."""
# ruff: noqa: F401, F811 - fixtures are imported by their names

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from conftest import log_in
from federation.stage import actor, federation, foreign, house, stamp

from collab.pages.notices import PER_PAGE
from collab.people.queries import site
from collab.spaces.models import Visibility
from collab.spaces.notices import Notice, notices, unread
from collab.spaces.requests import requests_of
from collab.web.actions import perform
from collab.web.extensions import db


@pytest.fixture
def ines(make):
    return make.person("ines")


@pytest.fixture
def omar(make):
    return make.person("omar")


def told(person):
    db.session.rollback()
    return [(row.why, row.item.author.name) for row in notices(db.session, person, limit=50)]


def test_who_is_named_or_answered_reads_it_on_their_page(house, make, ines, omar):
    space = make.space(ines, omar)
    given = {"title": "Une cuve", "body": "Qu’en dit @omar ? Et @ines ?"}
    thread = perform(ines, "jardin", "discussion", "open", given)
    answer = perform(omar, "jardin", "discussion", "post", {"thread": thread, "body": "Oui."})
    edit = {"item": answer, "body": "Oui, @ines."}
    perform(omar, "jardin", "discussion", "edit", edit)
    assert told(omar) == [("named", "ines")]
    assert told(ines) == [("answered", "omar")]  # once, though the edit names her too
    site(db.session).set_up_at = datetime.now(UTC)
    db.session.commit()
    browser = house.client()
    log_in(browser, omar)
    assert "nouvelle pour vous" in browser.get("/").get_data(as_text=True)
    page = browser.get("/news").get_data(as_text=True)
    assert "parle de vous" in page
    assert "Qu’en dit" in page
    assert unread(db.session, omar) == 0
    assert "nouvelle pour vous" not in browser.get("/").get_data(as_text=True)
    perform(ines, "jardin", "discussion", "remove", {"item": thread})
    assert told(omar) == []
    assert house.client().get("/news").status_code in (302, 401)
    assert space.url in page


def test_looking_at_a_page_of_news_is_having_seen_what_stands_on_it(house, make, ines, omar):
    make.space(ines, omar)
    for number in range(PER_PAGE + 2):
        given = {"title": f"Une cuve {number}", "body": "Qu’en dit @omar ?"}
        perform(ines, "jardin", "discussion", "open", given)
    browser = house.client()
    log_in(browser, omar)
    ahead = browser.get("/news", headers={"Sec-Purpose": "prefetch;prerender"})
    assert ahead.status_code == 200
    assert unread(db.session, omar) == PER_PAGE + 2
    browser.get("/news")
    assert unread(db.session, omar) == 2
    browser.get("/news?page=2")
    assert unread(db.session, omar) == 0


def test_r50_words_of_elsewhere_tell_whom_they_name_once(house, make, foreign, ines, omar):
    space = make.space(ines, omar)
    council = make.space(ines, slug="conseil", visibility=Visibility.MEMBERS)
    lea = foreign.member(make, space, ines)
    tags = [{"type": "Mention", "href": iri, "name": "@x"} for iri in (omar.iri, lea.iri)]
    note = foreign.note(lea, space, tag=tags)
    create = foreign.activity(lea, "Create", note)
    for _ in range(2):
        assert foreign.post(lea, create).status_code == 202
    again = foreign.activity(lea, "Update", note | {"content": "<p>Une autre cuve.</p>"})
    again["object"]["updated"] = stamp(datetime.now(UTC) + timedelta(seconds=5))
    assert foreign.post(lea, again).status_code == 202
    assert told(omar) == [("named", "lea")]
    old = foreign.note(lea, space, tag=tags, published="2020-01-01T00:00:00Z")
    assert foreign.say(lea, "Create", old).status_code == 202
    given = {"title": "À huis clos", "body": "@omar n’en sait rien."}
    perform(ines, "conseil", "discussion", "open", given)
    assert told(omar) == [("named", "lea")]  # neither what is old, nor what is not theirs to read
    assert council.visibility == "members"
    person = actor(lea.iri)
    person.suspended_at = datetime.now(UTC)
    db.session.commit()
    assert told(omar) == []
    assert db.session.query(Notice).count() == 1


def test_who_looks_after_a_project_is_told_who_asks_to_join_and_the_answer_is_told(
    house, make, ines, omar
):
    space = make.space(ines, slug="bief")
    site(db.session).set_up_at = datetime.now(UTC)
    db.session.commit()
    hers, his = house.client(), house.client()
    log_in(hers, ines)
    log_in(his, omar)
    his.post(f"{space.url}/join", data={"note": "Je répare des vélos."})
    for address in ("/", "/news"):
        page = hers.get(address).get_data(as_text=True)
        assert "Une personne demande à participer" in page
        assert f'href="{space.url}/members"' in page
        assert "demande à participer" not in his.get(address).get_data(as_text=True)
    assert "Votre demande attend une réponse" in his.get("/news").get_data(as_text=True)
    hers.post(f"{space.url}/members", data={"member": omar.id, "act": "decline"})
    assert "n’a pas été acceptée" in his.get("/news").get_data(as_text=True)
    his.post(f"{space.url}/join", data={})
    hers.post(f"{space.url}/members", data={"member": omar.id, "act": "admit"})
    assert "Oui : vous participez" in his.get("/news").get_data(as_text=True)
    assert "demande à participer" not in hers.get("/").get_data(as_text=True)
    db.session.rollback()
    assert len(requests_of(db.session, omar, datetime.now(UTC))) == 1
    assert not requests_of(db.session, omar, datetime.now(UTC) + timedelta(days=15))
