"""A simple version of one text of a project, who read it before, and words with a definition."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from collab.core.db import Base
from collab.people.models import Actor
from collab.spaces.models import Item

TONGUE = "fr-x-falc"
"""The language of a simple version, in `lang` and in `contentMap`."""


class SimpleText(Item):
    """What is said simply is the item's own `title` and `source`; it belongs to the project.

    `of_iri` names the text it is a version of (an item, or the project for its purpose), and
    `of_version` that text as it was: when it changes, this one is stale. A review holds for the
    revision that was read (`reviewed_number`), not for what is written later (F-01).
    """

    __tablename__ = "simple_text"
    __mapper_args__ = {"polymorphic_identity": "simple"}

    id: Mapped[int] = mapped_column(ForeignKey("item.id"), primary_key=True)
    of_iri: Mapped[str] = mapped_column(String(2048), index=True, default="")
    of_version: Mapped[str] = mapped_column(String(64), default="")
    readers: Mapped[str] = mapped_column(Text, default="")
    """The people who read it, as they want to be named."""
    organisation: Mapped[str] = mapped_column(String(200), default="")
    concerned: Mapped[bool] = mapped_column(default=False)
    """Whether the readers are people with an intellectual disability: the label FALC."""
    reviewed_at: Mapped[datetime | None]
    reviewed_number: Mapped[int] = mapped_column(default=0)

    @property
    def label(self) -> str:
        """`unread`, `read` or `falc`: what may honestly be written above it (F-01)."""
        if not self.reviewed_at or self.reviewed_number != self.revision:
            return "unread"
        return "falc" if self.concerned else "read"


class GlossaryTerm(Base):
    """A word that people of this instance gave a definition, besides those it began with."""

    __tablename__ = "glossary_term"

    id: Mapped[int] = mapped_column(primary_key=True)
    word: Mapped[str] = mapped_column(String(80), index=True)
    definition: Mapped[str] = mapped_column(Text)
    spoken: Mapped[str] = mapped_column(String(80), default="")
    added_by: Mapped[int] = mapped_column(ForeignKey("actor.id"))
    added_at: Mapped[datetime]
    removed_at: Mapped[datetime | None]

    author: Mapped[Actor] = relationship(lazy="joined")
