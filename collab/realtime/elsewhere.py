"""Who is in a project on other instances, as far as it shows presence there (FEDERATION.md 4.7).

Says through `Runtime.whispers` who of ours is here and who writes; takes in what federation has
heard and checked, shows it, and forgets it when it is not said again. Nothing is stored.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import gevent
from flask_socketio import SocketIO
from gevent.select import select as wait_for

from collab.core.whispers import Overheard, Whispers
from collab.realtime.tail import members
from collab.spaces.models import Item
from collab.web.nearby import AGAIN, KEPT, MOST_PEOPLE, Here, Writing, told, understood

log = logging.getLogger(__name__)
MOST_KEPT = 1000
"""Pairs of a space and an instance that are remembered."""
TICK = 1.0
Card = dict[str, str]


@dataclass
class Elsewhere:
    """What other instances say of who is in our spaces and in copies of theirs."""

    socketio: SocketIO
    whispers: Whispers
    changed: Callable[[int, str], None] = lambda space_id, address: None
    """Told of each space where somebody elsewhere came or went."""
    _heard: dict[tuple[int, str], tuple[float, Here]] = field(default_factory=dict)
    _said: dict[int, tuple[float, Here]] = field(default_factory=dict)
    _process: str = field(default_factory=lambda: str(os.getpid()))

    def run(self, listener: Overheard) -> None:
        """Take in what is whispered until killed."""
        while True:
            if wait_for([listener.fileno()], [], [], TICK)[0]:
                for words in listener.take(0):
                    self.take(understood(words))
                gevent.sleep(0)
            self.look()

    def take(self, heard: Here | Writing | None) -> None:
        """Show what an instance said; what our own processes say is not for us."""
        if heard is None or not heard.host:
            return
        if isinstance(heard, Here):
            self._here(heard)
            return
        message = {
            "space": heard.address,
            "item": heard.item,
            "by": heard.by,
            "label": heard.label,
        }
        self.socketio.emit("typing", message, to=members(heard.space_id))

    def _here(self, heard: Here) -> None:
        key = heard.space_id, heard.host
        before = self._heard.get(key)
        if before is None and len(self._heard) >= MOST_KEPT:
            return
        if heard.open and (heard.people or heard.others):
            self._heard[key] = time.monotonic() + KEPT, heard
        else:
            self._heard.pop(key, None)
        if before is None or (before[1].people, before[1].others) != (heard.people, heard.others):
            self.changed(heard.space_id, heard.address)

    def cards(self, space_id: int) -> list[Card]:
        """Who is in a space elsewhere, as our own people are named."""
        found: dict[str, Card] = {}
        for (one, _host), (_until, heard) in self._heard.items():
            if one != space_id:
                continue
            found |= {by: {"by": by, "label": label} for by, label in heard.people}
            for host, number in heard.others:
                found[host] = {"by": host, "label": f"{host} ({number})"}
        return list(found.values())[:MOST_PEOPLE]

    def say(self, space_id: int, address: str, people: Sequence[Card]) -> None:
        """Tell whoever carries it further who of our members is in a space, when that changed."""
        now = time.monotonic()
        cards = tuple((card["by"], card["label"]) for card in people[:MOST_PEOPLE])
        here = Here(space_id, address, "", cards, process=self._process)
        before = self._said.get(space_id)
        if before is not None and before[1] == here and now - before[0] < AGAIN:
            return
        if before is None and not cards:
            return
        self._said[space_id] = now, here
        if not cards:
            del self._said[space_id]
        self.whispers.say(told(here))

    def writes(self, address: str, item: Item, card: Card) -> None:
        """Tell the same that one of our members writes."""
        what = Writing(item.space_id, address, "", card["by"], card["label"], item.uid, item.iri)
        self.whispers.say(told(what))

    def look(self) -> None:
        """Forget who was not said again, and say again who of ours is still there."""
        now = time.monotonic()
        for key, (until, heard) in list(self._heard.items()):
            if until < now:
                del self._heard[key]
                self.changed(heard.space_id, heard.address)
        for space_id, (at, here) in list(self._said.items()):
            if now - at >= AGAIN:
                self._said[space_id] = now, here
                self.whispers.say(told(here))
