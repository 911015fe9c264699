"""Writers of one process take turns at the database."""

from __future__ import annotations

import threading

import pytest
from sqlalchemy.orm import Session

from collab.core.db import writing
from collab.people.models import Peer
from collab.web.extensions import db


def note(name: str, at) -> None:
    with Session(db.engine) as session, writing(session):
        session.add(Peer(host=name, created_at=at))


@pytest.mark.parametrize("fails", [False, True])
def test_who_waits_for_a_writer_of_this_process_writes_after_it_even_if_it_failed(
    house, make, fails
):
    at, engine = make.person("ada").created_at, db.engine
    begun, order = threading.Event(), []

    def first() -> None:
        try:
            with Session(engine) as session, writing(session):
                session.add(Peer(host="a.example", created_at=at))
                session.flush()
                begun.set()
                second.join(0.3)
                order.append("first")
                if fails:
                    raise InterruptedError
        except InterruptedError:
            pass

    def then() -> None:
        begun.wait(10)
        with Session(engine) as session, writing(session):
            order.append("second")
            session.add(Peer(host="b.example", created_at=at))

    db.session.commit()
    second = threading.Thread(target=then)
    one = threading.Thread(target=first)
    second.start()
    one.start()
    for thread in (one, second):
        thread.join(20)
    assert order[0] == "first" or engine.dialect.name == "postgresql"
    assert sorted(order) == ["first", "second"]
    hosts = {host for (host,) in db.session.query(Peer.host)}
    assert hosts >= {"b.example"}
    assert ("a.example" in hosts) is not fails


def test_a_unit_of_work_inside_another_of_the_same_session_ends_the_first_and_takes_its_turn(
    house, make
):
    at = make.person("ada").created_at
    with writing(db.session()) as session:
        session.add(Peer(host="a.example", created_at=at))
        with writing(session):
            session.add(Peer(host="b.example", created_at=at))
        note("c.example", at)
    assert {host for (host,) in db.session.query(Peer.host)} >= {
        "a.example",
        "b.example",
        "c.example",
    }
