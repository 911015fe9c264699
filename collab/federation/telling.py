"""Telling one other instance who is here: what it knows already, what is due, and how often.

`Voice` is one reader's: of a stream to a mirror, or of the small requests to a project's host.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from collab.federation.presence import Json, Rooms, said, shown_to
from collab.spaces.models import Space
from collab.web.nearby import AGAIN

if TYPE_CHECKING:
    from collab.federation.house import Federation

PRESENCE = "presence"
"""The name of these events on a stream; entries of the log have none."""
APART = 1.0
"""Seconds between two that are told of one project."""
LONG = 3600.0


@dataclass
class Voice:
    """What one host was told of who is in our projects."""

    federation: Federation
    rooms: Rooms
    host: str
    _told: dict[int, tuple[float, int]] = field(default_factory=dict)
    """Space -> (when, which version)."""
    _open: set[int] = field(default_factory=set)
    """Projects of which the host knows that they show presence."""

    def due(self, spaces: Iterable[int]) -> set[int]:
        """The projects of which there is something to tell now, or to tell again."""
        now = time.monotonic()
        return {one for one in spaces if self._wait(one, now) <= 0}

    def wait(self, spaces: Iterable[int]) -> float:
        """Seconds until something is due, if nothing more happens."""
        now = time.monotonic()
        return max(min((self._wait(one, now) for one in spaces), default=LONG), 0.0)

    def _wait(self, space_id: int, now: float) -> float:
        at, version = self._told.get(space_id, (0.0, 0))
        changed = self.rooms.version(space_id) != version
        return at + (APART if changed else AGAIN) - now

    def told(self, spaces: Iterable[Space], due: set[int]) -> list[Json]:
        """What to tell of those that are due, and of those that were just switched off."""
        found = []
        for space in spaces:
            switched = (space.id in self._open) != space.presence_elsewhere
            if space.id not in due and not switched:
                continue
            allowed = shown_to(self.federation, space, self.host)
            if allowed or space.id in self._open:
                found.append(self._said(space, open_=allowed))
            self._told[space.id] = time.monotonic(), self.rooms.version(space.id)
        return found

    def _said(self, space: Space, *, open_: bool) -> Json:
        ours = self.federation.host
        if not open_:
            self._open.discard(space.id)
            return said(space.iri, [], [], ours, open=False)
        self._open.add(space.id)
        before = self._told.get(space.id, (0.0, 0))[1]
        return said(
            space.iri,
            self.rooms.people(space.id),
            self.rooms.hints(space.id, before, self.host),
            ours,
            others=self.rooms.others(space.id, self.host),
        )
