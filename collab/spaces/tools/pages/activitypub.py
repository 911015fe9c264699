"""Document <-> Article, offered change <-> Revision (FEDERATION.md 1.1, 1.6(c)).

What `to_object` writes, `receive` reads back without a loss: host and mirror give the same object
for the same version.
"""

from __future__ import annotations

import re
from html import escape

from sqlalchemy import select
from sqlalchemy.orm import Session

from collab.core.errors import Invalid
from collab.core.i18n import N_
from collab.core.markup import plain
from collab.core.work import Work, new_uid
from collab.federation import vocab
from collab.spaces.items import MAX_TITLE
from collab.spaces.models import Item, Space, Visibility
from collab.spaces.tool import Json, ObjectMapping
from collab.spaces.tools.pages.inputs import (
    MAX_DESCRIPTION,
    MAX_SOURCE,
    MAX_SUMMARY,
    EditDocument,
    Told,
    WriteDocument,
)
from collab.spaces.tools.pages.models import Document
from collab.spaces.tools.pages.naming import multihash_of, version_from
from collab.spaces.tools.pages.offering import hashtags, offer_object
from collab.spaces.tools.pages.operations import (
    edit_document,
    refresh_document,
    write_document,
)
from collab.spaces.tools.pages.queries import last_revision
from collab.spaces.tools.pages.taking import take_offer
from collab.spaces.tools.pages.wording import parent_uid, part, tags

__all__ = ["MAPPING", "offer_object", "receive", "revise", "take_offer", "to_object"]

ULID = re.compile(r"[0-7][0-9a-hjkmnp-tv-z]{25}")
SLUG = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,110}[a-z0-9])?")
MAX_CONTRIBUTORS = 2000
ODD = N_("Cet objet n’est pas un document de ce projet.")


def to_object(session: Session, document: Document) -> Json:
    """The Article, the same on the host and on every mirror."""
    space = session.get_one(Space, document.home_id)
    public = space.visibility == Visibility.PUBLIC
    origin = space.iri.partition("/p/")[0]
    article: Json = {
        "id": document.iri,
        "type": "Article",
        "attributedTo": space.iri,
        "audience": space.iri,
        "to": [vocab.PUBLIC] if public else [f"{space.iri}/members"],
        "cc": [space.iri, f"{space.iri}/followers"] if public else [space.iri],
        "name": document.title,
        "content": _content(document, origin),
        "mediaType": "text/html",
        "source": {"content": document.source, "mediaType": vocab.MARKDOWN},
        "url": f"{space.iri}/pages/{document.slug}",
        "published": vocab.written(document.created_at),
        "revision": _revision(session, document),
        "contributors": sorted(document.contributors),
        "tag": hashtags(document.tags),
    }
    if document.revised_at:
        article["updated"] = vocab.written(document.revised_at)
    if document.language and article["content"]:
        article["contentMap"] = {document.language: article["content"]}
    if document.description:
        article["summary"] = f"<p>{escape(document.description, quote=False)}</p>"
    if document.parent:
        article["parent"] = document.parent.iri
    if document.license:
        article["license"] = document.license
    return article


def _content(document: Document, origin: str) -> str:
    """The text's HTML as it goes out; nothing when it is longer than others read (R39)."""
    html = vocab.content(document.html, origin)
    return html if len(html) <= vocab.MAX_HTML else ""


def _revision(session: Session, document: Document) -> Json:
    last = last_revision(session, document)
    told: Json = {
        "number": document.revision,
        "version": multihash_of(last.version),
        "by": last.author.iri,
        "summary": last.summary,
    }
    return told | ({"base": multihash_of(document.base)} if document.base else {})


def receive(work: Work, space: Space, obj: Json) -> Item:
    """A document the host says it has: repeat it here, exactly.

    Raises:
        Invalid, Missing: it is no document of that project, or not understood.
    """
    told = _told(work, space, obj)
    given = WriteDocument(
        title=vocab.text(obj, "name", MAX_TITLE),
        source=vocab.source(obj, MAX_SOURCE) or "",
        summary=vocab.text(part(obj, "revision"), "summary", MAX_SUMMARY),
        parent=parent_uid(work, space, obj),
        tags=tags(obj),
        description=_description(obj),
        language=vocab.language(obj),
        told=told,
    )
    done = write_document(work, space, given)
    assert isinstance(done, Document)
    return done


def revise(work: Work, space: Space, item: Item, obj: Json) -> Item:
    """A version the host says a known document has. An older one than ours changes nothing.

    Raises: as `receive`, and Conflict when the document is removed.
    """
    assert isinstance(item, Document)
    told = _told(work, space, obj)
    if told.iri != item.iri:
        raise Invalid(id=ODD)
    given = EditDocument(
        document=item.uid,
        title=vocab.text(obj, "name", MAX_TITLE),
        source=vocab.source(obj, MAX_SOURCE) or "",
        summary=vocab.text(part(obj, "revision"), "summary", MAX_SUMMARY),
        parent=parent_uid(work, space, obj),
        tags=tags(obj),
        description=_description(obj),
        language=vocab.language(obj),
        told=told,
    )
    if told.number == item.revision:
        refresh_document(work, item, given)
    if told.number <= item.revision:
        return item
    done = edit_document(work, space, given)
    assert isinstance(done, Document)
    return done


def _told(work: Work, space: Space, obj: Json) -> Told:
    """What only the host may say; it must be about a document of that very project (R3)."""
    iri, revision = vocab.iri(obj, "id"), part(obj, "revision")
    published = vocab.instant(obj, "published")
    number = revision.get("number")
    ours = iri.startswith(f"{space.iri}/w/") and vocab.iri(obj, "attributedTo") == space.iri
    if not ours or published is None:
        raise Invalid(id=ODD)
    if not isinstance(number, int) or isinstance(number, bool) or not 0 < number < 10**9:
        raise Invalid(revision=N_("Cette version n’existe pas."))
    base = revision.get("base")
    return Told(
        iri=iri,
        uid=_uid(work, iri),
        slug=_slug(obj, space),
        number=number,
        published=published,
        updated=vocab.instant(obj, "updated"),
        html=vocab.html(obj, "content"),
        base=(version_from(base) or None) if isinstance(base, str) else None,
        license=vocab.text(obj, "license", 500),
        contributors=tuple(sorted(set(vocab.iris(obj, "contributors", MAX_CONTRIBUTORS)))),
    )


def _uid(work: Work, iri: str) -> str:
    """The public id the host gave it, unless something of here has it already."""
    uid = iri.rpartition("/")[2]
    free = work.session.scalar(select(Item.id).where(Item.uid == uid, Item.iri != iri)) is None
    return uid if ULID.fullmatch(uid) and free else new_uid()


def _slug(obj: Json, space: Space) -> str:
    name = vocab.iri(obj, "url").removeprefix(f"{space.iri}/pages/")
    return name if SLUG.fullmatch(name) else ""


def _description(obj: Json) -> str:
    return " ".join(plain(vocab.html(obj, "summary")).split())[:MAX_DESCRIPTION]


MAPPING = ObjectMapping(
    types=("Article",),
    ownership="commons",
    to_object=to_object,
    receive=receive,
    revise=revise,
    take_offer=take_offer,
    offer_types=("Revision",),
)
