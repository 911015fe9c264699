"""Making a document's versions: its row, its HTML, its links. Who may is decided elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import delete

from collab.core.work import Work, new_uid
from collab.people.actors import host_of
from collab.spaces import items
from collab.spaces.models import Space
from collab.spaces.operations import slug_of
from collab.spaces.tools.pages.inputs import Imported, Told
from collab.spaces.tools.pages.models import Document, PageLink
from collab.spaces.tools.pages.naming import free_slug, title_key
from collab.spaces.tools.pages.queries import folder_of, slug_of_file
from collab.spaces.tools.pages.rendering import Rendered, write_html


@dataclass
class Text:
    """A document's words, checked; what an edit leaves alone is already filled in."""

    title: str
    source: str
    tags: list[str]
    description: str
    language: str


@dataclass(frozen=True)
class Source:
    """Where a version comes from when nobody typed it here: the host's log, or a file."""

    told: Told | None = None
    imported: Imported | None = None


def new_document(
    work: Work, space: Space, text: Text, summary: str, parent: Document | None, source: Source
) -> Document:
    """Add a document with its first version (on a mirror: the first one the host told)."""
    document = _new(work, space, text, source)
    document.parent_id = parent.id if parent else None
    rendered = _render(work, space, document, text.source, source.imported)
    document.html = source.told.html if source.told else rendered.html
    items.publish(work, document, summary)
    _link(work, document, rendered.links)
    remember_file(document, source.imported)
    return document


def new_version(
    work: Work, space: Space, document: Document, text: Text, summary: str, source: Source
) -> None:
    """Give a document a new text and keep the old one."""
    told = source.told
    document.base = items.version_of(document.title, document.source)
    document.contributors = sorted({*document.contributors, work.actor.iri})
    document.tags, document.description = text.tags, text.description
    document.language = text.language
    document.title_key = title_key(text.title)
    if told:
        document.base, document.license = told.base, told.license
        document.contributors = list(told.contributors)
        document.revision = told.number - 1
    rendered = _render(work, space, document, text.source, source.imported)
    items.revise(
        work,
        document,
        title=text.title,
        source=text.source,
        html=told.html if told else rendered.html,
        summary=summary,
        at=told.updated if told else None,
    )
    _link(work, document, rendered.links)
    remember_file(document, source.imported)


def remember_file(document: Document, imported: Imported | None) -> None:
    """Keep which file a document's text came from, and what it said."""
    if imported:
        document.origin, document.origin_digest = imported.path, imported.digest
        document.origin_text, document.front = imported.text, dict(imported.front)


def _new(work: Work, space: Space, text: Text, source: Source) -> Document:
    told, imported = source.told, source.imported
    uid = (told and told.uid) or (imported and imported.uid) or new_uid()
    wanted = (told and told.slug) or (imported and imported.slug) or ""
    slug = free_slug(work.session, space, wanted or slug_of(text.title), uid, set())
    return Document(
        uid=uid,
        iri=told.iri if told else f"{space.iri}/w/{uid}",
        space_id=space.id,
        home_id=space.id,
        author_id=work.actor.id,
        title=text.title,
        title_key=title_key(text.title),
        source=text.source,
        tags=text.tags,
        description=text.description,
        language=text.language,
        license=told.license if told else "",
        slug=slug,
        revision=told.number if told else 1,
        base=told.base if told else None,
        contributors=list(told.contributors) if told else [work.actor.iri],
        created_at=told.published if told else work.now,
        revised_at=told.updated if told else None,
        origin=imported.path if imported else None,
    )


def _render(
    work: Work, space: Space, document: Document, source: str, imported: Imported | None
) -> Rendered:
    planned = imported.slugs if imported else {}
    return write_html(
        source,
        space_iri=space.iri,
        own_host=host_of(work.origin),
        folder=folder_of(imported.path if imported else document.origin or ""),
        find_file=lambda path: planned.get(path) or slug_of_file(work.session, space, path),
    )


def _link(work: Work, document: Document, keys: Sequence[str]) -> None:
    work.session.execute(delete(PageLink).where(PageLink.from_id == document.id))
    work.session.add_all(PageLink(from_id=document.id, title_key=key) for key in keys)
    work.session.flush()
