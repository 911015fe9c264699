"""How somebody wants pages to look: chosen without an account, kept in their browser alone.

A cookie of its own holds the choices, not the session: it is set only when something is chosen, it
survives logging in and out, it asks nothing of the database, and so it also holds on the login page
and on the pages that say that something failed. Nothing in it says who somebody is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from urllib.parse import parse_qsl, urlencode

from flask import Response, current_app, request
from markupsafe import Markup, escape

COOKIE = "affichage"
YEAR = 31_536_000

CHOICES: Mapping[str, tuple[str, ...]] = {
    "size": ("", "large", "larger", "largest"),
    "spacing": ("", "wide", "wider"),
    "contrast": ("", "high"),
    "theme": ("", "light", "dark"),
    "font": ("", "easy"),
    "motion": ("", "none"),
    "light": ("", "on", "off"),
}
"""What may be chosen. Empty: as the site or the device has it."""


@dataclass(frozen=True)
class Display:
    """The choices of one reader; empty ones are left to the site and to the device."""

    size: str = ""
    spacing: str = ""
    contrast: str = ""
    theme: str = ""
    font: str = ""
    motion: str = ""
    light: str = ""
    """`on`: the light mode, which leaves out what weighs and is not text; `off`: never, even if the
    browser asks for it."""

    @classmethod
    def of(cls, told: Mapping[str, str]) -> Display:
        """The choices named in `told`; whatever is not offered is left out."""
        return cls(**{n: told[n] for n, offered in CHOICES.items() if told.get(n) in offered})

    @property
    def chosen(self) -> dict[str, str]:
        """What differs from how the site looks by itself."""
        values = {field.name: str(getattr(self, field.name)) for field in fields(self)}
        return {name: value for name, value in values.items() if value}

    @property
    def attributes(self) -> Markup:
        """What `<html>` carries, so that the style sheet can do the rest."""
        return Markup("").join(
            Markup(' data-{}="{}"').format(name, escape(value))
            for name, value in self.chosen.items()
        )


def display() -> Display:
    """The choices of this request's reader."""
    return Display.of(dict(parse_qsl(request.cookies.get(_name(), "")[:200])))


def keep(response: Response, chosen: Display) -> None:
    """Let the browser remember these choices for a year; forget them when there are none."""
    secure = bool(current_app.config["SESSION_COOKIE_SECURE"])
    if chosen.chosen:
        response.set_cookie(
            _name(), urlencode(chosen.chosen), max_age=YEAR, secure=secure, httponly=True,
            samesite="Lax",
        )  # fmt: skip
    elif _name() in request.cookies:
        response.delete_cookie(_name(), secure=secure, httponly=True, samesite="Lax")


def _name() -> str:
    secure = bool(current_app.config["SESSION_COOKIE_SECURE"])
    return f"__Host-{COOKIE}" if secure else COOKIE
