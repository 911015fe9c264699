"""From a post on A to an open page on B, start-up and idle memory: two real instances on loopback.

`python -m benchmarks.two_instances [--messages 50]`. Latencies are from the moment the request is
sent on A to the moment a Socket.IO client of B hears of it; one message a fifth of a second.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "acceptance"))

from harness import Instance  # noqa: E402 - the tests' own way to run instances
from steps import on_mirror, open_shared  # noqa: E402

BETWEEN = 0.2


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=50)
    given = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as place:
        a = Instance(Path(place) / "a", "A").create()
        b = Instance(Path(place) / "b", "B").create()
        a.person("ada")
        b.person("bea")
        try:
            measure(a, b, min(given.messages, 500))
        finally:
            a.end()
            b.end()
    return 0


def measure(a: Instance, b: Instance, messages: int) -> None:
    started = time.monotonic()
    a.start()
    print(f"start to ready: {time.monotonic() - started:.1f} s")
    b.start()
    address = open_shared(a, b, "jardin")
    sent = {"title": "Mesure", "body": "début"}
    thread = a.api("POST", "/spaces/jardin/discussion/threads", as_="ada", sent=sent)
    copy = on_mirror(b, address, thread["iri"], "bea", "discussion/threads")
    there, back = [], []
    with a.live("ada") as on_a, b.live("bea") as on_b:
        on_a.join("jardin")
        on_b.join(address)
        for number in range(messages):
            there.append(_one(a, thread["id"], "ada", on_b, f"vers B {number}"))
        for number in range(messages):
            back.append(_one(b, copy["id"], "bea", on_a, f"vers A {number}"))
    _told("post on A -> open page of B", there)
    _told("post on B -> open page of A", back)
    time.sleep(3)
    print(f"idle memory of one tree (RSS, sum): {a.memory() / 1024:.0f} MB")


def _one(writer, item, alias, listener, body) -> float:
    time.sleep(BETWEEN)
    before = len([e for e in listener.heard if e["name"] == "item.published"])
    sent_at = time.time()
    writer.api("POST", f"/items/{item}/messages", as_=alias, sent={"body": body})
    heard = listener.wait("item.published", before + 1)
    return heard[-1]["heard_at"] - sent_at


def _told(what: str, seconds: list[float]) -> None:
    cuts = statistics.quantiles(seconds, n=100, method="inclusive")
    print(
        f"{what}: n={len(seconds)} p50={cuts[49] * 1000:.0f} ms p95={cuts[94] * 1000:.0f} ms "
        f"max={max(seconds) * 1000:.0f} ms"
    )


if __name__ == "__main__":
    sys.exit(main())
