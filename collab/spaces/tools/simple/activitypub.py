"""Simple versions as objects of the project, and back (FEDERATION.md 1.6(c), docs/falc.md).

The words stand in `contentMap` under `fr-x-falc`. The type is ours alone: software that does not
know it leaves it alone, and shows nobody an easy text in place of the one it is a version of.
"""

from __future__ import annotations

import re

from sqlalchemy import select
from sqlalchemy.orm import Session

from collab.core.errors import Forbidden, Invalid, Missing
from collab.core.i18n import N_
from collab.core.markup import plain
from collab.core.work import Work, new_uid
from collab.federation import vocab
from collab.spaces.items import MAX_TITLE
from collab.spaces.models import Item, Space, Visibility
from collab.spaces.tool import Json, ObjectMapping
from collab.spaces.tools.simple.inputs import (
    MAX_BODY,
    MAX_ORGANISATION,
    MAX_READERS,
    EditSimple,
    Review,
    TakeSimple,
    Told,
    WriteSimple,
)
from collab.spaces.tools.simple.models import TONGUE, SimpleText
from collab.spaces.tools.simple.operations import (
    OFFERED,
    edit_simple,
    remove_simple,
    restore_simple,
    write_simple,
)
from collab.spaces.tools.simple.queries import ABSENT, last_writer, original_named

ULID = re.compile(r"[0-7][0-9a-hjkmnp-tv-z]{25}")
DIGEST = re.compile(r"[0-9a-f]{64}")
ODD = N_("Cet objet n’est pas une version simple de ce projet.")


def to_object(session: Session, simple: SimpleText) -> Json:
    """The EasyRead of a text, the same on the host and on every mirror."""
    space = session.get_one(Space, simple.space_id)
    public = space.visibility == Visibility.PUBLIC
    told: Json = {
        "id": simple.iri,
        "type": "EasyRead",
        "attributedTo": space.iri,
        "audience": space.iri,
        "to": [vocab.PUBLIC] if public else [f"{space.iri}/members"],
        "cc": [space.iri, f"{space.iri}/followers"] if public else [space.iri],
        "of": simple.of_iri,
        "ofVersion": simple.of_version,
        "name": simple.title,
        "contentMap": {TONGUE: vocab.content(simple.html, space.iri.partition("/p/")[0])},
        "mediaType": "text/html",
        "source": {"content": simple.source, "mediaType": vocab.MARKDOWN},
        "url": f"{space.iri}/simple/{simple.uid}",
        "published": vocab.written(simple.created_at),
        "revision": {"number": simple.revision, "by": last_writer(session, simple).iri},
    }
    if simple.revised_at:
        told["updated"] = vocab.written(simple.revised_at)
    if simple.reviewed_at:
        told["review"] = {
            "number": simple.reviewed_number,
            "readers": simple.readers,
            "organisation": simple.organisation,
            "concerned": simple.concerned,
            "at": vocab.written(simple.reviewed_at),
        }
    return told


def receive(work: Work, space: Space, obj: Json) -> Item:
    """A simple version the host says it has: repeat it here, exactly. Raises Invalid."""
    told = _told(work, space, obj)
    given = WriteSimple(body=_body(obj, told.html), title=_title(obj), told=told)
    done = write_simple(work, space, given)
    assert isinstance(done, SimpleText)
    return done


def revise(work: Work, space: Space, item: Item, obj: Json) -> Item:
    """A revision the host says a known one has. An older one than ours changes nothing."""
    told = _told(work, space, obj)
    if told.iri != item.iri or not isinstance(item, SimpleText) or told.of_iri != item.of_iri:
        raise Invalid(id=ODD)
    if told.number <= item.revision:
        return item
    given = EditSimple(item.uid, _body(obj, told.html), _title(obj), told=told)
    done = edit_simple(work, space, given)
    assert isinstance(done, SimpleText)
    return done


