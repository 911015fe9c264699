"""Jobs that go together do as much, and lose as little, as jobs that go alone."""

from __future__ import annotations

from sqlalchemy import select

from collab.core.db import now
from collab.core.events import EventRow
from collab.core.jobs import Handler, Job, enqueue, run_due
from collab.web.extensions import db


def written():
    said = select(EventRow.data).where(EventRow.name == "done").order_by(EventRow.id)
    return [data["n"] for data in db.session.scalars(said)]


def test_one_job_that_fails_holds_up_none_of_those_it_goes_with(house):
    tried = []

    def handle(session, payloads):
        tried.append([payload["n"] for payload in payloads])
        for payload in payloads:
            told = {"name": "done", "space_id": 1, "actor_id": 1, "at": now(), "data": payload}
            session.add(EventRow(**told))
            session.flush()
            if payload["n"] == 3:
                raise ValueError("number three")

    for n in range(7):
        enqueue(db.session(), "few", {"n": n}, now())
        enqueue(db.session(), "many", {"n": n}, now())
    db.session.commit()
    seen = []
    handlers = {
        "few": Handler(handle, together=3),
        "many": Handler(lambda _session, payloads: seen.append(len(payloads)), batch=True),
    }
    assert run_due(db.session(), handlers, now()) == 14
    assert tried == [[0, 1, 2], [3, 4, 5], [3], [4], [5], [6]]
    assert written() == [0, 1, 2, 4, 5, 6]
    assert seen == [7]
    (kept,) = db.session.scalars(select(Job).where(Job.kind.in_(handlers))).all()
    assert (kept.payload, kept.attempts, "three" in kept.error) == ({"n": 3}, 1, True)
