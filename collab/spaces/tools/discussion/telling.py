"""Who is told of a message: the people it names, and whoever it answers."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

from collab.core.work import Work
from collab.people.models import Actor
from collab.spaces.models import Item
from collab.spaces.notices import ANSWERED, MOST_NAMED, NAMED, tell
from collab.spaces.tools.discussion.models import Message, Said

RECENT = timedelta(days=14)
"""Older words, that a copy hears when it begins, are news to nobody."""


def tell_people(work: Work, item: Said) -> None:
    """Tell the people of here whom a text names or answers, each once, whatever brought it (R50).

    In the transaction of the text itself: what is here is told, what is not here is not.
    """
    if work.now - (item.revised_at or item.created_at) > RECENT:
        return
    work.flush()
    iris = [person["iri"] for person in item.mentions[:MOST_NAMED]]
    if iris:
        named = work.session.scalars(select(Actor).where(Actor.iri.in_(iris), Actor.local))
        tell(work.session, item, NAMED, named.all(), work.now)
    if isinstance(item, Message):
        number = _answered(work, item).author_id
        writer = work.look("actor", str(number), lambda: work.session.get_one(Actor, number))
        if writer.local:
            tell(work.session, item, ANSWERED, [writer], work.now)


def _answered(work: Work, message: Message) -> Item:
    number = message.reply_to_id or message.thread_id
    return work.look("id", str(number), lambda: work.session.get_one(Item, number))
