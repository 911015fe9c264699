"""Work to do later, stored in the same database and the same transaction as its cause."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any, cast

from sqlalchemy import Table, delete, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from collab.core.db import Base, begin_immediate
from collab.core.rows import insert_rows

log = logging.getLogger(__name__)

Payload = dict[str, Any]
MAX_ATTEMPTS = 12
"""With the backoff below: a little under three days from first try to giving up."""
BATCH = 200


class Job(Base):
    """One thing to do. A row that used up its attempts stays, so that an operator sees it."""

    __tablename__ = "job"

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    payload: Mapped[dict[str, Any]]
    run_at: Mapped[datetime] = mapped_column(index=True)
    attempts: Mapped[int] = mapped_column(default=0)
    error: Mapped[str] = mapped_column(default="")


@dataclass(frozen=True)
class Handler:
    """How one kind of job is done: `run(session, payloads)`.

    A handler gets one payload, or up to `together` that stand one after the other. `run` must not
    commit: the runner removes the rows and commits what `run` wrote, in one transaction. When it
    fails for several, each is done for itself.

    A batch handler gets up to BATCH payloads at once and must be safe to repeat: it runs before
    the database's write lock is taken, because its own work takes long and lies elsewhere.
    """

    run: Callable[[Session, Sequence[Payload]], None]
    batch: bool = False
    together: int = 1


Handlers = Mapping[str, Handler]


def backoff(attempts: int) -> timedelta:
    """How long to wait before the next try: 1 min, 2, 4 ... capped at 12 hours."""
    return min(timedelta(minutes=2 ** max(attempts - 1, 0)), timedelta(hours=12))


def run_due(
    session: Session,
    handlers: Handlers,
    now: datetime,
    *,
    kinds: Collection[str] | None = None,
    strict: bool = False,
) -> int:
    """Run due jobs once, oldest first, each in its own transaction: or those that go together.

    Returns how many were tried. `kinds` limits which. `strict` lets the first error out instead
    of scheduling a retry; tests use it.
    """
    wanted = [k for k in handlers if kinds is None or k in kinds]
    due = session.execute(
        select(Job.id, Job.kind)
        .where(Job.kind.in_(wanted), Job.run_at <= now, Job.attempts < MAX_ATTEMPTS)
        .order_by(Job.id)
        .limit(BATCH)
    ).all()
    session.commit()
    batches: dict[str, list[int]] = {}
    alone = [row for row in due if not handlers[row.kind].batch]
    for kind, some in groupby(alone, lambda row: row.kind):
        _run_some(session, handlers[kind], [row.id for row in some], now, strict)
    for job_id, kind in due:
        if handlers[kind].batch:
            batches.setdefault(kind, []).append(job_id)
    for kind, ids in batches.items():
        _run(session, handlers[kind], ids, now, strict)
    return len(due)


def _run_some(
    session: Session, handler: Handler, ids: Sequence[int], now: datetime, strict: bool
) -> None:
    """As many in one transaction as the handler takes; where one fails, each in its own."""
    for start in range(0, len(ids), handler.together):
        part = ids[start : start + handler.together]
        if len(part) > 1:
            try:
                _done(session, handler, part)
                continue
            except Exception as error:  # the job boundary: the one that fails is told below
                session.rollback()
                log.info("jobs are done one by one ids=%s: %r", part, error)
        for job_id in part:
            _run(session, handler, [job_id], now, strict)


def _run(
    session: Session, handler: Handler, ids: Sequence[int], now: datetime, strict: bool
) -> None:
    try:
        _done(session, handler, ids)
    except Exception as error:  # the job boundary: log, keep the rows, try later
        session.rollback()
        if strict:
            raise
        log.warning("job failed ids=%s: %r", ids, error, exc_info=True)
        _postpone(session, ids, now, repr(error))


def _done(session: Session, handler: Handler, ids: Sequence[int]) -> None:
    """Do jobs and remove their rows, in one transaction. Raises whatever the handler does."""
    if not handler.batch:
        begin_immediate(session)
    rows = session.execute(
        select(Job.id, Job.payload).where(Job.id.in_(ids)).order_by(Job.id)
    ).all()
    handler.run(session, [dict(row.payload) for row in rows])
    if handler.batch:
        begin_immediate(session)
    session.execute(delete(Job).where(Job.id.in_(ids)))
    session.commit()


def _postpone(session: Session, ids: Sequence[int], now: datetime, error: str) -> None:
    begin_immediate(session)
    for job_id, attempts in session.execute(select(Job.id, Job.attempts).where(Job.id.in_(ids))):
        session.execute(
            update(Job)
            .where(Job.id == job_id)
            .values(attempts=attempts + 1, error=error[:2000], run_at=now + backoff(attempts + 1))
        )
    session.commit()


def enqueue(session: Session, kind: str, payload: Payload, run_at: datetime) -> None:
    """Write a job down in the caller's transaction; it runs at `run_at` or soon after."""
    session.add(Job(kind=kind, payload=payload, run_at=run_at))


def enqueue_all(session: Session, jobs: Sequence[tuple[str, Payload]], run_at: datetime) -> None:
    """Write many jobs down at once, in their order, in the caller's transaction."""
    if jobs:
        rows = [{"kind": kind, "payload": payload, "run_at": run_at} for kind, payload in jobs]
        insert_rows(session, cast("Table", Job.__table__), rows)
