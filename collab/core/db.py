"""The declarative base, aware datetimes, and how a connection to the database behaves."""

from __future__ import annotations

import random
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from threading import Lock
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import JSON, Connection, DateTime, Dialect, Engine, MetaData, event
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import DeclarativeBase, Session, SessionTransaction
from sqlalchemy.types import TypeDecorator

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
BUSY_TIMEOUT = 100
"""Milliseconds that SQLite itself waits for its one writer: short, because this wait happens in C
and stops every greenlet of the process. The long wait is ours, and lets others go on."""
PATIENCE = 8.0
"""Seconds that a unit of work waits for its turn to write before it gives up."""
_turns: WeakKeyDictionary[Engine | Connection, Lock] = WeakKeyDictionary()
"""Whose turn it is to write among the threads of this process, for each SQLite database."""


class Instant(TypeDecorator[datetime]):
    """An aware UTC datetime; refuses naive values, so no timezone is ever guessed."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """What is stored: UTC without a timezone. Raises ValueError for a naive datetime."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("naive datetime: every instant carries its timezone")
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """What was stored, as an aware datetime in UTC."""
        return None if value is None else value.replace(tzinfo=UTC)


class Base(DeclarativeBase):
    """The parent of every table: names of constraints, UTC instants, JSON."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map = {datetime: Instant, dict[str, Any]: JSON, list[str]: JSON}


def now() -> datetime:
    """The current instant, aware, in UTC."""
    return datetime.now(UTC)


def prepare(engine: Engine) -> None:
    """Make every connection of `engine` durable and fair.

    SQLite: WAL, foreign keys, a busy timeout, and explicit BEGIN so that a unit of work can ask
    for the write lock before it reads (`begin_immediate`). PostgreSQL needs nothing here.
    """
    if engine.dialect.name != "sqlite":
        return
    event.listen(engine, "connect", _sqlite_connect)
    event.listen(engine, "begin", _sqlite_begin)
    _turns[engine] = Lock()


def _sqlite_connect(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout={PATIENCE * 1000:.0f}")
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT}")
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()


def _sqlite_begin(connection: Connection) -> None:
    immediate = connection.get_execution_options().get("immediate")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")


def insert_once(session: Session, model: type[Base], key: str, **values: Any) -> bool:
    """Write a row unless there is one with that `key` (a unique column); whether it was written.

    One statement, also where two processes do so at once. Nothing of it is in the session.
    """
    postgresql = session.get_bind().dialect.name == "postgresql"
    insert = (postgresql_insert if postgresql else sqlite_insert)(model.__table__)  # type: ignore[arg-type]
    one = insert.values(**values).on_conflict_do_nothing(index_elements=[key])
    # Otherwise nothing is kept of how many rows an insertion wrote on PostgreSQL.
    done = session.execute(one, execution_options={"preserve_rowcount": True})
    return bool(done.rowcount == 1)  # type: ignore[attr-defined]


@contextmanager
def writing(session: Session) -> Iterator[Session]:
    """A short write transaction for bookkeeping that is no act of anybody (see `Work` for acts).

    Takes the write lock first, so that what is read inside is current when it is written.
    """
    begin_immediate(session)
    try:
        yield session
        session.commit()
    except BaseException:
        session.rollback()
        raise


def begin_immediate(session: Session) -> None:
    """Start a write transaction that holds SQLite's write lock from its first read on.

    Ends the read transaction the session may have open, so that what the operation reads is
    current. Raises `sqlalchemy.exc.OperationalError` when the lock is not had in time.
    """
    if session.in_transaction():
        session.commit()
    ends = time.monotonic() + PATIENCE
    while not _begun(session, ends):
        time.sleep(random.uniform(0.005, 0.05))  # noqa: S311 - so that waiters do not march in step


def _take_turn(session: Session) -> None:
    """Queue with the other writers of this process: they wake each other at once, while SQLite
    has each of them look again now and then. It is a courtesy: the lock that counts is SQLite's,
    so whoever waited too long goes on without."""
    turn = _turns.get(session.get_bind())
    if turn is not None and turn.acquire(timeout=PATIENCE / 2):
        session.info["turn"] = turn


def _end_turn(session: Session) -> None:
    turn = session.info.pop("turn", None)
    if turn is not None:
        turn.release()


@event.listens_for(Session, "after_transaction_end")
def _after_transaction(session: Session, transaction: SessionTransaction) -> None:
    if transaction.parent is None:
        _end_turn(session)


def _begun(session: Session, ends: float) -> bool:
    """Try to begin. False when another process writes; raises after `ends` (monotonic)."""
    _take_turn(session)
    try:
        session.connection(execution_options={"immediate": True})
    except OperationalError as error:
        session.rollback()
        locked = "locked" in str(error.orig) or "busy" in str(error.orig)
        if not locked or time.monotonic() > ends:
            raise
        return False
    except BaseException:
        session.rollback()
        raise
    finally:
        if not session.in_transaction():
            _end_turn(session)
    return True
