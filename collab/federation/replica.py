"""A mirror takes in what the project's log says: entry by entry, each with its effect, or none.

A few entries are one transaction; progress is kept with them, so a crash repeats or loses
nothing, and nobody waits long for their turn to write.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import cast

from sqlalchemy import Table, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from collab.core.rows import JsonText, insert_rows
from collab.core.work import Work
from collab.federation import ahead
from collab.federation.chain import BrokenLog, Link, check, entries_of, remembered
from collab.federation.effects import effect_of
from collab.federation.equivocation import contradictions, keep_evidence
from collab.federation.house import Federation
from collab.federation.keyhistory import KeyHistory
from collab.federation.meeting import meet
from collab.federation.mirror import CHECK_EVERY, Json
from collab.federation.models import LogEntry, Mirror
from collab.federation.proofs import FindKey
from collab.federation.receipts import settle_deletions
from collab.federation.state import forget, remember_objects, state_digest
from collab.federation.unapplied import Failed, count_unapplied, remember
from collab.people.models import Actor
from collab.spaces.models import Space
from collab.web.extensions import db

log = logging.getLogger(__name__)
AT_ONCE = 200
"""Entries applied in one transaction."""


@dataclass(frozen=True)
class Source:
    """Where entries come from when it is not the project's host: an archive (psz_import)."""

    find_key: FindKey
    meet: Callable[[str], object]
    """Get to know somebody whom entries name, outside any transaction."""
    mark: Callable[[Link], Link]
    """What is taken in of an entry that was checked; no more than what it was."""


def take_page(
    federation: Federation, space_id: int, page: Json, source: Source | None = None
) -> int:
    """Check one page of a remote project's log and apply what is new in it.

    Network (unknown authors and keys) comes first, outside any transaction. Returns the number
    of the newest entry held afterwards.

    Raises:
        BrokenLog: the log contradicts itself. The mirror stops and says so.
    """
    session = db.session()
    mirror, space = session.get_one(Mirror, space_id), session.get_one(Space, space_id)
    seq, head, group = mirror.seq, mirror.head_hash, space.iri
    if mirror.state == "broken":
        raise BrokenLog(seq, "this log has contradicted itself")
    items = entries_of(page, mirror.log_iri)
    now, keys = federation.now(), KeyHistory.of(session, space)
    others = contradictions(session, space_id, [one for one in items if one[0] <= seq])
    session.commit()
    keep_evidence(federation, space_id, others, now)
    try:
        links = check(
            items,
            group=group,
            after=seq,
            head=head,
            find_key=remembered(source.find_key if source else federation.find_past_key),
            now=now,
            keys=keys,
        )
    except BrokenLog as broken:
        if source is None:
            _freeze(federation, space_id, broken)
        raise
    _meet(links, source.meet if source else partial(meet, federation, space_id))
    if source is not None:
        links = [source.mark(link) for link in links]
    for start in range(0, max(len(links), 1), AT_ONCE):
        part = links[start : start + AT_ONCE]
        reached = _apply(federation, space_id, part, page.get("log"))
    return reached


def _meet(links: Sequence[Link], to_know: Callable[[str], object]) -> None:
    """Get to know everybody that entries name, once each, before the transaction."""
    named = {iri: None for link in links for iri in _named(link) if isinstance(iri, str)}
    for iri in named:
        to_know(iri)


def _named(link: Link) -> list[object]:
    body = link.body
    if link.doubt:
        return []
    if body is None:
        return [link.left.get("attributedTo")] if link.left else []
    named = [body.get("actor"), body.get("target") if body.get("type") == "Grant" else None]
    revision = body.get("object")
    if isinstance(revision, dict) and isinstance(revision.get("revision"), dict):
        named.append(revision["revision"].get("by"))
    return named


def _apply(federation: Federation, space_id: int, links: Sequence[Link], told: object) -> int:
    """Take in a few entries: all at once, or each for itself where one of them has no effect."""
    if links and not any(link.doubt for link in links):
        try:
            return _take_in(federation, space_id, links, told, bulk=True)
        except (NotAtOnce, IntegrityError) as why:
            log.info(
                "entries are taken one by one space=%d from=%d: %s", space_id, links[0].seq, why
            )
    return _take_in(federation, space_id, links, told, bulk=False)


class NotAtOnce(Exception):
    """One of many entries has no effect: they are taken one by one."""


