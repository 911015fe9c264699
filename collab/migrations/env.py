"""Alembic's environment: always online, on the connection that collab.migrate hands over."""

from __future__ import annotations

from alembic import context

from collab.migrate import OPTIONS

context.configure(connection=context.config.attributes["connection"], **OPTIONS)
with context.begin_transaction():
    context.run_migrations()
