"""Who is here and who writes, between two houses of ours: allowed, believed, bounded (4.7)."""

from __future__ import annotations

import json
import threading
import time

import pytest
from conftest import Make, log_in
from federation.pair import pair_of_houses
from realtime.live import LiveHouse

from collab.core.errors import Forbidden
from collab.federation.listening import Ear
from collab.federation.presence import HINTS_AT_ONCE, MOST_WRITING, Pace, Rooms, believed, shown_to
from collab.federation.presence_post import MOST_UNDER_WAY, PresencePost, signed_headers
from collab.federation.streams import Stream
from collab.federation.transport import Unreachable
from collab.people.models import Actor, Peer, PeerState
from collab.people.queries import site
from collab.spaces.membership import AskToJoin, Decide, admit, ask_to_join
from collab.spaces.models import Item, Membership, Space
from collab.spaces.operations import ShowPresence, show_presence
from collab.spaces.tools.discussion.inputs import OpenThread
from collab.spaces.tools.discussion.operations import open_thread
from collab.web.extensions import db
from collab.web.nearby import Here, Writing


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """Béa of B is a member of A's project, in which Ada opened a discussion; B listens to A."""
    with pair_of_houses(tmp_path_factory.mktemp("pair")) as pair:
        pair.a.house.app.extensions["collab.streams"].heartbeat = 0.2
        with pair.b.house.app.app_context(), pair.b.house.as_(pair.b.person()) as work:
            ask_to_join(work, work.session.get(Space, pair.copy_id), AskToJoin())
        pair.settle()
        with pair.a.house.app.app_context(), pair.a.house.as_(pair.a.person()) as work:
            space = work.session.get(Space, pair.space_id)
            bea = work.session.query(Actor).filter_by(name="bea").one()
            admit(work, space, Decide(member=bea.id))
            pair.thread = open_thread(work, space, OpenThread(title="Les semis", body="Oui")).uid
        pair.settle()
        with pair.b.house.app.app_context():
            assert db.session.query(Membership).filter_by(state="active").count() == 2
        yield pair


@pytest.fixture
def ear(pair):
    """B listens, and may answer by `ear.post`."""
    ear = Ear(pair.b.federation, pair.a.host, post=PresencePost(pair.b.federation))
    hub = pair.a.house.app.extensions["collab.streams"]
    ended = threading.Event()

    def listen():
        try:
            ear.listen()
        except Unreachable:
            pass
        finally:
            ended.set()

    threading.Thread(target=listen, daemon=True).start()
    assert until(lambda: hub.open)
    yield ear
    hub.open.clear()
    assert ended.wait(25)
    show(pair, elsewhere=False)


@pytest.fixture
def sockets(pair):
    """Ada's browser on A, Béa's on B, each on the page of the discussion."""
    with LiveHouse(pair.a.house) as a, LiveHouse(pair.b.house) as b:
        with pair.a.house.app.app_context():
            ada = a.socket(pair.a.person())
            ada.ask("join", {"space": "jardin"})
        with pair.b.house.app.app_context():
            bea = b.socket(pair.b.person())
            bea.ask("join", {"space": f"jardin@{pair.a.host}"})
            bea.item = db.session.query(Item).filter_by(space_id=pair.copy_id).first().uid
        yield ada, bea
        ada.sock.close()
        bea.sock.close()


def until(what, seconds=25.0):
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        if what():
            return True
        time.sleep(0.03)
    return False


def show(pair, *, elsewhere):
    with pair.a.house.app.app_context(), pair.a.house.as_(pair.a.person()) as work:
        show_presence(work, work.session.get(Space, pair.space_id), ShowPresence(elsewhere))


def here_on_a(pair):
    """What a socket of Ada's on A whispers."""
    return Here(pair.space_id, "jardin", "", ((f"ada@{pair.a.host}", "Ada"),))


def say(pair, **words):
    """B's own instance says something of presence to A. The status of the answer."""
    url = f"http://{pair.a.host}/ap/presence"
    body = json.dumps({"project": f"http://{pair.a.host}/p/jardin", **words}).encode()
    headers = signed_headers(pair.b.federation, pair.a.host, "POST", url, body)
    answer = pair.b.federation.transport.request("POST", url, headers=headers, body=body)
    return answer.status


def names(event):
    return {person["by"] for person in event[1]["people"]}


