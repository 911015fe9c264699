"""Keep an instance's processes running: a light parent that loads neither Flask nor the database.

`run` starts `collab web` and `collab worker`, starts either again when it dies, says once when
pages can be opened, and stops both when told to. It is also a program of its own, `python -m
collab.supervise BIND INSTANCE`, so that what started it need not stay in memory.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TextIO

from collab.listening import Refused, address, answers_ready, check_port

# All in seconds.
STOP_PATIENCE = 8.0  # from SIGTERM to SIGKILL; whoever stops us may wait no longer than ten
SHORT_LIFE = 30.0  # before the next try, a process that dies younger is waited for ever longer
FIRST_DELAY = 0.1
LONGEST_DELAY = 10.0
PROBE_EVERY = 0.1
PORT_PATIENCE = 2.0  # for a port that whoever was killed before us has not let go of yet

PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


def run(bind: str, instance: Path, commands: Mapping[str, Sequence[str]] | None = None) -> int:
    """Run an instance until SIGTERM, SIGINT or SIGHUP, and return the exit status.

    `web` listens at `bind` (`host:port`; port 0 takes any free one). `commands` replaces the usual
    ones by others, name by name; the one named `prepare` must succeed before the others start. The
    status is 0 after an orderly stop; 1, after a line on standard error that says what to do, when
    the address or the folder cannot be used or `prepare` failed.
    """
    try:
        host, port = address(bind)
        check_folder(instance)
        port = patient_port(host, port)
        alone = only_one(instance)
    except Refused as refusal:
        tell(str(refusal))
        return 1
    where = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    chosen = dict(commands or usual_commands(where, instance))
    prepare = chosen.pop("prepare", None)
    with alone:
        return Supervisor(chosen, host, port).run(prepare)


def patient_port(host: str, port: int) -> int:
    """`check_port`, again for a while: a process of before us may still be ending.

    Raises:
        Refused: see there.
    """
    ends = time.monotonic() + PORT_PATIENCE
    while True:
        try:
            return check_port(host, port)
        except Refused:
            if time.monotonic() > ends:
                raise
        time.sleep(PROBE_EVERY)


def usual_commands(bind: str, instance: Path) -> dict[str, list[str]]:
    """What makes the instance ready, then the two processes that one machine needs."""
    # -P: a file of the folder one happens to be in is never taken for a part of Python.
    collab = [sys.executable, "-P", "-m", "collab"]
    folder = ["--instance", str(instance)]
    return {
        "prepare": [*collab, "prepare", *folder, "--bind", bind],
        "web": [*collab, "web", *folder, "--bind", bind],
        "worker": [*collab, "worker", *folder],
    }


def tell(line: str) -> None:
    """One line for the person or the log that watches us."""
    sys.stderr.write(f"collab: {line}\n")
    sys.stderr.flush()


def only_one(instance: Path) -> TextIO:
    """See that nobody else runs this instance; it is so while the file that this returns is open,
    or until this process ends, however it ends.

    Raises:
        Refused: somebody does, and has not ended within PORT_PATIENCE seconds.
    """
    held = (instance / "run.lock").open("w")
    ends = time.monotonic() + PORT_PATIENCE
    while True:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            if time.monotonic() > ends:
                held.close()
                raise Refused(
                    f"the instance in {instance} is running already: stop it first, "
                    "or choose another one with --instance"
                ) from None
            time.sleep(PROBE_EVERY)
        else:
            return held


def check_folder(instance: Path) -> None:
    """Make the instance's folder, readable by its owner alone, and see that it takes files.

    Raises:
        Refused: it cannot be made or written to.
    """
    proof = instance / f".writable-{os.getpid()}"
    try:
        instance.mkdir(mode=0o700, parents=True, exist_ok=True)
        proof.touch(mode=0o600)
        proof.unlink()
    except OSError as problem:
        raise Refused(
            f"the folder {instance} cannot be written to ({problem.strerror}): "
            "give its owner the right, or choose another one with --instance"
        ) from None


class Child:
    """One process that is to be there, whatever happens to it."""

    def __init__(self, name: str, command: Sequence[str]) -> None:
        self.name = name
        self.command = command
        self.process: subprocess.Popen[bytes] | None = None
        self.started = 0.0
        self.early_deaths = 0
        self.due = 0.0  # on the monotonic clock: when to start it, while it does not run

    def tend(self, now: float) -> None:
        """Notice its death; start it when it is time."""
        if self.process is not None:
            if (status := self.process.poll()) is None:
                return
            self.process = None
            manner = f"ended with status {status}" if status >= 0 else f"ended by signal {-status}"
            self.postpone(now, manner)
        if now >= self.due:
            self.start(now)

    def start(self, now: float) -> None:
        """Start the process, apart from our terminal's Ctrl-C: it hears of a stop from us."""
        self.started = now
        try:
            self.process = subprocess.Popen(  # noqa: S603 - our own commands
                self.command,
                stdin=subprocess.DEVNULL,
                process_group=0,
                preexec_fn=partial(end_with, os.getpid()),  # noqa: PLW1509 - we have one thread
            )
        except (OSError, subprocess.SubprocessError) as problem:
            self.postpone(now, f"could not be started ({problem})")

    def postpone(self, now: float, what: str) -> None:
        """Decide when to try again, and say so in one line."""
        self.early_deaths = self.early_deaths + 1 if now - self.started < SHORT_LIFE else 0
        delay = min(FIRST_DELAY * 2 ** min(self.early_deaths, 10), LONGEST_DELAY)
        self.due = now + delay
        if self.early_deaths > 1:
            what = f"{what}, {self.early_deaths} times in a row, its lines above say why"
        tell(f"{self.name} {what}; starting it again in {delay:.1f} s")

    def is_running(self) -> bool:
        """Whether it still runs; a process that has ended is taken leave of."""
        return self.process is not None and self.process.poll() is None

    def end(self) -> None:
        """Ask it to end."""
        if self.process is not None:
            self.process.terminate()

    def kill(self) -> None:
        """End it, and what it has itself started."""
        if self.process is not None and self.is_running():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


