"""Who is here and who writes, between a project's host and its mirrors (FEDERATION.md 4.7).

Only while the project's facilitators want it; only its members, and only to hosts that have one;
on the stream one way and by a small signed request the other way; never logged, never stored. A
host speaks for its own people alone: of others, its host says how many, and from which instance.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from collab.core.errors import Forbidden, Missing
from collab.core.i18n import N_
from collab.federation.hosts import BadHost, canonical_host
from collab.people.models import Actor
from collab.spaces.models import Item, Membership, MembershipState, Space
from collab.spaces.policy import host_may_read
from collab.web.nearby import KEPT, MOST_PEOPLE, Here, Writing

if TYPE_CHECKING:
    from collab.federation.house import Federation

Json = dict[str, Any]
MOST_ROOMS = 1000
MOST_HOSTS = 20
"""Other instances that are counted in one project."""
MOST_WRITING = 20
"""Hints that wait for one project at most."""
HINT_EVERY = 2.5
"""Seconds between two hints that one person writes on one page."""
HINT_LASTS = 6.0
"""Seconds after which somebody who does not write on writes no more."""
MOST_HINTS = 5000
HINTS_AT_ONCE = 10
"""Hints that one thing said may hold, and that one host may give of a project in HINT_EVERY."""
FOREIGN = N_("Une instance ne parle que pour les personnes de chez elle.")


class Pace:
    """Lets each name through once in a while; remembers a bounded number of them."""

    def __init__(self, seconds: float = HINT_EVERY, most: int = MOST_HINTS) -> None:
        self._seconds, self._most = seconds, most
        self._lock = threading.Lock()
        self._last: OrderedDict[str, float] = OrderedDict()

    def may(self, name: str) -> bool:
        """Whether it has been long enough; counts this time when it has."""
        now = time.monotonic()
        with self._lock:
            if now - self._last.get(name, -self._seconds) < self._seconds:
                return False
            self._last[name] = now
            self._last.move_to_end(name)
            while len(self._last) > self._most:
                self._last.popitem(last=False)
            return True


@dataclass
class Room:
    """One project: who says that who is in it, and the newest hints. `version` counts changes."""

    version: int = 0
    here: dict[tuple[str, str], tuple[float, Here]] = field(default_factory=dict)
    """(host, process) -> (until, what it said)."""
    hints: deque[tuple[int, float, Writing]] = field(
        default_factory=lambda: deque(maxlen=MOST_WRITING)
    )
    """(version, when, who)."""


@dataclass
class Rooms:
    """What the processes of this instance whisper, for those who carry it to other instances."""

    pace: Pace = field(default_factory=Pace)
    _rooms: OrderedDict[int, Room] = field(default_factory=OrderedDict)

    def take(self, heard: Here | Writing | None) -> bool:
        """Remember it. Whether there is something new to carry."""
        if heard is None:
            return False
        room = self._rooms.setdefault(heard.space_id, Room())
        self._rooms.move_to_end(heard.space_id)
        while len(self._rooms) > MOST_ROOMS:
            self._rooms.popitem(last=False)
        if isinstance(heard, Writing):
            if not self.pace.may(f"{heard.by} {heard.item}"):
                return False
            room.version += 1
            room.hints.append((room.version, time.monotonic(), heard))
            return True
        return self._here(room, heard)

    @staticmethod
    def _here(room: Room, heard: Here) -> bool:
        key, now = (heard.host, heard.process), time.monotonic()
        known = room.here.get(key)
        room.here = {k: v for k, v in room.here.items() if v[0] > now}
        if len(room.here) < MOST_HOSTS + 1 or key in room.here:
            room.here[key] = now + KEPT, heard
        if known is not None and known[0] > now and known[1].people == heard.people:
            return False
        room.version += 1
        return True

    def version(self, space_id: int) -> int:
        """Counts the changes of a project; 0 while nothing was said of it."""
        room = self._rooms.get(space_id)
        return room.version if room else 0

    def people(self, space_id: int) -> list[str]:
        """The addresses of our own people who are there."""
        return sorted(
            {by for here in self._living(space_id) if not here.host for by, _ in here.people}
        )[:MOST_PEOPLE]

    def others(self, space_id: int, besides: str) -> dict[str, int]:
        """How many are there from other instances, but for one of them."""
        living = [h for h in self._living(space_id) if h.host and h.host != besides and h.people]
        return {here.host: len(here.people) for here in living}

    def hints(self, space_id: int, after: int, besides: str) -> list[Writing]:
        """Who began to write since a version, but for those of one instance."""
        room = self._rooms.get(space_id)
        found = room.hints if room else ()
        since = time.monotonic() - HINT_LASTS
        fresh = [hint for version, at, hint in found if version > after and at > since]
        return [hint for hint in fresh if hint.host != besides][-HINTS_AT_ONCE:]

    def _living(self, space_id: int) -> list[Here]:
        room, now = self._rooms.get(space_id), time.monotonic()
        return [here for until, here in room.here.values() if until > now] if room else []


def names_its_people(federation: Federation) -> bool:
    """Whether this instance says to any other who of its people is there: a school never does,
    whatever a project says."""
    return federation.mode() != "allowlist"


def shown_to(federation: Federation, space: Space, host: str) -> bool:
    """Whether a host hears who is in a project of ours: its facilitators want it, we name our
    people at all, the host may hold a copy, and at least one of its people is a member."""
    session = federation.session
    if not names_its_people(federation):
        return False
    if not space.local or not space.presence_elsewhere or space.archived_at:
        return False
    if not host_may_read(session, space, host):
        return False
    return session.scalar(_members(space).where(Actor.host == host).limit(1)) is not None


def said(
    project: str, people: list[str], writing: list[Writing], ours: str, **more: object
) -> Json:
    """What is told of a project; of people of a third instance, only which one it is."""
    hints = [
        {"object": hint.item_iri} | ({"host": hint.host} if hint.host else {"actor": hint.by})
        for hint in writing
    ]
    return {"type": "Presence", "project": project, "by": ours, "people": people,
            "writing": hints, **more}  # fmt: skip


def believed(
    federation: Federation, space: Space, host: str, words: Json, pace: Pace
) -> tuple[Here, list[Writing]]:
    """What a host says of a project, as far as it is its to say. `pace` bounds its hints.

    Raises:
        Forbidden: it speaks for somebody of another instance.
    """
    session, besides = federation.session, (host, federation.host)
    people = [one for one in _list(words, "people", MOST_PEOPLE) if isinstance(one, str)]
    named = _known(session, space, host, people)
    from_host = space.host == host
    here = Here(
        space.id,
        space.address,
        host,
        tuple(named.items()),
        _counts(words.get("others"), besides) if from_host else (),
        open=words.get("open") is not False,
    )
    hints = _list(words, "writing", HINTS_AT_ONCE)
    found = [_hint(session, space, besides, hint) for hint in hints if isinstance(hint, dict)]
    return here, [hint for hint in found if hint and _in_pace(hint, pace)]


def _in_pace(hint: Writing, pace: Pace) -> bool:
    """By who writes where; and, as names of third instances cost nothing, by who says so."""
    if not pace.may(f"{hint.by} {hint.item}"):
        return False
    said_by = f"{hint.space_id} {hint.host}"
    return any(pace.may(f"{said_by} {one}") for one in range(HINTS_AT_ONCE))


def _hint(session: Session, space: Space, besides: tuple[str, str], hint: Json) -> Writing | None:
    host = besides[0]
    item = session.scalar(
        select(Item).where(Item.iri == str(hint.get("object")), Item.space_id == space.id)
    )
    third = hint.get("host")
    if item is None:
        return None
    if space.host == host and isinstance(third, str):
        by = label = _spelled(third, besides)
    else:
        by = str(hint.get("actor"))
        label = _known(session, space, host, [by]).get(by, "")
    if not label:
        return None
    return Writing(space.id, space.address, host, by, label, item.uid, item.iri)


def _known(session: Session, space: Space, host: str, addresses: list[str]) -> dict[str, str]:
    """Those of a host's people who are members, by address, with the name they have here."""
    names = []
    for address in addresses:
        name, _, where = address.rpartition("@")
        if where != host or not name:
            raise Forbidden(FOREIGN)
        names.append(name)
    if not names:
        return {}
    rows = session.scalars(_members(space).where(Actor.host == host, Actor.name.in_(names)))
    return {actor.address: actor.label for actor in rows}


