"""Searching, as pages, the API and search itself speak of it; search puts itself behind it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

from markupsafe import Markup
from sqlalchemy.orm import Session

from collab.people.models import Actor
from collab.spaces.models import Item, Space
from collab.spaces.tool import Tool

MOST = 100
"""Results of one page."""


@dataclass(frozen=True)
class Asked:
    """A question. `words`: all are wanted, "..." is a phrase, `-` excludes.

    `since` is included, `until` is not. `cursor` is an `Answer.next_cursor`.
    """

    words: str
    space: Space | None = None
    tool: str | None = None
    author: Actor | None = None
    since: datetime | None = None
    until: datetime | None = None
    order: Literal["best", "newest"] = "best"
    limit: int = 20
    cursor: str | None = None


@dataclass(frozen=True)
class Result:
    """One item the viewer may read. `title` and `excerpt` are safe HTML with <mark>."""

    item: Item
    space: Space
    tool: Tool
    url: str
    title: Markup
    excerpt: Markup


@dataclass(frozen=True)
class Answer:
    """One page of results, and `total` of them in all.

    `relaxed`: nothing had all the words, these have some of them. `suggestion`: the question
    spelled otherwise. `common`: only words were asked for that nearly every text has. `ready` is
    False while the index is being made.
    """

    results: Sequence[Result] = field(default=())
    total: int = 0
    next_cursor: str | None = None
    suggestion: str | None = None
    relaxed: bool = False
    common: bool = False
    ready: bool = True


class Search(Protocol):
    """What app.extensions and the runtime hold under `search`."""

    def find(self, session: Session, viewer: Actor | None, asked: Asked) -> Answer:
        """What `viewer` may read and asked for; nothing else is counted, suggested or quoted."""
        ...
