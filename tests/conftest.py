"""A real instance for each test: its folder, its database, its app. Nothing of ours is replaced."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path

import pytest
import sooner
from flask import Flask, g, has_app_context
from flask.testing import FlaskClient
from postgresql import PostgreSQL
from sqlalchemy import create_engine
from xdist.scheduler import LoadFileScheduling

from collab import instance as folder
from collab.app import create_app
from collab.config import load
from collab.core.db import prepare
from collab.core.work import Work
from collab.migrate import upgrade
from collab.people.first import Nobody
from collab.people.models import AccountRole, Actor
from collab.people.operations import Register, register
from collab.setup import make_ready
from collab.spaces.membership import AskToJoin, Decide, admit, ask_to_join
from collab.spaces.models import Role, Space, Visibility
from collab.spaces.operations import OpenSpace, open_space
from collab.web.extensions import db
from collab.web.runtime import Runtime

PASSWORD = "une petite phrase"
sooner.hurry()


DATABASES = ("sqlite", "postgresql")
# What takes longest begins first, so that nobody is left alone with it at the end.
LONG = (
    "tests/acceptance/", "tests/accessible/", "tests/weight/", "tests/browser/",
    "tests/test_add_a_tool.py",
)  # fmt: skip


# The files of these folders share what they start: two instances and a browser.
TOGETHER = ("tests/browser/",)


class ByFile(LoadFileScheduling):
    """Who gets a file gets all of it; and all files of some folders."""

    def _split_scope(self, nodeid):
        shared = [folder for folder in TOGETHER if nodeid.startswith(folder)]
        return shared[0] if shared else super()._split_scope(nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    return ByFile(config, log) if config.getoption("dist") == "loadfile" else None


def pytest_addoption(parser):
    parser.addoption(
        "--database",
        choices=[*DATABASES, "both"],
        default="sqlite",
        help="What the instances of the tests keep their rows in; both: one after the other.",
    )


def pytest_generate_tests(metafunc):
    """Where both are asked for, a test that has rows anywhere runs once on each."""
    both = metafunc.config.getoption("--database") == "both"
    if both and "database_for" in metafunc.fixturenames:
        metafunc.parametrize("database", DATABASES, indirect=True)


def pytest_collection_modifyitems(config, items):
    """What is long first. On PostgreSQL alone, only the tests that have rows anywhere."""
    items.sort(key=lambda item: not item.nodeid.startswith(LONG))
    if config.getoption("--database") != "postgresql":
        return
    kept = [item for item in items if "database_for" in getattr(item, "fixturenames", ())]
    config.hook.pytest_deselected(items=[item for item in items if item not in set(kept)])
    items[:] = kept


def pytest_terminal_summary(terminalreporter, config):
    """Say how many ran on which database."""
    if config.getoption("--database") != "both" or config.getoption("collectonly"):
        return
    ran = [told.nodeid for told in terminalreporter.getreports("passed") if told.when == "call"]
    again = sum("[postgresql" in name for name in ran)
    terminalreporter.write_sep(
        "-", f"passed: {len(ran) - again} tests on SQLite or without rows, {again} on PostgreSQL"
    )


@pytest.fixture
def database(request) -> str:
    """What this test keeps its rows in."""
    return getattr(request, "param", None) or request.config.getoption("--database")


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[PostgreSQL]:
    server = PostgreSQL(os.environ["COLLAB_TEST_POSTGRESQL_URL"])
    yield server
    server.end()


@pytest.fixture
def postgresql(database, request) -> PostgreSQL | None:
    """The server that this test is about, if it is."""
    return request.getfixturevalue("postgresql_server") if database == "postgresql" else None


@pytest.fixture
def database_for(postgresql) -> Iterator[Callable[[str], str]]:
    """Gives the address of a fresh, empty database; an empty address means SQLite."""
    made: list[str] = []

    def fresh(_name: str) -> str:
        if postgresql is None:
            return ""
        made.append(postgresql.make())
        return postgresql.url(made[-1])

    yield fresh
    for name in made:
        postgresql.give_back(name)


@cache
def empty_database() -> bytes:
    """An SQLite file that has every table and no row; making it once saves each test the wait."""
    with tempfile.TemporaryDirectory() as place:
        file = Path(place) / "empty.sqlite"
        engine = create_engine(f"sqlite:///{file}")
        prepare(engine)
        upgrade(engine)
        with engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        engine.dispose()
        return file.read_bytes()


@dataclass
class House:
    """One instance under test, in this process."""

    app: Flask
    runtime: Runtime
    path: Path

    def as_(self, actor: Actor) -> Work:
        """A unit of work of that actor."""
        return self.runtime.work(actor)

    def settle(self) -> int:
        """Let the worker finish everything the last commit caused; errors come out.

        Returns how many jobs that was.
        """
        ahead, done = datetime.now(UTC) + timedelta(seconds=1), 0
        while tried := self.runtime.run_jobs(ahead, strict=True):
            done += tried
        return done

    def client(self) -> FlaskClient:
        return self.app.test_client()


class Visitor(FlaskClient):
    """A browser at the instance's own address; who looks, and how, is asked anew each time."""

    def open(self, *args, **more):
        if args and isinstance(args[0], str):
            more.setdefault("base_url", self.application.extensions["collab"].settings.origin)
        if has_app_context():
            g.pop("account", None)
            g.pop("_flask_babel", None)
        return super().open(*args, **more)


