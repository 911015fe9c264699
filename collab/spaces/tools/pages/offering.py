"""The Revision that a member of a remote project offers to its host (FEDERATION.md 1.6(c))."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from collab.core.work import Work
from collab.federation import vocab
from collab.spaces.items import version_of
from collab.spaces.models import Offer, Space
from collab.spaces.offers import make_offer
from collab.spaces.tool import Json
from collab.spaces.tools.pages.models import Document
from collab.spaces.tools.pages.naming import multihash_of

KIND = "document"


def hashtags(tags: list[str]) -> list[Json]:
    """A document's tags as the wire writes them."""
    return [{"type": "Hashtag", "name": f"#{tag}"} for tag in tags]


def offer_object(work: Work, space: Space, document: Document | None, change: Json) -> Json:
    """The Revision to offer: its author, what it is a version of, and what it changes.

    `change` has those of `title`, `source`, `summary`, `base` (version in hex), `tags`,
    `description`, `language`, `parent` (uid, "" for the top) and `withdrawn` that are changed.
    """
    offered: Json = {
        "type": "Revision",
        "id": work.mint("/o/"),
        "attributedTo": work.actor.iri,
        "target": space.iri,
    }
    if document is not None:
        offered["context"] = document.iri
    if "source" in change:
        offered["name"] = change["title"]
        offered["source"] = {"content": change["source"], "mediaType": vocab.MARKDOWN}
        offered["version"] = multihash_of(version_of(change["title"], change["source"]))
    if change.get("base"):
        offered["base"] = multihash_of(change["base"])
    for name in ("summary", "description", "language", "withdrawn"):
        if name in change:
            offered[name] = change[name]
    if "tags" in change:
        offered["tag"] = hashtags(change["tags"])
    if "parent" in change:
        offered["parent"] = _iri_of(work, space, change["parent"])
    return offered


def _iri_of(work: Work, space: Space, uid: str) -> str | None:
    if not uid:
        return None
    return work.session.scalar(
        select(Document.iri).where(Document.uid == uid, Document.home_id == space.id)
    )


def offer_change(
    work: Work, space: Space, document: Document | None, act: str, change: Mapping[str, Any]
) -> Offer:
    """Offer a change to the project's host and keep, in `given`, what the form can be filled with.

    `act` is the name of the room's action. Raises as `make_offer`.
    """
    asked = {name: value for name, value in change.items() if value is not None}
    wire = offer_object(work, space, document, asked)
    given = {"act": act, "document": document.uid if document else "", **asked}
    return make_offer(work, space, KIND, document, wire, given)
