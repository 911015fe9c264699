"""Letting a copy that stands still begin again, when an administrator says so (R60, 4.4).

It goes on from the last entry that verifies as it is held here, or reads the whole log anew. What
people of here wrote and the host has not confirmed stays; what is read twice has no second effect.
The two entries with one number that froze a copy stay as evidence.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from collab.core.errors import Conflict, Missing
from collab.core.i18n import N_
from collab.core.work import Work
from collab.federation.audit import audit
from collab.federation.chain import BrokenLog
from collab.federation.house import Federation
from collab.federation.log import head_seq
from collab.federation.mirror import resubscribe
from collab.federation.models import PARTIAL, ApObject, LogEntry, Mirror, StateBucket, Unapplied
from collab.people.models import Actor
from collab.spaces.models import Space

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Restart:
    """After which entry the copy goes on; 0 reads the whole log again."""

    after: int = 0


def restart_copy(federation: Federation, admin: Actor, space: Space, *, whole: bool) -> Mirror:
    """Begin a copy again: from its first entry (`whole`), or after the last that verifies here.

    Raises:
        Missing: there is no copy of this project here.
        Conflict: no log feeds it.
    """
    session, space_id = federation.session, space.id
    after = 0 if whole else last_verified(session, space, federation.now())
    session.commit()
    with federation.runtime.work(admin) as work:
        return begin_again(work, work.session.get_one(Space, space_id), Restart(after))


def last_verified(session: Session, space: Space, at: datetime) -> int:
    """The last entry up to which our copy of a log verifies; asks nobody."""
    try:
        audit(session, space, at)
    except BrokenLog as broken:
        return max(broken.seq - 1, 0)
    return head_seq(session, space.id)


def begin_again(work: Work, space: Space, given: Restart) -> Mirror:
    """Forget the entries after `given.after`, and ask the host for the log once more.

    Who may is the caller's to decide. Raises as `restart_copy`.
    """
    row = work.session.get(Mirror, space.id)
    if row is None or space.local:
        raise Missing(N_("Il n’y a pas de copie de ce projet ici."))
    if row.state == PARTIAL:
        raise Conflict(N_("Cette copie n’a pas de journal : elle ne peut pas être reprise."))
    _forget(work.session, space.id, given.after)
    last = work.session.scalar(
        select(LogEntry).where(LogEntry.space_id == space.id, LogEntry.seq == given.after)
    )
    row.seq, row.head_hash = (last.seq, last.entry_hash) if last else (0, "")
    row.remote_seq, row.remote_digest, row.state_digest = row.seq, "", ""
    row.repaired_at, row.unrepaired = None, []
    resubscribe(work, space, row)
    log.warning("copy begins again space=%d after=%d", space.id, row.seq)
    return row


def _forget(session: Session, space_id: int, after: int) -> None:
    for entries in (LogEntry, Unapplied):
        session.execute(delete(entries).where(entries.space_id == space_id, entries.seq > after))
    session.execute(delete(StateBucket).where(StateBucket.space_id == space_id))
    if after == 0:
        session.execute(delete(ApObject).where(ApObject.space_id == space_id))
    session.flush()
