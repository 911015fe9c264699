"""Sessions that were ended by logging out: a copy of their cookie opens nothing any more.

The cookie itself holds a session; here stands only which of them no longer count, until their
cookies are too old anyway.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import String, delete
from sqlalchemy.orm import Mapped, Session, mapped_column

from collab.core.db import Base
from collab.core.work import Work

LONGEST = timedelta(days=31)
"""More than a cookie lasts without being used (web.security.SESSION_DAYS)."""


class EndedSession(Base):
    """The name of one session that has ended, and when."""

    __tablename__ = "ended_session"

    name: Mapped[str] = mapped_column(String(43), primary_key=True)
    ended_at: Mapped[datetime] = mapped_column(index=True)


def end_session(work: Work, name: str) -> None:
    """Let that session open nothing any more, and forget those whose cookies are too old."""
    work.session.execute(delete(EndedSession).where(EndedSession.ended_at < work.now - LONGEST))
    work.session.merge(EndedSession(name=name, ended_at=work.now))


def has_ended(session: Session, name: str) -> bool:
    """Whether somebody logged out of that session."""
    return session.get(EndedSession, name) is not None
