"""What stands around the code: locks, make, the wheel, the image, the tools that install."""

import os
import re
import subprocess
import sys
import tomllib
import zipfile
from hashlib import sha256
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools"))

import assets  # noqa: E402
import run_tests  # noqa: E402
import system_packages  # noqa: E402

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]
LOCKS = ("requirements.lock", "requirements-dev.lock", "tools/node.lock")


def tracked() -> list[Path]:
    """The files that a clone has."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
    names = [name for name in listed.stdout.decode().split("\0") if name]
    return [ROOT / name for name in names if (ROOT / name).is_file()]


def pins(lock: str) -> set[tuple[str, str]]:
    """Package and pinned version; a package has two where it depends on the Python."""
    found = re.findall(r"^([\w.\[\],-]+)==([^\s;]+)", (ROOT / lock).read_text(), re.MULTILINE)
    return {(canonicalize_name(name.partition("[")[0]), version) for name, version in found}


@pytest.mark.parametrize("lock", LOCKS)
def test_every_locked_package_has_its_hashes_and_no_address(lock):
    text = (ROOT / lock).read_text()
    assert "://" not in text
    blocks = [block for block in re.split(r"\n(?=\w)", text) if not block.startswith("#")]
    assert len(blocks) == len(pins(lock))
    for block in blocks:
        assert "--hash=sha256:" in block, block.splitlines()[0]


@pytest.mark.parametrize(
    ("lock", "wanted"),
    [
        ("requirements.lock", [*PROJECT["dependencies"], *EXTRAS["build"]]),
        ("requirements-dev.lock", [*PROJECT["dependencies"], *EXTRAS["build"], *EXTRAS["dev"]]),
    ],
)
def test_the_lock_satisfies_what_the_project_asks_for(lock, wanted):
    locked = pins(lock)
    for line in wanted:
        asked = Requirement(line)
        name = canonicalize_name(asked.name)
        versions = [version for package, version in locked if package == name]
        assert versions, f"{name} is not locked: run `make lock`"
        assert all(map(asked.specifier.contains, versions)), f"{line}: run `make lock`"


def test_both_locks_agree():
    assert pins("requirements.lock") <= pins("requirements-dev.lock")


def test_the_browsers_libraries_are_locked_by_content_and_without_an_address():
    text = (ROOT / "package-lock.json").read_text()
    assert "://" not in text
    assert '"resolved"' not in text
    assert len(assets.versions()) > len(assets.FILES)


def test_no_file_of_the_project_names_the_host_of_a_registry():
    # Spelled apart, so that this file is not the one that does.
    hosts = re.compile(
        rb"(py" rb"pi\.org|files\.python" rb"hosted|registry\.npm" rb"js|deb\.deb" rb"ian)"
    )
    named = [str(path) for path in tracked() if hosts.search(path.read_bytes())]
    assert named == []


def test_the_licence_is_the_whole_agpl():
    digest = sha256((ROOT / "LICENSE").read_bytes()).hexdigest()
    assert digest == "0d96a4ff68ad6d4b6f1f30f713b18d5184912ba8dd389f86aa7710db079abcb0"
    assert PROJECT["license"] == "AGPL-3.0-or-later"


def test_the_browsers_libraries_are_in_place_and_small():
    sizes = {name: (assets.VENDOR / name).stat().st_size for name in assets.FILES.values()}
    assert sizes, "run `make install`"
    assert sum(size for name, size in sizes.items() if name.endswith(".js")) < 50_000
    assert sum(sizes.values()) < 1_000_000, "letters for paper, which no page loads"


def test_without_node_and_registry_one_line_says_what_is_missing(tmp_path):
    done = subprocess.run(
        [sys.executable, ROOT / "tools" / "assets.py", tmp_path / "vendor"],
        env=os.environ
        | {
            "PATH": str(tmp_path),
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": str(tmp_path),
            "npm_config_registry": "http://127.0.0.1:9/",
            "npm_config_fetch_retries": "0",
            "npm_config_cache": str(tmp_path / "cache"),
        },
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("No live updates in the browser: ")
    assert "install Node.js" in done.stderr.splitlines()[-1]
    assert not (tmp_path / "vendor").exists()


def test_libraries_that_are_there_are_not_fetched_again(tmp_path):
    vendor = assets.VENDOR
    before = {path: path.stat().st_mtime_ns for path in vendor.iterdir()}
    done = subprocess.run(
        [sys.executable, ROOT / "tools" / "assets.py"], env={"PATH": str(tmp_path)}
    )
    assert done.returncode == 0
    assert {path: path.stat().st_mtime_ns for path in vendor.iterdir()} == before


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> zipfile.ZipFile:
    """A wheel built from what a clone has, and from the browser's libraries fetched before."""
    tree, dist = tmp_path_factory.mktemp("tree"), tmp_path_factory.mktemp("dist")
    vendored = list(assets.VENDOR.iterdir())
    for path in [*tracked(), *vendored]:
        copy = tree / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(path.read_bytes())
    done = subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", dist, tree],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    (built,) = dist.iterdir()
    return zipfile.ZipFile(built)


