"""The glossary of the instance: who adds a word with its definition, and takes it back."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from collab.core.errors import Conflict, Forbidden, Invalid, Missing
from collab.core.i18n import N_
from collab.core.work import Work
from collab.people.models import Account, AccountRole, Actor
from collab.spaces.models import Membership, MembershipState, Role, Space
from collab.spaces.tools.simple.inputs import AddTerm
from collab.spaces.tools.simple.models import GlossaryTerm
from collab.spaces.tools.simple.queries import added_terms

MAX_WORD = 80
MAX_DEFINITION = 400


def may_define(session: Session, actor: Actor | None) -> bool:
    """Whether somebody may add words: who moderates, or is in charge of a project of here."""
    if actor is None or not actor.local or actor.suspended_at is not None:
        return False
    role = session.scalar(select(Account.role).where(Account.actor_id == actor.id))
    if (role or 0) >= AccountRole.MODERATOR:
        return True
    charge = (
        select(Membership.id)
        .join(Space, Space.id == Membership.space_id)
        .where(
            Membership.actor_id == actor.id,
            Membership.state == MembershipState.ACTIVE,
            Membership.role >= Role.FACILITATOR,
            Space.local,
            Space.deleted_at.is_(None),
        )
    )
    return session.scalar(charge.limit(1)) is not None


def add_term(work: Work, given: AddTerm) -> GlossaryTerm:
    """Give a word a definition, on every project of this instance.

    Raises:
        Forbidden: the actor is in charge of nothing here.
        Invalid: no word or definition, or too long.
        Conflict: somebody added that word already.
    """
    _require(work)
    word, spoken = " ".join(given.word.split()), " ".join(given.spoken.split())
    definition = given.definition.strip()
    wrong = {}
    if not word or len(word) > MAX_WORD:
        wrong["word"] = N_("Écrivez un mot, en 80 caractères au plus.")
    if not definition or len(definition) > MAX_DEFINITION:
        wrong["definition"] = N_("Expliquez ce mot, en 400 caractères au plus.")
    if len(spoken) > MAX_WORD:
        wrong["spoken"] = N_("Écrivez un mot, en 80 caractères au plus.")
    if wrong:
        raise Invalid(**wrong)
    if any(term.word.lower() == word.lower() for term in added_terms(work.session)):
        raise Conflict(N_("Ce mot est déjà dans le glossaire."))
    term = GlossaryTerm(
        word=word, definition=definition, spoken=spoken,
        added_by=work.actor.id, added_at=work.now,
    )  # fmt: skip
    work.session.add(term)
    work.session.flush()
    return term


def remove_term(work: Work, number: int, *, removed: bool = True) -> GlossaryTerm:
    """Take a word out of the glossary, or put it back. Raises Forbidden, Missing."""
    _require(work)
    term = work.session.get(GlossaryTerm, number)
    if term is None:
        raise Missing(N_("Cette page n’existe pas, ou plus."))
    term.removed_at = work.now if removed else None
    return term


def _require(work: Work) -> None:
    if not may_define(work.session, work.session.get(Actor, work.actor.id)):
        raise Forbidden(N_("Seules les personnes référentes peuvent ajouter un mot."))
