"""What the operations of simple versions are given."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

INTERNAL = {"internal": True}
MAX_BODY = 50_000
MAX_READERS = 500
MAX_ORGANISATION = 200


@dataclass(frozen=True)
class Review:
    """Who read which revision, and when."""

    readers: str
    organisation: str
    concerned: bool
    at: datetime
    number: int


@dataclass(frozen=True)
class Told:
    """What the host of a remote project says of a simple version, to be repeated exactly."""

    iri: str
    uid: str
    of_iri: str
    of_version: str
    number: int
    html: str
    published: datetime
    updated: datetime | None
    review: Review | None


@dataclass(frozen=True)
class WriteSimple:
    """A simple version of the text with that public id; of the project's purpose when empty."""

    body: str
    of: str = ""
    title: str = ""
    told: Told | None = field(default=None, metadata=INTERNAL)


@dataclass(frozen=True)
class EditSimple:
    """Another text for a simple version; `base` is the number of the revision it changes."""

    item: str
    body: str
    title: str = ""
    base: int = 0
    summary: str = field(default="", metadata=INTERNAL)
    told: Told | None = field(default=None, metadata=INTERNAL)


@dataclass(frozen=True)
class ReviewSimple:
    """Somebody else has read the newest revision and understood it."""

    item: str
    readers: str = ""
    organisation: str = ""
    concerned: bool = False


@dataclass(frozen=True)
class TakeSimple:
    """A simple version to take back, to bring back, or to free of its review."""

    item: str


@dataclass(frozen=True)
class AddTerm:
    """A word, what it means in easy words, and an easier word for it."""

    word: str
    definition: str
    spoken: str = ""
