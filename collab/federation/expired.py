"""Letters that will never arrive: given up in time, and settled as if they were refused (4.3, 4.6).

What was said here to the host of a project, and never reached it, must not look for ever as if it
were on its way: its author is told, and our copy goes back to the log (`declined`).
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.orm import Session

from collab.core.jobs import enqueue
from collab.federation.halted import UNSENT
from collab.federation.models import Delivery
from collab.people.models import Actor
from collab.spaces.models import Space

DECLINED = "settle_declined"
"""The kind of job that undoes here what a project's host did not take (see `declined`)."""
OF_WORDS = frozenset({"Create", "Update", "Delete", "Undo Delete", "Like", "Undo"})
OF_PEOPLE = frozenset({"Accept", "Reject", "Offer", "Remove", "Invite", "Block", "Undo"})
SETTLED = OF_WORDS | OF_PEOPLE
"""What such a job is about, by the verbs of letters: words and signs, or decisions about people."""


def expire(session: Session, which: ColumnElement[bool], why: str, at: datetime) -> None:
    """Give up those letters that have not left. `why` is a word of ours (`pages.copies` says it in
    words). The caller's transaction."""
    hosts = select(Actor.inbox).join(Space, Space.actor_id == Actor.id).where(~Space.local)
    unsent = Delivery.state.in_(UNSENT)
    said = select(Delivery.id).where(
        which, unsent, Delivery.verb.in_(SETTLED), Delivery.inbox.in_(hosts)
    )
    for delivery in session.scalars(said.order_by(Delivery.id)).all():
        enqueue(session, DECLINED, {"delivery": delivery}, at)
    session.execute(
        update(Delivery)
        .where(which, unsent)
        .values(state="expired", error=why, done_at=at)
        .execution_options(synchronize_session=False)
    )
