"""Start and command the Fedify server of peer.mjs: another project's ActivityPub, unchanged."""

from __future__ import annotations

import json
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from npm import NODE, installed

HERE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Pia:
    """The one person of the Fedify server, and the door where she is told what to do."""

    origin: str
    door: str

    @property
    def iri(self) -> str:
        return f"{self.origin}/users/pia"

    @property
    def host(self) -> str:
        return self.origin.partition("//")[2]

    def ask(self, what: str, **more) -> dict:
        """One command of peer.mjs; its answer. Fails with Fedify's own words."""
        body = json.dumps({"do": what} | more).encode()
        asked = urllib.request.Request(self.door, body, {"Content-Type": "application/json"})
        opener = urllib.request.build_opener(_NoError())
        with opener.open(asked, timeout=20) as answer:
            told = json.load(answer)
        assert answer.status == 200, told
        return told

    def heard(self, kind: str) -> list[dict]:
        """The activities of that type that Fedify believed, as it read them."""
        return [one for one in self.ask("heard")["heard"] if one["type"] == kind]

    def knocks(self) -> list[dict]:
        """The requests to her inboxes: scheme, status, key, and Fedify's verdict on the proof."""
        return self.ask("heard")["knocks"]


class _NoError(urllib.request.HTTPErrorProcessor):
    def http_response(self, request, response):
        return response

    https_response = http_response


@contextmanager
def fedify() -> Iterator[Pia]:
    """Run the server for the time of a `with` block."""
    installed(HERE)
    node = subprocess.Popen(
        [NODE / "bin" / "node", HERE / "peer.mjs"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=HERE,
        text=True,
    )
    assert node.stdin is not None
    assert node.stdout is not None
    try:
        line = node.stdout.readline()
        assert line, "Fedify ended before it listened; see its words above"
        yield Pia(**json.loads(line))
    finally:
        node.stdin.close()
        try:
            node.wait(10)
        except subprocess.TimeoutExpired:
            node.kill()
            node.wait()
        node.stdout.close()
