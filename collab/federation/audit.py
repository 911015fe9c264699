"""Reading a whole log again, as it is held here, and finding the first entry that is not right."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import cache

from sqlalchemy import select
from sqlalchemy.orm import Session

from collab.federation.actors import public_key
from collab.federation.chain import BrokenLog, Link, check
from collab.federation.keyhistory import KeyHistory
from collab.federation.keys import BadKey, PublicKey
from collab.federation.log import announce, entries_after, head_seq
from collab.federation.models import LogEntry, Mirror
from collab.federation.proofs import FindKey
from collab.federation.signatures.message import Refused
from collab.people.models import Key
from collab.spaces.models import Space

PAGE = 200
Progress = Callable[[int, int], None]


def audit(
    session: Session, space: Space, at: datetime, progress: Progress = lambda done, total: None
) -> list[Link]:
    """Verify the log of a project from its first entry on, on its host or on a mirror.

    Only what is held here is looked at; nobody is asked. Returns the entries that stand in the
    log without effect, each with its `doubt`. `progress` hears how many of how many are done.

    Raises:
        BrokenLog: names the first bad entry, and why.
    """
    last, seq, head = head_seq(session, space.id), 0, ""
    keys, find, doubtful = KeyHistory(space.iri), known_keys(session), list[Link]()
    while seq < last:
        with Session(session.get_bind()) as reading:
            rows = entries_after(reading, space.id, seq, PAGE)
        if not rows:
            raise BrokenLog(seq + 1, "it is missing")
        for row in rows:
            links = check(
                [(row.seq, announce(space, row))], group=space.iri, after=seq, head=head,
                find_key=find, now=at, keys=keys,
            )  # fmt: skip
            if not links:
                raise BrokenLog(seq + 1, "it is missing")
            _check_row(row, links[0])
            doubtful += [link for link in links if link.doubt]
            seq, head = links[0].seq, links[0].entry_hash
        progress(seq, last)
    _check_end(session, space.id, seq, head)
    return doubtful


def known_keys(session: Session) -> FindKey:
    """Finds the keys that are held here, however old, and asks nobody."""

    @cache
    def find(key_id: str) -> PublicKey:
        row = session.scalar(select(Key).where(Key.key_id == key_id))
        if row is None:
            raise Refused(401, "unknown_key", f"The key {key_id} is not known here.")
        try:
            return public_key(row)
        except BadKey as error:
            raise Refused(401, "unknown_key", f"The key {key_id} cannot be read.") from error

    return find


def _check_row(row: LogEntry, link: Link) -> None:
    """What the database says beside the entry is what the entry says."""
    entry = row.entry
    beside = (row.seq, row.epoch, row.activity_id, row.digest, row.entry_hash)
    said = (
        entry.get("seq"),
        entry.get("epoch"),
        entry.get("activity"),
        entry.get("digest"),
        link.entry_hash,
    )
    if beside != said:
        raise BrokenLog(row.seq, "the database says something else beside it than the entry itself")


def _check_end(session: Session, space_id: int, seq: int, head: str) -> None:
    mirror = session.get(Mirror, space_id)
    if mirror is not None and (mirror.seq, mirror.head_hash) != (seq, head):
        raise BrokenLog(seq, f"the copy was made up to entry {mirror.seq}, and ends here")
