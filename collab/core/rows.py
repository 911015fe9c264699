"""Many new rows of one table in one statement, at the price of the driver and no more.

SQLAlchemy writes the statement and says how each column writes its values; what it does besides
for each row (parameters by name, compiled state, results) costs more than the database itself.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import groupby
from typing import Any

import orjson
from sqlalchemy import JSON, Dialect, Table, insert
from sqlalchemy.orm import Session

Row = Mapping[str, Any]


class JsonText(str):
    """JSON that is written already: it goes into a JSON column as it is."""

    __slots__ = ()


def insert_rows(session: Session, table: Table, rows: Iterable[Row]) -> None:
    """Write rows in their order, in the transaction of `session`; nothing of them is kept in it.

    Rows say their columns by name; those that have a default and are not said get it. None is
    NULL, in JSON columns too.
    """
    connection = session.connection()
    for names, some in groupby(rows, tuple):
        text, bound = _statement(table, names, connection.dialect)
        connection.exec_driver_sql(text, bound(list(some)))


@lru_cache(maxsize=128)
def _statement(
    table: Table, names: tuple[str, ...], dialect: Dialect
) -> tuple[str, Callable[[Sequence[Row]], list[Any]]]:
    """The statement that inserts these columns, and what makes its parameters out of rows."""
    defaults = _defaults(table, names)
    whole = [*names, *defaults]
    compiled = insert(table).inline().compile(dialect=dialect, column_keys=whole)
    order = compiled.positiontup or whole
    writers = [(name, _writer(table, name, dialect)) for name in order]

    def listed(rows: Sequence[Row]) -> list[Any]:
        columns = [_column(rows, name, write, defaults) for name, write in writers]
        return list(zip(*columns, strict=True))

    def named(rows: Sequence[Row]) -> list[Any]:
        return [dict(zip(order, row, strict=True)) for row in listed(rows)]

    return str(compiled), listed if compiled.positiontup else named


def _column(
    rows: Sequence[Row], name: str, write: Callable[[Any], Any] | None, defaults: Row
) -> list[Any]:
    """The values of one column, as the driver takes them."""
    if name in defaults:
        value = defaults[name]
        return [value if write is None else write(value)] * len(rows)
    if write is None:
        return [row[name] for row in rows]
    column, known, written = [], None, None
    for row in rows:
        value = row[name]
        if value is None or type(value) is JsonText:
            column.append(value)
            continue
        if value is not known:  # often it is what the row before it has, as the time of the work
            known, written = value, write(value)
        column.append(written)
    return column


def _defaults(table: Table, said: Collection[str]) -> dict[str, Any]:
    """The values of columns that are not said, where they are the same for every row."""
    found: dict[str, Any] = {}
    for column in table.columns:
        default: Any = column.default
        if default is not None and default.is_scalar and column.name not in said:
            found[column.name] = default.arg
    return found


def _writer(table: Table, name: str, dialect: Dialect) -> Callable[[Any], Any] | None:
    """How one column writes a value for the driver; None: as it is."""
    kind = table.columns[name].type
    return _json if isinstance(kind, JSON) else kind.dialect_impl(dialect).bind_processor(dialect)


def _json(value: Any) -> str:
    """Raises TypeError for what is no JSON."""
    return orjson.dumps(value).decode()
