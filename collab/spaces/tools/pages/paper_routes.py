"""A document to take along: as PDF, as text to work on (ODT), as a book (EPUB)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.wrappers import Response

from collab.core.db import now
from collab.core.errors import Missing
from collab.core.markup import plain
from collab.core.paper.press import figures
from collab.people.models import Actor
from collab.spaces.models import Revision, Space
from collab.spaces.tools.pages import queries
from collab.spaces.tools.pages.models import Document
from collab.spaces.tools.pages.rendering import Shown
from collab.spaces.tools.pages.views import ABSENT, bp, room, typed
from collab.web.paper import KINDS, cloth, limited, printed
from collab.web.presentation import called, day
from collab.web.runtime import current_runtime
from collab.web.tongues import text_direction, text_language_here, tongue_here
from collab.web.view import dbsession, viewer

__all__ = ["bp"]


@bp.get("/<slug>/download.<any(pdf, odt, epub):kind>")
@limited
def download(address: str, slug: str, kind: str) -> Response:
    """A file of a document, for whoever may read it."""
    space, session = room(address), dbsession()
    document = queries.text_at(session, space, slug, viewer())
    if document.withdrawn_at:
        raise Missing(ABSENT)
    last = queries.last_revision(session, document)
    html = document.html or typed(space, document.source)
    told = queries.shown(session, space, html, document.title, may_write=False)
    data = sheet(space, document, last, told, queries.writers(session, document))
    return printed(kind, "document", data, file=document.slug, name=_name(last, kind))


def sheet(
    space: Space, document: Document, last: Revision, told: Shown, writers: Sequence[Actor]
) -> dict[str, Any]:
    """What the form `document` wants."""
    by = [called(actor) for actor in writers]
    address = f"{space.iri}/pages/{document.slug}"
    told_of = (
        _("par %(people)s", people=", ".join(by)),
        day(last.at, weekday=False),
        ngettext("%(num)s version", "%(num)s versions", document.revision),
    )
    return {
        "html": told.html,
        "plain": plain(told.html),
        "base": current_runtime().settings.origin,
        "title": document.title,
        "description": document.description,
        "authors": by,
        "byline": " · ".join(told_of),
        "space": space.name,
        "place": space.host,
        "cloth": cloth(space),
        "address": address,
        "shown": address.partition("://")[2],
        "language": document.language,
        "lang": text_language_here(),
        "reader": {"lang": text_language_here(), "dir": text_direction()},
        "words": {
            "qr": _("Code carré qui mène à ce document en ligne"),
            "online": _("La version d’aujourd’hui se lit en ligne :"),
            "taken": _("Cette copie a été prise le %(day)s.", day=day(now(), weekday=False)),
        },
    }


@bp.app_template_global("files_of")
def files(last: Revision) -> list[dict[str, Any]]:
    """The files of a document for its page, with what is known of each."""
    return [{"kind": kind, "known": figures(_name(last, kind))} for kind in KINDS]


def _name(last: Revision, kind: str) -> str:
    # The number of a revision says nothing outside of its instance; two may live in one process.
    return f"{current_runtime().settings.instance} {kind} {last.id} {tongue_here().code}"
