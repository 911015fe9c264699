"""Requests to take part: which wait for somebody's word, and what became of one's own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session, aliased, contains_eager

from collab.people.models import Actor
from collab.spaces.hiding import unheard
from collab.spaces.models import JoinPolicy, Membership, MembershipState, Role, Space

ANSWER_TOLD = timedelta(days=14)
"""How long the answer to a request stands among one's news."""


@dataclass(frozen=True)
class Waiting:
    """A project, and how many people ask to take part in it."""

    space: Space
    count: int


def requests_for(session: Session, actor: Actor) -> list[Waiting]:
    """The projects that the actor looks after and somebody asks to join, the longest wait first."""
    mine, asking = aliased(Membership), aliased(Membership)
    rows = session.execute(
        select(Space, func.count(asking.id))
        .join(mine, and_(mine.space_id == Space.id, mine.actor_id == actor.id))
        .join(asking, asking.space_id == Space.id)
        .where(
            mine.state == MembershipState.ACTIVE,
            mine.role >= Role.FACILITATOR,
            asking.state == MembershipState.REQUESTED,
            asking.actor_id != actor.id,
            asking.actor_id.not_in(unheard()),
            Space.deleted_at.is_(None),
        )
        .group_by(Space.id)
        .order_by(func.min(asking.since), Space.id)
    )
    return [Waiting(space, count) for space, count in rows]


def requests_of(session: Session, actor: Actor, now: datetime) -> Sequence[Membership]:
    """What the actor asked to take part in: what waits, and what was answered in the last days.

    Args:
        now: UTC; answers are told for ANSWER_TOLD.
    """
    answered = Membership.state.in_([MembershipState.ACTIVE, MembershipState.REFUSED])
    return session.scalars(
        select(Membership)
        .join(Membership.space)
        .options(contains_eager(Membership.space))
        .where(
            Membership.actor_id == actor.id,
            Membership.join_iri.is_not(None),
            or_(
                Membership.state == MembershipState.REQUESTED,
                and_(
                    answered,
                    Membership.since > now - ANSWER_TOLD,
                    Space.join_policy == JoinPolicy.REQUEST,
                ),
            ),
            Space.deleted_at.is_(None),
        )
        .order_by(Membership.since.desc(), Membership.id.desc())
    ).all()
