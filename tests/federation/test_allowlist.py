"""A school's instance speaks with those it has accepted, and with nobody else (R55)."""
# ruff: noqa: F401, F811 - fixtures are imported by their names

from __future__ import annotations

import sqlite3

import pytest
from click.testing import CliRunner
from conftest import log_in
from federation.stage import federation, foreign, house

from collab.cli import cli
from collab.federation.peers import ChoosePeer, allow_peer
from collab.people.models import AccountRole, Registration
from collab.people.queries import site
from collab.spaces.tools.discussion.inputs import OpenThread
from collab.spaces.tools.discussion.operations import open_thread
from collab.web.extensions import db

ADMIN = {"site_name": "École", "alias": "ada", "password": "une petite phrase"}


@pytest.fixture
def admin(make):
    return make.person("ines", AccountRole.ADMIN)


def pages_sent(foreign) -> int:
    return foreign.peer.targets().count("/ap/log")


def test_r55_a_copy_that_was_not_accepted_gets_nothing_more(
    house, federation, foreign, make, admin
):
    space = make.space(admin)
    foreign.peer.serve("/ap/log", {"accepted": 0})
    assert foreign.say(foreign.application(), "Follow", f"{space.iri}/log").status_code == 202
    courier = house.app.extensions["collab.courier"]
    site(db.session()).federation = "allowlist"
    db.session.commit()
    with house.as_(admin) as work:
        open_thread(work, space, OpenThread(title="Une cuve", body="Chez nous."))
    house.settle()
    courier.drain()
    assert pages_sent(foreign) == 0
    with house.as_(admin) as work:
        allow_peer(work, ChoosePeer(foreign.host))
    courier.drain()
    assert pages_sent(foreign) == 1


@pytest.mark.parametrize(
    ("kind", "mode", "who"),
    [
        ("school", "allowlist", Registration.INVITATION),
        ("open", "open", Registration.OPEN),
        ("", "open", Registration.OPEN),
    ],
)
def test_r55_the_first_page_asks_whether_it_is_for_a_school(house, federation, kind, mode, who):
    client = house.client()
    assert "Une école" in client.get("/setup").get_data(as_text=True)
    assert client.post("/setup", data=ADMIN | {"kind": kind}).status_code == 200
    db.session.rollback()
    assert (federation.mode(), site(db.session()).registration) == (mode, who)


def test_the_answer_comes_back_with_what_to_mend(house):
    sent = house.client().post("/setup", data=ADMIN | {"kind": "school", "password": "x"})
    assert sent.status_code == 422
    assert 'value="school" checked' in sent.get_data(as_text=True)


def test_r55_the_command_for_a_school(tmp_path):
    password = tmp_path / "password"
    password.write_text("une petite phrase\n")
    told = [
        "--instance", str(tmp_path / "school"), "init", "--name", "École", "--base-url",
        "https://ecole.example", "--admin", "ada", "--admin-password-file", str(password),
        "--school",
    ]  # fmt: skip
    assert CliRunner().invoke(cli, told).exit_code == 0
    with sqlite3.connect(tmp_path / "school" / "collab.sqlite") as rows:
        found = rows.execute("SELECT federation, registration FROM site").fetchone()
    assert found == ("allowlist", "invitation")


def test_r55_a_school_tells_strangers_no_more_of_its_pupils_than_their_keys(
    house, federation, foreign, make, admin
):
    pupil = make.person("zoe")
    pupil.display_name, pupil.summary = "Zoé Petit", "En cinquième."
    site(db.session()).federation = "allowlist"
    db.session.commit()
    theirs = foreign.application()
    for asking in (None, theirs):
        answer = foreign.get(asking, "/u/zoe")
        told = answer.get_json(force=True)
        assert (answer.status_code, told["name"], told["summary"]) == (200, "", "")
        assert told["publicKey"]["publicKeyPem"], "for the logs that her words are in"
        assert "suspended" not in told
        assert answer.headers["Cache-Control"] == "private, no-store"
    with house.as_(admin) as work:
        allow_peer(work, ChoosePeer(foreign.host))
    assert foreign.get(theirs, "/u/zoe").get_json(force=True)["name"] == "Zoé Petit"
    assert foreign.get(None, "/u/zoe").get_json(force=True)["name"] == ""


@pytest.mark.parametrize(("mode", "status"), [("open", 200), ("allowlist", 200), ("off", 404)])
def test_a_name_is_confirmed_to_whoever_asks_unless_nothing_leaves(house, make, mode, status):
    make.person("zoe").display_name = "Zoé Petit"
    site(db.session()).federation = mode
    db.session.commit()
    asked = {"resource": f"acct:zoe@{house.runtime.settings.host}"}
    answer = house.client().get("/.well-known/webfinger", query_string=asked)
    assert answer.status_code == status
    assert "Petit" not in answer.text


def test_an_administrator_changes_the_mode(house, federation, admin):
    client = house.client()
    log_in(client, admin)
    form = {"name": "Maison", "registration": "open", "federation": "allowlist"}
    assert client.post("/admin", data=form).status_code == 302
    db.session.rollback()
    assert federation.mode() == "allowlist"
    assert federation.standing("nobody.example") == "asking"
