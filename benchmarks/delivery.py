"""Letters to 50 hosts, of which 10 are dead and 10 slow: do the healthy ones wait?

`python -m benchmarks.delivery [--letters 4] [--slow 2.0]`. The hosts are a process of their own
on loopback: 30 answer at once, 10 after some seconds, 10 never accept. First the healthy ones
alone, then all of them together; the ratio of their delays is what the others cost them. CPU is
that of the sender alone, per letter to a healthy host.
"""

from __future__ import annotations

import argparse
import socket
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from federation.pair import Served, served  # noqa: E402 - the tests' own house

from benchmarks.hosts_server import hosts  # noqa: E402
from collab.core.db import writing  # noqa: E402
from collab.core.service import Service, serve, spaced  # noqa: E402
from collab.federation.deliver import Courier  # noqa: E402
from collab.federation.models import Delivery, OutboxItem  # noqa: E402
from collab.federation.sending import send  # noqa: E402
from collab.people.models import Peer  # noqa: E402
from collab.web.extensions import db  # noqa: E402

HEALTHY, DEAD, SLOW = 30, 10, 10
MOST_LETTERS = 20
LONGEST = 60.0


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--letters", type=int, default=4)
    parser.add_argument("--slow", type=float, default=2.0)
    given = parser.parse_args(argv)
    letters = max(1, min(given.letters, MOST_LETTERS))
    with tempfile.TemporaryDirectory() as place, served(Path(place) / "a", "ada") as house:
        turn(house, 1, [], [])  # so that neither pays for what happens once
        alone = turn(house, letters, [], [])
        away = [f"http://127.0.0.1:{_closed_port()}/inbox" for _ in range(DEAD)]
        both = turn(house, letters, away, [min(given.slow, 8.0)] * SLOW)
    print(f"{HEALTHY} healthy hosts, {letters} letters each; then {DEAD} dead and {SLOW} slow too")
    for name, figures in (("alone", alone), ("together", both)):
        p50, p95, rate, cpu = figures
        print(
            f"  {name:9} p50 {p50 * 1000:6.0f} ms  p95 {p95 * 1000:6.0f} ms  "
            f"{rate:6.0f} letters/s  {cpu * 1000:5.1f} ms CPU each"
        )
    print(f"  ratio of p95: {both[1] / alone[1]:.2f}")
    return 0


def turn(
    house: Served, letters: int, away: list[str], slow: list[float]
) -> tuple[float, float, float, float]:
    """Queue letters for everybody, send them, and time those of the healthy hosts."""
    with house.house.app.app_context(), writing(db.session()) as session:
        for model in (Delivery, OutboxItem, Peer):
            session.query(model).delete()
    with hosts([0.0] * HEALTHY + slow) as there:
        _queue(house, letters, there.inboxes + away)
        courier = Courier(house.federation)
        began, cpu = time.monotonic(), time.process_time()
        stop = threading.Event()
        service = Service("deliver", spaced(courier.step, 0.03), rest=1.0)
        pulse = house.house.runtime.pulse
        at_work = threading.Thread(target=serve, args=([service], pulse, stop), daemon=True)
        at_work.start()
        while sum(map(len, there.came()[:HEALTHY])) < HEALTHY * letters:
            time.sleep(0.2)
            if time.monotonic() - began > LONGEST:
                raise TimeoutError("the healthy hosts did not get their letters")
        spent = time.process_time() - cpu
        stop.set()
        at_work.join()
        courier.close()
        came = sorted(at - began for host in there.came()[:HEALTHY] for at in host)
    rate = len(came) / came[-1]
    return statistics.median(came), came[int(len(came) * 0.95)], rate, spent / len(came)


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