def take_offer(work: Work, space: Space, obj: Json) -> Item:
    """A remote member offers a simple version or a change of one: done as their own act.

    Raises: as the operations, and Forbidden when it is offered in somebody else's name.
    """
    if vocab.iri(obj, "attributedTo") not in ("", work.actor.iri):
        raise Forbidden(N_("On ne propose que ses propres changements."))
    about = vocab.iri(obj, "context")
    done = _new(work, space, obj) if not about else _change(work, space, about, obj)
    assert isinstance(done, SimpleText)
    return done


def _new(work: Work, space: Space, obj: Json) -> Item | object:
    original = original_named(work.session, space, vocab.iri(obj, "of"))
    if original is None:
        raise Missing(ABSENT)
    uid = original.item.uid if original.item else ""
    return write_simple(work, space, WriteSimple(_body(obj, ""), uid, _title(obj)))


def _change(work: Work, space: Space, about: str, obj: Json) -> Item | object:
    simple = work.session.scalar(
        select(SimpleText).where(SimpleText.iri == about, SimpleText.space_id == space.id)
    )
    if simple is None:
        raise Missing(ABSENT)
    if "withdrawn" in obj:
        done = remove_simple if obj["withdrawn"] else restore_simple
        return done(work, space, TakeSimple(simple.uid))
    base = obj.get("base")
    known = base if isinstance(base, int) else 0
    return edit_simple(work, space, EditSimple(simple.uid, _body(obj, ""), _title(obj), known))


def _told(work: Work, space: Space, obj: Json) -> Told:
    """What only the host may say; it must be of that very project (R3)."""
    iri, published = vocab.iri(obj, "id"), vocab.instant(obj, "published")
    number = _number(_part(obj, "revision").get("number"))
    ours = iri.startswith(f"{space.iri}/w/") and vocab.iri(obj, "attributedTo") == space.iri
    of_iri, version = vocab.iri(obj, "of"), vocab.text(obj, "ofVersion", 64)
    if not (ours and published and number and of_iri and DIGEST.fullmatch(version)):
        raise Invalid(id=ODD)
    return Told(
        iri=iri,
        uid=_uid(work, iri),
        of_iri=of_iri,
        of_version=version,
        number=number,
        html=vocab.html(_part(obj, "contentMap"), TONGUE),
        published=published,
        updated=vocab.instant(obj, "updated"),
        review=_review(_part(obj, "review")),
    )


def _review(told: Json) -> Review | None:
    """Who read it; nobody when they are not named: a label is not taken on trust (F-01)."""
    at, number = vocab.instant(told, "at"), _number(told.get("number"))
    readers = vocab.text(told, "readers", MAX_READERS)
    organisation = vocab.text(told, "organisation", MAX_ORGANISATION)
    if at is None or not number or not readers:
        return None
    concerned = told.get("concerned") is True and bool(organisation)
    return Review(readers, organisation, concerned, at, number)


def _number(value: object) -> int:
    return value if isinstance(value, int) and value is not True and 0 < value < 10**9 else 0


def _part(obj: Json, key: str) -> Json:
    value = obj.get(key)
    return value if isinstance(value, dict) else {}


def _title(obj: Json) -> str:
    return vocab.text(obj, "name", MAX_TITLE)


def _body(obj: Json, html: str) -> str:
    return vocab.source(obj, MAX_BODY) or plain(html)


def _uid(work: Work, iri: str) -> str:
    """The public id the host gave it, unless something of here has it already."""
    uid = iri.rpartition("/")[2]
    free = work.session.scalar(select(Item.id).where(Item.uid == uid, Item.iri != iri)) is None
    return uid if ULID.fullmatch(uid) and free else new_uid()


MAPPING = ObjectMapping(
    types=("EasyRead",),
    ownership="commons",
    to_object=to_object,
    receive=receive,
    revise=revise,
    take_offer=take_offer,
    offer_types=(OFFERED,),
)
