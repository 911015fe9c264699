"""Real instances: `collab run` trees on loopback, driven as people and scripts drive them."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any

import socketio
import urllib3
from click.testing import CliRunner

from collab.cli import cli

PASSWORD = "une petite phrase"
PATIENCE = 60.0
CHANCE = random.SystemRandom()
ONE_AT_A_TIME = Lock()
"""A command in this process has standard input and output to itself."""
http = urllib3.PoolManager(timeout=urllib3.Timeout(20), retries=False)


def free_port() -> int:
    """A port for an instance that is started again and again: none of those that the system gives
    to connections that go out, or one of them would hold it while the instance is down."""
    while True:
        port = CHANCE.randrange(10_100, 30_000)
        with socket.socket() as found, contextlib.suppress(OSError):
            found.bind(("127.0.0.1", port))
            return port


def until(what: Callable[[], Any], why: str, seconds: float = PATIENCE) -> Any:
    """Ask again until the answer is true, and return it. It fails with `why` after a while."""
    ends, seen = time.monotonic() + seconds, None
    while time.monotonic() < ends:
        seen = what()
        if seen:
            return seen
        time.sleep(0.1)
    raise AssertionError(f"not within {seconds:.0f} s: {why}; last seen: {seen!r}")


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def text(self) -> str:
        return self.body.decode()


@dataclass
class Instance:
    """One instance and the tree of processes that serves it."""

    path: Path
    name: str
    port: int = field(default_factory=free_port)
    tokens: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None
    database: str = ""

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def origin(self) -> str:
        return f"http://{self.host}"

    @property
    def door(self) -> int:
        """The port at which its own people come in."""
        return self.port

    def environ(self) -> dict[str, str]:
        own = {
            "COLLAB_FEDERATION__ALLOW_LOOPBACK": "true",
            "COLLAB_LIMITS__LOGIN": "1000 per minute",
        }
        if self.database:
            own["COLLAB_DATABASE__URL"] = self.database
        return {**os.environ, **own}

    def cli(self, *words: str, given: str = "", status: int = 0) -> str:
        """A command in this process, which saves the two seconds of starting one."""
        with ONE_AT_A_TIME:
            done = CliRunner().invoke(
                cli, ["--instance", str(self.path), *words], input=given, env=self.environ()
            )
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        assert done.exit_code == status, f"{words}: {done.exit_code}\n{done.output}"
        return (done.stdout if status == 0 else done.stderr).strip()

    def program(self, *words: str, given: str = "", status: int = 0) -> str:
        """A command as it is typed, in a process of its own."""
        done = subprocess.run(
            [sys.executable, "-m", "collab", "--instance", str(self.path), *words],
            input=given, capture_output=True, text=True, env=self.environ(), timeout=300,
        )  # fmt: skip
        assert done.returncode == status, f"{words}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout.strip() if status == 0 else done.stderr.strip()

    def create(self, admin: str = "admin") -> Instance:
        self.cli(
            "init", "--name", self.name, "--base-url", self.origin, "--admin", admin,
            "--admin-password-file", "-", given=PASSWORD,
        )  # fmt: skip
        self.tokens[admin] = self.cli("token", "create", admin)
        return self

    def person(self, alias: str) -> str:
        self.cli("user", "create", alias, "--password-file", "-", given=PASSWORD)
        self.tokens[alias] = self.cli("token", "create", alias)
        return alias

    def start(self) -> Instance:
        program = [sys.executable, "-m", "collab", "--instance", str(self.path)]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*program, "run", "--bind", f"127.0.0.1:{self.door}"],
                env=self.environ(), stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        until(self.ready, f"{self.name} is ready")
        return self

    @property
    def log(self) -> Path:
        """What its processes say."""
        return self.path.parent / f"{self.path.name}.log"

    def ready(self) -> bool:
        """Whether it answers; one that has ended by itself never will."""
        if self.process is not None and self.process.poll() is not None:
            words = self.log.read_text("utf-8", "replace")[-2000:]
            raise AssertionError(f"{self.name} has ended: {words}")
        return self.get("/readyz", quiet=True).status == 200

    def stop(self) -> None:
        """As an operator does: SIGTERM to the parent, which takes everybody with it."""
        if self.process is None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(15)
        finally:
            self.end()

    def end(self) -> None:
        """Whatever is left, at the end of a test."""
        if self.process is not None and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        self.process = None

    def children(self) -> dict[str, int]:
        """The process ids of `web` and `worker`, read from /proc."""
        assert self.process is not None
        found = {}
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                words = (entry / "cmdline").read_bytes().decode().split("\0")
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            except (OSError, ValueError):
                continue
            if parent == self.process.pid:
                for name in ("web", "worker"):
                    if name in words:
                        found[name] = int(entry.name)
        return found

    def kill(self, name: str) -> None:
        """kill -9 of one child; the parent starts it again."""
        os.kill(self.children()[name], signal.SIGKILL)

    def memory(self) -> int:
        """Kilobytes of resident memory of the whole tree."""
        assert self.process is not None
        pids = [self.process.pid, *self.children().values()]
        total = 0
        for pid in pids:
            for line in Path(f"/proc/{pid}/status").read_text().splitlines():
                if line.startswith("VmRSS:"):
                    total += int(line.split()[1])
        return total

    # ---- by HTTP

    def ask(
        self, method: str, path: str, *, as_: str = "", sent: Any = None,
        headers: dict[str, str] | None = None, quiet: bool = False,
    ) -> Answer:  # fmt: skip
        told = {"Host": self.host, **(headers or {})}
        if as_:
            told["Authorization"] = f"Bearer {self.tokens[as_]}"
        body = None
        if sent is not None:
            body = sent if isinstance(sent, bytes) else json.dumps(sent).encode()
            told.setdefault("Content-Type", "application/json")
        url = f"http://127.0.0.1:{self.door}{path}"
        try:
            got = http.request(method, url, body=body, headers=told, redirect=False)
        except urllib3.exceptions.HTTPError:
            if quiet:
                return Answer(0, {}, b"")
            raise
        return Answer(got.status, {k.lower(): v for k, v in got.headers.items()}, got.data)

    def get(self, path: str, *, as_: str = "", quiet: bool = False) -> Answer:
        return self.ask("GET", path, as_=as_, quiet=quiet)

    def api(
        self, method: str, path: str, *, as_: str = "", sent: Any = None,
        status: int | tuple[int, ...] = (200, 201, 202),
    ) -> Any:  # fmt: skip
        answer = self.ask(method, f"/api/v1{path}", as_=as_, sent=sent)
        wanted = (status,) if isinstance(status, int) else status
        assert answer.status in wanted, f"{method} {path}: {answer.status} {answer.text[:800]}"
        return answer.json

    @contextmanager
    def live(self, alias: str) -> Iterator[Listener]:
        """A page that is open: a Socket.IO client of that person."""
        listener = Listener(self, alias)
        listener.open()
        try:
            yield listener
        finally:
            listener.close()


class Listener:
    """Hears what happens, as a browser does."""

    def __init__(self, instance: Instance, alias: str) -> None:
        self.heard: list[dict[str, Any]] = []
        self._instance, self._alias = instance, alias
        named = {"host": instance.host, "origin": instance.origin}
        self.client = socketio.Client(reconnection=False, websocket_extra_options=named)
        self.client.on(
            "happened", lambda event: self.heard.append(event | {"heard_at": time.time()})
        )

    def open(self) -> None:
        auth = {"token": self._instance.tokens[self._alias]}
        there = f"http://127.0.0.1:{self._instance.door}"
        self.client.connect(there, auth=auth, transports=["websocket"])

    def join(self, address: str, after: int | None = None) -> Any:
        asked: dict[str, Any] = {"space": address}
        if after is not None:
            asked["after"] = after
        return self.client.call("join", asked, timeout=20)

    def do(self, space: str, tool: str, action: str, data: dict[str, Any]) -> Any:
        asked = {"space": space, "tool": tool, "action": action, "data": data}
        return self.client.call("do", asked, timeout=20)

    def wait(self, name: str, count: int = 1) -> list[dict[str, Any]]:
        def heard() -> list[dict[str, Any]]:
            found = [event for event in list(self.heard) if event["name"] == name]
            return found if len(found) >= count else []

        return until(heard, f"{count} x {name} heard")

    def close(self) -> None:
        self.client.disconnect()
