"""What can be asked of the room: one dataclass per operation, and what is checked of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from collab.core.errors import Conflict, Invalid
from collab.core.i18n import N_
from collab.spaces.items import MAX_TITLE
from collab.spaces.tools.pages.merge import has_marks
from collab.spaces.tools.pages.naming import one_line

MAX_SOURCE = 200_000
MAX_SUMMARY = 300
MAX_DESCRIPTION = 500
MAX_TAGS, MAX_TAG = 20, 60

INTERNAL = {"internal": True}


@dataclass(frozen=True)
class Told:
    """What the host of a remote project says of a document, to be repeated exactly."""

    iri: str
    uid: str
    slug: str
    number: int
    published: datetime
    updated: datetime | None
    html: str
    base: str | None
    license: str
    contributors: tuple[str, ...]


@dataclass(frozen=True)
class Imported:
    """The file a document comes from: its path in the tree, and what it held."""

    path: str
    digest: str
    text: str
    """Its title, a line feed, and its text."""
    slugs: Mapping[str, str]
    """The address that each file of the tree has or will have, by path."""
    uid: str = ""
    slug: str = ""
    front: Mapping[str, Any] = field(default_factory=dict)
    """What else its front matter says; kept to be written back."""


@dataclass(frozen=True)
class WriteDocument:
    """A new document. `parent` is the uid of the one above; none: at the top.

    `language` is the BCP 47 code of what it is written in.
    """

    title: str
    source: str = ""
    summary: str = ""
    parent: str | None = None
    tags: tuple[str, ...] = ()
    description: str = ""
    language: str = ""
    told: Told | None = field(default=None, metadata=INTERNAL)
    imported: Imported | None = field(default=None, metadata=INTERNAL)


@dataclass(frozen=True)
class EditDocument:
    """A new version. What is None stays; `parent` "" is the top; `language` `und` forgets it.

    `base` is the version (hash or number) the text was written on; none: the current one.
    """

    document: str
    title: str | None = None
    source: str | None = None
    summary: str = ""
    base: str = ""
    tags: tuple[str, ...] | None = None
    description: str | None = None
    language: str | None = None
    parent: str | None = None
    told: Told | None = field(default=None, metadata=INTERNAL)
    imported: Imported | None = field(default=None, metadata=INTERNAL)


@dataclass(frozen=True)
class RestoreRevision:
    """Make an old version of a document, by its number, the newest one."""

    document: str
    number: int


@dataclass(frozen=True)
class MoveDocument:
    """Put a document below another one, or at the top when there is no `parent`."""

    document: str
    parent: str = ""


@dataclass(frozen=True)
class RemoveDocument:
    """The uid of the document to take back."""

    document: str


@dataclass(frozen=True)
class RestoreDocument:
    """The uid of the document to bring back."""

    document: str


class EditClash(Conflict):
    """Two people changed the same lines. Nothing was written and nothing is lost.

    `base`, `theirs` and `mine` are (title, source); `merged` is the source with the clashing
    passages of both, marked; `current` is the version in hex that the next try is based on.
    """

    code = "edit_conflict"

    def __init__(
        self,
        base: tuple[str, str],
        theirs: tuple[str, str],
        mine: tuple[str, str],
        merged: str,
        current: str,
    ) -> None:
        super().__init__(
            N_("Une autre personne a changé les mêmes passages. Votre texte est gardé."),
            current=current,
        )
        self.base, self.theirs, self.mine = base, theirs, mine
        self.merged, self.current = merged, current


def checked_title(title: str) -> str:
    """A title as it is kept. Raises Invalid when it is blank or too long."""
    kept = one_line(title)
    if not kept:
        raise Invalid(title=N_("Donnez un titre au document."))
    if len(kept) > MAX_TITLE:
        raise Invalid(title=N_("Ce titre est trop long : 200 caractères au plus."))
    return kept


def checked_source(source: str) -> str:
    """A text as it is kept. Raises Invalid when it is too long or has passages to choose."""
    if len(source) > MAX_SOURCE:
        raise Invalid(source=N_("Ce texte est trop long : 200 000 caractères au plus."))
    if has_marks(source):
        raise Invalid(
            source=N_(
                "Il reste des passages à choisir : gardez ce qui convient, puis effacez "
                "les lignes qui commencent par <<<<<<<, ======= et >>>>>>>."
            )
        )
    return source


def checked_summary(summary: str) -> str:
    """What changed, in a line. Raises Invalid when it is too long."""
    kept = one_line(summary)
    if len(kept) > MAX_SUMMARY:
        raise Invalid(summary=N_("Ce résumé est trop long : 300 caractères au plus."))
    return kept


def checked_description(description: str) -> str:
    """What a document is about, in a line. Raises Invalid when it is too long."""
    kept = one_line(description)
    if len(kept) > MAX_DESCRIPTION:
        raise Invalid(description=N_("Cette description est trop longue : 500 caractères au plus."))
    return kept


def checked_tags(tags: tuple[str, ...] | list[str]) -> list[str]:
    """Tags as they are kept: one line each, without `#`, each once. Raises Invalid."""
    kept = {one_line(tag).lstrip("#").strip(): None for tag in tags}
    kept.pop("", None)
    if len(kept) > MAX_TAGS:
        raise Invalid(tags=N_("C’est beaucoup d’étiquettes : 20 au plus."))
    if any(len(tag) > MAX_TAG for tag in kept):
        raise Invalid(tags=N_("Une étiquette est trop longue : 60 caractères au plus."))
    return list(kept)
