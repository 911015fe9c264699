"""What leaves, in which order; one host’s trouble stays its own (FEDERATION.md 4.2, 4.3)."""
# ruff: noqa: F401, F811 - fixtures are imported by their names

from __future__ import annotations

import json
import threading
import time
from datetime import UTC, datetime, timedelta

import pytest
from federation.hostile import Reply, hostile_peer
from federation.stage import ORIGIN, federation, foreign, house

from collab.core.db import writing
from collab.federation.deliver import Courier
from collab.federation.hygiene import domain_of, forget
from collab.federation.lanes import lanes, pause_peer, resume_peer, retry_peer, tidy
from collab.federation.letters import Outcome
from collab.federation.lineup import ASIDE, PLACES, THREADS, WAITS, Due, Kind, LineUp
from collab.federation.models import Delivery, GoneInbox, OutboxItem, Subscriber
from collab.federation.outcomes import Outcomes
from collab.federation.peerhealth import failed
from collab.federation.peers import ChoosePeer
from collab.federation.sending import SPREAD, send
from collab.federation.transport import Unreachable
from collab.people.models import AccountRole, Peer
from collab.spaces.models import Follow
from collab.web.extensions import db
from collab.web.reasons import NOT_SENT

START = datetime.now(UTC).replace(hour=8, minute=0, second=0, microsecond=0)


class Clock:
    """The house's clock, moved by hand."""

    def __init__(self):
        self.at = START

    def __call__(self):
        return self.at

    def forward(self, **by):
        self.at += timedelta(**by)


@pytest.fixture
def clock(house):
    house.runtime.clock = Clock()
    return house.runtime.clock


@pytest.fixture
def courier(federation):
    return Courier(federation)


@pytest.fixture
def ada(make):
    return make.person("ada", AccountRole.ADMIN)


@pytest.fixture
def tell(ada, foreign, clock):
    """Put an activity about a thing in the queue for an inbox there."""

    def tell(verb, thing="1", inbox="/u/lea/inbox", peer=foreign.peer, keep=SPREAD):
        iri = f"{ORIGIN}/o/{thing}"
        made = {
            "id": f"{iri}#{verb.lower()}-{time.monotonic_ns()}",
            "type": verb,
            "actor": ada.iri,
            "object": {"id": iri, "type": "Note"},
        }
        if verb == "Undo":
            made["object"] = {"type": "Delete", "actor": ada.iri, "object": {"id": iri}}
        with writing(db.session()) as session:
            send(session, ada, made, [peer.url(inbox)], clock(), ordering_key=iri, keep=keep)

    return tell


def answer(peer, status, path="/u/lea/inbox", headers=()):
    peer.answers[path] = lambda _asked: Reply(status, headers)


def came(peer):
    """What that peer was told, as `verb thing`."""
    told = [json.loads(asked.body) for asked in peer.asked if asked.method == "POST"]
    things = [t["object"].get("id") or t["object"]["object"]["id"] for t in told]
    return [f"{t['type']} {iri.rpartition('/')[2]}" for t, iri in zip(told, things, strict=True)]


def states():
    db.session.rollback()
    return [row.state for row in db.session.query(Delivery).order_by(Delivery.id)]


def lane(host):
    db.session.rollback()
    return next((lane for lane in lanes(db.session()) if lane.host == host), None)


def test_what_is_about_one_thing_comes_in_its_order(tell, courier, foreign):
    answer(foreign.peer, 202)
    for verb in ("Create", "Update", "Delete"):
        tell(verb)
        if verb == "Create":
            courier.drain()
    courier.drain()
    assert came(foreign.peer) == ["Create 1", "Update 1", "Delete 1"]
    assert states() == ["done"] * 3


def test_a_later_one_waits_for_an_earlier_one_that_failed_and_others_go_on(
    tell, courier, foreign, clock
):
    def picky(asked):
        return Reply(500 if b"o/1" in asked.body and poisoned else 202)

    poisoned = True
    foreign.peer.answers["/u/lea/inbox"] = picky
    tell("Create", "1")
    courier.drain()
    tell("Update", "1")
    tell("Create", "2")
    clock.forward(seconds=7)
    courier.drain()
    courier.drain()
    assert came(foreign.peer)[0] == "Create 1"
    assert "Create 2" in came(foreign.peer)
    assert "Update 1" not in came(foreign.peer)
    poisoned = False
    clock.forward(minutes=2)
    courier.drain()
    courier.drain()
    assert came(foreign.peer)[-2:] == ["Create 1", "Update 1"]


