"""Pages as they are at one moment only: after an act, with a form refused, on a first day."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from conftest import PASSWORD
from weight.corners import EMPTY
from weight.ground import Ground


@dataclass(frozen=True)
class Moment:
    """What a reader sees who opens `path`, or sends a form to it."""

    state: str
    reader: str
    path: str
    sent: dict[str, str] | None = None
    status: int = 200
    shows: str = field(default="main h1", kw_only=True)
    """What has to be there, so that it is this moment indeed."""

    def __str__(self) -> str:
        return f"{self.path} {self.state}"


NOTICE = "main #notices .alert"
MENDED = "[aria-invalid=true], .wrong[aria-describedby]"
"""A field, or a group of them, that says what is wrong with it."""


def moments(there: Ground) -> Iterator[Moment]:
    """All of them on an instance that is in use, in the order in which they happen."""
    yield from refused(there)
    yield from done(there)
    yield from gone(there)
    for path in ("", "/discussion/", "/pages/", "/simple/", "/members", "/federation"):
        yield Moment("empty", "eve", f"/p/{EMPTY}{path}", shows="main")
    for path in ("/", "/news", "/depuis", "/account", "/account/reports", "/search?q=introuvable"):
        yield Moment("on a first day", "eve", path)


def refused(there: Ground) -> Iterator[Moment]:
    """Forms come back with what is to be mended."""
    thread, document = there.seeds[:2]
    other = {"title": "Autre", "source": "Tout autre chose.", "base": "0" * 68, "read": "1"}
    for reader, path, sent in (
        ("", "/login", {"alias": "personne", "password": "rien du tout"}),
        ("", "/register", {"alias": "a b", "password": "x"}),
        ("", "/recover", {"alias": "personne", "code": "x", "password": "x"}),
        ("zoe", "/oidc/ecole/register", {"alias": "a b"}),
        ("bob", "/account/profile", {"display_name": "x" * 200}),
        ("bob", "/account/password", {"old": "x", "new": "x"}),
        ("bob", "/account/former", {"address": "x"}),
        ("bob", "/p/jardin/discussion/new", {"title": "", "body": ""}),
        ("bob", thread, {"body": ""}),
        ("bob", "/p/jardin/pages/new", {"title": "", "source": ""}),
        ("bob", there.seed("/poll/"), {}),
        ("bob", f"/p/jardin/report/{thread.split('/')[-2]}", {}),
        ("ada", "/glossaire", {"word": "", "definition": ""}),
        ("ada", "/spaces/new", {"name": ""}),
        ("ada", "/spaces/elsewhere", {"address": "x"}),
        ("ada", "/p/jardin/settings", {"name": ""}),
        ("ada", "/p/jardin/invitations/person", {"person": ""}),
        ("ada", "/p/jardin/pages/import", {}),
        ("ada", "/p/jardin/simple/new", {"title": "", "body": "", "act": "save"}),
        ("ada", "/admin", {"name": ""}),
        ("ada", "/admin/peers", {"url": "x"}),
        ("ada", "/admin/look", {"brand": "#ffff00", "brand_dark": "#000000"}),
        ("ada", "/admin/look/logo", {"words": ""}),
        ("ada", "/admin/accessibilite", {}),
    ):
        yield Moment("refused", reader, path, sent, 422, shows=MENDED)
    phrase = there.seed("/phrase").partition("?")[0]
    yield Moment("refused", "ada", phrase, {}, 409, shows=MENDED)
    yield Moment("clashing", "bob", f"{document}/edit", other, 409)
    yield Moment("refused", "", "/join?code=FAUX", None, 404)
    yield Moment("forbidden", "bob", "/admin", None, 403)


def done(there: Ground) -> Iterator[Moment]:
    """Something was done, and the page says so."""
    words = {"title": "Un mot", "body": "Écrit avant de me connecter."}
    known = {"alias": "bob", "password": PASSWORD}
    held = {"held.path": "/p/jardin/discussion/new", **{f"held:{n}": v for n, v in words.items()}}
    yield Moment("done", "bob", "/account/profile", {"display_name": "Bob"}, shows=NOTICE)
    yield Moment("done", "ada", "/p/jardin/pages/fiche-19/remove", {}, shows=f"{NOTICE} button")
    yield Moment("tokened", "ada", "/account/tokens", {"name": "essai", "scopes": "read"})
    yield Moment("recovered", "ada", "/account/code", {"password": PASSWORD})
    yield Moment("seen", "ada", "/p/jardin/pages/new", {"action": "preview", "source": "## Ici"})
    yield Moment("held", "guest", "/p/jardin/discussion/new", words, 401)
    yield Moment("held", "guest", "/login", known | held)
    yield Moment("introduced", "zoe", "/oidc/ecole/welcome")
    yield Moment("invited", "", there.seed("/join?code="))


def gone(there: Ground) -> Iterator[Moment]:
    """What was taken back, for its author and for others."""
    thread = there.seed("/erase/").replace("/erase/", "/discussion/") + "/"
    document = there.seed("/pages/un-brouillon")
    simple = [seed for seed in there.seeds if "/simple/" in seed][-1]
    for reader in ("ada", ""):
        yield Moment("gone", reader, thread)
        for path in (document, simple):
            yield Moment("gone", reader, path, None, 410)
        yield Moment("gone", reader, there.seed("/pages/une-reclame"), None, 404)


def beginnings() -> Iterator[Moment]:
    """An instance from the moment that it was started until its first person came in."""
    first = {"site_name": "Le pré", "alias": "lou", "password": PASSWORD, "kind": "town"}
    wrong = dict.fromkeys(first, "")
    yield Moment("new", "", "/setup")
    yield Moment("refused", "", "/setup", wrong, 422, shows=MENDED)
    yield Moment("done", "founder", "/setup", first)
    for reader in ("founder", ""):
        yield Moment("empty", reader, "/")
    yield Moment("empty", "founder", "/admin")
    yield Moment("empty", "founder", "/admin/peers")
    yield Moment("empty", "", "/instances")
