"""`Flag` between instances: in our own name, about what we hold, bounded (R37, R51, R53)."""
# ruff: noqa: F401, F811 - fixtures are imported by their names

from __future__ import annotations

import json

import pytest
from conftest import log_in
from federation.stage import (
    ORIGIN,
    actor,
    admin,
    federation,
    foreign,
    house,
    omar,
    sent,
    space,
    thread,
)

from collab.federation import flags
from collab.federation.models import Delivery
from collab.federation.peers import ChoosePeer, block_peer
from collab.spaces.models import Report, Visibility
from collab.spaces.reports import MakeReport, make_report
from collab.spaces.tools.discussion.inputs import OpenThread
from collab.spaces.tools.discussion.models import Thread
from collab.spaces.tools.discussion.operations import open_thread
from collab.web.extensions import db


@pytest.fixture
def theirs(make, foreign, space, admin):
    """Something that a person of the other server wrote in our project."""
    lea = foreign.member(make, space, admin)
    assert foreign.say(lea, "Create", foreign.note(lea, space)).status_code == 202
    return db.session.query(Thread).one()


def kept() -> list[Report]:
    db.session.rollback()
    return db.session.query(Report).order_by(Report.id).all()


def flagged(foreign, iris, **more):
    """The other server's own actor reports something."""
    return foreign.say(foreign.application(), "Flag", iris, **({"content": "Pub"} | more))


def test_r37_a_report_leaves_in_our_own_name_and_nobody_s(house, foreign, space, omar, theirs):
    with house.as_(omar) as work:
        make_report(work, space, theirs, MakeReport(reason="spam", words="Trois fois"))
    house.settle()
    (told,) = sent("Flag")
    assert told["actor"] == f"{ORIGIN}/actor"
    assert told["object"] == [foreign.person().iri, theirs.iri]
    assert told["target"] == space.iri
    assert "Trois fois" in told["content"]
    assert "omar" not in json.dumps(told)
    assert omar.iri not in json.dumps(told)
    (row,) = db.session.query(Delivery).filter_by(verb="Flag")
    assert row.host == foreign.host
    assert kept()[0].iri == told["id"]
    house.settle()
    assert len(sent("Flag")) == 1


def test_a_report_about_one_of_ours_in_our_project_stays_here(house, space, admin, thread):
    with house.as_(admin) as work:
        make_report(work, space, thread, MakeReport(reason="insult"))
    house.settle()
    assert sent("Flag") == []


def test_nothing_is_told_to_an_instance_that_is_blocked(house, foreign, space, omar, admin, theirs):
    with house.as_(admin) as work:
        block_peer(work, ChoosePeer(foreign.host))
    with house.as_(omar) as work:
        make_report(work, space, theirs, MakeReport(reason="spam"))
    house.settle()
    assert sent("Flag") == []


def test_r37_a_flag_makes_a_report_that_names_nobody(house, foreign, space, admin, omar, thread):
    lea = foreign.person()
    assert foreign.say(lea, "Flag", [omar.iri, thread.iri], content="Pub").status_code == 202
    (row,) = kept()
    assert (row.item_id, row.author_id, row.space_id) == (thread.id, omar.id, space.id)
    assert (row.from_host, row.reporter_id, row.words) == (foreign.host, None, "Pub")
    client = house.client()
    log_in(client, admin)
    page = client.get(f"{space.url}/reports").get_data(as_text=True)
    assert f"Signalé depuis {foreign.host}" in page
    assert lea.iri not in page
    asked = house.client().get(f"/api/v1/spaces/{space.slug}/reports")
    assert asked.status_code == 401


def test_a_flag_about_a_person_only_is_for_those_who_tend_the_instance(foreign, omar, space):
    flagged(foreign, omar.iri)
    (row,) = kept()
    assert (row.author_id, row.item_id, row.space_id) == (omar.id, None, None)


def test_a_flag_about_a_project_only_is_for_those_who_tend_the_instance(
    house, foreign, admin, space
):
    assert flagged(foreign, space.iri).status_code == 202
    (row,) = kept()
    assert (row.author_id, row.item_id, row.space_id) == (space.actor_id, None, None)
    client = house.client()
    log_in(client, admin)
    for there in ("/admin/reports", f"/reports/{row.uid}"):
        answer = client.get(there)
        assert answer.status_code == 200
        assert space.name in answer.text


def test_r33_a_flag_about_what_is_not_theirs_to_read_is_answered_alike(
    house, foreign, make, admin, omar
):
    hidden = make.space(admin, slug="cercle", visibility=Visibility.MEMBERS)
    with house.as_(admin) as work:
        secret = open_thread(work, hidden, OpenThread(title="Entre nous", body="Secret"))
    answers = [
        flagged(foreign, iri)
        for iri in (
            secret.iri,
            hidden.iri,
            f"{ORIGIN}/o/nothing",
            foreign.peer.url("/u/x"),
            {"id": 3},
            [],
        )
    ]
    assert {a.status_code for a in answers} == {202}
    assert len({a.get_data() for a in answers}) == 1
    assert kept() == []


def test_html_of_a_flag_is_read_as_plain_text_of_bounded_length(foreign, thread):
    flagged(foreign, thread.iri, content="<p>Pub<script>x()</script></p>" + "é" * 6000)
    (row,) = kept()
    assert row.words.startswith("Pub")
    assert "<" not in row.words
    assert len(row.words) <= flags.MAX_CONTENT


def test_r53_the_same_thing_is_reported_once_and_not_without_end(foreign, thread, omar):
    for _ in range(3):
        assert flagged(foreign, [thread.iri]).status_code == 202
    assert len(kept()) == 1
    many = [thread.iri] * 5 + [f"{ORIGIN}/o/{n}" for n in range(100)] + [omar.iri]
    flagged(foreign, many)
    assert len(kept()) == 1


def test_r51_a_host_reports_so_often_in_an_hour(foreign, thread):
    answers = [flagged(foreign, [thread.iri]).status_code for _ in range(flags.AN_HOUR + 2)]
    assert answers.count(202) == flags.AN_HOUR
    assert answers[-2:] == [429, 429]


def test_r54_a_blocked_host_reports_nothing(house, foreign, admin, thread):
    with house.as_(admin) as work:
        block_peer(work, ChoosePeer(foreign.host))
    assert flagged(foreign, [thread.iri]).status_code == 403
    assert kept() == []