def test_members_see_each_other_and_who_writes_across_instances_once_it_is_switched_on(
    pair, ear, sockets
):
    ada, bea = sockets
    at_a, at_b = f"ada@{pair.a.host}", f"bea@{pair.b.host}"
    ear.post.begin()
    # Off, as it is by default: nothing is said, nothing is heard.
    assert names(bea.event("presence")) == {at_b}
    ada.ask("typing", {"item": pair.thread})
    assert bea.nothing(seconds=1.0)
    assert ear.post.step() == 0
    assert say(pair, people=[at_b]) == 404
    # On: both ways, in the same few seconds.
    show(pair, elsewhere=True)
    pair.a.house.runtime.pulse.beat()
    for browser in sockets:
        assert until(lambda browser=browser: names(browser.event("presence")) == {at_a, at_b})
    # What she wrote a moment ago is not to hold back what she writes now.
    pair.a.house.app.extensions["collab.streams"].rooms.pace = Pace()
    ada.ask("typing", {"item": pair.thread})
    hint = bea.event("typing")[1]
    assert (hint["item"], hint["by"], hint["label"]) == (bea.item, at_a, "ada")
    bea.ask("typing", {"item": bea.item})
    hint = ada.event("typing")[1]
    assert (hint["item"], hint["by"], hint["space"]) == (pair.thread, at_b, "jardin")
    # Off again: forgotten at once.
    show(pair, elsewhere=False)
    assert until(lambda: names(bea.event("presence")) == {at_b})


def test_r51_a_flood_of_presence_is_refused_and_hints_of_one_person_are_seconds_apart(pair):
    show(pair, elsewhere=True)
    heard = pair.a.house.runtime.whispers.listen("test")
    thread = f"http://{pair.a.host}/o/{pair.thread}"
    hint = {"object": thread, "actor": f"bea@{pair.b.host}"}
    pair.a.federation.pace = Pace()
    try:
        assert [say(pair, writing=[hint] * 5) for _ in range(3)] == [202] * 3
        said = [words["kind"] for words in heard.take(0.5)]
        assert said.count("Writing") == 1
        assert said.count("Here") == 3
        assert pair.a.federation.budget.spend(f"presence {pair.b.host}", 120, 60)
        while pair.a.federation.budget.spend(f"presence {pair.b.host}", 120, 60):
            pass
        assert say(pair, people=[]) == 429
    finally:
        heard.close()
        pair.a.federation.budget._spent.clear()
        show(pair, elsewhere=False)


def test_r36_what_a_blocked_host_still_says_over_its_open_stream_is_not_heard(pair):
    show(pair, elsewhere=True)
    pair.settle()
    ear = Ear(pair.b.federation, pair.a.host)
    project = f"http://{pair.a.host}/p/jardin"
    words = json.dumps({"project": project, "people": [f"ada@{pair.a.host}"], "writing": []})
    heard = pair.b.house.runtime.whispers.listen("test")
    try:
        for state, known in ((PeerState.BLOCKED, 0), (PeerState.ALLOWED, 1)):
            with pair.b.house.app.app_context():
                db.session.get(Peer, pair.a.host).state = state
                db.session.commit()
                assert bool(ear._wanted()) is bool(known)
            ear._hear(words.encode())
            assert len([one for one in heard.take(0.5) if one["kind"] == "Here"]) == known
    finally:
        heard.close()
        show(pair, elsewhere=False)


def test_r20_a_host_says_nothing_of_people_of_another_host(pair):
    show(pair, elsewhere=True)
    heard = pair.a.house.runtime.whispers.listen("test")
    try:
        for forged in (f"ada@{pair.a.host}", "eve@c.example", "bea", f"{pair.b.host}"):
            assert say(pair, people=[forged]) == 403
            writes = {"object": f"http://{pair.a.host}/o/{pair.thread}", "actor": forged}
            assert say(pair, writing=[writes]) == 403
        # Somebody of theirs who is no member, and who is there from a third host: left out.
        assert say(pair, people=[f"eve@{pair.b.host}"], others={"c.example": 3}) == 202
        (only,) = heard.take(0.5)
        assert (only["people"], only["others"]) == ([], [])
    finally:
        heard.close()
        show(pair, elsewhere=False)


def test_r20_a_project_s_host_names_its_own_people_and_counts_the_others(pair):
    with pair.b.house.app.app_context():
        copy = db.session.get(Space, pair.copy_id)
        item = db.session.query(Item).filter_by(space_id=copy.id).first()
        words = {
            "people": [f"ada@{pair.a.host}"],
            "others": {"c.example": 2, pair.b.host: 9, pair.a.host: 9, "nonsense host": 1},
            "writing": [{"object": item.iri, "host": "c.example"}],
        }
        here, hints = believed(pair.b.federation, copy, pair.a.host, words, Pace())
        assert here.people == ((f"ada@{pair.a.host}", "ada"),)
        assert here.others == (("c.example", 2),)
        assert [(hint.label, hint.item) for hint in hints] == [("c.example", item.uid)]
        for forged in (f"bea@{pair.b.host}", "eve@c.example"):
            with pytest.raises(Exception, match="chez elle"):
                believed(pair.b.federation, copy, pair.a.host, {"people": [forged]}, Pace())


