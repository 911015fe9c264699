"""Reading the properties that an Article and an offered Revision share."""

from __future__ import annotations

from sqlalchemy import select

from collab.core.work import Work
from collab.federation import vocab
from collab.spaces.models import Space
from collab.spaces.tool import Json
from collab.spaces.tools.pages.inputs import MAX_TAG, MAX_TAGS
from collab.spaces.tools.pages.models import Document


def parent_uid(work: Work, space: Space, obj: Json) -> str:
    """The uid of the document above, as far as we know it; "" for the top."""
    iri = vocab.iri(obj, "parent")
    known = work.session.scalar(
        select(Document.uid).where(Document.iri == iri, Document.home_id == space.id)
    )
    return known or ""


def part(obj: Json, key: str) -> Json:
    """An embedded object; an empty one when there is none."""
    value = obj.get(key)
    return value if isinstance(value, dict) else {}


def tags(obj: Json) -> tuple[str, ...]:
    """The names of its Hashtags, without `#`."""
    told = obj.get("tag")
    many = told if isinstance(told, list) else [told]
    named = [
        vocab.text(tag, "name", MAX_TAG + 1).lstrip("#")
        for tag in many[:MAX_TAGS]
        if isinstance(tag, dict) and tag.get("type") == "Hashtag"
    ]
    return tuple(name[:MAX_TAG] for name in named if name)
