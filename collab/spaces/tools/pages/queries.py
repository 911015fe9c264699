"""Reads about documents. The caller has made sure that the reader may read the space."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from collab.core.errors import Missing
from collab.core.i18n import N_
from collab.people.models import Actor
from collab.spaces.hiding import is_text_hidden, not_silenced
from collab.spaces.items import may_edit
from collab.spaces.models import Revision, Space
from collab.spaces.tools.pages.models import Document, PageLink
from collab.spaces.tools.pages.naming import title_key
from collab.spaces.tools.pages.rendering import Shown, show, slug_key, titles_linked

HISTORY_PAGE = 12
MOST_WRITERS = 12
"""People named on a document that is printed."""
ABSENT = N_("Ce document n’existe pas, ou plus.")


@dataclass
class Node:
    """A document in the tree, with those below it."""

    uid: str
    title: str
    url: str
    slug: str = ""
    children: list[Node] = field(default_factory=list)

    @property
    def count(self) -> int:
        """How many documents are below this one."""
        return len(self.children) + sum(child.count for child in self.children)


def document_in(session: Session, space: Space, uid: str) -> Document:
    """The document of a space with that public id, withdrawn or not. Raises Missing."""
    found = session.scalar(
        select(Document).where(Document.uid == uid, Document.home_id == space.id)
    )
    if found is None:
        raise Missing(ABSENT)
    return found


def document_at(session: Session, space: Space, slug: str) -> Document:
    """The document of a space at that address, withdrawn or not. Raises Missing."""
    found = session.scalar(
        select(Document).where(Document.home_id == space.id, Document.slug == slug)
    )
    if found is None:
        raise Missing(ABSENT)
    return found


def text_at(session: Session, space: Space, slug: str, viewer: Actor | None) -> Document:
    """The same, to read its versions: those of a removed one are for who may bring it back."""
    found = document_at(session, space, slug)
    if found.withdrawn_at and not may_edit(session, found, viewer.id if viewer else None):
        raise Missing(ABSENT)
    if is_text_hidden(session, found):
        raise Missing(ABSENT)
    return found


def document_titled(session: Session, space: Space, title: str) -> Document | None:
    """The document that `[[Titre]]` means: the oldest living one of that title."""
    return session.scalar(
        select(Document)
        .where(
            Document.home_id == space.id,
            Document.title_key == title_key(title),
            Document.withdrawn_at.is_(None),
            not_silenced(),
        )
        .order_by(Document.id)
        .limit(1)
    )


def slugs_by_title(session: Session, space: Space, keys: Iterable[str]) -> dict[str, str]:
    """The address of the document of each title key that has one."""
    rows = session.execute(
        select(Document.title_key, Document.slug)
        .where(
            Document.home_id == space.id,
            Document.title_key.in_(set(keys)),
            Document.withdrawn_at.is_(None),
            not_silenced(),
        )
        .order_by(Document.id.desc())
    )
    return {row.title_key: row.slug for row in rows}


def shown(session: Session, space: Space, html: str, title: str, *, may_write: bool) -> Shown:
    """A document's stored HTML as a page shows it, its links looked up."""
    return show(
        html,
        title=title,
        space_iri=space.iri,
        space_url=space.url,
        slugs=slugs_by_title(session, space, titles_linked(html, space.iri)),
        may_write=may_write,
    )


def documents(session: Session, space: Space) -> Sequence[Document]:
    """The living documents of a space, in the order of their titles."""
    found = session.scalars(
        select(Document).where(
            Document.home_id == space.id, Document.withdrawn_at.is_(None), not_silenced()
        )
    ).all()
    return sorted(found, key=lambda d: (d.title_key, d.id))


def count(session: Session, space: Space) -> int:
    """How many living documents a space has."""
    wanted = (
        select(func.count())
        .select_from(Document)
        .where(Document.home_id == space.id, Document.withdrawn_at.is_(None), not_silenced())
    )
    return session.scalar(wanted) or 0


def tree(session: Session, space: Space) -> list[Node]:
    """The living documents as a tree; one whose parent was removed stands at the top."""
    rows = session.execute(
        select(Document.id, Document.parent_id, Document.uid, Document.title, Document.slug)
        .where(Document.home_id == space.id, Document.withdrawn_at.is_(None), not_silenced())
        .order_by(Document.title_key, Document.id)
    ).all()
    nodes = {
        row.id: Node(row.uid, row.title, f"{space.url}/pages/{row.slug}", row.slug) for row in rows
    }
    parents = {row.id: row.parent_id if row.parent_id in nodes else None for row in rows}
    top: list[Node] = []
    for number, node in nodes.items():
        above = None if _in_a_circle(parents, number) else parents[number]
        (top if above is None else nodes[above].children).append(node)
    return top