def test_r35_only_hosts_with_a_member_hear_who_is_there(pair):
    show(pair, elsewhere=True)
    try:
        with pair.a.house.app.app_context():
            space = db.session.get(Space, pair.space_id)
            assert shown_to(pair.a.federation, space, pair.b.host)
            assert not shown_to(pair.a.federation, space, "c.example")
            stream = Stream(pair.a.house.app.extensions["collab.streams"], "c.example", {})
            stream.hub.rooms.take(here_on_a(pair))
            assert stream.voice.told([space], {space.id}) == []
    finally:
        show(pair, elsewhere=False)


def test_r35_a_school_names_its_people_to_nobody(pair):
    show(pair, elsewhere=True)
    try:
        with pair.a.house.app.app_context():
            space = db.session.get(Space, pair.space_id)
            stream = Stream(pair.a.house.app.extensions["collab.streams"], pair.b.host, {})
            stream.hub.rooms.take(here_on_a(pair))
            (shown,) = stream.voice.told([space], {space.id})
            assert shown["people"] == [f"ada@{pair.a.host}"]
            site(db.session()).federation = "allowlist"
            db.session.commit()
            assert not shown_to(pair.a.federation, space, pair.b.host)
            (closed,) = stream.voice.told([space], {space.id})
            assert (closed["people"], closed["open"]) == ([], False)
            assert stream.voice.told([space], {space.id}) == []
    finally:
        with pair.a.house.app.app_context():
            site(db.session()).federation = None
            db.session.commit()
        show(pair, elsewhere=False)


def test_r51_invented_instances_bring_no_more_hints_than_real_ones(pair):
    with pair.b.house.app.app_context():
        copy = db.session.get(Space, pair.copy_id)
        item = db.session.query(Item).filter_by(space_id=copy.id).first()
        pace, heard = Pace(seconds=3600), []
        for time_ in range(20):
            hosts = [f"c{time_}-{number}.example" for number in range(10)]
            words = {"writing": [{"object": item.iri, "host": host} for host in hosts]}
            heard += believed(pair.b.federation, copy, pair.a.host, words, pace)[1]
        assert 0 < len(heard) <= HINTS_AT_ONCE


def test_what_is_remembered_of_who_is_there_is_bounded():
    rooms = Rooms()
    for number in range(300):
        rooms.take(Writing(1, "a", "b.example", f"p{number}@b.example", "P", "item", "iri"))
        rooms.take(Here(1, "a", f"h{number}.example", (("x@y", "X"),)))
        rooms.take(Here(number + 2, "a", "", (("x@y", "X"),)))
    assert len(rooms.hints(1, 0, "")) <= MOST_WRITING
    assert len(rooms.others(1, "")) <= 21
    for number in range(1500):
        rooms.take(Here(number + 1000, "a", "", (("x@y", "X"),)))
    assert len(rooms._rooms) <= 1000


class Stuck:
    """A transport whose hosts take a while to answer nothing."""

    def __init__(self):
        self.asked = []
        self.over = threading.Event()

    def request(self, method, url, **_more):
        self.asked.append(url)
        assert self.over.wait(25)
        raise Unreachable("timeout", url)


def test_a_slow_host_is_told_once_at_a_time_and_the_queue_is_bounded(pair, monkeypatch):
    federation, stuck = pair.b.federation, Stuck()
    monkeypatch.setattr(federation, "transport", stuck)
    post, here = PresencePost(federation), Here(pair.copy_id, "x", "", (("p@b", "p"),))
    post.allowed(pair.copy_id, True)
    post._rooms.take(here)
    try:
        assert post.step() == 1
        assert until(lambda: stuck.asked)
        post._next.clear()  # as if the seconds between two had passed
        post._told.clear()
        assert post.step() == 0
        post._under_way = {f"h{number}.example" for number in range(MOST_UNDER_WAY)}
        assert post.step() == 0
    finally:
        stuck.over.set()
        post._pool.shutdown()
    assert len(stuck.asked) == 1
    # The seconds are counted from when it ended.
    assert post._next[pair.a.host] > time.monotonic()
    post._under_way.clear()
    assert post.step() == 0


def test_facilitators_switch_it_on_and_only_they(pair):
    with pair.a.house.app.app_context():
        nobody = Make(pair.a.house).person("zoe")
        with pair.a.house.as_(nobody) as work, pytest.raises(Forbidden):
            show_presence(work, work.session.get(Space, pair.space_id), ShowPresence(True))
    with (
        pair.b.house.app.app_context(),
        pytest.raises(Forbidden),
        pair.b.house.as_(pair.b.person()) as work,
    ):
        show_presence(work, work.session.get(Space, pair.copy_id), ShowPresence(True))
    client = pair.a.house.client()
    with pair.a.house.app.app_context():
        log_in(client, pair.a.person())
    for wanted, shown in (("Le montrer aux instances reliées", "on"), ("Ne plus le montrer", "")):
        assert wanted in client.get("/p/jardin/settings").get_data(as_text=True)
        assert client.post("/p/jardin/presence", data={"elsewhere": shown}).status_code == 302
