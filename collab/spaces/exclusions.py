"""Excluding somebody from a project, lifting it, and what a host elsewhere decided of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from collab.core.errors import Conflict, Forbidden, Invalid, Missing
from collab.core.i18n import N_
from collab.core.work import Work
from collab.people.models import Actor, ActorKind
from collab.spaces.barred import Exclusion, exclusion_of, in_force
from collab.spaces.decisions import echoed
from collab.spaces.events import MemberExcluded, MemberReadmitted, MemberRefused, MemberRemoved
from collab.spaces.membership import Decide, admit, membership, somebody_stays
from collab.spaces.models import Follow, MembershipState, Role, Space
from collab.spaces.policy import ELSEWHERE, require, require_hosted_here

MAX_REASON = 500
LONGEST = timedelta(days=3660)
UNKNOWN = N_("Cette personne n’est pas connue ici.")
NOT_EXCLUDED = N_("Cette personne n’est pas exclue, ou plus.")


@dataclass(frozen=True)
class Exclude:
    """Whom (the number of an actor), why, and the last day on which it holds; None: no end.

    `until` is for what comes over the wire, which names a moment.
    """

    member: int
    reason: str = ""
    last_day: date | None = None
    until: datetime | None = field(default=None, metadata={"internal": True})


@dataclass(frozen=True)
class Readmit:
    """Whose exclusion ends; `back` gives them the place again that it took from them."""

    member: int
    back: bool = False


def exclude(work: Work, space: Space, given: Exclude) -> Exclusion:
    """Let somebody take part no more, member or not, of here or of elsewhere.

    They lose their place and their following; what they wrote stays. Excluding somebody again
    changes the reason and the end.

    Raises:
        Forbidden: the actor is no facilitator of a space of this instance.
        Missing: nobody has that number.
        Invalid: no reason or too long a one (`reason`); an end that is over or too far off
            (`last_day`).
        Conflict: it is themselves; or the space would have nobody in charge.
    """
    require(work, space, Role.FACILITATOR)
    require_hosted_here(space)
    person, reason, until = understood(work, given)
    _send_away(work, space, person.id)
    row, followed = _written(work, space, person, reason, until)
    row.iri, row.decided_by = work.mint(f"/p/{space.slug}/blocks/"), work.actor.id
    work.record(MemberExcluded(**_said(work, row), follow_iri=followed))
    return row


def understood(work: Work, given: Exclude) -> tuple[Actor, str, datetime | None]:
    """Who is to be excluded, why, and until when. Raises as `exclude`."""
    person = work.session.get(Actor, given.member)
    if person is None or person.kind != ActorKind.PERSON or person.deleted_at:
        raise Missing(UNKNOWN)
    if person.id == work.actor.id:
        raise Conflict(N_("On ne s’exclut pas soi-même : quittez plutôt le projet."))
    reason, until = given.reason.strip(), _end(work, given)
    if not reason or len(reason) > MAX_REASON:
        raise Invalid(reason=N_("Dites pourquoi, en 500 caractères au plus."))
    return person, reason, until


def _send_away(work: Work, space: Space, actor_id: int) -> None:
    """End whatever place somebody has or asks for, as they are excluded; nothing asks who may.

    Raises Conflict when it would leave a space of here without anybody in charge.
    """
    row = membership(work, space, actor_id)
    if row is None:
        return
    was_in, before = row.state == MembershipState.ACTIVE, row.state
    if was_in and space.local:
        somebody_stays(work, space, row)
    row.state = MembershipState.LEFT
    ids = {"space_id": space.id, "actor_id": work.actor.id, "member_id": actor_id}
    if was_in:
        row.since = work.now
        work.record(MemberRemoved(**ids))
    elif before == MembershipState.REQUESTED:
        work.record(MemberRefused(**ids))


def _end(work: Work, given: Exclude) -> datetime | None:
    until = given.until
    if given.last_day is not None:
        until = datetime.combine(given.last_day + timedelta(days=1), time(), UTC)
    if until is not None and not work.now < until <= work.now + LONGEST:
        raise Invalid(last_day=N_("Choisissez un jour à venir, dans dix ans au plus."))
    return until


def _written(
    work: Work, space: Space, person: Actor, reason: str, until: datetime | None
) -> tuple[Exclusion, str]:
    """The row, made or changed; and the Follow that ends: who is excluded follows no more."""
    row = _row(work.session, space, person.id)
    if row is None:
        row = Exclusion(space_id=space.id, actor_id=person.id, iri="", since=work.now)
        work.session.add(row)
    row.reason, row.until = reason, until
    follows = Follow.space_id == space.id, Follow.actor_id == person.id
    followed = work.session.scalar(select(Follow.iri).where(*follows))
    work.session.execute(delete(Follow).where(*follows))
    return row, followed or ""


def _row(session: Session, space: Space, actor_id: int) -> Exclusion | None:
    wanted = Exclusion.space_id == space.id, Exclusion.actor_id == actor_id
    return session.scalar(select(Exclusion).where(*wanted))


def _said(work: Work, row: Exclusion) -> dict[str, Any]:
    """What both facts about an exclusion say."""
    return {
        "space_id": row.space_id,
        "actor_id": work.actor.id,
        "member_id": row.actor_id,
        "iri": row.iri,
        "reason": row.reason,
        "until": row.until.isoformat() if row.until else "",
    }


def readmit(work: Work, space: Space, given: Readmit) -> Actor:
    """Lift an exclusion: the person may ask to take part again.

    Raises:
        Forbidden: the actor is no facilitator of a space of this instance.
        Missing: nobody of that number is excluded.
    """
    require(work, space, Role.FACILITATOR)
    require_hosted_here(space)
    row = _row(work.session, space, given.member)
    if row is None:
        raise Missing(NOT_EXCLUDED)
    place, taken = membership(work, space, given.member), row.since
    person = _lifted(work, row)
    # Only a place that this very exclusion took is given back unasked.
    if given.back and place and place.state == MembershipState.LEFT and place.since == taken:
        place.state = MembershipState.REQUESTED
        admit(work, space, Decide(member=person.id, role=Role(place.role)))
    return person


def _lifted(work: Work, row: Exclusion) -> Actor:
    person = row.actor
    work.record(MemberReadmitted(**_said(work, row)))
    work.session.delete(row)
    work.session.flush()
    return person


def settle_exclusion(
    work: Work, space: Space, person: Actor, iri: str, reason: str, until: datetime | None
) -> None:
    """Mirror side: write down that the host of a remote space excluded somebody.

    Raises:
        Forbidden: the space is of this instance, where nobody else decides.
    """
    if space.local:
        raise Forbidden(ELSEWHERE)
    if until is not None and until <= work.now:
        return  # it ended before we heard of it
    if membership(work, space, person.id) is not None:
        _send_away(work, space, person.id)
    held = _row(work.session, space, person.id)
    said = (iri, reason[:MAX_REASON], until)
    if held is None or (held.iri, held.reason, held.until) != said:
        row, _ = _written(work, space, person, reason[:MAX_REASON], until)
        row.iri = iri
        work.record(MemberExcluded(**_said(work, row)))
    echoed(work, space, person.id)


def settle_readmission(work: Work, space: Space, person: Actor) -> None:
    """Mirror side: the host lifted it. Nothing to lift is nothing.

    Raises:
        Forbidden: the space is of this instance, where nobody else decides.
    """
    if space.local:
        raise Forbidden(ELSEWHERE)
    row = _row(work.session, space, person.id)
    if row is not None:
        _lifted(work, row)
    echoed(work, space, person.id)


def excluded_from(session: Session, space: Space, at: datetime) -> Sequence[Exclusion]:
    """Who is excluded from a space now, the last first."""
    return session.scalars(
        select(Exclusion)
        .where(Exclusion.space_id == space.id, in_force(at))
        .order_by(Exclusion.since.desc(), Exclusion.id)
        .limit(500)
    ).all()


def exclusions_of(session: Session, actor: Actor, at: datetime) -> Sequence[Exclusion]:
    """From which spaces somebody is excluded now, the last first."""
    return session.scalars(
        select(Exclusion)
        .where(Exclusion.actor_id == actor.id, in_force(at))
        .order_by(Exclusion.since.desc(), Exclusion.id)
        .limit(100)
    ).all()


__all__ = [
    "Exclude",
    "Exclusion",
    "Readmit",
    "exclude",
    "excluded_from",
    "exclusion_of",
    "exclusions_of",
    "readmit",
    "settle_exclusion",
    "settle_readmission",
]
