"""How fast a mirror that was away takes in what it missed: read, verified, applied.

`python -m benchmarks.catch_up [--entries 10000] [--profile]`. The host's log is written first and
its pages are kept as bytes; then one thread of the mirror takes them in, all checks included:
chain, the project's signature, the digest of the body, the author's proof, the effect, the state
digest. The verifying alone is timed too: the ratio says what the rest costs. So is one Ed25519
check, which every entry needs at least: it says how fast the machine is.

Rubbish is collected as in a worker. What counts is CPU time, « on one core »: the time on the
clock, told beside it, also holds what the machine did for others meanwhile. Memory (at its
highest) is told for both halves of the run: it is flat when a run of twice as many entries ends
no higher.
"""

from __future__ import annotations

import argparse
import cProfile
import gc
import pstats
import resource
import sys
import tempfile
import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from nacl.bindings import crypto_sign_open
from sqlalchemy import insert, select

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from federation.pair import Pair, pair_of_houses  # noqa: E402 - the tests' own two houses

from collab.core.db import writing  # noqa: E402
from collab.federation.chain import check, entries_of, remembered  # noqa: E402
from collab.federation.keyhistory import KeyHistory  # noqa: E402
from collab.federation.log import (  # noqa: E402
    CONTEXT,
    EPOCH,
    described,
    entries_after,
    head,
    head_seq,
    page_of,
    stamp,
)
from collab.federation.models import LogEntry, Mirror  # noqa: E402
from collab.federation.proofs import add_proof  # noqa: E402
from collab.federation.replica import take_page  # noqa: E402
from collab.federation.state import forget, held_objects, remember_object  # noqa: E402
from collab.federation.strictjson import canonical, multihash, parse  # noqa: E402
from collab.spaces.models import Item, Space  # noqa: E402
from collab.spaces.tools.discussion.inputs import OpenThread, PostMessage  # noqa: E402
from collab.spaces.tools.discussion.operations import open_thread, post_message  # noqa: E402
from collab.web.extensions import db  # noqa: E402

MOST = 20_000
PAGE = 200


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--entries", type=int, default=10_000)
    parser.add_argument("--profile", action="store_true")
    given = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as place, pair_of_houses(Path(place)) as pair:
        began = time.monotonic()
        write(pair, min(given.entries, MOST))
        print(f"log written in {time.monotonic() - began:.1f} s", flush=True)
        _collect_as_a_worker()
        measure(pair, profile=given.profile)
    return 0


def write(pair: Pair, entries: int) -> None:
    """Messages of one person in one thread, each with a proof, in the log of A."""
    a = pair.a
    with a.house.app.app_context():
        space = db.session.get(Space, pair.space_id)
        with a.house.as_(a.person()) as work:
            thread = open_thread(work, space, OpenThread(title="Long", body="Bonjour"))
        with a.house.as_(a.person()) as work:
            post_message(work, space, PostMessage(thread=thread.uid, body="Un mot de plus " * 12))
        a.house.settle()
        pattern = db.session.scalars(select(LogEntry).order_by(LogEntry.seq.desc())).first().body
    pair.settle()
    for start in range(0, entries, 500):
        with a.house.app.app_context():
            _write_some(pair, pattern, range(start, min(start + 500, entries)))


def _write_some(pair: Pair, pattern: dict, numbers: range) -> None:
    """Entries as `log.append` writes them, five hundred in one transaction."""
    federation, begun = pair.a.federation, pair.a.federation.now() - timedelta(hours=3)
    with writing(db.session()) as session:
        space = session.get(Space, pair.space_id)
        key = federation.signing_key(space.actor, "ed25519")
        author = federation.signing_key(pair.a.person(), "ed25519")
        seq, previous = head_seq(session, space.id), head(session, space).head
        rows = []
        for number in numbers:
            seq, at = seq + 1, begun + timedelta(seconds=number / 10)
            told = _said(federation.origin, pattern, number, at)
            body = add_proof(told, author, at)
            entry = _entry(space, seq, previous, body, at)
            row = _row(space, add_proof(entry, key, at), body, at)
            previous = row["entry_hash"]
            rows.append(row)
        session.execute(insert(LogEntry), rows)
        held = held_objects(session, space, [row["body"] for row in rows])
        forget(session, space, {remember_object(session, space, r["body"], held) for r in rows})


def _said(origin: str, pattern: dict, number: int, at: datetime) -> dict:
    iri = f"{origin}/o/bench{number:06}"
    told = {k: v for k, v in pattern.items() if k != "proof"}
    thing = {k: v for k, v in told["object"].items() if k != "proof"}
    thing |= {"id": iri, "published": stamp(at)}
    return told | {"id": f"{iri}#create", "object": thing, "published": stamp(at)}


