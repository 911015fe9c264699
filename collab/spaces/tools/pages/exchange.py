"""Documents out as a tree of Markdown files, and in again, without losing or doubling anything.

A file and a document belong together by the file's path (`Document.origin`); documents written
here get the path they would be exported to. So an export that is imported again changes nothing.
"""

from __future__ import annotations

import io
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from collab.core.errors import Invalid, Problem
from collab.core.i18n import N_
from collab.core.work import Work
from collab.spaces.models import Role, Space
from collab.spaces.policy import require
from collab.spaces.summaries import IMPORTED
from collab.spaces.tools.pages.inputs import EditClash, EditDocument, Imported, WriteDocument
from collab.spaces.tools.pages.models import Document
from collab.spaces.tools.pages.operations import edit_document, write_document
from collab.spaces.tools.pages.queries import document_in, documents
from collab.spaces.tools.pages.sheets import Sheet, digest_of, write_sheet
from collab.spaces.tools.pages.trees import Leaf, Plan, called, paths_of

BATCH = 20
"""Documents written in one unit of work: others may write in between."""
CLASH = N_("Ce document a été changé ici entre-temps, aux mêmes endroits : il est laissé tel quel.")


@dataclass
class Report:
    """What an import did. `refused`: paths and why (French source strings)."""

    imported: int = 0
    unchanged: int = 0
    refused: list[tuple[str, str]] = field(default_factory=list)
    cleaned: list[tuple[str, str]] = field(default_factory=list)
    """Files that are shown without all they hold, and what is left out."""

    def line(self) -> str:
        """The report in one line, as the command line prints it."""
        return f"imported {self.imported}, unchanged {self.unchanged}, refused {len(self.refused)}"


def run_import(
    start: Callable[[], Work], space: Space, plan: Plan, tick: Callable[[str], None]
) -> Report:
    """Do what is planned, BATCH documents at a time; `tick` is told each path.

    A file that an operation refuses is reported and leaves no trace; the others are brought in.

    Raises:
        Missing, Forbidden, Conflict: the actor may not write in the space at all.
    """
    report = Report(refused=list(plan.refused), cleaned=list(plan.cleaned))
    with start() as work:
        require(work, space, Role.MEMBER)
    failed: set[str] = set()
    for at in range(0, len(plan.leaves), BATCH):
        with start() as work:
            for leaf in plan.leaves[at : at + BATCH]:
                _bring_in(work, space, plan, leaf, failed, report)
                tick(leaf.path)
                time.sleep(0)  # whoever else this process serves is answered in between
    return report


def _bring_in(
    work: Work, space: Space, plan: Plan, leaf: Leaf, failed: set[str], report: Report
) -> None:
    try:
        with work.attempt():
            changed = _take(work, space, plan, leaf, failed)
    except Problem as problem:
        failed.add(leaf.path)
        report.refused.append((leaf.path, _why(problem)))
        return
    if not leaf.is_folder:
        report.imported += changed
        report.unchanged += not changed


def _why(problem: Problem) -> str:
    if isinstance(problem, EditClash):
        return CLASH
    if isinstance(problem, Invalid):
        return "; ".join(problem.fields.values())
    return problem.message


def _take(work: Work, space: Space, plan: Plan, leaf: Leaf, failed: set[str]) -> bool:
    """Write a new document or a new version. False when there is nothing to change."""
    sheet = leaf.sheet
    file = Imported(
        path=leaf.path,
        digest=digest_of(sheet),
        text=f"{sheet.title}\n{sheet.source}",
        slugs=plan.slugs,
        uid=leaf.uid,
        slug=leaf.slug,
        front=sheet.extra,
    )
    if leaf.known:
        document = document_in(work.session, space, leaf.uid)
        if leaf.is_folder or _is_unchanged(document, leaf):
            return False
        given = EditDocument(
            document=leaf.uid,
            title=sheet.title,
            source=sheet.source,
            summary=IMPORTED,
            tags=sheet.tags,
            description=sheet.description,
            imported=file,
        )
        edit_document(work, space, given)
        return True
    parent = "" if leaf.above in failed else plan.uids.get(leaf.above, "")
    new = WriteDocument(
        title=sheet.title,
        source=sheet.source,
        summary=IMPORTED,
        parent=parent,
        tags=sheet.tags,
        description=sheet.description,
        imported=file,
    )
    write_document(work, space, new)
    return True


def _is_unchanged(document: Document, leaf: Leaf) -> bool:
    """Whether the file says what the document says, or what it said when it was last imported."""
    said = {digest_of(leaf.sheet), digest_of(leaf.as_typed)}
    return document.origin_digest in said or digest_of(sheet_of(document)) in said


def sheet_of(document: Document) -> Sheet:
    """What the file of a document says."""
    return Sheet(
        title=document.title,
        heading="",
        source=document.source,
        tags=tuple(document.tags),
        description=document.description,
        extra=document.front,
    )


def files_of(session: Session, space: Space) -> Iterator[tuple[str, str]]:
    """Every living document as a file: its path and its text."""
    living = documents(session, space)
    paths = paths_of(living)
    with_children = {document.parent_id for document in living}
    for document in sorted(living, key=lambda d: paths[d.id]):
        path = paths[document.id]
        if path.endswith("/"):
            named = Sheet(called(path), "", "") == sheet_of(document)
            if named and document.id in with_children:
                continue
            path += "index.md"
        yield path, write_sheet(sheet_of(document))


def zip_of(session: Session, space: Space) -> bytes:
    """All documents of a space as a zip, the same bytes for the same documents."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, text in files_of(session, space):
            archive.writestr(zipfile.ZipInfo(f"{space.slug}/{path}"), text.encode())
    return packed.getvalue()
