"""Which search backend an address in the settings names."""

from __future__ import annotations

from pathlib import Path

from collab.core.aside import Aside, at_once
from collab.search.port import Backend
from collab.search.postgres import PostgresBackend
from collab.search.whoosh import WhooshBackend


def open_backend(address: str, folder: Path, *, aside: Aside = at_once) -> Backend:
    """The backend that `search.url` names.

    `whoosh:` keeps its files in `folder`, `whoosh:/elsewhere` in that one; `postgresql:` uses the
    main database. `aside` runs questions where they hold up nobody; see `WhooshBackend`.

    Raises:
        ValueError: no such backend.
    """
    scheme, _, rest = address.partition(":")
    match scheme:
        case "whoosh":
            return WhooshBackend(Path(rest) if rest else folder, aside)
        case "postgresql" if not rest:
            return PostgresBackend()
    raise ValueError(f"search.url: {address!r} is neither `whoosh:` nor `postgresql:`")
