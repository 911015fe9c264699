"""The logo of an instance: one picture in the place of its cloth, with words that say the same."""

from __future__ import annotations

import hashlib
from datetime import datetime

from sqlalchemy import ForeignKey, LargeBinary, String, delete, false, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from collab.core.db import Base
from collab.core.errors import Invalid, Missing
from collab.core.i18n import N_
from collab.core.pictures import Logo as Drawing
from collab.core.work import Work

MAX_WORDS = 120
KEPT = 4
"""How many are kept, so that a change can be undone."""
ENDINGS = {"image/png": "png", "image/webp": "webp"}


class Logo(Base):
    """A logo as we drew it (core.pictures). At most one is shown; a new one is looked at first."""

    __tablename__ = "logo"

    id: Mapped[int] = mapped_column(primary_key=True)
    mark: Mapped[str] = mapped_column(String(12), index=True)
    """What tells it from others in an address that is kept for ever."""
    words: Mapped[str] = mapped_column(String(MAX_WORDS))
    """What is read aloud in its place."""
    kind: Mapped[str] = mapped_column(String(20))
    width: Mapped[int]
    height: Mapped[int]
    shown: Mapped[bool] = mapped_column(default=False)
    added_at: Mapped[datetime]
    added_by: Mapped[int] = mapped_column(ForeignKey("actor.id"))
    body: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
    icon_small: Mapped[bytes | None] = mapped_column(LargeBinary, deferred=True)
    """A square of 192 points for telephones, and one of 512; none of what is no square."""
    icon_large: Mapped[bytes | None] = mapped_column(LargeBinary, deferred=True)
    square: Mapped[bool] = mapped_column(default=False)

    @property
    def url(self) -> str:
        """Where its picture is."""
        return f"/logo.{self.mark}.{ENDINGS[self.kind]}"


def shown_logo(session: Session) -> Logo | None:
    """The logo that pages show, if they show one."""
    return session.scalar(select(Logo).where(Logo.shown))


def logos(session: Session) -> list[Logo]:
    """Those that are kept, the newest first."""
    return list(session.scalars(select(Logo).order_by(Logo.id.desc())))


def logo_of(session: Session, mark: str) -> Logo | None:
    """The logo with that mark."""
    return session.scalar(select(Logo).where(Logo.mark == mark).limit(1))


def propose_logo(work: Work, drawing: Drawing, words: str) -> Logo:
    """Keep a logo without showing it yet. That the actor administers the site is checked before.

    Raises:
        Invalid: no words that say the same as the picture (R-02, WCAG 1.1.1), or too many.
    """
    told = " ".join(words.split())
    if not told or len(told) > MAX_WORDS:
        raise Invalid(
            words=N_("Dites en quelques mots ce que montre le logo, en 120 caractères au plus.")
        )
    icons = drawing.icons or (None, None)
    made = Logo(
        mark=hashlib.sha256(drawing.body + told.encode()).hexdigest()[:12],
        words=told,
        kind=drawing.kind,
        width=drawing.width,
        height=drawing.height,
        body=drawing.body,
        icon_small=icons[0],
        icon_large=icons[1],
        square=bool(drawing.icons),
        added_at=work.now,
        added_by=work.actor.id,
    )
    work.add(made)
    kept = select(Logo.id).order_by(Logo.id.desc()).limit(KEPT).subquery()
    old = Logo.id.not_in(select(kept.c.id))
    work.session.execute(delete(Logo).where(old, Logo.shown == false()))
    return made


def show_logo(work: Work, number: int) -> Logo:
    """Show this one on every page. Raises Missing."""
    found = work.session.get(Logo, number)
    if found is None:
        raise Missing(N_("Ce logo n’est plus gardé. Envoyez-le de nouveau."))
    hide_logo(work)
    found.shown = True
    return found


def hide_logo(work: Work) -> None:
    """Show the cloth of the instance again; logos stay kept."""
    work.session.execute(update(Logo).where(Logo.shown).values(shown=False))
