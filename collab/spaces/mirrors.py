"""Remote projects as this instance knows them: the row, and what its host says of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select

from collab.core.errors import Forbidden
from collab.core.i18n import N_
from collab.core.work import Work
from collab.people.models import Actor
from collab.spaces.candidates import forget_candidates
from collab.spaces.decisions import echoed
from collab.spaces.events import (
    MemberAdmitted,
    MemberLeft,
    MemberRefused,
    MemberRemoved,
    SpaceRevised,
)
from collab.spaces.membership import membership
from collab.spaces.models import (
    JoinPolicy,
    Membership,
    MembershipState,
    Role,
    Space,
    Visibility,
)
from collab.spaces.operations import MAX_CARD, MAX_NAME

WORDS = {"name": MAX_NAME, "why": MAX_CARD, "who": MAX_CARD, "how": MAX_CARD, "territory": MAX_NAME}


def adopt_space(work: Work, group: Actor, card: Mapping[str, Any]) -> Space:
    """The row of a remote project, made or brought up to date from its host's words.

    `card` has the properties of FEDERATION.md 1.3 and ours (`why`, `who`, `how`, `territory`,
    `inseeCode`, `visibility`, `joinPolicy`, `tools`, `archived`); anything odd is left out, and
    a visibility that is not understood counts as members only.
    """
    space = work.session.scalar(select(Space).where(Space.actor_id == group.id))
    if space is None:
        space = Space(
            actor_id=group.id,
            slug=group.name,
            host=group.host,
            local=False,
            name=group.label,
            tools=[],
            created_at=work.now,
        )
        work.session.add(space)
    describe(space, card)
    work.session.flush()
    return space


def redescribe(work: Work, space: Space, card: Mapping[str, Any]) -> None:
    """A mirror's host says something new of the project; open pages hear of it."""
    describe(space, card)
    space.actor.display_name = space.name
    space.revised_at = work.now
    work.record(SpaceRevised(space_id=space.id, actor_id=work.actor.id))


def describe(space: Space, card: Mapping[str, Any]) -> None:
    """Write the host's words into the row, each within its limits."""
    for name, limit in WORDS.items():
        value = card.get(name)
        if isinstance(value, str) and (value.strip() or name != "name"):
            setattr(space, name, value.strip()[:limit])
    code = card.get("inseeCode")
    space.insee_code = code[:5] if isinstance(code, str) else ""
    shown = card.get("visibility", Visibility.PUBLIC)
    # What is local never travels; a host that says so is not believed further than its members.
    space.visibility = Visibility.PUBLIC if shown == Visibility.PUBLIC else Visibility.MEMBERS
    policy = card.get("joinPolicy")
    known = policy in set(JoinPolicy)
    space.join_policy = str(policy) if known else JoinPolicy.REQUEST
    tools = card.get("tools")
    if isinstance(tools, list):
        space.tools = [str(t)[:40] for t in tools[:20]]
    archived = card.get("archived")
    space.archived_at = _instant(archived) if isinstance(archived, str) else None


def _instant(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else None


def settle_membership(
    work: Work,
    space: Space,
    member: Actor,
    *,
    state: MembershipState,
    role: Role = Role.MEMBER,
    grant_iri: str | None = None,
) -> None:
    """Mirror side: write down what the host of a remote space decided about a member.

    Raises:
        Forbidden: the space is of this instance, where nobody else decides.
    """
    if space.local:
        raise Forbidden(N_("Cela se fait sur l’instance qui héberge le projet."))
    _write(work, space, member, state, role, grant_iri)
    echoed(work, space, member.id)
    if member.local and (state != MembershipState.ACTIVE or role < Role.FACILITATOR):
        forget_candidates(work.session, space)


def _write(
    work: Work,
    space: Space,
    member: Actor,
    state: MembershipState,
    role: Role,
    grant_iri: str | None,
) -> None:
    row = membership(work, space, member.id)
    if row is None:
        row = Membership(space_id=space.id, actor_id=member.id, since=work.now)
        work.session.add(row)
    elif (row.state, row.role, grant_iri or row.grant_iri) == (state, role, row.grant_iri):
        return
    if state == MembershipState.ACTIVE and (row.state, row.role) == (state, role):
        row.grant_iri = grant_iri  # the same place, said anew for another year
        return
    if row.state != state:
        row.since = work.now
    row.state, row.role = state, role
    row.grant_iri = grant_iri or row.grant_iri
    if not member.local:
        row.note = ""  # what they wrote to ask was for whoever decided
    work.session.flush()
    _settled(work, row)


def _settled(work: Work, row: Membership) -> None:
    ids = {"space_id": row.space_id, "actor_id": work.actor.id, "member_id": row.actor_id}
    match row.state:
        case MembershipState.ACTIVE:
            work.record(MemberAdmitted(**ids, role=int(row.role)))
        case MembershipState.REFUSED:
            work.record(MemberRefused(**ids))
        case MembershipState.LEFT:
            work.record(MemberLeft(**ids))
        case MembershipState.REMOVED:
            work.record(MemberRemoved(**ids))
