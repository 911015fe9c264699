"""The light mode: the same pages without what weighs and is not text (PRODUCT.md 3.16).

Asked for by the reader's settings, or by the browser itself (`Save-Data: on`), unless the settings
say that pages are wanted whole. No picture comes before it is asked for, nothing runs by itself,
lists are cut into shorter pages, and what can be done with a message is on a page of its own.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape
from typing import cast
from urllib.parse import urlsplit

from flask import Flask, request
from flask_babel import gettext
from markupsafe import Markup, escape

from collab.people.logo import logo_of
from collab.web.assets import size_of
from collab.web.display import display
from collab.web.presentation import filesize
from collab.web.view import dbsession

TABLE = re.compile(r"<table(?=[ >])")
WIDE = '<div class="scroll" role="group" tabindex="0" aria-label="{}">'
"""Around a table, which may be wider than its page and is scrolled by itself then."""
TAG = re.compile(r'<(/?a|img)((?: [a-z-]+="[^"]*")*)\s*/?>')
LOGO = re.compile(r"/logo\.([0-9a-f]{12})\.\w+")
ATTRIBUTE = re.compile(r' ([a-z-]+)="([^"]*)"')


def register(app: Flask) -> None:
    """Give templates `light()` and the filter `still`. After what draws the cloths."""
    drawn = cast("Callable[..., str]", app.jinja_env.globals["weave"])
    app.jinja_env.globals.update(
        light=is_light,
        weave=lambda subject, size=48: "" if is_light() else drawn(subject, size),
    )
    app.jinja_env.filters["still"] = still


def is_light() -> bool:
    """Whether this request's reader wants pages that weigh little."""
    chosen = display().light
    asked = request.headers.get("Save-Data", "").strip().lower() == "on"
    return chosen == "on" or (asked and not chosen)


def shorter(usual: int) -> int:
    """How many entries a page of a list has for this reader, if it usually has `usual`."""
    return -(-usual // 2) if is_light() else usual


def still(html: str) -> Markup:
    """Safe HTML as pages show it: what scrolls by itself can be reached by the keyboard, and in
    the light mode a link stands in the place of each picture."""
    html = _reachable(str(html))
    if not is_light():
        return Markup(html)  # noqa: S704 - sanitised when it was written
    in_link = False

    def without(match: re.Match[str]) -> str:
        nonlocal in_link
        if match[1] == "img":
            return _asked_for(match[2], in_link=in_link)
        in_link = match[1] == "a"
        return match[0]

    return Markup(TAG.sub(without, html))  # noqa: S704


def _reachable(html: str) -> str:
    if "<table" in html:
        around = WIDE.format(escape(gettext("Tableau")))
        html = TABLE.sub(lambda found: around + found[0], html).replace(
            "</table>", "</table></div>"
        )
    return html.replace("<pre>", '<pre tabindex="0">')


def _asked_for(attributes: str, *, in_link: bool) -> str:
    """A link to the picture; only its words where it stands in a link already."""
    given = {name: unescape(value) for name, value in ATTRIBUTE.findall(attributes)}
    src, told = given.get("src", ""), given.get("alt", "").strip()
    size = weight(src)
    words = gettext("Voir l’image")
    if size:
        words = gettext("Voir l’image, %(size)s", size=filesize(size))
    if told:
        words = gettext("%(see)s : %(words)s", see=words, words=told)
    if in_link:
        return str(escape(words))
    return str(Markup('<a class="picture" href="{}">{}</a>').format(src, words))


def weight(src: str) -> int:
    """How many bytes a picture of this site has; 0 where that is not known."""
    path = urlsplit(src).path
    if path.startswith("/static/"):
        return size_of(path.removeprefix("/static/"))
    if marked := LOGO.fullmatch(path):
        found = logo_of(dbsession(), marked[1])
        return len(found.body) if found else 0
    return 0
