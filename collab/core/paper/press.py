"""Having a sheet made by a process of its own, and remembering what it weighed."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from collections import OrderedDict
from dataclasses import dataclass
from threading import BoundedSemaphore, Lock
from typing import Any

from collab.core.errors import Problem
from collab.core.i18n import N_

log = logging.getLogger(__name__)

AT_ONCE = 2
"""Sheets that are made at the same time; others wait."""
WAIT = 15
"""Seconds that one waits for its turn."""
LONGEST = 30
"""Seconds after which a sheet is given up, computing or not."""
LARGEST = 500_000
"""Characters of an order, markup included: about a hundred pages."""
REMEMBERED = 2_000
COMMAND = [sys.executable, "-I", "-B", "-m", "collab.core.paper"]
SURROUNDINGS = {"LANG": "C.UTF-8"}
"""All that the process is told of this machine: no settings, no secrets."""
TOO_LARGE = N_("Ce document est trop long pour en faire un fichier. Partagez-le en plusieurs.")
BUSY = N_("Trop de fichiers se préparent en ce moment. Attendez une minute, puis recommencez.")
FAILED = N_("Ce fichier n’a pas pu être fait. Un autre type de fichier marchera peut-être.")


@dataclass(frozen=True)
class Figures:
    """What is known of a file that has been made: bytes, and whether it keeps PDF/UA-1."""

    size: int
    accessible: bool


@dataclass(frozen=True)
class Printed:
    """A file that has just been made."""

    body: bytes
    accessible: bool


class NotPrinted(Problem):
    """A sheet is not made: too long (413), too many at once or in too much time (503)."""

    status = 503
    code = "not_printed"

    def __init__(self, words: str, status: int = 503) -> None:
        super().__init__(words)
        self.status = status


_turns = BoundedSemaphore(AT_ONCE)
_known: OrderedDict[str, Figures] = OrderedDict()
_knowing = Lock()


def press(kind: str, form: str, data: dict[str, Any], *, name: str = "") -> Printed:
    """Make a file: `kind` is `pdf`, `odt` or `epub`, `form` one of the forms of this folder.

    Its figures are remembered under `name`, if it has one. Other greenlets go on meanwhile.

    Raises:
        NotPrinted: it is too long, or could not be made in time.
    """
    order = json.dumps({"kind": kind, "form": form, "data": data}).encode()
    if len(order) > LARGEST * 2 or sum(map(len, _texts(data))) > LARGEST:
        raise NotPrinted(TOO_LARGE, 413)
    if not _turns.acquire(timeout=WAIT):
        raise NotPrinted(BUSY)
    try:
        told, _, body = _made(order).partition(b"\n")
    finally:
        _turns.release()
    printed = Printed(body, bool(json.loads(told)["accessible"]))
    if name:
        _remember(name, Figures(len(body), printed.accessible))
    return printed


def figures(name: str) -> Figures | None:
    """What is known of a file of that name; nothing until it has been made by this process."""
    return _known.get(name)


def _texts(data: dict[str, Any]) -> list[str]:
    return [value for value in data.values() if isinstance(value, str)]


def _made(order: bytes) -> bytes:
    """What the process says. It gets nothing of ours: no settings, no secrets, no open files."""
    try:
        done = subprocess.run(  # noqa: S603 - our own module
            COMMAND,
            input=order,
            capture_output=True,
            timeout=LONGEST,
            env=SURROUNDINGS,
            cwd="/",
            check=False,
        )
    except subprocess.TimeoutExpired:
        log.warning("paper: given up after %s seconds", LONGEST)
        raise NotPrinted(FAILED) from None
    if done.returncode:
        last = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
        log.warning("paper: exit %s: %s", done.returncode, " ".join(last)[:300])
        raise NotPrinted(FAILED)
    return done.stdout


def _remember(name: str, found: Figures) -> None:
    with _knowing:
        _known[name] = found
        _known.move_to_end(name)
        while len(_known) > REMEMBERED:
            _known.popitem(last=False)
