"""On a copy: who asks to join or was invited, as the project's host tells it to facilitators here.

Nobody else of this instance is told, and it goes when nobody here looks after the project any more.
"""

from __future__ import annotations

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from collab.core.work import Work
from collab.people.models import Actor
from collab.spaces.membership import MAX_NOTE, membership
from collab.spaces.models import Membership, MembershipState, Role, Space
from collab.spaces.policy import facilitators

WAITING = (MembershipState.REQUESTED, MembershipState.INVITED)


def take_candidate(
    work: Work, space: Space, person: Actor, state: MembershipState, role: Role, iri: str, note: str
) -> None:
    """Write down that somebody of elsewhere asks to join a remote space, or was invited to it.

    `iri` is the Join or the Invite. Nothing for members and for people of here, whom the host
    tells themselves.
    """
    row = membership(work, space, person.id)
    if person.local or (row is not None and row.state == MembershipState.ACTIVE):
        return
    if row is None:
        row = Membership(space_id=space.id, actor_id=person.id, since=work.now)
        work.session.add(row)
    if (row.state, row.join_iri) != (state, iri):
        row.since = work.now
    row.state, row.role, row.join_iri, row.note = state, role, iri, note.strip()[:MAX_NOTE]
    work.session.flush()


def drop_candidate(work: Work, space: Space, iri: str) -> int | None:
    """The request or invitation `iri` waits no more. Whose it was, by number; None: nobody's."""
    row = work.session.scalar(
        select(Membership).where(Membership.space_id == space.id, Membership.join_iri == iri)
    )
    if row is None:
        return None
    if row.state in WAITING and not row.actor.local:
        work.session.delete(row)
        work.session.flush()
    return row.actor_id


def forget_candidates(session: Session, space: Space) -> None:
    """Let go of who asks to join a remote space, once nobody of here looks after it."""
    if session.scalar(facilitators(space, local=True).limit(1)) is not None:
        return
    local = select(Actor.id).where(Actor.local)
    session.execute(
        delete(Membership)
        .where(
            Membership.space_id == space.id,
            Membership.state.in_(WAITING),
            Membership.actor_id.not_in(local),
        )
        .execution_options(synchronize_session=False)
    )
