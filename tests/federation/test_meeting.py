"""A project that names many who cannot be had makes nobody else wait (R29)."""

from __future__ import annotations

from contextlib import ExitStack
from datetime import timedelta
from functools import partial

import pytest
from conftest import Make
from federation import hostile
from federation.pair import pair_of_houses

from collab.federation import patience
from collab.federation.chain import Link
from collab.federation.meeting import meet
from collab.federation.models import LogEntry, Unapplied
from collab.federation.repair import Difference, _from_their_address, retry
from collab.federation.replica import _meet
from collab.federation.signatures import Refused
from collab.federation.unapplied import MOST_EACH, due
from collab.people.models import Peer
from collab.web.extensions import db


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    with pair_of_houses(tmp_path_factory.mktemp("pair")) as pair:
        yield pair


@pytest.fixture
def inside(pair):
    with pair.b.house.app.app_context():
        pair.b.federation.budget.__init__(pair.b.federation.now)
        yield pair.b.federation


@pytest.fixture
def tarpits(monkeypatch):
    """Three hosts that answer drop by drop, for more than half a second."""
    monkeypatch.setattr(hostile, "PACE", 0.01)
    monkeypatch.setattr(patience, "LONG", 0.3)
    with ExitStack() as stack:
        yield [stack.enter_context(hostile.hostile_peer()) for _ in range(3)]


def test_a_host_that_was_silent_is_asked_once_in_some_minutes(pair, inside, tarpits):
    slow, other, _ = tarpits
    for number in range(20):
        meet(inside, pair.copy_id, slow.url(f"/drip?{number}"))
    assert slow.targets() == ["/drip?0"]
    meet(inside, pair.copy_id, other.url("/u/x"))
    assert other.targets()[0] == "/u/x"


def test_one_project_makes_us_wait_for_so_long_only(inside, tarpits, monkeypatch):
    monkeypatch.setattr(patience, "WAITED", 1)
    for tarpit in tarpits:
        meet(inside, -1, tarpit.url("/drip"))
    assert [tarpit.targets() for tarpit in tarpits] == [["/drip"], [], []]


def test_a_page_of_a_log_that_names_many_of_one_silent_host(pair, inside, tarpits):
    slow = tarpits[0]
    acts = [{"actor": slow.url(f"/drip?{n}"), "type": "Create"} for n in range(30)]
    links = [Link(1, 1, {}, "h", act, "proof") for act in acts]
    _meet(links, partial(meet, inside, pair.copy_id))
    assert slow.targets() == ["/drip?0"]


def test_r29_the_keys_of_a_log_s_authors_make_us_wait_for_so_long_only(
    inside, tarpits, monkeypatch
):
    """Each slow host once, all of them together a minute; who answers is asked all the same."""
    monkeypatch.setattr(patience, "WAITED", 1)
    slow, later, known = tarpits
    db.session.add(Peer(host=f"127.0.0.1:{known.port}", created_at=inside.now(),
                        last_ok_at=inside.now()))  # fmt: skip
    db.session.commit()
    wanted = [slow.url("/drip?0#k"), slow.url("/drip?1#k"), later.url("/drip#k"), known.url("/u#k")]
    for key_id in wanted:
        with pytest.raises(Refused):
            inside.find_past_key(key_id)
    assert [one.targets() for one in tarpits] == [["/drip?0"], [], ["/u"]]
    with pytest.raises(Refused):
        inside.find_key(later.url("/other#k"))  # who writes to us themselves is asked
    assert later.targets() == ["/other"]


def test_r29_a_repair_asks_slow_hosts_for_objects_once(pair, inside, tarpits, monkeypatch):
    monkeypatch.setattr(patience, "WAITED", 1)
    slow, later, _ = tarpits
    iris = [slow.url("/drip?0"), slow.url("/drip?1"), later.url("/drip")]
    found = Difference(theirs={iri: f"{iri} x y" for iri in iris})
    _from_their_address(inside, pair.copy_id, found, iris)
    assert (slow.targets(), later.targets()) == (["/drip?0"], [])


def test_nobody_is_asked_for_the_author_of_what_is_not_proved(pair, inside, tarpits):
    doubtful = tarpits[0]
    session, now = db.session(), inside.now()
    last = session.query(LogEntry).filter_by(space_id=pair.copy_id).order_by(LogEntry.seq).first()
    act = {"id": doubtful.url("/a/1"), "actor": doubtful.url("/u/x")}
    act |= {"type": "Create", "object": {"id": doubtful.url("/o/1"), "type": "Note"}}
    more = {"epoch": last.epoch, "entry": last.entry, "trust": "proof", "digest": ""}
    more |= {"activity_id": act["id"], "activity_type": "Create", "entry_hash": "h", "at": now}
    session.add(LogEntry(space_id=pair.copy_id, seq=900, body=act, **more))
    waits = {"activity_id": act["id"], "why": "proof", "tries": 1, "since": now, "next_at": now}
    session.add(Unapplied(space_id=pair.copy_id, seq=900, **waits))
    session.commit()
    assert retry(inside) == 1
    assert doubtful.targets() == []
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
