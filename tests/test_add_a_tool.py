"""docs/add-a-tool.md is followed to the letter, in a copy of the source."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
GUIDE = (ROOT / "docs" / "add-a-tool.md").read_text(encoding="utf-8")
FILE = re.compile(r"^### `([^`]+)`\n.*?^```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FILES = dict(FILE.findall(GUIDE))
ROOM = "collab/spaces/tools/seeds"
SECONDS = 600
"""Before a run of the copy's tests counts as stuck."""


def run(copy, *command):
    environ = os.environ | {"PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"}
    environ.pop("PYTEST_ADDOPTS", None)
    done = subprocess.run(
        [sys.executable, *command],
        cwd=copy,
        env=environ,
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-3000:]
    return done.stdout


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """The source with one room more, its table written by the command the guide names."""
    copy = tmp_path_factory.mktemp("guide")
    unneeded = shutil.ignore_patterns("__pycache__", "vendor")
    for name in ("collab", "tools", "tests"):
        shutil.copytree(ROOT / name, copy / name, ignore=unneeded)
    shutil.copy(ROOT / "pyproject.toml", copy)
    for name, text in FILES.items():
        folder = "tests/spaces/tools" if name.startswith("test_") else ROOM
        place = copy / folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")
    (command,) = re.findall(r"^\.venv/bin/python (tools/write_migration\.py .*)$", GUIDE, re.M)
    run(copy, *command.split())
    return copy


def test_the_guide_shows_a_whole_room():
    wanted = {"__init__.py", "models.py", "operations.py", "activitypub.py", "views.py", "tool.py"}
    assert wanted <= FILES.keys()


def test_the_room_of_the_guide_keeps_the_contract(copy):
    (migration,) = (copy / ROOM / "migrations").glob("*_first_tables.py")
    assert "create_table('seed'" in migration.read_text()
    told = run(
        copy, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-k", "seeds",
        "tests/test_tool_contract.py", "tests/test_architecture.py",
        "tests/spaces/tools/test_seeds.py",
    )  # fmt: skip
    assert int(re.findall(r"(\d+) passed", told)[0]) > 30
    assert "skipped" not in told


def test_the_room_of_the_guide_is_written_as_the_house_is(copy):
    run(copy, "-m", "ruff", "check", "--no-cache", ROOM, "tests/spaces/tools/test_seeds.py")
    run(
        copy,
        "-m",
        "ruff",
        "format",
        "--no-cache",
        "--check",
        *[f"{ROOM}/{n}" for n in FILES if n.endswith(".py") and "test_" not in n],
    )
