"""What pages say of times, numbers and addresses, and the cloth they draw of them."""

from __future__ import annotations

import time
import xml.etree.ElementTree as ET
from datetime import date, timedelta
from urllib.parse import unquote

import pytest
from flask import render_template_string
from flask_babel import force_locale
from shell import NOW, garden, make_shell, render

from collab.web.presentation import (
    clock,
    day,
    enumerated,
    filesize,
    moment,
    month,
    number,
    summarised,
    typo,
    when,
)
from collab.web.weave import weave, weave_image


@pytest.fixture
def shell():
    return make_shell()


@pytest.fixture
def here(shell):
    with shell.test_request_context("/"):
        yield shell


def test_on_paper_an_instant_is_said_whole_whatever_day_it_is_read(here):
    past = NOW - timedelta(minutes=5, seconds=3)
    template = "{% import '_macros.html' as ui %}{{ ui.time(past) }}"
    for _kept in range(2):
        assert moment(past) == "28\u00a0novembre 2026, 10\u00a0h\u00a006"
        with force_locale("ar"):
            assert moment(past) == "28\u00a0نوفمبر 2026، 10:06"
    told = render_template_string(template, past=past)
    assert f'title="{moment(past)}">' in told


@pytest.mark.parametrize(
    ("past", "french", "english"),
    [
        (timedelta(seconds=20), "à l’instant", None),
        (timedelta(minutes=20), "il y a 20\u00a0minutes", "20\u00a0minutes ago"),
        (timedelta(hours=3), "il y a 3\u00a0heures", "3\u00a0hours ago"),
        (timedelta(hours=9), "aujourd’hui à 1\u00a0h\u00a012", None),
        (timedelta(days=1), "hier à 10\u00a0h\u00a012", None),
        (timedelta(days=3, minutes=12), "mercredi à 10\u00a0h", None),
        (timedelta(days=27), "1er\u00a0novembre", "1\u00a0November"),
        (timedelta(days=990), "13\u00a0mars\u00a02024", None),
        (-timedelta(days=1), "demain à 10\u00a0h\u00a012", None),
        (-timedelta(days=9), "7\u00a0décembre", "7\u00a0December"),
    ],
)
def test_an_instant_is_said_as_people_say_it(here, past, french, english):
    def plain(said):
        return said.replace("\u00a0", " ")

    assert plain(when(NOW - past, NOW)) == plain(french)
    if english:
        with force_locale("en"):
            assert plain(when(NOW - past, NOW)) == plain(english)


def test_an_instant_without_a_zone_is_utc_and_shown_on_the_readers_clock(here, monkeypatch):
    monkeypatch.setenv("TZ", "Pacific/Noumea")
    time.tzset()
    try:
        assert clock(NOW.replace(tzinfo=None)) == "10\u00a0h\u00a012"
        assert clock(NOW.replace(minute=0)) == "10\u00a0h"
    finally:
        monkeypatch.undo()
        time.tzset()


def test_figures_stay_with_the_word_that_follows_them(here):
    assert when(NOW - timedelta(minutes=20), NOW) == "il y a 20\u00a0minutes"
    assert day(date(2026, 11, 28), NOW) == "samedi 28\u00a0novembre"


def test_a_date_of_another_year_says_which(here):
    assert day(date(2026, 12, 1), NOW).replace("\u00a0", " ") == "mardi 1er décembre"
    assert day(date(2025, 12, 2), NOW).endswith("décembre 2025")
    assert month(date(2026, 3, 2)) == "mars 2026"


def test_weights_and_numbers_follow_the_language(here):
    assert filesize(0) == "0\u00a0octets"
    assert filesize(999) == "999\u00a0octets"
    assert filesize(230_400) == "230\u00a0Ko"
    assert filesize(999_900) == "1\u00a0Mo"
    assert filesize(1_240_000) == "1,2\u00a0Mo"
    assert number(12412) == "12\u202f412"
    with force_locale("en"):
        assert filesize(1_240_000) == "1.2\u00a0MB"
        assert number(12412) == "12,412"


def test_french_signs_are_never_left_alone_at_the_start_of_a_line():
    assert typo("Où ? Ici : « là » !") == "Où\u00a0? Ici\u00a0: «\u00a0là\u00a0»\u00a0!"
    assert typo("http://a.example ok") == "http://a.example ok"


def test_the_same_address_has_the_same_cloth_at_any_size():
    small, large = weave("jardin@a.example", 24), weave("jardin@a.example", 96)
    assert small.replace('"24"', '"96"') == large


def test_cloths_of_a_thousand_addresses_differ():
    assert len({weave(f"p{number}@a.example") for number in range(1000)}) > 985


def test_a_cloth_is_small_well_formed_and_hidden_from_screen_readers():
    for number_ in range(200):
        svg = weave(f"p{number_}@a.example")
        root = ET.fromstring(svg)
        assert len(svg) < 700
        assert len(list(root.iter())) <= 6
        assert root.attrib["aria-hidden"] == "true"
        assert " id=" not in svg
        assert "style" not in svg


def test_a_mirror_wears_the_cloth_of_the_original(here):
    at_home = garden()
    copy = garden(local=False)
    drawn = render("{{ weave(one) }}|{{ weave(two) }}", one=at_home, two=copy)
    assert len(drawn.all("img")) == 2
    first, second = render_template_string(
        "{{ weave(one) }}|{{ weave(two) }}", one=at_home, two=copy
    ).split("|")
    assert first == second == weave_image("jardin@a.example")


def test_a_cloth_on_a_page_is_one_node_that_asks_for_nothing(here):
    drawn = render("{{ weave(one) }}", one=garden())
    (image,) = drawn.all("img")
    assert image["alt"] == ""
    assert image["src"].startswith("data:image/svg+xml,")
    carried = ET.fromstring(unquote(image["src"].partition(",")[2]))
    assert len(list(carried.iter())) <= 6


def test_what_the_house_writes_beside_a_version_is_said_in_the_readers_language(here):
    kept = ["Relecture : Rose (Amis)", "Retour à la version 3", "Import", "Corrigé à la main"]
    assert [summarised(one) for one in kept] == kept
    with force_locale("ar"):
        review, back, imported, own = map(summarised, kept)
    assert "Rose (Amis)" in review
    assert "3" in back
    assert own == kept[3]
    assert not {"Relecture", "Retour", "Import"} & set(f"{review} {back} {imported}".split())


def test_a_list_is_joined_as_the_language_does(here):
    assert enumerated(["Ada", "<b>"]) == "Ada et &lt;b&gt;"
    assert enumerated(["un", "deux", "trois"]) == "un, deux et trois"
    with force_locale("ar"):
        assert enumerated(["un", "deux", "trois"]) == "un وdeux وtrois"
