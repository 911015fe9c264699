"""Mending a copy that holds something else than its host, bucket by bucket (FEDERATION.md 4.5).

First from the entries held here: what could not be applied when it came (an author whose key was
not to be had) may be now. Then from the object's own address. What still differs is named.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from time import monotonic
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from collab.core.db import writing
from collab.core.errors import Problem
from collab.core.work import Work
from collab.federation.chain import Link, doubt_of
from collab.federation.effects import effect_of
from collab.federation.erasure import left_of
from collab.federation.fetch import fetch_document
from collab.federation.house import Federation
from collab.federation.meeting import meet
from collab.federation.models import ApObject, LogEntry, Mirror
from collab.federation.patience import counted, may_ask, purse_of
from collab.federation.remote import fetch_object
from collab.federation.state import (
    BUCKETS,
    bucket_digests,
    bucket_of,
    forget,
    lines_of,
    object_hash,
    object_of,
    remember_object,
    state_digest,
)
from collab.federation.unapplied import due, remember, settle
from collab.spaces.models import Item, Space
from collab.web.extensions import db

log = logging.getLogger(__name__)
Json = dict[str, Any]
EVERY = timedelta(hours=1)
"""Between two attempts on one copy."""
MOST_OBJECTS = 30
"""Objects fetched from their own address in one attempt (R29)."""
MOST_NAMED = 50
MOST_PAGES = 200
"""Pages of one bucket that are asked for (R29)."""
MOST_AGAIN = 20
"""Entries tried again in one step."""
LONGEST_AGAIN = 30.0
"""Seconds after which no further entry is tried again, no further object fetched, in one step."""
Lines = dict[str, str]
"""What a bucket says of each object: its id -> the whole line."""


@dataclass
class Difference:
    """What the host's buckets say and ours do not, or the other way round."""

    theirs: Lines = field(default_factory=dict)
    ours: Lines = field(default_factory=dict)

    @property
    def objects(self) -> list[str]:
        """The ids that differ."""
        ids = self.theirs.keys() | self.ours.keys()
        return sorted(iri for iri in ids if self.theirs.get(iri) != self.ours.get(iri))


def repair(federation: Federation, space_id: int) -> None:
    """Mend one copy whose digest differs from its host's at the same entry. Asks the host.

    Raises Unfetched when it does not answer.
    """
    found = _differing(federation, space_id)
    if found is None:
        return
    wanted = set(found.objects)
    _again_from_the_log(federation, space_id, wanted)
    left = _still(federation, space_id, found)
    _from_their_address(federation, space_id, found, left[:MOST_OBJECTS])
    left = _still(federation, space_id, found)
    now = federation.now()
    with writing(db.session()) as session:
        mirror, space = session.get_one(Mirror, space_id), session.get_one(Space, space_id)
        mirror.repaired_at, mirror.unrepaired = now, left[:MOST_NAMED]
        mirror.state_digest = state_digest(session, space, keep=True)
    if left:
        log.warning("copy differs space=%d objects=%d first=%s", space_id, len(left), left[0])
    else:
        log.info("copy mended space=%d objects=%d", space_id, len(wanted))


def _differing(federation: Federation, space_id: int) -> Difference | None:
    """Ask for the 256 digests, and only for the buckets that differ; None: not comparable now."""
    session = db.session()
    mirror, space = session.get_one(Mirror, space_id), session.get_one(Space, space_id)
    url, seq, ours = f"{mirror.log_iri}/state", mirror.seq, bucket_digests(session, space)
    session.commit()
    told = _fetch(federation, url)
    theirs = told.get("buckets")
    if told.get("seq") != seq or not isinstance(theirs, list) or len(theirs) != BUCKETS:
        return None
    differ = [k for k in range(BUCKETS) if theirs[k] != ours[k]]
    found = Difference()
    for bucket in differ:
        theirs_here = _lines_there(federation, f"{url}?bucket={bucket}", bucket, seq)
        if theirs_here is None:
            return None
        found.theirs |= theirs_here
    held = lines_of(session, space, differ)
    session.commit()
    for bucket, lines in held.items():
        found.ours |= _by_id(lines, bucket)
    return found


def _lines_there(federation: Federation, url: str, bucket: int, seq: int) -> Lines | None:
    """The host's lines of one bucket, page by page; None when it has moved on meanwhile."""
    found: Lines = {}
    asked = url
    for _ in range(MOST_PAGES):
        answer = _fetch(federation, asked)
        if answer.get("seq") != seq:
            return None
        found |= _by_id(answer.get("lines"), bucket)
        asked = str(answer.get("next", ""))
        if not asked.startswith(f"{url}&after="):
            break
    return found


def _fetch(federation: Federation, url: str) -> Json:
    signer = federation.signer(federation.instance_actor(), "ed25519")
    federation.let_go()
    return fetch_document(
        federation.transport, url, sign=signer, now=federation.now(), admits=federation.may_lead_to
    )


def _by_id(lines: object, bucket: int) -> Lines:
    """Lines by the id they begin with; what is not in its bucket is left out."""
    texts = lines if isinstance(lines, list) else []
    pairs = {str(line).partition(" ")[0]: str(line) for line in texts}
    return {iri: line for iri, line in pairs.items() if bucket_of(iri) == bucket}


