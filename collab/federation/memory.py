"""What is remembered of how a host likes to be asked (FEDERATION.md 2.2)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from collab.core.db import writing
from collab.federation.peerhealth import peer_of
from collab.people.models import Peer
from collab.web.extensions import db

SCHEME_KEPT = timedelta(days=30)
"""How long it is remembered in which scheme a host is signed to."""


class SchemeMemory:
    """Which signature scheme a host understood, for 30 days (FEDERATION.md 2.2 point 3)."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock

    def get(self, host: str, /) -> str | None:
        """The scheme that host understood last; None when not known or too long ago."""
        with Session(db.engine) as session:
            row = session.get(Peer, host)
            if row is None or row.scheme_at is None:
                return None
            return row.scheme if self._clock() - row.scheme_at < SCHEME_KEPT else None

    def learned(self, host: str, scheme: str, /) -> None:
        """Remember it, in a transaction of its own."""
        at = self._clock()
        with Session(db.engine) as session, writing(session):
            row = peer_of(session, host, at)
            row.scheme, row.scheme_at = scheme, at
