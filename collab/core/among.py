"""Whether a column holds one of many values, asked with one parameter.

`column.in_(values)` makes a parameter of each value, and the statement anew for each number of
them: a few hundred of them cost SQLAlchemy more than the answer costs the database.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Self

import orjson
from sqlalchemy import (
    ARRAY,
    Boolean,
    ColumnElement,
    Dialect,
    String,
    Text,
    TypeDecorator,
    bindparam,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.sql.operators import OperatorType
from sqlalchemy.types import TypeEngine


def among(column: ColumnElement[str] | Any, name: str) -> ColumnElement[bool]:
    """A condition: the column is one of the texts given under that name when it is asked."""
    return _Among(column, bindparam(name, type_=_Texts()))


class _Texts(TypeDecorator[Collection[str]]):
    """Some texts as one parameter: a list for PostgreSQL, JSON for SQLite."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """A list where the database has lists."""
        listed: TypeEngine[Any] = ARRAY(String()) if dialect.name == "postgresql" else Text()
        return dialect.type_descriptor(listed)

    def process_bind_param(self, value: Collection[str] | None, dialect: Dialect) -> Any:
        """What the driver takes."""
        texts = list(value or ())
        return texts if dialect.name == "postgresql" else orjson.dumps(texts).decode()


class _Among(FunctionElement[bool]):
    """A column and the parameter that holds the texts."""

    type = Boolean()
    inherit_cache = True
    name = "among"

    def self_group(self, against: OperatorType | None = None) -> Self:
        """As it is: written `... = 1`, as SQLite's booleans are, no index would serve it."""
        return self


@compiles(_Among)
def _in_json(element: _Among, compiler: SQLCompiler, **kw: Any) -> str:
    column, texts = (compiler.process(part, **kw) for part in element.clauses)
    return f"{column} IN (SELECT value FROM json_each({texts}))"  # noqa: S608 - compiled parts


@compiles(_Among, "postgresql")
def _in_array(element: _Among, compiler: SQLCompiler, **kw: Any) -> str:
    column, texts = (compiler.process(part, **kw) for part in element.clauses)
    return f"{column} = ANY({texts})"
