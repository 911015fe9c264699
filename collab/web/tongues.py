"""In which language a request is answered: asked by the link, chosen, the account's, the browser's.

The list of languages is `collab.core.tongues`.
"""

from __future__ import annotations

from flask import Flask, request, session
from flask_babel import Babel, get_locale
from markupsafe import Markup
from sqlalchemy.exc import SQLAlchemyError

from collab.core.tongues import DEFAULT, Tongue, chain, spoken, tongue, tongue_of_catalogue
from collab.people.models import Account
from collab.web.view import account

ASKED = "langue"
"""What asks for a language in an address: a poster in Arabic leads to `/join?langue=ar`."""

BY_LINK = "locale_by_link"
"""In the session: the language that a link asked for, kept as nobody had chosen one."""


def register(app: Flask) -> None:
    """Set up translation, and the choice of a language for each request."""
    Babel(
        app,
        locale_selector=lambda: tongue(choose_locale()).catalogue,
        default_locale=DEFAULT.catalogue,
        default_timezone="Europe/Paris",
    )
    app.before_request(remember_what_a_link_asked)


def choose_locale() -> str:
    """The code of this request's language, else French."""
    asked = request.args.get(ASKED)
    if spoken(asked):
        return str(asked)
    if spoken(session.get("locale")):
        return str(session["locale"])
    found = _account()
    if found is not None and spoken(found.locale):
        return found.locale
    return _of_the_browser()


def remember_what_a_link_asked() -> None:
    """Keep the language a link asked for, unless this person has already chosen one.

    What an older link asked for is no choice: the newest link counts.
    """
    asked = request.args.get(ASKED)
    if not spoken(asked) or "account_id" in session:
        return
    if "locale" not in session or session.get(BY_LINK) == session["locale"] != asked:
        session["locale"] = session[BY_LINK] = asked


def without_asking(address: str) -> str:
    """The address of a page without the language it asked for: another one has been chosen."""
    path, _, asked = address.partition("?")
    rest = [part for part in asked.split("&") if part and not part.startswith(f"{ASKED}=")]
    return f"{path}?{'&'.join(rest)}" if rest else path


def tongue_here() -> Tongue:
    """The language in which this page is written."""
    found = get_locale()
    return tongue_of_catalogue(str(found)) if found else DEFAULT


def text_language_here() -> str:
    """What somebody who reads this page most likely writes: easy French is a way of French."""
    return chain(tongue_here().code)[-1].code


def lang_attribute(code: str) -> Markup:
    """` lang="ar"` for a text that is not in the language of this page, else nothing (R-12)."""
    foreign = code and code != text_language_here()
    return Markup(' lang="{}"').format(code) if foreign else Markup("")


def text_direction() -> str:
    """Say which way the page's language runs: `ltr` or `rtl`."""
    return tongue_here().direction


def _of_the_browser() -> str:
    """The first language it wants that we speak; `fr-CH` is French (RFC 4647, 3.4)."""
    for wanted, quality in request.accept_languages:
        parts = wanted.lower().split("-") if quality else []
        while parts and not spoken("-".join(parts)):
            parts.pop()
        if parts:
            return "-".join(parts)
    return DEFAULT.code


def _account() -> Account | None:
    try:
        return account()
    except SQLAlchemyError:
        return None