def test_one_that_is_refused_does_not_block_what_comes_after(tell, courier, foreign):
    foreign.peer.answers["/u/lea/inbox"] = lambda asked: Reply(
        422 if b'"Create"' in asked.body else 202
    )
    tell("Create")
    tell("Update")
    courier.drain()
    assert states() == ["refused", "done"]


def test_what_was_taken_back_before_it_left_never_leaves(tell, courier, foreign):
    tell("Create")
    tell("Update")
    tell("Delete")
    courier.drain()
    assert came(foreign.peer) == []
    assert states() == ["cancelled"] * 3


def test_what_was_tried_once_is_taken_back_there(tell, courier, foreign, clock):
    answer(foreign.peer, 500)
    tell("Create")
    courier.drain()
    tell("Delete")
    answer(foreign.peer, 202)
    clock.forward(minutes=1)
    courier.drain()
    courier.drain()
    assert came(foreign.peer) == ["Create 1", "Create 1", "Delete 1"]


def test_what_is_put_back_before_it_left_leaves_after_all(tell, courier, foreign):
    answer(foreign.peer, 202)
    for verb in ("Create", "Delete", "Undo"):
        tell(verb)
    courier.drain()
    assert came(foreign.peer) == ["Create 1"]


def test_five_failures_in_ten_minutes_open_the_circuit_and_one_thing_is_tried(
    tell, courier, foreign, clock
):
    answer(foreign.peer, 500)
    for number in range(8):
        tell("Create", str(number))
    for _ in range(5):
        courier.drain()
        clock.at = lane(foreign.host).next_try + timedelta(seconds=1)
    assert len(foreign.peer.asked) == 5
    assert lane(foreign.host).state == "open"
    answer(foreign.peer, 202)
    courier.drain()
    assert len(foreign.peer.asked) == 6
    assert lane(foreign.host).state == "ok"
    clock.forward(hours=1)
    courier.drain()
    assert lane(foreign.host).waiting == 0


@pytest.mark.parametrize("says", ["its actor", "no"])
def test_after_seven_days_of_failures_a_host_is_dead_and_asked_for_its_actor_once_a_day(
    tell, courier, foreign, clock, says
):
    theirs = foreign.application()
    db.session.add(Peer(host=foreign.host, actor_iri=theirs.iri, created_at=clock()))
    db.session.commit()
    answer(foreign.peer, 503)
    foreign.peer.answers["/actor"] = lambda _asked: Reply(503)
    for day in range(7):
        tell("Create", f"day{day}")
        tell("Create", f"own{day}", keep=timedelta(days=30))
        courier.drain()
        clock.forward(days=1)
    assert lane(foreign.host).state == "dead"
    kept = db.session.query(Delivery).filter_by(state="waiting").count()
    assert kept == 7, "a member's own acts are kept, copies for followers are not"
    foreign.peer.asked.clear()
    clock.forward(hours=8)
    courier.drain()
    courier.drain()
    assert [(a.method, a.target) for a in foreign.peer.asked] == [("GET", "/actor")]
    foreign.peer.serve("/actor", theirs.document)
    if says == "no":
        answer(foreign.peer, 403, "/actor")
    answer(foreign.peer, 202)
    clock.forward(days=1, hours=8)
    courier.drain()
    courier.drain()
    assert lane(foreign.host).state == "ok"
    assert lane(foreign.host).waiting == 0


def test_a_verified_request_from_a_resting_host_wakes_its_lane_at_once(tell, courier, foreign):
    foreign.house.runtime.clock = None
    answer(foreign.peer, 500)
    tell("Create")
    for _ in range(6):
        with writing(db.session()) as session:
            failed(session, foreign.host, datetime.now(UTC), "away")
            db.session.query(Delivery).update({"next_at": None})
    answer(foreign.peer, 202)
    assert courier.drain() == 0
    assert foreign.say(foreign.person(), "Follow", f"{ORIGIN}/p/none").status_code < 500
    lea = foreign.person()
    foreign.say(lea, "Listen", lea.iri)
    assert lane(foreign.host).state == "ok"
    assert courier.drain() == 1
    assert lane(foreign.host).waiting == 0


def test_an_inbox_that_is_gone_drops_its_follower_at_once(tell, courier, foreign, make, ada):
    space = follower(make, foreign, ada)
    answer(foreign.peer, 410)
    tell("Create")
    courier.drain()
    assert db.session.query(Follow).filter_by(space_id=space.id).count() == 0


