"""Hosts that take letters and note when each came, in a process of their own.

`python -m benchmarks.hosts_server 0 0 2.5`: three hosts, the last of which answers after 2.5
seconds. Prints their ports as one line of JSON. Each line on standard input is answered by a line
of JSON: for each host, when its letters came (seconds of the monotonic clock, which all share).
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


class Host(ThreadingHTTPServer):
    """A host that answers 202 after `wait` seconds."""

    daemon_threads = True
    request_queue_size = 50

    def __init__(self, wait: float) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.wait = wait
        self.came: list[float] = []
        threading.Thread(target=self.serve_forever, args=(1.0,), daemon=True).start()


class Answer(BaseHTTPRequestHandler):
    """Takes a letter."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        time.sleep(self.server.wait)
        self.server.came.append(time.monotonic())
        self.send_response(202)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_words: object) -> None:
        pass


@dataclass
class Hosts:
    """The hosts of one such process: their inboxes, and what came to them."""

    process: subprocess.Popen[str]
    inboxes: list[str]

    def came(self) -> list[list[float]]:
        """When letters came, for each host."""
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())


@contextmanager
def hosts(waits: Sequence[float]) -> Iterator[Hosts]:
    """Start such a process until the end of the block."""
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.hosts_server", *map(str, waits)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    try:
        ports = json.loads(process.stdout.readline())
        yield Hosts(process, [f"http://127.0.0.1:{port}/inbox" for port in ports])
    finally:
        process.stdin.close()
        process.wait(10)


if __name__ == "__main__":
    running = [Host(float(wait)) for wait in sys.argv[1:]]
    print(json.dumps([host.server_address[1] for host in running]), flush=True)
    for _ in sys.stdin:
        print(json.dumps([host.came for host in running]), flush=True)
