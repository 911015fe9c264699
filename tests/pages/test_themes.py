"""The colours of an instance: only such as everybody can read (R-09)."""

from __future__ import annotations

import random

import pytest
from conftest import PASSWORD, log_in

from collab.core.colour import contrast, is_legible, nearest_legible, parse_colour
from collab.core.errors import Invalid
from collab.people.first import first_administrator
from collab.people.look import (
    GROUNDS,
    USUAL,
    ReviseLook,
    legible_look,
    look_of,
    revise_look,
    sheet_of,
    words_on,
)
from collab.people.operations import Register
from collab.web.assets import read
from collab.web.extensions import db


def test_the_measure_is_that_of_the_standard():
    assert round(contrast("#767676", "#ffffff"), 2) == 4.54
    assert parse_colour(" #0B5 ") == "#00bb55"
    assert parse_colour("teal") == parse_colour("#12345") == ""


def test_whatever_colour_is_asked_for_the_one_proposed_can_be_read():
    dice = random.Random(4)
    for _ in range(60):
        asked = f"#{dice.randrange(1 << 24):06x}"
        for grounds in GROUNDS.values():
            given = nearest_legible(asked, grounds)
            assert is_legible(given, grounds)
            assert given == asked or not is_legible(asked, grounds)
            assert contrast(words_on(given), given) >= 4.5


def test_the_colour_proposed_is_the_nearest_of_its_hue():
    asked = "#e07020"
    given = nearest_legible(asked, GROUNDS["brand"])
    red, green, blue = (int(given[at : at + 2], 16) for at in (1, 3, 5))
    assert red > green > blue
    assert min(contrast(given, g) for g in GROUNDS["brand"]) < 4.8
    with pytest.raises(ValueError, match="no colour"):
        nearest_legible(asked, ("#000000", "#ffffff"), 7)


def test_the_usual_colours_and_their_grounds_are_those_of_the_style_sheet():
    from_sheet = read("collab.css")[0].decode()
    for name, colour in USUAL.items():
        assert is_legible(colour, GROUNDS[name])
        assert f"--brand: {colour};" in from_sheet
        for token, ground in zip(("paper", "card", "sunk"), GROUNDS[name], strict=True):
            assert f"--{token}: {ground};" in from_sheet


@pytest.fixture
def founded(house):
    given = Register(alias="ada", password=PASSWORD)
    house.ada = first_administrator(house.runtime.work, "Maison", given, school=False).actor
    return house


def test_r09_a_colour_that_cannot_be_read_is_refused(founded):
    for bad in (
        {"brand": "#ffcc00", "brand_dark": "#7fd1c7"},
        {"brand": "#0b5759", "brand_dark": "#222222"},
        {"brand": "#0b5759;}*{display:none"},
    ):
        with pytest.raises(Invalid), founded.as_(founded.ada) as work:
            revise_look(work, ReviseLook(**bad))
    assert look_of(db.session()) is None


def test_an_administrator_is_shown_the_nearest_colour_and_takes_it(founded):
    client = founded.client()
    log_in(client, founded.ada)
    answer = client.post("/admin/look", data={"brand": "#ffcc00", "brand_dark": "#7fd1c7"})
    said = answer.get_data(as_text=True)
    near = legible_look(ReviseLook("#ffcc00", "#7fd1c7"))
    assert answer.status_code == 422
    assert "Cette couleur se lit mal" in said
    assert f'name="brand" value="{near.brand}"' in said
    assert f'fill="{near.brand}"' in said
    taken = client.post("/admin/look", data={"brand": near.brand, "brand_dark": near.brand_dark})
    assert taken.status_code == 302
    page = client.get("/admin/look").get_data(as_text=True)
    (address,) = {part for part in page.split('"') if part.startswith("/theme.")}
    sheet = client.get(address)
    assert sheet.mimetype == "text/css"
    assert "immutable" in sheet.headers["Cache-Control"]
    assert f"--brand:{near.brand}" in sheet.get_data(as_text=True)
    assert "immutable" not in client.get("/theme.000000000000.css").headers["Cache-Control"]
    client.post("/admin/look", data={"reset": "1"})
    assert "/theme." not in client.get("/about").get_data(as_text=True)
    assert client.get(address).status_code == 404


def test_a_preview_saves_nothing_and_only_administrators_see_it(founded):
    client = founded.client()
    assert client.get("/admin/look").status_code in (302, 401)
    log_in(client, founded.ada)
    assert 'fill="#123456"' in client.get("/admin/look?brand=%23123456").get_data(as_text=True)
    assert '"/><script' not in client.get('/admin/look?brand="/><script').get_data(as_text=True)
    assert look_of(db.session()) is None


def test_high_contrast_keeps_its_own_colours():
    row = legible_look(ReviseLook("#7a1f5c", ""))
    sheet = sheet_of(row)
    assert sheet.startswith("@media not all and (prefers-contrast:more){")
    assert sheet.count(":not([data-contrast=high])") == 3
    assert sheet.count("{") == sheet.count("}")
