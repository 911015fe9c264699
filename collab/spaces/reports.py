"""Reports: somebody says that a text is not right, and people in charge answer them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from collab.core.errors import Conflict, Forbidden, Invalid, Missing, TooMany
from collab.core.i18n import N_
from collab.core.work import Work, new_uid
from collab.people.models import AccountRole, Actor
from collab.people.queries import account_of
from collab.spaces.models import Item, Report, Role, Space
from collab.spaces.policy import facilitators, may_read, role_of

REASONS = {
    "insult": N_("C’est blessant : insulte, moquerie, menace"),
    "private": N_("Cela dit des choses privées sur quelqu’un"),
    "spam": N_("C’est de la publicité, ou toujours la même chose"),
    "illegal": N_("C’est contraire à la loi"),
    "other": N_("Autre chose"),
}
"""Why a text is reported, in words for everybody (French source strings)."""
MAX_WORDS = 2000
MOST_A_DAY = 20
"""Reports one person can make in a day."""
FLAG = "flag"
"""The kind of the job that tells other instances."""


@dataclass(frozen=True)
class MakeReport:
    """What is wrong with a text: a reason of REASONS, and words, which may stay empty."""

    reason: str
    words: str = ""


@dataclass(frozen=True)
class CloseReport:
    """What the person who closes a report says to the one who made it."""

    answer: str


def make_report(work: Work, space: Space, item: Item, given: MakeReport) -> Report:
    """Tell the facilitators of a project that a text in it is not right.

    Who looks after the project on another instance, or after its author, is told too, without
    the reporter's name (R37); that goes out after this work has committed.

    Raises:
        Missing: the text is not for this person.
        Invalid: no such reason; too many words.
        Conflict: it is their own, or they have reported it already.
        TooMany: more than MOST_A_DAY today.
    """
    reporter = work.session.get(Actor, work.actor.id)
    if reporter is None or item.space_id != space.id or not may_read(work.session, space, reporter):
        raise Missing(N_("Cette page n’existe pas, ou plus."))
    if reporter.suspended_at or reporter.deleted_at:
        raise Forbidden(N_("Ce compte est suspendu."))
    _check(given)
    if item.author_id == reporter.id:
        raise Conflict(N_("C’est votre propre texte : vous pouvez le modifier ou l’effacer."))
    _check_number(work, item)
    row = Report(
        uid=new_uid(),
        space_id=space.id,
        item_id=item.id,
        item_iri=item.iri,
        author_id=item.author_id,
        reporter_id=reporter.id,
        reason=given.reason,
        words=given.words.strip(),
        created_at=work.now,
    )
    work.session.add(row)
    work.session.flush()
    if not space.local or not item.author.local:
        work.later(FLAG, {"report": row.id})
    return row


def _check(given: MakeReport) -> None:
    errors = {}
    if given.reason not in REASONS:
        errors["reason"] = N_("Choisissez une des réponses.")
    if len(given.words) > MAX_WORDS:
        errors["words"] = N_("C’est trop long : 2 000 caractères au plus.")
    if given.reason == "other" and not given.words.strip():
        errors["words"] = N_("Dites en quelques mots ce qui ne va pas.")
    if errors:
        raise Invalid(**errors)


def _check_number(work: Work, item: Item) -> None:
    own = Report.reporter_id == work.actor.id
    open_one = select(Report.id).where(own, Report.item_id == item.id, Report.state == "open")
    if work.session.scalar(open_one.limit(1)) is not None:
        raise Conflict(N_("Vous l’avez déjà signalé. Une personne va le lire."))
    recent = select(func.count()).where(own, Report.created_at > work.now - timedelta(days=1))
    if (work.session.scalar(recent) or 0) >= MOST_A_DAY:
        raise TooMany(N_("Vous avez beaucoup signalé aujourd’hui. Reprenez demain."))


def close_report(work: Work, row: Report, given: CloseReport) -> Report:
    """Close a report with a word to whoever made it. Closing twice is nothing.

    Raises:
        Forbidden: the actor looks neither after the project nor after this instance.
        Invalid: no word, or too many.
    """
    actor = work.session.get_one(Actor, work.actor.id)
    if not may_handle(work.session, row, actor):
        raise Forbidden(N_("Seules les personnes référentes du projet peuvent faire cela."))
    answer = given.answer.strip()
    if not answer or len(answer) > MAX_WORDS:
        raise Invalid(
            answer=N_("Dites en un mot ce que vous avez décidé ; 2 000 caractères au plus.")
        )
    if row.state == "open":
        row.state, row.answer = "closed", answer
        row.closed_at, row.closed_by = work.now, actor.id
    return row


def answers_read(work: Work, rows: Sequence[Report]) -> None:
    """Note that the reporter has read the answers to these reports of theirs."""
    for row in rows:
        if row.reporter_id == work.actor.id and row.state == "closed":
            row.seen_at = row.seen_at or work.now


# Who reads what


def oversees(session: Session, actor: Actor | None) -> bool:
    """Whether somebody looks after this instance: moderation or administration."""
    account = account_of(session, actor.id) if actor and actor.local else None
    return account is not None and not account.ended and account.role >= AccountRole.MODERATOR


def may_handle(session: Session, row: Report, actor: Actor | None) -> bool:
    """Whether somebody may read a report and close it."""
    if actor is None or actor.suspended_at:
        return False
    if oversees(session, actor):
        return True
    return row.space is not None and role_of(session, row.space, actor.id) >= Role.FACILITATOR


def report_for(session: Session, uid: str, actor: Actor | None) -> Report:
    """The report with that public id, for those who may handle it. Raises Missing."""
    row = session.scalar(select(Report).where(Report.uid == uid))
    if row is None or not may_handle(session, row, actor):
        raise Missing(N_("Cette page n’existe pas, ou plus."))
    return row


def reports(
    session: Session, space: Space | None, state: str, *, limit: int, offset: int = 0
) -> Sequence[Report]:
    """The reports about a project (None: about all), the oldest open first, newest closed first.

    Who may read them is the caller's to check.
    """
    wanted = select(Report).where(Report.state == state)
    if space is not None:
        wanted = wanted.where(Report.space_id == space.id)
    order = Report.id if state == "open" else Report.id.desc()
    return session.scalars(wanted.order_by(order).limit(limit).offset(offset)).all()


def open_reports(session: Session, space: Space | None = None) -> int:
    """How many reports wait for an answer, about a project or about all."""
    wanted = select(func.count(Report.id)).where(Report.state == "open")
    if space is not None:
        wanted = wanted.where(Report.space_id == space.id)
    return session.scalar(wanted) or 0


def reports_by(session: Session, actor: Actor, *, limit: int = 100) -> Sequence[Report]:
    """What somebody has reported, the newest first."""
    return session.scalars(
        select(Report).where(Report.reporter_id == actor.id).order_by(Report.id.desc()).limit(limit)
    ).all()


def answers_for(session: Session, actor: Actor) -> int:
    """How many answers to their reports somebody has not read yet."""
    wanted = select(func.count(Report.id)).where(
        Report.reporter_id == actor.id, Report.state == "closed", Report.seen_at.is_(None)
    )
    return session.scalar(wanted) or 0


def readers_of(session: Session, space: Space) -> list[Actor]:
    """The facilitators of a project who have an account here, and will read a report about it."""
    return list(session.scalars(facilitators(space, local=True).limit(20)))
