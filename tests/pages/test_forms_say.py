"""Every form that asks for words says who will see them, and keeps what is typed into it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from conftest import log_in

from collab.people.models import AccountRole
from collab.people.queries import account_of
from collab.spaces.models import Visibility

COLLAB = Path(__file__).resolve().parent.parent.parent / "collab"
FORM = re.compile(r'<form\b[^>]*?method="post".*?</form>', re.DOTALL)
LONG = re.compile(r"\brows=\d|<textarea\b")
"""What makes a box of several lines."""
FIELD = re.compile(r"ui\.field\((?:(?!}}).)*", re.DOTALL)
OTHER = re.compile(r'type="|options=')
"""What makes a field anything but one for words."""
WHO = re.compile(r'class="who"|ui\.who_sees\(')
SCRIPT = re.compile(r'include "_drafts\.html"')
SELDOM = {
    "account/login.html": "one’s own name, to come in",
    "account/recover.html": "one’s own name and a code",
    "account/mine.html": "the purpose of a token, read by oneself",
    "account/move.html": "one’s own name, to be sure",
    "oidc/welcome.html": "one’s own name, to come in",
    "admin/peers.html": "an address to ask at, not words",
    "admin/phrase.html": "words heard on the telephone, compared and not kept",
    "errors/held.html": "a form that said it where it was first shown",
    "site/setup.html": "the first page of all: there is nobody yet",
    "spaces/elsewhere.html": "an address to look up",
}
"""Short fields that nobody else reads, by template, with the reason."""


def templates():
    return sorted(path for path in COLLAB.rglob("*.html") if "templates" in path.parts)


def called(path):
    return str(path).rpartition("templates/")[2]


FORMS = [
    (called(path), form, path.read_text(encoding="utf-8"))
    for path in templates()
    for form in FORM.findall(path.read_text(encoding="utf-8"))
    if called(path) != "_macros.html"
]


def asks_for_words(form):
    return any(not OTHER.search(found[0]) for found in FIELD.finditer(form))


@pytest.mark.parametrize(
    ("name", "form", "page"),
    [one for one in FORMS if LONG.search(one[1]) and one[0] != "errors/held.html"],
)
def test_a_form_with_a_box_says_who_will_see_it_and_keeps_a_draft(name, form, page):
    opening = form.partition(">")[0]
    assert "data-draft=" in opening
    assert WHO.search(form)
    assert SCRIPT.search(page), "nothing on this page would keep the draft"


def test_a_form_with_a_short_field_says_who_will_see_it():
    silent = {name for name, form, _ in FORMS if asks_for_words(form) and not WHO.search(form)}
    assert silent == set(SELDOM)


def test_no_password_and_no_code_is_ever_kept_as_a_draft():
    for _name, form, _page in FORMS:
        if "data-draft=" in form.partition(">")[0]:
            assert "password" not in form
            assert 'ui.field("code"' not in form


@pytest.fixture
def desks(house, make, client):
    """Ada, who administers, in a project of hers, and beside one of Bob’s."""
    ada, bob = make.person("ada"), make.person("bob")
    make.space(ada, visibility=Visibility.MEMBERS)
    with house.as_(ada) as work:
        account_of(work.session, ada.id).role = AccountRole.ADMIN
    make.space(bob, slug="verger")
    log_in(client, ada)
    return client


BOXES = {
    "/spaces/new": ("les personnes choisies sous", "space-new"),
    "/p/jardin/settings": ("les personnes choisies sous", "space-jardin"),
    "/p/verger/join": ("les personnes référentes du projet, avec votre nom", "join-verger"),
    "/p/jardin/excluded": ("la personne exclue, et les personnes référentes", "exclude-jardin"),
    "/admin": ("tout le monde, même sans compte", "site"),
    "/admin/accessibilite": ("tout le monde, même sans compte", "audit"),
    "/glossaire": ("tout le monde, même sans compte", "word"),
}


def test_the_pages_say_it_and_have_the_script_of_drafts(desks):
    for path, (who, draft) in BOXES.items():
        page = desks.get(path).get_data(as_text=True)
        said = re.sub("<[^>]+>", "", " ".join(re.findall(r'<p class="who">(.*?)</p>', page)))
        assert f"Qui verra ceci\u00a0: {who}" in said, path
        assert f'data-draft="{draft}"' in page, path
        assert re.search(r'data-src="/static/live\.\w+\.js"', page), path
        assert '"me": "ada@here.example"' in page, path
