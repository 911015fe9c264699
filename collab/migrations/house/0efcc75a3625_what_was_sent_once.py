"""What was sent once.

Revision: 0efcc75a3625
After: c8ef3f81be75
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0efcc75a3625"
down_revision = "c8ef3f81be75"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "sent_once",
        sa.Column("actor_id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=280), nullable=False),
        sa.Column("content", sa.String(length=64), nullable=False),
        sa.Column("sort", sa.String(length=10), nullable=False),
        sa.Column("thing_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["actor_id"], ["actor.id"], name=op.f("fk_sent_once_actor_id")),
        sa.PrimaryKeyConstraint("actor_id", "key", name=op.f("pk_sent_once")),
    )
    with op.batch_alter_table("sent_once", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_sent_once_at"), ["at"], unique=False)


def downgrade() -> None:
    op.drop_table("sent_once")
