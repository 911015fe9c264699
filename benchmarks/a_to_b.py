"""From a message accepted on A to an open page of B, over a road of 20 ms.

`python -m benchmarks.a_to_b [--rates 1,10,100] [--delay 20]`. Two real instances on loopback, each
behind a proxy that hands on every byte 20 ms later. Messages are posted at a fixed rate, whether
or not the ones before have arrived; each is timed from the answer that A gave to the event that a
Socket.IO client of B heard. The same run once more without the stream gives the ratio.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.delay import Delay
from benchmarks.realtime import cpu_seconds

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "acceptance"))

from harness import Instance, free_port, until  # noqa: E402 - the tests' own way
from steps import on_mirror, open_shared  # noqa: E402

MOST_SECONDS = 10
MOST_MESSAGES = 300
POSTERS = 6


@dataclass
class Distant(Instance):
    """An instance that others reach by the proxy at its port, and its own people by its door."""

    own_door: int = field(default_factory=free_port)

    @property
    def door(self) -> int:
        return self.own_door


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rates", default="1,10,100")
    parser.add_argument("--delay", type=float, default=20, help="milliseconds, each way")
    given = parser.parse_args(argv)
    rates = [min(float(rate), 200.0) for rate in given.rates.split(",")][:5]
    with tempfile.TemporaryDirectory() as place:
        a = Distant(Path(place) / "a", "A").create()
        b = Distant(Path(place) / "b", "B").create()
        a.person("ada")
        b.person("bea")
        roads = [Delay(one.port, one.door, given.delay / 1000).open() for one in (a, b)]
        try:
            a.start()
            b.start()
            measure(a, b, rates, given.delay)
        finally:
            a.end()
            b.end()
            for road in roads:
                road.close()
    return 0


def measure(a: Instance, b: Instance, rates: list[float], delay: float) -> None:
    """Print one line for each rate."""
    address = open_shared(a, b, "jardin")
    opening = {"title": "Mesure", "body": "début"}
    thread = a.api("POST", "/spaces/jardin/discussion/threads", as_="ada", sent=opening)
    on_mirror(b, address, thread["iri"], "bea", "discussion/threads")
    time.sleep(6)  # the mirror opens its stream
    print(f"{delay:.0f} ms each way between A and B; message accepted on A -> event on B")
    print(
        f"{'rate/s':>8}{'n':>6}{'p50 ms':>9}{'p95 ms':>9}{'p99 ms':>9}{'max ms':>9}"
        "   CPU ms each: A web, A worker, B web, B worker"
    )
    with b.live("bea") as page:
        page.join(address)
        for rate in rates:
            spent = _spent(a, b)
            found = sorted(_paced(a, b, thread["id"], page, rate))
            cuts = [
                found[min(int(len(found) * part), len(found) - 1)] for part in (0.5, 0.95, 0.99)
            ]
            line = "".join(f"{cut * 1000:9.0f}" for cut in (*cuts, found[-1]))
            each = [
                (now - was) / len(found) * 1000
                for now, was in zip(_spent(a, b), spent, strict=True)
            ]
            told = " ".join(f"{one:6.1f}" for one in each)
            print(f"{rate:8.0f}{len(found):6}{line}   {told}", flush=True)


def _spent(a: Instance, b: Instance) -> list[float]:
    """Seconds of CPU of the four processes so far."""
    found = []
    for one in (a, b):
        pids = one.children()
        found += [cpu_seconds(pids[name]) for name in ("web", "worker")]
    return found


def _paced(a: Instance, b: Instance, thread: str, page: object, rate: float) -> list[float]:
    """Seconds for each message, posted at that rate for ten seconds or 300 messages."""
    number = max(min(int(rate * MOST_SECONDS), MOST_MESSAGES), 5)
    before = len(_published(page))
    began = time.monotonic() + 0.2
    accepted: dict[str, float] = {}

    def say(index: int) -> None:
        time.sleep(max(0.0, began + index / rate - time.monotonic()))
        sent = {"body": f"message {index}"}
        said = a.api("POST", f"/items/{thread}/messages", as_="ada", sent=sent)
        accepted[said["iri"]] = time.time()

    with ThreadPoolExecutor(POSTERS) as posters:
        list(posters.map(say, range(number)))
    heard = until(
        lambda: (found := _published(page)[before:]) and len(found) >= number and found,
        "every message is heard on B",
    )
    at = {_iri(b, event["item"]): event["heard_at"] for event in heard}
    return [max(at[iri] - sent_at, 0.0) for iri, sent_at in accepted.items()]


def _iri(b: Instance, uid: str) -> str:
    return str(b.api("GET", f"/items/{uid}", as_="bea")["iri"])


def _published(page: object) -> list[dict]:
    return [event for event in list(page.heard) if event["name"] == "item.published"]


if __name__ == "__main__":
    sys.exit(main())
