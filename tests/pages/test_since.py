"""What is new since somebody's last visit, on one page, by thread; and what home says of it."""

from __future__ import annotations

import pytest
from conftest import PASSWORD, log_in

from collab.people.first import first_administrator
from collab.people.operations import Register
from collab.spaces.invitations import Invite, invite
from collab.spaces.items import withdraw
from collab.spaces.tools.discussion.inputs import OpenThread, PostMessage
from collab.spaces.tools.discussion.operations import open_thread, post_message
from collab.spaces.visits import visit_of
from collab.web.extensions import db
from collab.web.how import HOW


@pytest.fixture
def talk(house, make):
    """A garden with two threads of Ada's; Renard is a member, Geai is not."""
    given = Register(alias="ada", password=PASSWORD)
    house.ada = first_administrator(house.runtime.work, "Maison", given, school=False).actor
    house.renard, house.geai = make.person("renard"), make.person("geai")
    house.garden = make.space(house.ada, house.renard)
    for title in ("Eau de pluie", "Haie"):
        with house.as_(house.ada) as work:
            thread = open_thread(work, house.garden, OpenThread(title=title, body="Qui vient ?"))
            uid = thread.uid
        for words in ("Samedi.", "Ou dimanche."):
            with house.as_(house.ada) as work:
                post_message(work, house.garden, PostMessage(thread=uid, body=words))
    house.last = uid
    return house


def page(house, actor, path="/depuis"):
    client = house.client()
    log_in(client, actor)
    return client, client.get(path).get_data(as_text=True)


def test_news_are_grouped_by_thread_with_what_moved_last_first(talk):
    _, said = page(talk, talk.renard)
    assert said.index("Haie") < said.index("Eau de pluie")
    assert said.count("3 nouveaux textes") == 2
    assert said.count('<section class="card"') == 1


def test_one_s_own_words_and_others_projects_are_no_news(talk):
    assert "Rien de nouveau" in page(talk, talk.ada)[1]
    assert "Rien de nouveau" in page(talk, talk.geai)[1]


def test_all_is_marked_as_seen_without_a_script_and_taken_back(talk):
    client, said = page(talk, talk.renard)
    newest = said.partition('name="upto" value="')[2].partition('"')[0]
    told = client.post("/depuis", data={"upto": newest}, follow_redirects=True)
    assert "Rien de nouveau" in told.get_data(as_text=True)
    assert 'name="upto" value="0"' in told.get_data(as_text=True)
    with talk.as_(talk.ada) as work:
        post_message(work, talk.garden, PostMessage(thread=talk.last, body="Finalement lundi."))
    said = client.get("/depuis").get_data(as_text=True)
    assert "Haie" in said
    assert "Eau de pluie" not in said
    assert "1 nouveau texte" in said
    client.post("/depuis", data={"upto": "0", "undo": "1"})
    assert "Eau de pluie" in client.get("/depuis").get_data(as_text=True)
    assert visit_of(db.session(), talk.renard) is None


def test_nobody_can_have_seen_what_has_not_happened(talk):
    client, _ = page(talk, talk.renard)
    client.post("/depuis", data={"upto": "999999999"})
    with talk.as_(talk.ada) as work:
        post_message(work, talk.garden, PostMessage(thread=talk.last, body="Encore."))
    assert "1 nouveau texte" in client.get("/depuis").get_data(as_text=True)
    client.post("/depuis", data={"upto": "-4"})
    client.post("/depuis", data={"upto": "x"})


def test_what_was_taken_back_is_no_news(talk):
    with talk.as_(talk.ada) as work:
        message = post_message(work, talk.garden, PostMessage(thread=talk.last, body="Oups."))
        withdraw(work, message)
    assert page(talk, talk.renard)[1].count("3 nouveaux textes") == 2


def test_home_names_the_newest_and_leads_to_the_others(talk):
    _, said = page(talk, talk.renard, "/")
    assert "Depuis votre dernière visite" in said
    assert 'href="/depuis"' in said
    assert "Tout voir\u00a0: 2 sujets" in said


def test_home_tells_a_stranger_what_this_is_and_what_one_can_do(talk):
    client = talk.client()
    answer = client.get("/")
    said = answer.get_data(as_text=True)
    assert "Set-Cookie" not in answer.headers
    for words in ("Vous pouvez lire sans compte", "Comment ça marche", "sans adresse", "Jardin"):
        assert words in said
    for target in ("/register", "#tous", "#humain", "/affichage"):
        assert f'href="{target}' in said
    assert "/depuis" not in said
    assert client.get("/depuis").status_code in (302, 401)


def test_every_kind_of_page_explains_itself_just_above_help_by_a_person(talk):
    views = {rule.endpoint for rule in talk.app.url_map.iter_rules()}
    assert set(HOW) <= views
    assert all(2 <= len(said) <= 4 for said in HOW.values())
    client, _ = page(talk, talk.ada)
    here = (
        "/", "/depuis", "/affichage", "/admin", "/admin/look", "/search", "/p/jardin",
        "/p/jardin/discussion/", f"/p/jardin/discussion/{talk.last}/", "/p/jardin/discussion/new",
        "/p/jardin/pages/", "/p/jardin/pages/new", "/p/jardin/pages/import", "/p/jardin/members",
        "/about", "/instances", "/u/ada", "/account/former",
    )  # fmt: skip
    for path in here:
        said = client.get(path).get_data(as_text=True)
        assert said.count("Comment ça marche") == 1, path
        assert (
            said.index("Comment ça marche") < said.index("</main>") < said.index('id="humain"')
        ), path
    assert "Comment ça marche" in talk.client().get("/login").get_data(as_text=True)


def test_from_a_poster_to_the_project_in_three_screens(talk):
    with talk.as_(talk.ada) as work:
        code = invite(work, talk.garden, Invite()).code
    client = talk.client()
    poster = client.get(f"/join?code={code}")
    assert "Jardin" in poster.get_data(as_text=True)
    form = client.get(f"/register?code={code}")
    assert form.status_code == 200
    given = {"alias": "merle", "password": "une petite phrase", "code": code}
    shown = client.post("/register", data=given)
    assert shown.status_code == 200
    assert 'href="/p/jardin"' in shown.get_data(as_text=True)
    assert "Répondre" in client.get(f"/p/jardin/discussion/{talk.last}/").get_data(as_text=True)
