"""Many acts in one transaction: rows are numbered at once, written together, and read ahead.

What a page of history brings is known before it is applied. So its rows get their ids here, wait
in the session until something is asked of the database or the work ends, and what the operations
will look up is read for all of them at once. The operations are the same ones, act after act.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from itertools import count
from typing import Any, TypeVar, cast

from sqlalchemy import Table, event, func, inspect, select, text
from sqlalchemy.orm import Session

from collab.core.db import Base
from collab.core.rows import insert_rows

T = TypeVar("T")
BLOCK = 100
"""Ids taken from a PostgreSQL sequence at once."""


@cache
def _defaults(model: type[Base]) -> list[tuple[str, Any]]:
    """The attributes of a model that have a default of their own, each with it."""
    found = []
    for attribute in inspect(model).column_attrs:
        default = attribute.columns[0].default
        if default is not None and (default.is_scalar or default.is_callable):
            found.append((attribute.key, default))
    return found


class Bulk:
    """For one unit of work that holds the database's write lock (SQLite), or its own ids."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._ids: dict[str, Iterator[int]] = {}
        self._rows: dict[type[Base], list[dict[str, Any]]] = {}
        self._read: dict[tuple[str, str], object] = {}
        event.listen(session, "after_flush", self._after_flush)

    def close(self) -> None:
        """The work has ended, one way or the other."""
        event.remove(self._session, "after_flush", self._after_flush)

    # Ids

    def complete(self, row: Base) -> None:
        """Give a new row its id and the values its columns have when nothing is said, as writing
        it at once would."""
        mapper = inspect(type(row))
        for name, default in _defaults(type(row)):
            if name not in row.__dict__:
                setattr(row, name, default.arg(None) if default.is_callable else default.arg)
        row.id = self.number(cast("Table", mapper.base_mapper.local_table))  # type: ignore[attr-defined]

    def number(self, table: Table) -> int:
        """The id of the next new row of a table."""
        if table.name not in self._ids:
            self._ids[table.name] = self._numbers(table)
        return next(self._ids[table.name])

    def _numbers(self, table: Table) -> Iterator[int]:
        if self._session.get_bind().dialect.name == "postgresql":
            return self._from_sequence(table.name)
        last = self._session.scalar(select(func.max(table.c.id))) or 0
        if table.dialect_options["sqlite"]["autoincrement"]:
            asked = text("SELECT seq FROM sqlite_sequence WHERE name = :name")
            last = max(last, self._session.scalar(asked, {"name": table.name}) or 0)
        return count(last + 1)

    def _from_sequence(self, table: str) -> Iterator[int]:
        asked = text(
            "SELECT nextval(pg_get_serial_sequence(:name, 'id')) FROM generate_series(1, :many)"
        )
        while True:
            yield from self._session.scalars(asked, {"name": table, "many": BLOCK}).all()

    # Rows that nothing reads back

    def write(self, model: type[Base], values: dict[str, Any]) -> None:
        """Write a row together with the others of its table, after those it refers to."""
        self._rows.setdefault(model, []).append(values)

    def flush(self) -> None:
        """Write everything that waits."""
        self._session.flush()
        self._after_flush(self._session, None)

    def _after_flush(self, session: Session, _context: object) -> None:
        waiting, self._rows = self._rows, {}
        for model, rows in waiting.items():
            insert_rows(session, cast("Table", model.__table__), rows)

    # What was read ahead

    def remember(self, kind: str, key: str, found: object) -> None:
        """Keep what stands under a key, None when nothing does, for `look`."""
        self._read[kind, key] = found

    def look(self, kind: str, key: str, ask: Callable[[], T]) -> T:
        """What was read ahead under that key; else the answer of `ask`, kept."""
        name = kind, key
        if name not in self._read:
            self._read[name] = ask()
        return cast("T", self._read[name])
