"""Everything that can happen to a document. No Flask, no HTML here.

In a project that lives on another instance nothing is written by people of here: their change is
offered to its host, and comes back by the host's log (`told`).
"""

from __future__ import annotations

from collab.core.errors import Conflict, Invalid, Missing
from collab.core.i18n import N_
from collab.core.tongues import language_code
from collab.core.work import Work
from collab.spaces import items
from collab.spaces.models import Offer, Revision, Role, Space
from collab.spaces.offers import must_offer
from collab.spaces.policy import require
from collab.spaces.summaries import MOVED, RETURNED
from collab.spaces.tools.pages.inputs import (
    EditClash,
    EditDocument,
    MoveDocument,
    RemoveDocument,
    RestoreDocument,
    RestoreRevision,
    WriteDocument,
    checked_description,
    checked_source,
    checked_summary,
    checked_tags,
    checked_title,
)
from collab.spaces.tools.pages.merge import merge, merge_word
from collab.spaces.tools.pages.models import Document
from collab.spaces.tools.pages.offering import offer_change
from collab.spaces.tools.pages.queries import document_in, revision_named, revision_numbered
from collab.spaces.tools.pages.versions import (
    Source,
    Text,
    new_document,
    new_version,
    remember_file,
)

MAX_DEPTH = 20
"""How deep documents may be below each other."""


def write_document(work: Work, space: Space, given: WriteDocument) -> Document | Offer:
    """Add a document to the space; in a remote one, offer it to the project's host.

    Raises:
        Missing, Forbidden, Conflict: the actor may not write here (see `require`).
        Invalid: no title, or something too long, or an unknown parent.
    """
    require(work, space, Role.MEMBER)
    text = Text(
        checked_title(given.title),
        checked_source(given.source),
        checked_tags(given.tags),
        checked_description(given.description),
        language_code(given.language),
    )
    summary = checked_summary(given.summary)
    parent = _parent(work, space, None, given.parent or "")
    if must_offer(work, space):
        change = vars(text) | {"summary": summary, "parent": given.parent or ""}
        return offer_change(work, space, None, "add", change)
    return new_document(work, space, text, summary, parent, Source(given.told, given.imported))


def edit_document(work: Work, space: Space, given: EditDocument) -> Document | Offer:
    """Give a document a new version, merged with what others wrote since `base`.

    An edit that changes nothing makes no version. In a remote space, offers the edit to the host.

    Raises:
        Missing, Forbidden, Conflict: no such document, it was removed, or the actor may not write.
        Invalid: no title, or something too long, or an unknown parent.
        EditClash: others changed the same lines; it carries all the texts.
    """
    require(work, space, Role.MEMBER)
    document = _living(work, space, given.document)
    text = _edited(document, given)
    summary = checked_summary(given.summary)
    parent = document.parent
    if given.parent is not None:
        parent = _parent(work, space, document, given.parent)
    if must_offer(work, space):
        return _offer_edit(work, space, document, given, text)
    if given.told is None:
        _merge(work, document, given, text)
        if _same(document, text) and (parent.id if parent else None) == document.parent_id:
            remember_file(document, given.imported)
            return document
    document.parent_id = parent.id if parent else None
    new_version(work, space, document, text, summary, Source(given.told, given.imported))
    return document


def restore_revision(work: Work, space: Space, given: RestoreRevision) -> Document | Offer:
    """Make an old version the newest one, as a version of its own: nothing is lost.

    Raises: as `edit_document`, and Missing when there is no such version.
    """
    document = _living(work, space, given.document)
    old = revision_numbered(work.session, document, given.number)
    edit = EditDocument(
        document=document.uid,
        title=old.title,
        source=old.source,
        summary=RETURNED % {"number": given.number},
    )
    return edit_document(work, space, edit)


def move_document(work: Work, space: Space, given: MoveDocument) -> Document | Offer:
    """Put a document below another one, or at the top.

    Raises: as `edit_document`; Conflict when it would come to stand below itself.
    """
    document = _living(work, space, given.document)
    require(work, space, Role.MEMBER)
    _parent(work, space, document, given.parent)
    if must_offer(work, space):
        return offer_change(work, space, document, "move", {"parent": given.parent})
    edit = EditDocument(document=document.uid, summary=MOVED, parent=given.parent)
    return edit_document(work, space, edit)


