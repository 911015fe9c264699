"""A document of a project, its place in the tree, and the links between documents."""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from collab.core.db import Base
from collab.spaces.models import Item


class Document(Item):
    """A text that belongs to the project. Its revisions are rows of `Revision`.

    `slug` is its address within the space and never changes; `title_key` is what `[[Titre]]` is
    compared with. `contributors` (IRIs, sorted) and `base` (version the current text was written
    on) are repeated by mirrors as the host says them. `origin` is the file it was imported from.
    """

    __tablename__ = "document"
    __table_args__ = (Index("ix_document_home_id_slug", "home_id", "slug", unique=True),)

    id: Mapped[int] = mapped_column(ForeignKey("item.id"), primary_key=True)
    home_id: Mapped[int] = mapped_column(ForeignKey("space.id"))
    """The space again, so that the database itself keeps addresses unique."""
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("document.id"), index=True)
    slug: Mapped[str] = mapped_column(String(120))
    title_key: Mapped[str] = mapped_column(String(400), index=True)
    description: Mapped[str] = mapped_column(Text, default="")
    language: Mapped[str] = mapped_column(String(35), default="", server_default="")
    """What the text is written in (BCP 47); empty when nobody said."""
    license: Mapped[str] = mapped_column(String(500), default="")
    tags: Mapped[list[str]] = mapped_column(JSON, default=list)
    contributors: Mapped[list[str]] = mapped_column(JSON, default=list)
    base: Mapped[str | None] = mapped_column(String(80))
    origin: Mapped[str | None] = mapped_column(String(1024))
    origin_digest: Mapped[str | None] = mapped_column(String(64))
    """What the file held when it was last imported: see exchange.digest_of."""
    origin_text: Mapped[str | None] = mapped_column(Text)
    """Its title, a line feed and its text then: what a later version of it is a change of."""

    front: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    """What else the file's front matter said, to be written back when it is exported."""

    parent: Mapped[Document | None] = relationship(
        foreign_keys=parent_id, remote_side="Document.id"
    )

    __mapper_args__ = {"polymorphic_identity": "document"}


class PageLink(Base):
    """`[[Titre]]` in a document: read backwards, these are « Pages qui mènent ici »."""

    __tablename__ = "page_link"

    from_id: Mapped[int] = mapped_column(ForeignKey("document.id"), primary_key=True)
    title_key: Mapped[str] = mapped_column(String(400), primary_key=True, index=True)
