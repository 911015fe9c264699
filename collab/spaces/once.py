"""The same write, sent twice, is done once: what was made is remembered with what made it.

A sender that heard no answer cannot know whether it was done, so it sends again. It names each
write by a key of its own; the key is kept in the transaction of the change itself, for LIFETIME.
No words are kept: the answer is made again from the thing, as it is now.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar, cast

from sqlalchemy import CursorResult, ForeignKey, String, delete, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from collab.core.db import Base
from collab.core.errors import Missing, Problem
from collab.core.i18n import N_
from collab.core.work import Work
from collab.spaces.models import Invitation, Item, Offer, Report, Space

LIFETIME = timedelta(hours=48)
MAX_KEY = 200
Made = Invitation | Item | Offer | Report | Space
Thing = TypeVar("Thing", bound=Made)
SORTS: dict[str, type[Any]] = {
    "invitation": Invitation,
    "item": Item,
    "offer": Offer,
    "report": Report,
    "space": Space,
}


class SentOnce(Base):
    """A key that somebody has used, and what the write it named has made or changed."""

    __tablename__ = "sent_once"

    actor_id: Mapped[int] = mapped_column(ForeignKey("actor.id"), primary_key=True)
    key: Mapped[str] = mapped_column(String(MAX_KEY + 80), primary_key=True)
    content: Mapped[str] = mapped_column(String(64))
    """SHA-256 of the request, in hex: the key means this and nothing else."""
    sort: Mapped[str] = mapped_column(String(10))
    thing_id: Mapped[int]
    """What was made or changed: one of SORTS, and its id."""
    at: Mapped[datetime] = mapped_column(index=True)


@dataclass(frozen=True)
class Sent:
    """What names one write: the sender's key, and the digest of all that was asked."""

    key: str
    content: str


class KeyReused(Problem):
    """The key has already named another write of this person."""

    status = 422
    code = "key_reused"


def once(work: Work, sent: Sent | None, act: Callable[[], Thing]) -> Thing:
    """Do `act`, or give back what it made when the same person sent the same write before.

    Two at once wait for each other: the second finds what the first has made. A write that was
    refused is not remembered, so it may be tried again.

    Raises:
        KeyReused: the key has named another write in the last 48 hours.
        Missing: it was done, and what it made is no more.
        Problem: whatever `act` raises.
    """
    if sent is None:
        return act()
    _wait_for_twin(work, sent)
    known = work.session.get(SentOnce, (work.actor.id, sent.key))
    if known is not None and work.now - known.at < LIFETIME:
        if known.content != sent.content:
            raise KeyReused(N_("Cette clé a déjà servi pour un autre envoi. Prenez-en une neuve."))
        return cast("Thing", _found(work.session, known))
    made = act()
    work.session.flush()
    row = SentOnce(
        actor_id=work.actor.id,
        key=sent.key,
        content=sent.content,
        sort=next(sort for sort, model in SORTS.items() if isinstance(made, model)),
        thing_id=made.id,
        at=work.now,
    )
    work.session.merge(row)
    return made


def forget_keys(session: Session, at: datetime) -> int:
    """Delete the keys that have outlived LIFETIME; the caller commits. Returns how many."""
    outlived = delete(SentOnce).where(SentOnce.at <= at - LIFETIME)
    return cast("CursorResult[Any]", session.execute(outlived)).rowcount


def _wait_for_twin(work: Work, sent: Sent) -> None:
    """PostgreSQL lets two transactions write at once; those of one key go one after the other."""
    if work.session.get_bind().dialect.name != "postgresql":
        return
    digest = hashlib.sha256(f"{work.actor.id} {sent.key}".encode()).digest()
    number = int.from_bytes(digest[:8], signed=True)
    work.session.execute(text("SELECT pg_advisory_xact_lock(:k)"), {"k": number})


def _found(session: Session, row: SentOnce) -> Made:
    found: Made | None = session.get(SORTS[row.sort], row.thing_id)
    if found is None:
        raise Missing(N_("C’est fait, mais ce texte n’existe plus."))
    return found