def remove_document(work: Work, space: Space, given: RemoveDocument) -> Document | Offer:
    """Take a document back for a while (`items.withdraw`); those below it come to the top.

    Raises: as `items.withdraw`, and Missing when there is no such document.
    """
    document = document_in(work.session, space, given.document)
    if must_offer(work, space):
        return offer_change(work, space, document, "remove", {"withdrawn": True})
    items.withdraw(work, document)
    return document


def restore_document(work: Work, space: Space, given: RestoreDocument) -> Document | Offer:
    """Bring a removed document back.

    Raises: as `items.restore`, and Missing when there is no such document.
    """
    document = document_in(work.session, space, given.document)
    if must_offer(work, space):
        return offer_change(work, space, document, "restore", {"withdrawn": False})
    items.restore(work, document)
    return document


def refresh_document(work: Work, document: Document, given: EditDocument) -> None:
    """Take over what the host says of a version we have already: its place, tags, description."""
    document.tags = checked_tags(given.tags or ())
    document.description = checked_description(given.description or "")
    document.language = language_code(given.language)
    space = work.session.get_one(Space, document.home_id)
    parent = _parent(work, space, document, given.parent or "")
    document.parent_id = parent.id if parent else None
    if given.told:
        document.contributors = list(given.told.contributors)


def _living(work: Work, space: Space, uid: str) -> Document:
    document = document_in(work.session, space, uid)
    if document.withdrawn_at:
        raise Conflict(N_("Ce document a été effacé entre-temps."))
    return document


def _parent(work: Work, space: Space, below: Document | None, uid: str) -> Document | None:
    """The document to stand below. Raises Invalid when there is none, Conflict for a circle."""
    if not uid:
        return None
    try:
        parent = document_in(work.session, space, uid)
    except Missing as missing:
        raise Invalid(parent=N_("Ce document n’est pas dans ce projet.")) from missing
    at: Document | None = parent
    for _ in range(MAX_DEPTH):
        if at is None:
            return parent
        if below is not None and at.id == below.id:
            raise Conflict(N_("Un document ne peut pas être rangé sous lui-même."))
        at = at.parent
    raise Conflict(N_("C’est trop profond : 20 niveaux au plus."))


def _edited(document: Document, given: EditDocument) -> Text:
    return Text(
        document.title if given.title is None else checked_title(given.title),
        document.source if given.source is None else checked_source(given.source),
        list(document.tags) if given.tags is None else checked_tags(given.tags),
        document.description
        if given.description is None
        else checked_description(given.description),
        document.language if given.language is None else language_code(given.language),
    )


def _offer_edit(
    work: Work, space: Space, document: Document, given: EditDocument, text: Text
) -> Offer:
    base = _base(work, document, given.base)
    change = {
        "title": text.title,
        "source": text.source,
        "summary": checked_summary(given.summary),
        "base": base.version if base else items.version_of(document.title, document.source),
        "tags": None if given.tags is None else text.tags,
        "description": None if given.description is None else text.description,
        "language": None if given.language is None else text.language,
        "parent": given.parent,
    }
    return offer_change(work, space, document, "edit", change)


def _base(work: Work, document: Document, name: str) -> Revision | None:
    """The version an edit was written on; None when it is not known here."""
    return revision_named(work.session, document, name or str(document.revision))


def _before(work: Work, document: Document, given: EditDocument) -> tuple[str, str]:
    """The title and text an edit changes: of its base, or of the file as it was before."""
    if given.imported and document.origin_text is not None:
        title, _, source = document.origin_text.partition("\n")
        return title, source
    base = _base(work, document, given.base)
    return (base.title, base.source) if base else ("", "")


def _merge(work: Work, document: Document, given: EditDocument, text: Text) -> None:
    """Bring an edit and what was written since its base together, in `text`. Raises EditClash."""
    before = _before(work, document, given)
    if before == (document.title, document.source):
        return
    current = items.version_of(document.title, document.source)
    merged = merge(before[1], document.source, text.source)
    title = merge_word(before[0], document.title, text.title)
    if merged.clashes or title is None:
        mine = (text.title, text.source)
        raise EditClash(before, (document.title, document.source), mine, merged.text, current)
    text.title, text.source = title, checked_source(merged.text)


def _same(document: Document, text: Text) -> bool:
    kept = (document.title, document.source, list(document.tags), document.description)
    same = kept == (text.title, text.source, text.tags, text.description)
    return same and document.language == text.language
