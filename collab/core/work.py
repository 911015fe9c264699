"""A unit of work: who acts, when, in which transaction. The only place that commits a change."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from types import TracebackType
from typing import Protocol, Self

from sqlalchemy import text
from sqlalchemy.orm import Session
from ulid import ULID

from collab.core.db import begin_immediate, now
from collab.core.errors import Problem
from collab.core.events import Event, EventRow
from collab.core.forge import Forge, no_forge
from collab.core.jobs import enqueue, enqueue_all

Pulse = Callable[[], None]
JOURNAL_LOCK = 0x636F6C6C
"""PostgreSQL advisory lock held while journal rows are written, so ids grow in commit order."""


class Actor(Protocol):
    """All that an operation may know about who acts; see people.models.Actor."""

    @property
    def id(self) -> int: ...
    @property
    def iri(self) -> str: ...
    @property
    def local(self) -> bool: ...


class Work:
    """Use as a context manager: leaving cleanly commits, leaving by exception rolls back.

    `origin` is this instance's canonical origin (`https://a.example`), for new IRIs.
    `cause` is the IRI of the remote activity that brought this act, if one did.
    `mirrored` says that the project's host has already decided this act (it stands in its signed
    log): permissions and house rules were applied there and are not applied again.
    """

    def __init__(  # noqa: PLR0913 - wiring, said in full in one place
        self,
        session: Session,
        actor: Actor,
        *,
        origin: str,
        followers: Sequence[str] = (),
        pulse: Pulse = lambda: None,
        forge: Forge = no_forge,
        at: datetime | None = None,
        cause: str | None = None,
        mirrored: bool = False,
    ) -> None:
        self.session = session
        self.actor = actor
        self.origin = origin
        self.now = at or now()
        self.cause = cause
        self.mirrored = mirrored
        self.forge = forge
        self._followers = followers
        self._pulse = pulse
        self._events: list[Event] = []
        self._caused: list[tuple[str, dict[str, object]]] = []

    def acting(self, actor: Actor, cause: str | None) -> None:
        """Let another actor act from here on, in the same transaction (a page of a log)."""
        self._write_down()
        self.actor, self.cause = actor, cause

    def record(self, event: Event) -> None:
        """State a fact. It becomes visible, and is acted upon, only if the work commits."""
        self._events.append(event)

    def later(self, kind: str, payload: dict[str, object], run_at: datetime | None = None) -> None:
        """Write down a job that runs after this work has committed."""
        enqueue(self.session, kind, dict(payload), run_at or self.now)

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """A part that may fail alone: a Problem inside undoes the part and its facts, and rises."""
        known = len(self._events)
        try:
            with self.session.begin_nested():
                yield
        except Problem:
            del self._events[known:]
            raise

    def mint(self, path: str) -> str:
        """A fresh IRI of this instance: `mint("/o/")` gives `https://a.example/o/<ulid>`."""
        return f"{self.origin}{path}{new_uid()}"

    def __enter__(self) -> Self:
        begin_immediate(self.session)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is not None:
            self.session.rollback()
            return
        try:
            self._write_down()
            enqueue_all(self.session, self._caused, self.now)
            self.session.commit()
        except BaseException:
            self.session.rollback()
            raise
        self._pulse()

    def _write_down(self) -> None:
        """Every fact and the jobs it causes, in the transaction of the change itself."""
        if self._events and self.session.get_bind().dialect.name == "postgresql":
            self.session.execute(text("SELECT pg_advisory_xact_lock(:k)"), {"k": JOURNAL_LOCK})
        for event in self._events:
            row = EventRow.of(event, self.now, self.cause, mirrored=self.mirrored)
            self.session.add(row)
            self.session.flush()
            self._caused += [(job, {"event": row.id}) for job in self._followers]
        self._events.clear()


def new_uid() -> str:
    """A fresh ULID in lower case: sortable by time, unguessable, never reused."""
    return str(ULID()).lower()
