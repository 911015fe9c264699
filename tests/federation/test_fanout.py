"""Who elsewhere is sent what of a public project (FEDERATION.md 1.1)."""
# ruff: noqa: F401, F811 - fixtures are imported by their names

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from conftest import log_in
from federation.stage import ORIGIN, PUBLIC, actor, federation, foreign, house, sent

from collab.federation.models import Delivery, LogEntry, OutboxItem, Subscriber
from collab.federation.reach import choose_reach, reach_of
from collab.people.models import AccountRole, Actor, Peer, PeerState, Site
from collab.spaces.items import withdraw
from collab.spaces.models import Follow, Item, Visibility
from collab.web.actions import perform
from collab.web.extensions import db

GROUPS = [{"href": "https://w3id.org/fep/1b12", "name": "Group federation"}]


@pytest.fixture
def ines(make):
    return make.person("ines")


@pytest.fixture
def garden(make, ines):
    return make.space(ines)


@pytest.fixture
def follower(foreign, garden):
    """Somebody of a microblog who follows the project."""
    lea = foreign.person()
    assert foreign.say(lea, "Follow", garden.iri).status_code == 202
    return lea


@pytest.fixture
def forum(foreign, follower, garden, make):
    """The same host, once it is known to understand groups."""
    with make.house.as_(garden.actor) as work:
        choose_reach(work, garden, foreign.host, threads=True)
    return follower


@pytest.fixture
def says(house, ines, garden):
    def say(verb: str, **given) -> str:
        uid = perform(ines, garden.address, "discussion", verb, given)
        house.settle()
        return uid

    return say


def spread(garden) -> list[dict]:
    """What waits to go out about the project's content, in order."""
    rows = db.session.query(OutboxItem).order_by(OutboxItem.id)
    told = [json.loads(row.body) for row in rows]
    return [one for one in told if one["type"] not in ("Accept", "Reject", "Grant")]


def item(uid: str) -> Item:
    return db.session.query(Item).filter_by(uid=uid).one()


def log_of(garden) -> list[LogEntry]:
    return db.session.query(LogEntry).filter_by(space_id=garden.id).order_by(LogEntry.seq).all()


def test_followers_hear_of_a_subject_once_and_of_no_answer(foreign, follower, garden, says):
    thread = says("open", title="Cuve", body="Une cuve.")
    answer = says("post", thread=thread, body="Deux.")
    says("react", item=answer, sign="merci")
    (told,) = spread(garden)
    assert (told["type"], told["actor"]) == ("Announce", garden.iri)
    assert told["object"] == f"{ORIGIN}/o/{thread}"
    assert told["id"] == f"{garden.iri}/log/{log_of(garden)[-3].seq}#announce-object"
    (delivery,) = [d for d in db.session.query(Delivery) if d.outbox_id == newest_letter()]
    assert delivery.inbox == foreign.peer.url("/inbox")


def newest_letter() -> int:
    return db.session.query(OutboxItem.id).order_by(OutboxItem.id.desc()).first()[0]


def test_a_document_is_announced_to_followers_when_it_is_new(house, follower, garden, ines):
    given = {"title": "Semis", "source": "Des radis."}
    perform(ines, garden.address, "pages", "add", given)
    house.settle()
    (told,) = spread(garden)
    assert told["object"].startswith(f"{garden.iri}/w/")


def test_forums_get_every_act_with_the_inner_activity_untouched(house, forum, garden, says, ines):
    thread = says("open", title="Cuve", body="Une cuve.")
    answer = says("post", thread=thread, body="Deux.")
    says("react", item=answer, sign="merci")
    says("unreact", item=answer, sign="merci")
    says("edit", item=answer, body="Trois.")
    says("remove", item=answer)
    *told, own = spread(garden)
    assert (own["type"], own["actor"], own["object"]["id"]) == (
        "Delete", ines.iri, f"{ORIGIN}/o/{answer}",
    )  # fmt: skip
    wrapped = [one for one in told if isinstance(one["object"], dict)]
    bodies = {row.activity_id: row.body for row in log_of(garden)}
    assert [one["object"]["type"] for one in wrapped] == [
        "Create", "Create", "Like", "Undo", "Update", "Delete",
    ]  # fmt: skip
    for one in wrapped:
        assert one["type"] == "Announce"
        assert one["object"] == bodies[one["object"]["id"]]
        assert one["to"] == [PUBLIC]
    plain = [one for one in told if not isinstance(one["object"], dict)]
    assert [one["object"] for one in plain] == [f"{ORIGIN}/o/{thread}"]


def test_the_words_of_somebody_elsewhere_are_announced_as_they_came(
    house, foreign, make, forum, garden, ines
):
    omar = foreign.member(make, garden, ines, "omar")
    note = foreign.note(omar, garden)
    activity = foreign.activity(omar, "Create", note, audience=garden.iri)
    assert foreign.post(omar, activity).status_code == 202
    house.settle()
    wrapped = [one["object"] for one in spread(garden) if isinstance(one["object"], dict)]
    assert wrapped == [activity]


def test_who_belongs_to_a_project_is_not_told_to_forums(house, foreign, make, forum, garden, ines):
    make.member(garden, ines, make.person("omar"))
    house.settle()
    assert spread(garden) == []


def test_a_host_that_holds_a_copy_gets_nothing_twice(house, foreign, follower, garden, says):
    asked = foreign.say(foreign.application(), "Follow", f"{garden.iri}/log")
    assert asked.status_code == 202
    says("open", title="Cuve", body="Une cuve.")
    assert spread(garden) == []


