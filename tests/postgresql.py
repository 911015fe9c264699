"""Databases for the tests on PostgreSQL: copies of one that is up to date, lent again and again.

To make a copy and to remove it takes a tenth of a second, to empty it a tenth of that. What is
lent is what a new copy would be: its rows are gone, its numbers begin anew, its tables are those
of the copy to the letter; a database of which that is not so is removed.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from dataclasses import dataclass
from itertools import count

import psycopg
from sqlalchemy import URL, create_engine, text
from sqlalchemy.pool import NullPool

from collab.migrate import upgrade

LOANS = 25
"""How often one database is lent: rows that are gone still take room."""
PATIENCE = 5.0
"""Seconds for connections that a test has left to end."""

# Whoever changes a table, or a part of one, writes rows of these catalogues anew.
SHAPE = """
    SELECT sum(hashtext(part)), (SELECT string_agg(version_num, ' ' ORDER BY version_num)
                                 FROM alembic_version)
    FROM (
        SELECT concat_ws(' ', 'class', oid, xmin) AS part FROM pg_class WHERE oid >= 16384
        UNION ALL SELECT concat_ws(' ', 'column', attrelid, attnum, xmin)
            FROM pg_attribute WHERE attrelid >= 16384
        UNION ALL SELECT concat_ws(' ', 'default', oid, xmin) FROM pg_attrdef
        UNION ALL SELECT concat_ws(' ', 'rule', oid, xmin) FROM pg_constraint WHERE oid >= 16384
        UNION ALL SELECT concat_ws(' ', 'trigger', oid, xmin) FROM pg_trigger
        UNION ALL SELECT concat_ws(' ', 'function', oid, xmin) FROM pg_proc WHERE oid >= 16384
        UNION ALL SELECT concat_ws(' ', 'schema', oid, xmin) FROM pg_namespace WHERE oid >= 16384
    ) AS parts
"""
TABLES = """
    SELECT oid, format('%I.%I', relnamespace::regnamespace, relname) FROM pg_class
    WHERE relkind = 'r' AND oid >= 16384
"""
WRITTEN = """
    SELECT format('%I.%I', relnamespace::regnamespace, relname) FROM pg_class
    WHERE relkind = 'r' AND oid >= 16384 AND relname <> 'alembic_version'
        AND pg_relation_size(oid) > 0
"""
ANEW = "SELECT setval(seqrelid::regclass, seqstart, false) FROM pg_sequence"
OTHERS = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"


@dataclass
class Lent:
    """A database that can be lent once more, and our own connection to it."""

    name: str
    connection: psycopg.Connection
    loans: int = 1

    def alone(self) -> bool:
        """Whether nobody else is connected."""
        return self._ask(f"SELECT count(*) {OTHERS}")[0][0] == 0

    def emptied(self, tables: dict[int, str], shape: tuple) -> bool:
        """End what a test has left; whether it is like new."""
        ends = time.monotonic() + PATIENCE
        while not self.alone():
            if time.monotonic() > ends:
                return False
            self._ask(f"SELECT pg_terminate_backend(pid) {OTHERS}")
            time.sleep(0.001)
        added = [name for number, name in self._ask(TABLES) if number not in tables]
        for name in added:  # the index for searching, which is made when it is first needed
            self.connection.execute(f"DROP TABLE IF EXISTS {name} CASCADE")
        if self._ask(SHAPE) != [shape]:
            return False
        written = [name for (name,) in self._ask(WRITTEN)]
        if written:
            self.connection.execute("; ".join(f"DELETE FROM {name}" for name in written))
            # Its files are as short as new ones then: rows come in the order they are written in.
            self.connection.execute(f"VACUUM (INDEX_CLEANUP ON) {', '.join(written)}")
        self._ask(ANEW)
        return True

    def _ask(self, question: str) -> list[tuple]:
        return self.connection.execute(question).fetchall()


class PostgreSQL:
    """A server that has databases for tests."""

    def __init__(self, server: str) -> None:
        self._admin = create_engine(server, isolation_level="AUTOCOMMIT")
        self._numbers = count(1)
        self._free: list[Lent] = []
        self._away: dict[str, Lent] = {}
        with self._admin.connect() as connection:
            version = connection.dialect.server_version_info or (0,)
        # Copying files takes a third of the time of the log, which PostgreSQL 15 made usual.
        self._strategy = " STRATEGY file_copy" if version >= (15,) else ""
        self._template = self.bare()
        engine = create_engine(self.url(self._template), poolclass=NullPool)
        upgrade(engine)
        with self._connected(self._template) as connection:
            self._tables = dict(connection.execute(TABLES).fetchall())
            self._shape = connection.execute(SHAPE).fetchone()

    def url(self, name: str) -> str:
        return self._at(name).render_as_string(hide_password=False)

    def make(self) -> str:
        """The name of a database that is up to date and has no row."""
        while self._free:
            lent = self._free.pop()
            if lent.alone():  # not so where a test left somebody who comes back
                lent.loans += 1
                break
            self._remove(lent)
        else:
            name = self._make(f' TEMPLATE "{self._template}"{self._strategy}')
            lent = Lent(name, self._connected(name))
            lent.connection.execute("SET session_replication_role = replica")  # rows in any order
        self._away[lent.name] = lent
        return lent.name

    def bare(self) -> str:
        """The name of a new database without any table."""
        return self._make("")

    def give_back(self, name: str) -> None:
        """Lend it again if that can be."""
        lent = self._away.pop(name)
        with suppress(psycopg.Error):
            if lent.loans < LOANS and lent.emptied(self._tables, self._shape):
                self._free.append(lent)
                return
        self._remove(lent)

    def drop(self, name: str) -> None:
        self._run(f'DROP DATABASE "{name}" WITH (FORCE)')

    def end(self) -> None:
        """Remove everything."""
        for lent in (*self._free, *self._away.values()):
            self._remove(lent)
        self.drop(self._template)
        self._admin.dispose()

    def _remove(self, lent: Lent) -> None:
        lent.connection.close()
        self.drop(lent.name)

    def _at(self, name: str) -> URL:
        return self._admin.url.set(database=name)

    def _connected(self, name: str) -> psycopg.Connection:
        plain = self._at(name).set(drivername="postgresql")
        return psycopg.connect(plain.render_as_string(hide_password=False), autocommit=True)

    def _make(self, how: str) -> str:
        worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0")
        name = f"t_{worker}_{os.getpid()}_{next(self._numbers)}"
        self._run(f'CREATE DATABASE "{name}"{how}')
        return name

    def _run(self, statement: str) -> None:
        with self._admin.connect() as connection:
            connection.execute(text(statement))
