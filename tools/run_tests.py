"""Run every test: those that keep rows anywhere on SQLite and on PostgreSQL, the others once.

What follows on the command line is handed to pytest. Everything is one run of pytest beside a
throw-away server, so that no core is idle while another run ends.
"""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SERVER = [sys.executable, str(ROOT / "tools" / "postgres_for_tests.py")]
# File by file, so that what one file starts is started once.
PYTEST = [sys.executable, "-m", "pytest", "--dist", "loadfile", "--no-loadscope-reorder"]


def at_once() -> int:
    """How many tests at a time: one more than cores, for some wait for others' processes."""
    return (os.cpu_count() or 1) + 1


def command(chosen: list[str]) -> list[str]:
    """The whole command line."""
    return [*SERVER, *PYTEST, f"-n{at_once()}", "--database=both", *chosen]


def environ() -> dict[str, str]:
    """Compiled tests are kept, whatever the terminal says: the next run begins sooner."""
    return {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}


def main(chosen: list[str]) -> int:
    """Run them. Returns pytest's exit status."""
    # Programs that the tests start are compiled once, not by each of them.
    subprocess.run([sys.executable, "-m", "compileall", "-q", "collab"], cwd=ROOT, env=environ())
    return subprocess.run(command(chosen), cwd=ROOT, env=environ()).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
