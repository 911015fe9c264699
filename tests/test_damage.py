"""An instance that cannot be opened says so in one line, and what to do (docs/operate.md)."""

from __future__ import annotations

import errno
import sqlite3

import pytest
from click.testing import CliRunner

from collab.cli import cli
from collab.cli.damage import FULL, explained, meaning
from collab.config import BadSettings, load
from collab.setup import create_instance
from collab.web.extensions import db


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole") / "instance"
    app = create_instance(folder, "Maison", "http://127.0.0.1:8000")
    with app.app_context():
        db.engine.dispose()
    return folder


@pytest.fixture
def spoiled(whole):
    """What is done to an instance, and the one line that a command says of it; then undone."""

    def spoil(path, text, *words):
        kept = (whole / path).read_bytes()
        for beside in ("collab.sqlite-wal", "collab.sqlite-shm"):
            (whole / beside).unlink(missing_ok=True)
        try:
            if callable(text):
                text(whole / path)
            else:
                (whole / path).write_bytes(text)
            return said(whole, *words)
        finally:
            (whole / path).write_bytes(kept)

    return spoil


def said(instance, *words):
    words = words or ("prepare", "--bind", "127.0.0.1:8000")
    done = CliRunner().invoke(cli, ["--instance", str(instance), *words])
    assert done.exit_code == 1, done.output
    assert isinstance(done.exception, SystemExit), done.exception
    (line,) = done.stderr.splitlines()
    return line


def sql(*statements):
    def change(path):
        with sqlite3.connect(path) as connection:
            for statement in statements:
                connection.execute(statement)

    return change


def test_a_damaged_database_is_to_be_put_back_from_a_backup(spoiled):
    assert "put it back from a backup" in spoiled("collab.sqlite", b"ruined " * 2000)


def test_a_database_of_a_newer_program_asks_for_that_program(spoiled):
    newer = sql("UPDATE alembic_version SET version_num = 'ffff' || substr(version_num, 5)")
    assert "update collab" in spoiled("collab.sqlite", newer)


def test_a_database_that_is_not_up_to_date_asks_for_migrate(spoiled):
    line = spoiled("collab.sqlite", sql("DROP TABLE account"), "token", "create", "ada")
    assert "collab migrate" in line


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("vault.key", b""),
        ("vault.key", b"abc"),
        ("session.key", b""),
        ("session.key", b"\xff\xfe" * 30),
    ],
)
def test_a_damaged_key_is_to_be_put_back_from_a_backup(spoiled, name, text):
    assert "put the folder keys back" in spoiled(f"keys/{name}", text)


def test_a_full_disk_is_named_whoever_notices_it(tmp_path, capsys):
    assert meaning("database or disk is full") == FULL
    with pytest.raises(SystemExit), explained(tmp_path):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert FULL in capsys.readouterr().err


def test_a_mistake_of_the_program_goes_on_as_it_is(tmp_path):
    assert meaning("UNIQUE constraint failed: actor.iri") == ""
    with pytest.raises(ZeroDivisionError), explained(tmp_path):
        raise ZeroDivisionError


def test_every_mistake_in_the_settings_is_named_at_once(tmp_path):
    (tmp_path / "collab.toml").write_text(
        'realtime = 3\n[site]\nbase_url = "example.org"\nnmae = "x"\n'
        '[limits]\nupload = "much"\n[federation]\nmode = "maybe"\n'
    )
    with pytest.raises(BadSettings) as refused:
        load(tmp_path, {})
    told = "\n".join(refused.value.mistakes)
    for words in ("[realtime]", "base_url", "site.nmae", "limits.upload", "federation.mode"):
        assert words in told
    assert len(refused.value.mistakes) == 5
    assert "limits.upload = 'much' is not a whole number" in refused.value.mistakes


def test_what_is_misspelt_in_the_environment_is_named_with_the_rest(tmp_path):
    (tmp_path / "collab.toml").write_text('[site]\nnom = "x"\n')
    given = {"COLLAB_SITE__NOM": "1", "COLLAB_NOPE__X": "1", "COLLAB_SITE__NAME": "Ici"}
    own = {"COLLAB_INSTANCE": "/srv", "COLLAB_TEST_POSTGRESQL_URL": "x", "OTHER_SITE__NOM": "1"}
    with pytest.raises(BadSettings) as refused:
        load(tmp_path, given | own)
    assert [line.partition(" in the")[0] for line in refused.value.mistakes] == [
        "unknown setting site.nom",
        "unknown setting COLLAB_NOPE__X",
        "unknown setting COLLAB_SITE__NOM",
    ]
    (tmp_path / "collab.toml").unlink()
    assert load(tmp_path, own | {"COLLAB_SITE__NAME": "Ici"}).site.name == "Ici"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, "is a folder: move it away"),
        (b'[site]\nname = "\xff"\n', "line 2 is not text in UTF-8: save"),
        (b"[site]\nname = oui\n", "line 2 is not TOML: write"),
        (b"[site]\nname = ", "its last line is not TOML: write"),
    ],
)
def test_settings_that_cannot_be_read_are_said_in_a_line_with_the_mend(tmp_path, content, words):
    path = tmp_path / "collab.toml"
    path.mkdir() if content is None else path.write_bytes(content)
    with pytest.raises(BadSettings) as refused:
        load(tmp_path, {})
    assert len(refused.value.mistakes) == 1
    assert refused.value.mistakes[0].startswith(f"{path}: {words}")


def test_sizes_and_rates_that_mean_nothing_are_named_before_anything_starts(tmp_path):
    (tmp_path / "collab.toml").write_text(
        '[limits]\nlogin = "often"\nregistration = ""\ntrusted_proxies = -1\n'
        "[files]\nvoice = -3\nproject = 0\n"
    )
    with pytest.raises(BadSettings) as refused:
        load(tmp_path, {})
    told = [mistake.partition(" ")[0] for mistake in refused.value.mistakes]
    assert told == [
        "files.voice", "files.project", "limits.trusted_proxies", "limits.login",
        "limits.registration",
    ]  # fmt: skip
