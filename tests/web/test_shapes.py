"""The parts that rooms are made of: boards, charts, dialogs, steps; and the page of all parts."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import pytest
from flask import render_template
from shell import HOUSE, NOW, make_shell, person, render

from collab.pages import looks
from collab.web.chart import marks

ROWS = [("Courges", 60), ("Tomates", 30), ("Haricots", 10)]
SPRITE = HOUSE / "static" / "icons.svg"


@pytest.fixture
def here():
    shell = make_shell()
    with shell.test_request_context("/"):
        yield shell


def test_values_are_placed_beside_the_greatest_and_in_the_whole():
    placed = marks(ROWS)
    assert [m.reach for m in placed] == [100, 50, 16.67]
    assert [m.share for m in placed] == [60, 30, 10]
    assert [m.start for m in placed] == [0, 60, 90]
    assert [m.across for m in placed] == [0, 50, 100]
    assert [m.key for m in placed] == ["A", "B", "C"]


@pytest.mark.parametrize("rows", [[], [("a", 0)], [("a", -3), ("b", 0)]])
def test_nothing_is_drawn_as_nothing(rows):
    assert [m.reach + m.share + m.start for m in marks(rows)] == [0] * len(rows)


@pytest.mark.parametrize("kind", ["bar", "share", "line"])
def test_a_chart_has_its_sentence_and_its_table(here, kind):
    page = render('{{ ui.chart(kind, "R", "Dit.", rows, ["L", "Kilos"]) }}', kind=kind, rows=ROWS)
    assert "Dit." in page.text
    assert [a["scope"] for a in page.all("th")].count("row") == 3
    for label, value in ROWS:
        assert label in page.text
        assert str(value) in page.text
    drawn = page.all("svg")
    assert drawn
    assert all(svg.get("aria-hidden") == "true" or svg.get("aria-label") == "Dit." for svg in drawn)


def test_parts_of_a_whole_are_told_apart_by_letters_and_not_by_colour_alone(here):
    page = render('{{ ui.chart("share", "R", "Dit.", rows, ["L", "K"]) }}', rows=ROWS)
    assert re.findall("[ABC](?![a-z])", page.text) == ["A", "B", "C", "A", "B", "C"]


COLUMNS = [
    {"key": "todo", "title": "À faire", "cards": [{"id": "1", "title": "Réserver"}]},
    {"key": "doing", "title": "En cours", "cards": [{"id": "2", "title": "Écrire"}]},
    {"key": "done", "title": "Fait", "cards": []},
]


def test_cards_of_a_board_are_moved_by_buttons_that_say_where_to(here):
    page = render('{{ ui.board("Tâches", columns, "/move") }}', columns=COLUMNS)
    assert [b["value"] for b in page.all("button")] == ["1:doing", "2:todo", "2:done"]
    assert {"type": "hidden", "name": "csrf_token", "value": "token"} in page.all("input")
    said = page.text.replace("\u00a0", " ")
    assert "Vers « En cours » : Réserver" in said
    assert "Rien ici pour l’instant." in said
    assert not [a for a in page.elements if "draggable" in a[1]]


def test_a_board_that_one_may_only_read_has_no_buttons(here):
    page = render('{{ ui.board("Tâches", columns) }}', columns=COLUMNS)
    assert not page.all("button")


def test_a_dialog_is_native_and_named_and_needs_no_script(here):
    page = render('{% call ui.dialog("x", "Ouvrir", "Titre") %}<p>Dit.</p>{% endcall %}')
    (dialog,) = page.all("dialog")
    assert {b["popovertarget"] for b in page.all("button")} == {dialog["id"]}
    assert dialog["aria-labelledby"] in page.ids


def test_steps_say_which_one_it_is(here):
    page = render('{{ ui.steps("Consultation", ["Un", "Deux", "Trois"], 2) }}')
    assert [li.get("aria-current") for li in page.all("li")] == [None, "step", None]
    assert "Un (fait)" in page.text
    assert "Deux (fait)" not in page.text


def test_what_is_drawn_of_progress_and_time_is_also_said(here):
    page = render(
        '{{ ui.meter("Tâches", 3, 5) }}{{ ui.meter("Rien", 0, 0) }}{{ ui.timeline(points) }}',
        points=[{"at": NOW, "title": "Réunion"}],
    )
    assert "3 sur 5" in page.text
    assert [r["width"] for r in page.all("rect")] == ["60.0%", "0%"]
    assert page.all("time")[0]["datetime"] == "2026-11-28T09:12:00Z"


def test_a_file_says_what_it_is_and_what_it_weighs(here):
    page = render('{{ ui.file_link("Plan", "/f", "PDF", 230400) }}')
    assert "Plan (PDF, 230\u00a0Ko)" in page.text


def test_people_and_tags_are_links_with_words(here):
    page = render(
        '{{ ui.chip(who, "membre") }}{{ ui.tag("eau", "/t") }}{{ ui.tag("air") }}'
        '{{ ui.sections("Parties", [("A", "/a", "a", 3), ("B", "/b", "b")], "a") }}',
        who=person("Mésange"),
    )
    assert [a["href"] for a in page.all("a")][1:] == ["/t", "/a", "/b"]
    assert [a.get("aria-current") for a in page.all("a")][2:] == ["page", None]


def test_help_is_closed_until_it_is_asked_for(here):
    page = render('{{ ui.how(["Un.", "Deux."]) }}')
    assert [tag for tag, _ in page.elements] == ["details", "summary", "ol", "li", "li"]
    assert "open" not in page.all("details")[0]


def test_signs_come_in_one_small_file_and_are_hidden_beside_their_words(here):
    sprite = ET.fromstring(SPRITE.read_text())
    names = [symbol.attrib["id"] for symbol in sprite]
    assert len(names) == len(set(names))
    assert SPRITE.stat().st_size < 6_000
    assert all(symbol.attrib["viewBox"] == "0 0 24 24" for symbol in sprite)
    page = render('{{ ui.icon("clock") }}')
    assert page.all("svg")[0]["aria-hidden"] == "true"
    assert page.all("use")[0]["href"] == "/static/icons.svg#clock"
    templates = "".join(p.read_text() for p in HOUSE.glob("**/templates/**/*.html"))
    assert set(re.findall(r'icon\("([a-z]+)"', templates)) <= set(names)


def test_the_page_of_all_parts_shows_every_macro_and_every_colour(here, monkeypatch):
    monkeypatch.setattr(looks, "render_template", lambda name, **given: given)
    given = looks.styleguide()
    here.jinja_loader.loaders[0].searchpath.append(str(HOUSE / "pages" / "templates"))
    drawn = render_template("looks/styleguide.html", **given)
    for name in given["tokens"]:
        assert f"--{name}" in drawn
    text = (HOUSE / "pages" / "templates" / "looks" / "styleguide.html").read_text()
    shapes = (HOUSE / "web" / "templates" / "_shapes.html").read_text()
    shown = set(re.findall(r"ui\.(\w+)\(", text))
    assert set(re.findall(r"macro (\w+)\(", shapes)) - shown == {"bar"}
    assert "style=" not in drawn
