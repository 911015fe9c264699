"""What is sent twice is done once: by the API's header, and by the hidden field of a form."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial

import pytest
from conftest import log_in

from collab.core.db import now, writing
from collab.people.queries import account_of
from collab.people.tokens import GiveToken, give_token
from collab.spaces.models import Item, Visibility
from collab.spaces.once import LIFETIME, SentOnce, forget_keys
from collab.spaces.tools.discussion.models import Message, Thread
from collab.web.extensions import db

THREADS = "/api/v1/spaces/jardin/discussion/threads"


@pytest.fixture
def token_of(house):
    def give(actor) -> dict[str, str]:
        with house.as_(actor) as work:
            account = account_of(work.session, actor.id)
            bearer = give_token(work, account, GiveToken("test", ("read", "write")))
        return {"Authorization": f"Bearer {bearer}"}

    return give


def count(model) -> int:
    db.session.expire_all()
    return db.session.query(model).count()


def keyed(headers, key):
    return headers | {"Idempotency-Key": key}


def test_a_write_sent_twice_makes_one_thing_and_answers_the_same(make, client, token_of):
    ada = make.person("ada")
    make.space(ada)
    headers = token_of(ada)
    sent = {"title": "Eau", "body": "Bonjour"}
    first = client.post(THREADS, json=sent, headers=keyed(headers, '"k-1"'))
    again = client.post(THREADS, json=sent, headers=keyed(headers, "k-1"))
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json == again.json
    assert count(Thread) == 1

    path = f"/api/v1/items/{first.json['id']}"
    said = [
        client.post(f"{path}/messages", json={"body": "Oui"}, headers=keyed(headers, "k-2")).json
        for _ in range(3)
    ]
    assert said[0] == said[1] == said[2]
    assert count(Message) == 1
    change = {"body": "Bonsoir"}
    for _ in range(2):
        changed = client.patch(path, json=change, headers=keyed(headers, "k-3"))
        assert (changed.status_code, changed.json["body"]) == (200, "Bonsoir")
    reports = [
        client.post(f"{path}/report", json={"reason": "spam"}, headers=keyed(headers, "k-4")).json
        for _ in range(2)
    ]
    assert reports[0] == reports[1]
    gone = [client.delete(path, headers=keyed(headers, "k-5")).status_code for _ in range(2)]
    assert gone == [200, 200]
    spaces = [
        client.post(
            "/api/v1/spaces",
            json={"name": "Verger", "slug": "verger"},
            headers=keyed(headers, "k-6"),
        ).json
        for _ in range(2)
    ]
    assert spaces[0]["id"] == spaces[1]["id"]


def test_a_key_names_one_write_of_one_person(make, client, token_of):
    ada, bea = make.person("ada"), make.person("bea")
    make.space(ada, bea)
    hers, others = token_of(ada), token_of(bea)
    sent = {"title": "Eau", "body": "Bonjour"}
    client.post(THREADS, json=sent, headers=keyed(hers, "k"))
    other = client.post(THREADS, json=sent | {"body": "Autre"}, headers=keyed(hers, "k"))
    assert other.status_code == 422
    assert other.content_type == "application/problem+json"
    assert other.json["code"] == "key_reused"
    elsewhere = client.post("/api/v1/spaces", json=sent, headers=keyed(hers, "k"))
    assert elsewhere.status_code == 422
    assert client.post(THREADS, json=sent, headers=keyed(others, "k")).status_code == 201
    assert count(Thread) == 2
    for bad in ("", "é" * 3, "x" * 201, "a b"):
        refused = client.post(
            THREADS, json=sent, headers=keyed(hers, bad.encode().decode("latin1"))
        )
        assert refused.status_code == 400, bad
    assert count(Thread) == 2


def test_a_refused_write_may_be_tried_again_with_its_key(make, client, token_of):
    ada, bea = make.person("ada"), make.person("bea")
    space = make.space(ada)
    sent = {"title": "Eau", "body": "Bonjour"}
    headers = keyed(token_of(bea), "k")
    assert client.post(THREADS, json=sent, headers=headers).status_code == 403
    assert count(SentOnce) == 0
    make.member(space, ada, bea)
    assert client.post(THREADS, json=sent, headers=headers).status_code == 201


def test_two_at_once_make_one(house, make, token_of):
    ada = make.person("ada")
    make.space(ada)
    headers = keyed(token_of(ada), "k")
    sent = {"title": "Eau", "body": "Bonjour"}
    db.session.remove()

    def post(_number):
        return house.client().post(THREADS, json=sent, headers=headers)

    with ThreadPoolExecutor(4) as several:
        answers = list(several.map(post, range(4)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json["id"] for answer in answers}) == 1
    assert count(Thread) == 1


def test_a_key_lives_48_hours_and_the_worker_forgets_it(house, make, client, token_of):
    ada = make.person("ada")
    make.space(ada)
    headers = keyed(token_of(ada), "k")
    sent = {"title": "Eau", "body": "Bonjour"}
    client.post(THREADS, json=sent, headers=headers)
    with writing(db.session()) as session:
        assert forget_keys(session, now() + LIFETIME - timedelta(minutes=1)) == 0
        session.query(SentOnce).update({"at": now() - LIFETIME - timedelta(seconds=1)})
    assert client.post(THREADS, json=sent, headers=headers).status_code == 201
    assert count(Thread) == 2
    with writing(db.session()) as session:
        session.query(SentOnce).update({"at": now() - LIFETIME - timedelta(seconds=1)})
    (service,) = [one for one in house.runtime.services if one.name == "keys"]
    db.session.remove()
    service.step()
    assert count(SentOnce) == 0


def test_a_form_sent_twice_makes_one_message_and_leads_to_it(make, client):
    ada = make.person("ada")
    make.space(ada)
    log_in(client, ada)
    page = "/p/jardin/discussion/new"
    assert 'name="once" value="' in client.get(page).get_data(as_text=True)
    form = {"title": "Eau", "body": "Bonjour\r\nà tous", "once": "page-1"}
    first = client.post(page, data=form | {"csrf_token": "one"})
    again = client.post(page, data=form | {"csrf_token": "two"})
    assert first.status_code == again.status_code == 302
    assert first.headers["Location"] == again.headers["Location"]
    thread = first.headers["Location"].partition("#")[0]
    send = partial(client.post, thread)
    assert send(data={"body": "Oui", "once": "page-2"}).status_code == 302
    # Back to the same page, other words: that is another message.
    assert send(data={"body": "Non", "once": "page-2"}).status_code == 302
    assert send(data={"body": "Oui", "once": "page-2"}).status_code == 302
    assert send(data={"body": "Oui", "once": "page-3"}).status_code == 302
    assert count(Message) == 3


def test_a_script_that_sends_a_form_is_told_what_became_of_it(make, client):
    ada, bea = make.person("ada"), make.person("bea")
    make.space(ada, visibility=Visibility.PUBLIC)
    script = {"Accept": "application/json"}
    form = {"title": "Eau", "body": "Bonjour", "once": "page-1"}
    page = "/p/jardin/discussion/new"
    stranger = client.post(page, data=form, headers=script)
    assert (stranger.status_code, stranger.json["code"]) == (401, "unauthenticated")
    log_in(client, bea)
    refused = client.post(page, data=form, headers=script)
    assert (refused.status_code, refused.json["code"]) == (403, "forbidden")
    log_in(client, ada)
    done = client.post(page, data=form, headers=script)
    assert done.status_code == 201
    assert done.headers["Location"].startswith("/p/jardin/discussion/")
    assert count(Item) == 1
