"""What keeps an instance from being opened, in one line that says what to do."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.exc import DBAPIError

from collab.cli import refuse
from collab.federation.keys import BadKey
from collab.migrate import NewerDatabase

BACKUP = "put it back from a backup (docs/operate.md)"
FULL = "the disk is full: make room, then start again"
KEYS = "keys/vault.key or keys/session.key is damaged: put the folder keys back from a backup"
DATABASE = {
    "malformed": f"the database is damaged: {BACKUP}",
    "not a database": f"the database is damaged: {BACKUP}",
    "disk image": f"the database is damaged: {BACKUP}",
    "no such table": "the database is not up to date: run `collab migrate`",
    "no such column": "the database is not up to date: run `collab migrate`",
    "does not exist": "the database is not up to date: run `collab migrate`",
    "is full": FULL,
    "no space left": FULL,
    "disk i/o error": "the disk cannot be read or written: see to it, then start again",
    "unable to open": "the database cannot be opened: who runs collab must own its folder",
    "readonly": "the database cannot be written: who runs collab must own its folder",
    "is locked": "another program has kept the database locked: stop it, then start again",
    "connection refused": "the database server does not answer: start it, or mend database.url",
}
"""What a database's own words mean, in lower case, and what to do."""


@contextmanager
def explained(instance: Path) -> Iterator[None]:
    """End the command with status 1 and a line when it is the instance that cannot be used.

    Mistakes of the program itself go on as they are: whoever mends them needs all they say.
    """
    try:
        yield
    except NewerDatabase as error:
        refuse(str(error))
    except DBAPIError as error:
        told = meaning(str(error.orig or error))
        if not told:
            raise
        refuse(told)
    except (BadKey, UnicodeDecodeError):
        refuse(KEYS)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            refuse(f"{error.filename or instance} cannot be used: {error.strerror or error}")
        refuse(FULL)


def meaning(said: str) -> str:
    """What to do about these words of a database; "" when they are about something else."""
    heard = said.lower()
    return next((told for words, told in DATABASE.items() if words in heard), "")
