"""The documents of a project: read this first."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from collab.core.i18n import N_
from collab.core.markup import plain
from collab.spaces.items import version_of
from collab.spaces.models import Space
from collab.spaces.tool import Action, Kind, Tool
from collab.spaces.tools.pages.activitypub import MAPPING
from collab.spaces.tools.pages.inputs import (
    EditDocument,
    MoveDocument,
    RemoveDocument,
    RestoreDocument,
    RestoreRevision,
    WriteDocument,
)
from collab.spaces.tools.pages.models import Document
from collab.spaces.tools.pages.operations import (
    edit_document,
    move_document,
    remove_document,
    restore_document,
    restore_revision,
    write_document,
)
from collab.spaces.tools.pages.paper_routes import bp
from collab.spaces.tools.pages.queries import count


def _example() -> WriteDocument:
    return WriteDocument(
        title="Calendrier des semis",
        source="# Février\n\nSemer les fèves. Voir [[Outils]].",
        summary="première version",
        tags=("jardin", "semis"),
        description="Quand semer quoi",
    )


def _url(space: Space, document: Document) -> str:
    return f"{space.url}/pages/{document.slug}"


def _searchable(document: Document) -> str:
    return "\n".join((document.description, " ".join(document.tags), plain(document.html)))


def _present(session: Session, document: Document) -> dict[str, Any]:
    return {
        "slug": document.slug,
        "tags": list(document.tags),
        "description": document.description,
        "language": document.language,
        "parent": document.parent.uid if document.parent else None,
        "number": document.revision,
        "version": version_of(document.title, document.source),
        "origin": document.origin,
    }


TOOL = Tool(
    name="pages",
    title=N_("Documents"),
    kinds=(
        Kind(
            name="document",
            plural="documents",
            model=Document,
            add=Action(WriteDocument, write_document),
            revise=Action(EditDocument, edit_document),
            mapping=MAPPING,
            example=_example,
            url=_url,
            searchable=_searchable,
            present=_present,
        ),
    ),
    blueprint=bp,
    actions={
        "add": Action(WriteDocument, write_document),
        "edit": Action(EditDocument, edit_document),
        "restore_revision": Action(RestoreRevision, restore_revision),
        "move": Action(MoveDocument, move_document),
        "remove": Action(RemoveDocument, remove_document),
        "restore": Action(RestoreDocument, restore_document),
    },
    count=count,
    order=20,
)
