"""This instance's copies of remote projects: asked for, fed in order, verified, caught up.

FEDERATION.md 1.5, 4.4. Every entry is checked for its place in the chain, the project's
signature, the digest of what it speaks of, and the author's own proof, before it has any effect.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from collab.core.work import Work, new_uid
from collab.federation.log import CONTEXT, EPOCH
from collab.federation.models import PARTIAL, Mirror
from collab.federation.sending import send
from collab.people.models import Actor
from collab.people.queries import site
from collab.spaces.models import Space

log = logging.getLogger(__name__)
Json = dict[str, Any]
CHECK_EVERY = timedelta(minutes=10)
ASK_AGAIN = timedelta(minutes=2)


def start_mirror(session: Session, space: Space, at: datetime) -> tuple[Actor, Json] | None:
    """Ask for the log of a remote project, once: who asks (our instance) and the Follow to send.

    None when a copy is held or asked for already. FEDERATION.md 1.4, mirror subscription.
    """
    row = session.get(Mirror, space.id)
    if row is not None and row.state in ("asked", "active", "broken", PARTIAL):
        return None
    ours = site(session).actor
    origin = ours.iri.removesuffix("/actor")
    if row is None:
        row = Mirror(space_id=space.id, log_iri=f"{space.iri}/log", follow_iri="")
        session.add(row)
    row.follow_iri = f"{origin}/a/{new_uid()}"
    row.state, row.last_error, space.frozen_at = "asked", "", None
    row.next_check_at = at + ASK_AGAIN
    session.flush()
    return ours, {
        "@context": CONTEXT,
        "id": row.follow_iri,
        "type": "Follow",
        "actor": ours.iri,
        "to": [space.iri],
        "cc": [],
        "object": row.log_iri,
        "epoch": EPOCH,
        "after": row.seq,
    }


def resubscribe(work: Work, space: Space, row: Mirror) -> None:
    """Ask the project's host for its log again, whatever it said before."""
    row.state = "ended"
    asked = start_mirror(work.session, space, work.now)
    if asked is not None:
        ours, follow = asked
        send(work.session, ours, follow, [space.actor.inbox], work.now)


def follow_answered(work: Work, follow_iri: str, host_actor: str, *, yes: bool) -> bool:
    """The project's host answered our request for its log. False when it is not about one.

    Only the project itself may answer (R8): `host_actor` is the verified sender.
    """
    row = work.session.scalar(select(Mirror).where(Mirror.follow_iri == follow_iri))
    if row is None:
        return False
    space = work.session.get_one(Space, row.space_id)
    if space.iri != host_actor or row.state in ("ended", "broken"):
        return False
    row.state = "active" if yes else "refused"
    row.next_check_at = work.now if yes else None
    return True


def end_mirror(session: Session, space: Space) -> None:
    """Stop feeding a copy. What was read stays readable to those who may read it."""
    row = session.get(Mirror, space.id)
    if row is not None:
        row.state, row.next_check_at = "ended", None
