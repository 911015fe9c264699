"""What the house asks of a search backend, and what it gets. No backend is known here."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

from sqlalchemy.orm import Session

LONGEST_TEXT = 200_000
"""Characters of one document that are indexed; what follows cannot be found."""
REACHABLE = 1_000
"""How many results of one question can be paged through; after that, ask more precisely."""

Order = Literal["best", "newest"]


@dataclass(frozen=True)
class Document:
    """What can be found: one item, in plain text. `at` is when it was last written, aware."""

    item_id: int
    space_id: int
    tool: str
    title: str
    text: str
    author_id: int
    author_name: str
    at: datetime
    tags: tuple[str, ...] = ()


def milliseconds(instant: datetime) -> int:
    """An aware instant as milliseconds since 1970."""
    return int(instant.timestamp() * 1000)


def all_text(document: Document) -> str:
    """Everything a document says, as one text."""
    return f"{document.title} {' '.join(document.tags)} {document.text[:LONGEST_TEXT]}"


@dataclass(frozen=True)
class Query:
    """A question. Nothing outside `spaces` is found, counted, suggested or quoted.

    `words` is what a person typed: all words are wanted, "..." is a phrase, `-` excludes. Without
    words, everything that passes the filters is found. `since` is included, `until` is not.
    `cursor` is a `Found.next_cursor`; any other text begins at the first result.
    """

    words: str
    spaces: Sequence[int]
    tool: str | None = None
    author: int | None = None
    since: datetime | None = None
    until: datetime | None = None
    order: Order = "best"
    limit: int = 20
    cursor: str | None = None

    @property
    def offset(self) -> int:
        """How many results come before the first one wanted."""
        plain = self.cursor or "0"
        return int(plain) if plain.isascii() and plain.isdigit() and len(plain) < 7 else 0


@dataclass(frozen=True)
class Hit:
    """One result. Both texts are HTML: everything escaped, the words found within <mark>."""

    item_id: int
    score: float
    title_html: str
    excerpt_html: str


@dataclass(frozen=True)
class Found:
    """The answer. `total` counts all results, `hits` holds one page of them.

    `relaxed`: nothing had all the words, these have some. `suggestion`: the question with words
    spelled as they are in texts the reader may see. `ready` is False while the index is missing
    or broken and waits for the worker to fill it.
    """

    hits: Sequence[Hit] = field(default=())
    total: int = 0
    next_cursor: str | None = None
    suggestion: str | None = None
    relaxed: bool = False
    ready: bool = True


def next_cursor(query: Query, total: int) -> str | None:
    """The cursor of the page after this one, if there is one to be had."""
    end = query.offset + query.limit
    return str(end) if end < min(total, REACHABLE) else None


class Backend(Protocol):
    """One index. Only the worker process (and `collab reindex`) writes to it.

    A backend whose index lives in the database writes with `session` and leaves the commit to
    the caller; any other commits its own files before it returns. Both may be repeated.
    """

    def apply(self, session: Session, puts: Sequence[Document], drops: Sequence[int]) -> None:
        """Put documents in, or in the place of their older versions, and take items out.

        One batch is one commit. Raises OSError when the index cannot be written.
        """
        ...

    def find(self, session: Session, query: Query) -> Found:
        """Answer a question. An index that cannot be read is an answer too (`ready`)."""
        ...

    def fill(self, session: Session, documents: Iterable[Document]) -> int:
        """Replace everything by `documents`, in one commit. Returns how many there were."""
        ...

    def clear(self, session: Session) -> None:
        """Forget everything."""
        ...

    def wants_filling(self, session: Session) -> bool:
        """Whether the index is missing, broken or of another version, and needs `fill`."""
        ...


class BrokenIndex(Exception):
    """The index cannot be read any more and waits for `fill`."""
