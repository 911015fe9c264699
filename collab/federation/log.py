"""The project log of a project we host: gapless, signed, chained (FEDERATION.md 1.5)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from collab.core.errors import Forbidden
from collab.core.i18n import N_
from collab.core.work import Work
from collab.federation.keys import SigningKey
from collab.federation.models import LogEntry, Subscriber
from collab.federation.proofs import add_proof
from collab.federation.state import refresh, remember_object, state_digest
from collab.federation.strictjson import canonical, multihash
from collab.spaces.models import Space
from collab.spaces.policy import host_may_read

Json = dict[str, Any]
TERMS = {"@vocab": "https://w3id.org/project-space/v1#"}
"""What our own words mean, said in place: peers that process JSON-LD fetch every address here."""
CONTEXT = [
    "https://www.w3.org/ns/activitystreams",
    "https://w3id.org/security/data-integrity/v2",
    TERMS,
]
WRAPPER = [CONTEXT[0], TERMS]
"""Of what carries an activity of somebody else: the terms of data-integrity are protected, and
would make the contexts of many an activity inside an error."""
EPOCH = 1
PUBLIC = "https://www.w3.org/ns/activitystreams#Public"


@dataclass(frozen=True)
class LogHead:
    """Where a log stands. `head` is the multihash of the newest LogEntry, "" when empty."""

    epoch: int
    seq: int
    head: str
    state_digest: str


def stamp(at: datetime) -> str:
    """An instant as the wire writes it: UTC, seconds, `Z`."""
    return at.replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


def append(
    session: Session, space: Space, activity: Json, *, trust: str, key: SigningKey,
    at: datetime, event_id: int | None = None,
) -> LogEntry:  # fmt: skip
    """Add one activity to a project's log, signed by the project's Ed25519 key.

    `trust`: `proof`, `http`, `fetched` or `host` (FEDERATION.md 1.5). The caller's transaction
    holds the write lock (SQLite) or gets the space's row lock here (PostgreSQL), so that numbers
    have no gap and no double.
    """
    session.execute(select(Space.id).where(Space.id == space.id).with_for_update())
    last = session.scalar(
        select(LogEntry)
        .where(LogEntry.space_id == space.id)
        .order_by(LogEntry.epoch.desc(), LogEntry.seq.desc())
        .limit(1)
    )
    signed = add_proof(_entry(space, last, activity, trust, at), key, at)
    row = LogEntry(
        space_id=space.id,
        epoch=EPOCH,
        seq=signed["seq"],
        activity_id=activity["id"],
        activity_type=activity["type"],
        digest=signed["digest"],
        trust=trust,
        event_id=event_id,
        entry=signed,
        entry_hash=multihash(canonical(signed)),
        body=activity,
        at=at,
    )
    session.add(row)
    touched = remember_object(session, space, activity)
    if touched is not None:
        refresh(session, space, touched)
    session.flush()
    return row


def _entry(space: Space, last: LogEntry | None, activity: Json, trust: str, at: datetime) -> Json:
    """The LogEntry that follows `last`, not signed yet."""
    seq = last.seq + 1 if last else 1
    return {
        "@context": CONTEXT,
        "type": "LogEntry",
        "id": f"{space.iri}/log/{seq}",
        "attributedTo": space.iri,
        "epoch": EPOCH,
        "seq": seq,
        "prev": last.entry_hash if last else "",
        "activity": activity["id"],
        "activityType": activity["type"],
        "digest": multihash(canonical(activity)),
        "trust": trust,
        "published": stamp(at),
    }


def head(session: Session, space: Space) -> LogHead:
    """Where the log of a project stands now, on its host or on a mirror."""
    last = session.execute(
        select(LogEntry.epoch, LogEntry.seq, LogEntry.entry_hash)
        .where(LogEntry.space_id == space.id)
        .order_by(LogEntry.epoch.desc(), LogEntry.seq.desc())
        .limit(1)
    ).first()
    epoch, seq, entry_hash = last or (EPOCH, 0, "")
    return LogHead(epoch, seq, entry_hash, state_digest(session, space))


def head_seq(session: Session, space_id: int) -> int:
    """The number of the newest entry, 0 when there is none."""
    return session.scalar(select(func.max(LogEntry.seq)).where(LogEntry.space_id == space_id)) or 0


def entries_after(
    session: Session, space_id: int, after: int, limit: int, most_bytes: int = 700_000
) -> Sequence[LogEntry]:
    """The next entries in order, at most `limit` and about `most_bytes` of bodies, at least one."""
    rows = session.scalars(
        select(LogEntry)
        .where(LogEntry.space_id == space_id, LogEntry.seq > after)
        .order_by(LogEntry.seq)
        .limit(limit)
    )
    page: list[LogEntry] = []
    size = 0
    for row in rows:
        size += len(canonical(row.body)) if row.body else 0
        if page and size > most_bytes:
            break
        page.append(row)
    return page


def announce(space: Space, row: LogEntry) -> Json:
    """One entry as a mirror receives it: a 1b12 Announce that carries its LogEntry."""
    return {
        "@context": WRAPPER,
        "id": f"{space.iri}/log/{row.seq}#announce",
        "type": "Announce",
        "actor": space.iri,
        "published": stamp(row.at),
        "to": [PUBLIC] if space.visibility == "public" else [f"{space.iri}/members"],
        "cc": [f"{space.iri}/followers"],
        "logEntry": row.entry,
        "object": row.body or {"type": "Tombstone", "id": row.activity_id},
    }


def _for_a_copy(space: Space, row: LogEntry) -> Json:
    """As `announce`; of erased words it says where they stood, so that answers keep their place."""
    told = announce(space, row)
    if row.body is None and row.left is not None:
        told["object"] = told["object"] | {"object": row.left}
    return told


def page_of(space: Space, rows: Sequence[LogEntry], last: int, base: str) -> Json:
    """A page of the log, ascending; `next` while there is more."""
    page: Json = {
        "@context": CONTEXT,
        "id": base,
        "type": "OrderedCollectionPage",
        "partOf": f"{space.iri}/log",
        "orderedItems": [_for_a_copy(space, row) for row in rows],
    }
    if rows and rows[-1].seq < last:
        page["next"] = f"{space.iri}/log?epoch={EPOCH}&after={rows[-1].seq}&limit=200"
    return page


def described(at: LogHead) -> Json:
    """A log's head as the wire writes it, on the last page of a log and in the Group document."""
    return {"epoch": at.epoch, "seq": at.seq, "head": at.head, "stateDigest": at.state_digest}


def subscribe(
    work: Work, space: Space, host: str, actor_iri: str, follow_iri: str, inbox: str
) -> LogHead:
    """Let another instance hold a mirror: it gets every entry from the first one on.

    Asking twice is asking once; the cursor starts over, and entries it has are skipped there.

    Raises:
        Forbidden: that host may not read this project.
    """
    if not host_may_read(work.session, space, host):
        raise Forbidden(N_("Ce projet n’est pas ouvert à cette instance."))
    row = work.session.scalar(
        select(Subscriber).where(
            Subscriber.space_id == space.id, Subscriber.host == host, Subscriber.reach == "mirror"
        )
    )
    if row is None:
        row = Subscriber(space_id=space.id, host=host, created_at=work.now)
        work.session.add(row)
    row.actor_iri, row.follow_iri, row.inbox = actor_iri, follow_iri, inbox
    row.state, row.epoch, row.cursor = "active", EPOCH, 0
    work.session.flush()
    return head(work.session, space)


def unsubscribe(work: Work, space: Space, host: str) -> None:
    """End another instance's mirror: nothing more is sent to it."""
    for row in work.session.scalars(
        select(Subscriber).where(Subscriber.space_id == space.id, Subscriber.host == host)
    ):
        row.state = "ended"
