"""What a message to a room costs: stock Flask-SocketIO, our send path, a bare epoll loop.

`python -m benchmarks.realtime [--clients 300] [--seconds 3] [--rounds 2]`, on loopback, bounded in
count and time. The servers run by turns, each in a process of its own, so that a busy machine
touches all of them alike: read the ratios, not the microseconds. "closed" keeps four messages in
flight; "paced" sends 50 a second and measures how long until the last client has each one.
"""

from __future__ import annotations

import argparse
import base64
import json
import os
import resource
import selectors
import socket
import statistics
import struct
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
MODES = ("stock", "ours", "floor")
TEXT = "x" * 260
WINDOW = 4
PACE = 50
"""Messages a second in the paced run."""
REQUEST = (
    "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: {key}\r\n{offer}\r\n"
)
OFFER = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"


@dataclass
class Figures:
    """What one turn of one server came to."""

    cpu: float
    """Microseconds of the server's CPU for each message that a client received."""
    rate: float
    """Messages received per second, over all clients."""
    latency: list[float]
    """Milliseconds, one for each paced message."""
    memory: float
    """KiB of the server's memory for each client that offers deflate, as browsers do."""


class Client:
    """A websocket that counts what it gets."""

    def __init__(self, port: int, offer: str = "") -> None:
        self.sock = socket.create_connection(("127.0.0.1", port), timeout=20)
        self.rest = b""
        key = base64.b64encode(os.urandom(16)).decode()
        self.sock.sendall(REQUEST.format(key=key, offer=offer).encode())
        while b"\r\n\r\n" not in self.rest:
            self.rest += self._more()
        self.rest = self.rest.partition(b"\r\n\r\n")[2]
        self.send("40")
        welcome = 0  # Engine.IO's and Socket.IO's; compressed ones cannot be read here
        while (welcome := welcome + len(self.texts())) < 2:
            self.rest += self._more()
        self.sock.setblocking(False)

    def _more(self) -> bytes:
        got = self.sock.recv(262144)
        if not got:
            raise ConnectionError("the server closed the connection")
        return got

    def send(self, text: str) -> None:
        """Send one frame, masked by zeros."""
        size = len(text)
        head = (
            struct.pack("!BB", 0x81, 0x80 | size)
            if size < 126
            else struct.pack("!BBH", 0x81, 0x80 | 126, size)
        )
        self.sock.sendall(head + b"\0\0\0\0" + text.encode())

    def texts(self) -> list[bytes]:
        """The whole frames that have come."""
        found, data, at = [], self.rest, 0
        while len(data) - at >= 4:
            size, start = data[at + 1], at + 2
            if size == 126:
                size, start = (data[at + 2] << 8) | data[at + 3], at + 4
            if len(data) - start < size:
                break
            found.append(data[start : start + size])
            at = start + size
        self.rest = data[at:]
        return found

    def heard(self) -> list[bytes]:
        """Read once; the events that have come. Answers the engine's pings."""
        self.rest += self._more()
        texts = self.texts()
        if b"2" in texts:
            self.send("3")
        return [text for text in texts if text.startswith(b"42")]


