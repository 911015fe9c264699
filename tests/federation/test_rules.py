"""Rules that no single part of federation holds alone (docs/federation.md lists them all)."""
# ruff: noqa: F401, F811 - fixtures are imported by their names

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from federation.stage import actor, federation, foreign, house

from collab.core.errors import Forbidden, Problem
from collab.core.events import EventRow
from collab.core.jobs import Job, run_due
from collab.federation import voices
from collab.federation.models import InboxItem, LogEntry
from collab.federation.speaking import by_project
from collab.people.models import Actor, Key
from collab.spaces.items import withdraw
from collab.spaces.models import Item, Membership, Role
from collab.spaces.tools.discussion.inputs import OpenThread
from collab.spaces.tools.discussion.operations import open_thread
from collab.web.extensions import db


@pytest.fixture
def ines(make):
    return make.person("ines")


@pytest.fixture
def garden(make, ines):
    return make.space(ines)


@pytest.fixture
def lea(foreign, make, garden, ines):
    return foreign.member(make, garden, ines)


@pytest.fixture
def copy(foreign, federation):
    """A project of the other server, of which a mirror could be here."""
    return federation.space_card(foreign.person("verger", "Group").iri)


def described(iri: str) -> tuple:
    row = actor(iri)
    keys = db.session.query(Key).filter_by(actor_id=row.id).order_by(Key.key_id)
    return row.name, row.display_name, row.inbox, [(k.key_id, k.public) for k in keys]


def test_r17_a_log_changes_nobody_s_name_and_nobody_s_key(foreign, house, federation, copy):
    omar = foreign.person("omar")
    federation.acquaint(omar.iri)
    before = described(omar.iri)
    forged = omar.document | {"name": "Somebody else", "attributedTo": omar.iri}
    forged["publicKey"] = foreign.person("eve").document["publicKey"]
    said = {"id": f"{omar.iri}#update", "type": "Update", "actor": omar.iri, "object": forged}
    tools = house.runtime.tools
    for speaker, effect in ((actor(omar.iri), voices.apply), (copy.actor, by_project)):
        told = said | {"actor": speaker.iri}
        with (
            pytest.raises(Problem),
            house.runtime.work(speaker, cause=said["id"], mirrored=True) as work,
        ):
            effect(work, tools, copy, told)
    assert described(omar.iri) == before


def test_r18_who_decides_is_read_from_the_host_s_own_table(house, foreign, make, garden, ines, lea):
    with house.as_(ines) as work:
        thread = open_thread(work, garden, OpenThread(title="Eau", body="Bonjour"))
    assert foreign.say(lea, "Delete", thread.iri, instrument=ines.iri).status_code == 403
    assert db.session.get_one(Item, thread.id).withdrawn_at is None
    make.member(garden, ines, omar := make.person("omar"), Role.MEMBER)
    with pytest.raises(Forbidden), house.as_(omar) as work:
        withdraw(work, work.session.get_one(Item, thread.id))
    make.member(garden, ines, nour := make.person("nour"), Role.FACILITATOR)
    with house.as_(nour) as work:
        withdraw(work, work.session.get_one(Item, thread.id))
    house.settle()
    last = db.session.query(LogEntry).order_by(LogEntry.seq.desc()).first().body
    assert (last["type"], last["actor"], last["instrument"]) == ("Delete", garden.iri, nour.iri)


def test_r49_an_id_is_never_given_twice_and_counts_nothing(house, foreign, garden, ines):
    made = []
    for number in range(3):
        with house.as_(ines) as work:
            given = OpenThread(title=f"Sujet {number}", body="Bonjour")
            made.append(open_thread(work, garden, given).uid)
            withdraw(work, work.session.query(Item).filter_by(uid=made[-1]).one())
    house.settle()
    assert len({*made}) == 3
    assert all(len(uid) == 26 for uid in made)
    for uid in made:
        gone = foreign.get(foreign.application(), f"/o/{uid}")
        assert (gone.status_code, gone.get_json()["type"]) == (200, "Tombstone")
    rows = db.session.query(EventRow.id).order_by(EventRow.id).all()
    db.session.query(EventRow).filter(EventRow.id == rows[-1].id).delete()
    db.session.commit()
    with house.as_(ines) as work:
        open_thread(work, garden, OpenThread(title="Après", body="Bonjour"))
    assert db.session.query(EventRow.id).order_by(EventRow.id.desc()).first().id > rows[-1].id


def test_r50_what_follows_an_activity_happens_once_though_the_first_try_dies(
    house, foreign, garden, lea
):
    house.settle()
    entries = db.session.query(LogEntry).count()
    note = foreign.note(lea, garden)
    assert foreign.say(lea, "Create", note).status_code == 202
    activity = db.session.query(InboxItem).order_by(InboxItem.id.desc()).first().activity_id
    event = db.session.query(EventRow).filter_by(cause=activity).one()
    assert db.session.query(Job).filter_by(kind="federate").count() == 1

    handlers = dict(house.runtime.handlers)
    real = handlers["federate"]

    def dies_at_the_end(session, payloads):
        real.run(session, payloads)
        session.flush()
        raise KeyboardInterrupt

    handlers["federate"] = replace(real, run=dies_at_the_end)
    soon = datetime.now(UTC) + timedelta(seconds=1)
    with pytest.raises(KeyboardInterrupt):
        run_due(db.session(), handlers, soon, kinds=["federate"])
    db.session.rollback()
    assert db.session.query(LogEntry).count() == entries
    assert db.session.query(Job).filter_by(kind="federate").count() == 1

    house.settle()
    foreign.post(lea, foreign.activity(lea, "Create", note, id=activity))
    house.settle()
    assert db.session.query(LogEntry).count() == entries + 1
    assert db.session.query(LogEntry).filter_by(event_id=event.id).count() == 1
