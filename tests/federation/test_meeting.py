"""A project that names many who cannot be had makes nobody else wait (R29)."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest
from conftest import Make
from federation.pair import pair_of_houses

from collab.federation import meeting
from collab.federation.chain import Link
from collab.federation.meeting import meet
from collab.federation.models import LogEntry, Unapplied
from collab.federation.repair import retry
from collab.federation.replica import _meet
from collab.federation.transport import Unreachable
from collab.federation.unapplied import MOST_EACH, due
from collab.web.extensions import db


class Tarpit:
    """A way out behind which hosts let us wait, and do not answer."""

    def __init__(self, takes):
        self.takes, self.asked = takes, []

    def request(self, method, url, **more):
        self.asked.append(url)
        time.sleep(self.takes)
        raise Unreachable("timeout", "no answer")


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    with pair_of_houses(tmp_path_factory.mktemp("pair")) as pair:
        yield pair


@pytest.fixture
def inside(pair, monkeypatch):
    with pair.b.house.app.app_context():
        yield pair.b.federation


def test_a_host_that_was_silent_is_asked_once_in_some_minutes(pair, inside, monkeypatch):
    tarpit = Tarpit(0.05)
    monkeypatch.setattr(inside, "transport", tarpit)
    monkeypatch.setattr(meeting, "LONG", 0.01)
    for number in range(20):
        meet(inside, pair.copy_id, f"https://silent.example/u/x{number}")
    assert {url.split("/")[2] for url in tarpit.asked} == {"silent.example"}
    assert {url.rpartition("/")[2] for url in tarpit.asked} == {"x0"}
    before = len(tarpit.asked)
    meet(inside, pair.copy_id, "https://other.example/u/x")
    assert len(tarpit.asked) > before


def test_one_project_makes_us_wait_for_so_long_only(pair, inside, monkeypatch):
    tarpit = Tarpit(0.6)
    monkeypatch.setattr(inside, "transport", tarpit)
    monkeypatch.setattr(meeting, "WAITED", 2)
    for number in range(6):
        meet(inside, -1, f"https://h{number}.example/u/x")
    hosts = {url.split("/")[2] for url in tarpit.asked}
    assert hosts <= {"h0.example", "h1.example"}
    assert hosts


def test_a_page_of_a_log_that_names_many_of_one_silent_host(pair, inside, monkeypatch):
    tarpit = Tarpit(0.05)
    monkeypatch.setattr(inside, "transport", tarpit)
    monkeypatch.setattr(meeting, "LONG", 0.01)
    acts = [{"actor": f"https://mute.example/u/x{n}", "type": "Create"} for n in range(30)]
    _meet(inside, pair.copy_id, [Link(1, 1, {}, "h", act, "proof") for act in acts])
    assert {url.rpartition("/")[2] for url in tarpit.asked} == {"x0"}


def test_nobody_is_asked_for_the_author_of_what_is_not_proved(pair, inside, monkeypatch):
    session, now = db.session(), inside.now()
    last = session.query(LogEntry).filter_by(space_id=pair.copy_id).order_by(LogEntry.seq).first()
    act = {"id": "https://doubt.example/a/1", "actor": "https://doubt.example/u/x"}
    act |= {"type": "Create", "object": {"id": "https://doubt.example/o/1", "type": "Note"}}
    more = {"epoch": last.epoch, "entry": last.entry, "trust": "proof", "digest": ""}
    more |= {"activity_id": act["id"], "activity_type": "Create", "entry_hash": "h", "at": now}
    session.add(LogEntry(space_id=pair.copy_id, seq=900, body=act, **more))
    waits = {"activity_id": act["id"], "why": "proof", "tries": 1, "since": now, "next_at": now}
    session.add(Unapplied(space_id=pair.copy_id, seq=900, **waits))
    session.commit()
    tarpit = Tarpit(0)
    monkeypatch.setattr(inside, "transport", tarpit)
    assert retry(inside) == 1
    assert tarpit.asked == []
    assert session.query(Unapplied).filter_by(seq=900).one().tries == 2
    session.query(Unapplied).delete()
    session.commit()


def test_a_project_with_many_entries_to_try_again_does_not_starve_the_others(pair, inside):
    session, now = db.session(), inside.now()
    other = Make(pair.b.house).space(pair.b.person(), slug="deux").id
    full, lone = sorted([pair.copy_id, other])

    def row(space, seq, waited):
        at = now - waited
        more = {"activity_id": "x", "why": "author", "tries": 1, "since": at, "next_at": at}
        session.add(Unapplied(space_id=space, seq=seq, **more))

    for number in range(60):
        row(full, 1060 - number, timedelta(days=2, seconds=number))
    row(lone, 1, timedelta(seconds=1))
    session.commit()
    found = due(session, now, 20)
    assert found[-1] == (lone, 1)
    assert found[:-1] == [(full, seq) for seq in range(1001, 1001 + MOST_EACH)]
