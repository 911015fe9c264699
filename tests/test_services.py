"""What the server does beside answering: every kind of job has somebody who does it."""

from __future__ import annotations

from datetime import timedelta

from collab.core.db import now, writing
from collab.core.jobs import Handler, Job, enqueue
from collab.web.extensions import db


def test_every_kind_of_job_is_done_by_a_service_of_the_server(house):
    done = []

    def noting(kind):
        return lambda _session, payloads: done.extend([kind] * len(payloads))

    kinds = sorted(house.runtime.handlers)
    for kind, handler in list(house.runtime.handlers.items()):
        house.runtime.handlers[kind] = Handler(noting(kind), batch=handler.batch)
    with writing(db.session()) as session:
        session.query(Job).delete()
        for kind in kinds:
            enqueue(session, kind, {}, now() - timedelta(seconds=1))
    for service in house.runtime.services:
        if service.name == "jobs" or service.name in kinds:
            service.step()
    assert sorted(done) == kinds
    assert db.session.query(Job).count() == 0
