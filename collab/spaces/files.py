"""Files beside what people write: whose they are, where they stand, who may have their bytes.

The bytes lie in `core.blobs`, once however often they are sent; here is what they are part of. A
file is seen by those who see its item, goes with it, and is never read without asking here.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, String, delete, func, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from collab.core.blobs import Blobs
from collab.core.db import Base
from collab.core.errors import Conflict
from collab.core.i18n import N_
from collab.core.work import Work
from collab.people.models import Actor
from collab.spaces.hiding import is_hidden
from collab.spaces.models import Item, ItemState, Space, Visibility
from collab.spaces.policy import may_read

BRING, FORGET = "bring_file", "forget_file"
"""The kinds of jobs that fetch the bytes of a file from elsewhere, and let bytes go."""
FULL = N_("Ce projet n’a plus de place pour des fichiers. Parlez-en aux personnes référentes.")


class StoredFile(Base):
    """One file of one item. What it says of the bytes is what its author's instance says, and
    bytes that are otherwise are never kept."""

    __tablename__ = "file"

    id: Mapped[int] = mapped_column(primary_key=True)
    item_id: Mapped[int] = mapped_column(ForeignKey("item.id"), index=True)
    space_id: Mapped[int] = mapped_column(ForeignKey("space.id"), index=True)
    owner_id: Mapped[int] = mapped_column(ForeignKey("actor.id"))
    digest: Mapped[str] = mapped_column(String(64), index=True)
    """SHA-256 in hex."""
    kind: Mapped[str] = mapped_column(String(100))
    """The type found in the bytes."""
    size: Mapped[int]
    seconds: Mapped[int] = mapped_column(default=0)
    """How long a sound lasts; 0 where nobody knows."""
    url: Mapped[str] = mapped_column(String(2048))
    """Where its author's instance serves it."""
    held: Mapped[bool] = mapped_column(default=False, index=True)
    """Whether the bytes are here."""
    created_at: Mapped[datetime]

    item: Mapped[Item] = relationship()
    space: Mapped[Space] = relationship()


@dataclass(frozen=True)
class Upload:
    """Bytes that are here, or are to be had at `url`, and what they are.

    `most`: how many bytes all files of the project together may have, as the settings say.
    """

    digest: str
    kind: str
    size: int
    seconds: int
    url: str
    held: bool = True
    most: int = 0


def attach(work: Work, item: Item, given: Upload) -> None:
    """Put a file beside an item that has just been published; what is not here is sent for.

    Raises:
        Conflict: the project has no more room, or the bytes went in the meantime.
    """
    if given.held:
        _room(work.session, item.space_id, given)
    row = StoredFile(
        item_id=item.id,
        space_id=item.space_id,
        owner_id=item.author_id,
        digest=given.digest,
        kind=given.kind,
        size=given.size,
        seconds=given.seconds,
        url=given.url,
        held=given.held,
        created_at=work.now,
    )
    work.add(row)
    if not given.held:
        work.later(BRING, {"item": item.id})


def _room(session: Session, space_id: int, given: Upload) -> None:
    if held_bytes(session, space_id) + given.size > given.most:
        raise Conflict(FULL)


def held_bytes(session: Session, space_id: int) -> int:
    """How many bytes the files of a project have here."""
    counted = select(func.sum(StoredFile.size)).where(
        StoredFile.space_id == space_id, StoredFile.held
    )
    return session.scalar(counted) or 0


def files_of(session: Session, items: Collection[Item]) -> Mapping[int, StoredFile]:
    """The file beside each of these items, by the item's id; one query for all."""
    ids = [item.id for item in items]
    if not ids:
        return {}
    rows = session.scalars(select(StoredFile).where(StoredFile.item_id.in_(ids)))
    return {row.item_id: row for row in rows}


def file_of(session: Session, item: Item) -> StoredFile | None:
    """The file beside one item."""
    return files_of(session, [item]).get(item.id)


def held_files(session: Session, digest: str) -> Sequence[StoredFile]:
    """Every file whose bytes are these and are here."""
    wanted = StoredFile.digest == digest, StoredFile.held
    return session.scalars(select(StoredFile).where(*wanted).order_by(StoredFile.id)).all()


def had_by_its_readers(session: Session, file: StoredFile) -> bool:
    """Whether the bytes of a file are here as part of something that all its readers may have.

    Naming a digest proves nothing: bytes of another project stay closed to those who know it (R62).
    """
    return any(
        (one.kind, one.size) == (file.kind, file.size)
        and (one.space_id == file.space_id or one.space.visibility == Visibility.PUBLIC)
        and is_open(session, one)
        for one in held_files(session, file.digest)
    )


def is_open(session: Session, file: StoredFile) -> bool:
    """Whether a file is shown at all: not taken back, not refused, its author not hidden."""
    item = file.item
    gone = item.withdrawn_at or item.state == ItemState.REFUSED or file.space.deleted_at
    return not gone and not is_hidden(session, item.author)


def may_have(session: Session, file: StoredFile, viewer: Actor | None) -> bool:
    """Whether somebody may have a file now: who reads its item may (R32)."""
    return is_open(session, file) and may_read(session, file.space, viewer)


def set_aside(work: Work, item: Item) -> None:
    """The words of an item were taken back: a copy of its file, made here, goes at once.

    The author's own instance keeps it as long as the words can be brought back.
    """
    file = file_of(work.session, item)
    if file is not None and not item.author.local and file.held:
        file.held = False
        work.later(FORGET, {"digest": file.digest})


def take_up(work: Work, item: Item) -> None:
    """The words of an item were brought back: its file is sent for, where it is not here."""
    file = file_of(work.session, item)
    if file is not None and not file.held:
        work.later(BRING, {"item": item.id})


def erase_files(work: Work, item: Item) -> None:
    """The words of an item are gone for good, and so is its file."""
    work.session.flush()
    beside = StoredFile.item_id == item.id
    for digest in work.session.scalars(select(StoredFile.digest).where(beside)).all():
        work.later(FORGET, {"digest": digest})
    work.session.execute(delete(StoredFile).where(beside))


def note_held(session: Session, file_id: int) -> None:
    """The bytes of a file are here; the caller commits."""
    session.execute(update(StoredFile).where(StoredFile.id == file_id).values(held=True))


def forget(session: Session, blobs: Blobs, payloads: Sequence[dict[str, Any]]) -> None:
    """The job FORGET: let bytes go that no file needs any more."""
    for payload in payloads:
        if not held_files(session, str(payload["digest"])):
            blobs.drop(str(payload["digest"]))
