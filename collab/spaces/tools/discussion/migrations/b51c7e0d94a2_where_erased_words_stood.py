"""Where words stood that were erased before their place was kept.

Revision: b51c7e0d94a2
After: 4a7233ddeb66

An entry of a log whose words are erased says since `log_entry.left` exists where they stood, so
that a copy that starts later can put their answers there. Entries from before say it from here on:
on the project's host the row of the item is still there, without its words. The tables are written
as they were then; what is made here is what `federation.erasure.left_of` makes.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "b51c7e0d94a2"
down_revision = "4a7233ddeb66"
branch_labels = None
depends_on = "c8ef3f81be75"

ENTRY = sa.table(
    "log_entry",
    sa.column("space_id", sa.Integer),
    sa.column("epoch", sa.Integer),
    sa.column("seq", sa.Integer),
    sa.column("activity_type", sa.String),
    sa.column("event_id", sa.Integer),
    sa.column("body", sa.JSON(none_as_null=True)),
    sa.column("left", sa.JSON(none_as_null=True)),
)
EVENT = sa.table("event", sa.column("id", sa.Integer), sa.column("item_id", sa.Integer))
SPACE = sa.table(
    "space",
    sa.column("id", sa.Integer),
    sa.column("actor_id", sa.Integer),
    sa.column("local", sa.Boolean),
)
ITEM = sa.table(
    "item",
    sa.column("id", sa.Integer),
    sa.column("uid", sa.String),
    sa.column("iri", sa.String),
    sa.column("author_id", sa.Integer),
    sa.column("created_at", sa.DateTime),
    sa.column("erased_at", sa.DateTime),
)
ACTOR = sa.table("actor", sa.column("id", sa.Integer), sa.column("iri", sa.String))
THREAD = sa.table("thread", sa.column("id", sa.Integer))
MESSAGE = sa.table(
    "message",
    sa.column("id", sa.Integer),
    sa.column("thread_id", sa.Integer),
    sa.column("reply_to_id", sa.Integer),
)
WORDED = ("Create", "Update", "Undo")


def upgrade() -> None:
    backfill(op.get_bind())


def downgrade() -> None:
    """What is known stays: the column goes with its own version."""


def backfill(connection: sa.Connection) -> int:
    """Say of every erased entry of our own projects where its words stood; how many there were."""
    rows = connection.execute(_erased()).all()
    for row in rows:
        connection.execute(
            sa.update(ENTRY)
            .where(ENTRY.c.space_id == row.space_id)
            .where(ENTRY.c.epoch == row.epoch, ENTRY.c.seq == row.seq)
            .values(left=_place(row))
        )
    return len(rows)


def _erased() -> sa.Select[Any]:
    opener, answered = ITEM.alias("opener"), ITEM.alias("answered")
    group = ACTOR.alias("project")
    return (
        sa.select(
            ENTRY.c.space_id,
            ENTRY.c.epoch,
            ENTRY.c.seq,
            group.c.iri.label("space_iri"),
            ITEM.c.iri,
            ITEM.c.uid,
            ITEM.c.created_at,
            ACTOR.c.iri.label("author"),
            opener.c.iri.label("opener_iri"),
            opener.c.uid.label("opener_uid"),
            answered.c.iri.label("answered_iri"),
        )
        .select_from(ENTRY)
        .join(SPACE, SPACE.c.id == ENTRY.c.space_id)
        .join(group, group.c.id == SPACE.c.actor_id)
        .join(EVENT, EVENT.c.id == ENTRY.c.event_id)
        .join(ITEM, ITEM.c.id == EVENT.c.item_id)
        .join(ACTOR, ACTOR.c.id == ITEM.c.author_id)
        .outerjoin(THREAD, THREAD.c.id == ITEM.c.id)
        .outerjoin(MESSAGE, MESSAGE.c.id == ITEM.c.id)
        .outerjoin(opener, opener.c.id == MESSAGE.c.thread_id)
        .outerjoin(answered, answered.c.id == MESSAGE.c.reply_to_id)
        .where(SPACE.c.local, ITEM.c.erased_at.is_not(None))
        .where(ENTRY.c.activity_type.in_(WORDED))
        .where(ENTRY.c.body.is_(sa.null()), ENTRY.c.left.is_(sa.null()))
        .where(sa.or_(THREAD.c.id.is_not(None), MESSAGE.c.id.is_not(None)))
    )


def _place(row: Any) -> dict[str, str]:
    told = {
        "type": "Tombstone",
        "id": row.iri,
        "formerType": "Note",
        "attributedTo": row.author,
        "audience": row.space_iri,
        "context": f"{row.space_iri}/c/{row.opener_uid or row.uid}",
        "published": _written(row.created_at),
    }
    if row.opener_iri:
        told["inReplyTo"] = row.answered_iri or row.opener_iri
    return told


def _written(at: datetime) -> str:
    return at.replace(tzinfo=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
