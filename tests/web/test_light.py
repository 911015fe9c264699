"""The light mode: asked for by a setting or by the browser; without pictures, shorter, whole."""

from __future__ import annotations

import pytest
from conftest import log_in

from collab.core.pictures import Logo
from collab.people.logo import propose_logo
from collab.spaces.tools.discussion.inputs import OpenThread, PostMessage
from collab.spaces.tools.discussion.operations import open_thread, post_message
from collab.spaces.tools.pages.inputs import WriteDocument
from collab.spaces.tools.pages.operations import write_document
from collab.web.assets import FOLDER
from collab.web.light import weight
from collab.web.presentation import filesize

SAVE = {"Save-Data": "on"}
PICTURE = "![Le plan du jardin](/static/icon.svg) et [![](/static/icon.svg)](https://a.example)"


@pytest.fixture
def garden(make):
    ada, bob = make.person("ada"), make.person("bob")
    return make.space(ada, bob), ada, bob


@pytest.fixture
def talk(as_, garden):
    space, ada, _bob = garden
    with as_(ada) as work:
        thread = open_thread(work, space, OpenThread("Le plan", f"Le voici.\n\n{PICTURE}"))
        post_message(work, space, PostMessage(thread.uid, "Qu’en dites-vous ?"))
    return thread


def page(client, path, **headers):
    return client.get(path, headers=headers).get_data(as_text=True)


def test_no_picture_comes_before_it_is_asked_for(client, talk, garden, as_):
    space, ada, _bob = garden
    with as_(ada) as work:
        write_document(work, space, WriteDocument("Plan", PICTURE))
    for path in (f"/p/jardin/discussion/{talk.uid}/", "/p/jardin/pages/plan"):
        assert 'src="/static/icon.svg"' in page(client, path)
        asked = page(client, path, **SAVE)
        assert "<img" not in asked
        size = f"Voir l’image, {filesize((FOLDER / 'icon.svg').stat().st_size)}"
        assert f'<a href="https://a.example" rel="nofollow noopener ugc">{size}</a>' in asked
        assert f'href="/static/icon.svg">{size} : Le plan du jardin</a>' in asked


def test_the_weight_of_a_picture_is_told_where_it_is_known(house, make, as_):
    ada = make.person("ada")
    with as_(ada) as work:
        logo = propose_logo(work, Logo("image/png", 40, 40, b"p" * 1234, ()), "Blason")
    assert weight(logo.url) == 1234
    assert weight("/static/icon.svg") > 100
    for unknown in ("/static/nothing.png", "/logo.000000000000.png", "https://a.example/a.png", ""):
        assert weight(unknown) == 0


def test_nothing_runs_by_itself_unless_it_is_asked_for(client, talk):
    there = f"/p/jardin/discussion/{talk.uid}/"
    assert "/static/live." in page(client, there)
    asked = page(client, there, **SAVE)
    assert "/static/live." not in asked
    assert "live=1#messages" in asked
    assert "/static/live." in page(client, f"{there}?live=1", **SAVE)


def test_the_settings_have_the_last_word(client, talk):
    there = f"/p/jardin/discussion/{talk.uid}/"
    whole = {"Origin": "https://here.example"}
    for chosen, header, is_light in (("on", "", True), ("off", "on", False), ("", "on", True)):
        client.post("/affichage", data={"light": chosen}, headers=whole)
        assert ("<img" not in page(client, there, **{"Save-Data": header})) is is_light


def test_everything_that_can_be_done_is_one_page_further(client, talk, garden):
    _space, ada, bob = garden
    there = f"/p/jardin/discussion/{talk.uid}/"
    log_in(client, bob)
    light = page(client, there, **SAVE)
    assert light.count("Répondre ou agir") == 2
    assert "/report/" not in light
    further = page(client, f"/p/jardin/discussion/m/{talk.uid}/acts", **SAVE)
    for act in ("?reply=", "/report/", "Merci"):
        assert act in further
    log_in(client, ada)
    mine = page(client, f"/p/jardin/discussion/m/{talk.uid}/acts", **SAVE)
    assert "Modifier ou effacer" in mine
    home = page(client, "/p/jardin", **SAVE)
    for way in ('action="/logout"', 'href="/account"', 'href="/search"'):
        assert way in home
