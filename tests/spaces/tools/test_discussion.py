"""Threads and messages: said, answered, edited, taken back, found at their address."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from conftest import log_in

from collab.core.db import now
from collab.core.errors import Conflict, Forbidden, Invalid, Missing
from collab.people.models import Actor
from collab.spaces.items import refuse
from collab.spaces.models import ItemState, Membership, Reaction, Space
from collab.spaces.operations import archive_space
from collab.spaces.tools.discussion.inputs import (
    EditMessage,
    OpenThread,
    Pin,
    PostMessage,
    React,
    Remove,
)
from collab.spaces.tools.discussion.operations import (
    bring_back,
    edit_message,
    open_thread,
    pin_thread,
    post_message,
    put_reaction,
    remove,
    take_reaction,
)
from collab.web.extensions import db

HOME = "/p/jardin/discussion/"


class Talk:
    """A garden with people in it, and short ways to speak there."""

    def __init__(self, make, as_):
        self.ada, self.bob = make.person("ada"), make.person("bob")
        self.space = make.space(self.ada, self.bob)
        self.as_ = as_

    def do(self, who, operation, given):
        with self.as_(who) as work:
            return operation(work, self.space, given)

    def thread(self, who=None, title="La pluie", body="On installe une cuve ?"):
        return self.do(who or self.ada, open_thread, OpenThread(title, body))

    def post(self, thread, body="D’accord.", who=None, reply_to=None):
        given = PostMessage(thread.uid, body, reply_to.uid if reply_to else None)
        return self.do(who or self.bob, post_message, given)


@pytest.fixture
def talk(make, as_):
    return Talk(make, as_)


def page(client, path, status=200):
    answer = client.get(path, follow_redirects=True)
    assert answer.status_code == status
    return answer.get_data(as_text=True)


def articles(html):
    return re.findall(r'<article class="msg[^"]*" id="m-(\w+)">', html)


def article(html, item):
    return html.partition(f'id="m-{item.uid}"')[2].partition("</article>")[0]


# ---------------------------------------------------------------- speaking


def test_a_thread_is_opened_by_a_form_and_is_its_first_message(talk, client):
    log_in(client, talk.ada)
    answer = client.post(f"{HOME}new", data={"title": "La  pluie", "body": "Une *cuve* ?"})
    assert answer.status_code == 302
    html = page(client, answer.location)
    assert "<h1>La pluie</h1>" in html
    assert "<em>cuve</em>" in html
    assert len(articles(html)) == 1


def test_a_message_posted_by_a_form_stands_at_its_own_address(talk, client):
    thread = talk.thread()
    log_in(client, talk.bob)
    answer = client.post(f"{HOME}{thread.uid}/", data={"body": "Une ligne\net une autre"})
    uid = answer.location.partition("#m-")[2]
    html = page(client, answer.location)
    assert articles(html) == [thread.uid, uid]
    assert "Une ligne<br>" in html
    assert client.get(f"{HOME}m/{uid}").location == answer.location


@pytest.mark.parametrize(
    ("typed", "wrong"),
    [
        ({"title": "", "body": "Un long texte"}, "title"),
        ({"title": "Un sujet", "body": "  \n "}, "body"),
        ({"title": "x" * 201, "body": "Un long texte"}, "title"),
        ({"title": "Un sujet", "body": "y" * 20_001}, "body"),
    ],
)
def test_a_form_that_is_refused_keeps_what_was_typed(talk, client, typed, wrong):
    log_in(client, talk.ada)
    answer = client.post(f"{HOME}new", data=typed)
    html = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert f'id="e-{wrong}"' in html
    assert typed["title"] in html
    assert typed["body"].strip() in html


def test_everything_to_be_mended_is_said_at_once_and_how(talk, client):
    log_in(client, talk.ada)
    html = client.post(f"{HOME}new", data={"title": "", "body": ""}).get_data(as_text=True)
    assert "Donnez un sujet à la discussion." in html
    assert "Écrivez d’abord votre message." in html


def test_a_message_that_is_refused_keeps_its_text_and_what_it_answers(talk, client):
    thread = talk.thread()
    first = talk.post(thread)
    log_in(client, talk.ada)
    typed = {"body": "z" * 20_001, "reply_to": first.uid}
    answer = client.post(f"{HOME}{thread.uid}/", data=typed)
    html = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert typed["body"] in html
    assert f'name="reply_to" value="{first.uid}"' in html


def test_whoever_was_logged_out_while_writing_gets_the_text_back(talk, client):
    thread = talk.thread()
    answer = client.post(f"{HOME}{thread.uid}/", data={"body": "Un texte précieux"})
    assert answer.status_code == 401
    assert "Un texte précieux" not in page(client, f"{HOME}{thread.uid}/")


def test_a_project_that_was_archived_meanwhile_takes_nothing_more(talk, client):
    thread = talk.thread()
    with talk.as_(talk.ada) as work:
        archive_space(work, talk.space)
    log_in(client, talk.bob)
    answer = client.post(f"{HOME}{thread.uid}/", data={"body": "Trop tard"})
    assert answer.status_code == 409
    assert "archivé" in answer.get_data(as_text=True)
    assert "<textarea" not in page(client, f"{HOME}{thread.uid}/")


def test_what_is_hostile_in_a_message_does_not_reach_the_page(talk, client):
    thread = talk.thread(title='<script>alert("t")</script>')
    talk.post(
        thread,
        "<img src=x onerror=alert(1)> [x](javascript:alert(1)) ![i](https://evil.example/i.png)",
    )
    html = page(client, f"{HOME}{thread.uid}/")
    shown = html.partition('id="messages"')[2]
    assert "<script>alert" not in html
    assert not re.search(r"<[^>]*(onerror|javascript:)", shown)
    assert '<img src="https://evil.example' not in shown


def test_an_answer_says_to_whom(talk, client):
    thread = talk.thread()
    first = talk.post(thread, who=talk.bob)
    second = talk.post(thread, "Merci", who=talk.ada, reply_to=first)
    html = page(client, f"{HOME}{thread.uid}/")
    assert "En réponse à bob" in article(html, second)
    assert f"/m/{first.uid}" in article(html, second)
    log_in(client, talk.ada)
    form = page(client, f"{HOME}{thread.uid}/?reply={first.uid}").partition("<textarea")[0]
    assert f'name="reply_to" value="{first.uid}"' in form
    assert "D’accord." in form.partition('class="reply"')[2]


def test_one_cannot_answer_a_message_of_another_thread(talk):
    mine, other = talk.thread(), talk.thread(title="Autre")
    stranger = talk.post(other)
    with pytest.raises(Missing):
        talk.post(mine, reply_to=stranger)


def test_nobody_writes_in_a_thread_of_another_space(talk, make):
    elsewhere = make.space(talk.ada, slug="atelier")
    thread = talk.thread()
    with pytest.raises(Missing), talk.as_(talk.ada) as work:
        post_message(work, elsewhere, PostMessage(thread.uid, "Ailleurs"))


def test_a_mention_links_to_people_of_the_project_only(talk, make):
    make.person("eve")
    body = "@bob, @Bob@here.example, @eve et @nobody ; pas `@bob`"
    thread = talk.thread(body=body)
    assert re.findall(r'class="mention" href="([^"]*)"', thread.html) == ["/u/bob", "/u/bob"]
    assert thread.mentions == [{"iri": talk.bob.iri, "name": "@bob@here.example"}]


def test_a_mention_of_somebody_elsewhere_leads_to_their_page_here(talk):
    lea = remote_member(talk, "lea")
    thread = talk.thread(body="Merci @lea")
    assert f'href="/u/{lea.address}"' in thread.html


def test_a_name_that_two_people_of_elsewhere_have_stays_a_word(talk):
    remote_member(talk, "lea")
    remote_member(talk, "lea", "c.example")
    assert "mention" not in talk.thread(body="Merci @lea").html
    assert "/u/lea@c.example" in talk.thread(body="Merci @lea@c.example").html


# ---------------------------------------------------------------- finding one's way


def test_threads_are_listed_by_last_activity_and_pinned_ones_first(talk, client):
    old, new, pinned = (talk.thread(title=t) for t in ("Vieux", "Neuf", "Règles"))
    talk.do(talk.ada, pin_thread, Pin(pinned.uid))
    talk.post(old)
    html = page(client, HOME)
    places = [html.index(title) for title in ("Règles", "Vieux", "Neuf")]
    assert places == sorted(places)
    assert "1 réponse" in html
    assert new.message_count == 0


def test_an_empty_room_says_so_and_invites_members_only(talk, client):
    assert "Ouvrir une discussion" not in page(client, HOME)
    log_in(client, talk.bob)
    html = page(client, HOME)
    assert "Rien n’a encore été dit ici" in html
    assert f'href="{HOME}new"' in html


def test_a_long_list_of_threads_is_cut_into_pages(talk, client):
    with talk.as_(talk.ada) as work:
        for number in range(31):
            open_thread(work, talk.space, OpenThread(f"Sujet n{number}.", "Texte"))
    first, second = page(client, HOME), page(client, f"{HOME}?page=2")
    assert (first.count("<h2><a"), second.count("<h2><a")) == (30, 1)
    assert "page 2 sur 2" in second


@pytest.fixture
def long_thread(talk):
    thread = talk.thread()
    with talk.as_(talk.bob) as work:
        given = [PostMessage(thread.uid, f"Message n{n}.") for n in range(48)]
        said = [post_message(work, talk.space, one) for one in given]
    said.sort(key=lambda m: m.uid)
    return thread, said


def test_every_message_of_a_long_thread_is_on_one_page_and_its_link_leads_there(
    long_thread, client
):
    thread, said = long_thread
    pages = [articles(page(client, f"{HOME}{thread.uid}/?page={n}")) for n in (1, 2, 3)]
    assert [len(p) for p in pages] == [19, 18, 12]
    assert [*pages[0], *pages[1], *pages[2]] == [thread.uid, *(m.uid for m in said)]
    for message, number in ((said[0], ""), (said[18], "?page=2"), (said[47], "?page=3")):
        link = client.get(f"{HOME}m/{message.uid}")
        assert link.location == f"{HOME}{thread.uid}/{number}#m-{message.uid}"


@pytest.mark.parametrize("asked", ["0", "-1", "99", "abc", "9" * 40, "²"])
def test_a_page_number_that_makes_no_sense_gives_a_page(long_thread, client, asked):
    thread, _ = long_thread
    assert articles(page(client, f"{HOME}{thread.uid}/?page={asked}"))


def test_answering_opens_the_page_of_the_answered_message(long_thread, client, talk):
    thread, said = long_thread
    log_in(client, talk.ada)
    assert said[30].uid in articles(page(client, f"{HOME}{thread.uid}/?reply={said[30].uid}"))


class Elements(HTMLParser):
    count = 0

    def handle_starttag(self, tag, attrs):
        self.count += 1


def test_a_full_page_stays_light(long_thread, client, talk):
    thread, _ = long_thread
    log_in(client, talk.ada)
    html = page(client, f"{HOME}{thread.uid}/")
    counted = Elements()
    counted.feed(html)
    assert counted.count <= 380
    assert len(html) < 40_000


def test_a_live_page_says_what_it_shows(talk, client):
    thread = talk.thread()
    html = page(client, f"{HOME}{thread.uid}/")
    main = re.search(r"<main[^>]*>", html)[0]
    assert " data-live " in main
    assert 'data-space="jardin"' in main
    assert re.search(r'data-seq="[1-9]\d*"', main)
    assert f'data-item="{thread.uid}"' in main
    fragment = page(client, f"{HOME}fragment/{thread.uid}")
    assert articles(fragment) == [thread.uid]
    assert "<html" not in fragment


def test_a_fragment_of_a_closed_space_is_as_absent_as_one_that_never_was(make, as_, client):
    ada, eve = make.person("ada"), make.person("eve")
    space = make.space(ada, visibility="members")
    with as_(ada) as work:
        thread = open_thread(work, space, OpenThread("Secret", "Chut"))
    log_in(client, eve)
    there, never = (client.get(f"{HOME}fragment/{uid}") for uid in (thread.uid, "nothing"))
    assert (there.status_code, never.status_code) == (404, 404)
    assert "Chut" not in there.get_data(as_text=True)


# ---------------------------------------------------------------- changing one's mind


def test_an_edit_is_said_and_its_history_can_be_read(talk, client):
    thread = talk.thread()
    said = talk.post(thread, "Samedi ?")
    log_in(client, talk.bob)
    assert "Samedi ?" in page(client, f"{HOME}m/{said.uid}/edit")
    client.post(f"{HOME}m/{said.uid}/edit", data={"body": "Dimanche ?"})
    shown = article(page(client, f"{HOME}{thread.uid}/"), said)
    assert "Dimanche ?" in shown
    assert "modifié" in shown
    history = page(client, f"{HOME}m/{said.uid}/history")
    assert history.index("Dimanche ?") < history.index("Samedi ?")


def test_saving_the_same_text_changes_nothing(talk):
    said = talk.post(talk.thread(), "Samedi ?")
    talk.do(talk.bob, edit_message, EditMessage(said.uid, "Samedi ?"))
    assert (said.revision, said.revised_at) == (1, None)


def test_the_subject_of_a_thread_can_be_edited_and_an_empty_one_keeps_it(talk):
    thread = talk.thread(title="La pluie")
    talk.do(talk.ada, edit_message, EditMessage(thread.uid, "Nouveau texte"))
    assert (thread.title, thread.source) == ("La pluie", "Nouveau texte")
    talk.do(talk.ada, edit_message, EditMessage(thread.uid, "Nouveau texte", "Le soleil"))
    assert thread.title == "Le soleil"


def test_an_edit_that_is_refused_keeps_what_was_typed(talk, client):
    said = talk.post(talk.thread())
    log_in(client, talk.bob)
    answer = client.post(f"{HOME}m/{said.uid}/edit", data={"body": "w" * 20_001})
    assert answer.status_code == 422
    assert "w" * 20_001 in answer.get_data(as_text=True)


def test_nobody_rewrites_what_somebody_else_said(talk, client):
    said = talk.post(talk.thread(), who=talk.bob)
    with pytest.raises(Forbidden):
        talk.do(talk.ada, edit_message, EditMessage(said.uid, "Je dis le contraire"))
    log_in(client, talk.ada)
    page(client, f"{HOME}m/{said.uid}/edit", status=404)
    assert client.post(f"{HOME}m/{said.uid}/edit", data={"body": "Non"}).status_code == 403


def test_what_is_taken_back_is_nowhere_and_one_click_brings_it_back(talk, client):
    thread = talk.thread()
    said = talk.post(thread, "Une bêtise")
    log_in(client, talk.bob)
    answer = client.post(f"{HOME}m/{said.uid}/remove", follow_redirects=True)
    html = answer.get_data(as_text=True)
    assert "Ce message a été effacé." in article(html, said)
    assert "Une bêtise" not in html + page(client, f"{HOME}fragment/{said.uid}")
    page(client, f"{HOME}m/{said.uid}/history", status=404)
    undo = re.search(r'<form method="post" action="([^"]*restore)"', html)[1]
    assert thread.message_count == 0
    client.post(undo)
    assert "Une bêtise" in page(client, f"{HOME}{thread.uid}/")
    assert thread.message_count == 1


def test_a_thread_taken_back_hides_its_subject_and_keeps_the_answers_readable(talk, client):
    thread = talk.thread(title="Sujet fâcheux", body="Texte fâcheux")
    talk.post(thread, "Une réponse")
    talk.do(talk.ada, remove, Remove(thread.uid))
    html = page(client, f"{HOME}{thread.uid}/") + page(client, HOME)
    assert "fâcheux" not in html
    assert "Une réponse" in html
    with pytest.raises(Conflict):
        talk.post(thread, "Encore")


def test_a_thread_taken_back_before_any_answer_leaves_the_list(talk, client):
    thread = talk.thread(title="Rien")
    log_in(client, talk.ada)
    answer = client.post(f"{HOME}m/{thread.uid}/remove")
    assert answer.location == HOME
    assert (
        f"{HOME}{thread.uid}"
        not in page(client, HOME).partition("<main")[2].partition("</main>")[0]
    )


def test_those_in_charge_take_back_what_others_said_and_only_they_undo_it(talk):
    said = talk.post(talk.thread(), "Trop fort")
    talk.do(talk.ada, remove, Remove(said.uid))
    with pytest.raises(Forbidden):
        talk.do(talk.bob, bring_back, Remove(said.uid))
    talk.do(talk.ada, bring_back, Remove(said.uid))
    assert said.withdrawn_at is None


def test_a_member_cannot_take_back_what_another_said(talk, client):
    thread = talk.thread()
    log_in(client, talk.bob)
    assert client.post(f"{HOME}m/{thread.uid}/remove").status_code == 403
    assert "effacer" not in article(page(client, f"{HOME}{thread.uid}/"), thread).lower()


def test_a_reaction_is_a_word_with_names_and_is_taken_back_by_the_same_button(talk, client):
    thread = talk.thread()
    log_in(client, talk.bob)
    path = f"{HOME}m/{thread.uid}"
    client.post(f"{path}/react", data={"sign": "merci"})
    client.post(f"{path}/react", data={"sign": "merci"})
    assert db.session.query(Reaction).count() == 1
    shown = article(page(client, f"{HOME}{thread.uid}/"), thread)
    button = re.search(r"<button[^>]*>Merci 1</button>", shown)[0]
    assert 'title="bob"' in button
    assert 'aria-pressed="true"' in button
    assert f'formaction="{path}/unreact"' in button
    client.post(f"{path}/unreact", data={"sign": "merci"})
    assert db.session.query(Reaction).count() == 0


def test_all_the_words_to_react_with_are_one_page_away(talk, client):
    thread = talk.thread()
    log_in(client, talk.bob)
    shown = article(page(client, f"{HOME}{thread.uid}/"), thread)
    acts = re.search(r'href="([^"]*)">Réagir</a>', shown)[1]
    assert page(client, acts).count('name="sign"') == 4


def test_a_reaction_that_is_no_known_word_is_refused(talk):
    thread = talk.thread()
    with pytest.raises(Invalid):
        talk.do(talk.bob, put_reaction, React(thread.uid, "💩"))
    assert talk.do(talk.bob, take_reaction, React(thread.uid, "merci")) is thread


def test_only_those_in_charge_pin_and_only_threads(talk, client):
    thread = talk.thread()
    said = talk.post(thread)
    with pytest.raises(Forbidden):
        talk.do(talk.bob, pin_thread, Pin(thread.uid))
    with pytest.raises(Missing):
        talk.do(talk.ada, pin_thread, Pin(said.uid))
    log_in(client, talk.ada)
    client.post(f"{HOME}m/{thread.uid}/pin")
    assert "épinglée" in shown(client)
    client.post(f"{HOME}m/{thread.uid}/unpin")
    assert "épinglée" not in shown(client)


def shown(client) -> str:
    """The list of threads, without the help below it."""
    return page(client, HOME).partition("Comment ça marche")[0]


def test_before_writing_one_reads_who_will_see_it(talk, client):
    thread = talk.thread()
    log_in(client, talk.bob)
    for path in (f"{HOME}new", f"{HOME}{thread.uid}/"):
        assert "Qui verra ceci" in page(client, path).partition("<textarea")[2]


def test_strangers_read_and_are_told_how_to_write(talk, client):
    thread = talk.thread()
    talk.do(talk.bob, put_reaction, React(thread.uid, "bravo"))
    html = page(client, f"{HOME}{thread.uid}/")
    assert "Bravo 1" in html
    assert "<textarea" not in html
    assert "connectez-vous" in html
    assert client.post(f"{HOME}m/{thread.uid}/remove").location.startswith("/login")


# ---------------------------------------------------------------- in a project of elsewhere


def remote_member(talk, name, host="b.example"):
    lea = remote(name, host)
    db.session.add(Membership(space_id=talk.space.id, actor_id=lea.id, since=now()))
    db.session.commit()
    return lea


def remote(name, host="b.example", kind="person"):
    path = "u" if kind == "person" else "p"
    actor = Actor(
        iri=f"https://{host}/{path}/{name}",
        kind=kind,
        name=name,
        host=host,
        local=False,
        created_at=now(),
    )
    db.session.add(actor)
    db.session.flush()
    return actor


@pytest.fixture
def school(make, as_):
    """A project hosted elsewhere, of which bob, of here, is a member."""
    bob = make.person("bob")
    space = Space(
        actor=remote("ecole", kind="group"),
        slug="ecole",
        host="b.example",
        local=False,
        name="École",
        tools=["discussion"],
        created_at=now(),
    )
    db.session.add(space)
    db.session.flush()
    db.session.add(Membership(space_id=space.id, actor_id=bob.id, since=now()))
    db.session.commit()
    with as_(bob) as work:
        thread = open_thread(work, space, OpenThread("La mare", "On y va ?"))
    return bob, space, thread


def test_what_is_not_confirmed_by_the_host_says_so_in_words(school, client):
    bob, _, thread = school
    assert thread.state == ItemState.PENDING
    log_in(client, bob)
    html = page(client, f"/p/ecole@b.example/discussion/{thread.uid}/")
    assert "pas encore confirmé par l’instance du projet" in article(html, thread)


def test_what_the_host_refused_is_shown_to_its_author_alone_with_the_reason(school, client, as_):
    bob, _, thread = school
    with as_(bob) as work:
        refuse(work, thread, "Pas de mare chez nous")
    path = f"/p/ecole@b.example/discussion/{thread.uid}/"
    page(client, path, status=404)
    log_in(client, bob)
    shown = article(page(client, path), thread)
    assert "refusé par l’instance du projet" in shown
    assert "Pas de mare chez nous" in shown