def test_an_inbox_not_found_drops_its_follower_after_three_times_over_three_days(
    tell, courier, foreign, make, ada, clock
):
    space = follower(make, foreign, ada)
    answer(foreign.peer, 404)
    for number in range(4):
        tell("Create", str(number))
        courier.drain()
        clock.forward(hours=20)
    follows = db.session.query(Follow).filter_by(space_id=space.id)
    assert follows.count() == 1
    clock.forward(hours=20)
    tell("Create", "last")
    courier.drain()
    assert follows.count() == 0


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ({"title": "Missing", "status": 404, "code": "missing"}, True),
        ({"code": "rest_no_route", "message": "?", "data": {"status": 404}}, False),
    ],
)
def test_a_refusal_of_what_was_sent_says_nothing_of_the_inbox(
    tell, courier, foreign, make, ada, clock, told, kept
):
    space = follower(make, foreign, ada)
    foreign.peer.answers["/u/lea/inbox"] = lambda _asked: Reply(404, (), json.dumps(told).encode())
    for number in range(5):
        tell("Create", str(number))
        courier.drain()
        clock.forward(hours=20)
    assert states() == ["refused"] * 5
    assert db.session.query(Follow).filter_by(space_id=space.id).count() == kept
    assert db.session.query(GoneInbox).count() == 0


@pytest.mark.parametrize("status", [401, 403, 500])
def test_odd_words_of_a_host_are_written_on_one_line_and_never_make_us_send_again_at_once(
    tell, courier, foreign, status
):
    odd = b'{"detail": "blocked here\\ud800\\u0000\\n\\u001b]0;x\\u0007"}'
    foreign.peer.answers["/u/lea/inbox"] = lambda _asked: Reply(status, (), odd)
    tell("Create")
    for _ in range(5):
        courier.drain()
    assert len(foreign.peer.asked) == (2 if status == 401 else 1)
    db.session.rollback()
    row = db.session.query(Delivery).one()
    assert row.attempts == 1
    assert row.error.isprintable()
    assert row.error not in NOT_SENT, "nobody speaks with our voice"
    assert "x" in row.error if status < 500 else row.error


def test_what_came_of_a_letter_and_cannot_be_written_down_waits_longer_each_time(
    tell, courier, foreign, clock
):
    answer(foreign.peer, 202)
    tell("Create")
    row = db.session.query(Delivery).one()
    named = Outcome("\ud800", row.id, row.inbox, Unreachable("connect", "no"), clock(), None)
    outcomes = Outcomes()
    outcomes.tell(named)
    outcomes.write()
    db.session.rollback()
    row = db.session.query(Delivery).one()
    assert (row.state, row.attempts) == ("waiting", 1)
    assert row.next_at > clock()
    outcomes.write()
    assert db.session.query(Delivery).one().attempts == 1


@pytest.mark.parametrize("status", [404, 410])
def test_a_shared_inbox_that_stays_gone_drops_all_who_follow_through_it(
    tell, courier, foreign, make, ada, clock, status
):
    space = follower(make, foreign, ada)
    answer(foreign.peer, status, "/inbox")
    follows = db.session.query(Follow).filter_by(space_id=space.id)
    for left, hours in [(1, 0), (1, 1), (1, 70), (0, 3)]:
        clock.forward(hours=hours)
        tell("Create", f"after {hours}", "/inbox")
        courier.drain()
        assert follows.count() == left, hours


def follower(make, foreign, ada):
    from_now, foreign.house.runtime.clock = foreign.house.runtime.clock, None
    space = make.space(ada)
    assert foreign.say(foreign.person(), "Follow", space.iri).status_code == 202
    with writing(db.session()):
        db.session.query(Delivery).delete()
    foreign.house.runtime.clock = from_now
    return space


def test_a_host_that_says_how_long_is_left_alone_that_long_and_is_not_failing(
    tell, courier, foreign, clock
):
    answer(foreign.peer, 429, headers=(("Retry-After", "120"),))
    tell("Create")
    courier.drain()
    clock.forward(seconds=110)
    assert courier.drain() == 0
    assert lane(foreign.host).state == "ok"
    answer(foreign.peer, 202)
    clock.forward(seconds=20)
    assert courier.drain() == 1


