"""Signs and votes of people here that another instance refused: as it says, they stand (4.6)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from collab.core.db import writing
from collab.core.errors import Conflict
from collab.federation.holding import iri_of
from collab.federation.house import Federation
from collab.federation.models import PARTIAL, Delivery, LogEntry, Mirror, OutboxItem
from collab.federation.signs import sign_of
from collab.federation.strictjson import parse
from collab.people.models import Actor
from collab.spaces import items
from collab.spaces.models import Item, Reaction, Space
from collab.spaces.notices import UNSIGNED, UNTAKEN, UNVOTED, tell_refused
from collab.spaces.polls import Ballot, take_back_vote
from collab.spaces.tool import Json

_VOTE = re.compile(r"(.+)#votes-([0-9]{1,18})(?:-[0-9]{1,16})?-[0-9]{1,9}")


@dataclass(frozen=True)
class Why:
    """What a host said when it refused, and when."""

    words: str
    at: datetime


def item_of_letter(session: Session, row: Delivery) -> Item | None:
    """What a letter is about that the host of its project refused, where we hold a copy of that."""
    item = session.scalar(select(Item).where(Item.iri == row.ordering_key))
    if item is None:
        return None
    space, mirror = session.get_one(Space, item.space_id), session.get(Mirror, item.space_id)
    whole = mirror is not None and mirror.state != PARTIAL
    return item if whole and not space.local and row.inbox == space.actor.inbox else None


def settle_greeting(federation: Federation, row: Delivery, why: Why) -> None:
    """What a refused letter said beside words: a sign, the taking back of one, a vote. Commits."""
    session = federation.session
    told: Json = parse(session.get_one(OutboxItem, row.outbox_id).body)
    if row.verb == "Create":
        _uncounted(session, row, told, why)
        return
    item = item_of_letter(session, row)
    if item is None:
        return
    if row.verb == "Like":
        _let_go(federation, iri_of(told), why)
    elif row.verb == "Undo" and isinstance(told["object"], dict):
        _put_back(federation, item.id, told["object"], why)


def _uncounted(session: Session, row: Delivery, told: Json, why: Why) -> None:
    """A vote that its poll did not take can be given again."""
    named = _VOTE.fullmatch(row.ordering_key)
    if named is None:
        return
    with writing(session):
        vote = session.get(Ballot, int(named[2]))
        if vote is not None and vote.actor.local and vote.actor.iri == named[1]:
            take_back_vote(vote, str(told["object"].get("name")))
            tell_refused(session, vote.item, UNVOTED, vote.actor, why.words, why.at)


def _let_go(federation: Federation, like: str, why: Why) -> None:
    session = federation.session
    reaction = session.scalar(select(Reaction).where(Reaction.iri == like))
    if reaction is None:
        return
    sign, owner = reaction.id, session.get_one(Actor, reaction.actor_id)
    with federation.runtime.work(owner, mirrored=True) as work:
        held = work.session.get(Reaction, sign)
        if held is not None:
            item = work.session.get_one(Item, held.item_id)
            items.unreact(work, item, held.sign)
            tell_refused(work.session, item, UNSIGNED, owner, why.words, why.at)


def _put_back(federation: Federation, item_id: int, like: Json, why: Why) -> None:
    """A sign stands where the host of its project would not take it away, as its log still says."""
    session, iri = federation.session, iri_of(like)
    said = select(LogEntry.activity_id).where(LogEntry.activity_id.in_([iri, f"{iri}#undo"]))
    owner = session.scalar(select(Actor).where(Actor.iri == iri_of(like.get("actor")), Actor.local))
    if owner is None or set(session.scalars(said)) != {iri}:
        return
    with federation.runtime.work(owner, mirrored=True) as work:
        item = work.session.get_one(Item, item_id)
        try:
            with work.attempt():
                items.react(work, item, sign_of(like), iri)
        except Conflict:  # under words that are away nobody sees a sign
            return
        tell_refused(work.session, item, UNTAKEN, owner, why.words, why.at)
