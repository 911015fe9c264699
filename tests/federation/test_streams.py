"""Entries reach a mirror as they are written, while it may read and no longer (4.7)."""

from __future__ import annotations

import threading
import time
from collections import Counter
from datetime import timedelta

import pytest
from federation.pair import pair_of_houses
from sqlalchemy import func

from collab.core.db import writing
from collab.federation.delays import day_of, forget_delays, step_of
from collab.federation.listening import Ear, Listening
from collab.federation.log import head_seq
from collab.federation.models import DelayHour, LogEntry, Mirror, Subscriber
from collab.federation.pages import confirmed
from collab.federation.peers import ChoosePeer, allow_peer, block_peer, put_back_peer
from collab.federation.transport import Unreachable
from collab.people.models import Peer, PeerState
from collab.spaces.models import Space, Visibility
from collab.spaces.tools.discussion.inputs import OpenThread
from collab.spaces.tools.discussion.operations import open_thread
from collab.web.extensions import db

AT_THE_LATEST = 5.0
"""Seconds in which a stream ends that must not go on (R36)."""


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    with pair_of_houses(tmp_path_factory.mktemp("pair")) as pair:
        hub = pair.a.house.app.extensions["collab.streams"]
        hub.heartbeat = 0.3
        yield pair


@pytest.fixture
def ear(pair):
    """B listens to A for the length of a test; `ended` is set when the stream is over."""
    ear = Ear(pair.b.federation, pair.a.host)
    ear.ended = threading.Event()

    def listen():
        try:
            ear.listen()
        except Unreachable as away:
            ear.away = away
        finally:
            ear.ended.set()

    threading.Thread(target=listen, daemon=True).start()
    hub = pair.a.house.app.extensions["collab.streams"]
    assert until(lambda: hub.open)
    yield ear
    hub.open.clear()
    assert ear.ended.wait(25)


def until(what, seconds=25.0):
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        if what():
            return True
        time.sleep(0.03)
    return False


def held(pair):
    with pair.b.house.app.app_context():
        return db.session.get(Mirror, pair.copy_id).seq


def cursor(pair):
    with pair.a.house.app.app_context():
        return db.session.query(Subscriber.cursor).scalar()


def last(pair):
    with pair.a.house.app.app_context():
        return head_seq(db.session(), pair.space_id)


def say(pair, title):
    """A thread on A, in the log; the courier is not asked to send anything."""
    with pair.a.house.app.app_context():
        space = db.session.get(Space, pair.space_id)
        with pair.a.house.as_(pair.a.person()) as work:
            open_thread(work, space, OpenThread(title=title, body="Bonjour"))
        pair.a.house.settle()
        pair.a.house.runtime.pulse.beat()


def test_an_entry_comes_by_the_stream_is_acknowledged_and_not_sent_again(pair, ear):
    say(pair, "par le fil")
    assert until(lambda: held(pair) == last(pair))
    assert until(lambda: cursor(pair) == last(pair))
    assert pair.a.courier.drain() == 0


def test_a_second_stream_of_a_host_takes_the_place_of_the_first(pair, ear):
    other = Ear(pair.b.federation, pair.a.host)
    threading.Thread(target=other.listen, daemon=True).start()
    assert ear.ended.wait(25)
    say(pair, "par le second")
    assert until(lambda: held(pair) == last(pair))


def test_r36_the_stream_of_a_blocked_host_ends_before_its_next_heartbeat(pair, ear):
    hub = pair.a.house.app.extensions["collab.streams"]
    hub.heartbeat = 600.0
    mine = f"127.0.0.1:{pair.b.port}"
    with pair.a.house.app.app_context(), pair.a.house.as_(pair.a.person()) as work:
        block_peer(work, ChoosePeer(mine))
    try:
        assert ear.ended.wait(AT_THE_LATEST)
    finally:
        hub.heartbeat = 0.3
        with pair.a.house.app.app_context(), pair.a.house.as_(pair.a.person()) as work:
            allow_peer(work, ChoosePeer(mine))
            work.session.get(Peer, mine).state = PeerState.KNOWN
            work.session.query(Subscriber).update({"state": "active"})


def test_r36_a_stream_from_a_host_that_is_blocked_here_ends_before_it_says_anything_more(pair):
    listening = Listening(pair.b.federation)
    hub = pair.a.house.app.extensions["collab.streams"]
    hub.heartbeat = 600.0
    try:
        listening.step()
        (thread,) = listening._threads.values()
        assert until(lambda: hub.open)
        with pair.b.house.app.app_context(), pair.b.house.as_(pair.b.person()) as work:
            block_peer(work, ChoosePeer(pair.a.host))
        listening.step()
        thread.join(AT_THE_LATEST)
        assert not thread.is_alive()
        assert listening.step() == 0
    finally:
        hub.heartbeat = 0.3
        hub.open.clear()
        with pair.b.house.app.app_context(), pair.b.house.as_(pair.b.person()) as work:
            put_back_peer(work, ChoosePeer(pair.a.host, before=PeerState.KNOWN))
            work.session.query(Mirror).update({"state": "active"})


