"""Facts. An event says what happened, in ids; it is stored with the change that caused it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, dataclass_transform

from sqlalchemy.orm import Mapped, mapped_column

from collab.core.db import Base


@dataclass_transform(frozen_default=True, kw_only_default=True)
@dataclass(frozen=True, kw_only=True)
class Event:
    """Past tense, ids only, JSON-safe. Subclass with `name="thing.happened"`.

    `space_id` and `actor_id` are always known; `item_id` is None where no item is concerned.
    """

    space_id: int
    actor_id: int
    item_id: int | None = None

    name: ClassVar[str] = ""
    known: ClassVar[dict[str, type[Event]]] = {}

    def __init_subclass__(cls, *, name: str) -> None:
        if name in Event.known:
            raise ValueError(f"two events are called {name!r}")
        cls.name = name
        Event.known[name] = dataclass(frozen=True, kw_only=True)(cls)


class EventRow(Base):
    """The journal: append-only; realtime catch-up, feeds, federation and audit all read it.

    `id` grows in commit order (one writer on SQLite, an advisory lock on PostgreSQL), so a
    reader that remembers the last id it saw misses nothing. `cause` is the IRI of the activity
    that brought a remote act here; `mirrored` says that the project's host decided it.
    """

    __tablename__ = "event"
    __table_args__ = {"sqlite_autoincrement": True}

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    space_id: Mapped[int] = mapped_column(index=True)
    actor_id: Mapped[int]
    item_id: Mapped[int | None] = mapped_column(index=True)
    at: Mapped[datetime]
    data: Mapped[dict[str, Any]]
    cause: Mapped[str | None]
    mirrored: Mapped[bool] = mapped_column(default=False)

    @classmethod
    def of(cls, event: Event, at: datetime, cause: str | None, *, mirrored: bool) -> dict[str, Any]:
        """The row that stores `event`, by column."""
        return {
            "name": event.name,
            "space_id": event.space_id,
            "actor_id": event.actor_id,
            "item_id": event.item_id,
            "at": at,
            "data": vars(event).copy(),
            "cause": cause,
            "mirrored": mirrored,
        }

    def load(self) -> Event:
        """The event this row stores. Raises KeyError for a name no installed room declares."""
        return Event.known[self.name](**self.data)
