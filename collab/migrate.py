"""Bring a database to the version of this program; write a new version into the room it is of.

One branch per room and one named `house`; a room's first version depends on the house. So a new
room touches no file of another (ADR 0007).
"""

from __future__ import annotations

from collections.abc import Collection
from functools import cache
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, Table, text

from collab.core.db import Base, Instant
from collab.spaces.tool import find_tools

HERE = Path(__file__).resolve().parent
ROOMS = HERE / "spaces" / "tools"
HOUSE = "house"
LOCK = 0x6D696772
"""PostgreSQL advisory lock that keeps two processes from bringing one database up to date."""


LONGEST = 60_000
"""Milliseconds to wait while another process brings the same database up to date."""


class NewerDatabase(RuntimeError):
    """The database has versions that this program does not know."""


def render(kind: str, item: Any, _context: Any) -> str | bool:
    """Write our own column types as plain ones, so that old versions never import the app."""
    if kind == "type" and isinstance(item, Instant):
        return "sa.DateTime()"
    return False


OPTIONS: dict[str, Any] = {
    "target_metadata": Base.metadata,
    "render_item": render,
    "render_as_batch": True,
    "compare_type": False,
}


def branches() -> dict[str, Path]:
    """Where each branch keeps its versions: the house first, then every room."""
    rooms = {tool.name: ROOMS / tool.name / "migrations" for tool in find_tools()}
    return {HOUSE: HERE / "migrations" / HOUSE} | rooms


def config() -> Config:
    """Alembic's configuration, made here: there is no ini file to keep in step."""
    made = Config()
    made.set_main_option("script_location", str(HERE / "migrations"))
    made.set_main_option("path_separator", "newline")
    folders = [str(folder) for folder in branches().values() if folder.is_dir()]
    made.set_main_option("version_locations", "\n".join(folders))
    return made


@cache
def newest() -> frozenset[str]:
    """The newest version of every branch, as this program has them."""
    return frozenset(ScriptDirectory.from_config(config()).get_heads())


def upgrade(engine: Engine) -> None:
    """Bring the database to the version of this program. Doing it twice, or at once, is nothing.

    Raises NewerDatabase when the database was written by a newer program.
    """
    with engine.connect() as connection:
        if is_current(connection):
            return
    with _alone(engine) as connection:
        if not is_current(connection):
            made = config()
            made.attributes["connection"] = connection
            command.upgrade(made, "heads")
        connection.commit()


def is_current(connection: Connection) -> bool:
    """Whether the database has every version of this program.

    Raises NewerDatabase when it has one that this program does not know.
    """
    found = set(MigrationContext.configure(connection).get_current_heads())
    if not found <= set(_below()):
        raise NewerDatabase("this database was made by a newer version of collab: update collab")
    covered, open_ends = set(found), list(found)
    while open_ends:
        for below in _below()[open_ends.pop()] - covered:
            covered.add(below)
            open_ends.append(below)
    return newest() <= covered


@cache
def _below() -> dict[str, frozenset[str]]:
    """What each version follows or depends on: a database that has it has these too."""
    script = ScriptDirectory.from_config(config())
    labels = {label: r.revision for r in script.walk_revisions() for label in r.branch_labels}
    known = {}
    for revision in script.walk_revisions():
        below = {*_names(revision.down_revision), *_names(revision.dependencies)}
        known[revision.revision] = frozenset(labels.get(name, name) for name in below)
    return known


def _names(value: str | Collection[str] | None) -> Collection[str]:
    if value is None:
        return ()
    return (value,) if isinstance(value, str) else value


def _alone(engine: Engine) -> Connection:
    """A connection whose transaction keeps everybody else from doing the same."""
    connection = engine.connect().execution_options(immediate=True)
    if engine.dialect.name == "sqlite":
        connection.connection.cursor().execute(f"PRAGMA busy_timeout={LONGEST}")
    connection.begin()
    if engine.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:k)"), {"k": LOCK})
    return connection


def room_of(table: Table) -> str:
    """The branch a table belongs to: the room whose models declare it, or the house."""
    for mapper in Base.registry.mappers:
        if mapper.local_table is table:
            parts = str(mapper.class_.__module__).split(".")
            return parts[3] if parts[1:3] == ["spaces", "tools"] else HOUSE
    return HOUSE


def write(engine: Engine, branch: str, message: str) -> str:
    """Write the next version of one branch from what its models say; returns the file's path.

    `engine` is a database that is up to date, to compare with.
    """
    folder = branches()[branch]
    folder.mkdir(parents=True, exist_ok=True)
    made = config()
    with engine.connect() as connection:
        made.attributes["connection"] = connection
        script = ScriptDirectory.from_config(made)
        first = not any(Path(r.path).parent == folder for r in script.walk_revisions())
        mine = {t.name for t in Base.metadata.sorted_tables if room_of(t) == branch}
        OPTIONS["include_name"] = lambda name, kind, _p: kind != "table" or name in mine
        OPTIONS["include_object"] = lambda o, name, kind, *_: kind != "table" or name in mine
        found = command.revision(
            made,
            message=message,
            autogenerate=True,
            head="base" if first else f"{branch}@head",
            branch_label=branch if first else None,
            version_path=str(folder),
            depends_on=HOUSE if first and branch != HOUSE else None,
        )
    return str(found.path)  # type: ignore[union-attr]
