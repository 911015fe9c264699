"""Host side: what a remote member offers, done as their own act (FEDERATION.md 1.6(c))."""

from __future__ import annotations

from sqlalchemy import select

from collab.core.errors import Forbidden, Invalid, Missing
from collab.core.i18n import N_
from collab.core.tongues import LONGEST_CODE
from collab.core.work import Work
from collab.federation import vocab
from collab.spaces.items import MAX_TITLE, version_of
from collab.spaces.models import Item, Offer, Space
from collab.spaces.tool import Json
from collab.spaces.tools.pages.inputs import (
    MAX_DESCRIPTION,
    MAX_SOURCE,
    MAX_SUMMARY,
    EditDocument,
    MoveDocument,
    RemoveDocument,
    RestoreDocument,
    WriteDocument,
)
from collab.spaces.tools.pages.models import Document
from collab.spaces.tools.pages.naming import multihash_of, version_from
from collab.spaces.tools.pages.operations import (
    edit_document,
    move_document,
    remove_document,
    restore_document,
    write_document,
)
from collab.spaces.tools.pages.queries import ABSENT
from collab.spaces.tools.pages.wording import parent_uid, tags


def take_offer(work: Work, space: Space, obj: Json) -> Item:
    """A remote member offers a change: do it as their own act, here where the document lives.

    Raises:
        Invalid, Missing, Forbidden, Conflict: as the operations.
        EditClash: others changed the same lines meanwhile.
    """
    author = vocab.iri(obj, "attributedTo")
    if author and author != work.actor.iri:
        raise Forbidden(N_("On ne propose que ses propres changements."))
    about = vocab.iri(obj, "context")
    if about in ("", space.iri):
        done = write_document(work, space, _offered_document(work, space, obj))
    else:
        document = work.session.scalar(
            select(Document).where(Document.iri == about, Document.home_id == space.id)
        )
        if document is None:
            raise Missing(ABSENT)
        done = _change(work, space, document, obj)
    assert isinstance(done, Document)
    return done


def _change(work: Work, space: Space, document: Document, obj: Json) -> Document | Offer:
    if "withdrawn" in obj:
        if obj["withdrawn"]:
            return remove_document(work, space, RemoveDocument(document.uid))
        return restore_document(work, space, RestoreDocument(document.uid))
    parent = parent_uid(work, space, obj) if "parent" in obj else None
    if "source" not in obj:
        return move_document(work, space, MoveDocument(document.uid, parent or ""))
    edit = EditDocument(
        document=document.uid,
        title=vocab.text(obj, "name", MAX_TITLE + 1),
        source=_offered_source(obj),
        summary=vocab.text(obj, "summary", MAX_SUMMARY),
        base=_offered_base(obj),
        tags=tags(obj) if "tag" in obj else None,
        description=vocab.text(obj, "description", MAX_DESCRIPTION)
        if "description" in obj
        else None,
        language=vocab.text(obj, "language", LONGEST_CODE) if "language" in obj else None,
        parent=parent,
    )
    return edit_document(work, space, edit)


def _offered_document(work: Work, space: Space, obj: Json) -> WriteDocument:
    return WriteDocument(
        title=vocab.text(obj, "name", MAX_TITLE + 1),
        source=_offered_source(obj),
        summary=vocab.text(obj, "summary", MAX_SUMMARY),
        parent=parent_uid(work, space, obj),
        tags=tags(obj),
        description=vocab.text(obj, "description", MAX_DESCRIPTION),
        language=vocab.text(obj, "language", LONGEST_CODE),
    )


def _offered_source(obj: Json) -> str:
    """The offered text; it must be what its `version` says, if that is said."""
    source = vocab.source(obj, MAX_SOURCE)
    if source is None:
        raise Invalid(source=N_("Ce texte manque, ou il est trop long."))
    version, title = obj.get("version"), vocab.text(obj, "name", MAX_TITLE + 1)
    if isinstance(version, str) and version != multihash_of(version_of(title, source)):
        raise Invalid(version=N_("Ce texte n’est pas celui que sa version annonce."))
    return source


def _offered_base(obj: Json) -> str:
    base = obj.get("base")
    if base is None:
        return ""
    known = version_from(base) if isinstance(base, str) else ""
    if not known:
        raise Invalid(base=N_("Cette version n’existe pas."))
    return known