def test_a_host_that_names_our_group_as_audience_becomes_a_forum(foreign, make, garden, ines):
    lea = foreign.member(make, garden, ines)
    foreign.say(lea, "Follow", garden.iri)
    reach = reach_of(db.session, garden, lambda host: True)
    assert (len(reach.followers), reach.threads) == (1, ())
    foreign.say(lea, "Create", foreign.note(lea, garden), audience=garden.iri)
    reach = reach_of(db.session, garden, lambda host: True)
    assert (reach.followers, len(reach.threads)) == ((), 1)


def test_a_host_whose_software_says_so_is_a_forum_from_the_first(foreign, garden):
    """FEP-844e; what the software calls itself is never asked."""
    says = {"type": "Application", "implements": GROUPS}
    lea = foreign.person("lea", "Person", generator=says)
    foreign.say(lea, "Follow", garden.iri)
    reach = reach_of(db.session, garden, lambda host: True)
    assert (reach.followers, len(reach.threads)) == ((), 1)


def test_an_administrator_s_choice_stays(foreign, make, garden, ines, house):
    lea = foreign.member(make, garden, ines)
    foreign.say(lea, "Follow", garden.iri)
    with house.as_(ines) as work:
        choose_reach(work, garden, foreign.host, threads=False)
    foreign.say(lea, "Create", foreign.note(lea, garden), audience=garden.iri)
    reach = reach_of(db.session, garden, lambda host: True)
    assert (len(reach.followers), reach.threads) == (1, ())


def test_administrators_choose_the_form_for_a_whole_host(house, foreign, make, garden):
    """On the page of the host, and it holds over what its software says of itself."""
    lea, ada = foreign.person("lea", implements=GROUPS), make.person("ada", AccountRole.ADMIN)
    foreign.say(lea, "Follow", garden.iri)
    here, client = foreign.application(), house.client()
    log_in(client, ada)
    url = f"/admin/peers/{foreign.host}/reach"
    assert "Copie complète" in client.get(url).get_data(as_text=True)
    for form, followers, threads in (("highlights", 1, 0), ("threads", 0, 1), ("", 0, 1)):
        assert client.post(url, data={"reach": form}).status_code == 302
        reach = reach_of(db.session(), garden, lambda host: True)
        assert (len(reach.followers), len(reach.threads)) == (followers, threads)
    assert client.post(url, data={"reach": "all"}).status_code == 409
    assert client.get("/admin/peers/c.example/reach").status_code == 404
    # A whole copy goes where the host asks for it, unless another form was chosen for it.
    foreign.say(here, "Follow", f"{garden.iri}/log")
    assert copies(foreign) == ["active"]
    client.post(url, data={"reach": "threads"})
    assert copies(foreign) == ["ended"]
    foreign.say(here, "Follow", f"{garden.iri}/log")
    assert copies(foreign) == ["ended"]
    client.post(url, data={"reach": "mirror"})
    foreign.say(here, "Follow", f"{garden.iri}/log")
    assert copies(foreign) == ["active"]


def copies(foreign) -> list[str]:
    rows = db.session.query(Subscriber.state).filter_by(host=foreign.host, reach="mirror")
    return [row.state for row in rows]


def test_a_members_only_project_tells_followers_and_forums_nothing(house, foreign, make, ines):
    closed = make.space(ines, slug="conseil", visibility=Visibility.PUBLIC)
    foreign.say(foreign.person(), "Follow", closed.iri)
    closed = db.session.merge(closed)
    closed.visibility = Visibility.MEMBERS
    db.session.commit()
    perform(ines, closed.address, "discussion", "open", {"title": "Budget", "body": "Chut."})
    house.settle()
    assert spread(closed) == []


def test_r54_a_host_that_is_not_let_in_any_more_is_told_nothing(house, follower, garden, says):
    db.session.query(Site).one().federation = "allowlist"
    db.session.commit()
    says("open", title="Cuve", body="Une cuve.")
    assert spread(garden) == []


def test_a_subject_taken_back_is_taken_off_the_home_pages(house, follower, garden, says, ines):
    thread = says("open", title="Cuve", body="Une cuve.")
    says("edit", item=thread, title="Cuve", body="Une petite cuve.")
    says("remove", item=thread)
    announced, edited, undone, gone = spread(garden)
    assert (edited["type"], edited["actor"]) == ("Update", ines.iri)
    assert (undone["type"], undone["object"]["id"]) == ("Undo", announced["id"])
    assert (gone["type"], gone["actor"], gone["object"]["id"]) == (
        "Delete", ines.iri, announced["object"],
    )  # fmt: skip
    says("restore", item=thread)
    again = spread(garden)[-1]
    assert (again["type"], again["object"]) == ("Announce", announced["object"])
    assert again["id"] != announced["id"]


def test_a_removal_by_a_facilitator_is_in_the_moderator_s_name(
    house, foreign, make, forum, garden, ines
):
    nour = make.person("nour")
    make.member(garden, ines, nour)
    uid = perform(nour, garden.address, "discussion", "open", {"title": "Pub", "body": "Achetez."})
    house.settle()
    with house.as_(ines) as work:
        withdraw(work, work.session.get_one(Item, item(uid).id))
    house.settle()
    (removed,) = [
        one["object"] for one in spread(garden) if one["id"].endswith("#announce-removal")
    ]
    assert (removed["type"], removed["actor"], removed["object"]) == (
        "Delete", ines.iri, item(uid).iri,
    )  # fmt: skip
    assert removed["summary"]
    assert log_of(garden)[-1].body["actor"] == garden.iri