def end_with(parent: int) -> None:
    """What a new process does first: ask the kernel for a SIGTERM should its parent vanish."""
    if LIBC is not None:
        LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # it vanished before we could ask
            os._exit(1)


class Supervisor:
    """The children, the signals that reach us, and the one loop that minds both."""

    def __init__(self, commands: Mapping[str, Sequence[str]], host: str, port: int) -> None:
        self.children = [Child(name, command) for name, command in commands.items()]
        self.host = host
        self.port = port
        self.told_to_stop = False
        self.announced = False
        # Signals write here, so that waiting for one costs nothing and none is missed.
        self.wakened, self.wakener = socket.socketpair()

    def run(self, prepare: Sequence[str] | None = None) -> int:
        """Prepare, then mind the children until told to stop. Returns the exit status."""
        self.listen_to_signals()
        if prepare and not self.succeeds(prepare):
            return 0 if self.told_to_stop else 1
        while not self.told_to_stop:
            now = time.monotonic()
            for child in self.children:
                child.tend(now)
            if not self.announced:
                self.announce_when_ready()
            self.wait(self.patience(now))
        self.stop()
        return 0

    def succeeds(self, prepare: Sequence[str]) -> bool:
        """Run one command to its end, or to ours; what it says is for it to say."""
        minded, self.children = self.children, [Child("prepare", prepare)]
        self.children[0].start(time.monotonic())
        while self.any_running() and not self.told_to_stop:
            self.wait(None)
        self.stop()
        (once,), self.children = self.children, minded
        return once.process is not None and once.process.returncode == 0 and not self.told_to_stop

    def listen_to_signals(self) -> None:
        """Have SIGTERM, SIGINT and SIGHUP stop us, and every signal wake the loop."""
        for end in (self.wakened, self.wakener):
            end.setblocking(False)
        signal.set_wakeup_fd(self.wakener.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            # What nohup had us ignore stays ignored.
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
                signal.signal(number, self.hear_stop)

    def hear_stop(self, _number: int, _frame: object) -> None:
        """Remember. A second signal changes nothing: make and terminals often send two."""
        self.told_to_stop = True

    def patience(self, now: float) -> float | None:
        """Seconds to wait for a signal; None when only a signal brings anything new."""
        waits = [max(0.0, c.due - now) for c in self.children if c.process is None]
        if not self.announced:
            waits.append(PROBE_EVERY)
        return min(waits, default=None)

    def wait(self, seconds: float | None) -> None:
        """Sleep until a signal comes, or so many seconds."""
        readable, _, _ = select.select([self.wakened], [], [], seconds)
        if readable:
            self.wakened.recv(4096)

    def announce_when_ready(self) -> None:
        """Print the address, once, when pages can be opened."""
        # Listening on every address of the machine includes this one.
        near = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)  # noqa: S104
        if answers_ready(near, self.port):
            shown = f"[{near}]" if ":" in near else near
            sys.stdout.write(f"collab: http://{shown}:{self.port} ready\n")
            sys.stdout.flush()
            self.announced = True

    def stop(self) -> None:
        """Ask every child to end; after STOP_PATIENCE, make it."""
        until = time.monotonic() + STOP_PATIENCE
        for child in self.children:
            child.end()
        while self.any_running() and (left := until - time.monotonic()) > 0:
            self.wait(left)
        for child in self.children:
            if child.is_running():
                tell(f"{child.name} did not stop in {STOP_PATIENCE:.0f} s and was ended")
                child.kill()

    def any_running(self) -> bool:
        """Whether a child is left."""
        return any(child.is_running() for child in self.children)


if __name__ == "__main__":
    sys.exit(run(sys.argv[1], Path(sys.argv[2])))
