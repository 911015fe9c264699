"""Suspending somebody, of here or of elsewhere, and lifting it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from collab.core.errors import Conflict, Forbidden, Missing
from collab.core.i18n import N_
from collab.core.work import Work
from collab.people.models import Account, AccountRole, Actor, ActorKind
from collab.people.queries import account_of

SILENCE = "silence"
"""The kind of the job that drops what a suspended person still had to send, and tells others."""
UNKNOWN = N_("Cette personne n’est pas connue ici.")


@dataclass(frozen=True)
class Sanction:
    """Whom it is about, by actor id."""

    person: int


def suspend(work: Work, given: Sanction) -> Actor:
    """Let somebody do nothing here any more: sessions and sockets end, their texts are hidden.

    Nothing is deleted, and lifting it shows everything again. Doing it twice is doing it once.

    Raises:
        Missing: nobody like that is known here.
        Forbidden: the actor looks not after this instance, or not after this person.
        Conflict: it is themselves.
    """
    person = _whom(work, given)
    if person.suspended_at:
        return person
    person.suspended_at = work.now
    account = account_of(work.session, person.id) if person.local else None
    if account is not None:
        account.epoch += 1
        work.later(SILENCE, {"actor": person.id})
    return person


def lift(work: Work, given: Sanction) -> Actor:
    """End a suspension. Raises as `suspend` does."""
    person = _whom(work, given)
    if person.suspended_at is not None and person.local:
        work.later(SILENCE, {"actor": person.id})
    person.suspended_at = None
    return person


def _whom(work: Work, given: Sanction) -> Actor:
    person = work.session.get(Actor, given.person)
    if person is None or person.kind != ActorKind.PERSON or person.deleted_at:
        raise Missing(UNKNOWN)
    own = account_of(work.session, work.actor.id)
    if own is None or own.ended or own.role < AccountRole.MODERATOR:
        raise Forbidden(N_("Seules les personnes qui administrent ce site peuvent faire cela."))
    if person.id == work.actor.id:
        raise Conflict(N_("On ne se suspend pas soi-même."))
    theirs: Account | None = account_of(work.session, person.id)
    if theirs is not None and theirs.role >= own.role:
        raise Forbidden(N_("Cette personne administre aussi ce site."))
    return person


def suspended(session: Session, *, limit: int = 200) -> Sequence[Actor]:
    """Who is suspended, the last first."""
    return session.scalars(
        select(Actor)
        .where(Actor.suspended_at.is_not(None))
        .order_by(Actor.suspended_at.desc(), Actor.id)
        .limit(limit)
    ).all()
