"""Databases come up to date by themselves, and what the models say is what the tables are."""

from __future__ import annotations

import threading
from datetime import UTC, datetime

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import (
    JSON,
    Boolean,
    DateTime,
    Integer,
    MetaData,
    Table,
    create_engine,
    inspect,
    select,
    text,
)
from sqlalchemy.pool import NullPool

from collab.core.db import Base, prepare
from collab.federation import models as _federation  # noqa: F401 - its tables are the house's
from collab.migrate import branches, config, is_current, room_of, upgrade


@pytest.fixture
def empty(tmp_path, postgresql):
    """An engine on a database without any table."""
    if postgresql is None:
        engine = create_engine(f"sqlite:///{tmp_path / 'empty.sqlite'}", poolclass=NullPool)
        prepare(engine)
        yield engine
        return
    name = postgresql.bare()
    yield create_engine(postgresql.url(name), poolclass=NullPool)
    postgresql.drop(name)


def test_the_tables_are_what_the_models_say(empty, database_for):
    upgrade(empty)
    with empty.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": False})
        found = compare_metadata(context, Base.metadata)
    assert found == []


def test_an_empty_database_is_not_taken_for_one_that_is_up_to_date(empty, database_for):
    with empty.connect() as connection:
        assert not is_current(connection)


def test_coming_up_to_date_twice_changes_nothing(empty, database_for):
    upgrade(empty)
    before = set(inspect(empty).get_table_names())
    upgrade(empty)
    assert set(inspect(empty).get_table_names()) == before
    with empty.connect() as connection:
        assert is_current(connection)


def test_two_processes_that_start_at_once_make_the_tables_once(empty, database_for):
    errors = []

    def start() -> None:
        try:
            upgrade(empty)
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=start) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert "space" in inspect(empty).get_table_names()


def test_a_database_of_a_newer_program_is_refused_in_words(empty, database_for):
    upgrade(empty)
    with empty.begin() as connection:
        connection.execute(text("INSERT INTO alembic_version VALUES ('ffffffffffff')"))
    with pytest.raises(RuntimeError, match="newer"):
        upgrade(empty)


def test_each_room_keeps_its_own_tables_in_its_own_branch():
    owners = {room_of(table) for table in Base.metadata.sorted_tables}
    assert owners <= set(branches())
    assert {"house", "discussion", "pages"} <= owners


SPOKEN = ("actor", "space", "item", "thread", "message", "event", "log_entry")
FIRST = ("3ceb0e52744e",)
"""What the oldest instances have; a room's first version follows it by itself."""


def test_a_database_with_people_and_projects_comes_up_to_date(empty, database_for):
    """Rows that others point to are in the way of a table that would be made anew."""
    made = config()
    with empty.connect() as connection:
        made.attributes["connection"] = connection
        for version in FIRST:
            command.upgrade(made, version)
        connection.commit()
    with empty.begin() as connection:
        found = MetaData()
        found.reflect(connection, only=["actor", "space", "item", "log_entry", "membership"])
        for table in found.sorted_tables:
            connection.execute(table.insert().values(row(table)))
    upgrade(empty)
    with empty.connect() as connection:
        assert is_current(connection)
        for name in ("actor", "space", "item", "log_entry", "membership"):
            assert connection.scalar(text(f"SELECT count(*) FROM {name}")) == 1, name
        if connection.dialect.name == "sqlite":
            assert connection.execute(text("PRAGMA foreign_key_check")).all() == []


def row(table: Table) -> dict[str, object]:
    """Something for every column that wants one; all that points elsewhere points to row 1."""
    kinds = {Boolean: False, Integer: 1, DateTime: datetime(2026, 1, 1, tzinfo=UTC), JSON: {}}
    told: dict[str, object] = {}
    for column in table.columns:
        if column.nullable and not column.primary_key:
            continue
        kind = next(
            (value for type_, value in kinds.items() if isinstance(column.type, type_)), "x"
        )
        told[column.name] = kind
    return told


def test_erased_words_from_before_say_where_they_stood(empty, database_for):
    """An answer that was erased before `log_entry.left` existed has its place in later copies."""
    made = config()
    with empty.connect() as connection:
        made.attributes["connection"] = connection
        for version in ("c8ef3f81be75", "4a7233ddeb66"):
            command.upgrade(made, version)
        connection.commit()
    there = "https://a.example/p/jardin"
    with empty.begin() as connection:
        put = Putting(connection)
        put("actor", id=1, iri="https://b.example/u/lea")
        put("actor", id=2, iri=there, name="jardin")
        put("space", id=1, actor_id=2, local=True)
        put.erased(1, "thread")
        put.erased(2, "message", thread_id=1)
        put.erased(3, "message", thread_id=1, reply_to_id=2)
        put("item", id=4, uid="u4", iri="https://b.example/o/4", kind="message")
        put("message", id=4, thread_id=1)
        put("log_entry", seq=4, event_id=None, activity_type="Create", body={"type": "Create"})
    upgrade(empty)
    with empty.connect() as connection:
        table = put.tables["log_entry"]
        told = connection.execute(select(table.c.left).order_by(table.c.seq)).scalars().all()
    stood = {
        "type": "Tombstone", "formerType": "Note", "attributedTo": "https://b.example/u/lea",
        "audience": there, "context": f"{there}/c/u1", "published": "2026-01-01T00:00:00Z",
    }  # fmt: skip
    said = [stood | {"id": f"https://b.example/o/{number}"} for number in (1, 2, 3)]
    assert told == [
        said[0],
        said[1] | {"inReplyTo": "https://b.example/o/1"},
        said[2] | {"inReplyTo": "https://b.example/o/2"},
        None,
    ]


def test_titles_from_before_are_found_with_either_apostrophe(empty, database_for):
    made = config()
    with empty.connect() as connection:
        made.attributes["connection"] = connection
        command.upgrade(made, "3efa6305c6db")
        connection.commit()
    with empty.begin() as connection:
        put = Putting(connection, ["actor", "space", "item", "document", "page_link"])
        put("actor", id=1)
        put("space", id=1, actor_id=1, local=True)
        put("item", id=1, kind="document")
        put("document", id=1, title_key="l’eau\u200f", parent_id=None)
        for key in ("l’eau", "l'eau", "d’été", "/pages/l’eau"):
            put("page_link", from_id=1, title_key=key)
    upgrade(empty)
    with empty.connect() as connection:
        assert connection.scalar(text("SELECT title_key FROM document")) == "l'eau"
        keys = set(connection.scalars(text("SELECT title_key FROM page_link")))
    assert keys == {"l'eau", "d'été", "/pages/l’eau"}


class Putting:
    """Rows in the tables as they are found, without what the models say today."""

    def __init__(self, connection, names=SPOKEN):
        self.connection, found = connection, MetaData()
        found.reflect(connection, only=names)
        self.tables = found.tables

    def __call__(self, name, /, **values):
        table = self.tables[name]
        self.connection.execute(table.insert().values(row(table) | values))

    def erased(self, number, kind, **values):
        """A text without its words, and its entry in the log."""
        at, iri = datetime(2026, 1, 1, tzinfo=UTC), f"https://b.example/o/{number}"
        self("item", id=number, uid=f"u{number}", iri=iri, kind=kind, erased_at=at)
        self(kind, id=number, **values)
        self("event", id=number, item_id=number)
        self("log_entry", seq=number, event_id=number, activity_type="Create")
