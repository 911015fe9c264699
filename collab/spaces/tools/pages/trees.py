"""Which file a document is, and which documents a tree of files makes.

A folder is a document too: its own `index.md` or `README.md`, else the file of its name beside it,
else a document without a text, whose path ends with `/`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from sqlalchemy.orm import Session

from collab.core.errors import Conflict, Invalid
from collab.core.i18n import N_
from collab.core.work import new_uid
from collab.spaces.models import Space
from collab.spaces.operations import slug_of
from collab.spaces.tools.pages.models import Document
from collab.spaces.tools.pages.naming import free_slug
from collab.spaces.tools.pages.queries import documents
from collab.spaces.tools.pages.sheets import Sheet, read_sheet
from collab.spaces.tools.pages.sources import Found
from collab.spaces.tools.pages.strictness import left_out

OWN = ("index", "readme")
"""Names of files that hold the text of the folder they stand in."""
SHARED_BY = 3
"""A title that so many files have is none: the first heading or the file name is taken."""

TWICE = N_("Un autre fichier porte déjà ce nom : seul le premier est pris.")


@dataclass(frozen=True)
class Leaf:
    """A file to bring in, or a folder without a file; `above`: the path it stands below."""

    path: str
    sheet: Sheet
    as_typed: Sheet
    """The sheet with the title its front matter gives, even where that is no use."""
    uid: str
    slug: str
    above: str
    known: bool

    @property
    def is_folder(self) -> bool:
        """Whether there is no file for it."""
        return self.path.endswith("/")


@dataclass
class Plan:
    """What an import is going to do; in `leaves`, what is above comes first."""

    leaves: list[Leaf] = field(default_factory=list)
    refused: list[tuple[str, str]] = field(default_factory=list)
    cleaned: list[tuple[str, str]] = field(default_factory=list)
    """Files that are taken without all they hold, and what is left out."""
    slugs: dict[str, str] = field(default_factory=dict)
    """The address of the document of each file and each folder, by path."""
    uids: dict[str, str] = field(default_factory=dict)
    """The public id of the document of each file, by path."""


def plan_import(session: Session, space: Space, found: Iterable[Found]) -> Plan:
    """Read all files and say which document each of them is, or will be. Writes nothing.

    Raises:
        Conflict: the space lives on another instance.
    """
    if not space.local:
        raise Conflict(N_("On importe sur l’instance qui héberge le projet."))
    plan = Plan()
    sheets = _read_all(found, plan)
    known = _known(documents(session, space))
    owners = _owners(sheets, known)
    for path in owners.values():
        if path.endswith("/"):
            sheets[path] = Sheet("", "", "")
    shared = Counter(sheet.title for sheet in sheets.values())
    taken: set[str] = set()
    for path in sorted(sheets, key=lambda p: (standing_in(p).count("/") + bool(standing_in(p)), p)):
        sheet = _titled(path, sheets[path], shared)
        document = known.get(path)
        uid = document.uid if document else new_uid()
        slug = document.slug if document else ""
        slug = slug or free_slug(session, space, slug_of(sheet.title), uid, taken)
        taken.add(slug)
        as_typed = replace(sheet, title=sheets[path].title or sheet.title)
        above = owners.get(standing_in(path), "")
        plan.leaves.append(Leaf(path, sheet, as_typed, uid, slug, above, document is not None))
        plan.slugs[path], plan.uids[path] = slug, uid
    for folder, path in owners.items():
        if path not in plan.slugs:
            plan.slugs[path], plan.uids[path] = known[path].slug, known[path].uid
        plan.slugs[folder] = plan.slugs[path]
    return plan


def _read_all(found: Iterable[Found], plan: Plan) -> dict[str, Sheet]:
    """The files that can be read, by path; the others stand in `plan.refused`."""
    sheets: dict[str, Sheet] = {}
    for file in found:
        try:
            if file.path in sheets:
                raise Invalid(file=TWICE)
            sheets[file.path] = _read(file)
            plan.cleaned += [(file.path, what) for what in left_out(file.content)]
        except Invalid as refused:
            plan.refused.append((file.path, "; ".join(refused.fields.values())))
    return sheets


def _read(file: Found) -> Sheet:
    if file.refused:
        raise Invalid(file=file.refused)
    return read_sheet(file.content)


def _titled(path: str, sheet: Sheet, shared: Mapping[str, int]) -> Sheet:
    """The sheet with the title its document gets: front matter, first heading, or file name."""
    given = sheet.title
    if given and shared[given] >= SHARED_BY:
        given = ""
    return replace(sheet, title=given or sheet.heading or called(path))


def _owners(sheets: Mapping[str, Sheet], known: Mapping[str, Document]) -> dict[str, str]:
    """The document that each folder is: the path of its file, or the folder's with a `/`."""
    owners: dict[str, str] = {}
    for path in sorted([*sheets, *known], key=lambda p: (not is_own(p), p not in sheets, p)):
        owners.setdefault(holding(path), path)
    needed = {folder for path in sheets for folder in _folders(standing_in(path))}
    return {folder: owners.get(folder, f"{folder}/") for folder in sorted(needed)}


def _folders(folder: str) -> list[str]:
    """A folder and all those it stands in."""
    parts = folder.split("/") if folder else []
    return ["/".join(parts[: n + 1]) for n in range(len(parts))]


def _known(living: Sequence[Document]) -> dict[str, Document]:
    """The documents by the file they are; a folder also by the file that would hold its text."""
    paths = paths_of(living)
    known = {f"{paths[d.id]}index.md": d for d in living if paths[d.id].endswith("/")}
    return known | {paths[d.id]: d for d in living}


def paths_of(living: Sequence[Document]) -> dict[int, str]:
    """The file each document is: where it came from, else its place in the tree. All differ."""
    by_id = {d.id: d for d in living}
    with_children = {d.parent_id for d in living}
    paths = {d.id: d.origin for d in living if d.origin}
    used = set(paths.values())

    def path_of(document: Document, below: frozenset[int]) -> str:
        if document.id in paths:
            return paths[document.id]
        parent = by_id.get(document.parent_id or 0)
        inside = parent is not None and parent.id not in below
        folder = holding(path_of(parent, below | {document.id})) if parent and inside else ""
        stem = f"{folder}/{document.slug}" if folder else document.slug
        if document.id in with_children:
            stem += "/index"
        elif folder and document.slug in OWN:
            stem += "-page"
        path, number = f"{stem}.md", 1
        while path in used:
            number += 1
            path = f"{stem}-{number}.md"
        used.add(path)
        paths[document.id] = path
        return path

    for document in sorted(living, key=lambda d: d.id):
        path_of(document, frozenset())
    return paths


def is_own(path: str) -> bool:
    """Whether a file holds the text of the folder it stands in."""
    folder, _, name = path.rpartition("/")
    return bool(folder) and name.lower().rpartition(".")[0] in OWN


def holding(path: str) -> str:
    """The folder whose files stand below the document of this file."""
    if path.endswith("/"):
        return path[:-1]
    return path.rpartition("/")[0] if is_own(path) else path.rpartition(".")[0]


def standing_in(path: str) -> str:
    """The folder whose document stands above that of this file; "" at the top."""
    if path.endswith("/") or is_own(path):
        return holding(path).rpartition("/")[0]
    return path.rpartition("/")[0]


def called(path: str) -> str:
    """A title out of a file's or a folder's name."""
    name = holding(path).rpartition("/")[2]
    words = " ".join(name.replace("_", " ").replace("-", " ").split())
    return (words[:1].upper() + words[1:])[:200] or name[:200]
