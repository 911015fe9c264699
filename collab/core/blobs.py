"""Bytes that people upload, each kept once under the SHA-256 of its content."""

from __future__ import annotations

import hashlib
import math
import os
import re
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

DIGEST = re.compile(r"[0-9a-f]{64}")
SHARD = 2
"""Signs of the digest that name the folder a file lies in."""


class Blobs:
    """The files below one folder. Nothing that a sender chose is ever part of a path (R63).

    What belongs to whom, and who may read it, is in the database; see spaces.files.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, content: bytes) -> str:
        """Keep bytes; their SHA-256 in hex. Keeping them twice is keeping them once.

        A reader never sees half a file. Raises OSError when the disk is full or not writable.
        """
        digest = hashlib.sha256(content).hexdigest()
        place = self.path(digest)
        place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor, name = tempfile.mkstemp(dir=place.parent, prefix=".")  # readable by us alone
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())  # a row that outlives a power cut has its whole file
            Path(name).replace(place)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
        return digest

    def path(self, digest: str) -> Path:
        """Where the bytes with that SHA-256 lie, or would. Raises ValueError for what is none."""
        if not DIGEST.fullmatch(digest):
            raise ValueError("not a SHA-256 in hex")
        return self._folder / digest[:SHARD] / digest

    def holds(self, digest: str) -> bool:
        """Whether these bytes are here."""
        return self.path(digest).is_file()

    def drop(self, digest: str) -> None:
        """Forget bytes; forgetting what is not here is nothing."""
        self.path(digest).unlink(missing_ok=True)

    def older_than(self, seconds: float) -> Iterator[str]:
        """The digests of what was last written longer ago than that.

        What a process left half written when it was killed is removed on the way.
        """
        before = time.time() - seconds
        for file in sorted(self._folder.glob(f"{'?' * SHARD}/*")):
            if DIGEST.fullmatch(file.name) and _written(file) < before:
                yield file.name
        for left in self._folder.glob(f"{'?' * SHARD}/.*"):
            if _written(left) < before:
                left.unlink(missing_ok=True)


def _written(file: Path) -> float:
    """When a file was last written; never, when somebody else has just dropped or named it."""
    try:
        return file.stat().st_mtime
    except FileNotFoundError:
        return math.inf
