"""A copy of a project made, or carried forward, from its `project.psz` (FEDERATION.md MS3).

Everything is looked at before anything is written: the whole archive by its own verifier, the
first key, what a copy that is here already holds, and every missing entry by the same checks as
on a catch-up. Then the entries go in by `replica.take_page`, and the recordings beside them.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from collab.core.db import writing
from collab.core.work import Work
from collab.federation.chain import BrokenLog, check, remembered
from collab.federation.files import is_as_told
from collab.federation.house import Federation
from collab.federation.keyhistory import KeyHistory
from collab.federation.mirror import start_mirror
from collab.federation.models import PARTIAL, LogEntry, Mirror
from collab.federation.psz_archive import Archive, Unusable, read_archive
from collab.federation.psz_keys import Witness
from collab.federation.psz_people import write_down
from collab.federation.replica import Source, take_page
from collab.federation.sending import send
from collab.federation.state import state_digest
from collab.federation.strictjson import canonical, multihash
from collab.federation.unapplied import count_unapplied
from collab.people.models import ActorKind
from collab.people.queries import actor_by_iri
from collab.spaces.files import StoredFile, held_bytes, is_open, note_held
from collab.spaces.mirrors import adopt_space
from collab.spaces.models import Space, Visibility

log = logging.getLogger(__name__)
Json = dict[str, Any]
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Imported:
    """What an import came to. `without`: entries that have no effect; `same`: whether the copy
    holds what the seal says was held where the archive was made."""

    address: str
    entries: int
    seq: int
    files: int
    without: int
    same: bool
    asked: bool
    """Whether the project's host could be asked; else its first key was compared otherwise."""
    first: str
    """That key."""


def import_psz(
    federation: Federation, path: Path, first: str, progress: Progress = lambda done, total: None
) -> Imported:
    """Take a project of another instance in from an archive. `first`: its first key, or "".

    May ask other hosts. Doing it twice changes nothing.

    Raises:
        Unusable: nothing of it was taken in, and why.
        Problem: as the federation answers.
    """
    archive = read_archive(path, first, allow_loopback=federation.allow_loopback)
    _foreign(federation, archive)
    mirror = _held(federation.session, archive)
    before = mirror.seq if mirror is not None else 0
    head = mirror.head_hash if mirror is not None else ""
    if mirror is not None:
        _same_so_far(federation.session, mirror, archive)
    witness = Witness(federation, archive)
    asked = witness.settle_first_key(first, held=before > 0)
    source = Source(remembered(witness.find_key), witness.meet, witness.mark)
    if before < archive.seq:
        _rehearse(federation, archive, source, before, head)
    space_id = _copy(federation, archive, asked=asked)
    for page in _pages(archive, before):
        progress(take_page(federation, space_id, page, source), archive.seq)
    files = _bring_files(federation, archive, space_id)
    federation.runtime.pulse.beat()
    return _told(federation.session, archive, space_id, before, files, asked=asked)


def _foreign(federation: Federation, archive: Archive) -> None:
    host = federation.host_of(
        archive.group, otherwise=partial(Unusable, f"{archive.group} is no address")
    )
    if host == federation.host:
        raise Unusable(
            "this project is of this very instance, which has nothing to learn of it from an "
            "archive: put the instance back from a backup (docs/operate.md)"
        )


def _held(session: Session, archive: Archive) -> Mirror | None:
    """The copy that is here already. Raises Unusable where nothing may be added to it."""
    group = actor_by_iri(session, archive.group)
    space = session.scalar(select(Space).where(Space.actor_id == group.id)) if group else None
    if space is None:
        return None
    if space.local or space.deleted_at is not None:
        raise Unusable(f"{space.address} was taken away here")
    mirror = session.get(Mirror, space.id)
    if mirror is not None and mirror.state in ("broken", PARTIAL):
        raise Unusable(
            f"the copy of {space.address} here stands still or has no log ({mirror.state}): see "
            f"`collab mirror list` and `collab mirror restart {space.address}`"
        )
    return mirror


def _same_so_far(session: Session, mirror: Mirror, archive: Archive) -> None:
    """See that the archive says the same as what is held, entry for entry."""
    for items in archive.batches(0):
        part = [one for one in items if one[0] <= mirror.seq]
        of_it = LogEntry.space_id == mirror.space_id, LogEntry.seq.in_([seq for seq, _ in part])
        rows = session.execute(select(LogEntry.seq, LogEntry.entry_hash).where(*of_it)).all()
        held = {row.seq: row.entry_hash for row in rows}
        for seq, item in part:
            if held.get(seq) != multihash(canonical(item["logEntry"])):
                raise Unusable(
                    f"entry {seq} of the archive is another one than the copy here holds: the "
                    "project signed two histories, or one of them was changed; nothing was changed"
                )
    session.commit()


