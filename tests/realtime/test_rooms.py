"""What open pages are told: in order, exactly once, and only what their reader may see."""

from __future__ import annotations

import socket
import threading
import time

import gevent
import pytest
from realtime.live import LiveHouse
from realtime.loopback import SECONDS
from sqlalchemy import func, select, update
from sqlalchemy.event import listens_for

from collab.core.events import EventRow
from collab.people.models import Account, Actor
from collab.people.queries import account_of
from collab.people.tokens import revoke_token
from collab.realtime import server as serving
from collab.realtime import tail as tailing
from collab.spaces.membership import AskToJoin, Decide, ask_to_join, change_role, remove_member
from collab.spaces.models import Role, Space, Visibility
from collab.web.extensions import db

pytest_plugins = ("realtime.fixtures",)


def head():
    """The newest fact, as a page that is rendered now would say."""
    seq = db.session.scalar(select(func.max(EventRow.id)))
    db.session.rollback()
    return seq


def seqs(socket, count):
    return [socket.event("happened")[1]["seq"] for _ in range(count)]


def commit(statement):
    db.session.execute(statement)
    db.session.commit()


def put_out(socket, seconds=5):
    """Wait for the word that this socket no longer belongs; INTERFACE: within five seconds."""
    began = time.monotonic()
    told = socket.event("put_out")[1]
    assert time.monotonic() - began < seconds
    return told


def test_a_fact_reaches_the_pages_of_its_space_and_no_other(live, make):
    loutre, mesange = make.person("loutre"), make.person("mesange")
    jardin, ecole = make.space(loutre, mesange), make.space(loutre, slug="ecole")
    with live.socket(mesange) as here, live.socket(mesange) as there:
        seq = here.ask("join", {"space": "jardin"})["seq"]
        assert seq == head()
        assert there.ask("join", {"space": "ecole"}) == {"seq": seq}
        live.happen(loutre, jardin)
        told = here.event("happened")[1]
        assert told.pop("at").endswith("+00:00")
        assert told == {
            "seq": seq + 1,
            "name": "space.revised",
            "space": "jardin",
            "item": None,
            "by": "loutre@here.example",
            "label": "loutre",
        }
        live.happen(loutre, ecole)
        assert there.event("happened")[1]["space"] == "ecole"
        assert here.nothing("happened")


def test_a_page_that_comes_back_is_told_exactly_what_it_missed(live, make):
    loutre = make.person("loutre")
    jardin, ecole = make.space(loutre), make.space(loutre, slug="ecole")
    rendered = head()
    live.happen(loutre, jardin, 5)
    live.happen(loutre, ecole, 3)
    live.happen(loutre, jardin, 2)
    with live.socket(loutre) as page:
        assert page.ask("join", {"space": "jardin", "after": rendered}) == {"seq": rendered + 10}
        live.happen(loutre, jardin)
        wanted = [*range(rendered + 1, rendered + 6), *range(rendered + 9, rendered + 12)]
        assert seqs(page, 8) == wanted
        assert page.nothing("happened")
    with live.socket(loutre) as page:
        assert page.ask("join", {"space": "jardin", "after": head()}) == {"seq": rendered + 11}
        assert page.nothing("happened")


def test_pages_that_join_while_things_happen_miss_nothing_and_hear_nothing_twice(live, make):
    loutre = make.person("loutre")
    jardin = make.space(loutre)

    @listens_for(db.engine, "before_cursor_execute")
    def let_others_run(*_):
        """As a query to PostgreSQL does under gevent; SQLite's would hide a race."""
        if threading.current_thread() is live._thread:
            gevent.sleep(0.001)

    rendered = head()
    done = threading.Event()

    def act():
        with live.house.app.app_context():
            for _ in range(150):
                live.happen(loutre, jardin)
        done.set()

    thread = threading.Thread(target=act)
    thread.start()
    heard = []
    while not done.is_set():
        # Each time a new connection, from where the last one was cut.
        with live.socket() as page:
            after = heard[-1] if heard else rendered
            answer = page.ask("join", {"space": "jardin", "after": after})
            assert "resync" not in answer
            time.sleep(0.02)
            page.nothing("happened", 0.01)
            heard += [data["seq"] for name, data in page.events if name == "happened"]
    thread.join(SECONDS)
    with live.socket() as page:
        page.ask("join", {"space": "jardin", "after": heard[-1] if heard else rendered})
        page.nothing("happened")
        heard += [data["seq"] for name, data in page.events if name == "happened"]
    assert heard == list(range(rendered + 1, rendered + 151))