def _still(federation: Federation, space_id: int, found: Difference) -> list[str]:
    """The ids that still differ from what the host says."""
    session = db.session()
    space = session.get_one(Space, space_id)
    held = lines_of(session, space, {bucket_of(iri) for iri in found.objects})
    session.commit()
    ours = {line.partition(" ")[0]: line for lines in held.values() for line in lines}
    return [iri for iri in found.objects if ours.get(iri) != found.theirs.get(iri)]


# From the entries held here


def retry(federation: Federation) -> int:
    """Try entries that had no effect here once more, those that are due. Returns how many."""
    session = db.session()
    found = due(session, federation.now(), MOST_AGAIN)
    session.commit()
    until, tried = monotonic() + LONGEST_AGAIN, 0
    for space_id, seq in found:
        if monotonic() > until:
            break
        _again(federation, space_id, seq)
        tried += 1
    return tried


def _again_from_the_log(federation: Federation, space_id: int, wanted: Collection[str]) -> None:
    for seq in _entries_about(space_id, wanted):
        _again(federation, space_id, seq)


def _entries_about(space_id: int, wanted: Collection[str]) -> list[int]:
    """The numbers of the entries that speak of some objects, read a little at a time."""
    session, found = db.session(), []
    rows: Iterable[LogEntry] = session.scalars(
        select(LogEntry)
        .where(LogEntry.space_id == space_id)
        .order_by(LogEntry.seq)
        .execution_options(yield_per=100)
    )
    for row in rows:
        if row.body is not None and object_of(row.body)[0] in wanted:
            found.append(row.seq)
        session.expunge(row)
    session.commit()
    return found


def _again(federation: Federation, space_id: int, seq: int) -> None:
    """Take one entry in once more: who wrote it, whether that is proved, what it does."""
    session = db.session()
    space = session.get_one(Space, space_id)
    row = session.scalar(select(LogEntry).where(LogEntry.space_id == space_id, LogEntry.seq == seq))
    if row is None or (row.body is None and row.left is None):
        with writing(session):
            settle(session, space_id, seq)
        return
    link = Link(seq, row.epoch, row.entry, row.entry_hash, row.body, row.trust, left=row.left)
    group, project, body = space.iri, space.actor, row.body
    session.commit()
    if body is not None:
        find, now = federation.find_past_key, federation.now()
        link = replace(link, doubt=doubt_of(body, link.trust, group, find, now))
    if not link.doubt:
        author = (body or {}).get("actor") or (link.left or {}).get("attributedTo")
        meet(federation, space_id, str(author))
    with federation.runtime.work(project, mirrored=True) as work:
        _take_again(federation, work, space_id, link)


def _take_again(federation: Federation, work: Work, space_id: int, link: Link) -> None:
    space, body = work.session.get_one(Space, space_id), link.body
    if body is not None and _taken_back_since(work.session, space, body):
        link = replace(link, body=None, left=left_of(body))
    failed = effect_of(federation, work, space, link)
    if failed is None:
        settle(work.session, space_id, link.seq)
    else:
        log.info("entry not applied again space=%d seq=%d: %s", space_id, link.seq, failed)
        activity = str(link.entry.get("activity"))
        remember(work.session, space_id, link.seq, activity, failed, work.now)
    if body is not None and not link.doubt and link.body is not None:
        _remember(work.session, space, body)


def _taken_back_since(session: Session, space: Space, body: Json) -> bool:
    """Whether what an entry made was deleted by a later one: only its place is left."""
    iri, verb, _ = object_of(body)
    if verb == "Delete":
        return False
    gone = select(ApObject.deleted).where(ApObject.space_id == space.id, ApObject.iri == iri)
    known = session.scalar(select(Item.id).where(Item.iri == iri))
    return known is None and session.scalar(gone) is True


def _remember(session: Session, space: Space, body: Json) -> None:
    bucket = remember_object(session, space, body)
    if bucket is not None:
        forget(session, space, [bucket])


# From the object's own address


def _from_their_address(
    federation: Federation, space_id: int, found: Difference, left: Collection[str]
) -> None:
    until, purse = monotonic() + LONGEST_AGAIN, purse_of(space_id)
    for iri in left:
        line = found.theirs.get(iri)
        if line is None or monotonic() > until or not may_ask(federation, iri, purse):
            continue
        session = db.session()
        group = session.get_one(Space, space_id).actor
        session.commit()
        try:
            with counted(federation, iri, purse):
                thing = fetch_object(federation, iri)
        except Problem as problem:
            log.info("object not had iri=%s: %s", iri, problem)
            continue
        thing.pop("@context", None)
        owner = thing.get("attributedTo")
        if line.rpartition(" ")[2] != object_hash(thing) or not isinstance(owner, str):
            continue
        meet(federation, space_id, owner)
        with federation.runtime.work(group, mirrored=True) as work:
            _take(federation, work, space_id, owner, thing)


def _take(federation: Federation, work: Work, space_id: int, owner: str, thing: Json) -> None:
    """Apply an object in the form that the host's digest names, as its owner's own Update."""
    space = work.session.get_one(Space, space_id)
    update = {"id": f"{thing['id']}#repair", "type": "Update", "actor": owner, "object": thing}
    link = Link(0, 0, {}, "", update, "fetched")
    doubt = effect_of(federation, work, space, link)
    if doubt:
        log.warning("object not mended iri=%s: %s", thing["id"], doubt)
        return
    work.session.execute(
        delete(ApObject).where(ApObject.space_id == space_id, ApObject.iri == thing["id"])
    )
    _remember(work.session, space, update)
