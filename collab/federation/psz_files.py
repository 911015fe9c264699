"""The recordings of a project in its `project.psz`: each once, under the SHA-256 of its bytes.

Only what is shown here goes out: not what was withdrawn, erased or hidden, nor what is not held.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from collab.core.blobs import Blobs
from collab.core.sounds import KINDS
from collab.spaces.files import StoredFile, is_open
from collab.spaces.models import Item, ItemState, Space

FOLDER = "files/"
AT_ONCE = 1 << 20
"""Bytes of a file that are read together."""


@dataclass(frozen=True)
class Taken:
    """A file that goes out: its name in the archive, its type, where its bytes lie."""

    name: str
    kind: str
    place: Path

    def parts(self) -> Iterator[bytes]:
        """Its bytes, a little at a time. Raises OSError."""
        with self.place.open("rb") as file:
            while part := file.read(AT_ONCE):
                yield part


def name_of(file: StoredFile) -> str:
    """The name of a file in an archive: its digest is what it is found by, the ending helps."""
    ending = KINDS.get(file.kind)
    return f"{FOLDER}{file.digest}" + (f".{ending}" if ending else "")


def _is_whole(blobs: Blobs, digest: str) -> bool:
    """Whether the bytes are there, as they were: a damaged one would spoil the archive."""
    if not blobs.holds(digest):
        return False
    with blobs.path(digest).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() == digest


def files_to_take(session: Session, blobs: Blobs, space: Space) -> dict[int, Taken]:
    """The file of each item that goes out with its bytes, by the item's id."""
    rows = session.scalars(
        select(StoredFile)
        .join(Item, Item.id == StoredFile.item_id)
        .where(
            StoredFile.space_id == space.id,
            StoredFile.held,
            Item.state == ItemState.CONFIRMED,
        )
        .order_by(StoredFile.id)
    ).all()
    names: dict[str, str] = {}
    found = {}
    for file in rows:
        if is_open(session, file) and (file.digest in names or _is_whole(blobs, file.digest)):
            name = names.setdefault(file.digest, name_of(file))
            found[file.item_id] = Taken(name, file.kind, blobs.path(file.digest))
    return found
