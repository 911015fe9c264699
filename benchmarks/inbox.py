"""What one accepted activity costs: digest, verify, policy, database; and how many fit in a core.

`python -m benchmarks.inbox [--activities 300]`. Notes of a member of another server, each signed
in both schemes by turns and carrying a proof; the keys are known. First the whole way in is timed,
then its parts on the same bytes: the hash alone, the signature and the proof without the hash,
everything else that decides (`policy`), and the effect in the database.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from conftest import Make, open_house  # noqa: E402 - the tests' own house and people
from federation.hostile import hostile_peer  # noqa: E402
from federation.stage import ORIGIN, TOML, Foreign  # noqa: E402

from collab.federation.chain import remembered  # noqa: E402
from collab.federation.gate import receive  # noqa: E402
from collab.federation.house import Federation  # noqa: E402
from collab.federation.inbox import take  # noqa: E402
from collab.federation.proofs import verify_proof  # noqa: E402
from collab.federation.signatures import Message, sign, verify  # noqa: E402
from collab.federation.strictjson import canonical, parse  # noqa: E402
from collab.people.models import AccountRole  # noqa: E402
from collab.spaces.models import Item  # noqa: E402
from collab.web.extensions import db  # noqa: E402

MOST = 2000
SCHEMES = ("cavage", "rfc9421")


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--activities", type=int, default=300)
    number = max(10, min(parser.parse_args(argv).activities, MOST))
    with tempfile.TemporaryDirectory() as place, hostile_peer() as peer:
        path = Path(place) / "instance"
        path.mkdir()
        (path / "collab.toml").write_text(TOML.format(origin=ORIGIN), encoding="utf-8")
        house = open_house(path, "", ORIGIN)
        with house.app.test_request_context("/", base_url=ORIGIN):
            foreign, federation = Foreign(peer, house), house.app.extensions["collab.federation"]
            messages = _letters(foreign, Make(house), number)
            _report(federation, messages)
            federation.transport.close()
            db.session.remove()
            db.engine.dispose()
    return 0


def _letters(foreign: Foreign, make: Make, number: int) -> list[Message]:
    """Notes that open a discussion each, as the bytes and headers that would come."""
    owner = make.person("ada", AccountRole.ADMIN)
    space = make.space(owner)
    lea = foreign.member(make, space, owner)
    assert foreign.say(lea, "Create", foreign.note(lea, space)).status_code == 202
    now, found = datetime.now(UTC), []
    for index in range(number):
        told = foreign.activity(lea, "Create", foreign.note(lea, space))
        body = canonical(foreign.proven(lea, told))
        scheme = SCHEMES[index % len(SCHEMES)]
        headers = sign("POST", f"{ORIGIN}/inbox", body, lea.rsa, scheme, now)
        found.append(Message("POST", "/inbox", tuple(headers.items()), body))
    return found


def _report(federation: Federation, messages: list[Message]) -> None:
    before = db.session.query(Item).count()
    find = remembered(federation.find_key)
    now = federation.now()
    digest = _timed(messages, lambda message: hashlib.sha256(message.body).digest())
    signed = _timed(
        messages, lambda message: verify(message, scheme_host=ORIGIN, find_key=find, now=now)
    )
    proven = _timed(messages, lambda message: verify_proof(parse(message.body), find, now))
    came = []
    gate = _timed(messages, lambda message: came.append(receive(federation, message)))
    effect = _timed(came, lambda arrival: take(federation, arrival))
    accepted = db.session.query(Item).count() - before
    total = gate + effect
    parts = {
        "digest": digest,
        "verify": signed + proven - digest,
        "policy": gate - signed - proven,
        "database": effect,
    }
    print(f"{len(messages)} activities, {accepted} texts; CPU for each:")
    for name, seconds in parts.items():
        print(f"  {name:9}{seconds * 1e6:9.0f} µs{seconds / total:7.1%}")
    print(f"  {'all':9}{total * 1e6:9.0f} µs, {1 / total:.0f} /s on one core")


def _timed(things: list, do: object) -> float:
    """Seconds of CPU for each."""
    began = time.process_time()
    for thing in things:
        do(thing)
    return (time.process_time() - began) / len(things)


if __name__ == "__main__":
    sys.exit(main())
