"""Making, running and stopping an instance, as somebody without sysadmin skill does."""

from __future__ import annotations

import re
import shutil
import socket
import stat

import pytest
from harness import PASSWORD, Instance, http, until


@pytest.fixture
def instance(tmp_path):
    made = Instance(tmp_path / "instance", "Maison")
    yield made
    made.end()


@pytest.fixture(scope="module")
def new(tmp_path_factory):
    """An instance that nobody has run or spoilt yet."""
    return Instance(tmp_path_factory.mktemp("new") / "instance", "Maison").create()


@pytest.fixture
def created(new, tmp_path):
    """A copy of it, to run or to spoil."""
    copy = shutil.copytree(new.path, tmp_path / "instance")
    made = Instance(copy, new.name, new.port, dict(new.tokens))
    yield made
    made.end()


def test_adm_1_a_first_visitor_names_the_instance_and_administers_it(instance):
    instance.start()
    first = instance.get("/")
    assert first.status == 302
    assert first.headers["location"] == "/setup"
    page = instance.get("/setup")
    token = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
    assert token
    cookie = page.headers["set-cookie"].partition(";")[0]
    form = {
        "csrf_token": token[1],
        "site_name": "Maison des associations",
        "alias": "mesange",
        "password": PASSWORD,
    }
    done = http.request(
        "POST", f"{instance.origin}/setup", fields=form, encode_multipart=False,
        headers={"Cookie": cookie}, redirect=False,
    )  # fmt: skip
    assert done.status == 200
    shown = done.data.decode()
    assert re.search(r"(?:[2-9A-Z]{4}-){3}[2-9A-Z]{4}", shown)
    again = instance.get("/setup")
    assert again.status == 302
    assert "Maison des associations" in instance.get("/").text


def test_files_of_an_instance_are_for_its_owner_alone(instance):
    created = instance.program(
        "init", "--name", "Maison", "--base-url", instance.origin, "--admin", "ada",
        "--admin-password-file", "-", given=PASSWORD,
    )  # fmt: skip
    assert created.startswith("created ")
    assert instance.program("user", "create", "bea", "--password-file", "-", given=PASSWORD)
    assert len(instance.program("token", "create", "bea")) > 20
    for path in [instance.path, *instance.path.rglob("*")]:
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


def test_init_refuses_to_overwrite_an_instance(created):
    told = created.program(
        "init", "--name", "Autre", "--base-url", created.origin, "--admin", "autre",
        "--admin-password-file", "-", given=PASSWORD, status=1,
    )  # fmt: skip
    assert "already" in told
    assert len(told.splitlines()) == 1


def test_a_database_whose_keys_are_gone_gets_no_new_ones(created):
    (created.path / "keys" / "vault.key").unlink()
    before = (created.path / "keys" / "session.key").read_bytes()
    told = created.program("run", "--bind", created.host, status=1)
    assert "keys/vault.key is missing" in told
    assert not (created.path / "keys" / "vault.key").exists()
    assert (created.path / "keys" / "session.key").read_bytes() == before


def test_init_with_a_bad_password_leaves_nothing_behind(instance):
    instance.program(
        "init", "--name", "Maison", "--base-url", instance.origin, "--admin", "ada",
        "--admin-password-file", "-", given="court", status=1,
    )  # fmt: skip
    assert not (instance.path / "keys").exists()
    instance.create()


def test_every_mistake_in_the_settings_is_named_at_once(created):
    (created.path / "collab.toml").write_text(
        '[site]\nbase_url = "nowhere"\ncolour = "red"\n[federation]\nmode = "maybe"\n'
    )
    told = created.program("show", "settings", status=1)
    for word in ("colour",):
        assert word in told
    assert "Traceback" not in told


def test_unreadable_settings_are_one_clear_line(created):
    (created.path / "collab.toml").write_text("[site\n")
    told = created.program("run", status=1)
    assert "collab.toml" in told
    assert "Traceback" not in told


def test_a_port_in_use_is_one_clear_line(created):
    with socket.create_server(("127.0.0.1", created.port)):
        told = created.program("run", "--bind", created.host, status=1)
    assert str(created.port) in told
    assert "Traceback" not in told


def test_a_missing_instance_is_one_clear_line(instance):
    told = instance.program("show", "jobs", status=1)
    assert "collab init" in told


def test_sigterm_stops_the_whole_tree(created):
    created.start()
    pids = list(created.children().values())
    assert len(pids) == 2
    created.stop()
    until(lambda: not any(_alive(pid) for pid in pids), "both processes are gone")


def _alive(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as told:
            return told.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
