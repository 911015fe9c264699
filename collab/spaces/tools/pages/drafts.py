"""What stands in the form for a document, and what it asks for when it is sent."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy.orm import Session

from collab.core.inputs import convert
from collab.core.tongues import DEFAULT
from collab.spaces.items import version_of
from collab.spaces.models import Offer
from collab.spaces.tools.pages.inputs import EditClash, EditDocument, WriteDocument
from collab.spaces.tools.pages.merge import merge
from collab.spaces.tools.pages.models import Document
from collab.spaces.tools.pages.queries import Node, revision_named

SEPARATORS = re.compile(r"[,;\n]")
INDENT = "\u2003"
UNSAID = DEFAULT.code
"""What the form shows of a document whose language nobody said: that in which the instance is
written. Saving the document for something else does not say it."""


@dataclass(frozen=True)
class Draft:
    """The fields of the form. `was_*`: what they held when it was opened."""

    title: str = ""
    source: str = ""
    summary: str = ""
    tags: str = ""
    description: str = ""
    language: str = ""
    parent: str = ""
    base: str = ""
    was_tags: str = ""
    was_description: str = ""
    was_language: str = ""
    was_parent: str = ""


@dataclass(frozen=True)
class Clash:
    """Two texts to choose from, shown above the form."""

    theirs_title: str
    theirs: str
    mine: str
    clashing: bool = True


def draft_of(document: Document) -> Draft:
    """The form for a new version of a document."""
    tags = ", ".join(document.tags)
    parent = document.parent.uid if document.parent else ""
    language = document.language or UNSAID
    return Draft(
        title=document.title,
        source=document.source,
        tags=tags,
        description=document.description,
        language=language,
        parent=parent,
        base=version_of(document.title, document.source),
        was_tags=tags,
        was_description=document.description,
        was_language=language,
        was_parent=parent,
    )


def draft_from(form: Mapping[str, str]) -> Draft:
    """The form as it was sent. Raises TypeError for text that is none, or far too long."""
    names = Draft.__dataclass_fields__
    return Draft(**{name: convert(str, form.get(name, "")) for name in names})


def as_new(draft: Draft) -> WriteDocument:
    """The document the form asks for."""
    return WriteDocument(
        title=draft.title,
        source=draft.source,
        summary=draft.summary,
        parent=draft.parent,
        tags=_tags(draft.tags),
        description=draft.description,
        language=draft.language,
    )


def as_edit(draft: Draft, document: Document) -> EditDocument:
    """The version the form asks for; what was not touched in it stays as others leave it."""
    return EditDocument(
        document=document.uid,
        title=draft.title,
        source=draft.source,
        summary=draft.summary,
        base=draft.base,
        tags=None if draft.tags == draft.was_tags else _tags(draft.tags),
        description=None if draft.description == draft.was_description else draft.description,
        language=None if draft.language in ("", draft.was_language) else draft.language,
        parent=None if draft.parent == draft.was_parent else draft.parent,
    )


def after_clash(draft: Draft, clash: EditClash) -> tuple[Draft, Clash]:
    """The form again, with both texts in it, to be saved on top of the current version."""
    again = replace(draft, source=clash.merged, base=clash.current)
    return again, Clash(clash.theirs[0], clash.theirs[1], clash.mine[1])


def draft_of_offer(
    session: Session, offer: Offer, document: Document | None
) -> tuple[Draft, Clash | None]:
    """The form for a text that the project's host did not take, with the current text beside it."""
    given: dict[str, Any] = offer.given
    words = {
        "title": given.get("title", ""),
        "source": given.get("source", ""),
        "summary": given.get("summary", ""),
    }
    if document is None:
        tags = ", ".join(given.get("tags", []))
        plain = {name: given.get(name, "") for name in ("description", "language", "parent")}
        return Draft(**words, **plain, tags=tags), None
    draft = replace(draft_of(document), **words)
    if "tags" in given:
        draft = replace(draft, tags=", ".join(given["tags"]))
    draft = replace(draft, description=given.get("description", draft.description))
    draft = replace(draft, parent=given.get("parent", draft.parent))
    draft = replace(draft, language=given.get("language", draft.language) or UNSAID)
    base = revision_named(session, document, given.get("base", "")) if given.get("base") else None
    merged = merge(base.source if base else "", document.source, draft.source)
    clash = Clash(document.title, document.source, draft.source, clashing=bool(merged.clashes))
    return replace(draft, source=merged.text), clash


def places(nodes: Sequence[Node], without: str = "", depth: int = 0) -> list[tuple[str, str]]:
    """The documents one can be put below, as choices of the form; not below itself."""
    found: list[tuple[str, str]] = []
    for node in nodes:
        if node.uid != without:
            found.append((node.uid, INDENT * depth + node.title))
            found += places(node.children, without, depth + 1)
    return found


def _tags(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in SEPARATORS.split(text) if part.strip())
