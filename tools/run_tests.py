"""Run the whole suite on SQLite, then what asks most of a database once more on PostgreSQL.

What follows on the command line is handed to pytest, both times. Both runs happen even when the
first fails, so that one look shows everything; the exit status is that of the first failure.
"""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# Two at a time, file by file, so that what one file starts is started once.
# In the order of the folders, for those that start whole instances come first and end alone.
PYTEST = [sys.executable, "-m", "pytest", "-n", "2", "--dist", "loadfile", "--no-loadscope-reorder"]
# Where PostgreSQL differs most: all tests that use a database run by `make test-postgresql`.
ON_POSTGRESQL = [
    "tests/api",
    "tests/federation/test_erasure.py",
    "tests/federation/test_identity.py",
    "tests/federation/test_inbox.py",
    "tests/federation/test_log.py",
    "tests/federation/test_mirrors.py",
    "tests/federation/test_peers.py",
    "tests/federation/test_voices.py",
    "tests/search",
    "tests/spaces/test_spaces.py",
    "tests/test_migrations.py",
]
# pytest's status when the words on the command line chose no test.
NONE_CHOSEN = 5


def main(chosen: list[str]) -> int:
    """Run both. Returns the exit status."""
    print("== The whole suite, on SQLite", flush=True)
    first = subprocess.run([*PYTEST, *chosen], cwd=ROOT).returncode
    print("== The database tests again, on PostgreSQL", flush=True)
    server = [sys.executable, str(ROOT / "tools" / "postgres_for_tests.py")]
    again = [*server, *PYTEST, "--database=postgresql", *(chosen or ON_POSTGRESQL)]
    second = subprocess.run(again, cwd=ROOT).returncode
    return verdict(first, second, bool(chosen))


def verdict(first: int, second: int, chosen: bool) -> int:
    """One exit status of two; a choice such as `-k supervise` may hold no database test."""
    return first or (0 if chosen and second == NONE_CHOSEN else second)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
