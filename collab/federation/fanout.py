"""What followers and forums elsewhere are sent of a log entry (FEDERATION.md 1.1, 1.6).

Forums get `Announce{activity}`, the activity untouched (FEP-1b12). Everybody who follows gets the
plain `Announce(object)` of what opens a page of its own: a subject, a document. Answers never go
out in the plain form, or every one of them would be a boost on somebody's home page.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import select

from collab.core.events import EventRow
from collab.federation import blocks
from collab.federation.facts import Facts
from collab.federation.log import PUBLIC, WRAPPER, announce, stamp
from collab.federation.models import LogEntry
from collab.federation.reach import Reach
from collab.people.models import Actor
from collab.spaces import events as happened
from collab.spaces.models import Item, Space
from collab.spaces.tool import Json, Tools

PUBLIC_ACTS = (
    happened.ItemPublished,
    happened.ItemRevised,
    happened.ItemWithdrawn,
    happened.ItemRestored,
    happened.Reacted,
    happened.Unreacted,
)
"""What a forum hears of, besides who is excluded: words and reactions. Who belongs to a project is
not told around."""
REACTIONS = (happened.Reacted, happened.Unreacted)
OPENINGS = (happened.ItemPublished.name, happened.ItemRestored.name)

"""After which followers hear that something is there (again)."""
REMOVED = "Removed by a moderator."
"""Lemmy and PieFed tell a removal from a deletion by its having a `summary`."""


@dataclass(frozen=True)
class Letter:
    """One activity of one of our actors for some inboxes; `key` keeps letters in order."""

    speaker: Actor
    activity: Json
    inboxes: Sequence[str]
    key: str


def letters(facts: Facts, entry: LogEntry, told: Json, reach: Reach) -> Iterator[Letter]:
    """All that goes out, besides the log itself, because `told` has become `entry`."""
    if isinstance(facts.event, blocks.KINDS):
        yield from _of_exclusion(facts, entry, told, reach)
        return
    if type(facts.event) not in PUBLIC_ACTS or reach == Reach():
        return
    space, item = facts.space, facts.item()
    group = space.actor
    if reach.threads:
        yield Letter(group, _for_forums(facts, entry, told, item), reach.threads, item.iri)
    if isinstance(facts.event, REACTIONS):
        return
    opens = is_highlight(facts.tools, item)
    if opens:
        yield from _plainly(facts, entry, item, reach)
    yield from _by_its_owner(facts, told, item, reach, opens=opens)


def _of_exclusion(facts: Facts, entry: LogEntry, told: Json, reach: Reach) -> Iterator[Letter]:
    """Forums take the words of people who are excluded no more, once they hear of it."""
    if reach.threads:
        inner = blocks.for_forums(told, facts.actor.iri, facts.space.iri)
        announced = _by_group(facts.space, entry, "Announce", "announce-block")
        yield Letter(facts.space.actor, announced | {"object": inner}, reach.threads, told["id"])


def _plainly(facts: Facts, entry: LogEntry, item: Item, reach: Reach) -> Iterator[Letter]:
    """That something with a page of its own is there, or is there no more."""
    space, everybody = facts.space, (*reach.followers, *reach.threads)
    if facts.event.name in OPENINGS:
        yield Letter(space.actor, highlight(space, entry, item.iri), everybody, item.iri)
    elif isinstance(facts.event, happened.ItemWithdrawn):
        for former in _announced(facts, item, entry):
            taken = _taken_back(space, entry, highlight(space, former, item.iri))
            yield Letter(space.actor, taken, everybody, item.iri)


def _by_its_owner(
    facts: Facts, told: Json, item: Item, reach: Reach, *, opens: bool
) -> Iterator[Letter]:
    """A change by its owner, in their own name: Mastodon takes no other, NodeBB no other Delete.

    Whom a text answers or names hears of it so from the first.
    """
    to = list(reach.answered)
    if facts.event.name not in OPENINGS:
        gone = isinstance(facts.event, happened.ItemWithdrawn)
        to += [*(reach.followers if opens else ()), *(reach.threads if gone else ())]
    speaker = facts.space.actor if told["actor"] == facts.space.iri else facts.actor
    if to and speaker.local and told["actor"] == owner_of(facts.tools, facts.space, item):
        yield Letter(speaker, told, to, item.iri)


def is_highlight(tools: Tools, item: Item) -> bool:
    """Whether an item has a page of its own: a subject or a document, not an answer in one."""
    return tools.kind(item).has_own_page


def owner_of(tools: Tools, space: Space, item: Item) -> str:
    """Whose an item is on the wire (1.1): the project's, or its author's."""
    commons = tools.kind(item).mapping.ownership == "commons"
    return space.iri if commons else item.author.iri


def highlight(space: Space, entry: LogEntry, iri: str) -> Json:
    """The plain `Announce(object)`: one boost, for software that does not know groups."""
    return _by_group(space, entry, "Announce", "announce-object") | {"object": iri}


def _taken_back(space: Space, entry: LogEntry, announced: Json) -> Json:
    named = {name: announced[name] for name in ("id", "type", "actor", "object")}
    return _by_group(space, entry, "Undo", "unannounce") | {"object": named}


def _announced(facts: Facts, item: Item, entry: LogEntry) -> Iterator[LogEntry]:
    """The entry with which followers last heard that the item is there."""
    found = facts.session.scalar(
        select(LogEntry)
        .join(EventRow, EventRow.id == LogEntry.event_id)
        .where(
            LogEntry.space_id == facts.space.id,
            LogEntry.seq < entry.seq,
            EventRow.item_id == item.id,
            EventRow.name.in_(OPENINGS),
        )
        .order_by(LogEntry.seq.desc())
        .limit(1)
    )
    if found is not None:
        yield found


def _for_forums(facts: Facts, entry: LogEntry, told: Json, item: Item) -> Json:
    """The entry's own announcement; a removal by a facilitator in the shape that Lemmy reads."""
    removed = told["type"] in ("Delete", "Undo") and told["actor"] == facts.space.iri
    if not removed or owner_of(facts.tools, facts.space, item) == facts.space.iri:
        return announce(facts.space, entry)
    inner = _removal(facts, entry, item.iri)
    if told["type"] == "Undo":
        undone = _by_moderator(facts, entry, "Undo", "restoration")
        inner = undone | {"object": {n: inner[n] for n in inner if n != "@context"}}
    return _by_group(facts.space, entry, "Announce", "announce-removal") | {"object": inner}


def _removal(facts: Facts, entry: LogEntry, iri: str) -> Json:
    told = _by_moderator(facts, entry, "Delete", "removal")
    return told | {"object": iri, "summary": REMOVED}


def _by_moderator(facts: Facts, entry: LogEntry, verb: str, name: str) -> Json:
    return _by_group(facts.space, entry, verb, name) | {
        "actor": facts.actor.iri,
        "cc": [facts.space.iri],
        "audience": facts.space.iri,
    }


def _by_group(space: Space, entry: LogEntry, verb: str, name: str) -> Json:
    return {
        "@context": WRAPPER,
        "id": f"{space.iri}/log/{entry.seq}#{name}",
        "type": verb,
        "actor": space.iri,
        "published": stamp(entry.at),
        "to": [PUBLIC],
        "cc": [f"{space.iri}/followers"],
    }
