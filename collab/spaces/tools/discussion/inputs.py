"""What the operations of a discussion are given; any door builds these from what it was sent."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from collab.spaces.files import Upload
from collab.spaces.tools.discussion.models import Mentioned

INTERNAL = {"internal": True}


@dataclass(frozen=True)
class Received:
    """What only the author's instance can say of a text, already read safely (R39).

    `iri`, `uid` and `at` are None where the text is known here already and only changes.
    """

    html: str
    mentions: list[Mentioned]
    from_html: bool = False
    iri: str | None = None
    uid: str | None = None
    at: datetime | None = None


@dataclass(frozen=True)
class OpenThread:
    """A new subject; `body` is the opening message, in Markdown, and `language` its BCP 47 code.

    `voice` is a recording that opens it; `body` is then what is said in it, or nothing.
    """

    title: str
    body: str = ""
    language: str = ""
    voice: Upload | None = field(default=None, metadata=INTERNAL | {"sound": True})
    received: Received | None = field(default=None, metadata=INTERNAL)


@dataclass(frozen=True)
class PostMessage:
    """An answer in the thread with that public id; `reply_to` is a message of it, or the thread.

    `voice` is a recording; `body` is then what is said in it, or nothing.
    """

    thread: str
    body: str = ""
    reply_to: str | None = None
    language: str = ""
    voice: Upload | None = field(default=None, metadata=INTERNAL | {"sound": True})
    received: Received | None = field(default=None, metadata=INTERNAL)


@dataclass(frozen=True)
class EditMessage:
    """A new text for a message or a thread; an empty `title` keeps the thread's old one.

    So does no `language`; `und` forgets it.
    """

    item: str
    body: str
    title: str = ""
    language: str | None = None
    received: Received | None = field(default=None, metadata=INTERNAL)


@dataclass(frozen=True)
class Remove:
    """A message or a thread to take back, or to bring back."""

    item: str


@dataclass(frozen=True)
class React:
    """One's sign on a message or a thread: a key of spaces.items.SIGNS."""

    item: str
    sign: str
    iri: str | None = field(default=None, metadata=INTERNAL)


@dataclass(frozen=True)
class Pin:
    """A thread to keep at the top, or to let go."""

    item: str
