"""What a page shows of each message, gathered in few queries for a whole page of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from markupsafe import Markup
from sqlalchemy.orm import Session

from collab.core.db import now
from collab.people.models import Actor
from collab.spaces.files import StoredFile, files_of
from collab.spaces.hiding import blocked_hosts, is_silenced
from collab.spaces.items import SIGNS, UNDO_WINDOW
from collab.spaces.models import ItemState, Role, Space
from collab.spaces.policy import is_open, role_of
from collab.spaces.polls import with_polls
from collab.spaces.tools.discussion.models import Said, Thread
from collab.spaces.tools.discussion.queries import Answered, answered, facilitators, reactions
from collab.web.runtime import current_runtime


@dataclass(frozen=True)
class Mark:
    """A sign on a message: how often, by whom, and whether the reader put it too."""

    sign: str
    word: str
    names: str
    count: int
    mine: bool


@dataclass(frozen=True)
class Reader:
    """Who looks at the page, and what they may do in this space now."""

    actor: Actor | None
    role: Role
    writes: bool
    """Whether they may write: a member, in a space that is not archived."""
    decides: bool
    """Whether they may take back what others wrote: in charge, on the project's own instance."""


@dataclass(frozen=True)
class Voice:
    """A recording beside a message, as the template draws it."""

    url: str
    seconds: int
    size: int
    written: bool
    """Whether somebody has written what is said."""


@dataclass(frozen=True)
class Card:
    """One message as the template draws it. The text of what was taken back is not in it."""

    item: Said
    url: str
    thread_url: str
    body: Markup
    gone: bool
    silenced: bool
    """Its author is suspended, or of a blocked instance: a notice stands for the text."""
    role: int
    reply_to: Mapping[str, str] | None
    """`url` and `name` of what it answers."""
    state: str
    reason: str
    writes: bool
    """Whether its reader may write in this space."""
    may_answer: bool
    own: bool
    may_edit: bool
    may_remove: bool
    may_restore: bool
    erase_url: str
    """Where to erase for good what was taken back; "" for who may not."""
    report_url: str
    """Where to say that it is not right; "" for strangers, for one's own, for what is gone."""
    delivery_url: str = ""
    """The page that says where it has arrived; "" where that is not told."""
    poll_url: str = ""
    """Where to vote and read the counts, when it is a poll of elsewhere."""
    received: int = 0
    """How many of `copies` have its newest form."""
    copies: int = 0
    marks: Sequence[Mark] = field(default_factory=tuple)
    voice: Voice | None = None


def reader_of(session: Session, space: Space, actor: Actor | None) -> Reader:
    """What somebody may do here."""
    role = role_of(session, space, actor.id if actor else None)
    writes = role >= Role.MEMBER and is_open(space)
    decides = writes and role >= Role.FACILITATOR
    return Reader(actor, role, writes, decides)


def cards(session: Session, space: Space, reader: Reader, items: Sequence[Said]) -> list[Card]:
    """One card for each item, in the same order."""
    signs = reactions(session, items)
    parents = answered(session, items)
    charged, blocked = facilitators(session, space), blocked_hosts(session)
    made = [
        _card(
            space, reader, item, signs[item.id], parents, charged,
            silenced=is_silenced(item.author, blocked),
        )
        for item in items
    ]  # fmt: skip
    polls = with_polls(session, items)
    made = [
        replace(card, poll_url=f"{space.url}/poll/{card.item.uid}")
        if card.item.id in polls and not (card.gone or card.silenced)
        else card
        for card in made
    ]
    made = _with_voices(session, space, made)
    told = _tallies(space, reader, items)
    return [_arrived(card, space, told.get(card.item.id)) for card in made]


def _with_voices(session: Session, space: Space, made: Sequence[Card]) -> list[Card]:
    """The cards, those that may be heard with their recording."""
    files = files_of(session, [card.item for card in made if not (card.gone or card.silenced)])
    return [
        replace(card, voice=_voice(space, card.item, files[card.item.id]))
        if card.item.id in files
        else card
        for card in made
    ]