def test_a_page_that_was_away_too_long_reads_itself_again(live, make, monkeypatch):
    monkeypatch.setattr(tailing, "REPLAY", 4)
    loutre = make.person("loutre")
    jardin = make.space(loutre)
    rendered = head()
    live.happen(loutre, jardin, 5)
    with live.socket(loutre) as page:
        answer = page.ask("join", {"space": "jardin", "after": rendered})
        assert answer == {"seq": rendered + 5, "resync": True}
        assert page.events == []
        assert page.ask("join", {"space": "jardin", "after": rendered + 1}) == {"seq": rendered + 5}
        assert seqs(page, 4) == list(range(rendered + 2, rendered + 6))
        live.happen(loutre, jardin)
        assert seqs(page, 1) == [rendered + 6]


@pytest.mark.parametrize("after", [-1, 10**12])
def test_a_page_from_another_time_reads_itself_again(live, make, after):
    make.space(make.person("loutre"))
    with live.socket() as page:
        answer = page.ask("join", {"space": "jardin", "after": after})
        assert answer == {"seq": head(), "resync": True}


def test_a_thousand_missed_facts_fit_through_the_capped_queue(live, make):
    loutre = make.person("loutre")
    jardin = make.space(loutre)
    rendered = head()
    row = {"name": "space.revised", "space_id": jardin.id, "actor_id": loutre.id}
    now = db.session.scalar(select(EventRow.at).limit(1))
    commit(EventRow.__table__.insert().values([row | {"at": now, "data": row} for _ in range(999)]))
    with live.socket(loutre, buffer=4096) as page:
        page.ask("join", {"space": "jardin", "after": rendered})
        assert seqs(page, 999) == list(range(rendered + 1, rendered + 1000))


def test_a_stranger_reads_a_public_space_and_not_another(live, make):
    loutre = make.person("loutre")
    make.space(loutre)
    make.space(loutre, slug="secret", visibility=Visibility.MEMBERS)
    make.space(loutre, slug="village", visibility=Visibility.LOCAL)
    with live.socket() as stranger:
        assert "seq" in stranger.ask("join", {"space": "jardin"})
        assert stranger.ask("join", {"space": "secret"})["code"] == "missing"
        assert stranger.ask("join", {"space": "village"})["code"] == "missing"
        assert stranger.ask("join", {"space": "nowhere"})["code"] == "missing"
    with live.socket(make.person("mesange")) as neighbour:
        assert "seq" in neighbour.ask("join", {"space": "village"})
        assert neighbour.ask("join", {"space": "secret"})["code"] == "missing"


def test_who_asks_to_join_is_told_to_nobody_and_who_belongs_only_to_members(live, make):
    loutre, heron = make.person("loutre"), make.person("heron")
    jardin = make.space(loutre)
    with live.socket(loutre) as member, live.socket() as stranger:
        seq = member.ask("join", {"space": "jardin"})["seq"]
        stranger.ask("join", {"space": "jardin"})
        with live.house.as_(heron) as work:
            ask_to_join(work, work.session.get_one(Space, jardin.id), AskToJoin())
        make.member(jardin, loutre, make.person("mesange"))
        assert member.event("happened")[1]["name"] == "member.admitted"
        assert stranger.nothing("happened")
        stranger.ask("join", {"space": "jardin", "after": seq})
        assert [name for name, _ in stranger.events if name == "happened"] == []


def test_a_removed_member_is_put_out(live, make):
    loutre, mesange = make.person("loutre"), make.person("mesange")
    secret = make.space(loutre, mesange, slug="secret", visibility=Visibility.MEMBERS)
    with live.socket(mesange) as page:
        assert "seq" in page.ask("join", {"space": "secret"})
        with live.house.as_(loutre) as work:
            remove_member(work, work.session.get_one(Space, secret.id), Decide(member=mesange.id))
        assert put_out(page) == {"space": "secret", "code": "missing"}
        page.events.clear()
        live.happen(loutre, secret)
        assert page.nothing("happened")
        assert page.ask("join", {"space": "secret"})["code"] == "missing"


