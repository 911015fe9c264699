"""Invitations by link and QR: whoever holds a valid one may come in."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from collab.core.errors import Missing
from collab.core.i18n import N_
from collab.core.work import Work
from collab.spaces.membership import admit_invited
from collab.spaces.models import Invitation, Membership, Role, Space
from collab.spaces.policy import require, require_hosted_here

ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"
"""Without the signs that people confuse when they copy a card: 0 O 1 l i."""
CODE_LENGTH = 12
LONGEST = 365


@dataclass(frozen=True)
class Invite:
    """`days` is how long the link works; `uses` how many people may use it (0: no limit)."""

    role: Role = Role.MEMBER
    days: int = 30
    uses: int = 0


@dataclass(frozen=True)
class Revoke:
    """Which invitation ends."""

    invitation: int


def invite(work: Work, space: Space, given: Invite) -> Invitation:
    """Make an invitation to a space of this instance.

    Raises:
        Forbidden: the actor is no facilitator, or the space is hosted elsewhere.
    """
    require(work, space, Role.FACILITATOR)
    require_hosted_here(space)
    days = min(max(given.days, 1), LONGEST)
    row = Invitation(
        code=new_code(),
        space_id=space.id,
        role=min(given.role, Role.MEMBER) or Role.MEMBER,
        created_by=work.actor.id,
        created_at=work.now,
        expires_at=work.now + timedelta(days=days),
        uses_left=given.uses if given.uses > 0 else None,
    )
    work.session.add(row)
    work.session.flush()
    return row


def new_code() -> str:
    """An unguessable code (about 59 bits) that can be read aloud and typed."""
    return "".join(secrets.choice(ALPHABET) for _ in range(CODE_LENGTH))


def valid_invitation(session: Session, code: str, at: datetime) -> Invitation:
    """The invitation with that code, typed with or without spaces and hyphens.

    Raises:
        Missing: there is none, or it has ended; which of the two is not said.
    """
    plain = code.replace("-", "").replace(" ", "").lower()
    row = session.scalar(select(Invitation).where(Invitation.code == plain))
    ended = row is None or row.revoked_at or row.uses_left == 0
    if ended or row is None or (row.expires_at and row.expires_at <= at):
        raise Missing(N_("Cette invitation n’existe pas, ou elle n’est plus valable."))
    return row


def accept_invitation(work: Work, code: str) -> Membership | None:
    """Come in with an invitation. None when it invites to the instance and not to a space.

    Raises:
        Missing: the invitation is not valid.
        Conflict: already a member.
    """
    row = valid_invitation(work.session, code, work.now)
    member = None
    if row.space is not None:
        member = admit_invited(work, row.space, Role(row.role), row.created_at)
    row.used += 1
    if row.uses_left is not None:
        row.uses_left -= 1
    return member


def revoke_invitation(work: Work, space: Space, given: Revoke) -> None:
    """End an invitation at once.

    Raises:
        Forbidden: the actor is no facilitator.
        Missing: the space has no such invitation.
    """
    require(work, space, Role.FACILITATOR)
    row = work.session.get(Invitation, given.invitation)
    if row is None or row.space_id != space.id:
        raise Missing(N_("Cette invitation n’existe pas, ou elle n’est plus valable."))
    row.revoked_at = row.revoked_at or work.now