def test_the_wheel_holds_all_that_a_server_without_node_needs(wheel):
    inside = set(wheel.namelist())
    code = {
        str(path.relative_to(ROOT)) for path in tracked() if path.is_relative_to(ROOT / "collab")
    }
    assert code - inside == set()
    assert {f"collab/static/vendor/{name}" for name in assets.FILES.values()} <= inside
    catalogues = {name for name in inside if name.endswith(".po")}
    assert {name.removesuffix(".po") + ".mo" for name in catalogues} <= inside
    assert not [name for name in inside if name.startswith(("tests/", "tools/"))]


def test_the_wheel_offers_the_collab_command(wheel):
    (points,) = [name for name in wheel.namelist() if name.endswith("entry_points.txt")]
    assert "collab = collab.cli:main" in wheel.read(points).decode()


def test_make_test_asks_for_both_databases_and_for_whatever_is_chosen():
    words = run_tests.command(["-k", "pages"])
    assert "--database=both" in words
    assert words[-2:] == ["-k", "pages"]


def test_who_may_not_install_is_told_exactly_what_to(capsys):
    assert system_packages.main(["chromium", "postgresql"], may_install=False) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.endswith("run `apt-get install --no-install-recommends chromium postgresql`")


def test_continuous_integration_runs_lint_and_tests_by_make():
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    lines = script.read_text().splitlines()
    assert lines[0] == "#!/usr/bin/env bash"
    assert [line for line in lines if line.startswith("make ")] == ["make lint", "make test"]
    assert "set -euo pipefail" in lines


def make(*words: str, folder: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Run make as a person would, also when these tests were themselves started by make."""
    set_by_make = {"MAKEFLAGS", "MAKELEVEL", "MAKEOVERRIDES", "MFLAGS"}
    clean = {name: os.environ[name] for name in os.environ.keys() - set_by_make}
    return subprocess.run(["make", *words], cwd=folder, env=clean, capture_output=True, text=True)


def last_line_planned(*words: str) -> str:
    done = make("--dry-run", "--always-make", *words)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()[-1]


def test_make_run_becomes_the_supervisor_so_that_signals_reach_it():
    assert last_line_planned("run", "ARGS=--bind 127.0.0.1:9000") == (
        "exec .venv/bin/collab run --bind 127.0.0.1:9000"
    )


def test_make_test_hands_its_arguments_to_pytest():
    assert last_line_planned("test", "ARGS=-k pages -x") == (
        ".venv/bin/python tools/run_tests.py -k pages -x"
    )


def test_a_python_that_is_too_old_is_said_in_one_line(tmp_path):
    for name in ("Makefile", "pyproject.toml", "requirements.lock"):
        (tmp_path / name).write_text((ROOT / name).read_text())
    done = make("run", "PYTHON=", folder=tmp_path)
    assert done.returncode == 2
    assert done.stderr.splitlines()[0].startswith("collab needs Python 3.11 or later: install it")


def stages() -> list[list[str]]:
    """The Dockerfile's instructions, stage by stage, with continued lines joined."""
    text = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    found: list[list[str]] = []
    for line in lines:
        if line.startswith("FROM "):
            found.append([])
        found[-1].append(line)
    return found


def test_the_image_runs_as_nobody_special_keeps_its_instance_and_tells_its_health():
    last = stages()[-1]
    words = {line.split(" ", 1)[0]: line.split(" ", 1)[1] for line in last}
    assert int(words["USER"]) > 0
    assert words["VOLUME"] == "/instance"
    assert "COLLAB_INSTANCE=/instance" in words["ENV"]
    assert "/healthz" in words["HEALTHCHECK"]
    assert words["ENTRYPOINT"] == '["collab"]'
    assert words["CMD"].startswith('["run"')


def test_the_image_copies_only_what_its_context_lets_through():
    allowed = {
        line.removeprefix("!")
        for line in (ROOT / ".dockerignore").read_text().splitlines()
        if line.startswith("!")
    }
    copied = [
        word
        for stage in stages()
        for line in stage
        if line.startswith("COPY ") and "--from" not in line
        for word in line.split()[1:-1]
        if word != "."
    ]
    assert copied
    assert set(copied) <= allowed


def test_the_help_names_every_command_and_complains_of_nothing():
    told = subprocess.run(
        [sys.executable, "-c", "from collab.cli import main; main()", "--help"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "reindex" in told.stdout
    assert told.stderr == ""
