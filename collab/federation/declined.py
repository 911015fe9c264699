"""What a project's host would not take from somebody of here: our copy goes back to its log.

A host refuses words when its project was closed meanwhile, their author sent away, or their text
taken away by its facilitators; what never reached it is given up some day (`expired`). They would
stand here for ever, and nowhere else (4.5, 4.6).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from collab.core.db import writing
from collab.core.errors import Problem
from collab.core.events import EventRow
from collab.core.i18n import N_
from collab.core.jobs import Payload
from collab.core.work import Work
from collab.federation.expired import OF_PEOPLE
from collab.federation.greetings import Why, item_of_letter, settle_greeting
from collab.federation.house import Federation
from collab.federation.models import (
    Delivery,
    LogEntry,
    OutboxItem,
    Unapplied,
)
from collab.federation.state import object_of
from collab.federation.voices import PRESENCE, bring_back, take_back
from collab.spaces import items
from collab.spaces.decisions import refuse_decision
from collab.spaces.events import ItemPublished, ItemRevised
from collab.spaces.models import Item, ItemState, Space
from collab.spaces.notices import (
    UNCHANGED,
    UNDELETED,
    UNRESTORED,
    UNSAID,
    tell_refused,
)
from collab.spaces.tool import Json

log = logging.getLogger(__name__)
UNANSWERED = N_("Il n’y a pas eu de réponse avant la fin du délai.")
WORDED = frozenset({"Create", "Update", "Delete", "Undo Delete"})
WORDS = {ItemPublished.name: "create", ItemRevised.name: "update"}
"""The acts that give an item its words, as `PRESENCE` names those by which they go and come."""


@dataclass(frozen=True)
class Told:
    """What the log says of an item of ours."""

    words: Json | None
    """Its newest form; None when the log does not know it."""
    gone_by: str
    """Who has taken it back, by IRI; "" while it stands."""


def settle(federation: Federation, session: Session, payloads: Sequence[Payload]) -> None:
    """The job DECLINED, in batches, safe to repeat: what was refused has no effect here either."""
    for payload in payloads:
        row = session.get(Delivery, int(payload["delivery"]))
        if row is None or row.state not in ("refused", "expired"):
            continue
        refusal = _refusal(session, row)
        words = row.error if row.state == "refused" else UNANSWERED
        why = Why(words, row.done_at or federation.now())
        told = session.get_one(OutboxItem, row.outbox_id).activity_id
        session.commit()
        if row.verb in OF_PEOPLE:
            with writing(session):
                refuse_decision(session, told, why.words, why.at)
        if refusal is not None:
            _settle(federation, *refusal, why)
        settle_greeting(federation, row, why)


def _refusal(session: Session, row: Delivery) -> tuple[int, dict[str, str]] | None:
    """The item, and the acts its refused act is one of; None when nothing hangs on it."""
    item = item_of_letter(session, row)
    if item is None or row.verb not in WORDED:
        return None
    if not item.author.local or item.erased_at is not None:
        return None
    acts = WORDS if row.verb in ("Create", "Update") else PRESENCE
    told = session.get_one(OutboxItem, row.outbox_id).activity_id
    return (item.id, acts) if told == _newest(session, item, acts) else None


def _newest(session: Session, item: Item, acts: dict[str, str]) -> str:
    """Our id of what its author did last: an older act is not undone, the newer one is answered."""
    row = session.scalar(
        select(EventRow)
        .where(
            EventRow.item_id == item.id,
            EventRow.name.in_(acts),
            EventRow.mirrored.is_(False),
        )
        .order_by(EventRow.id.desc())
        .limit(1)
    )
    if row is None:
        return ""
    number = row.data.get("number") if row.name == ItemRevised.name else row.id
    return f"{item.iri}#{acts[row.name]}" + ("" if acts[row.name] == "create" else f"-{number}")


def _settle(federation: Federation, item_id: int, acts: dict[str, str], why: Why) -> None:
    session = federation.session
    space = session.get_one(Space, session.get_one(Item, item_id).space_id)
    act = _words if acts is WORDS else _presence
    with federation.runtime.work(space.actor, mirrored=True) as work:
        item = work.session.get_one(Item, item_id)
        try:
            with work.attempt():
                act(federation, work, item, why)
        except Problem as problem:
            log.warning("refused there and not undone here iri=%s: %s", item.iri, problem)


def _words(federation: Federation, work: Work, item: Item, why: Why) -> None:
    """A new text falls; of a changed one the text of before stands again. The other is kept among
    its versions. While it is taken back, it waits: it is told again when it comes back."""
    told = _in_the_log(work.session, item)
    if item.state != ItemState.PENDING:
        return
    if told.words is None:
        items.refuse(work, item, why.words)
        _tell(work, item, UNSAID, why)
    elif item.withdrawn_at is None:
        space, tools = work.session.get_one(Space, item.space_id), federation.runtime.tools
        work.acting(item.author, None)
        tools.kind(item).mapping.revise(work, space, item, told.words)
        items.confirm(work, item)
        _tell(work, item, UNCHANGED, why)


def _presence(federation: Federation, work: Work, item: Item, why: Why) -> None:
    told, tools = _in_the_log(work.session, item), federation.runtime.tools
    if told.words is None:
        return
    _tell(work, item, UNRESTORED if told.gone_by else UNDELETED, why)
    if bool(told.gone_by) == (item.withdrawn_at is not None):
        return
    if told.gone_by in ("", item.author.iri):
        work.acting(item.author, None)
    act: Callable[..., None] = take_back if told.gone_by else bring_back
    act(work, tools, work.session.get_one(Space, item.space_id), item)


def _tell(work: Work, item: Item, what: str, why: Why) -> None:
    tell_refused(work.session, item, what, item.author, why.words, why.at)


def _in_the_log(session: Session, item: Item) -> Told:
    """What the entries of its project's log say of an item, to the newest.

    Its words are its author's alone to say, and an entry that had no effect proves nothing (R3).
    """
    unproved = select(Unapplied.seq).where(Unapplied.space_id == item.space_id)
    words, gone_by = None, ""
    rows = session.scalars(
        select(LogEntry.body)
        .where(
            LogEntry.space_id == item.space_id,
            LogEntry.activity_id.startswith(f"{item.iri}#", autoescape=True),
            LogEntry.body.is_not(None),
            LogEntry.seq.not_in(unproved),
        )
        .order_by(LogEntry.seq)
    )
    for body in rows:
        iri, verb, thing = object_of(body) if body else ("", "", None)
        if iri != item.iri:
            continue
        gone_by = str(body.get("actor")) if verb == "Delete" else ""
        if thing is not None and verb != "Delete" and body.get("actor") == item.author.iri:
            words = thing
    return Told(words, gone_by)
