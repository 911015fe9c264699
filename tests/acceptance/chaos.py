"""A town in which everything fails: bad roads, killed processes, an instance that is cut off.

Several people of three instances write, edit, react, delete and bring back meanwhile. At the end
nobody does anything by hand, and every accepted write is everywhere exactly once. `make chaos` runs
it for long, `test_chaos.py` shortly. What is drawn follows the seed; how the threads of three
instances meet does not, so a seed repeats a run only roughly.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from harness import Instance, free_port, until
from reckoning import differing, everything, miscounted, misnotified, unfinished, untold
from road import Faults, Road
from steps import on_mirror, open_shared, same_state
from townsfolk import Reader, Writer

from collab.listening import Refused, check_port

SLUG = "jardin"
SETTLED = 300.0
"""Seconds in which everything comes to rest once the roads are mended."""
GOOD = Faults(0, 0, 0, 0)
KINDS = ("web", "worker", "all")
"""What is killed: a process of an instance, or the whole of it."""


@dataclass
class Remote(Instance):
    """An instance that the others reach by a road; its own people come in by its own door."""

    back: int = field(default_factory=free_port)

    @property
    def door(self) -> int:
        return self.back

    def crash(self) -> None:
        """The machine loses its power, and has it back."""
        assert self.process is not None
        for pid in (self.process.pid, *self.children().values()):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait()
        until(self.is_off, f"{self.name} has let go of its port")
        self.start()

    def is_off(self) -> bool:
        """Whether nothing of it runs any more; a child that was just being started ends too."""
        try:
            check_port("127.0.0.1", self.door)
        except Refused:
            return False
        return True


class Town:
    """Three instances, one project, the people, and what goes wrong."""

    def __init__(self, place: Path, seed: int, pause: float) -> None:
        self.seed, self.pause = seed, pause
        self.chance = random.Random(seed)
        self.a = Remote(place / "a", "Maison des associations")
        self.b = Remote(place / "b", "École de la Butte")
        self.c = Remote(place / "c", "Mairie")
        self.homes = (self.a, self.b, self.c)
        self.roads = {
            home.host: Road(home.port, home.back, seed + n, GOOD).open()
            for n, home in enumerate(self.homes)
        }
        self.kills: Counter[str] = Counter()
        self.writers: list[Writer] = []
        self.over = threading.Event()

    def settle_in(self) -> None:
        """Make the instances, the people and the project; the roads are still good."""
        for home, aliases in ((self.a, "ada amir"), (self.b, "bea bob"), (self.c, "cleo")):
            home.create()
            for alias in aliases.split():
                home.person(alias)
            home.start()
        there = open_shared(self.a, self.b, SLUG, join_policy="open")
        self.addresses = {self.a.name: SLUG, self.b.name: there, self.c.name: there}
        self.a.api("POST", f"/spaces/{SLUG}/join", as_="amir", sent={})
        for home, alias in ((self.b, "bob"), (self.c, "cleo")):
            self._come_in(home, alias, there)
        openers = ((self.a, "ada"), (self.b, "bea"), (self.c, "cleo"))
        threads = [self._thread(home, alias) for home, alias in openers]
        for home, alias in ((self.a, "ada"), (self.a, "amir"), (self.b, "bea"), (self.b, "bob"),
                            (self.c, "cleo")):  # fmt: skip
            self.writers.append(self._writer(home, alias, threads))
        self.reader = Reader(self.c, "cleo", there)

    def _come_in(self, home: Remote, alias: str, there: str) -> None:
        home.api("POST", f"/spaces/{there}/follow", as_=alias)
        home.api("POST", f"/spaces/{there}/join", as_=alias, sent={})
        until(
            lambda: home.api("GET", f"/spaces/{there}", as_=alias)["membership"] == "active",
            f"{alias} takes part",
        )

    def _thread(self, home: Remote, alias: str) -> str:
        """A thread of somebody of each instance, who is then told of the answers there."""
        sent = {"title": f"Sujet de {alias}", "body": "Début."}
        there = f"/spaces/{self.addresses[home.name]}/discussion/threads"
        return str(home.api("POST", there, as_=alias, sent=sent)["iri"])

    def _writer(self, home: Remote, alias: str, threads: list[str]) -> Writer:
        address = self.addresses[home.name]
        here = [on_mirror(home, address, iri, alias, "discussion/threads")["id"] for iri in threads]
        chance = random.Random(f"{self.seed} {alias}")
        return Writer(home, alias, address, here, chance, self.pause, documents=home is self.a)

    def go_wrong(self, acts: int, *, every: float) -> float:
        """Let everybody act `acts` times while it goes wrong. Returns the seconds it took.

        `every`: seconds between two kills, about. In the middle third, B is cut off.
        """
        for road in self.roads.values():
            road.faults = Faults()
        began = time.monotonic()
        hands = [threading.Thread(target=w.act, args=(acts,), daemon=True) for w in self.writers]
        eyes = threading.Thread(target=self.reader.read, daemon=True)
        harm = threading.Thread(target=self._harm, args=(every, acts), daemon=True)
        for thread in (eyes, *hands, harm):
            thread.start()
        for thread in hands:
            thread.join()
        self.over.set()
        harm.join()
        return time.monotonic() - began

    def _harm(self, every: float, acts: int) -> None:
        # Each way of dying comes up before any comes up again, however short the run.
        kinds = (what for _round in count() for what in self.chance.sample(KINDS, len(KINDS)))
        while not self.over.wait(self.chance.uniform(0.5, 1.5) * every):
            done = sum(sum(w.outcomes.values()) for w in self.writers) / (acts * len(self.writers))
            self._cut_off(1 / 3 < done < 2 / 3)
            home = self.chance.choice(self.homes)
            what = next(kinds)
            self.kills[what] += 1
            # A child that is just being restarted is none that could be killed.
            with contextlib.suppress(KeyError, ProcessLookupError):
                home.crash() if what == "all" else home.kill(what)
        self._cut_off(False)

    def _cut_off(self, away: bool) -> None:
        for host, road in self.roads.items():
            road.cut = ({"*"} if host == self.b.host else {self.b.host}) if away else set()

    def come_to_rest(self) -> float:
        """Mend the roads, and wait until all copies are complete. Returns the seconds it took."""
        for road in self.roads.values():
            road.heal()
        began = time.monotonic()
        for home in self.homes:
            until(home.ready, f"{home.name} is ready")
        for home, alias in ((self.b, "bea"), (self.c, "cleo")):
            there = self.addresses[home.name]
            with contextlib.suppress(AssertionError):  # then the reckoning says what is wrong
                until(
                    lambda home=home, there=there, alias=alias: self._same(home, there, alias),
                    f"{home.name} holds what the host holds", SETTLED,
                )  # fmt: skip
        return time.monotonic() - began

    def _same(self, home: Remote, there: str, alias: str) -> bool:
        if not same_state(self.a, home, SLUG, there, alias):
            return False
        return all(row["state"] == "confirmed" for row in everything(home, there, alias).values())

    def wrong(self) -> list[str]:
        """Everything that is not as it must be; nothing is what is hoped for."""
        self.reader.over.set()
        host = everything(self.a, SLUG, "ada")
        found = miscounted(host, [word for writer in self.writers for word in writer.words])
        for home, alias in ((self.b, "bea"), (self.c, "cleo")):
            there = self.addresses[home.name]
            found += differing(host, everything(home, there, alias), home.name)
            if not same_state(self.a, home, SLUG, there, alias):
                found.append(
                    f"{home.name}: {home.api('GET', f'/spaces/{there}/federation', as_=alias)}"
                )
        found += untold(self.reader, host)
        for home in self.homes:
            found += unfinished(home) + misnotified(home)
        return found + [refusal for writer in self.writers for refusal in writer.refusals]

    def figures(self) -> dict[str, Any]:
        outcomes: Counter[str] = sum((w.outcomes for w in self.writers), Counter())
        fates: Counter[str] = sum((road.fates for road in self.roads.values()), Counter())
        log = self.a.api("GET", f"/spaces/{SLUG}/federation", as_="ada")["log"]
        return {
            "seed": self.seed,
            "acts": dict(outcomes),
            "requests": dict(fates),
            "killed": dict(self.kills),
            "log entries": log["seq"],
            "facts told to an open page": len(self.reader.told),
        }

    def end(self) -> None:
        self.over.set()
        self.reader_over()
        for home in self.homes:
            home.end()
        for road in self.roads.values():
            road.close()

    def reader_over(self) -> None:
        if hasattr(self, "reader"):
            self.reader.over.set()


def run(place: Path, seed: int, acts: int, pause: float, every: float) -> list[str]:
    """One run, from empty folders to the reckoning. Prints the figures; returns what is wrong."""
    print(f"chaos: seed {seed}", flush=True)  # noqa: T201 - also of a run that breaks off
    town = Town(place, seed, pause)
    try:
        town.settle_in()
        took = town.go_wrong(acts, every=every)
        rest = town.come_to_rest()
        wrong = town.wrong()
        told = town.figures() | {"seconds": round(took, 1), "to come to rest": round(rest, 1)}
        print("chaos:", *(f"{name} {value};" for name, value in told.items()), flush=True)  # noqa: T201
        return wrong
    except BaseException:
        for home in town.homes:
            print(home.name, *home.log.read_text("utf-8", "replace").splitlines()[-40:], sep="\n")  # noqa: T201
        raise
    finally:
        town.end()


def main() -> int:
    """Run again and again, each with its own seed, for as long as asked."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--minutes", type=float, default=20)
    parser.add_argument("--acts", type=int, default=600, help="of each of the five people, a run")
    parser.add_argument("--every", type=float, default=8, help="seconds between two kills, about")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    given = parser.parse_args()
    ends, seed = time.monotonic() + 60 * given.minutes, given.seed
    while True:
        with tempfile.TemporaryDirectory(prefix="collab-chaos-") as place:
            wrong = run(Path(place), seed, given.acts, pause=0.15, every=given.every)
        if wrong:
            print(*wrong[:40], f"seed {seed}: {len(wrong)} wrong", sep="\n")  # noqa: T201
            return 1
        if time.monotonic() > ends:
            return 0
        seed += 1


if __name__ == "__main__":
    sys.exit(main())
