"""Polls held elsewhere: their choices and counts as they were told, and votes from here."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from collab.core.db import Base
from collab.core.errors import Conflict, Forbidden, Invalid, Missing
from collab.core.i18n import N_
from collab.core.work import Work
from collab.people.models import Actor
from collab.spaces.barred import refuse_excluded
from collab.spaces.hiding import is_text_hidden
from collab.spaces.models import Item, Space
from collab.spaces.policy import may_read

VOTE = "vote"
"""The kind of the job that sends a vote to where the poll is held."""
OVER = N_("Ce vote est terminé : on peut encore lire le résultat.")


class Poll(Base):
    """The poll of somebody of elsewhere, beside the item that shows its words."""

    __tablename__ = "poll"

    item_id: Mapped[int] = mapped_column(ForeignKey("item.id"), primary_key=True)
    counts: Mapped[dict[str, Any]]
    """Choice -> votes, in the order in which they are asked; as last told."""
    several: Mapped[bool] = mapped_column(default=False)
    """Whether one may take more than one."""
    voters: Mapped[int | None]
    ends_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    told_at: Mapped[datetime]

    item: Mapped[Item] = relationship()

    def over(self, at: datetime) -> datetime | None:
        """Since when nobody can vote any more; None while one can."""
        ended = [end for end in (self.ends_at, self.closed_at) if end is not None and end <= at]
        return min(ended, default=None)


class Ballot(Base):
    """What one person of here voted; sent once, and never changed. Without `chosen` it was refused,
    and can be given again."""

    __tablename__ = "ballot"
    __table_args__ = (UniqueConstraint("item_id", "actor_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    item_id: Mapped[int] = mapped_column(ForeignKey("item.id"))
    actor_id: Mapped[int] = mapped_column(ForeignKey("actor.id"))
    chosen: Mapped[list[str]]
    at: Mapped[datetime]

    item: Mapped[Item] = relationship()
    actor: Mapped[Actor] = relationship()


@dataclass(frozen=True)
class Vote:
    """What somebody takes, in the words of the poll."""

    choices: tuple[str, ...] = ()


def vote(work: Work, space: Space, item: Item, given: Vote) -> Ballot:
    """Vote in a poll of elsewhere; it is sent after this work has committed (R43).

    Raises:
        Missing: there is no such poll for this person.
        Forbidden: they are suspended or excluded.
        Invalid: nothing taken, more than one where one is asked, or what is no choice (`choices`).
        Conflict: the poll is over, or they have voted.
    """
    me = work.session.get_one(Actor, work.actor.id)
    poll = work.session.get(Poll, item.id)
    if poll is None or item.space_id != space.id or not may_read(work.session, space, me):
        raise Missing(N_("Cette page n’existe pas, ou plus."))
    if item.withdrawn_at or is_text_hidden(work.session, item):
        raise Missing(N_("Ce texte n’est plus montré."))
    if me.suspended_at or not me.local:
        raise Forbidden(N_("Ce compte est suspendu."))
    refuse_excluded(work.session, space, me.id, work.now)
    if poll.over(work.now):
        raise Conflict(OVER)
    row = _row(work.session, item, me)
    if row is not None and row.chosen:
        raise Conflict(N_("Vous avez déjà voté. Un vote envoyé ne se change pas."))
    chosen = list(dict.fromkeys(given.choices))
    _check(poll, chosen)
    if row is None:
        row = Ballot(item_id=item.id, actor_id=me.id)
        work.session.add(row)
    row.chosen, row.at = chosen, work.now
    work.session.flush()
    work.later(VOTE, {"ballot": row.id})
    return row


def _check(poll: Poll, chosen: list[str]) -> None:
    if not chosen or any(one not in poll.counts for one in chosen):
        raise Invalid(choices=N_("Choisissez une des réponses."))
    if len(chosen) > 1 and not poll.several:
        raise Invalid(choices=N_("Une seule réponse est possible."))


def ballot_of(session: Session, item: Item, actor: Actor) -> Ballot | None:
    """What somebody voted; None also for what was refused."""
    row = _row(session, item, actor)
    return row if row is not None and row.chosen else None


def _row(session: Session, item: Item, actor: Actor) -> Ballot | None:
    wanted = Ballot.item_id == item.id, Ballot.actor_id == actor.id
    return session.scalar(select(Ballot).where(*wanted))


def take_back_vote(row: Ballot, choice: str) -> None:
    """One choice was refused where the poll is held. The caller commits."""
    row.chosen = [name for name in row.chosen if name != choice]


def with_polls(session: Session, items: Collection[Item]) -> set[int]:
    """Which of these items are polls, by their ids."""
    away = [item.id for item in items if not item.author.local]
    if not away:
        return set()
    return set(session.scalars(select(Poll.item_id).where(Poll.item_id.in_(away))))