def test_a_host_that_answers_403_twenty_times_refuses_us(tell, courier, foreign):
    answer(foreign.peer, 403)
    for number in range(20):
        tell("Create", str(number))
    courier.drain()
    assert lane(foreign.host).refuses_us
    assert (lane(foreign.host).state, lane(foreign.host).waiting) == ("ok", 0)


def test_what_waits_is_bounded_and_greetings_go_first(tell, foreign, clock):
    tell("Create", "1")
    tell("Like", "2")
    tell("Create", "3")
    tell("Like", "4")
    with writing(db.session()) as session:
        tidy(session, clock(), most=3)
    assert states() == ["waiting", "expired", "waiting", "waiting"]
    with writing(db.session()) as session:
        tidy(session, clock(), most=1)
    assert states() == ["expired", "expired", "waiting", "expired"]


def test_r53_names_below_one_registered_domain_count_as_one():
    one = {"a.abc.fr": "abc.fr", "b.c.abc.fr": "abc.fr", "abc.fr": "abc.fr", "a.xyz.io": "xyz.io"}
    below = {"a.x.co.uk": "x.co.uk", "b.x.asso.fr": "x.asso.fr", "a.x.gouv.fr": "x.gouv.fr"}
    for host, domain in (one | below | {"x.evil.org": "evil.org"}).items():
        assert domain_of(host) == domain


def test_r53_what_was_sent_and_who_was_met_is_forgotten_in_time(tell, courier, foreign, clock):
    """Delivered: a day. Refused, expired, taken back: thirty. A batch at a time. Hosts that only
    ever wrote: ninety days, and so many of one domain."""
    for verb in ("Create", "Update", "Like", "Announce"):
        tell(verb, verb)
    with writing(db.session()) as session:
        rows = session.query(Delivery).order_by(Delivery.id).all()
        for row, state in zip(rows, ("done", "refused", "cancelled", "waiting"), strict=True):
            row.state, row.done_at = state, None if state == "waiting" else clock()
        for number in range(600):
            host = f"n{number}.a.example" if number < 520 else f"n{number}.example"
            session.add(Peer(host=host, created_at=clock()))
        session.add(Peer(host="kept.a.example", created_at=clock(), decided_at=clock()))

    def left(**later):
        clock.forward(**later)
        for _ in range(3):
            with writing(db.session()) as session:
                forget(session, clock())
        return states(), db.session.query(Peer).count()

    # 50 of the one domain and its one that was decided about, 80 others, and whom we write to.
    assert left() == (["done", "refused", "cancelled", "waiting"], 50 + 1 + 80 + 1)
    assert left(days=2)[0] == ["refused", "cancelled", "waiting"]
    assert left(days=29)[0] == ["waiting"]
    assert left(days=60)[1] == 2
    assert db.session.query(OutboxItem).count() == 4
    left(days=100)
    assert db.session.query(OutboxItem).count() == 1


def test_an_administrator_pauses_resumes_and_retries(tell, courier, foreign, ada, clock, house):
    answer(foreign.peer, 202)
    tell("Create")
    given = ChoosePeer(foreign.host)
    with house.as_(ada) as work:
        pause_peer(work, given)
    assert courier.drain() == 0
    assert [one.state for one in lanes(db.session())] == ["paused"]
    with house.as_(ada) as work:
        resume_peer(work, given)
        failed(work.session, foreign.host, work.now, "away")
    assert courier.drain() == 0
    with house.as_(ada) as work:
        retry_peer(work, given)
    assert courier.drain() == 1
    assert lane(foreign.host).waiting == 0


def test_hosts_that_never_answer_do_not_take_the_threads_of_the_others(tell, courier, foreign):
    """Twice as many silent hosts as there are threads, and one that answers."""
    release = threading.Event()

    def silent(_asked):
        release.wait(20)
        return Reply(202)

    answer(foreign.peer, 202)
    with hostile_peer() as peer:
        peer.answers["/slow"] = silent
        tell("Create", "slow", "/slow", peer)
        courier._line.slow_until[f"127.0.0.1:{peer.port}"] = time.monotonic() + 60
        courier.step()
        tell("Create", "quick")
        courier.step()
        ends = time.monotonic() + 15
        while came(foreign.peer) != ["Create quick"] and time.monotonic() < ends:
            time.sleep(0.02)
        assert came(foreign.peer) == ["Create quick"]
        assert states() in (["waiting", "waiting"], ["waiting", "done"])
        release.set()
        while states() != ["done", "done"] and time.monotonic() < ends:
            time.sleep(0.05)
            courier.step()
    assert states() == ["done", "done"]


