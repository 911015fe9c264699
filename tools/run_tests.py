"""Run the whole suite on SQLite, and every test that has rows anywhere on PostgreSQL as well.

What follows on the command line is handed to pytest, both times. Both run at once, for each spends
much of its time waiting: for browsers, for other instances, for its database. What the second says
is shown when the first has ended; the exit status is that of the first failure.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# Two at a time, file by file, so that what one file starts is started once.
# In the order of the folders, for those that start whole instances come first and end alone.
PYTEST = [sys.executable, "-m", "pytest", "-n", "2", "--dist", "loadfile", "--no-loadscope-reorder"]
# pytest's status when the words on the command line chose no test.
NONE_CHOSEN = 5


def main(chosen: list[str]) -> int:
    """Run both. Returns the exit status."""
    server = [sys.executable, str(ROOT / "tools" / "postgres_for_tests.py")]
    again = [*server, *PYTEST, "--database=postgresql", *chosen]
    with tempfile.TemporaryFile() as told:
        other = subprocess.Popen(again, cwd=ROOT, stdout=told, stderr=subprocess.STDOUT)
        try:
            print("== The whole suite, on SQLite", flush=True)
            first = subprocess.run([*PYTEST, *chosen], cwd=ROOT).returncode
            print("== Every test that uses a database, on PostgreSQL", flush=True)
            second = other.wait()
        finally:
            other.terminate()
            other.wait()
        told.seek(0)
        sys.stdout.write(told.read().decode(errors="replace"))
    return verdict(first, second, bool(chosen))


def verdict(first: int, second: int, chosen: bool) -> int:
    """One exit status of two; a choice such as `-k supervise` may hold no database test."""
    return first or (0 if chosen and second == NONE_CHOSEN else second)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
