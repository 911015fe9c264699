"""In which language a page is answered, and how it says so."""

from __future__ import annotations

import re

import pytest
from conftest import PASSWORD, log_in
from shell import Page

from collab.core.tongues import CODES, TONGUES, chain, tongue
from collab.people.models import Account
from collab.web.tongues import without_asking


def language(answer):
    (html,) = Page(answer.get_data(as_text=True)).all("html")
    return html["lang"], html["dir"]


def asked(client, header, address="/about"):
    return language(client.get(address, headers={"Accept-Language": header}))


def test_the_browser_says_which_language(client):
    wanted = {
        "fr": "fr",
        "en-GB,fr;q=0.5": "en",
        "fr;q=0.3,ar;q=0.9": "ar",
        "ar-TN,ar;q=0.9,fr;q=0.8": "ar",
        "fr-x-falc, fr;q=0.9": "fr-x-falc",
        "fr-CH, en;q=0.9": "fr",
        "de, sv;q=0.5": "fr",
        "de, en;q=0.1": "en",
        "*": "fr",
        "": "fr",
        "nonsense;;q=x": "fr",
    }
    assert {header: asked(client, header)[0] for header in wanted} == wanted


def test_arabic_pages_run_from_right_to_left_and_the_others_do_not(client):
    found = dict(asked(client, code) for code in CODES)
    assert found == {"fr": "ltr", "fr-x-falc": "ltr", "en": "ltr", "ar": "rtl"}


def test_every_page_offers_every_language_by_its_own_name(client):
    shown = client.get("/about", headers={"Accept-Language": "ar"}).get_data(as_text=True)
    buttons = re.findall(r'name="locale" value="([^"]+)" lang="([^"]+)"[^>]*>([^<]+)<', shown)
    assert buttons == [(t.code, t.code, t.name) for t in TONGUES]
    assert re.findall(r'value="([^"]+)"[^>]*aria-pressed="true"', shown) == ["ar"]


def test_who_chose_a_language_keeps_it_whatever_the_browser_says(client):
    client.post("/langue", data={"locale": "ar"})
    assert asked(client, "en") == ("ar", "rtl")
    client.post("/langue", data={"locale": "klingon"})
    assert asked(client, "en")[0] == "fr"


def test_an_account_remembers_the_language_on_another_device(house, make, client):
    ada = make.person("ada")
    log_in(client, ada)
    given = {"display_name": "Ada", "email": "", "locale": "ar"}
    assert client.post("/account/profile", data=given).status_code == 302
    other = house.client()
    other.post("/login", data={"alias": "ada", "password": PASSWORD})
    assert asked(other, "en") == ("ar", "rtl")
    with house.as_(ada) as work:
        account = work.session.query(Account).filter_by(actor_id=ada.id).one()
        assert account.locale == "ar"


def test_a_link_can_ask_for_a_language(client):
    assert asked(client, "fr", "/join?langue=ar") == ("ar", "rtl")
    assert asked(client, "fr")[0] == "ar", "a newcomer goes on in the language of the poster"
    assert asked(client, "fr", "/about?langue=klingon")[0] == "ar"
    assert asked(client, "fr", "/about?langue=en")[0] == "en"
    assert asked(client, "fr")[0] == "en", "the newest link counts"


def test_a_link_does_not_undo_what_somebody_chose(client):
    client.post("/langue", data={"locale": "en"})
    assert asked(client, "fr", "/about?langue=ar")[0] == "ar"
    assert asked(client, "fr")[0] == "en"


def test_choosing_a_language_wins_over_the_link_that_brought_one_here(client):
    client.get("/search?q=eau&langue=ar")
    answer = client.post("/langue", data={"locale": "en", "next": "/search?q=eau&langue=ar"})
    assert answer.headers["Location"] == "/search?q=eau"
    assert asked(client, "fr", answer.headers["Location"])[0] == "en"


@pytest.mark.parametrize(
    ("address", "left"),
    [
        ("/p/jardin", "/p/jardin"),
        ("/?langue=ar", "/"),
        ("/x?langue=ar&page=2", "/x?page=2"),
        ("/x?langues=2&langue=", "/x?langues=2"),
    ],
)
def test_the_language_asked_for_is_taken_out_of_an_address(address, left):
    assert without_asking(address) == left


def test_a_public_page_names_its_other_languages_and_says_that_it_depends_on_it(client):
    answer = client.get("/about")
    links = Page(answer.get_data(as_text=True)).all("link")
    others = {one["hreflang"]: one["href"] for one in links if one.get("rel") == "alternate"}
    assert others == {c: f"https://here.example/about?langue={c}" for c in CODES}
    assert language(client.get("/about?langue=en"))[0] == "en"
    assert "Accept-Language" in ",".join(answer.headers.getlist("Vary"))


def test_a_language_that_is_not_known_is_french():
    assert tongue("tlh").code == tongue(None).code == "fr"
    assert [one.code for one in chain("fr-x-falc")] == ["fr-x-falc", "fr"]
