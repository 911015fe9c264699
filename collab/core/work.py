"""A unit of work: who acts, when, in which transaction. The only place that commits a change."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from types import TracebackType
from typing import Any, Protocol, Self, TypeVar, cast

from sqlalchemy import Table, insert, text
from sqlalchemy.orm import Session
from ulid import ULID

from collab.core.bulk import Bulk
from collab.core.db import Base, begin_immediate, now
from collab.core.events import Event, EventRow
from collab.core.forge import Forge, no_forge
from collab.core.jobs import enqueue, enqueue_all
from collab.core.rows import insert_rows

T = TypeVar("T")
B = TypeVar("B", bound=Base)
Pulse = Callable[[], None]
JOURNAL_LOCK = 0x636F6C6C
"""PostgreSQL advisory lock held while journal rows are written, so ids grow in commit order."""


class Actor(Protocol):
    """All that an operation may know about who acts; see people.models.Actor."""

    @property
    def id(self) -> int:
        """The row of the actor in this database; 0 for nobody."""

    @property
    def iri(self) -> str:
        """The address that names the actor on every instance."""

    @property
    def local(self) -> bool:
        """Whether the actor lives on this instance."""


class Needless(Protocol):
    """Whether a follower has nothing to do for an event, so that no job is written."""

    def __call__(self, follower: str, event: Event, *, mirrored: bool) -> bool: ...


def every_event(follower: str, event: Event, *, mirrored: bool) -> bool:
    """Every follower has something to do for every event."""
    return False


class Work:
    """Use as a context manager: leaving cleanly commits, leaving by exception rolls back.

    `origin` is this instance's canonical origin (`https://a.example`), for new IRIs.
    `cause` is the IRI of the remote activity that brought this act, if one did.
    `mirrored` says that the project's host has already decided this act (it stands in its signed
    log): permissions and house rules were applied there and are not applied again.
    `bulk` says that many acts come at once, which all succeed or none does (see `core.bulk`).
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
        bulk: bool = False,
        needless: Needless = every_event,
    ) -> None:
        self.session = session
        self.actor = actor
        self.origin = origin
        self.now = at or now()
        self.cause = cause
        self.mirrored = mirrored
        self.forge = forge
        self.bulk = Bulk(session) if bulk else None
        self._followers = followers
        self._needless = needless
        self._pulse = pulse
        self._events: list[tuple[Event, str | None]] = []
        self._caused: list[tuple[str, dict[str, object]]] = []
        self._absent: set[tuple[str, str]] = set()

    def acting(self, actor: Actor, cause: str | None) -> None:
        """Let another actor act from here on, in the same transaction (a page of a log)."""
        self.actor, self.cause = actor, cause

    def record(self, event: Event) -> None:
        """State a fact. It becomes visible, and is acted upon, only if the work commits."""
        self._events.append((event, self.cause))

    @property
    def eventful(self) -> bool:
        """Whether a fact was stated since the work began."""
        return bool(self._events)

    def later(self, kind: str, payload: dict[str, object], run_at: datetime | None = None) -> None:
        """Write down a job that runs after this work has committed."""
        enqueue(self.session, kind, dict(payload), run_at or self.now)

    def add(self, row: Base) -> None:
        """A new row, which has its id from here on."""
        if self.bulk is not None:
            self.bulk.add(row)
        else:
            self.session.add(row)
            self.session.flush()

    def make(self, model: type[B], **values: Any) -> B:
        """A new row for `add`, with these columns."""
        return model(**values) if self.bulk is None else self.bulk.make(model, values)

    def write(self, model: type[Base], **values: Any) -> None:
        """A new row that nobody reads back; its columns are all said, or have defaults."""
        if self.bulk is None:
            self.session.add(model(**values))
            self.session.flush()
        else:
            self.bulk.write(model, values)

    def flush(self) -> None:
        """Write what waits, where that is worth it for one act."""
        if self.bulk is None:
            self.session.flush()

    def look(self, kind: str, key: str, ask: Callable[[], T]) -> T:
        """What `ask` finds; in bulk, what was read ahead for many acts.

        That there is nothing under a key is asked once, until something is remembered there.
        """
        if self.bulk is not None:
            return self.bulk.look(kind, key, ask)
        if (kind, key) in self._absent:
            return cast("T", None)
        found = ask()
        if found is None:
            self._absent.add((kind, key))
        return found

    def remember(self, kind: str, key: str, found: object) -> None:
        """What was made stands under that key from here on."""
        self._absent.discard((kind, key))
        if self.bulk is not None:
            self.bulk.remember(kind, key, found)

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """A part that may fail alone: a Problem inside undoes the part and its facts, and rises.

        In bulk nothing fails alone: whoever gets a Problem gives the whole work up.
        """
        if self.bulk is not None:
            yield
            return
        known = len(self._events)
        try:
            with self.session.begin_nested():
                yield
        except Exception:
            del self._events[known:]
            self._absent.clear()
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
        try:
            if kind is None:
                self._write_down()
                enqueue_all(self.session, self._caused, self.now)
                self.session.commit()
            else:
                self.session.rollback()
        except BaseException:
            self.session.rollback()
            raise
        finally:
            if self.bulk is not None:
                self.bulk.close()
        if kind is None:
            self._pulse()

    def _write_down(self) -> None:
        """Every fact and the jobs it causes, in the transaction of the change itself."""
        self.session.flush() if self.bulk is None else self.bulk.end()
        if not self._events:
            return
        if self.session.get_bind().dialect.name == "postgresql":
            self.session.execute(text("SELECT pg_advisory_xact_lock(:k)"), {"k": JOURNAL_LOCK})
        mirrored = self.mirrored
        rows = [EventRow.of(e, self.now, cause, mirrored=mirrored) for e, cause in self._events]
        for number, (event, _cause) in zip(self._told(rows), self._events, strict=True):
            heard = (f for f in self._followers if not self._needless(f, event, mirrored=mirrored))
            self._caused += [(job, {"event": number}) for job in heard]
        self._events.clear()

    def _told(self, rows: list[dict[str, Any]]) -> Sequence[int]:
        """Write rows of the journal; their ids."""
        if self.bulk is None:
            added = insert(EventRow).returning(EventRow.id, sort_by_parameter_order=True)
            return self.session.scalars(added, rows).all()
        table = cast("Table", EventRow.__table__)
        ids = [self.bulk.number(table) for _ in rows]
        insert_rows(
            self.session, table, [{"id": n, **row} for n, row in zip(ids, rows, strict=True)]
        )
        return ids


def new_uid() -> str:
    """A fresh ULID in lower case: sortable by time, unguessable, never reused."""
    return str(ULID()).lower()
