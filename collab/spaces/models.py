"""A space, who belongs to it, and the item: the root of everything that tools make."""

from __future__ import annotations

from datetime import datetime
from enum import IntEnum, StrEnum
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from collab.core.db import Base
from collab.people.models import Actor


class Visibility(StrEnum):
    PUBLIC = "public"
    MEMBERS = "members"
    LOCAL = "local"


class JoinPolicy(StrEnum):
    OPEN = "open"
    REQUEST = "request"
    INVITATION = "invitation"


class Role(IntEnum):
    """What a member may do. Gaps leave room for finer roles; see FEDERATION.md 1.4."""

    NONE = 0
    READER = 10
    MEMBER = 20
    FACILITATOR = 30


class Space(Base):
    """A project space, of this instance (`local`) or the mirror of a remote one."""

    __tablename__ = "space"
    __table_args__ = (UniqueConstraint("slug", "host"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    actor_id: Mapped[int] = mapped_column(ForeignKey("actor.id"), unique=True)
    slug: Mapped[str] = mapped_column(String(200))
    host: Mapped[str] = mapped_column(String(255), index=True)
    local: Mapped[bool]
    name: Mapped[str]
    why: Mapped[str] = mapped_column(Text, default="")
    who: Mapped[str] = mapped_column(Text, default="")
    how: Mapped[str] = mapped_column(Text, default="")
    territory: Mapped[str] = mapped_column(default="")
    insee_code: Mapped[str] = mapped_column(String(5), default="")
    visibility: Mapped[str] = mapped_column(default=Visibility.PUBLIC)
    join_policy: Mapped[str] = mapped_column(default=JoinPolicy.REQUEST)
    tools: Mapped[list[str]] = mapped_column(JSON)
    presence_elsewhere: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime]
    revised_at: Mapped[datetime | None]
    archived_at: Mapped[datetime | None]
    frozen_at: Mapped[datetime | None]  # of a copy: its host contradicted itself (R60)
    deleted_at: Mapped[datetime | None]

    actor: Mapped[Actor] = relationship(lazy="joined")

    @property
    def iri(self) -> str:
        """The IRI of the group actor."""
        return self.actor.iri

    @property
    def address(self) -> str:
        """How the API and our pages name it: `jardin`, or `jardin@a.example` for a mirror."""
        return self.slug if self.local else f"{self.slug}@{self.host}"

    @property
    def url(self) -> str:
        """The path of its page on this instance."""
        return f"/p/{self.address}"

    @property
    def federates(self) -> bool:
        """Whether anything about it may ever leave the instance."""
        return self.visibility != Visibility.LOCAL


class MembershipState(StrEnum):
    REQUESTED = "requested"
    INVITED = "invited"
    """Asked by name; nobody else has answered for them."""
    ACTIVE = "active"
    REFUSED = "refused"
    LEFT = "left"
    REMOVED = "removed"


class Membership(Base):
    """An actor's place in a space. On a mirror it repeats what the host granted."""

    __tablename__ = "membership"
    __table_args__ = (UniqueConstraint("space_id", "actor_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    space_id: Mapped[int] = mapped_column(ForeignKey("space.id"))
    actor_id: Mapped[int] = mapped_column(ForeignKey("actor.id"), index=True)
    role: Mapped[int] = mapped_column(default=Role.MEMBER)
    state: Mapped[str] = mapped_column(default=MembershipState.ACTIVE, index=True)
    note: Mapped[str] = mapped_column(Text, default="")
    """What the person wrote when asking to join; plain text."""
    join_iri: Mapped[str | None] = mapped_column(String(2048))
    grant_iri: Mapped[str | None] = mapped_column(String(2048))
    since: Mapped[datetime]

    actor: Mapped[Actor] = relationship(lazy="joined")
    space: Mapped[Space] = relationship()


class Follow(Base):
    """An actor receives the news of a space without being a member."""

    __tablename__ = "follow"
    __table_args__ = (UniqueConstraint("space_id", "actor_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    space_id: Mapped[int] = mapped_column(ForeignKey("space.id"))
    actor_id: Mapped[int] = mapped_column(ForeignKey("actor.id"), index=True)
    iri: Mapped[str | None] = mapped_column(String(2048), unique=True)
    accepted_at: Mapped[datetime | None]
    created_at: Mapped[datetime]

    actor: Mapped[Actor] = relationship(lazy="joined")
    space: Mapped[Space] = relationship()


class Invitation(Base):
    """A link (and QR) that lets whoever holds it join a space, or the instance if no space."""

    __tablename__ = "invitation"

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(40), unique=True)
    space_id: Mapped[int | None] = mapped_column(ForeignKey("space.id"), index=True)
    role: Mapped[int] = mapped_column(default=Role.MEMBER)
    created_by: Mapped[int] = mapped_column(ForeignKey("actor.id"))
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    uses_left: Mapped[int | None]
    used: Mapped[int] = mapped_column(default=0)
    revoked_at: Mapped[datetime | None]

    space: Mapped[Space | None] = relationship()


class ItemState(StrEnum):
    """How far an item has come. Only a mirror's own members ever see the last two."""

    CONFIRMED = "confirmed"
    PENDING = "pending"
    """Written here in a remote space; its host has not confirmed it yet."""
    REFUSED = "refused"


class Item(Base):
    """The root of everything a tool makes: who, where, when, which text, is it withdrawn.

    `uid` is the public name (a ULID), `iri` the same anywhere. `html` is rendered when written.
    A column enters this table only when three tools use it.
    """

    __tablename__ = "item"
    __table_args__ = (Index("ix_item_space_kind_created", "space_id", "kind", "created_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    uid: Mapped[str] = mapped_column(String(40), unique=True)
    iri: Mapped[str] = mapped_column(String(2048), unique=True)
    kind: Mapped[str] = mapped_column(String(40))
    space_id: Mapped[int] = mapped_column(ForeignKey("space.id"))
    author_id: Mapped[int] = mapped_column(ForeignKey("actor.id"), index=True)
    title: Mapped[str] = mapped_column(default="")
    source: Mapped[str] = mapped_column(Text, default="")
    html: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime]
    revised_at: Mapped[datetime | None]
    revision: Mapped[int] = mapped_column(default=1)
    state: Mapped[str] = mapped_column(default=ItemState.CONFIRMED)
    state_reason: Mapped[str] = mapped_column(default="")
    pinned_at: Mapped[datetime | None]
    withdrawn_at: Mapped[datetime | None]
    withdrawn_by: Mapped[int | None] = mapped_column(ForeignKey("actor.id"))
    erased_at: Mapped[datetime | None]
    """Since when its words are gone for good; only the row is left."""

    space: Mapped[Space] = relationship()
    author: Mapped[Actor] = relationship(foreign_keys=author_id, lazy="joined")

    __mapper_args__ = {"polymorphic_on": "kind"}


class Revision(Base):
    """One version of an item's text. Version 1 is the first; nobody's text is ever lost."""

    __tablename__ = "revision"
    __table_args__ = (UniqueConstraint("item_id", "number"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    item_id: Mapped[int] = mapped_column(ForeignKey("item.id"))
    number: Mapped[int]
    author_id: Mapped[int] = mapped_column(ForeignKey("actor.id"))
    title: Mapped[str] = mapped_column(default="")
    source: Mapped[str] = mapped_column(Text)
    summary: Mapped[str] = mapped_column(default="")
    version: Mapped[str] = mapped_column(String(80))
    """sha2-256 multihash of title, a line feed, and source; what an edit names as its base."""
    at: Mapped[datetime]

    author: Mapped[Actor] = relationship(lazy="joined")


class Reaction(Base):
    """One person's sign on one item."""

    __tablename__ = "reaction"
    __table_args__ = (UniqueConstraint("item_id", "actor_id", "sign"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    item_id: Mapped[int] = mapped_column(ForeignKey("item.id"))
    actor_id: Mapped[int] = mapped_column(ForeignKey("actor.id"))
    sign: Mapped[str] = mapped_column(String(40))
    iri: Mapped[str] = mapped_column(String(2048), unique=True)
    created_at: Mapped[datetime]

    actor: Mapped[Actor] = relationship(lazy="joined")


class OfferState(StrEnum):
    PENDING = "pending"
    ACCEPTED = "accepted"
    CONFLICT = "conflict"
    REFUSED = "refused"


class Offer(Base):
    """A change to a common thing (a document) proposed to the host of a remote space.

    `given` is the operation's input as JSON, so that a refused or clashing text is never lost.
    """

    __tablename__ = "offer"

    id: Mapped[int] = mapped_column(primary_key=True)
    iri: Mapped[str] = mapped_column(String(2048), unique=True)
    space_id: Mapped[int] = mapped_column(ForeignKey("space.id"), index=True)
    actor_id: Mapped[int] = mapped_column(ForeignKey("actor.id"))
    item_id: Mapped[int | None] = mapped_column(ForeignKey("item.id"))
    kind: Mapped[str] = mapped_column(String(40))
    wire: Mapped[dict[str, Any]] = mapped_column(JSON)
    """The ActivityStreams object that is offered."""
    given: Mapped[dict[str, Any]] = mapped_column(JSON)
    state: Mapped[str] = mapped_column(default=OfferState.PENDING)
    reason: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime]
    answered_at: Mapped[datetime | None]

    actor: Mapped[Actor] = relationship(lazy="joined")
    space: Mapped[Space] = relationship()


class Report(Base):
    """Somebody says that a text is not right. Who says it is for facilitators of here alone (R37).

    `item_iri` and `author_id` say what and whose; `from_host` which instance sent it, with nobody's
    name, and is "" for a report of here, whose `reporter_id` is known.
    """

    __tablename__ = "report"

    id: Mapped[int] = mapped_column(primary_key=True)
    uid: Mapped[str] = mapped_column(String(40), unique=True)
    iri: Mapped[str | None] = mapped_column(String(2048))
    """The id of the `Flag` that told of it, ours or theirs; None while nobody elsewhere is told."""
    space_id: Mapped[int | None] = mapped_column(ForeignKey("space.id"), index=True)
    item_id: Mapped[int | None] = mapped_column(ForeignKey("item.id"), index=True)
    item_iri: Mapped[str] = mapped_column(String(2048))
    author_id: Mapped[int] = mapped_column(ForeignKey("actor.id"))
    reporter_id: Mapped[int | None] = mapped_column(ForeignKey("actor.id"), index=True)
    from_host: Mapped[str] = mapped_column(String(255), default="")
    reason: Mapped[str] = mapped_column(String(40), default="other")
    words: Mapped[str] = mapped_column(Text, default="")
    state: Mapped[str] = mapped_column(String(10), default="open", index=True)
    answer: Mapped[str] = mapped_column(Text, default="")
    """What whoever closed it says to the reporter."""
    created_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    closed_by: Mapped[int | None] = mapped_column(ForeignKey("actor.id"))
    seen_at: Mapped[datetime | None]  # when the reporter read the answer

    space: Mapped[Space | None] = relationship()
    item: Mapped[Item | None] = relationship()
    author: Mapped[Actor] = relationship(foreign_keys=author_id, lazy="joined")
    reporter: Mapped[Actor | None] = relationship(foreign_keys=reporter_id)
