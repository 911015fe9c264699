"""A short run of what `make chaos` does for long."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

CHAOS = Path(__file__).parent / "chaos.py"


def test_whatever_fails_every_accepted_write_is_everywhere_once():
    short = ["--minutes", "0", "--acts", "24", "--every", "2", "--seed", "20"]
    done = subprocess.run(
        [sys.executable, str(CHAOS), *short], capture_output=True, text=True, timeout=600
    )
    print(done.stdout)  # noqa: T201 - the figures, shown when it fails
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-4000:]
