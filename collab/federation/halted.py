"""Letters that a decision of ours keeps from leaving, and that leave when it is undone (4.6, R36).

A block and a suspension empty the queues at once. What waited was said all the same: its author
sees it pending, and it goes out once the block or the suspension is no more.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, update
from sqlalchemy.orm import Session

from collab.federation.models import Delivery

BLOCKED = "blocked here"
SUSPENDED = "suspended here"
UNSENT = ("waiting", "halted")
"""States of a letter that may leave yet."""


def halt(session: Session, which: ColumnElement[bool], why: str, at: datetime) -> None:
    """Let none of those letters that wait leave. The caller's transaction."""
    session.execute(
        update(Delivery)
        .where(which, Delivery.state == "waiting")
        .values(state="halted", error=why, done_at=at)
        .execution_options(synchronize_session=False)
    )


def release(session: Session, which: ColumnElement[bool], why: str) -> None:
    """Let those letters that `why` has halted wait again. The caller's transaction."""
    session.execute(
        update(Delivery)
        .where(which, Delivery.state == "halted", Delivery.error == why)
        .values(state="waiting", error="", done_at=None, next_at=None)
        .execution_options(synchronize_session=False)
    )
