"""A mirror takes in what the project's log says: entry by entry, each with its effect, or none.

A few entries are one transaction; progress is kept with them, so a crash repeats or loses
nothing, and nobody waits long for their turn to write.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta

from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from collab.core.errors import Invalid, Problem
from collab.core.work import Work
from collab.federation import ahead, voices
from collab.federation.chain import BrokenLog, Link, check, entries_of, remembered
from collab.federation.equivocation import contradictions, keep_evidence
from collab.federation.hosts import same_origin
from collab.federation.house import Federation
from collab.federation.keyhistory import KeyHistory
from collab.federation.mirror import CHECK_EVERY, Json
from collab.federation.models import LogEntry, Mirror
from collab.federation.receipts import settle_deletions
from collab.federation.speaking import by_project
from collab.federation.state import forget, remember_objects, state_digest
from collab.federation.unapplied import Failed, remember
from collab.people.models import Actor, Key
from collab.people.queries import actor_by_iri
from collab.spaces.models import Item, Space
from collab.spaces.tool import Tools
from collab.web.extensions import db

log = logging.getLogger(__name__)
AT_ONCE = 100
"""Entries applied in one transaction."""


def take_page(federation: Federation, space_id: int, page: Json) -> int:
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
            find_key=remembered(federation.find_past_key),
            now=now,
            keys=keys,
        )
    except BrokenLog as broken:
        _freeze(federation, space_id, broken)
        raise
    _meet(federation, links)
    for start in range(0, max(len(links), 1), AT_ONCE):
        part = links[start : start + AT_ONCE]
        reached = _apply(federation, space_id, part, page.get("log"))
    return reached


def _meet(federation: Federation, links: Sequence[Link]) -> None:
    """Get to know everybody that entries name, once each, before the transaction."""
    named = {iri: None for link in links for iri in _named(link) if isinstance(iri, str)}
    for iri in named:
        federation.acquaint(iri)


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
        mirror.verified_at = work.now
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


def effect_of(
    federation: Federation,
    work: Work,
    space: Space,
    link: Link,
    people: dict[str, Actor | None] | None = None,
) -> Failed | None:
    """Apply one entry; why it could not be, or None. `people`: who was looked up already."""
    if link.doubt:
        return Failed("proof", link.doubt)
    body, people = link.body, {} if people is None else people
    if body is None:
        return _hold_place(federation.runtime.tools, work, space, link.left or {}, people)
    iri = str(body.get("actor"))
    actor = _known(work.session, iri, people)
    if actor is None or (link.trust == "http" and _proves(work.session, actor)):
        return Failed("author", iri)
    work.acting(actor, str(body.get("id")))
    tools = federation.runtime.tools
    if actor.id == space.actor_id:
        return _attempted(work, lambda: by_project(work, tools, space, body))
    return _attempted(work, lambda: voices.apply(work, tools, space, body))


def _attempted(work: Work, act: Callable[[], object]) -> Failed | None:
    try:
        with work.attempt():
            act()
    except Invalid as invalid:
        return Failed("refused", " ".join(invalid.fields.values()))
    except Problem as problem:
        return Failed("refused", problem.message)
    except (KeyError, TypeError, ValueError, AttributeError) as odd:
        return Failed("odd", repr(odd))
    return None


def _known(session: Session, iri: str, people: dict[str, Actor | None]) -> Actor | None:
    if iri not in people:
        people[iri] = actor_by_iri(session, iri)
    return people[iri]


def _hold_place(
    tools: Tools, work: Work, space: Space, left: Json, people: dict[str, Actor | None]
) -> Failed | None:
    """Keep the place of words that were erased before they came, for what answers them.

    The host says whose they were, and nothing signs it: nobody of here is named by it, and nobody
    by another host than the words' own. In doubt the project itself stands there.
    """
    kind, iri, owner = tools.leaving(left), str(left.get("id")), str(left.get("attributedTo"))
    remain = kind.mapping.remain if kind is not None else None
    known = select(Item.id).where(Item.iri == iri)
    if remain is None or work.session.scalar(known) is not None:
        return None
    author = _known(work.session, owner, people) if same_origin(owner, iri) else None
    work.acting(space.actor if author is None or author.local else author, None)
    return _attempted(work, lambda: remain(work, space, left))


def _proves(session: Session, actor: Actor) -> bool:
    """Whether an actor has an Ed25519 key, with which all their words are signed (2.5).

    A project's host cannot put words into their mouth by saying that they came without a proof.
    """
    held = select(Key.id).where(
        Key.actor_id == actor.id, Key.algorithm == "ed25519", Key.revoked_at.is_(None)
    )
    return session.scalar(held.limit(1)) is not None


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
            "entry": link.entry,
            "entry_hash": link.entry_hash,
            "body": link.body,
            "left": link.left,
            "at": work.now,
        }
        for link in links
    ]
    if rows:
        work.session.execute(insert(LogEntry.__table__), rows)  # type: ignore[arg-type]
    believed = [(k.body, k.written) for k in links if k.body is not None and not k.doubt]
    forget(work.session, space, remember_objects(work.session, space, believed))


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
