"""Letters to 50 hosts, of which 10 are dead and 10 slow: do the healthy ones wait?

`python -m benchmarks.delivery [--letters 8] [--slow 2.0] [--rounds 5]`. The hosts are a process of
their own on loopback: 30 answer at once, 10 after some seconds, 10 never accept. In turn the
healthy ones alone and all of them together; the ratio of their delays is what the others cost
them. Of each figure the best round counts, for whatever else the machine does only adds to it.

Once with hosts that were sent something before, and whose rest after a failure has just ended;
once with hosts of which nothing is known yet. CPU is that of the sender alone, per letter to a
healthy host.
"""

from __future__ import annotations

import argparse
import socket
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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
MOST_ROUNDS = 9
LONGEST = 60.0
Figures = tuple[float, float, float, float]
"""p50 and p95 (seconds), letters a second, seconds of CPU for each."""


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--letters", type=int, default=8)
    parser.add_argument("--slow", type=float, default=2.0)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args(argv)
    letters = max(1, min(given.letters, MOST_LETTERS))
    slow = [min(given.slow, 8.0)] * SLOW
    print(f"{HEALTHY} healthy hosts, {letters} letters each; then {DEAD} dead and {SLOW} slow too")
    with tempfile.TemporaryDirectory() as place, served(Path(place) / "a", "ada") as house:
        turn(house, 1, [], [], met=False)  # so that none pays for what happens once
        for met in (True, False):
            alone, both = [], []
            for _ in range(max(1, min(given.rounds, MOST_ROUNDS))):
                alone.append(turn(house, letters, [], [], met=met))
                away = [f"http://127.0.0.1:{_closed_port()}/inbox" for _ in range(DEAD)]
                both.append(turn(house, letters, away, slow, met=met))
            _tell("hosts sent to before" if met else "hosts never sent to", alone, both)
    return 0


def _tell(name: str, alone: list[Figures], both: list[Figures]) -> None:
    print(name)
    best = [_best(some) for some in (alone, both)]
    for which, (p50, p95, rate, cpu) in zip(("alone", "together"), best, strict=True):
        print(
            f"  {which:9} p50 {p50 * 1000:6.0f} ms  p95 {p95 * 1000:6.0f} ms  "
            f"{rate:6.0f} letters/s  {cpu * 1000:5.1f} ms CPU each"
        )
    p50, p95 = (ours / theirs for ours, theirs in zip(best[1][:2], best[0][:2], strict=True))
    print(f"  ratio of p50: {p50:.2f}, of p95: {p95:.2f}")


def _best(rounds: list[Figures]) -> Figures:
    p50, p95, rate, cpu = zip(*rounds, strict=True)
    return min(p50), min(p95), max(rate), min(cpu)


def turn(house: Served, letters: int, away: list[str], slow: list[float], *, met: bool) -> Figures:
    """Queue letters for everybody, send them, and time those of the healthy hosts."""
    with house.house.app.app_context(), writing(db.session()) as session:
        for model in (Delivery, OutboxItem, Peer):
            session.query(model).delete()
    with hosts([0.0] * HEALTHY + slow) as there, _sending(house):
        if met:
            _queue(house, 1, there.inboxes + away)
            _until(lambda: all(there.came()) and _settled(house))
            with house.house.app.app_context(), writing(db.session()) as session:
                session.query(Peer).update({"next_try_at": None})
        before = len(there.came()[0])
        _queue(house, letters, there.inboxes + away)
        began, cpu = time.monotonic(), time.process_time()
        wanted = HEALTHY * (before + letters)
        _until(lambda: sum(map(len, there.came()[:HEALTHY])) >= wanted)
        spent = time.process_time() - cpu
        came = sorted(
            max(at - began, 0.0) for host in there.came()[:HEALTHY] for at in host[before:]
        )
    rate = len(came) / came[-1]
    return statistics.median(came), came[int(len(came) * 0.95)], rate, spent / len(came)


@contextmanager
def _sending(house: Served) -> Iterator[None]:
    """The delivery service at work, as in a worker."""
    courier, stop = Courier(house.federation), threading.Event()
    service = Service("deliver", spaced(courier.step, 0.03), rest=1.0)
    pulse = house.house.runtime.pulse
    at_work = threading.Thread(target=serve, args=([service], pulse, stop), daemon=True)
    at_work.start()
    try:
        yield
    finally:
        stop.set()
        at_work.join()
        courier.close()


def _until(true: Callable[[], bool]) -> None:
    ends = time.monotonic() + LONGEST
    while not true():
        time.sleep(0.1)
        if time.monotonic() > ends:
            raise TimeoutError("the hosts did not get their letters")


def _settled(house: Served) -> bool:
    """Whether it is written down how every host is."""
    with house.house.app.app_context():
        hosts = db.session.query(Peer.answer_ms, Peer.fail_count)
        return all(ms is not None or fails for ms, fails in hosts)


def _queue(house: Served, letters: int, inboxes: list[str]) -> None:
    with house.house.app.app_context():
        with writing(db.session()) as session:
            ada = house.person()
            for number in range(letters):
                iri = f"{house.federation.origin}/o/{time.monotonic_ns()}-{number}"
                note = {"id": iri, "type": "Note", "content": "Bonjour " * 40}
                told = {"id": f"{iri}#create", "type": "Create", "actor": ada.iri, "object": note}
                send(session, ada, told, inboxes, house.federation.now())
        house.house.runtime.pulse.beat()


def _closed_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


if __name__ == "__main__":
    sys.exit(main())
