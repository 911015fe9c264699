"""The frame of every page: landmarks, tabs, what is told, and what is said when something fails."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from flask import flash, render_template
from shell import NOW, Page, garden, make_shell

from collab.core.errors import Invalid
from collab.web.context import ViewerCard


@pytest.fixture
def shell():
    return make_shell()


@pytest.fixture
def here(shell):
    with shell.test_request_context("/"):
        yield shell


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
    hrefs = {a["href"] for a in Page(render_template("room.html")).all("a")}
    assert {"/login?next=/", "/register"} <= hrefs
    here.frame["site"].registration = "closed"
    assert "/register" not in render_template("room.html")
    here.frame["viewer"] = ViewerCard(1, "mesange", "Mésange", "mesange@a.example", "member")
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


def test_what_was_just_done_is_told_and_can_be_undone(shell):
    client_side = shell.test_client()

    @shell.get("/done")
    def done():
        flash({"text": "Effacé.", "action": "/back", "fields": {"n": "<3"}}, "undo")
        flash("Raté <b>.", "error")
        return render_template("room.html")

    page = Page(client_side.get("/done").get_data(as_text=True))
    assert {"method": "post", "action": "/back"} in page.all("form")
    assert {"type": "hidden", "name": "n", "value": "<3"} in page.all("input")
    assert "Raté <b>." in page.text
    assert any(attrs.get("role") == "status" for attrs in page.all("div"))


def refuse(status, **more):
    return Page(
        render_template("errors/problem.html", problem=SimpleNamespace(status=status), **more)
    )


@pytest.mark.parametrize("status", [400, 403, 404, 405, 409, 410, 413, 415, 418, 422, 429, 502])
def test_every_refusal_says_what_to_do_next(here, status):
    page = refuse(status, words="Ce projet est <fermé>.")
    assert len(page.all("h1")) == 1
    assert "Ce projet est <fermé>." in page.text
    assert f"Erreur {status}" in page.text
    assert "/search" in {a["href"] for a in page.all("a")}


def test_a_refused_form_names_what_is_wrong(here):
    problem = Invalid(name="Il manque un nom.")
    said = render_template("errors/problem.html", problem=problem, words="")
    assert "<li>Il manque un nom.</li>" in said


def test_failures_are_told_without_asking_the_database(here):
    class Locked:
        def __getattr__(self, name):
            raise RuntimeError("database is locked")

        def __bool__(self):
            raise RuntimeError("database is locked")

    here.frame.update(viewer=Locked(), peers_count=Locked())
    assert "Rien n’est perdu" in refuse(503).text
    assert "Numéro de la panne\u00a0: 12ab" in refuse(500, number="12ab").text
    with pytest.raises(RuntimeError):
        refuse(404)
