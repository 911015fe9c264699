"""A locked database and a full disk: a clear page, nothing committed is lost, and it passes.

These are faults of SQLite's file; the suite on PostgreSQL has no use for them.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from html import unescape

import pytest
from conftest import Make, log_in, open_house
from sqlalchemy import event

from collab.spaces.models import Item
from collab.spaces.tools.discussion.inputs import OpenThread
from collab.spaces.tools.discussion.operations import open_thread
from collab.web.extensions import db
from collab.web.security import limiter

BUSY = "Rien d’enregistré n’est perdu"


@pytest.fixture
def town(tmp_path):
    """An instance on a file of its own, with a project and one thread."""
    house = open_house(tmp_path / "instance", limits=True)
    with house.app.test_request_context("/", base_url="https://here.example"):
        make = Make(house)
        ada = make.person("ada")
        space = make.space(ada)
        with house.as_(ada) as work:
            open_thread(work, space, OpenThread(title="Avant la panne", body="Bonjour"))
        db.session.commit()
        yield house, ada
    limiter.enabled = False
    with house.app.app_context():
        db.engine.dispose()


@contextmanager
def locked(house) -> Iterator[None]:
    """Another program holds the write lock of the database."""
    other = sqlite3.connect(house.path / "collab.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.execute("ROLLBACK")
        other.close()


@contextmanager
def full_disk(house) -> Iterator[None]:
    """Every connection finds that the file may not grow by one page."""

    def no_more(connection, _record) -> None:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count={pages}")

    def impatient(connection, _record) -> None:
        connection.execute("PRAGMA busy_timeout=50")

    with house.app.app_context():
        engine = db.engine
        engine.dispose()
        event.listen(engine, "connect", no_more)
        event.listen(engine, "connect", impatient)
    try:
        yield
    finally:
        event.remove(engine, "connect", no_more)
        event.remove(engine, "connect", impatient)
        engine.dispose()


def thread_form(number: int) -> dict[str, str]:
    return {"title": f"Pendant la panne {number}", "body": "é" * 15_000}


def titles() -> list[str]:
    db.session.rollback()
    return [item.title for item in db.session.query(Item).order_by(Item.id)]


@pytest.fixture
def impatient_town(town, monkeypatch):
    """The same, where nobody waits long for the lock: neither SQLite nor who takes turns."""
    house, ada = town
    monkeypatch.setattr("collab.core.db.PATIENCE", 0.2)

    def impatient(connection, _record) -> None:
        connection.execute("PRAGMA busy_timeout=50")

    with house.app.app_context():
        engine = db.engine
    engine.dispose()
    event.listen(engine, "connect", impatient)
    client = house.client()
    log_in(client, ada)
    db.session.rollback()
    yield house, client
    event.remove(engine, "connect", impatient)


def test_a_locked_database_is_a_clear_page_and_writing_works_again_afterwards(impatient_town):
    house, client = impatient_town
    with locked(house):
        refused = client.post("/p/jardin/discussion/new", data=thread_form(1))
        assert refused.status_code == 503
        assert refused.headers["Retry-After"] == "5"
        assert BUSY in refused.get_data(as_text=True)
        assert client.get("/p/jardin/discussion/").status_code == 200
    done = client.post("/p/jardin/discussion/new", data=thread_form(2))
    assert done.status_code == 302
    assert done.headers["X-RateLimit-Limit"] == "60"
    assert "Retry-After" not in done.headers
    assert titles() == ["Avant la panne", "Pendant la panne 2"]


def form_on(page: str) -> tuple[str, dict[str, str]]:
    """Where the one form of a page that asks nothing of the database goes, with its fields."""
    (form,) = re.findall(r'<form class="card".*?</form>', page, re.DOTALL)
    hidden = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form)
    lines = re.findall(r'<input type="text" [^>]*name="([^"]+)"[^>]* value="([^"]*)"', form)
    boxes = re.findall(r'<textarea [^>]*name="([^"]+)"[^>]*>\n(.*?)</textarea>', form, re.DOTALL)
    fields = {name: unescape(value) for name, value in [*hidden, *lines, *boxes]}
    fields.pop("csrf_token")
    return unescape(re.search(r'action="([^"]+)"', form)[1]), fields


def test_what_was_typed_while_the_database_was_locked_comes_back_and_goes_once(impatient_town):
    house, client = impatient_town
    written = {
        "title": "Pendant la panne « 1 »",
        "body": "Une <b>longue</b> lettre.\nDeuxième ligne.",
        "language": "fr",
        "once": "a-key",
    }
    with locked(house):
        refused = client.post("/p/jardin/discussion/new?page=2", data=written)
        again = client.post("/p/jardin/discussion/new?page=2", data=written)
    assert refused.status_code == again.status_code == 503
    assert refused.headers["Cache-Control"] == "no-store"
    page = again.get_data(as_text=True)
    assert "Réessayer" in page
    action, fields = form_on(page)
    assert (action, fields) == ("/p/jardin/discussion/new?page=2", written)
    done = [client.post(action, data=fields) for _twice in range(2)]
    assert [answer.status_code for answer in done] == [302, 302]
    assert titles() == ["Avant la panne", written["title"]]


def test_a_choice_that_could_not_be_kept_comes_back_too_but_never_a_password(impatient_town):
    house, client = impatient_town
    secrets = {
        "/account/password": {"old": "pas-a-montrer", "new": "pas-a-montrer"},
        "/account/code": {"password": "pas-a-montrer"},
        "/recover": {"alias": "ada", "code": "pas-a-montrer", "new": "pas-a-montrer"},
    }
    with locked(house):
        left = client.post("/p/jardin/leave", data={"sure": "1"})
        answers = [client.post(path, data=sent) for path, sent in secrets.items()]
        foreign = {"Origin": "https://elsewhere.example"}
        house.app.config["WTF_CSRF_ENABLED"] = True
        house.app.config["WTF_CSRF_CHECK_DEFAULT"] = False
        other = client.post("/p/jardin/leave", data={"sure": "1"}, headers=foreign)
    assert left.status_code == other.status_code == 503
    assert form_on(left.get_data(as_text=True)) == ("/p/jardin/leave", {"sure": "1"})
    assert "sure" not in other.get_data(as_text=True)
    assert all("pas-a-montrer" not in answer.get_data(as_text=True) for answer in answers)


def test_a_full_disk_is_a_clear_page_and_nothing_committed_is_lost(town):
    house, ada = town
    client = house.client()
    log_in(client, ada)
    db.session.rollback()
    with full_disk(house):
        answers = [client.post("/p/jardin/discussion/new", data=thread_form(n)) for n in range(40)]
        saved = [n for n, answer in enumerate(answers) if answer.status_code == 302]
        refused = [answer for answer in answers if answer.status_code == 503]
        assert refused
        assert len(saved) + len(refused) == len(answers)
        assert BUSY in refused[0].get_data(as_text=True)
        assert client.get("/p/jardin/discussion/").status_code == 200
    assert titles() == ["Avant la panne", *[f"Pendant la panne {n}" for n in saved]]
    again = client.post("/p/jardin/discussion/new", data=thread_form(99))
    assert again.status_code == 302


def test_the_api_says_it_as_problem_json(town):
    house, _ada = town
    with house.app.app_context():
        engine = db.engine
        engine.dispose()
    (house.path / "collab.sqlite").rename(house.path / "away.sqlite")
    answer = house.client().get("/api/v1/spaces")
    assert answer.status_code == 503
    assert answer.content_type == "application/problem+json"
    assert answer.json["code"] == "busy"
    assert "sqlite" not in answer.get_data(as_text=True)
