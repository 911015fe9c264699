"""Who may not take part in a project for a while: what the facilitators decided, and until when."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, ForeignKey, String, Text, UniqueConstraint, or_, select
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from collab.core.db import Base
from collab.core.errors import Forbidden
from collab.core.i18n import N_
from collab.people.models import Actor
from collab.spaces.models import Space

EXCLUDED = N_(
    "Une exclusion vous empêche d’écrire dans ce projet. "
    "La page de vos nouvelles dit pourquoi, et jusqu’à quand."
)


class Exclusion(Base):
    """Somebody who may not take part in a space. On a mirror it repeats what the host decided.

    A row whose `until` is over has no effect any more; lifting one deletes it.
    """

    __tablename__ = "exclusion"
    __table_args__ = (UniqueConstraint("space_id", "actor_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    space_id: Mapped[int] = mapped_column(ForeignKey("space.id"))
    actor_id: Mapped[int] = mapped_column(ForeignKey("actor.id"), index=True)
    iri: Mapped[str] = mapped_column(String(2048))
    """The id of the `Block` that told of it."""
    reason: Mapped[str] = mapped_column(Text, default="")
    """In the facilitators' words: plain text that they and that person read."""
    since: Mapped[datetime]
    until: Mapped[datetime | None]
    """When it ends by itself; None: when somebody lifts it."""
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("actor.id"))
    """The facilitator; None when another host decided it."""

    actor: Mapped[Actor] = relationship(foreign_keys=actor_id, lazy="joined")
    space: Mapped[Space] = relationship()
    facilitator: Mapped[Actor | None] = relationship(foreign_keys=decided_by)

    @property
    def last_day(self) -> datetime | None:
        """A moment of the last day on which it holds, for people: days end at midnight UTC."""
        return self.until - timedelta(hours=2) if self.until else None


def in_force(at: datetime) -> ColumnElement[bool]:
    """For a query: whether an exclusion holds at that moment."""
    return or_(Exclusion.until.is_(None), Exclusion.until > at)


def exclusion_of(session: Session, space: Space, actor_id: int, at: datetime) -> Exclusion | None:
    """The exclusion that holds for somebody at that moment."""
    return session.scalar(
        select(Exclusion).where(
            Exclusion.space_id == space.id,
            Exclusion.actor_id == actor_id,
            in_force(at),
        )
    )


def refuse_excluded(session: Session, space: Space, actor_id: int, at: datetime) -> None:
    """Let nobody in who is excluded. Raises Forbidden."""
    if exclusion_of(session, space, actor_id, at) is not None:
        raise Forbidden(EXCLUDED)
