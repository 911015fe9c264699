"""The files of the embedded index: opening, lending searchers, noticing that they are broken."""

from __future__ import annotations

import errno
import logging
import pickle
import re
import struct
import zlib
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from whoosh import index
from whoosh.reading import CorruptIndexError, ReaderClosed
from whoosh.searching import Searcher
from whoosh.writing import SegmentWriter

from collab.search.port import BrokenIndex
from collab.search.whoosh_terms import SCHEMA

log = logging.getLogger(__name__)

NAME = "fr1"
"""Changes whenever the schema or the stems do: an index of another name is not seen, so a new
one is filled."""
TOC = re.compile(rf"_{NAME}_([0-9]+)\.toc")
UNFILLED = "unfilled"
"""A file of this name says that the index does not hold everything (yet, or any more)."""
LOCK_WAIT = 10.0
"""Seconds to wait for another process that writes."""
KEPT = 4
"""Searchers that are kept for the next question."""

# What damaged files have been seen to raise; Whoosh trusts what it reads (pickles, offsets).
DAMAGE = (
    ArithmeticError, AssertionError, AttributeError, EOFError, LookupError, MemoryError, OSError,
    TypeError, ValueError, CorruptIndexError, index.IndexError, pickle.UnpicklingError,
    struct.error, zlib.error,
)  # fmt: skip

_NOT_DAMAGE = frozenset(
    {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM}
    | {errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EIO}
)
"""Errors of the system that say nothing about what stands in the files."""

State = tuple[int, int, int]


def is_damage(error: BaseException) -> bool:
    """Whether an error means that the files of the index hold nonsense."""
    if isinstance(error, OSError):
        return error.errno not in _NOT_DAMAGE
    return isinstance(error, DAMAGE)


@dataclass
class _Lent:
    searcher: Searcher
    state: State


class IndexFiles:
    """One folder, readable by its owner alone: index files contain pickles."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._idle: deque[_Lent] = deque()

    def exist(self) -> bool:
        """Whether there is an index of our version."""
        return self._state() is not None

    def filled(self) -> bool:
        """Whether there is an index that holds everything it should."""
        return self.exist() and not (self._folder / UNFILLED).exists()

    def set_filled(self, *, filled: bool) -> None:
        """Say that the index holds everything, or that it does not."""
        if filled:
            (self._folder / UNFILLED).unlink(missing_ok=True)
        else:
            with suppress(OSError):
                (self._folder / UNFILLED).touch()

    def writer(self) -> SegmentWriter:
        """Open the index for writing, creating an empty one if there is none.

        Raises:
            BrokenIndex: it cannot be read.
            OSError: the folder cannot be written, or another process has been writing too long.
        """
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._folder.chmod(0o700)
        if not self.exist():
            self.set_filled(filled=False)
            index.create_in(str(self._folder), SCHEMA, NAME)
        try:
            writer = self._open().writer(timeout=LOCK_WAIT, delay=0.05)
            assert isinstance(writer, SegmentWriter)
            return writer
        except index.LockError as error:
            raise OSError("the search index is being written by another process") from error
        except DAMAGE as error:
            self.look_into(error)
            raise

    def wipe(self, *, others: bool = False) -> None:
        """Remove the files of the index, or those of `others`, of earlier versions.

        Readers that hold some open go on until they close.
        """
        for path in self._folder.glob("*"):
            ours = path.name.lstrip("_").startswith(f"{NAME}_")
            if path.is_file() and path.name != UNFILLED and ours is not others:
                path.unlink(missing_ok=True)

    def look_into(self, error: BaseException) -> None:
        """If an error means damage, note down that the index must be filled again.

        Raises:
            BrokenIndex: it does.
        """
        if is_damage(error):
            log.warning("search index is damaged and will be filled again: %r", error)
            self.set_filled(filled=False)
            raise BrokenIndex(repr(error)) from error

    @contextmanager
    def searcher(self) -> Iterator[Searcher]:
        """Lend a searcher that sees the last commit; nobody else uses it meanwhile.

        Readers keep file positions, so one must not serve two threads at a time.

        Raises:
            BrokenIndex: there is no index, or it cannot be read.
        """
        lent = self._borrow()
        try:
            yield lent.searcher
        except BaseException as error:
            _close(lent.searcher)
            self.look_into(error)
            raise
        if len(self._idle) < KEPT:
            self._idle.append(lent)
        else:
            _close(lent.searcher)

    def _borrow(self) -> _Lent:
        state = self._state()
        with suppress(IndexError):
            lent = self._idle.pop()
            if lent.state == state:
                return lent
            # Opened anew, not refreshed: Searcher.refresh() brings merged segments back.
            _close(lent.searcher)
        while state is not None:
            try:
                return _Lent(self._open().searcher(), state)
            except DAMAGE as error:
                before, state = state, self._state()
                if state == before:
                    self.look_into(error)
                    raise
                # A commit removed what we were about to open; what it wrote is next.
        raise BrokenIndex("there is no index yet")

    def _open(self) -> index.FileIndex:
        return index.open_dir(str(self._folder), NAME, schema=SCHEMA)

    def _state(self) -> State | None:
        """Generation, inode and time of the newest table of contents; None without an index."""
        while True:
            found = [m for p in self._folder.glob("*.toc") if (m := TOC.fullmatch(p.name))]
            if not found:
                return None
            newest = max(found, key=lambda m: int(m[1]))
            with suppress(FileNotFoundError):  # a commit removed it: list again
                about = (self._folder / newest[0]).stat()
                return (int(newest[1]), about.st_ino, about.st_mtime_ns)


def _close(searcher: Searcher) -> None:
    with suppress(*DAMAGE, ReaderClosed):
        searcher.close()