def open_house(
    path: Path, database: str = "", origin: str = "https://here.example", *, limits: bool = False
) -> House:
    """Make an instance in `path`; forms need no CSRF token here (test_security has its own).

    `limits`: who asks too often is refused; all apps of a process share the switch.
    """
    folder.lay_down(path, "Maison d’essai", origin)
    environ = {"COLLAB_DATABASE__URL": database} if database else {}
    if not database:
        (path / "collab.sqlite").write_bytes(empty_database())
    app = create_app(
        load(path, environ), TESTING=True, WTF_CSRF_ENABLED=False, RATELIMIT_ENABLED=limits
    )
    app.test_client_class = Visitor
    with app.app_context():
        sooner.share_statements(db.engine)
        make_ready(app.extensions["collab"])
    return House(app, app.extensions["collab"], path)


@pytest.fixture
def house(tmp_path: Path, database_for) -> Iterator[House]:
    house = open_house(tmp_path / "instance", database_for("house"))
    with house.app.test_request_context("/", base_url="https://here.example"):
        yield house
    with house.app.app_context():
        db.session.remove()
        db.engine.dispose()


class Make:
    """People and spaces, made by the operations themselves."""

    def __init__(self, house: House) -> None:
        self.house = house

    def person(self, alias: str, role: AccountRole = AccountRole.MEMBER) -> Actor:
        with self.house.runtime.work(Nobody()) as work:
            account = register(work, Register(alias=alias, password=PASSWORD), role)
        return account.actor

    def space(
        self,
        owner: Actor,
        *members: Actor,
        slug: str = "jardin",
        visibility: Visibility = Visibility.PUBLIC,
    ) -> Space:
        tools = tuple(self.house.runtime.tools.names())
        with self.house.as_(owner) as work:
            given = OpenSpace(name=slug.capitalize(), slug=slug, visibility=visibility, tools=tools)
            space = open_space(work, given)
        for member in members:
            self.member(space, owner, member)
        return space

    def member(self, space: Space, owner: Actor, member: Actor, role: Role = Role.MEMBER) -> None:
        with self.house.as_(member) as work:
            ask_to_join(work, space, AskToJoin())
        with self.house.as_(owner) as work:
            admit(work, space, Decide(member=member.id, role=role))


@pytest.fixture
def make(house: House) -> Make:
    return Make(house)


@pytest.fixture
def as_(house: House) -> Callable[[Actor], Work]:
    return house.as_


@pytest.fixture
def client(house: House) -> FlaskClient:
    return house.client()


def log_in(client: FlaskClient, actor: Actor) -> None:
    """Log a person in by the form that people use."""
    answer = client.post("/login", data={"alias": actor.name, "password": PASSWORD})
    assert answer.status_code == 302, answer.get_data(as_text=True)
