"""Reading a `project.psz` that was verified: its entries, its keys, its people, its recordings.

Whoever made it chose every byte. What is read here is bounded, is parsed as strictly as anything
that comes over the network, and stays in memory.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

from collab.federation import standalone
from collab.federation.actors import Described
from collab.federation.keys import BadKey, PublicKey, key_from_document
from collab.federation.psz_files import FOLDER
from collab.federation.psz_people import PEOPLE, read_people
from collab.federation.standalone import KEYS, SEAL, Bad
from collab.federation.strictjson import MAX_BYTES, Malformed, parse

Json = dict[str, Any]
SMALL = 32 << 20
"""Bytes of any file of an archive that is read whole, recordings and the log apart."""
MEMBERS = 50_000
BATCH = 100
"""Entries that are read and checked together."""


class Unusable(Exception):
    """An archive that is not taken in: why, and what to do."""


@dataclass(frozen=True)
class Archive:
    """One that was verified. `keys`: the authors' by id, as far as the archive goes."""

    path: Path
    group: str
    first: PublicKey
    keys: dict[str, PublicKey]
    people: dict[str, Described]
    sealer: str
    seq: int
    head: str
    state_digest: str

    def batches(self, after: int) -> Iterator[list[tuple[int, Json]]]:
        """The entries after a number, BATCH at a time, as a page of a log announces them.

        Raises Unusable.
        """
        items = self._items(after)
        while batch := list(islice(items, BATCH)):
            yield batch

    def _items(self, after: int) -> Iterator[tuple[int, Json]]:
        with _opened(self.path) as (archive, file):
            for line in standalone.lines(archive, file):
                try:
                    told = parse(line, limit=MAX_BYTES)
                except Malformed as error:
                    raise Unusable(f"an entry cannot be read: {error}") from error
                seq = int(told["entry"]["seq"])
                if seq > after:
                    item = {"type": "Announce", "actor": self.group, "object": told["body"]}
                    yield seq, item | {"logEntry": told["entry"]}

    def sounds(self) -> list[tuple[str, str, int]]:
        """The recordings: name, SHA-256 in hex, bytes."""
        with _opened(self.path) as (archive, _file):
            return [
                (one.filename, one.filename[len(FOLDER) :][:64], one.file_size)
                for one in archive.infolist()
                if one.filename.startswith(FOLDER)
            ]

    def content(self, name: str) -> bytes:
        """The bytes of a recording; the caller has looked at how many there are."""
        with _opened(self.path) as (archive, file):
            return standalone.stored(archive, file, name)


@contextmanager
def _opened(path: Path) -> Iterator[tuple[zipfile.ZipFile, BinaryIO]]:
    with path.open("rb") as file, zipfile.ZipFile(file) as archive:
        yield archive, file


def read_archive(path: Path, first: str, *, allow_loopback: bool) -> Archive:
    """Verify an archive whole, then read what is not its log.

    `first`: the key it must have begun with, "" for any.

    Raises:
        Unusable: it does not verify, in the verifier's own words; or it is too large.
    """
    try:
        with _opened(path) as (archive, _file):
            _bounded(archive)
        log = standalone.verify(str(path), first)
        with _opened(path) as (archive, file):
            keys, seal = (
                parse(standalone.stored(archive, file, n), limit=SMALL) for n in (KEYS, SEAL)
            )
            named = PEOPLE in archive.namelist()
            people = parse(standalone.stored(archive, file, PEOPLE), limit=SMALL) if named else {}
    except Bad as bad:
        raise Unusable(f"BAD {bad}") from bad
    except (OSError, Malformed, zipfile.BadZipFile) as error:
        raise Unusable(f"the archive cannot be read: {error}") from error
    began = _key(keys["first"])
    if began is None or began.owner != log.group:
        raise Unusable("its first key is not the project's")
    listed = [key for key in map(_key, keys["authors"]) if key is not None]
    return Archive(
        path=path,
        group=log.group,
        first=began,
        keys={key.key_id: key for key in listed if key.algorithm == "ed25519"},
        people=read_people(people, allow_loopback=allow_loopback),
        sealer=str(seal.get("attributedTo")),
        seq=log.seq,
        head=log.head,
        state_digest=str(seal.get("stateDigest")),
    )


def _bounded(archive: zipfile.ZipFile) -> None:
    large = [
        one.filename
        for one in archive.infolist()
        if one.filename != standalone.LOG
        and not one.filename.startswith(FOLDER)
        and one.file_size > SMALL
    ]
    if large or len(archive.infolist()) > MEMBERS:
        raise Unusable(f"it is too large: {', '.join(large[:5]) or 'too many files'}")


def _key(entry: Json) -> PublicKey | None:
    key_id, owner = entry.get("id"), entry.get("controller")
    try:
        found = key_from_document({"id": owner, "assertionMethod": [entry]}, str(key_id))
    except BadKey:
        return None
    of_owner = isinstance(found, PublicKey) and found.owner == str(key_id).partition("#")[0]
    return found if of_owner and isinstance(found, PublicKey) else None