def _members(space: Space) -> Any:
    return (
        select(Actor)
        .join(Membership, Membership.actor_id == Actor.id)
        .where(
            Membership.space_id == space.id,
            Membership.state == MembershipState.ACTIVE,
            Actor.suspended_at.is_(None),
            Actor.deleted_at.is_(None),
        )
    )


def _list(words: Json, name: str, most: int) -> list[Any]:
    found = words.get(name)
    return found[:most] if isinstance(found, list) else []


def _counts(value: object, besides: tuple[str, str]) -> tuple[tuple[str, int], ...]:
    found = {}
    for host, number in list(value.items() if isinstance(value, dict) else ())[:MOST_HOSTS]:
        spelled = _spelled(host, besides)
        if spelled and type(number) is int and 0 < number <= 1000:
            found[spelled] = number
    return tuple(sorted(found.items()))


def _spelled(host: object, besides: tuple[str, str]) -> str:
    """The name of a third instance; "" for what is none."""
    try:
        spelled = canonical_host(str(host), allow_loopback=True)
    except BadHost:
        return ""
    return "" if spelled in besides else spelled


def project_of(session: Session, iri: object) -> Space:
    """The project with that IRI. Raises Missing."""
    found = session.scalar(
        select(Space)
        .join(Actor, Actor.id == Space.actor_id)
        .where(Actor.iri == str(iri), Space.deleted_at.is_(None))
    )
    if found is None:
        raise Missing
    return found
