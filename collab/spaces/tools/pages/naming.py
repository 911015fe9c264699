"""What documents are called: keys to compare titles with, addresses, names of versions."""

from __future__ import annotations

import unicodedata

from sqlalchemy import select
from sqlalchemy.orm import Session

from collab.core.letters import fold
from collab.federation import vocab
from collab.spaces.models import Space
from collab.spaces.tools.pages.models import Document

APOSTROPHES = str.maketrans(dict.fromkeys("’‘ʼ＇′`", "'"))
RESERVED = frozenset({"export", "import", "new", "offers", "titre"})
"""Addresses of the room's own pages."""
SLUG_ROOM = 400
"""How many documents of one name get a number; the next ones get part of their uid."""
MULTIHASH = b"\x12\x20"
"""sha2-256, 32 bytes."""
BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


def one_line(text: str) -> str:
    """Text as a title holds it, the same on host and mirror: one line, nothing invisible."""
    return vocab.text({"text": text}, "text", len(text) + 1)


def title_key(title: str) -> str:
    """What two titles have in common when `[[Titre]]` means the same page.

    Keyboards write « l'eau », books « l’eau »; and who copies a title out of a page that runs from
    right to left takes marks of direction along, which nobody sees.
    """
    seen = "".join(c for c in title.translate(APOSTROPHES) if unicodedata.category(c) != "Cf")
    return " ".join(fold(seen).split())[:400]


def free_slug(session: Session, space: Space, wanted: str, uid: str, taken: set[str]) -> str:
    """The wanted address, or one like it: no document of the space has it, nor is it in `taken`."""
    stem = wanted = wanted or "document"
    for number in range(2, SLUG_ROOM):
        if wanted not in RESERVED and wanted not in taken and not _used(session, space, wanted):
            return wanted
        wanted = f"{stem}-{number}"
    return f"{stem}-{uid[-12:]}"


def _used(session: Session, space: Space, slug: str) -> bool:
    wanted = select(Document.id).where(Document.home_id == space.id, Document.slug == slug)
    return session.scalar(wanted) is not None


def multihash_of(version: str) -> str:
    """A version (sha-256 in hex) as the wire names it: `zQm...` (FEDERATION.md 1.6(c))."""
    number = int.from_bytes(MULTIHASH + bytes.fromhex(version))
    digits = ""
    while number:
        number, digit = divmod(number, 58)
        digits = BASE58[digit] + digits
    return f"z{digits}"


def version_from(multihash: str) -> str:
    """A version in hex out of `zQm...`; "" for anything that is not a sha2-256 multihash."""
    number = 0
    for digit in multihash.removeprefix("z")[:60]:
        if digit not in BASE58:
            return ""
        number = number * 58 + BASE58.index(digit)
    raw = number.to_bytes(45)
    known = multihash.startswith("z") and raw[-34:-32] == MULTIHASH and not any(raw[:-34])
    return raw[-32:].hex() if known else ""
