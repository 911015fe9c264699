"""The parts that pages are made of."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from flask import render_template_string
from markupsafe import Markup
from shell import IMPORT, NOW, Page, garden, make_shell, person, render


@pytest.fixture
def shell():
    return make_shell()


@pytest.fixture
def here(shell):
    with shell.test_request_context("/"):
        yield shell


def test_a_wrong_field_names_its_mend_and_keeps_what_was_typed(here):
    page = render(
        "{{ ui.errors_summary(errors) }}"
        '{{ ui.field("alias", "Nom", "til\\"<", errors, help="Un surnom.",'
        ' required=true, autocomplete="username") }}',
        errors={"alias": "Ce nom est pris."},
    )
    (field,) = page.all("input")
    assert field["value"] == 'til"<'
    assert field["aria-invalid"] == "true"
    assert set(field["aria-describedby"].split()) <= set(page.ids)
    assert field["autocomplete"] == "username"
    (link,) = page.all("a")
    assert link["href"] == "#" + field["id"]
    assert not page.unlabelled()


def test_a_field_that_may_stay_empty_says_so(here):
    assert "(facultatif)" in render('{{ ui.field("a", "A") }}').text
    assert "(facultatif)" not in render('{{ ui.field("a", "A", required=true) }}').text
    assert "(facultatif)" not in render('{{ ui.field("a", "A", or_else=true) }}').text


def test_a_password_is_never_sent_back(here):
    page = render('{{ ui.field("p", "P", "secret", type="password") }}')
    assert "value" not in page.all("input")[0]


def test_long_texts_and_lists_keep_their_value(here):
    page = render(
        '{{ ui.field("t", "T", "\\n  a<b", rows=3) }}'
        '{{ ui.field("s", "S", 2, options=[(1, "un"), (2, "deux")]) }}'
        '{{ ui.choices("c", "C", [("x", "X", "aide"), ("y", "Y")], ["y"], type="checkbox") }}'
    )
    assert "\n  a<b" in page.text
    assert [o for o in page.all("option") if "selected" in o] == [{"value": "2", "selected": ""}]
    assert [i["value"] for i in page.all("input") if "checked" in i] == ["y"]


@pytest.mark.parametrize(
    ("visibility", "who"),
    [
        ("public", "tout le monde"),
        ("members", "les membres du projet"),
        ("local", "les personnes de cette instance"),
    ],
)
def test_who_will_see_it_is_said_before_publishing(here, visibility, who):
    page = render("{{ ui.who_sees(space) }}", space=garden(visibility=visibility))
    assert f"Qui verra ceci\u00a0: {who}" in page.text
    assert page.all("b")


def test_where_somebody_comes_from_is_said_in_words(here):
    ours = render("{{ ui.person(who, 30) }}", who=person("Mésange"))
    theirs = render("{{ ui.person(who) }}", who=person("Tilleul", "ecole.example", False))
    assert ours.text == "Mésange\u00a0· personne référente"
    assert theirs.text == "Tilleul ecole.example"
    assert theirs.all("a")[0]["href"] == "/u/tilleul@ecole.example"


def test_whether_it_has_arrived_is_said_in_words(here):
    said = {
        state: render("{{ ui.delivery(state) }}", state=state).text
        for state in ("sent", "received", "waiting", "pending", "refused", "confirmed")
    }
    assert said["pending"] == "pas encore confirmé par l’instance du projet"
    assert said["confirmed"] == ""
    assert len(set(said.values())) == len(said)


def test_a_dangerous_act_takes_two_steps_and_no_script(here):
    page = render('{{ ui.confirm("Effacer", "Tout part.", "/x", "Effacer", {"id": 3}) }}')
    assert [tag for tag, _ in page.elements][:3] == ["details", "summary", "form"]
    assert {"type": "hidden", "name": "csrf_token", "value": "token"} in page.all("input")
    assert {"type": "hidden", "name": "id", "value": "3"} in page.all("input")


def test_pages_of_a_list_keep_the_filters(shell):
    @shell.get("/list/<kind>")
    def listing(kind):
        page = SimpleNamespace(number=2, pages=3)
        return render_template_string(IMPORT + "{{ ui.pagination(page) }}", page=page)

    page = Page(shell.test_client().get("/list/a?q=é&q=b&page=2").get_data(as_text=True))
    before, after = page.all("a")
    assert (before["rel"], before["href"]) == ("prev", "/list/a?page=1&q=%C3%A9&q=b")
    assert (after["rel"], after["href"]) == ("next", "/list/a?page=3&q=%C3%A9&q=b")
    assert "page 2 sur 3" in page.text


def test_a_list_of_one_page_has_no_pages(here):
    assert not render("{{ ui.pagination(page) }}", page=SimpleNamespace(page=1, pages=1)).elements


def test_a_message_shows_its_author_its_time_and_its_acts(here):
    page = render(
        '{% call ui.message(who, at, body, id="7", state="pending") %}'
        '<a href="/r">Répondre</a>{% endcall %}',
        who=person("Mésange"),
        at=NOW,
        body=Markup("<p>Bonjour</p>"),
    )
    assert page.all("article") == [{"class": "msg", "id": "m-7"}]
    whole = "28\u00a0novembre 2026, 10\u00a0h\u00a012"
    assert page.all("time") == [{"datetime": "2026-11-28T09:12:00Z", "title": whole}]
    assert {"class": "at", "href": "#m-7"} in page.all("a")
    assert "Bonjour" in page.text


def test_a_deleted_message_shows_nothing_of_what_it_said(here):
    page = render(
        "{{ ui.message(who, at, body, deleted=true) }}",
        who=person("Mésange"),
        at=NOW,
        body=Markup("<p>Secret</p>"),
    )
    assert "Secret" not in page.text
    assert "Ce message a été effacé." in page.text


def test_a_comparison_does_not_rest_on_colour(here):
    row = SimpleNamespace(kind="changed", left=Markup("<del>1</del>"), right=Markup("<ins>2</ins>"))
    page = render('{{ ui.diff("v1", "v2", [row]) }}', row=row)
    assert "Avant" in page.text
    assert "Après" in page.text
    assert page.all("del")
    assert page.all("ins")
