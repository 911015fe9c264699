"""Run every test: those that keep rows anywhere on SQLite and on PostgreSQL, the others once.

What follows on the command line is handed to pytest. Everything is one run of pytest beside a
throw-away server, so that no core is idle while another run ends.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from postgres_for_tests import quickest

ROOT = Path(__file__).resolve().parent.parent
SERVER = [sys.executable, str(ROOT / "tools" / "postgres_for_tests.py")]
# File by file, so that what one file starts is started once.
PYTEST = [sys.executable, "-m", "pytest", "--dist", "loadfile", "--no-loadscope-reorder"]
# Thousands of instances: what a test that passed has left is removed at once.
PYTEST += ["-o", "tmp_path_retention_policy=failed"]


def at_once() -> int:
    """How many tests at a time: one more than cores, for some wait for others' processes."""
    return (os.cpu_count() or 1) + 1


def command(chosen: list[str]) -> list[str]:
    """The whole command line."""
    return [*SERVER, *PYTEST, f"-n{at_once()}", "--database=both", *chosen]


def environ(folder: str) -> dict[str, str]:
    """What the tests leave is left in `folder`; what is compiled is kept for the next run."""
    kept = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    return kept | {"TMPDIR": folder}


def main(chosen: list[str]) -> int:
    """Run them. Returns pytest's exit status."""
    folder = tempfile.mkdtemp(prefix="collab-tests-", dir=quickest())
    # Programs that the tests start are compiled once, not by each of them.
    compiling = [sys.executable, "-m", "compileall", "-q", "collab"]
    subprocess.run(compiling, cwd=ROOT, env=environ(folder))
    status = subprocess.run(command(chosen), cwd=ROOT, env=environ(folder)).returncode
    if status:
        print(f"What the tests that failed have left is in {folder}", flush=True)
    else:
        shutil.rmtree(folder, ignore_errors=True)
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