def test_a_space_that_becomes_private_puts_strangers_out(live, make):
    loutre = make.person("loutre")
    jardin = make.space(loutre)
    with live.socket() as stranger, live.socket(loutre) as member:
        stranger.ask("join", {"space": "jardin"})
        member.ask("join", {"space": "jardin"})
        commit(update(Space).values(visibility=Visibility.MEMBERS))
        live.happen(loutre, jardin)
        assert put_out(stranger)["space"] == "jardin"
        assert member.event("happened")[1]["name"] == "space.revised"


def test_a_reader_who_becomes_a_member_is_told_what_members_are(live, make):
    loutre, mesange, heron = (make.person(name) for name in ("loutre", "mesange", "heron"))
    jardin = make.space(loutre)
    with live.socket(mesange) as page:
        page.ask("join", {"space": "jardin"})
        make.member(jardin, loutre, mesange)
        until_named(page, "mesange")
        make.member(jardin, loutre, heron)
        with live.house.as_(loutre) as work:
            given = Decide(member=heron.id, role=Role.FACILITATOR)
            change_role(work, work.session.get_one(Space, jardin.id), given)
        names = []
        while names[-1:] != ["member.role"]:
            names.append(page.event("happened")[1]["name"])
        assert names[-2:] == ["member.admitted", "member.role"]


def until_named(page, label):
    while label not in {p["label"] for p in page.event("presence")[1]["people"]}:
        pass


@pytest.fixture
def often(monkeypatch):
    """The clock goes faster; a revoked token, below, is found by the one that people have."""
    monkeypatch.setattr("collab.realtime.doorkeeper.SWEEP", 0.1)


@pytest.mark.parametrize(
    "end",
    [
        lambda actor: update(Account).values(epoch=Account.epoch + 1),
        lambda actor: update(Account).values(disabled_at=actor.created_at),
        lambda actor: (
            update(Actor).where(Actor.id == actor.id).values(suspended_at=actor.created_at)
        ),
    ],
    ids=["logged out everywhere", "disabled", "suspended"],
)
def test_an_account_that_has_ended_is_put_out_of_every_room(often, live, make, end):
    loutre, mesange = make.person("loutre"), make.person("mesange")
    jardin = make.space(loutre, mesange)
    with live.socket(mesange) as page, live.socket() as stranger:
        page.ask("join", {"space": "jardin"})
        stranger.ask("join", {"space": "jardin"})
        commit(end(mesange))
        assert put_out(page) == {"space": None, "code": "unauthenticated"}
        live.happen(loutre, jardin)
        assert stranger.event("happened")
        assert page.text() == "41"


def test_a_revoked_token_is_put_out(live, make):
    loutre = make.person("loutre")
    make.space(loutre)
    token = live.token(loutre, "read")
    with live.socket(auth={"token": token}) as script:
        script.ask("join", {"space": "jardin"})
        with live.house.as_(loutre) as work:
            revoke_token(work, account_of(work.session, loutre.id), 1)
        assert put_out(script)["code"] == "unauthenticated"


def test_facts_that_another_process_commits_are_told(live, make):
    loutre = make.person("loutre")
    jardin = make.space(loutre)
    with live.socket(loutre) as page:
        seq = page.ask("join", {"space": "jardin"})["seq"]
        row = EventRow(
            name="space.revised", space_id=jardin.id, actor_id=loutre.id,
            at=jardin.created_at, data={},
        )  # fmt: skip
        db.session.add(row)
        db.session.commit()  # no pulse: a process that died right after its commit
        assert seqs(page, 1) == [seq + 1]


def test_the_server_says_goodbye_when_it_stops(house, make):
    make.space(make.person("loutre"))
    with LiveHouse(house) as live:
        page = live.socket()
        page.ask("join", {"space": "jardin"})
    with page:
        assert page.rest()[1].code == 1001


def test_a_connection_that_says_nothing_is_closed(house, monkeypatch):
    monkeypatch.setattr(serving, "SILENCE", 0.3)
    with LiveHouse(house) as live, socket.create_connection(("127.0.0.1", live.port)) as mute:
        mute.settimeout(SECONDS)
        mute.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n")
        while mute.recv(4096):
            pass
