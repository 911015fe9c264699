"""Start a throw-away PostgreSQL, run a command with its address, stop and remove it.

    python tools/postgres_for_tests.py pytest --database=postgresql

The command finds the address in COLLAB_TEST_POSTGRESQL_URL. Without a command the address is
printed and the server runs until this program is told to stop (Ctrl-C or SIGTERM). The server
listens on a socket file alone, and trades every promise of durability for speed.
"""

import contextlib
import ctypes
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROLE = "collab"
DATABASE = "collab_test"
# Seconds until a server that does not answer is given up.
PATIENCE = 30
PR_SET_PDEATHSIG = 1
# Bytes of free memory that are worth using.
ENOUGH = 4_000_000_000

SETTINGS = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    # Compiling costs more than it brings on tables of a few rows.
    "jit": "off",
    # Nothing lives long enough to be tidied up behind the tests.
    "autovacuum": "off",
    "listen_addresses": "",
    "max_connections": "100",
    "shared_buffers": "64MB",
    "timezone": "UTC",
}


def programs() -> Path:
    """The folder of the newest installed server's programs.

    Raises:
        SystemExit: there is none.
    """
    folders = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    found = sorted((p.parent for p in folders), key=lambda p: float(p.parent.name))
    if found:
        return found[-1]
    on_path = shutil.which("initdb")
    if on_path is None:
        sys.exit("PostgreSQL is not installed: `apt-get install postgresql`, or run `make test`")
    return Path(on_path).resolve().parent


def not_root() -> dict[str, Any]:
    """How to start a program as somebody else than root, whom the server refuses."""
    if os.geteuid() != 0:
        return {}
    try:
        user = pwd.getpwnam("postgres")
    except KeyError:
        sys.exit("PostgreSQL refuses to run as root and there is no user `postgres`")
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def die_with_parent() -> None:
    """Linux: stop the server at once when this program is killed and cannot do so itself."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGQUIT)


def quickest() -> Path:
    """Memory when there is plenty of it, for each test gets a database of ten megabytes."""
    memory = Path("/dev/shm")  # noqa: S108 - a folder of its own is made in it
    if os.access(memory, os.W_OK) and shutil.disk_usage(memory).free >= ENOUGH:
        return memory
    return Path("/tmp")  # noqa: S108


@contextlib.contextmanager
def server() -> Iterator[str]:
    """A running server's address, for as long as the block lasts."""
    with tempfile.TemporaryDirectory(prefix="collab-pg-", dir=quickest()) as folder:
        programs_folder, owner = programs(), not_root()
        if owner:
            os.chown(folder, owner["user"], owner["group"])
        cluster = Path(folder, "cluster")
        initdb = [programs_folder / "initdb", "--pgdata", cluster, "--username", ROLE]
        run([*initdb, "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync"], owner, folder)
        settings = [f"--{name}={value}" for name, value in SETTINGS.items()]
        with Path(folder, "log").open("wb") as log:
            running = subprocess.Popen(
                [programs_folder / "postgres", "-D", cluster, "-k", folder, *settings],
                cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                process_group=0,  # Ctrl-C is for the tests; they still need their server then
                preexec_fn=die_with_parent, **owner,
            )  # fmt: skip
        try:
            wait_until_ready(programs_folder, folder, running)
            run([programs_folder / "createdb", "-h", folder, "-U", ROLE, DATABASE], owner, folder)
            yield f"postgresql+psycopg://{ROLE}@/{DATABASE}?host={folder}"
        finally:
            running.send_signal(signal.SIGINT)  # "fast": open connections are ended
            try:
                running.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                running.kill()
                running.wait()


def run(command: list[Any], owner: dict[str, Any], folder: str) -> None:
    """Run one of PostgreSQL's programs; what it says is shown only when it fails."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, **owner)
    if done.returncode:
        sys.exit(f"{Path(command[0]).name} failed: {done.stderr.strip()}")


def wait_until_ready(programs_folder: Path, folder: str, running: subprocess.Popen[bytes]) -> None:
    """Return when the server takes connections; give up with its own words when it does not."""
    asking = [programs_folder / "pg_isready", "--quiet", "-h", folder, "-U", ROLE]
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and running.poll() is None:
        if subprocess.run(asking).returncode == 0:
            return
        time.sleep(0.05)
    sys.exit(f"PostgreSQL did not start: {Path(folder, 'log').read_text(errors='replace')}")


def stop(number: int, _frame: object) -> None:
    """Leave by way of the `finally` above, also on SIGTERM."""
    sys.exit(128 + number)


def main(command: list[str]) -> int:
    """Run the command beside the server, or wait. Returns the command's exit status."""
    signal.signal(signal.SIGTERM, stop)
    with server() as url:
        if command:
            return subprocess.run(
                command, env=os.environ | {"COLLAB_TEST_POSTGRESQL_URL": url}
            ).returncode
        print(url, flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            signal.pause()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
