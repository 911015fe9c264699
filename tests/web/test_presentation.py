"""The look: what pages say, how they are built, and whether their colours can be read."""

from __future__ import annotations

import gzip
import re
import xml.etree.ElementTree as ET
from datetime import UTC, date, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace

import pytest
from flask import Flask, flash, render_template, render_template_string, request
from flask_babel import Babel, force_locale
from jinja2 import ChoiceLoader, DictLoader, StrictUndefined
from markupsafe import Markup

from collab.web import presentation
from collab.web.presentation import clock, day, filesize, month, number, typo, when
from collab.web.weave import weave

HOUSE = Path(presentation.__file__).parents[1]
CSS = (HOUSE / "static" / "collab.css").read_text()
TEMPLATES = sorted(HOUSE.glob("**/templates/**/*.html"))
ERRORS = sorted(int(path.stem) for path in (HOUSE / "web/templates/errors").glob("[45]*.html"))

NOW = datetime(2026, 11, 28, 9, 12, tzinfo=UTC)
"""A Saturday, 10:12 in Paris."""

IMPORT = '{% import "_macros.html" as ui %}'


class Page(HTMLParser):
    """What a test needs to know of a page: its elements in order, and the text inside them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_data(self, data):
        self.text += data

    def all(self, *tags):
        return [attrs for tag, attrs in self.elements if tag in tags]

    @property
    def ids(self):
        return [attrs["id"] for _, attrs in self.elements if "id" in attrs]

    def unlabelled(self):
        """Fields that are neither hidden, nor inside or named by a label, nor described."""
        named = {attrs.get("for") for attrs in self.all("label")}
        depth_free = [
            attrs
            for attrs in self.all("input", "textarea", "select")
            if attrs.get("type") not in {"hidden", "radio", "checkbox"}
        ]
        return [attrs for attrs in depth_free if attrs.get("id") not in named]


def person(name, host="a.example", local=True):
    return SimpleNamespace(
        name=name.lower(),
        label=name,
        host=host,
        address=f"{name.lower()}@{host}",
        local=local,
        role=10,
    )


def garden(**more):
    return SimpleNamespace(
        **{
            "name": "Jardin partagé",
            "slug": "jardin",
            "host": "a.example",
            "address": "jardin",
            "visibility": "public",
            "territory": "Amiens",
            "archived_at": None,
            "local": True,
            "created_at": NOW,
            **more,
        }
    )


@pytest.fixture
def house():
    """An app with nothing but the look, whose templates may not touch what is not there."""
    app = Flask("collab", root_path=str(HOUSE), template_folder="web/templates")
    app.config.update(BABEL_DEFAULT_TIMEZONE="Europe/Paris", SECRET_KEY="test")
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.globals["csrf_token"] = lambda: "token"
    Babel(app, default_locale="fr", locale_selector=lambda: request.args.get("l", "fr"))
    presentation.register(app)
    frame = {
        "site": SimpleNamespace(
            name="Maison",
            tagline="Amiens",
            contact="",
            base_url="https://a.example",
            allow_loopback=False,
        ),
        "viewer": None,
        "locale": "fr",
        "peers_count": 6,
        "asset": lambda name: f"/static/{name}",
        "space": garden(),
        "role": "",
        "tools": [SimpleNamespace(name="pages", title="Documents", url="/p/jardin/pages", count=3)],
    }
    app.context_processor(lambda: frame)
    app.jinja_loader = ChoiceLoader(
        [
            app.jinja_loader,
            DictLoader(
                {
                    "room.html": '{% extends "space_base.html" %}{% set current = "pages" %}'
                    "{% block title %}Room{% endblock %}"
                    "{% block content %}<h1>Semis</h1>{% endblock %}",
                    "home.html": '{% extends "space_base.html" %}{% set current = "home" %}'
                    "{% block title %}Home{% endblock %}",
                }
            ),
        ]
    )
    app.frame = frame
    return app


@pytest.fixture
def here(house):
    with house.test_request_context("/"):
        yield house


def render(text, **more):
    return Page(render_template_string(IMPORT + text, **more))


# ---------------------------------------------------------------- what is said


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


def test_an_instant_without_a_zone_is_utc_and_shown_on_the_readers_clock(here):
    assert clock(NOW.replace(tzinfo=None)) == "10\u00a0h\u00a012"
    assert clock(NOW.replace(minute=0)) == "10\u00a0h"


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


# ---------------------------------------------------------------- the cloth


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
    copy = garden(address="jardin@a.example", local=False)
    drawn = render("{{ weave(one) }}|{{ weave(two) }}", one=at_home, two=copy)
    assert len(drawn.all("svg")) == 2
    first, second = render_template_string(
        "{{ weave(one) }}|{{ weave(two) }}", one=at_home, two=copy
    ).split("|")
    assert first == second == weave("jardin@a.example")


# ---------------------------------------------------------------- the frame


def test_a_page_has_its_landmarks_and_one_title(here):
    page = Page(render_template("room.html"))
    tags = [tag for tag, _ in page.elements]
    assert tags.count("main") == tags.count("header") == tags.count("footer") == 1
    assert tags.count("h1") == 1
    assert page.all("html")[0] == {"lang": "fr", "dir": "ltr"}
    assert page.all("a")[0] == {"class": "skip", "href": "#contenu"}
    assert "contenu" in page.ids
    assert all(attrs.get("aria-label") for attrs in page.all("nav"))
    assert any(attrs.get("role") == "search" for attrs in page.all("form"))
    assert not page.unlabelled()
    assert len(page.ids) == len(set(page.ids))


def test_the_name_of_a_project_is_the_title_of_its_home_only(here):
    home = render_template("home.html")
    assert '<h1 class="name">Jardin partagé</h1>' in home
    assert "<h1 class" not in render_template("room.html")


def test_the_tab_being_read_is_the_current_one(here):
    page = Page(render_template("room.html"))
    (current,) = [a for a in page.all("a") if a.get("aria-current") == "page"]
    assert current["href"] == "/p/jardin/pages"


def test_a_copy_says_in_words_where_it_lives(here):
    here.frame["space"] = garden(local=False, host="ecole.example")
    page = Page(render_template("home.html"))
    assert "Ce projet vit sur ecole.example." in page.text
    assert {"href": "/p/jardin@ecole.example", "aria-current": "page"} in page.all("a")


def test_an_archived_project_says_so(here):
    here.frame["space"] = garden(archived_at=NOW)
    assert "Ce projet est archivé." in Page(render_template("room.html")).text


def test_strangers_may_log_in_and_members_may_leave(here):
    assert "/login" in {a["href"] for a in Page(render_template("room.html")).all("a")}
    here.frame["viewer"] = person("Mésange")
    page = Page(render_template("room.html"))
    assert "/account" in {a["href"] for a in page.all("a")}
    assert {"method": "post", "action": "/logout"} in page.all("form")
    assert "/admin" not in {a["href"] for a in page.all("a")}


def test_a_trial_instance_says_so_in_words(here):
    assert "Instance d’essai" not in render_template("room.html")
    here.frame["site"].allow_loopback = True
    assert "Instance d’essai" in render_template("room.html")


def test_help_by_a_person_comes_first_in_every_footer(here):
    said = render_template("room.html").split("<footer")[1]
    assert said.index("Parler à une personne") < said.index("Qui sommes-nous")


def test_what_was_just_done_is_told_and_can_be_undone(house):
    client_side = house.test_client()

    @house.get("/done")
    def done():
        flash({"text": "Effacé.", "action": "/back", "fields": {"n": "<3"}}, "undo")
        flash("Raté <b>.", "error")
        return render_template("room.html")

    page = Page(client_side.get("/done").get_data(as_text=True))
    assert {"method": "post", "action": "/back"} in page.all("form")
    assert {"type": "hidden", "name": "n", "value": "<3"} in page.all("input")
    assert "Raté <b>." in page.text
    assert any(attrs.get("role") == "status" for attrs in page.all("div"))


@pytest.mark.parametrize("status", ERRORS)
def test_every_refusal_says_what_to_do_next(here, status):
    page = Page(render_template(f"errors/{status}.html", said="Ce projet est <fermé>."))
    assert len(page.all("h1")) == 1
    assert "Ce projet est <fermé>." in page.text
    assert f"Erreur {status}" in page.text
    assert len(page.all("main")) == 1


def test_failures_are_told_without_asking_the_database(here):
    class Locked:
        def __getattr__(self, name):
            raise RuntimeError("database is locked")

        def __bool__(self):
            raise RuntimeError("database is locked")

    here.frame.update(viewer=Locked(), peers_count=Locked())
    for status in (500, 503):
        assert "Rien n’est perdu" in render_template("errors/503.html")
        assert f"Erreur {status}" in render_template(f"errors/{status}.html")
    with pytest.raises(RuntimeError):
        render_template("errors/404.html")


# ---------------------------------------------------------------- the parts


def test_a_wrong_field_names_its_mend_and_keeps_what_was_typed(here):
    page = render(
        '{{ ui.errors_summary(errors) }}{{ ui.field("alias", "Nom", "til\\"<", errors, help="Un surnom.",'
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
    assert ours.text == "Mésange · référent·e"
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


def test_pages_of_a_list_keep_the_filters(house):
    @house.get("/list/<kind>")
    def listing(kind):
        page = SimpleNamespace(number=2, pages=3)
        return render_template_string(IMPORT + "{{ ui.pagination(page) }}", page=page)

    page = Page(house.test_client().get("/list/a?q=é&q=b&page=2").get_data(as_text=True))
    before, after = page.all("a")
    assert (before["rel"], before["href"]) == ("prev", "/list/a?page=1&q=%C3%A9&q=b")
    assert (after["rel"], after["href"]) == ("next", "/list/a?page=3&q=%C3%A9&q=b")
    assert "page 2 sur 3" in page.text


def test_a_list_of_one_page_has_no_pages(here):
    assert not render("{{ ui.pagination(page) }}", page=SimpleNamespace(page=1, pages=1)).elements


def test_a_message_shows_its_author_its_time_and_its_acts(here):
    page = render(
        '{% call ui.message(who, at, body, id="7", state="pending") %}<a href="/r">R</a>{% endcall %}',
        who=person("Mésange"),
        at=NOW,
        body=Markup("<p>Bonjour</p>"),
    )
    assert page.all("article") == [{"class": "msg", "id": "m-7"}]
    assert page.all("time") == [{"datetime": "2026-11-28T09:12:00Z"}]
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


# ---------------------------------------------------------------- the style sheet


def tokens(block):
    return dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{3,6});", block))


def luminance(colour):
    digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one, other):
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


LIGHT, DARK = (tokens(block) for block in re.findall(r":root \{(.*?)\n *\}", CSS, re.DOTALL)[:2])


def test_the_measure_of_contrast_is_right():
    assert round(contrast("#000", "#ffffff"), 1) == 21
    assert round(contrast("#767676", "#fff"), 2) == 4.54


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
def test_every_text_can_be_read(colours):
    pairs = [
        (text, ground)
        for text in ("ink", "soft", "brand", "madder", "ochre", "ok")
        for ground in ("paper", "card", "sunk")
    ]
    pairs += [
        ("on-brand", "brand"),
        ("ink", "mark"),
        ("ink", "ins"),
        ("ink", "del"),
        ("soft", "mark"),
    ]
    weak = {
        pair: round(contrast(colours[pair[0]], colours[pair[1]]), 2)
        for pair in pairs
        if contrast(colours[pair[0]], colours[pair[1]]) < 4.5
    }
    assert weak == {}


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
def test_every_field_and_the_focus_can_be_seen(colours):
    for edge in ("edge", "madder"):
        for ground in ("paper", "card"):
            assert contrast(colours[edge], colours[ground]) >= 3, (edge, ground)


def test_light_and_dark_are_the_same_tokens():
    assert set(LIGHT) == set(DARK)


def test_the_style_sheet_is_light_and_asks_nobody_for_anything():
    assert len(gzip.compress(CSS.encode())) < 8_000
    assert "url(" not in CSS
    assert "@import" not in CSS


def test_pages_can_run_from_right_to_left():
    physical = r"(?:margin|padding|border)-(?:left|right)|(?:^|[;{ ])(?:left|right):|text-align: (?:left|right)"
    assert re.findall(physical, CSS) == []


def test_every_colour_variable_is_defined():
    assert set(re.findall(r"var\(--([a-z]+(?:-[a-z]+)*)", CSS)) <= set(
        re.findall(r"--([a-z-]+):", CSS)
    )


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_no_template_carries_its_own_style_or_script(path):
    text = re.sub(r"\{#.*?#\}", "", path.read_text(), flags=re.DOTALL)
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:|<script(?![^>]*\ssrc=)", text)
