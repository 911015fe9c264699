"""Setting the demonstration up: three instances made, started and linked."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from collab.demo.story import HOUSES, House
from collab.federation.transport import Transport, Unreachable

PASSWORD = "jardin partagé"  # noqa: S105 - printed on the terminal, for a trial on one machine
PATIENCE = 90.0
"""Seconds that a step of the demonstration may take before it gives up."""
LOOPBACK = "\n[federation]\nallow_loopback = true\n"
Json = dict[str, Any]


class Stuck(Exception):
    """A step of the demonstration did not come to its end."""


@dataclass
class Stage:
    """One running instance of the demonstration."""

    house: House
    folder: Path
    port: int
    process: subprocess.Popen[bytes] | None = None

    def __post_init__(self) -> None:
        self._out = Transport(allow_loopback=True)
        self._tokens: dict[str, str] = {}

    @property
    def host(self) -> str:
        """Its host, with the port."""
        return f"127.0.0.1:{self.port}"

    @property
    def origin(self) -> str:
        """Its address."""
        return f"http://{self.host}"

    def make(self) -> None:
        """Create the instance and its accounts, unless they are there from the last time."""
        if not (self.folder / "keys").exists():
            self._collab(*self.first_words(), given=PASSWORD)
            for alias, shown in self.house.people[1:]:
                self._collab(
                    "user", "create", alias, "--display-name", shown, "--password-file", "-",
                    given=PASSWORD,
                )  # fmt: skip
        self.stay_on_this_machine()
        for alias, _shown in self.house.people:
            self._tokens[alias] = self._collab("token", "create", alias, "--name", "demo")

    def stay_on_this_machine(self) -> None:
        """Write into its settings that it speaks with loopback, so that a command typed beside the
        demonstration does too; once."""
        settings = self.folder / "collab.toml"
        said = settings.read_text("utf-8")
        if LOOPBACK not in said:
            settings.write_text(said + LOOPBACK, "utf-8")

    def first_words(self) -> list[str]:
        """The command that creates the instance, after `collab --instance FOLDER`."""
        admin, shown = self.house.people[0]
        return [
            "init", "--name", self.house.name, "--base-url", self.origin, "--admin", admin,
            "--tagline", self.house.tagline, "--contact", self.house.contact,
            "--admin-display-name", shown, "--admin-password-file", "-",
        ]  # fmt: skip

    def start(self) -> None:
        """Start its processes; what they say goes to a file beside the instance."""
        command = [*_PROGRAM, "--instance", str(self.folder), "run", "--bind", self.host]
        with self._said.open("wb") as said:
            self.process = subprocess.Popen(command, env=_environ(), stdout=said, stderr=said)  # noqa: S603

    @property
    def _said(self) -> Path:
        return self.folder.with_name(f"{self.folder.name}.log")

    def check(self) -> None:
        """Raises Stuck, with its last words, when it has ended by itself."""
        if self.process is not None and self.process.poll() is not None:
            words = self._said.read_text("utf-8", "replace").strip().rpartition("\n")[2]
            raise Stuck(f"{self.house.name} has ended: {words or 'it said nothing'}")

    def ready(self) -> bool:
        """Whether it answers. Raises Stuck when it has ended."""
        self.check()
        try:
            return self._out.request("GET", f"{self.origin}/readyz").status == 200
        except Unreachable:
            return False

    def api(self, who: str, method: str, path: str, sent: Json | None = None) -> Any:
        """Ask the API as somebody. Raises Stuck when it refuses, or does not answer."""
        headers = {
            "Authorization": f"Bearer {self._tokens[who]}",
            "Content-Type": "application/json",
        }
        body = json.dumps(sent).encode() if sent is not None else b""
        try:
            answer = self._out.request(
                method, f"{self.origin}/api/v1{path}", headers=headers, body=body
            )
        except Unreachable as away:
            self.check()
            raise Stuck(f"{self.house.name} does not answer any more: {away}") from away
        if answer.status >= 300:
            raise Stuck(f"{self.house.name}: {method} {path} answered {answer.status}")
        return json.loads(answer.body)

    def _collab(self, *words: str, given: str = "") -> str:
        done = subprocess.run(  # noqa: S603 - our own program
            [*_PROGRAM, "--instance", str(self.folder), *words],
            input=given, capture_output=True, text=True, env=_environ(), check=False,
        )  # fmt: skip
        if done.returncode:
            raise Stuck(done.stderr.strip())
        return done.stdout.strip()


_PROGRAM = [sys.executable, "-m", "collab"]


def _environ() -> dict[str, str]:
    return {**os.environ, "COLLAB_FEDERATION__ALLOW_LOOPBACK": "true"}


def until(what: Callable[[], Any], why: str) -> Any:
    """Ask again until the answer is true, and return it. Raises Stuck after PATIENCE."""
    ends = time.monotonic() + PATIENCE
    while time.monotonic() < ends:
        found = what()
        if found:
            return found
        time.sleep(0.2)
    raise Stuck(why)


def link(stages: dict[str, Stage], tell: Callable[[str], None]) -> None:
    """Link every instance with every other: one administrator asks, the other accepts."""
    order = [stages[house.key] for house in HOUSES]
    for number, asking in enumerate(order):
        for asked in order[number + 1 :]:
            asking._collab("peer", "add", asked.origin)
            until(lambda b=asked, a=asking: _asks(b, a.host), f"{asked.host} hears the request")  # type: ignore[misc]
            asked._collab("peer", "allow", asking.host)
            tell(f"{asking.house.name} et {asked.house.name} sont reliées")


def _asks(stage: Stage, host: str) -> bool:
    peers = json.loads(stage._collab("peer", "list", "--json"))
    return any(p["host"] == host and p["state"] in ("asking", "allowed") for p in peers)
