"""Display settings: without an account, a script, or a trace where nothing is chosen."""

from __future__ import annotations

import pytest
from conftest import PASSWORD, log_in
from shell import Page

from collab.people.first import first_administrator
from collab.people.operations import Register
from collab.web.display import CHOICES, Display


@pytest.fixture
def visited(house):
    given = Register(alias="mesange", password=PASSWORD)
    made = first_administrator(house.runtime.work, "Maison", given, school=False)
    house.mesange = made.actor
    return house


def choose(client, **wanted):
    return client.post("/affichage", data=wanted)


def look(client, path):
    answer = client.get(path)
    page = Page(answer.get_data(as_text=True))
    return {n: v for n, v in page.all("html")[0].items() if n.startswith("data-")}


def test_settings_hold_on_every_page_without_an_account(visited):
    client = visited.client()
    choose(client, size="larger", theme="dark", contrast="high", font="easy", light="on")
    wanted = {
        "data-size": "larger", "data-theme": "dark", "data-contrast": "high",
        "data-font": "easy", "data-light": "on",
    }  # fmt: skip
    for path in ("/", "/login", "/affichage", "/nowhere", "/search?q=eau"):
        assert look(client, path) == wanted, path
    log_in(client, visited.mesange)
    assert look(client, "/account") == wanted
    client.post("/logout")
    assert look(client, "/login") == wanted


def test_the_form_shows_what_is_chosen_and_can_forget_it(visited):
    client = visited.client()
    choose(client, spacing="wide", motion="none")
    page = Page(client.get("/affichage").get_data(as_text=True))
    ticked = {i["name"]: i["value"] for i in page.all("input") if "checked" in i}
    assert ticked == dict.fromkeys(CHOICES, "") | {"spacing": "wide", "motion": "none"}
    choose(client, spacing="wide", reset="1")
    assert look(client, "/") == {}
    assert client.get_cookie("__Host-affichage") is None


def test_whoever_chooses_nothing_gets_no_cookie(visited):
    client = visited.client()
    for path in ("/", "/affichage", "/login?next=/", "/about"):
        answer = client.get(path)
        assert answer.status_code == 200, path
        if path != "/login?next=/":
            assert "Set-Cookie" not in answer.headers, path
    assert "Set-Cookie" not in choose(client).headers
    kept = choose(client, theme="dark").headers["Set-Cookie"]
    assert kept.startswith("__Host-affichage=theme=dark;")
    assert "HttpOnly" in kept
    assert "SameSite=Lax" in kept


def test_a_form_leads_back_to_where_it_was_opened_and_nowhere_else(visited):
    client = visited.client()
    footer = Page(client.get("/search?q=eau").get_data(as_text=True)).all("a")
    assert "/affichage?next=/search%3Fq%3Deau" in {a["href"] for a in footer}
    assert choose(client, size="large", next="/about").location == "/affichage?next=/about"
    assert choose(client, size="large", next="https://b.example/").location == "/affichage"
    back = Page(client.get("/affichage?next=/about").get_data(as_text=True)).all("a")
    assert "/about" in {a["href"] for a in back}


def test_other_sites_may_not_choose(visited):
    client = visited.client()
    visited.app.config["WTF_CSRF_ENABLED"] = True
    told = {"Origin": "https://elsewhere.example"}
    answer = client.post("/affichage", data={"theme": "dark"}, headers=told)
    assert answer.status_code == 400
    assert client.get_cookie("__Host-affichage") is None


@pytest.mark.parametrize("told", ['size="><script>', "size=huge&theme=", "%%%", "x" * 3000])
def test_a_cookie_made_up_by_somebody_changes_nothing(visited, told):
    client = visited.client()
    client.set_cookie("__Host-affichage", told, secure=True)
    assert look(client, "/about") == {}


def test_nothing_but_what_is_offered_is_kept():
    assert Display.of({"size": "large", "contrast": "low", "x": "y"}) == Display(size="large")
    assert Display.of({"size": "large"}).attributes == ' data-size="large"'
