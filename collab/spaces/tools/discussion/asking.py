"""A Question of elsewhere, read: its choices, their counts, until when it is open."""

from __future__ import annotations

from typing import Any

from collab.core.work import Work
from collab.federation import vocab
from collab.spaces.models import Item
from collab.spaces.polls import Poll
from collab.spaces.tool import Json

MAX_CHOICES = 100
MAX_LINE = 300
MOST_VOTES = 10**9


def keep_poll(work: Work, item: Item, obj: Json) -> Item:
    """Keep what a Question says of itself, or says anew; by its owner alone (R43). The item."""
    many = obj.get("oneOf") or obj.get("anyOf")
    if obj.get("type") != "Question" or not isinstance(many, list) or item.author.local:
        return item
    counts: dict[str, Any] = {}
    for one in many[:MAX_CHOICES]:
        name = vocab.text(one, "name", MAX_LINE) if isinstance(one, dict) else ""
        if name:
            replies = one.get("replies")
            counts[name] = _number(replies.get("totalItems") if isinstance(replies, dict) else 0)
    if not counts:
        return item
    work.session.flush()
    row = work.session.get(Poll, item.id)
    if row is None:
        row = Poll(item_id=item.id)
        work.session.add(row)
    voters = obj.get("votersCount")
    row.counts, row.several = counts, not obj.get("oneOf")
    row.voters = _number(voters) if isinstance(voters, int) else None
    row.ends_at = vocab.instant(obj, "endTime")
    # `closed` is a moment, or only true; a moment to come is an end.
    closed = obj.get("closed")
    row.closed_at = vocab.instant(obj, "closed") or (work.now if closed is True else None)
    row.told_at = work.now
    return item


def _number(value: object) -> int:
    return min(max(value, 0), MOST_VOTES) if isinstance(value, int) else 0
