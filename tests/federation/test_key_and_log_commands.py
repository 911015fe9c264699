"""`collab keys` and `collab log`, as an operator types them."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile

import pytest
from click.testing import CliRunner

from collab.cli import cli
from collab.federation.models import LogEntry
from collab.spaces.tools.discussion.inputs import OpenThread
from collab.spaces.tools.discussion.operations import open_thread
from collab.web.extensions import db


def run(house, *words: str):
    env = {"COLLAB_DATABASE__URL": house.runtime.settings.database.url}
    return CliRunner().invoke(cli, ["--instance", str(house.path), *words], env=env)


@pytest.fixture
def garden(house, make, as_):
    ada = make.person("ada")
    space = make.space(ada)
    with as_(ada) as work:
        open_thread(work, space, OpenThread(title="Eau", body="Bonjour"))
    house.settle()
    return space


def test_keys_are_changed_by_name_and_listed_with_their_end(house, garden):
    here = "https://here.example"
    made = run(house, "keys", "rotate", "ada").output
    assert made == f"{here}/u/ada#main-key-2 {here}/u/ada#ed25519-2\n"
    rows = json.loads(run(house, "keys", "list", "ada", "--json").output)
    assert [bool(row["expires"]) for row in rows] == [True, True, False, False]
    assert run(house, "keys", "rotate", "actor").output.startswith(f"{here}/actor#main-key-2")
    everybody = run(house, "keys", "rotate", "--all", "--revoke").output.splitlines()
    assert f"{here}/p/jardin#main-key-2 {here}/p/jardin#ed25519-2" in everybody
    assert f"{here}/u/ada#main-key-3 {here}/u/ada#ed25519-3" in everybody
    states = [line.split("\t")[2] for line in run(house, "keys", "list", "ada").output.splitlines()]
    assert states == ["revoked"] * 4 + ["in use"] * 2
    for wrong in ((), ("ada", "--all"), ("nobody",)):
        assert run(house, "keys", "rotate", *wrong).exit_code == 1


def test_a_history_is_verified_and_the_first_bad_entry_named(house, garden):
    good = run(house, "log", "verify", "jardin")
    count = db.session.query(LogEntry).count()
    assert (good.exit_code, f"{count} entries, each right" in good.output) == (0, True)
    row = db.session.query(LogEntry).filter_by(seq=2).one()
    row.entry = row.entry | {"published": "2001-01-01T00:00:00Z"}
    db.session.commit()
    bad = run(house, "log", "verify", "jardin")
    assert bad.exit_code == 1
    assert "entry 2 of https://here.example/p/jardin/log: signature refused" in bad.output
    assert run(house, "log", "verify", "nothing").exit_code == 1


def test_a_history_is_taken_out_with_what_verifies_it(house, garden, tmp_path):
    file = tmp_path / "project.psz"
    assert run(house, "log", "export", "jardin", str(file)).exit_code == 0
    with zipfile.ZipFile(file) as archive:
        (tmp_path / "verify.py").write_bytes(archive.read("verify.py"))
    done = subprocess.run(
        [sys.executable, "-I", "verify.py", "project.psz"],
        cwd=tmp_path, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "GOOD" in done.stdout
    nowhere = run(house, "log", "export", "jardin", str(tmp_path / "none" / "project.psz"))
    assert nowhere.exit_code == 1
    assert "choose a place you may write to" in nowhere.output