def _voice(space: Space, item: Said, file: StoredFile) -> Voice:
    url = f"{space.url}/discussion/m/{item.uid}/sound"
    return Voice(url, file.seconds, file.size, bool(item.source.strip() or item.from_html))


def _arrived(card: Card, space: Space, tally: Any) -> Card:
    """The card with on how many copies its item has arrived; on a copy, with the way to what its
    author is told of the project's instance, and of all others once it is taken back."""
    url = f"{space.url}/delivery/{card.item.uid}"
    if tally is None:
        return replace(card, delivery_url=url) if card.own and not space.local else card
    return replace(card, delivery_url=url, received=tally.received, copies=tally.of)


def _card(
    space: Space,
    reader: Reader,
    item: Said,
    signs: dict[str, list[Actor]],
    parents: dict[int, Answered],
    charged: set[int],
    *,
    silenced: bool,
) -> Card:
    thread = item if isinstance(item, Thread) else item.thread
    gone = item.withdrawn_at is not None
    own = reader.actor is not None and item.author_id == reader.actor.id
    reply_to_id = None if isinstance(item, Thread) else item.reply_to_id
    waits = item.state != ItemState.CONFIRMED and not gone
    return Card(
        item=item,
        url=f"{space.url}/discussion/m/{item.uid}",
        thread_url=f"{space.url}/discussion/{thread.uid}/",
        body=Markup("" if gone or silenced else item.html),  # noqa: S704 - sanitised when it was written
        gone=gone,
        silenced=silenced,
        role=Role.FACILITATOR if item.author_id in charged else Role.NONE,
        reply_to=_link(space, parents.get(reply_to_id or 0)),
        state=item.state if waits else "",
        reason=item.state_reason if own and waits else "",
        writes=reader.writes,
        may_answer=reader.writes and not gone and thread.withdrawn_at is None,
        own=own,
        may_edit=own and reader.writes and not gone,
        may_remove=(own or reader.decides) and is_open(space) and not gone,
        may_restore=_may_restore(item, reader),
        erase_url=f"{space.url}/erase/{item.uid}" if _may_erase(space, item, reader) else "",
        report_url=f"{space.url}/report/{item.uid}" if reader.actor and not (own or gone) else "",
        marks=() if gone else marks(signs, reader.actor),
    )


def _tallies(space: Space, reader: Reader, items: Sequence[Said]) -> Mapping[int, Any]:
    """Where things have arrived, for their author and for facilitators; nothing for others."""
    actor = reader.actor
    if actor is None:
        return {}
    charged = reader.role >= Role.FACILITATOR
    wanted = [item for item in items if charged or item.author_id == actor.id]
    return current_runtime().network.tallies(space, wanted) if wanted else {}


def _link(space: Space, parent: Answered | None) -> dict[str, str] | None:
    if parent is None:
        return None
    return {"url": f"{space.url}/discussion/m/{parent.uid}", "name": parent.name}


def _may_restore(item: Said, reader: Reader) -> bool:
    if item.withdrawn_at is None or item.erased_at or reader.actor is None:
        return False
    recent = now() - item.withdrawn_at <= UNDO_WINDOW
    return recent and (reader.decides or item.withdrawn_by == reader.actor.id)


def _may_erase(space: Space, item: Said, reader: Reader) -> bool:
    if item.withdrawn_at is None or item.erased_at or reader.actor is None:
        return False
    return (reader.decides and space.local) or item.author_id == reader.actor.id


def marks(signs: dict[str, list[Actor]], actor: Actor | None, *, every: bool = False) -> list[Mark]:
    """The signs put on an item, in the order of SIGNS; `every` one when asked to choose."""
    return [
        Mark(
            sign=sign,
            word=word,
            names=", ".join(person.label for person in signs.get(sign, ())),
            count=len(signs.get(sign, ())),
            mine=bool(actor and any(p.id == actor.id for p in signs.get(sign, ()))),
        )
        for sign, word in SIGNS.items()
        if every or sign in signs
    ]
