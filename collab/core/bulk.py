"""Many acts in one transaction: rows are numbered at once, written together, and read ahead.

What a page of history brings is known before it is applied. So its rows get their ids here, wait
until something is asked of the database or the work ends, and what the operations will look up is
read for all of them at once. The operations are the same ones, act after act.

New rows belong to the session from the start, as if they had been read; but they are written by
`core.rows`, many in one statement, at a fraction of what the session's unit of work costs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import count, groupby
from typing import Any, TypeVar, cast

from sqlalchemy import Select, Table, event, func, inspect, select, text
from sqlalchemy.orm import ClassManager, Session, make_transient_to_detached
from sqlalchemy.orm.attributes import instance_state

from collab.core.db import Base
from collab.core.rows import insert_rows

T = TypeVar("T")
B = TypeVar("B", bound=Base)
BLOCK = 100
"""Ids taken from a PostgreSQL sequence at once."""
_NUMBERED = text("SELECT seq FROM sqlite_sequence WHERE name = :name")


@dataclass(frozen=True)
class _Shape:
    """How new rows of a model are completed and written."""

    counted: Table
    """The table that numbers them."""
    defaults: list[tuple[str, Any]]
    """The attributes that have a default of their own, each with it."""
    tables: list[tuple[Table, dict[str, str]]]
    """Its tables, those that others refer to first; of each column the attribute it holds."""
    attributes: frozenset[str]
    plain: bool
    """Whether every value is said here: none is made by the database, and None is NULL."""
    manager: ClassManager[Any]
    """What makes its rows when they are read."""
    kind: dict[str, Any]
    """The column that tells the kinds of one table apart, with this one's name; {} for others."""


@cache
def _shape(model: type[Base]) -> _Shape:
    mapper = inspect(model)
    defaults, plain = [], True
    for attribute in mapper.column_attrs:
        column = attribute.columns[0]
        default = column.default
        if default is not None and (default.is_scalar or default.is_callable):
            defaults.append((attribute.key, default))
        elif default is not None or column.server_default is not None:
            plain = False
        plain = plain and not (column.nullable and column.type.should_evaluate_none)
    tables = [cast("Table", one.local_table) for one in reversed(list(mapper.iterate_to_root()))]
    columns = [
        (table, {column.name: mapper.get_property_by_column(column).key for column in table.c})
        for table in dict.fromkeys(tables)
    ]
    names = frozenset(name for _, held in columns for name in held.values())
    kind = {}
    if mapper.polymorphic_on is not None:
        told_by = mapper.get_property_by_column(mapper.polymorphic_on)
        kind = {told_by.key: mapper.polymorphic_identity}
    attributes, manager = names | {"_sa_instance_state"}, mapper.class_manager
    return _Shape(tables[0], defaults, columns, attributes, plain, manager, kind)


@cache
def _greatest(table: Table) -> Select[int]:
    return select(func.max(table.c.id))


class Bulk:
    """For one unit of work that holds the database's write lock (SQLite), or its own ids."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._ids: dict[str, Iterator[int]] = {}
        self._new: list[Base] = []
        self._made: list[Any] = []
        self._left = False
        self._rows: dict[type[Base], list[dict[str, Any]]] = {}
        self._read: dict[tuple[str, str], object] = {}
        self._heard: dict[str, Callable[..., None]] = {
            "do_orm_execute": self._before_asking,
            "before_flush": self._before_flush,
            "after_flush": self._after_flush,
            "after_rollback": self._undone,
        }
        for name, hear in self._heard.items():
            event.listen(session, name, hear)

    def close(self) -> None:
        """The work has ended, one way or the other."""
        for name, hear in self._heard.items():
            event.remove(self._session, name, hear)

    # Rows that are read back

    def make(self, model: type[B], values: dict[str, Any]) -> B:
        """A row with these columns, made as the session makes those that it reads: nothing looks
        at each value. For `add`, which completes it."""
        shape = _shape(model)
        row: B = shape.manager.new_instance()
        row.__dict__.update(shape.kind, **values)
        return row

    def add(self, row: Base) -> None:
        """A new row: it has its id and the values its columns have when nothing is said, as
        writing it at once would give it, and waits to be written."""
        shape, said = _shape(type(row)), row.__dict__
        for name, default in shape.defaults:
            if name not in said:
                said[name] = default.arg(None) if default.is_callable else default.arg
        said["id"] = self.number(shape.counted)
        if self._left or not shape.plain or not said.keys() <= shape.attributes:
            self._left = True  # what comes after it may refer to it
            self._session.add(row)
            return
        for name in shape.attributes - said.keys():
            said[name] = None
        self._new.append(row)
        self._take_up(row)

    def _take_up(self, row: Base) -> None:
        """Let the session hold a row as one it has read, so that what changes in it is written."""
        state = instance_state(row)
        if state.modified:
            make_transient_to_detached(row)
        else:
            state.key = state.mapper.identity_key_from_primary_key((row.__dict__["id"],))
        state.session_id = self._session.hash_key
        self._session.identity_map.replace(state)
        self._made.append(state.key)

    def number(self, table: Table) -> int:
        """The id of the next new row of a table."""
        if table.name not in self._ids:
            self._ids[table.name] = self._numbers(table)
        return next(self._ids[table.name])

    def _numbers(self, table: Table) -> Iterator[int]:
        if self._session.get_bind().dialect.name == "postgresql":
            return self._from_sequence(table.name)
        last = self._session.scalar(_greatest(table)) or 0
        if table.dialect_options["sqlite"]["autoincrement"]:
            last = max(last, self._session.scalar(_NUMBERED, {"name": table.name}) or 0)
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

    def end(self) -> None:
        """Write everything that waits, and let go of what was read: nobody asks any more."""
        self.flush()
        self._read.clear()

    def flush(self) -> None:
        """Write everything that waits."""
        self._write_new()
        self._session.flush()
        self._after_flush(self._session, None)

    def _write_new(self) -> None:
        """Write new rows in their order; those of one kind that follow each other, together."""
        waiting, self._new = self._new, []
        for model, some in groupby(waiting, type):
            rows = [row.__dict__ for row in some]
            for table, columns in _shape(model).tables:
                held = [{name: row[key] for name, key in columns.items()} for row in rows]
                insert_rows(self._session, table, held)

    def _before_asking(self, _asked: object) -> None:
        if self._new:
            self.flush()

    def _before_flush(self, _session: Session, _context: object, _rows: object) -> None:
        self._write_new()

    def _after_flush(self, session: Session, _context: object) -> None:
        self._left = False
        waiting, self._rows = self._rows, {}
        for model, rows in waiting.items():
            insert_rows(session, cast("Table", model.__table__), rows)

    def _undone(self, session: Session) -> None:
        """Nothing of it was ever there."""
        self._new.clear()
        self._rows.clear()
        for key in self._made:
            if key in session.identity_map:
                session.expunge(session.identity_map[key])
        self._made.clear()

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