def test_what_a_process_sent_and_did_not_write_down_is_sent_again_by_the_next(
    tell, courier, federation, foreign
):
    """As when it is killed between the answer and the commit: told twice, lost never."""
    answer(foreign.peer, 202)
    tell("Create")
    courier.step()
    ends = time.monotonic() + 15
    while not came(foreign.peer) and time.monotonic() < ends:
        time.sleep(0.02)
    assert states() == ["waiting"]
    Courier(federation).drain()
    assert (came(foreign.peer), states()) == (["Create 1"] * 2, ["done"])


def test_many_letters_are_written_down_together_and_each_as_it_went(tell, courier, foreign):
    def picky(asked):
        return Reply(422 if b"o/2" in asked.body else 202)

    foreign.peer.answers["/u/lea/inbox"] = picky
    for number in range(4):
        tell("Create", str(number))
    courier.drain()
    rows = db.session.query(Delivery.state, Delivery.status, Delivery.attempts, Delivery.error)
    noted = [tuple(row) for row in rows.order_by(Delivery.id)]
    taken, refused = ("done", 202, 1, ""), ("refused", 422, 1, "status 422")
    assert noted == [taken, taken, refused, taken]
    assert db.session.get(Peer, foreign.host).scheme == "cavage"


def test_a_host_that_nobody_wrote_to_before_gets_one_letter_first(tell, courier, foreign):
    answer(foreign.peer, 202)
    for number in range(3):
        tell("Create", str(number))
    ends = time.monotonic() + 15
    courier.step()
    while len(came(foreign.peer)) < 1 and time.monotonic() < ends:
        time.sleep(0.02)
    begun = db.session.query(Delivery).filter(Delivery.begun_at.is_not(None))
    assert begun.count() == 1
    while states() != ["done"] * 3 and time.monotonic() < ends:
        time.sleep(0.05)
        courier.step()
    assert came(foreign.peer) == ["Create 0", "Create 1", "Create 2"]


def due(kind, number):
    return Due(f"{kind.name}{number}", kind, probing=False, dead=False, letters=True, behind=False)


def test_hosts_known_to_be_quick_come_first_and_slow_ones_take_few_places():
    line, everybody = LineUp(), [due(kind, n) for n in range(30) for kind in reversed(Kind)]
    chosen = line.choose(everybody)
    kinds = [one.kind for one in chosen]
    assert kinds == sorted(kinds)
    assert {kind: kinds.count(kind) for kind in Kind} == PLACES
    line.release([one.host for one in chosen])
    again = line.choose(everybody)
    quick = [one.host for one in again if one.kind == Kind.QUICK]
    assert not {*quick[:14]} & {one.host for one in chosen}, "who waited longest comes first"


def test_who_lets_us_wait_holds_no_place_of_a_quick_host():
    line = LineUp()
    assert len(line.choose([due(Kind.QUICK, n) for n in range(30)])) == PLACES[Kind.QUICK]
    assert line.choose([due(Kind.QUICK, 40)]) == []
    time.sleep(WAITS[Kind.QUICK] * 1.1)
    assert line.choose([due(Kind.QUICK, 40)]) == [due(Kind.QUICK, 40)]


def test_it_is_said_when_a_place_is_free_that_somebody_waits_for():
    line, many = LineUp(), [due(Kind.NEW, n) for n in range(PLACES[Kind.NEW] + 1)]
    line.choose(many[:-1])
    assert line.frees_in is None, "nobody waits"
    line.choose(many)
    assert 0 < line.frees_in <= WAITS[Kind.NEW]


def test_hosts_that_hang_at_first_contact_never_take_the_places_of_others(monkeypatch):
    monkeypatch.setitem(WAITS, Kind.NEW, 0.01)
    line, hanging = LineUp(), [due(Kind.NEW, n) for n in range(2 * THREADS)]
    under_way = []
    while some := line.choose(hanging):
        under_way += some
        time.sleep(0.02)
    assert len(under_way) == ASIDE + PLACES[Kind.NEW] < len(hanging)
    for kind in (Kind.QUICK, Kind.SLOW):
        assert len(line.choose([due(kind, n) for n in range(30)])) == PLACES[kind]
    line.release([under_way[0].host])
    assert len(line.choose(hanging)) == 1, "one that gave up makes room for the next"