def _in_a_circle(parents: dict[int, int | None], number: int) -> bool:
    """Whether going up from a document leads back to it; a mirror may have been told so."""
    seen: set[int] = set()
    at = parents[number]
    while at is not None and at not in seen:
        if at == number:
            return True
        seen.add(at)
        at = parents[at]
    return False


def ancestors(session: Session, document: Document) -> list[Document]:
    """The documents above, from the top down; removed ones are left out."""
    above: list[Document] = []
    seen = {document.id}
    at = document.parent
    while at is not None and at.id not in seen:
        seen.add(at.id)
        if at.withdrawn_at is None and not is_text_hidden(session, at):
            above.append(at)
        at = at.parent
    return above[::-1]


def children(session: Session, document: Document) -> Sequence[Document]:
    """The living documents right below."""
    return session.scalars(
        select(Document)
        .where(Document.parent_id == document.id, Document.withdrawn_at.is_(None), not_silenced())
        .order_by(Document.title_key)
    ).all()


def backlinks(session: Session, document: Document) -> Sequence[Document]:
    """The living documents of the space that link to this one."""
    keys = (document.title_key, slug_key(document.slug))
    linking = select(PageLink.from_id).where(PageLink.title_key.in_(keys))
    return session.scalars(
        select(Document)
        .where(
            Document.home_id == document.home_id,
            Document.id.in_(linking),
            Document.id != document.id,
            Document.withdrawn_at.is_(None),
            not_silenced(),
        )
        .order_by(Document.title_key)
    ).all()


@dataclass(frozen=True)
class History:
    """One page of a document's versions, the newest first; `total` of them in `pages` pages."""

    revisions: Sequence[Revision]
    number: int
    pages: int
    total: int


def history(session: Session, document: Document, number: int) -> History:
    """The versions of a document, HISTORY_PAGE at a time."""
    ours = Revision.item_id == document.id
    total = session.scalar(select(func.count()).where(ours)) or 0
    number = min(max(number, 1), 10**6)
    wanted = select(Revision).where(ours).order_by(Revision.number.desc())
    rows = session.scalars(wanted.limit(HISTORY_PAGE).offset((number - 1) * HISTORY_PAGE)).all()
    return History(rows, number, -(-total // HISTORY_PAGE), total)


def revision_numbered(session: Session, document: Document, number: int) -> Revision:
    """One version of a document. Raises Missing."""
    found = session.scalar(
        select(Revision).where(Revision.item_id == document.id, Revision.number == number)
    )
    if found is None:
        raise Missing(N_("Cette version n’existe pas."))
    return found


def revision_named(session: Session, document: Document, name: str) -> Revision | None:
    """The newest version with that name: a number, or a version hash."""
    wanted = select(Revision).where(Revision.item_id == document.id)
    if name.isdecimal() and len(name) < 10:
        wanted = wanted.where(Revision.number == int(name))
    else:
        wanted = wanted.where(Revision.version == name)
    return session.scalar(wanted.order_by(Revision.number.desc()).limit(1))


def last_revision(session: Session, document: Document) -> Revision:
    """The newest version of a document."""
    return session.scalars(
        select(Revision)
        .where(Revision.item_id == document.id)
        .order_by(Revision.number.desc())
        .limit(1)
    ).one()


def writers(session: Session, document: Document) -> Sequence[Actor]:
    """Who has written in a document, the first one first; at most MOST_WRITERS of them."""
    began = func.min(Revision.number).label("began")
    return session.scalars(
        select(Actor)
        .join(Revision, Revision.author_id == Actor.id)
        .where(Revision.item_id == document.id)
        .group_by(Actor.id)
        .order_by(began)
        .limit(MOST_WRITERS)
    ).all()


def folder_of(path: str) -> str:
    """The folder a file of an imported tree stands in; a folder (`a/b/`) stands in itself."""
    return path.rpartition("/")[0]


def slug_of_file(session: Session, space: Space, path: str) -> str | None:
    """The address of the document that was imported from a file, or from a folder."""
    return session.scalar(
        select(Document.slug)
        .where(Document.home_id == space.id, Document.origin.in_((path, f"{path}/")))
        .limit(1)
    )
