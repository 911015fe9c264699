"""The colour of an instance: its administrators choose it, what could not be read is refused."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from sqlalchemy import String
from sqlalchemy.orm import Mapped, Session, mapped_column

from collab.core.colour import contrast, is_legible, nearest_legible, parse_colour
from collab.core.db import Base
from collab.core.errors import Invalid
from collab.core.i18n import N_
from collab.core.work import Work

GROUNDS = {
    "brand": ("#f7f1e4", "#fffdf8", "#eee5d3"),
    "brand_dark": ("#17151b", "#211e27", "#2c2833"),
}
"""What links and buttons lie on (`--paper`, `--card`, `--sunk`), in light and in the dark."""
USUAL = {"brand": "#0b5759", "brand_dark": "#7fd1c7"}
"""The colours of the style sheet itself."""
ON = ("#ffffff", "#0b1718")
"""Words on a button: the one of them that is read better."""
ONLY = 1


class Look(Base):
    """The one row of an instance that has a colour of its own."""

    __tablename__ = "look"

    id: Mapped[int] = mapped_column(primary_key=True)
    brand: Mapped[str] = mapped_column(String(7))
    """The colour of links and buttons in light, `#rrggbb`."""
    brand_dark: Mapped[str] = mapped_column(String(7))
    """The same in the dark."""


@dataclass(frozen=True)
class ReviseLook:
    """New colours; both empty: those of the style sheet. An empty dark one follows the other."""

    brand: str = ""
    brand_dark: str = ""


def look_of(session: Session) -> Look | None:
    """The colours of this instance, if it has its own."""
    return session.get(Look, ONLY)


def legible_look(given: ReviseLook) -> ReviseLook:
    """The colours that are nearest to the given ones and can be read wherever they stand (R-09)."""
    light = parse_colour(given.brand) or USUAL["brand"]
    dark = parse_colour(given.brand_dark) or light
    return ReviseLook(
        nearest_legible(light, GROUNDS["brand"]), nearest_legible(dark, GROUNDS["brand_dark"])
    )


def revise_look(work: Work, given: ReviseLook) -> None:
    """Change the colours of the instance. That the actor administers it is checked before.

    Raises:
        Invalid: not a colour, or one that cannot be read on the grounds of pages: less than
            4.5:1 (WCAG 1.4.3). `legible_look` has the nearest that can.
    """
    row = look_of(work.session)
    if not given.brand.strip() and not given.brand_dark.strip():
        if row is not None:
            work.session.delete(row)
        return
    errors = {}
    for name in ("brand", "brand_dark"):
        told = getattr(given, name).strip()
        colour = parse_colour(told)
        if told and not colour:
            errors[name] = N_("Écrivez la couleur comme ceci : #0b5759.")
        elif colour and not is_legible(colour, GROUNDS[name]):
            errors[name] = N_(
                "Cette couleur se lit mal sur le fond des pages. La plus proche qui se lit bien "
                "est proposée plus bas."
            )
    if errors:
        raise Invalid(**errors)
    chosen = legible_look(given)
    if row is None:
        row = Look(id=ONLY)
        work.session.add(row)
    row.brand, row.brand_dark = chosen.brand, chosen.brand_dark


def words_on(colour: str) -> str:
    """The colour of words on a button of this colour."""
    return max(ON, key=lambda words: contrast(words, colour))


def mark_of(look: Look) -> str:
    """What tells these colours from others in an address that is kept for ever."""
    return hashlib.sha256(f"{look.brand}{look.brand_dark}".encode()).hexdigest()[:12]


def sheet_of(look: Look) -> str:
    """The style sheet that puts these colours in the place of the usual ones.

    High contrast keeps its own colours, however it was asked for.
    """
    light = f"--brand:{look.brand};--on-brand:{words_on(look.brand)}"
    dark = f"--brand:{look.brand_dark};--on-brand:{words_on(look.brand_dark)}"
    plain = ":not([data-contrast=high])"
    return (
        "@media not all and (prefers-contrast:more){"
        f":root{plain}{{{light}}}"
        f"@media (prefers-color-scheme:dark){{:root{plain}:not([data-theme=light]){{{dark}}}}}"
        f":root[data-theme=dark]{plain}{{{dark}}}}}"
    )
