"""A thread is its opening message; messages belong to a thread and may answer one another."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import JSON, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from collab.spaces.models import Item

Mentioned = dict[str, str]
"""One person named in a text: `iri`, and `name` as in `@ines@a.example`."""


class Thread(Item):
    """A subject and what opens it. `message_count` counts the answers that can be read."""

    __tablename__ = "thread"
    __mapper_args__ = {"polymorphic_identity": "thread"}

    id: Mapped[int] = mapped_column(ForeignKey("item.id"), primary_key=True)
    last_at: Mapped[datetime]
    message_count: Mapped[int] = mapped_column(default=0)
    mentions: Mapped[list[Mentioned]] = mapped_column(JSON, default=list)
    from_html: Mapped[bool] = mapped_column(default=False)
    """Written elsewhere as HTML, without Markdown: `source` is its plain text."""
    language: Mapped[str] = mapped_column(String(35), default="", server_default="")
    """What the text is written in (BCP 47); empty when nobody said."""

    @property
    def context(self) -> str:
        """The IRI of the whole conversation (FEP-7888), the same on every instance."""
        return f"{self.space.iri}/c/{self.uid}"


class Message(Item):
    """An answer in a thread; to another item of it when `reply_to_id` says so."""

    __tablename__ = "message"

    id: Mapped[int] = mapped_column(ForeignKey("item.id"), primary_key=True)
    thread_id: Mapped[int] = mapped_column(ForeignKey("thread.id"), index=True)
    reply_to_id: Mapped[int | None] = mapped_column(ForeignKey("item.id"))
    mentions: Mapped[list[Mentioned]] = mapped_column(JSON, default=list)
    from_html: Mapped[bool] = mapped_column(default=False)
    language: Mapped[str] = mapped_column(String(35), default="", server_default="")

    thread: Mapped[Thread] = relationship(foreign_keys=thread_id)
    reply_to: Mapped[Item | None] = relationship(foreign_keys=reply_to_id, remote_side=Item.id)

    __mapper_args__ = {
        "polymorphic_identity": "message",
        "inherit_condition": id == Item.id,  # noqa: A003 - the column
    }


Said = Thread | Message
