"""Letters to 50 hosts, of which 10 are dead and 10 slow: do the healthy ones wait?

`python -m benchmarks.delivery [--letters 4] [--slow 2.0]`. The hosts are threads of this process
on loopback: 30 answer at once, 10 after some seconds, 10 never accept. First the healthy ones
alone, then all of them together; the ratio of their delays is what the others cost them. CPU is
that of the whole process, the hosts' own part included.
"""

from __future__ import annotations

import argparse
import socket
import statistics
import sys
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from federation.pair import Served, served  # noqa: E402 - the tests' own house

from collab.core.db import writing  # noqa: E402
from collab.federation.deliver import Courier  # noqa: E402
from collab.federation.models import Delivery, OutboxItem  # noqa: E402
from collab.federation.sending import send  # noqa: E402
from collab.people.models import Peer  # noqa: E402
from collab.web.extensions import db  # noqa: E402

HEALTHY, DEAD, SLOW = 30, 10, 10
MOST_LETTERS = 20
LONGEST = 60.0


class Host(ThreadingHTTPServer):
    """A host that answers 202 after `wait` seconds and notes when each letter came."""

    daemon_threads = True
    request_queue_size = 50

    def __init__(self, wait: float) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.wait = wait
        self.came: list[float] = []
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def inbox(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/inbox"


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


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--letters", type=int, default=4)
    parser.add_argument("--slow", type=float, default=2.0)
    given = parser.parse_args(argv)
    letters = max(1, min(given.letters, MOST_LETTERS))
    with tempfile.TemporaryDirectory() as place, served(Path(place) / "a", "ada") as house:
        alone = turn(house, letters, [])
        away = [f"http://127.0.0.1:{_closed_port()}/inbox" for _ in range(DEAD)]
        slow = [Host(min(given.slow, 8.0)) for _ in range(SLOW)]
        both = turn(house, letters, away + [host.inbox for host in slow])
        for host in slow:
            host.shutdown()
    print(f"{HEALTHY} healthy hosts, {letters} letters each; then {DEAD} dead and {SLOW} slow too")
    for name, figures in (("alone", alone), ("together", both)):
        p50, p95, rate, cpu = figures
        print(
            f"  {name:9} p50 {p50 * 1000:6.0f} ms  p95 {p95 * 1000:6.0f} ms  "
            f"{rate:6.0f} letters/s  {cpu * 1000:5.1f} ms CPU each"
        )
    print(f"  ratio of p95: {both[1] / alone[1]:.2f}")
    return 0


def turn(house: Served, letters: int, others: list[str]) -> tuple[float, float, float, float]:
    """Queue letters for everybody, send them, and time those of the healthy hosts."""
    healthy = [Host(0.0) for _ in range(HEALTHY)]
    with house.house.app.app_context(), writing(db.session()) as session:
        for model in (Delivery, OutboxItem, Peer):
            session.query(model).delete()
    _queue(house, letters, [host.inbox for host in healthy] + others)
    courier = Courier(house.federation)
    began, cpu = time.monotonic(), time.process_time()
    while sum(len(host.came) for host in healthy) < HEALTHY * letters:
        if not courier.step():
            time.sleep(0.01)
        if time.monotonic() - began > LONGEST:
            raise TimeoutError("the healthy hosts did not get their letters")
    took, spent = time.monotonic() - began, time.process_time() - cpu
    courier.close()
    came = sorted(at - began for host in healthy for at in host.came)
    for host in healthy:
        host.shutdown()
    return (
        statistics.median(came),
        came[int(len(came) * 0.95)],
        len(came) / took,
        spent / len(came),
    )


def _queue(house: Served, letters: int, inboxes: list[str]) -> None:
    with house.house.app.app_context(), writing(db.session()) as session:
        ada = house.person()
        for number in range(letters):
            iri = f"{house.federation.origin}/o/{time.monotonic_ns()}-{number}"
            note = {"id": iri, "type": "Note", "content": "Bonjour " * 40}
            told = {"id": f"{iri}#create", "type": "Create", "actor": ada.iri, "object": note}
            send(session, ada, told, inboxes, house.federation.now())


def _closed_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


if __name__ == "__main__":
    sys.exit(main())
