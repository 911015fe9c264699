"""A host that says two things under one number: kept as evidence, and believed no more (R60)."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from collab.core.db import writing
from collab.federation.chain import BrokenLog, entries_of
from collab.federation.fetch import Unfetched, fetch_document
from collab.federation.house import Federation
from collab.federation.models import LogEntry, LogEvidence, Mirror
from collab.federation.proofs import verify_proof
from collab.federation.signatures.message import Refused
from collab.federation.strictjson import canonical, multihash
from collab.spaces.models import Space

log = logging.getLogger(__name__)
Json = dict[str, Any]


def contradictions(
    session: Session, space_id: int, items: Sequence[tuple[int, Json]]
) -> list[tuple[LogEntry, Json]]:
    """Entries held here beside others with their numbers, not yet known to be signed."""
    if not items:
        return []
    held = {
        row.seq: row
        for row in session.scalars(
            select(LogEntry).where(
                LogEntry.space_id == space_id, LogEntry.seq.in_([seq for seq, _ in items])
            )
        )
    }
    found = []
    for seq, item in items:
        row, entry = held.get(seq), item["logEntry"]
        if row is None or entry.get("epoch") != row.epoch:
            continue
        if multihash(canonical(entry)) != row.entry_hash:
            found.append((row, entry))
    return found


def keep_evidence(
    federation: Federation,
    space_id: int,
    found: Sequence[tuple[LogEntry, Json]],
    now: datetime,
) -> None:
    """Freeze a copy when another entry with a number we hold was signed by the project as well.

    Both are kept, whole, with their signatures: anybody can verify that the host said both.

    Raises:
        BrokenLog: it was.
    """
    if not found:
        return
    group = federation.session.get_one(Space, space_id).iri
    federation.let_go()
    signed = [pair for pair in found if _signed(federation, pair[1], group, now)]
    if not signed:
        return
    with writing(federation.session) as session:
        for row, other in signed:
            _keep(session, row, other, now)
        mirror = session.get_one(Mirror, space_id)
        mirror.state, mirror.next_check_at = "broken", None
        session.get_one(Space, space_id).frozen_at = now
        seq = signed[0][0].seq
        mirror.last_error = f"{seq}: the project signed two different entries with this number"
    log.error("log contradicts itself space=%d seq=%d", space_id, seq)
    raise BrokenLog(seq, "signed two different entries with this number")


def _signed(federation: Federation, entry: Json, group: str, now: datetime) -> bool:
    try:
        return verify_proof(entry, federation.find_past_key, now) == group
    except Refused:
        return False


def _keep(session: Session, row: LogEntry, other: Json, now: datetime) -> None:
    same = select(LogEvidence.id).where(
        LogEvidence.space_id == row.space_id,
        LogEvidence.epoch == row.epoch,
        LogEvidence.seq == row.seq,
        LogEvidence.entry_hash == multihash(canonical(other)),
    )
    if session.scalar(same) is None:
        session.add(
            LogEvidence(
                space_id=row.space_id,
                epoch=row.epoch,
                seq=row.seq,
                entry_hash=multihash(canonical(other)),
                held=row.entry,
                other=other,
                at=now,
            )
        )


def look_back(federation: Federation, space_id: int) -> None:
    """Ask the host for the newest entry we hold: did it sign another one since? May ask.

    A log that no longer continues ours was cut or rewritten; this finds the two signatures.

    Raises:
        BrokenLog: it did; the copy is frozen.
    """
    session = federation.session
    mirror = session.get_one(Mirror, space_id)
    seq, log_iri = mirror.seq, mirror.log_iri
    url = f"{log_iri}?epoch={mirror.epoch}&after={seq - 1}&limit=1"
    if seq < 1:
        return
    signer = federation.signer(federation.instance_actor(), "ed25519")
    federation.let_go()
    try:
        page = fetch_document(
            federation.transport,
            url,
            sign=signer,
            now=federation.now(),
            admits=federation.may_lead_to,
        )
        items = [one for one in entries_of(page, log_iri) if one[0] <= seq]
    except (Unfetched, BrokenLog):
        return
    found = contradictions(session, space_id, items)
    federation.let_go()
    keep_evidence(federation, space_id, found, federation.now())
