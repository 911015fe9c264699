"""Bring a database to the version of this program."""

from __future__ import annotations

from sqlalchemy import Engine

from collab.core.db import Base


def upgrade(engine: Engine) -> None:
    """Create what is missing."""
    Base.metadata.create_all(engine)
