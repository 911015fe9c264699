"""What a tool is, and how the house finds its tools."""

from __future__ import annotations

import pkgutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal

from sqlalchemy import Select
from sqlalchemy.orm import Session

from collab.core.work import Work
from collab.spaces.models import Item, Offer, Space

if TYPE_CHECKING:
    from flask import Blueprint

Json = dict[str, Any]


@dataclass(frozen=True)
class Action:
    """One thing that can be done: the input it takes and the operation that does it.

    The operation answers the item concerned, or the Offer that was sent to a remote host.
    """

    input: type[Any]
    run: Callable[[Work, Space, Any], Item | Offer]


@dataclass(frozen=True)
class ObjectMapping:
    """Between one kind of item and ActivityStreams; both directions, nothing else.

    `ownership` (FEDERATION.md 1.1): a "voice" belongs to its author and is created, updated and
    deleted by the author's own activities; a "commons" belongs to the project: remote members
    `Offer` changes and the project's host publishes them.

    - `to_object(session, item)`: the full AS2 object, the same bytes on host and mirror.
    - `receive(work, space, object)`: a new item from a Create (by its author, or, for commons,
      from the host's log).
    - `revise(work, space, item, object)`: an Update of a known item.
    - `take_offer(work, space, object)`: host side, the object of an Offer about this kind.
    - `remain(work, space, tombstone)`: on a copy, the place of words that were erased before they
      came, made from what the host's log says is left of them.
    """

    types: Sequence[str]
    ownership: Literal["voice", "commons"]
    to_object: Callable[[Session, Any], Json]
    receive: Callable[[Work, Space, Json], Item]
    revise: Callable[[Work, Space, Any, Json], Item]
    take_offer: Callable[[Work, Space, Json], Item] | None = None
    offer_types: Sequence[str] = ()
    claims: Callable[[Json], bool] | None = None
    remain: Callable[[Work, Space, Json], Item] | None = None

    def takes(self, obj: Json) -> bool:
        """Whether this mapping understands the object; an explicit claim decides alone."""
        return self.claims(obj) if self.claims else obj.get("type") in self.types


@dataclass(frozen=True)
class Kind:
    """One kind of item a tool makes, as the API, search and federation see it."""

    name: str
    plural: str
    model: type[Item]
    add: Action
    revise: Action
    mapping: ObjectMapping
    example: Callable[[], Any]
    url: Callable[[Space, Any], str]
    """The path of the item's page on this instance."""
    searchable: Callable[[Any], str] = lambda item: item.source
    present: Callable[[Session, Any], Json] = lambda session, item: {}
    """What the JSON API says beyond the common properties."""
    within: Callable[[Any], Item | None] = lambda item: None
    """The item on whose page this one is shown: a message's thread."""
    conversation: Callable[[Any], Select[int]] | None = None
    """The ids of all that is shown on an item's page, itself too: a thread's messages."""
    answers: Callable[[Any], Select[int]] | None = None
    """The ids of what directly answers an item."""

    @property
    def has_own_page(self) -> bool:
        """Whether its items stand by themselves, as a thread or a document does."""
        return self.within is Kind.within


@dataclass(frozen=True)
class Tool:
    """The door plate of a room: everything the house needs to know about it."""

    name: str
    title: str
    kinds: Sequence[Kind]
    blueprint: Blueprint
    actions: Mapping[str, Action] = field(default_factory=dict)
    count: Callable[[Session, Space], int] | None = None
    """What the tab shows beside the title."""
    order: int = 100


class Tools:
    """All tools, by name and by kind of item."""

    def __init__(self, tools: Sequence[Tool]) -> None:
        self._by_name = {t.name: t for t in sorted(tools, key=lambda t: (t.order, t.name))}
        self._kinds = {k.name: (t, k) for t in self for k in t.kinds}

    def __iter__(self) -> Iterator[Tool]:
        return iter(self._by_name.values())

    def __getitem__(self, name: str) -> Tool:
        return self._by_name[name]

    def names(self) -> list[str]:
        """Every tool's name, in the order of the tabs."""
        return list(self._by_name)

    def of(self, item: Item) -> Tool:
        """The tool that makes items of this kind. Raises KeyError if it is not installed."""
        return self._kinds[item.kind][0]

    def kind(self, item: Item) -> Kind:
        """The kind of an item. Raises KeyError if its tool is not installed."""
        return self._kinds[item.kind][1]

    def maker(self, kind: Kind) -> Tool:
        """The tool that makes items of that kind."""
        return self._kinds[kind.name][0]

    def kinds(self) -> list[Kind]:
        """Every kind of item that any tool makes."""
        return [k for _, k in self._kinds.values()]

    def claiming(self, obj: Json, ownership: str = "") -> Kind | None:
        """The one kind whose mapping takes this incoming object, of this ownership if one is said.

        Whoever names the object's type first among its own wins over those who also take it;
        then explicit claims win.
        """
        takers = [
            k
            for k in self.kinds()
            if ownership in ("", k.mapping.ownership) and k.mapping.takes(obj)
        ]
        takers.sort(key=lambda k: (k.mapping.types[0] != obj.get("type"), k.mapping.claims is None))
        return takers[0] if takers else None

    def leaving(self, tombstone: Json) -> Kind | None:
        """The kind of voice that a Tombstone is left of, if its tool keeps places."""
        former = tombstone.get("formerType")
        kinds = (k for k in self.kinds() if k.mapping.remain is not None)
        return next((k for k in kinds if former in k.mapping.types), None)

    def offered(self, obj: Json) -> Kind | None:
        """The kind that takes offers of this type."""
        wanted = obj.get("type")
        return next((k for k in self.kinds() if wanted in k.mapping.offer_types), None)


def find_tools() -> Tools:
    """Import `tool.TOOL` from every package under `collab.spaces.tools`."""
    package = import_module("collab.spaces.tools")
    names = [m.name for m in pkgutil.iter_modules(package.__path__) if m.ispkg]
    return Tools([import_module(f"{package.__name__}.{n}.tool").TOOL for n in names])
