"""Words of one direction inside a page of the other, kept apart so that signs stay in place.

« عمر · 3 réponses » would be shown with the 3 on the wrong side of the name, « @ines@a.example » on
an Arabic page with its first sign at the end: letters draw what has no direction to their side.
Where an element is at hand, `dir="auto"` says it better; these invisible marks are for titles and
names, for what is filled into sentences, and for attributes, which have no elements.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from flask import Flask
from flask_babel import Domain
from jinja2 import pass_context
from jinja2.runtime import Context
from markupsafe import Markup

from collab.core.tongues import TONGUES
from collab.web.tongues import lang_attribute, text_direction, text_language_here

APART, TOGETHER = "\u2068", "\u2069"
"""FIRST STRONG ISOLATE, POP DIRECTIONAL ISOLATE (Unicode standard annex 9)."""

ORDERS = re.compile("[\u202a-\u202e\u2066-\u2069]")
"""What turns the order of letters around. Nobody's name may do that to the rest of a page."""

FOREIGN = {
    "ltr": re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]"),
    "rtl": re.compile("[A-Za-z\u00c0-\u024f\u0370-\u052f]"),
}
"""The letters that run against a page of this direction."""


def register(app: Flask) -> None:
    """Keep apart what is filled into sentences; say of what language texts are. After Babel."""
    babel = app.extensions["babel"].instance
    babel.domain_instance = Sentences(domain=app.extensions["babel"].default_domain)
    names: dict[str, Any] = app.jinja_env.globals
    translate, count = names["gettext"], names["ngettext"]
    names.update(
        lang_attribute=lang_attribute,
        text_language_here=text_language_here,
        text_languages=[(one.code, one.name) for one in TONGUES if not one.falls_back_to],
    )
    names.update(gettext=_filling(translate), ngettext=_filling(count))


def isolated(text: str) -> str:
    """`text` kept apart when a part of it runs against this page; without orders in any case."""
    plain = ORDERS.sub("", text)
    foreign = FOREIGN[text_direction()].search(plain)
    return f"{APART}{plain}{TOGETHER}" if foreign else plain


class Sentences(Domain):  # type: ignore[misc]
    """Translations that keep apart what is filled into them."""

    def gettext(self, string: str, **values: Any) -> str:
        """The sentence in this request's language."""
        return str(super().gettext(string, **apart(values)))

    def ngettext(self, singular: str, plural: str, num: int, **values: Any) -> str:
        """The form of the sentence that `num` takes in this request's language."""
        return str(super().ngettext(singular, plural, num, **apart(values)))


def _filling(translate: Callable[..., str]) -> Callable[..., str]:
    @pass_context
    def filled(context: Context, *sentence: Any, **values: Any) -> str:
        return translate(context, *sentence, **apart(values))

    return filled


def apart(values: dict[str, Any]) -> dict[str, Any]:
    """What is filled into a sentence, each text of it kept apart where it must be."""
    return {
        name: isolated(value) if isinstance(value, str) and not isinstance(value, Markup) else value
        for name, value in values.items()
    }
