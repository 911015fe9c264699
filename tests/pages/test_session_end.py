"""R-16: a session ends when nobody uses it, is easily renewed, and takes nothing typed with it."""

from __future__ import annotations

import re
import time
from html import unescape

import pytest
from conftest import PASSWORD, log_in
from flask import g
from sqlalchemy import select

from collab.people.operations import log_out_everywhere
from collab.people.queries import account_of
from collab.spaces.models import Visibility
from collab.spaces.tools.discussion.inputs import OpenThread
from collab.spaces.tools.discussion.models import Message
from collab.spaces.tools.discussion.operations import open_thread
from collab.web.extensions import db
from collab.web.using import IDLE

ORIGIN = "https://here.example"
WORDS = "Une <b>longue</b> lettre.\nDeuxième ligne."


def text(answer):
    return answer.get_data(as_text=True).replace("\u00a0", " ")


def fields(page, action):
    """The form with that action as a browser would send it."""
    form = re.search(rf'<form[^>]*action="{re.escape(action)}".*?</form>', page, re.DOTALL)[0]
    found = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form))
    found |= dict(
        re.findall(r'<textarea [^>]*name="([^"]+)"[^>]*>\n(.*?)</textarea>', form, re.DOTALL)
    )
    chosen = re.findall(r'<select [^>]*name="([^"]+)".*?value="([^"]+)" selected', form, re.DOTALL)
    return {name: unescape(value) for name, value in {**found, **dict(chosen)}.items()}


def idle_for(client, seconds):
    with client.session_transaction(base_url=ORIGIN) as session:
        session["used"] = int(time.time()) - seconds


@pytest.fixture(params=[Visibility.PUBLIC, Visibility.MEMBERS])
def talk(house, make, request):
    """Ada is logged in and reads a thread; forms need their tokens, as on a real site."""
    house.ada = make.person("ada")
    space = make.space(house.ada, visibility=request.param)
    with house.as_(house.ada) as work:
        thread = open_thread(work, space, OpenThread("Semis", "Qui a des graines ?"))
    house.url = f"/p/jardin/discussion/{thread.uid}/"
    house.visitor = house.client()
    log_in(house.visitor, house.ada)
    house.app.config["WTF_CSRF_ENABLED"] = True
    house.app.before_request_funcs.setdefault(None, []).insert(0, no_token_yet)
    return house


def no_token_yet():
    """The fixture's own context lasts from one request to the next; that of a server does not."""
    g.pop("csrf_token", None)


def write(client, url, **more):
    sent = fields(text(client.get(url)), url) | {"body": WORDS}
    told = {"Origin": ORIGIN, "Referer": ORIGIN + url, **more}
    return lambda: client.post(url, data=sent, headers=told)


def messages():
    db.session.rollback()
    return [m.source for m in db.session.scalars(select(Message)) if m.source.startswith("Une")]


def elsewhere(house):
    """She logs out everywhere on another device."""
    with house.as_(house.ada) as work:
        log_out_everywhere(work, account_of(work.session, house.ada.id))


def forgotten(house):
    """The browser lost the cookie, or it is too old."""
    house.visitor.delete_cookie("__Host-collab", domain="here.example")


@pytest.mark.parametrize("ended", [elsewhere, forgotten])
def test_r_16_what_was_typed_comes_through_logging_in_and_is_sent(talk, ended):
    client = talk.visitor
    send = write(client, talk.url)
    ended(talk)
    held = send()
    assert held.status_code == 401
    assert "Votre texte est gardé dans cette page" in text(held)
    assert messages() == []
    login = fields(text(held), "/login")
    wrong = client.post("/login", data=login | {"alias": "ada", "password": "non"})
    assert wrong.status_code == 422
    login = fields(text(wrong), "/login")
    assert login["held:body"] == WORDS
    there = client.post("/login", data=login | {"alias": "ada", "password": PASSWORD})
    assert "Votre texte est là" in text(there)
    again = fields(text(there), talk.url)
    assert again["body"] == WORDS
    assert client.post(talk.url, data=again, headers={"Origin": ORIGIN}).status_code == 302
    assert messages() == [WORDS]


def test_r_16_a_form_of_another_session_of_the_same_person_comes_back_filled_in(talk):
    client = talk.visitor
    send = write(client, talk.url)
    talk.app.config["WTF_CSRF_ENABLED"] = False
    log_in(client, talk.ada)
    talk.app.config["WTF_CSRF_ENABLED"] = True
    back = send()
    assert back.status_code == 409
    again = fields(text(back), talk.url)
    assert again["body"] == WORDS
    assert client.post(talk.url, data=again, headers={"Origin": ORIGIN}).status_code == 302
    assert messages() == [WORDS]


@pytest.mark.parametrize("origin", ["https://elsewhere.example", "null", ""])
def test_another_site_cannot_have_its_words_sent_by_whoever_logs_in(talk, origin):
    client = talk.visitor
    send = write(client, talk.url, Origin=origin, Referer="")
    forgotten(talk)
    refused = send()
    assert refused.status_code == 400
    assert "lettre" not in text(refused)
    for path in ("https://elsewhere.example/", "//elsewhere.example", "/\\elsewhere.example"):
        talk.app.config["WTF_CSRF_ENABLED"] = False
        login = {"alias": "ada", "password": PASSWORD, "held.path": path, "held:body": WORDS}
        assert client.post("/login", data=login).status_code == 302


def test_r_16_at_a_shared_computer_a_session_ends_when_nobody_uses_it(house, make, client):
    ada = make.person("ada")
    client.post("/login", data={"alias": "ada", "password": PASSWORD, "shared": "1"})
    assert f'data-idle="{IDLE}" data-ends="' in text(client.get("/account"))
    idle_for(client, IDLE - 60)
    assert client.get("/account", headers={"Sec-Fetch-Mode": "cors"}).status_code == 200
    with client.session_transaction(base_url=ORIGIN) as session:
        assert time.time() - session["used"] > IDLE - 90, "a script renews nothing by itself"
    assert client.head("/account", headers={"Sec-Fetch-Mode": "cors"}).status_code == 200
    with client.session_transaction(base_url=ORIGIN) as session:
        assert time.time() - session["used"] < 60, "the button does"
    idle_for(client, IDLE + 5)
    assert client.get("/account").location.startswith("/login")
    log_in(house.client(), ada)


def test_r_16_a_session_of_ones_own_is_renewed_every_day_and_needs_no_warning(make, client):
    log_in(client, make.person("ada"))
    assert "data-idle" not in text(client.get("/account"))
    assert "Set-Cookie" not in client.get("/account").headers
    idle_for(client, 20 * 86_400)
    renewed = client.get("/account")
    assert "Expires=" in renewed.headers["Set-Cookie"]
    assert "Set-Cookie" not in client.get("/account").headers