@dataclass
class Room:
    """All clients of one server, in one loop."""

    clients: list[Client]
    poll: selectors.BaseSelector = field(default_factory=selectors.DefaultSelector)
    received: int = 0
    counts: dict[int, int] = field(default_factory=dict)
    """How many clients have each message of a paced run."""

    def __post_init__(self) -> None:
        for client in self.clients:
            self.poll.register(client.sock, selectors.EVENT_READ, client)

    def say(self, n: int) -> None:
        """Let the first client say something to the room."""
        self.clients[0].send("42" + json.dumps(["say", {"n": n, "text": TEXT}]))

    def read(self, seconds: float) -> None:
        """Wait for something to read, and read it."""
        for key, _ in self.poll.select(max(seconds, 0)):
            events = key.data.heard()
            self.received += len(events)
            for text in events:
                n = int(text[text.index(b":") + 1 : text.index(b",", 8)])
                self.counts[n] = self.counts.get(n, 0) + 1

    def closed(self, seconds: float) -> int:
        """Keep WINDOW messages in flight; how many the clients received in all."""
        before, said, size = self.received, 0, len(self.clients)
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            while said - (self.received - before) // size < WINDOW:
                self.say(said)
                said += 1
            self.read(0.2)
        self.drain(said * size + before)
        return self.received - before

    def drain(self, wanted: int) -> None:
        """Read until everything that was said has come. Raises TimeoutError."""
        until = time.monotonic() + 20
        while self.received < wanted:
            self.read(0.2)
            if time.monotonic() > until:
                raise TimeoutError(f"{wanted - self.received} messages never came")

    def paced(self, seconds: float) -> list[float]:
        """Milliseconds until the last client had each message."""
        self.counts.clear()
        found, size = [], len(self.clients)
        for n in range(int(seconds * PACE)):
            began = time.monotonic()
            self.say(n)
            while self.counts.get(n, 0) < size:
                self.read(1)
            found.append((time.monotonic() - began) * 1000)
            time.sleep(max(0, began + 1 / PACE - time.monotonic()))
        return found


def cpu_seconds(pid: int) -> float:
    """User and system time of a process."""
    words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def memory_kib(pid: int) -> int:
    """Resident memory of a process."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0])


def turn(mode: str, clients: int, seconds: float) -> Figures:
    """Start one server, measure it, stop it."""
    command = [sys.executable, str(ROOT / "benchmarks" / "realtime_server.py"), mode]
    path = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=path, cwd=ROOT) as server:
        try:
            port = int(server.stdout.readline())
            Client(port).sock.close()  # warms up what is loaded at the first connection
            base = memory_kib(server.pid)
            offering = [Client(port, OFFER) for _ in range(clients)]
            memory = (memory_kib(server.pid) - base) / clients
            for client in offering:
                client.sock.close()
            time.sleep(0.5)
            room = Room([Client(port) for _ in range(clients)])
            began = cpu_seconds(server.pid)
            clock = time.monotonic()
            received = room.closed(seconds)
            took = time.monotonic() - clock
            cpu = (cpu_seconds(server.pid) - began) / received * 1e6
            return Figures(cpu, received / took, room.paced(seconds), memory)
        finally:
            server.kill()


def percentile(values: list[float], part: float) -> float:
    """The value below which that part of them lies."""
    return sorted(values)[min(len(values) - 1, int(len(values) * part))]


def report(measured: dict[str, list[Figures]], clients: int) -> None:
    """Print one line for each server, with its ratio to the stock one."""
    base = statistics.median(f.cpu for f in measured["stock"])
    print(f"{clients} clients in one room, {len(TEXT)} bytes of text, {os.cpu_count()} cores")
    heads = ("µs CPU/msg", 12), ("÷ stock", 9), ("msg/s", 10), ("p50 ms", 9), ("p99 ms", 9)
    print(" " * 8 + "".join(f"{head:>{width}}" for head, width in heads) + "  KiB/conn")
    for mode, turns in measured.items():
        cpu = statistics.median(f.cpu for f in turns)
        rate = statistics.median(f.rate for f in turns)
        latency = [one for f in turns for one in f.latency]
        memory = statistics.median(f.memory for f in turns)
        print(
            f"{mode:8}{cpu:12.1f}{cpu / base:9.2f}{rate:10.0f}"
            f"{percentile(latency, 0.5):9.2f}{percentile(latency, 0.99):9.2f}{memory:10.1f}"
        )


def main(argv: list[str] | None = None) -> int:
    """Run every server by turns and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--clients", type=int, default=300, choices=range(2, 2001), metavar="N")
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--rounds", type=int, default=2)
    asked = parser.parse_args(argv)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 4096)), hard))
    measured: dict[str, list[Figures]] = {mode: [] for mode in MODES}
    for _ in range(min(asked.rounds, 5)):
        for mode, turns in measured.items():
            turns.append(turn(mode, asked.clients, min(asked.seconds, 10)))
    report(measured, asked.clients)
    return 0


if __name__ == "__main__":
    sys.exit(main())
