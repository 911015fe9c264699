"""Who has which place in a project, in ForgeFed's words (FEDERATION.md 1.4).

First level only: no delegation. What decides is the host's own table of members; a Grant says
what stands in it, for a year, and is said anew before that.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from sqlalchemy import select

from collab.federation.facts import Facts
from collab.federation.log import CONTEXT, stamp
from collab.people.models import Actor
from collab.spaces import events as happened
from collab.spaces.decisions import Decision
from collab.spaces.models import Membership, Role
from collab.spaces.tool import Json

ROLE_NAMES = {Role.READER: "visit", Role.MEMBER: "report", Role.FACILITATOR: "admin"}
"""Our roles in ForgeFed's words: what we say."""
ROLES = {"report": Role.MEMBER, "triage": Role.MEMBER, "write": Role.MEMBER,
         "maintain": Role.MEMBER, "admin": Role.FACILITATOR}  # fmt: skip
"""ForgeFed's roles in ours: what we understand, never more than was said (docs/adr/0016)."""
LASTS = timedelta(days=365)
REPLACED = "replaced"
"""The `summary` of a Revoke after which the member is still one, by another Grant."""
GRANTING = happened.MemberAdmitted | happened.RoleChanged | happened.GrantRenewed


def _row(facts: Facts, member: Actor) -> Membership | None:
    return facts.session.scalar(
        select(Membership).where(
            Membership.space_id == facts.space.id, Membership.actor_id == member.id
        )
    )


def role_named(said: object) -> Role:
    """Our role for a role of ForgeFed; what is not known lets read and nothing else."""
    return ROLES.get(said, Role.READER) if isinstance(said, str) else Role.READER


def granted(facts: Facts) -> Json | None:
    """The Grant that a membership event is told as, by the project itself."""
    event, space, member = facts.event, facts.space, facts.member()
    assert isinstance(event, GRANTING)
    row = _row(facts, member)
    if row is None or row.grant_iri is None:
        return None
    told = facts.envelope("Grant", space.iri, f"{row.grant_iri}#{facts.row.id}")
    told |= {
        "object": ROLE_NAMES[Role(event.role)],
        "context": space.iri,
        "target": member.iri,
        "allows": "invoke",
        "startTime": stamp(facts.row.at),
        "endTime": stamp(facts.row.at + LASTS),
    }
    return told | ({"fulfills": row.join_iri} if row.join_iri else {})


def revoked(facts: Facts) -> Json:
    """The Revoke of the Grant of whoever is no member any more."""
    member, space = facts.member(), facts.space
    state = "left" if isinstance(facts.event, happened.MemberLeft) else "removed"
    told = facts.envelope("Revoke", space.iri, f"{space.iri}/a/{facts.row.id}#revoke")
    told |= {"context": space.iri, "target": member.iri, "summary": state}
    row = _row(facts, member)
    told["object"] = (row and row.grant_iri) or member.iri
    return told | ({"fulfills": facts.row.cause} if facts.row.cause else {})


def besides(facts: Facts) -> Iterator[tuple[Actor, Json]]:
    """What else a remote member hears directly, and who says it, before the log's own word."""
    event, member = facts.event, facts.member()
    match event:
        case happened.MemberInvited():
            row = _row(facts, member)
            if row is not None and row.join_iri:
                speaker = facts.actor if facts.actor.local else facts.space.actor
                yield speaker, _invitation(facts, speaker, row)
        case happened.MemberRemoved():
            if facts.actor.local:  # who is elsewhere has said so to us alone, and signs alone
                yield facts.actor, _removal(facts, member)
        case happened.MemberExcluded() if event.follow_iri:
            yield facts.space.actor, _followed_no_more(facts, member, event.follow_iri)
        case happened.RoleChanged() | happened.GrantRenewed() if event.former:
            yield facts.space.actor, _replaced(facts, member, event.former)


def _direct(facts: Facts, speaker: Actor, member: Actor, verb: str, iri: str) -> Json:
    return {
        "@context": CONTEXT,
        "id": iri,
        "type": verb,
        "actor": speaker.iri,
        "to": [member.iri],
        "cc": [facts.space.iri],
        "published": stamp(facts.row.at),
    }


def _invitation(facts: Facts, speaker: Actor, row: Membership) -> Json:
    """In the facilitator's name; in the project's, for one of elsewhere, whose own Invite it
    fulfils: an instance is invited to a project by that project's instance alone."""
    told = _direct(facts, speaker, row.actor, "Invite", str(row.join_iri)) | {
        "object": row.actor.iri,
        "target": facts.space.iri,
        "instrument": ROLE_NAMES[Role(row.role)],
    }
    return told if facts.actor.local else told | {"fulfills": facts.row.cause}


def decided(facts: Facts) -> Json | None:
    """What a facilitator of here asks the host of a project to decide about somebody."""
    event = facts.event
    assert isinstance(event, happened.DecisionAsked)
    asked = facts.session.get(Decision, event.decision_id)
    if asked is None:
        return None
    member, group, role = facts.member().iri, facts.space.iri, ROLE_NAMES[Role(asked.role)]
    grant = {"type": "Grant", "object": role, "context": group, "target": member}
    block = {"type": "Block", "object": member, "target": group}
    ending = {"endTime": stamp(datetime.fromisoformat(event.until))} if event.until else {}
    lifted = block | {"id": asked.about, "actor": facts.actor.iri}
    told: dict[str, Json] = {
        "exclude": block | {"summary": event.reason} | ending,
        "readmit": {"type": "Undo", "object": lifted},
        "admit": {"type": "Accept", "object": asked.about, "instrument": role},
        "decline": {"type": "Reject", "object": asked.about},
        "role": {"type": "Offer", "object": grant, "target": group},
        "remove": {"type": "Remove", "object": member, "target": group},
        "invite": {"type": "Invite", "object": member, "target": group, "instrument": role},
    }
    return {"id": asked.iri} | told[asked.act]


def _removal(facts: Facts, member: Actor) -> Json:
    iri = f"{facts.space.iri}/a/{facts.row.id}#remove"
    told = _direct(facts, facts.actor, member, "Remove", iri)
    return told | {"object": member.iri, "target": facts.space.iri}


def _followed_no_more(facts: Facts, member: Actor, follow: str) -> Json:
    """The Reject of the Follow of somebody who is excluded: their server stops waiting for news.

    Most other software knows no Block by a project, and takes a late Reject as the end.
    """
    iri = f"{facts.space.iri}/a/{facts.row.id}#reject"
    told = _direct(facts, facts.space.actor, member, "Reject", iri)
    asked = {"id": follow, "type": "Follow", "actor": member.iri, "object": facts.space.iri}
    return told | {"object": asked}


def _replaced(facts: Facts, member: Actor, former: str) -> Json:
    """The Revoke of a Grant in whose place there is another; the member stays one."""
    iri = f"{facts.space.iri}/a/{facts.row.id}#replaced"
    told = _direct(facts, facts.space.actor, member, "Revoke", iri)
    about = {"object": former, "context": facts.space.iri, "target": member.iri}
    return told | about | {"summary": REPLACED}


def answer_of(facts: Facts, *, accepted: bool) -> Json:
    """What one of ours answers to an Invite, for the project's host."""
    row = _row(facts, facts.actor)
    verb = "Accept" if accepted else "Reject"
    iri = f"{facts.actor.iri}#{verb.lower()}-{facts.row.id}"
    return {"id": iri, "type": verb, "object": row.join_iri if row else None}