def _take_in(
    federation: Federation, space_id: int, links: Sequence[Link], told: object, *, bulk: bool
) -> int:
    group = db.session().get_one(Space, space_id).actor
    with federation.runtime.work(group, mirrored=True, bulk=bulk) as work:
        mirror = work.session.get_one(Mirror, space_id, with_for_update=True)
        space = work.session.get_one(Space, space_id)
        new = list(_following(mirror, links))
        people = ahead.read_ahead(work, federation.runtime.tools, new) if bulk else {}
        taken = [link for link in new if _effect(federation, work, space, mirror, link, people)]
        _write(work, space, new)
        if new:
            last = new[-1]
            mirror.seq, mirror.head_hash, mirror.epoch = last.seq, last.entry_hash, last.epoch
        mirror.remote_seq = max(mirror.remote_seq, mirror.seq)
        settle_deletions(work, space, mirror, taken)
        if isinstance(told, dict):
            compare(work.session, space, mirror, told)
        mirror.state = "active" if mirror.state == "asked" else mirror.state
        mirror.verified_at, mirror.turned_away = work.now, None
        if mirror.last_error and not count_unapplied(work.session, space_id):
            mirror.last_error = ""  # the copy goes on, and lacks nothing of what it holds
        mirror.next_check_at = max(mirror.next_check_at or work.now, work.now + CHECK_EVERY / 2)
        return mirror.seq


def _following(mirror: Mirror, links: Sequence[Link]) -> Iterator[Link]:
    """Those that go on where the copy ends now; another process may have taken some in."""
    seq, head = mirror.seq, mirror.head_hash
    for link in links:
        if link.seq == seq + 1 and link.entry.get("prev") == head:
            seq, head = link.seq, link.entry_hash
            yield link


def _effect(
    federation: Federation,
    work: Work,
    space: Space,
    mirror: Mirror,
    link: Link,
    people: dict[str, Actor | None],
) -> bool:
    """Let an entry have its effect. False: it had none, and that is written down."""
    failed = effect_of(federation, work, space, link, people)
    if failed is None:
        return True
    if work.bulk is not None:
        raise NotAtOnce(f"{link.seq}: {failed}")
    _note(work, mirror, link, failed)
    return False


def _note(work: Work, mirror: Mirror, link: Link, failed: Failed) -> None:
    """An entry had no effect: it stands in the log all the same, and is tried again."""
    log.warning("log entry not applied space=%d seq=%d: %s", mirror.space_id, link.seq, failed)
    mirror.last_error = f"{link.seq}: {failed}"[:500]
    activity = str(link.entry.get("activity"))
    remember(work.session, mirror.space_id, link.seq, activity, failed, work.now)


def compare(session: Session, space: Space, mirror: Mirror, told: Json) -> None:
    """Hold our state beside what the host says of its own, at the same entry (4.5)."""
    seq, digest = told.get("seq"), told.get("stateDigest")
    if not isinstance(seq, int) or not isinstance(digest, str):
        return
    mirror.remote_seq = max(mirror.remote_seq, seq)
    if mirror.seq == seq:
        mirror.remote_digest = digest
        mirror.state_digest = state_digest(session, space, keep=True)


def _write(work: Work, space: Space, links: Sequence[Link]) -> None:
    """Write entries down, and what they say of objects, in a few statements for all of them."""
    work.session.flush()
    rows = [
        {
            "space_id": space.id,
            "epoch": link.epoch,
            "seq": link.seq,
            "activity_id": str(link.entry.get("activity")),
            "activity_type": str(link.entry.get("activityType")),
            "digest": str(link.entry.get("digest")),
            "trust": link.trust[:10],
            "entry": _stored(link.signed) or link.entry,
            "entry_hash": link.entry_hash,
            "body": _stored(link.written.whole()) if link.written else link.body,
            "left": link.left,
            "at": work.now,
        }
        for link in links
    ]
    if rows:
        insert_rows(work.session, cast("Table", LogEntry.__table__), rows)
    believed = [(k.body, k.written) for k in links if k.body is not None and not k.doubt]
    forget(work.session, space, remember_objects(work.session, space, believed))


def _stored(canonical: bytes) -> JsonText:
    """What was hashed is what is kept: it is not written as JSON once more."""
    return JsonText(canonical, "utf-8")


def _freeze(federation: Federation, space_id: int, broken: BrokenLog) -> None:
    """The log cannot be believed: keep what we have, stop, and say why (R60)."""
    group = db.session().get_one(Space, space_id).actor
    with federation.runtime.work(group, mirrored=True) as work:
        mirror = work.session.get_one(Mirror, space_id)
        mirror.last_error = str(broken)
        mirror.checked_at = work.now
        mirror.next_check_at = work.now + timedelta(hours=1)
    log.error("log refused space=%d %s", space_id, broken)


def mirror_of(session: Session, log_iri: str, group: str) -> Mirror | None:
    """The mirror that is fed by this log, if the verified sender is its project (R16)."""
    row = session.scalar(select(Mirror).where(Mirror.log_iri == log_iri))
    if row is None:
        return None
    space = session.get_one(Space, row.space_id)
    return row if space.iri == group else None
