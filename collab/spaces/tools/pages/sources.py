"""Where files to import come from: a folder, or a zip that somebody sent. Neither is trusted."""

from __future__ import annotations

import lzma
import os
import stat
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import IO

from collab.core.errors import Invalid
from collab.core.i18n import N_

MAX_FILES = 5000
MAX_TOTAL = 100_000_000
"""Bytes of all files of one zip, unpacked."""
MAX_RATIO = 200
"""How many times larger than packed one file may be; text seldom passes 20."""
MAX_PATH = 500
SUFFIXES = (".md", ".markdown")
LEFT_ALONE = ("__MACOSX",)
DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    OSError,
    RuntimeError,  # also what zipfile raises for a method it does not know
    ValueError,
    EOFError,
)

TOO_LARGE = N_("Ce fichier est trop gros.")
BAD_PATH = N_("Ce chemin sort du dossier, ou n’est pas un chemin.")
A_LINK = N_("C’est un lien symbolique : il n’est pas suivi.")
UNREADABLE = N_("Ce fichier ne se laisse pas lire.")
LOCKED = N_("Ce fichier est protégé par un mot de passe.")
TOO_DENSE = N_("Ce fichier se déplie bien plus grand que du texte : il n’est pas ouvert.")
TOO_MANY = N_("Il y a trop de fichiers : 5 000 au plus.")
TOO_MUCH = N_("L’ensemble est trop gros une fois déplié : 100 Mo au plus.")
NO_ZIP = N_("Ce fichier n’est pas un zip, ou il est abîmé.")


@dataclass(frozen=True)
class Found:
    """A Markdown file: its path with `/`, and its content or why it is refused."""

    path: str
    content: bytes = b""
    refused: str = ""


def is_wanted(path: str) -> bool:
    """Whether a path is that of a Markdown file that is not hidden."""
    parts = PurePosixPath(path).parts
    hidden = any(part.startswith(".") and part != ".." for part in parts)
    return path.lower().endswith(SUFFIXES) and not hidden and parts[0] not in LEFT_ALONE


def is_safe(path: str) -> bool:
    """Whether a path stays inside the folder it is read in, on any system."""
    parts = path.split("/")
    odd = any(c in path for c in '\\:\0\n\r<>"|?*') or not path.isprintable()
    return not odd and len(path) <= MAX_PATH and not {"", ".", ".."}.intersection(parts)


def files_in(folder: Path, limit: int) -> Iterator[Found]:
    """The Markdown files of a folder and below, in the order of their paths.

    `limit`: bytes of the largest file that is read. Links are not followed.
    """
    for at, names, files in os.walk(folder):
        names[:] = sorted(n for n in names if not n.startswith("."))
        for name in sorted([*files, *(n for n in names if Path(at, n).is_symlink())]):
            path = Path(at, name)
            shown = path.relative_to(folder).as_posix()
            if is_wanted(shown) or (path.is_symlink() and not name.startswith(".")):
                yield _file(path, shown, limit)


def _file(path: Path, shown: str, limit: int) -> Found:
    if path.is_symlink():
        return Found(shown, refused=A_LINK)
    if not is_safe(shown):
        return Found(shown, refused=BAD_PATH)
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            return Found(shown, refused=UNREADABLE)
        with path.open("rb") as stream:
            content = stream.read(limit + 1)
    except OSError:
        return Found(shown, refused=UNREADABLE)
    return Found(shown, refused=TOO_LARGE) if len(content) > limit else Found(shown, content)


def files_in_zip(stream: IO[bytes], limit: int) -> Iterator[Found]:
    """The Markdown files of a zip. What its headers say of sizes is not believed.

    When all of them stand in one folder, that folder is the tree and is left out of the paths.

    Raises:
        Invalid: (field `file`) it is no zip, or holds too much.
    """
    try:
        archive = zipfile.ZipFile(stream)
        entries = [e for e in archive.infolist() if not e.is_dir()]
    except DAMAGED as error:
        raise Invalid(file=NO_ZIP) from error
    wanted = [e for e in entries if is_wanted(e.filename.replace("\\", "/"))]
    if len(wanted) > MAX_FILES:
        raise Invalid(file=TOO_MANY)
    left = MAX_TOTAL
    tops = {e.filename.partition("/")[0] for e in wanted}
    wrapped = len(tops) == 1 and all("/" in e.filename for e in wanted)
    with archive:
        for entry in sorted(wanted, key=lambda e: e.filename):
            found = _entry(archive, entry, limit)
            left -= len(found.content)
            if left < 0:
                raise Invalid(file=TOO_MUCH)
            yield replace(found, path=found.path.partition("/")[2]) if wrapped else found


def _entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, limit: int) -> Found:
    path = entry.filename
    refused = _wrong_with(entry)
    if refused:
        return Found(path, refused=refused)
    try:
        with archive.open(entry) as stream:
            content = stream.read(limit + 1)
    except DAMAGED:
        return Found(path, refused=UNREADABLE)
    if len(content) > limit:
        return Found(path, refused=TOO_LARGE)
    if len(content) > MAX_RATIO * max(entry.compress_size, 100):
        return Found(path, refused=TOO_DENSE)
    return Found(path, content)


def _wrong_with(entry: zipfile.ZipInfo) -> str:
    """Why an entry is not opened at all; "" when nothing is wrong with it."""
    if not is_safe(entry.filename):
        return BAD_PATH
    if stat.S_ISLNK(entry.external_attr >> 16):
        return A_LINK
    if entry.flag_bits & 0x1:
        return LOCKED
    return ""