def test_a_stream_that_is_refused_lets_the_copy_ask_why_and_is_asked_for_no_more(pair):
    listening = Listening(pair.b.federation)
    decide(pair.a, block_peer, pair.b.host)
    try:
        with pytest.raises(Unreachable, match="403"):
            Ear(pair.b.federation, pair.a.host).listen()
        assert pair.b.catch_up.step() >= 1, "at once, not at its next turn"
        assert listening.step() == 0
        with pair.b.house.app.app_context():
            assert db.session.get(Mirror, pair.copy_id).turned_away == 403
    finally:
        decide(pair.a, put_back_peer, pair.b.host, before="known")
    pair.catch_up()
    with pair.b.house.app.app_context():
        assert db.session.get(Mirror, pair.copy_id).turned_away is None


def decide(side, act, host, **more):
    with side.house.app.app_context(), side.house.as_(side.person()) as work:
        act(work, ChoosePeer(host, **more))


def test_r35_the_stream_ends_when_the_host_may_read_no_longer(pair, ear):
    with pair.a.house.app.app_context(), writing(db.session()) as session:
        session.get(Space, pair.space_id).visibility = Visibility.MEMBERS
    try:
        assert ear.ended.wait(AT_THE_LATEST)
        with pytest.raises(Unreachable, match="404"):
            Ear(pair.b.federation, pair.a.host).listen()
    finally:
        with pair.a.house.app.app_context(), writing(db.session()) as session:
            session.get(Space, pair.space_id).visibility = Visibility.PUBLIC


def test_nobody_listens_without_a_signature(pair):
    asked = {"projects": f"http://{pair.a.host}/p/jardin"}
    client = pair.a.house.client()
    assert client.get("/ap/stream", query_string=asked).status_code == 401
    assert client.post("/ap/ack", json={"projects": []}).status_code == 401


def test_what_a_stream_has_not_delivered_in_three_seconds_is_sent_as_a_page(pair):
    with pair.a.house.app.app_context(), writing(db.session()) as session:
        session.query(Subscriber).update({"streaming_until": None})
    pair.a.courier.drain()  # whatever an earlier stream carried and was not acknowledged in time
    say(pair, "sans fil")
    with pair.a.house.app.app_context(), writing(db.session()) as session:
        ahead = pair.a.federation.now() + timedelta(minutes=5)
        session.query(Subscriber).update({"streaming_until": ahead})
        row = session.query(LogEntry).order_by(LogEntry.seq.desc()).first()
        row.at = ahead
    assert pair.a.courier.drain() == 0
    with pair.a.house.app.app_context(), writing(db.session()) as session:
        row = session.query(LogEntry).order_by(LogEntry.seq.desc()).first()
        row.at = pair.a.federation.now() - timedelta(seconds=4)
    assert pair.a.courier.drain() == 1
    assert held(pair) == last(pair) == cursor(pair)


def test_how_long_entries_took_is_counted_by_the_hour_and_shown(pair):
    """MS4: median and 95 of 100 of the last 24 hours, for the project and for each copy."""
    now = pair.a.federation.now()
    say(pair, "encore une")
    with pair.a.house.app.app_context(), writing(db.session()) as session:
        day = a_day(session, now, last(pair))
    assert day.whole.number == 101  # once each, and the hour of yesterday is over
    assert day.whole.median_ms == pytest.approx(200, rel=0.12)
    assert day.whole.p95_ms == pytest.approx(40_000, rel=0.12)
    client = pair.a.house.client()
    told = client.get("/api/v1/spaces/jardin/federation").get_json()
    assert told["delay"] == told["mirrors"][0]["delay"]
    assert told["delay"]["entries"] == 101
    assert "95 sur 100" in told["delay"]["words"]
    assert "arrivées dans les copies" in told["delay"]["words"]  # each entry, once for each copy
    page = client.get("/p/jardin/federation").get_data(as_text=True)
    assert told["delay"]["words"] in page
    assert page.count("<rect") == len(day.hours) == page.count('<td class="num">')
    with pair.a.house.app.app_context(), writing(db.session()) as session:
        forget_delays(session, now)
        assert session.query(DelayHour).count() == len(day.hours)
        session.query(DelayHour).delete()


def a_day(session, now, last):
    """A hundred delays of this day and one of yesterday; then one entry more is confirmed."""
    session.query(DelayHour).delete()
    row = session.query(Subscriber).one()
    for hours, took in ((30, [9e6]), (5, [200] * 60), (1, [300] * 30 + [40_000] * 10)):
        hour = (now - timedelta(hours=hours)).replace(minute=0, second=0, microsecond=0)
        counts = Counter(str(step_of(one)) for one in took)
        session.add(DelayHour(subscriber_id=row.id, hour=hour, counts=counts))
    row.streaming_until, row.cursor = None, last - 1
    at = session.query(func.max(LogEntry.at)).scalar()
    confirmed(session, row, last, at + timedelta(seconds=2))
    assert row.lag_ms == 2000
    confirmed(session, row, last, at + timedelta(seconds=900))
    return day_of(session, [row.id], now)
