"""What federation remembers: what came in, the project log, who holds copies, what goes out.

FEDERATION.md 4.1. Nothing here is domain state; spaces, items and members live in their tables.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from collab.core.db import Base


class InboxItem(Base):
    """One activity that was authenticated (R46: unique after authentication).

    `raw`: its bytes, empty when nothing came of it (R53) or its words were erased since.
    """

    __tablename__ = "inbox_item"

    id: Mapped[int] = mapped_column(primary_key=True)
    activity_id: Mapped[str] = mapped_column(String(2048), unique=True)
    actor: Mapped[str] = mapped_column(String(2048))
    key_id: Mapped[str] = mapped_column(String(2048))
    scheme: Mapped[str]
    """How it was proved: `cavage`, `rfc9421` or `proof`."""
    digest: Mapped[str] = mapped_column(String(80))
    received_at: Mapped[datetime] = mapped_column(index=True)
    raw: Mapped[bytes] = mapped_column(LargeBinary)


class LogEntry(Base):
    """One entry of a project's log, on its host and on every mirror (FEDERATION.md 1.5).

    `entry` is the signed LogEntry; `body` the activity it speaks of, None once erased.
    """

    __tablename__ = "log_entry"
    __table_args__ = (Index("ix_log_entry_activity", "space_id", "activity_id"),)

    space_id: Mapped[int] = mapped_column(ForeignKey("space.id"), primary_key=True)
    epoch: Mapped[int] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True)
    activity_id: Mapped[str] = mapped_column(String(2048))
    activity_type: Mapped[str] = mapped_column(String(40))
    digest: Mapped[str] = mapped_column(String(80))
    trust: Mapped[str] = mapped_column(String(10))
    event_id: Mapped[int | None] = mapped_column(unique=True)
    """The journal row on the host this entry speaks of; so that an event is logged once."""
    entry: Mapped[dict[str, Any]] = mapped_column(JSON)
    entry_hash: Mapped[str] = mapped_column(String(80))
    body: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    left: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    """Once erased: where the words stood (its object as a Tombstone), so that answers have a place
    on copies that never had them (`erasure.left_of`)."""
    origin_check: Mapped[str] = mapped_column(String(10), default="")
    """On a mirror, for trust `http`: what the author's own host says (1.5): `same`, `relayed`
    (it does not answer: only the project's host says so), `differs`; "" when not asked yet."""
    at: Mapped[datetime]


class Unapplied(Base):
    """An entry of a remote log that stands in our copy and had no effect here: which and why."""

    __tablename__ = "unapplied"

    space_id: Mapped[int] = mapped_column(ForeignKey("space.id"), primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True)
    activity_id: Mapped[str] = mapped_column(String(2048))
    why: Mapped[str] = mapped_column(String(10))
    """`proof`, `author`, `refused`, `odd`: see `unapplied.Failed`."""
    detail: Mapped[str] = mapped_column(Text, default="")
    tries: Mapped[int] = mapped_column(default=1)
    since: Mapped[datetime]
    next_at: Mapped[datetime] = mapped_column(index=True)


class LogEvidence(Base):
    """A second signed entry with a number that another one has: the host says two things (R60)."""

    __tablename__ = "log_evidence"
    __table_args__ = (UniqueConstraint("space_id", "epoch", "seq", "entry_hash"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    space_id: Mapped[int] = mapped_column(ForeignKey("space.id"))
    epoch: Mapped[int]
    seq: Mapped[int]
    entry_hash: Mapped[str] = mapped_column(String(80))
    held: Mapped[dict[str, Any]] = mapped_column(JSON)
    other: Mapped[dict[str, Any]] = mapped_column(JSON)
    at: Mapped[datetime]


class ApObject(Base):
    """The newest form of each object a project's log speaks of; what `stateDigest` is made of."""

    __tablename__ = "ap_object"
    __table_args__ = (
        UniqueConstraint("space_id", "iri"),
        Index("ix_ap_object_bucket", "space_id", "bucket"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    space_id: Mapped[int] = mapped_column(ForeignKey("space.id"), index=True)
    iri: Mapped[str] = mapped_column(String(2048))
    bucket: Mapped[int] = mapped_column(default=0)
    """The first byte of SHA-256 of `iri`."""
    owner: Mapped[str] = mapped_column(String(2048))
    updated: Mapped[str] = mapped_column(String(40))
    hash: Mapped[str] = mapped_column(String(64))
    """SHA-256 (hex) of the object's canonical JSON."""
    deleted: Mapped[bool] = mapped_column(default=False)


class StateBucket(Base):
    """The digest of one of a project's 256 buckets; a missing row means: compute it anew."""

    __tablename__ = "state_bucket"

    space_id: Mapped[int] = mapped_column(ForeignKey("space.id"), primary_key=True)
    bucket: Mapped[int] = mapped_column(primary_key=True)
    digest: Mapped[str] = mapped_column(String(64))


PARTIAL = "partial"
"""State of a copy that no log feeds: what comes along is kept, what was before only in part."""


class Mirror(Base):
    """This instance's copy of a remote project: how far it has come and how it stands."""

    __tablename__ = "mirror"

    space_id: Mapped[int] = mapped_column(ForeignKey("space.id"), primary_key=True)
    log_iri: Mapped[str] = mapped_column(String(2048))
    follow_iri: Mapped[str] = mapped_column(String(2048))
    state: Mapped[str] = mapped_column(String(20), default="asked")
    """`asked`, `active`, `refused`, `ended`, `broken` (the log contradicts itself), PARTIAL."""
    epoch: Mapped[int] = mapped_column(default=1)
    seq: Mapped[int] = mapped_column(default=0)
    head_hash: Mapped[str] = mapped_column(String(80), default="")
    remote_seq: Mapped[int] = mapped_column(default=0)
    state_digest: Mapped[str] = mapped_column(String(80), default="")
    remote_digest: Mapped[str] = mapped_column(String(80), default="")
    verified_at: Mapped[datetime | None]
    checked_at: Mapped[datetime | None]
    next_check_at: Mapped[datetime | None] = mapped_column(index=True)
    last_error: Mapped[str] = mapped_column(Text, default="")
    turned_away: Mapped[int | None]
    """The HTTP status by which its host refuses us the log; None while it gives it."""
    repaired_at: Mapped[datetime | None]
    unrepaired: Mapped[list[str]] = mapped_column(JSON, default=list)
    """IRIs of objects that differ from the host's and could not be mended."""


class Subscriber(Base):
    """A host that receives a project of ours: a mirror (whole log) or followers (highlights)."""

    __tablename__ = "subscriber"
    __table_args__ = (UniqueConstraint("space_id", "host", "reach"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    space_id: Mapped[int] = mapped_column(ForeignKey("space.id"), index=True)
    host: Mapped[str] = mapped_column(String(255), index=True)
    actor_iri: Mapped[str] = mapped_column(String(2048))
    follow_iri: Mapped[str] = mapped_column(String(2048))
    inbox: Mapped[str] = mapped_column(String(2048))
    reach: Mapped[str] = mapped_column(String(20), default="mirror")
    epoch: Mapped[int] = mapped_column(default=1)
    cursor: Mapped[int] = mapped_column(default=0)
    state: Mapped[str] = mapped_column(String(20), default="active")
    confirmed_at: Mapped[datetime | None]
    lag_ms: Mapped[float | None]
    """From an entry's being accepted here to its being confirmed there, the last time."""
    streaming_until: Mapped[datetime | None]
    """A stream to this mirror is open, until then at the latest."""
    created_at: Mapped[datetime]


class DelayHour(Base):
    """How long entries took to one mirror in one hour: how many fell in each step (MS4)."""

    __tablename__ = "delay_hour"

    subscriber_id: Mapped[int] = mapped_column(
        ForeignKey("subscriber.id", ondelete="CASCADE"), primary_key=True
    )
    hour: Mapped[datetime] = mapped_column(primary_key=True)
    counts: Mapped[dict[str, Any]] = mapped_column(JSON)
    """Step (see federation.delays) -> how many entries."""


class OutboxItem(Base):
    """An activity for particular inboxes: its bytes are serialised once; signed at each attempt."""

    __tablename__ = "outbox_item"

    id: Mapped[int] = mapped_column(primary_key=True)
    actor_id: Mapped[int] = mapped_column(ForeignKey("actor.id"))
    activity_id: Mapped[str] = mapped_column(String(2048), index=True)
    ordering_key: Mapped[str] = mapped_column(String(2048))
    body: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]


class Delivery(Base):
    """One outbox item for one inbox. Rows that went well are removed after a day."""

    __tablename__ = "delivery"
    __table_args__ = (
        UniqueConstraint("outbox_id", "inbox"),
        Index("ix_delivery_lane", "host", "state", "id"),
        Index("ix_delivery_done", "done_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    outbox_id: Mapped[int] = mapped_column(ForeignKey("outbox_item.id", ondelete="CASCADE"))
    host: Mapped[str] = mapped_column(String(255), index=True)
    inbox: Mapped[str] = mapped_column(String(2048))
    state: Mapped[str] = mapped_column(String(20), default="waiting", index=True)
    """`waiting`, `halted` (by a block or suspension here; see halted.py), `done`, `refused`,
    `expired`, `cancelled` (taken back before it was sent)."""
    ordering_key: Mapped[str] = mapped_column(String(2048), default="", index=True)
    verb: Mapped[str] = mapped_column(String(40), default="")
    begun_at: Mapped[datetime | None]
    """When it was first taken up for sending; None: the host cannot have heard of it."""
    next_at: Mapped[datetime | None]
    """It failed alone, while its host answers: not again before."""
    attempts: Mapped[int] = mapped_column(default=0)
    status: Mapped[int | None]
    error: Mapped[str] = mapped_column(Text, default="")
    done_at: Mapped[datetime | None]


class GoneInbox(Base):
    """An inbox that is not there any more, as far as its host says (FEDERATION.md 4.3)."""

    __tablename__ = "gone_inbox"

    inbox: Mapped[str] = mapped_column(String(2048), primary_key=True)
    times: Mapped[int] = mapped_column(default=0)
    first_at: Mapped[datetime]


class Tombstone(Base):
    """An id that its owner deleted, or undid before it came: a late Create is refused (R47)."""

    __tablename__ = "tombstone"
    __table_args__ = (UniqueConstraint("actor", "iri"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    actor: Mapped[str] = mapped_column(String(2048))
    iri: Mapped[str] = mapped_column(String(2048))
    at: Mapped[datetime] = mapped_column(index=True)


class ErasureReceipt(Base):
    """Whether one mirror has taken back what was deleted, as its own instance says (1.6 h)."""

    __tablename__ = "erasure_receipt"
    __table_args__ = (UniqueConstraint("space_id", "iri", "host"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    space_id: Mapped[int] = mapped_column(ForeignKey("space.id"))
    iri: Mapped[str] = mapped_column(String(2048))
    """Of the object."""
    activity_id: Mapped[str] = mapped_column(String(2048), index=True)
    """Of the newest Delete, which the mirror is to confirm."""
    host: Mapped[str] = mapped_column(String(255))
    state: Mapped[str] = mapped_column(String(10), default="waiting")
    """`waiting`, `confirmed`."""
    asked_at: Mapped[datetime]
    at: Mapped[datetime | None]
    """When it was confirmed."""


class KeyRefusal(Base):
    """A key that could not be had: not asked for again before `until` (FEDERATION.md 2.4)."""

    __tablename__ = "key_refusal"

    key_id: Mapped[str] = mapped_column(String(2048), primary_key=True)
    until: Mapped[datetime]
    away: Mapped[bool] = mapped_column(default=False)
    """Its host did not answer, which is not the key's fault."""
