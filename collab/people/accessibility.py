"""How accessible an instance is: what audits found, never what somebody would like to say.

The state follows from the figures of the newest audit that holds (PRODUCT.md 5.1, R-17; French
decree 2019-768): all criteria met, half of them, or less. Without an audit it is « non conforme ».
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Select, String, Text, select
from sqlalchemy.orm import Mapped, Session, aliased, mapped_column, relationship

from collab.core.db import Base
from collab.core.errors import Invalid, Missing
from collab.core.i18n import N_
from collab.core.work import Work
from collab.people.models import Actor

CRITERIA = {"RGAA 4.1": 106, "WCAG 2.1 AA": 50, "WCAG 2.2 AA": 55}
"""What an audit may be made against, and how many criteria it has."""
YEARS = 3
"""How long an audit says something of a site; then it is to be made again."""
MAX_NAME, MAX_TEXT = 200, 10_000


class Conformity(StrEnum):
    """What a statement says: « non », « partiellement » or « totalement conforme »."""

    NONE = "none"
    PARTIAL = "partial"
    FULL = "full"


class Audit(Base):
    """What one audit found, in criteria. A withdrawn one stays, and counts for nothing."""

    __tablename__ = "accessibility_audit"

    id: Mapped[int] = mapped_column(primary_key=True)
    made_on: Mapped[date]
    made_by: Mapped[str] = mapped_column(String(MAX_NAME))
    reference: Mapped[str] = mapped_column(String(20))
    """A key of `CRITERIA`."""
    met: Mapped[int]
    failed: Mapped[int]
    inapplicable: Mapped[int]
    failures: Mapped[str] = mapped_column(Text, default="")
    """What is not accessible, in words."""
    burden: Mapped[str] = mapped_column(Text, default="")
    """What would be a disproportionate burden, and why."""
    exempt: Mapped[str] = mapped_column(Text, default="")
    """What the law does not ask for."""
    sample: Mapped[str] = mapped_column(Text, default="")
    """The pages that were looked at."""
    means: Mapped[str] = mapped_column(Text, default="")
    """The browsers, assistive technologies and tools it was made with."""
    contact: Mapped[str] = mapped_column(Text, default="")
    """Whom to tell of a barrier; empty: whoever keeps the site."""
    recorded_at: Mapped[datetime]
    recorded_by: Mapped[int] = mapped_column(ForeignKey("actor.id"))
    withdrawn_at: Mapped[datetime | None]
    withdrawn_by: Mapped[int | None] = mapped_column(ForeignKey("actor.id"))

    recorder: Mapped[Actor] = relationship(foreign_keys=recorded_by)

    @property
    def applicable(self) -> int:
        """How many criteria say something of this site."""
        return self.met + self.failed

    @property
    def rate(self) -> int:
        """The share of those that are met, in whole per cent, never rounded up."""
        return self.met * 100 // self.applicable

    @property
    def holds_until(self) -> date:
        """The last day on which it says something of the site."""
        year = self.made_on.year + YEARS
        leap_day = (self.made_on.month, self.made_on.day) == (2, 29)
        return self.made_on.replace(year=year, day=28 if leap_day else self.made_on.day)

    @property
    def found(self) -> Conformity:
        """What its figures come to, whether or not it still holds."""
        if self.failed == 0:
            return Conformity.FULL
        return Conformity.PARTIAL if 2 * self.met >= self.applicable else Conformity.NONE


@dataclass(frozen=True)
class RecordAudit:
    """What an audit found; the three numbers make all the criteria of its reference."""

    made_on: date
    made_by: str
    met: int
    failed: int
    inapplicable: int
    reference: str = "RGAA 4.1"
    failures: str = ""
    burden: str = ""
    exempt: str = ""
    sample: str = ""
    means: str = ""
    contact: str = ""


TEXTS = ("failures", "burden", "exempt", "sample", "means", "contact")


def conformity(audit: Audit | None, today: date) -> Conformity:
    """What the site may say of itself: nothing good without an audit that still holds."""
    if audit is None or today > audit.holds_until:
        return Conformity.NONE
    return audit.found


def newest_audit() -> Select[int]:
    """The id of the audit that counts: the last one made that was not withdrawn."""
    one = aliased(Audit)
    newest_first = (one.made_on.desc(), one.id.desc())
    return select(one.id).where(one.withdrawn_at.is_(None)).order_by(*newest_first).limit(1)


def audits(session: Session) -> list[Audit]:
    """Every audit, withdrawn ones too, the last one made first."""
    return list(session.scalars(select(Audit).order_by(Audit.made_on.desc(), Audit.id.desc())))


def audit_that_counts(session: Session) -> Audit | None:
    """The last audit made that was not withdrawn, however old."""
    return session.scalar(select(Audit).where(Audit.id == newest_audit().scalar_subquery()))


def record_audit(work: Work, given: RecordAudit) -> Audit:
    """Keep what an audit found. That the actor administers the instance is checked before.

    Raises:
        Invalid: a date to come, figures that are not those of all criteria, failures without a
            word on what they are, a text that is too long.
    """
    errors = _mistakes(given, work.now.date())
    if errors:
        raise Invalid(**errors)
    texts = {name: getattr(given, name).strip() for name in TEXTS}
    made = Audit(
        made_on=given.made_on,
        made_by=given.made_by.strip(),
        reference=given.reference,
        met=given.met,
        failed=given.failed,
        inapplicable=given.inapplicable,
        recorded_at=work.now,
        recorded_by=work.actor.id,
        **texts,
    )
    work.add(made)
    return made


def _mistakes(given: RecordAudit, today: date) -> dict[str, str]:
    errors = {
        name: N_("Ce texte est trop long : 10 000 caractères au plus.")
        for name in TEXTS
        if len(getattr(given, name)) > MAX_TEXT
    }
    if given.made_on > today:
        errors["made_on"] = N_("Cette date est à venir. Écrivez le jour où l’audit a été fait.")
    if not given.made_by.strip() or len(given.made_by) > MAX_NAME:
        errors["made_by"] = N_("Dites qui a fait l’audit, en 200 caractères au plus.")
    if given.reference not in CRITERIA:
        errors["reference"] = N_("Choisissez une des réponses.")
    return errors | _miscounted(given)


def _miscounted(given: RecordAudit) -> dict[str, str]:
    counts = (given.met, given.failed, given.inapplicable)
    total = CRITERIA.get(given.reference)
    if min(counts) < 0 or (total is not None and sum(counts) != total):
        return {
            "met": N_(
                "Les trois nombres ensemble doivent faire tous les critères : 106 pour le "
                "RGAA 4.1, 50 pour WCAG 2.1 AA, 55 pour WCAG 2.2 AA."
            )
        }
    if given.met + given.failed == 0:
        return {"met": N_("Aucun critère ne s’applique : ce n’est pas le résultat d’un audit.")}
    if given.failed and not given.failures.strip():
        return {"failures": N_("Des critères ne sont pas respectés : dites ce qui manque.")}
    return {}


def withdraw_audit(work: Work, number: int) -> Audit:
    """Let an audit count for nothing; it stays in the list. Raises Missing."""
    found = _audit(work.session, number)
    if found.withdrawn_at is None:
        found.withdrawn_at, found.withdrawn_by = work.now, work.actor.id
    return found


def restore_audit(work: Work, number: int) -> Audit:
    """Let a withdrawn audit count again. Raises Missing."""
    found = _audit(work.session, number)
    found.withdrawn_at = found.withdrawn_by = None
    return found


def _audit(session: Session, number: int) -> Audit:
    found = session.get(Audit, number)
    if found is None:
        raise Missing(N_("Cet audit n’est pas dans la liste."))
    return found