def _rehearse(
    federation: Federation, archive: Archive, source: Source, after: int, head: str
) -> None:
    """Check every missing entry as on a catch-up, before the first of them is written."""
    space = _space(federation.session, archive.group)
    keys = KeyHistory.of(federation.session, space) if space else KeyHistory(archive.group)
    federation.let_go()
    for items in archive.batches(after):
        try:
            links = check(
                items, group=archive.group, after=after, head=head, find_key=source.find_key,
                now=federation.now(), keys=keys,
            )  # fmt: skip
        except BrokenLog as broken:
            raise Unusable(str(broken)) from broken
        if len(links) != len(items):
            raise Unusable(f"entry {after + len(links) + 1}: it is missing")
        after, head = links[-1].seq, links[-1].entry_hash


def _space(session: Session, group: str) -> Space | None:
    actor = actor_by_iri(session, group)
    return session.scalar(select(Space).where(Space.actor_id == actor.id)) if actor else None


def _copy(federation: Federation, archive: Archive, *, asked: bool) -> int:
    """The row of the project and of our copy, made where they are missing; the space's id.

    Its host is asked for the log, for when it is back. Until the log itself says who reads the
    project, only its members do.
    """
    if asked:
        federation.space_card(archive.group)
    with federation.runtime.work(federation.instance_actor()) as work:
        group = actor_by_iri(work.session, archive.group)
        described = archive.people.get(archive.group)
        if group is None and described is not None and described.kind == ActorKind.GROUP:
            group = write_down(work.session, described, work.now)
        if group is None or group.local or group.kind != ActorKind.GROUP:
            raise Unusable("the archive does not say what the project is called: export it again")
        space = _space(work.session, archive.group)
        if space is None:
            card = {"name": group.label, "visibility": Visibility.MEMBERS, "tools": []}
            space = adopt_space(work, group, card)
        _subscribe(work, space)
        return space.id


def _subscribe(work: Work, space: Space) -> None:
    if work.session.get(Mirror, space.id) is not None:
        return
    asked = start_mirror(work.session, space, work.now)
    if asked is not None:
        ours, follow = asked
        send(work.session, ours, follow, [space.actor.inbox], work.now)


def _pages(archive: Archive, after: int) -> Iterator[Json]:
    """The missing entries as pages of a log; the last with where the project says it stands."""
    for items in archive.batches(after):
        page: Json = {"partOf": f"{archive.group}/log", "orderedItems": [one for _, one in items]}
        if items[-1][0] == archive.seq and archive.sealer == archive.group:
            page["log"] = {"seq": archive.seq, "stateDigest": archive.state_digest}
        yield page


def _bring_files(federation: Federation, archive: Archive, space_id: int) -> int:
    """Keep the recordings that our own copy of the log speaks of, within our limits. How many."""
    session, kept = federation.session, 0
    limits, blobs = federation.runtime.settings.files, federation.runtime.blobs
    for name, digest, size in archive.sounds():
        rows = _wanted(session, space_id, digest, size)
        room = held_bytes(session, space_id) + size * len(rows) <= limits.project
        federation.let_go()
        if not rows or size > limits.voice or not room:
            continue
        content = archive.content(name)
        if not is_as_told(content, digest, rows[0][1], size):
            continue
        blobs.put(content)
        with writing(session):
            for file_id, _kind in rows:
                note_held(session, file_id)
        kept += 1
    return kept


def _wanted(session: Session, space_id: int, digest: str, size: int) -> list[tuple[int, str]]:
    """The files of the copy that are these bytes, are shown, and are not here: id and type."""
    rows = session.scalars(
        select(StoredFile).where(
            StoredFile.space_id == space_id,
            StoredFile.digest == digest,
            StoredFile.size == size,
            StoredFile.held.is_(False),
        )
    ).all()
    shown = [(row.id, row.kind) for row in rows if is_open(session, row)]
    return [one for one in shown if one[1] == shown[0][1]]


def _told(
    session: Session, archive: Archive, space_id: int, before: int, files: int, *, asked: bool
) -> Imported:
    space, mirror = session.get_one(Space, space_id), session.get_one(Mirror, space_id)
    here = mirror.seq == archive.seq
    return Imported(
        address=space.address,
        entries=max(mirror.seq - before, 0),
        seq=mirror.seq,
        files=files,
        without=count_unapplied(session, space_id),
        same=not here or state_digest(session, space) == archive.state_digest,
        asked=asked,
        first=archive.first.written(),
    )