def _entry(space: Space, seq: int, previous: str, body: dict, at: datetime) -> dict:
    return {
        "@context": CONTEXT,
        "type": "LogEntry",
        "id": f"{space.iri}/log/{seq}",
        "attributedTo": space.iri,
        "epoch": EPOCH,
        "seq": seq,
        "prev": previous,
        "activity": body["id"],
        "activityType": body["type"],
        "digest": multihash(canonical(body)),
        "trust": "proof",
        "published": stamp(at),
    }


def _row(space: Space, signed: dict, body: dict, at: datetime) -> dict:
    return {
        "space_id": space.id,
        "epoch": EPOCH,
        "seq": signed["seq"],
        "activity_id": body["id"],
        "activity_type": body["type"],
        "digest": signed["digest"],
        "trust": "proof",
        "entry": signed,
        "entry_hash": multihash(canonical(signed)),
        "body": body,
        "at": at,
    }


def _collect_as_a_worker() -> None:
    """Undo what the tests do to look for rubbish less often; `collab.cli.loaded` freezes."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(700, 10, 10)


@dataclass
class Took:
    """Seconds spent, by what for; and MB of memory at the end of each page."""

    verified: float = 0.0
    applied: float = 0.0
    clock: float = 0.0
    memory: list[float] = field(default_factory=list)


def measure(pair: Pair, *, profile: bool) -> None:
    """Take every page in, and verify it once more alone."""
    federation = pair.b.federation
    with pair.b.house.app.app_context():
        mirror = db.session.get(Mirror, pair.copy_id)
        first, head_hash = mirror.seq, mirror.head_hash
    last, took = 0, Took(memory=[_memory()])
    measured = cProfile.Profile()
    while raw := _page(pair, last or first):
        with pair.b.house.app.app_context():
            began = time.process_time()
            page = parse(raw)
            space = db.session.get(Space, pair.copy_id)
            keys = KeyHistory.of(db.session(), space)
            items = entries_of(page, f"{space.iri}/log")
            links = check(
                items, group=space.iri, after=last or first, head=head_hash,
                find_key=remembered(federation.find_past_key), now=federation.now(), keys=keys,
            )  # fmt: skip
            head_hash = links[-1].entry_hash
            took.verified += time.process_time() - began
            if profile:
                measured.enable()
            began, clock = time.process_time(), time.monotonic()
            last = take_page(federation, pair.copy_id, parse(raw))
            took.applied += time.process_time() - began
            took.clock += time.monotonic() - clock
            measured.disable()
        took.memory.append(_memory())
    _told(pair, last - first, took)
    if profile:
        pstats.Stats(measured).sort_stats("cumulative").print_stats(60)


def _told(pair: Pair, number: int, took: Took) -> None:
    with pair.b.house.app.app_context():
        mirror = db.session.get(Mirror, pair.copy_id)
        same = mirror.remote_digest == mirror.state_digest
        held = db.session.query(Item).filter(Item.iri.like("%/o/bench%")).count()
    print(f"{number} entries, {held} texts, same state digest: {same}")
    cpu, verified = took.applied, took.verified
    print(
        f"  verified and applied {number / cpu:8.0f} /s of CPU ({cpu:.1f} s), "
        f"{number / took.clock:.0f} /s by the clock"
    )
    print(f"  verified only        {number / verified:8.0f} /s, ratio {cpu / verified:.2f}")
    bare = _bare_checks()
    print(f"  one Ed25519 check    {bare:8.0f} /s, ratio to applied {bare * cpu / number:.2f}")
    start, half, end = (took.memory[n] for n in (0, len(took.memory) // 2, -1))
    print(
        f"  memory grew by {half - start:.0f} MB in the first half, {end - half:.0f} in the second"
    )


def _page(pair: Pair, after: int) -> bytes:
    with pair.a.house.app.app_context():
        session = db.session()
        space = session.get(Space, pair.space_id)
        rows = entries_after(session, space.id, after, PAGE, most_bytes=800_000)
        if not rows:
            return b""
        page = page_of(space, rows, head_seq(session, space.id), f"{space.iri}/log?after={after}")
        if "next" not in page:
            page["log"] = described(head(session, space))
        return canonical(page)


def _bare_checks() -> float:
    """Ed25519 signatures of 64 bytes that one core checks in a second, by the library of proofs."""
    key, text = Ed25519PrivateKey.generate(), bytes(64)
    signed, public = key.sign(text) + text, key.public_key().public_bytes_raw()
    began = time.process_time()
    for _ in range(2000):
        crypto_sign_open(signed, public)
    return 2000 / (time.process_time() - began)


def _memory() -> float:
    """MB of resident memory at its highest."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    sys.exit(main())
