"""A bad road between instances: requests get lost, doubled, late and out of order, or do not pass.

An instance behind a road is known to the others by the road's port; people of that instance go to
its own port and see nothing of this.
"""

from __future__ import annotations

import contextlib
import random
import re
import socket
import threading
import time
from collections import Counter
from dataclasses import dataclass, field

HEAD = b"\r\n\r\n"
MOST_HEAD = 65_536
KEY = re.compile(rb"keyid=\"http://(127\.0\.0\.1:\d+)/", re.IGNORECASE)
"""Who asks stands in the signature, for on loopback all addresses are the same."""


@dataclass(frozen=True)
class Faults:
    """How many requests of a hundred have which fate; `late` ones wait up to `delay` seconds."""

    lost: float = 4
    unanswered: float = 4
    doubled: float = 4
    late: float = 20
    delay: float = 0.4

    def choose(self, chance: random.Random) -> str:
        point = chance.uniform(0, 100)
        for fate in ("lost", "unanswered", "doubled", "late"):
            point -= getattr(self, fate)
            if point < 0:
                return fate
        return "passed"


@dataclass
class Road:
    """Takes connections at `front` and hands each request on to `back`, more or less."""

    front: int
    back: int
    seed: int
    faults: Faults = Faults()
    cut: set[str] = field(default_factory=set)
    """Hosts whose requests do not pass; "*" for everybody's."""
    fates: Counter[str] = field(default_factory=Counter)

    def open(self) -> Road:
        self._chance = random.Random(self.seed)
        self._door = socket.create_server(("127.0.0.1", self.front), backlog=200)
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def heal(self) -> None:
        """From now on every request passes at once."""
        self.faults = Faults(0, 0, 0, 0)
        self.cut.clear()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._door.shutdown(socket.SHUT_RDWR)
        self._door.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._door.accept()
            except OSError:
                return
            threading.Thread(target=self._carry, args=(client,), daemon=True).start()

    def _carry(self, client: socket.socket) -> None:
        with client, contextlib.suppress(OSError):
            client.settimeout(60)
            request = _whole_request(client)
            if not request:
                return
            fate = self._fate(request)
            self.fates[fate] += 1
            if fate in ("cut", "lost"):
                return
            if fate == "late":
                time.sleep(self._chance.uniform(0, self.faults.delay))
            if fate == "doubled":
                threading.Thread(target=self._again, args=(request,), daemon=True).start()
            self._hand_on(request, None if fate == "unanswered" else client)

    def _fate(self, request: bytes) -> str:
        who = KEY.search(request)
        asker = who[1].decode() if who else ""
        if "*" in self.cut or asker in self.cut:
            return "cut"
        return self.faults.choose(self._chance)

    def _again(self, request: bytes) -> None:
        time.sleep(self._chance.uniform(0, 2 * self.faults.delay))
        with contextlib.suppress(OSError):
            self._hand_on(request, None)

    def _hand_on(self, request: bytes, client: socket.socket | None) -> None:
        """Send the request on, and its answer back if somebody is to have it."""
        with socket.create_connection(("127.0.0.1", self.back), timeout=60) as server:
            server.sendall(request)
            while got := server.recv(65_536):
                if self.cut:
                    return
                if client is not None:
                    client.sendall(got)


def _whole_request(client: socket.socket) -> bytes:
    """One request, asking for the connection to end after its answer; b"" when none came."""
    read = b""
    while HEAD not in read:
        got = client.recv(65_536)
        if not got or len(read) > MOST_HEAD:
            return b""
        read += got
    head, _, body = read.partition(HEAD)
    lines = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"connection:")]
    sizes = [line for line in lines if line.lower().startswith(b"content-length:")]
    size = int(sizes[0].partition(b":")[2]) if sizes else 0
    while len(body) < size:
        got = client.recv(65_536)
        if not got:
            return b""
        body += got
    return b"\r\n".join([*lines, b"Connection: close"]) + HEAD + body
