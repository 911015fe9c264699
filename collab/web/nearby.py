"""Who is in a project now and who is writing: the words between sockets and federation.

Said through `Runtime.whispers`, never stored. `host` is where the people are: "" for this
instance's own, told by a web process about its sockets; else the instance that said so, checked
by federation before anybody here hears of it (FEDERATION.md 4.7).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

Json = dict[str, Any]
KEPT = 45.0
"""Seconds for which somebody is here after it was said last."""
AGAIN = 15.0
"""Seconds after which it is said again."""
MOST_PEOPLE = 100


@dataclass(frozen=True)
class Here:
    """The members that one host, or one process of ours, says are in a space; all of them."""

    space_id: int
    address: str
    """How pages here name the space."""
    host: str
    people: tuple[tuple[str, str], ...]
    """(address, label)."""
    others: tuple[tuple[str, int], ...] = ()
    """(host, how many): who is there from other instances; only the project's own host says so."""
    process: str = ""
    """Which of our processes says so, for our own people."""
    open: bool = True
    """Whether the project shows presence to other instances at all."""


@dataclass(frozen=True)
class Writing:
    """Somebody is writing on the page of an item."""

    space_id: int
    address: str
    host: str
    by: str
    label: str
    item: str
    """Its uid here."""
    item_iri: str


def told(what: Here | Writing) -> Json:
    """As it is whispered."""
    return asdict(what) | {"kind": type(what).__name__}


def understood(words: Json) -> Here | Writing | None:
    """What was whispered; None for what another version of us may say."""
    rest = {name: value for name, value in words.items() if name != "kind"}
    try:
        if words.get("kind") == "Writing":
            return Writing(**rest)
        if words.get("kind") == "Here":
            rest["people"] = tuple((by, label) for by, label in rest["people"])
            rest["others"] = tuple((host, number) for host, number in rest["others"])
            return Here(**rest)
    except (KeyError, TypeError, ValueError):
        return None
    return None
