"""Up to where people have seen what happens in their projects.

Revision: 438918f68a1d
After: c34d936dd054
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "438918f68a1d"
down_revision = "c34d936dd054"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "visit",
        sa.Column("actor_id", sa.Integer(), nullable=False),
        sa.Column("event_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["actor_id"], ["actor.id"], name=op.f("fk_visit_actor_id_actor")),
        sa.PrimaryKeyConstraint("actor_id", name=op.f("pk_visit")),
    )


def downgrade() -> None:
    op.drop_table("visit")
