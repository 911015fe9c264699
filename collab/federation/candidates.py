"""Who asks to join a project or was invited to it, told to its facilitators of elsewhere (1.4).

`<group>/requests` is no public collection: the project says `Add` and `Remove` of it to those who
decide, wherever they live, and to nobody else.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import select

from collab.federation.facts import Facts
from collab.federation.grants import ROLE_NAMES
from collab.federation.log import CONTEXT, stamp
from collab.spaces import events as happened
from collab.spaces.candidates import WAITING
from collab.spaces.hiding import unheard
from collab.spaces.models import Membership, MembershipState, Role, Space
from collab.spaces.policy import facilitators
from collab.spaces.tool import Json

REQUESTS = "/requests"
BEGUN = (happened.MemberAsked, happened.MemberInvited)
ENDED = (happened.MemberRefused, happened.InvitationDeclined, happened.RequestWithdrawn)
RAISED = (happened.MemberAdmitted, happened.RoleChanged)


def news(facts: Facts) -> Iterator[tuple[Json, list[str]]]:
    """What an event in a project of ours changes of who waits: the activity, and the inboxes."""
    event = facts.event
    if not isinstance(event, RAISED + BEGUN + ENDED):
        return
    inboxes = _facilitators(facts)
    if isinstance(event, RAISED):
        new = facts.member()
        if new.inbox in inboxes:
            for asking in _waiting(facts):
                yield _told(facts, "Add", asking, f"asks-{asking.id}"), [new.inbox]
    elif inboxes:
        who = event.actor_id if isinstance(event, happened.MemberAsked) else event.member_id
        row = facts.session.scalar(
            select(Membership).where(
                Membership.space_id == facts.space.id, Membership.actor_id == who
            )
        )
        if row is None or not row.join_iri:
            return
        begun = isinstance(event, BEGUN)
        if begun == (row.state in WAITING):
            yield _told(facts, "Add" if begun else "Remove", row, "asks"), inboxes


def _facilitators(facts: Facts) -> list[str]:
    """One inbox for each other instance that somebody looks after the project from."""
    people = list(facts.session.scalars(facilitators(facts.space, local=False)))
    return sorted({person.host: person.inbox for person in reversed(people)}.values())


def _waiting(facts: Facts) -> list[Membership]:
    waits = select(Membership).where(
        Membership.space_id == facts.space.id,
        Membership.state.in_(WAITING),
        Membership.join_iri.is_not(None),
        Membership.actor_id.not_in(unheard()),
    )
    return list(facts.session.scalars(waits.order_by(Membership.id).limit(500)))


def _told(facts: Facts, verb: str, row: Membership, word: str) -> Json:
    space = facts.space
    return {
        "@context": CONTEXT,
        "id": f"{space.iri}/a/{facts.row.id}#{word}",
        "type": verb,
        "actor": space.iri,
        "to": [f"{space.iri}/moderators"],
        "cc": [],
        "object": _request(space, row) if verb == "Add" else row.join_iri,
        "target": space.iri + REQUESTS,
        "published": stamp(facts.row.at),
    }


def _request(space: Space, row: Membership) -> Json:
    common = {"id": row.join_iri, "published": stamp(row.since)}
    if row.state == MembershipState.INVITED:
        named = {"object": row.actor.iri, "target": space.iri}
        return common | {"type": "Invite", "instrument": ROLE_NAMES[Role(row.role)]} | named
    asked = {"type": "Join", "actor": row.actor.iri, "object": space.iri}
    return common | asked | ({"content": row.note} if row.note else {})
