"""What a facilitator decides about people in a project: done where it lives, else asked there.

A copy changes nothing by itself: what was asked waits until the log of its host, or what the host
tells its facilitators, says that it is so (FEDERATION.md 1.4, R18).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ForeignKey, String, Text, UniqueConstraint, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from collab.core.db import Base
from collab.core.errors import Conflict, Invalid, Missing, Problem
from collab.core.i18n import N_
from collab.core.work import Work
from collab.people.models import Actor
from collab.spaces.barred import exclusion_of
from collab.spaces.events import DecisionAsked
from collab.spaces.membership import (
    Decide,
    admit,
    change_role,
    decline,
    membership,
    remove_member,
)
from collab.spaces.models import Membership, MembershipState, Role, Space
from collab.spaces.policy import require

ACTS: dict[str, Callable[[Work, Space, Decide], Membership]] = {
    "admit": admit,
    "decline": decline,
    "role": change_role,
    "remove": remove_member,
}
"""What is decided about people, by the names that forms and the API use."""
INVITE, EXCLUDE, READMIT = "invite", "exclude", "readmit"
"""What is asked of a host besides (spaces.excluding, spaces.invited do it at home)."""
STANDS = {
    "admit": MembershipState.REQUESTED,
    "decline": MembershipState.REQUESTED,
    "role": MembershipState.ACTIVE,
    "remove": MembershipState.ACTIVE,
}
"""How somebody must stand for an act to be about them."""
WAITING, REFUSED = "waiting", "refused"
TOLD = timedelta(days=14)
"""How long a refusal is shown."""
UNLISTED = N_("Cette personne n’est pas dans la liste, ou plus.")


@dataclass(frozen=True)
class Said:
    """What an exclusion or its end says besides: of which one, why, until when (UTC)."""

    about: str = ""
    reason: str = ""
    until: datetime | None = None


class Decision(Base):
    """What somebody of here asked the host of a project to decide about a person.

    One for each person and project: it goes when the host has done it, and what is asked next
    takes the place of what was refused.
    """

    __tablename__ = "decision"
    __table_args__ = (UniqueConstraint("space_id", "member_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    iri: Mapped[str] = mapped_column(String(2048), unique=True)
    """The id of the activity that asks for it."""
    space_id: Mapped[int] = mapped_column(ForeignKey("space.id"))
    actor_id: Mapped[int] = mapped_column(ForeignKey("actor.id"), index=True)
    member_id: Mapped[int] = mapped_column(ForeignKey("actor.id"))
    about: Mapped[str] = mapped_column(String(2048), default="")
    """The Join that an answer is to, the Block that is lifted; "" for what is about neither."""
    act: Mapped[str] = mapped_column(String(10))
    role: Mapped[int]
    state: Mapped[str] = mapped_column(String(10), default=WAITING)
    reason: Mapped[str] = mapped_column(Text, default="")
    """Why the host refused, in its words."""
    at: Mapped[datetime]
    """When it was asked; of a refusal, when it was refused."""

    space: Mapped[Space] = relationship(lazy="joined")
    member: Mapped[Actor] = relationship(foreign_keys=member_id, lazy="joined")


def decide(work: Work, space: Space, act: str, given: Decide) -> Membership:
    """Do one of ACTS in a space of this instance; ask for it where the space lives elsewhere.

    Returns how the person stands, which on a copy has not changed yet.

    Raises:
        Problem: no such act; or as the operation of that name, and as `ask`.
    """
    if act not in ACTS:
        raise Problem(N_("Cette demande n’est pas comprise."))
    if space.local:
        return ACTS[act](work, space, given)
    ask(work, space, act, given)
    row = membership(work, space, given.member)
    assert row is not None  # STANDS says how
    return row


def ask(work: Work, space: Space, act: str, given: Decide, said: Said | None = None) -> Decision:
    """Ask the host of a remote space for one of ACTS, or for INVITE, EXCLUDE, READMIT.

    Raises:
        Forbidden: the actor is no facilitator, as far as is known here.
        Missing: nobody has that number, or does not stand so that this could be done.
        Invalid: no such role.
        Conflict: something about this person waits for the host already; to be invited, they take
            part already.
    """
    require(work, space, Role.FACILITATOR)
    person, row = work.session.get(Actor, given.member), membership(work, space, given.member)
    if person is None or (act in STANDS and (row is None or row.state != STANDS[act])):
        raise Missing(UNLISTED)
    if given.role == Role.NONE:
        raise Invalid(role=N_("Choisissez un rôle."))
    if act == INVITE and row is not None and row.state == MembershipState.ACTIVE:
        raise Conflict(N_("Cette personne participe déjà à ce projet."))
    about = Decision.space_id == space.id, Decision.member_id == person.id
    if work.session.scalar(select(Decision.id).where(*about, Decision.state == WAITING)):
        raise Conflict(
            N_("C’est déjà demandé pour cette personne : attendez la réponse de l’autre instance.")
        )
    work.session.execute(delete(Decision).where(*about))
    asked = Decision(
        iri=work.mint("/a/"), space_id=space.id, actor_id=work.actor.id, member_id=person.id,
        about=said.about if said else (row.join_iri if row else None) or "", act=act,
        role=int(given.role), state=WAITING, at=work.now,
    )  # fmt: skip
    work.add(asked)
    _record(work, asked, said or Said())
    return asked


def _record(work: Work, asked: Decision, said: Said) -> None:
    work.record(
        DecisionAsked(
            space_id=asked.space_id, actor_id=asked.actor_id, member_id=asked.member_id,
            decision_id=asked.id, reason=said.reason,
            until=said.until.isoformat() if said.until else "",
        )
    )  # fmt: skip


def echoed(work: Work, space: Space, member_id: int) -> None:
    """The host has said how somebody stands now: what was asked about them may be done with."""
    asked = work.session.scalar(
        select(Decision).where(
            Decision.space_id == space.id,
            Decision.member_id == member_id,
            Decision.state == WAITING,
        )
    )
    if asked is None:
        return
    if asked.act in (EXCLUDE, READMIT):
        out = exclusion_of(work.session, space, member_id, work.now) is not None
        done = out == (asked.act == EXCLUDE)
    else:
        done = _is_so(asked, membership(work, space, member_id))
    if done:
        work.session.delete(asked)


def _is_so(asked: Decision, row: Membership | None) -> bool:
    state = row.state if row else None
    answers = asked.act in ("admit", "decline")
    if answers and (row is None or row.join_iri != asked.about):
        return True  # that is asked no more; another request is another matter
    match asked.act:
        case "admit":
            return state == MembershipState.ACTIVE
        case "role":
            return state != MembershipState.ACTIVE or (row is not None and row.role == asked.role)
        case "invite":
            return state in (MembershipState.INVITED, MembershipState.ACTIVE)
    return state not in (MembershipState.ACTIVE, STANDS[asked.act])


def refuse_decision(session: Session, iri: str, reason: str, at: datetime) -> None:
    """The host has not done what the activity `iri` asked for. The caller commits."""
    asked = session.scalar(select(Decision).where(Decision.iri == iri, Decision.state == WAITING))
    if asked is not None:
        asked.state, asked.reason, asked.at = REFUSED, reason[:500], at


def waiting_in(session: Session, space: Space) -> dict[int, Decision]:
    """What waits for the host of a space, by the number of the person it is about."""
    rows = session.scalars(
        select(Decision).where(Decision.space_id == space.id, Decision.state == WAITING)
    )
    return {row.member_id: row for row in rows}


def refusals_of(
    session: Session, actor: Actor, at: datetime, space: Space | None = None
) -> list[Decision]:
    """What hosts did not do for a facilitator in the last days, the newest first; in one space."""
    wanted = Decision.actor_id == actor.id, Decision.state == REFUSED, Decision.at > at - TOLD
    rows = select(Decision).where(*wanted).order_by(Decision.at.desc(), Decision.id).limit(20)
    if space is not None:
        rows = rows.where(Decision.space_id == space.id)
    return list(session.scalars(rows))
