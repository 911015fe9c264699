"""What a project holds, in 256 digests: the same on its host and on every true copy (4.5).

Bucket k is SHA-256 over the sorted lines `id SP updated SP sha256(object)` of the live objects
whose id's SHA-256 begins with byte k. The digest of a bucket is kept until an object in it
changes, so that an entry costs one bucket and not the whole project.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from typing import Any, cast

from sqlalchemy import Table, bindparam, delete, select
from sqlalchemy.orm import Session

from collab.core.among import among
from collab.core.rows import insert_rows
from collab.federation.models import ApObject, StateBucket
from collab.federation.strictjson import Written, canonical
from collab.spaces.models import Space

Json = dict[str, Any]
BUCKETS = 256
LINES_ON_A_PAGE = 400
"""With the longest ids there are, less than 1 MiB."""
EMPTY = hashlib.sha256(b"").hexdigest()
_HELD = select(ApObject).where(ApObject.space_id == bindparam("space"), among(ApObject.iri, "iris"))
_KEPT = select(StateBucket.bucket).where(StateBucket.space_id == bindparam("space"))


def bucket_of(iri: str) -> int:
    """Which of the 256 buckets an object is in."""
    return hashlib.sha256(iri.encode()).digest()[0]


def object_of(activity: Json) -> tuple[str, str, Json | None]:
    """The object that an activity changes: its id, `Create`, `Update` or `Delete`, and its form.

    An empty id when there is none: greetings, members, the project itself.
    """
    verb, thing = str(activity.get("type")), activity.get("object")
    if verb == "Undo" and isinstance(thing, dict) and thing.get("type") == "Delete":
        thing, verb = thing.get("object"), "Create"
    iri = thing.get("id") if isinstance(thing, dict) else thing
    if verb not in ("Create", "Update", "Delete") or not isinstance(iri, str):
        return "", verb, None
    return iri, verb, thing if isinstance(thing, dict) else None


def held_objects(
    session: Session, space: Space, activities: Iterable[Json]
) -> dict[str, ApObject | None]:
    """What is held of all objects that some activities change, read at once; None: nothing."""
    wanted = {object_of(activity)[0] for activity in activities} - {"", space.iri}
    found: dict[str, ApObject | None] = dict.fromkeys(wanted)
    rows = session.scalars(_HELD, {"space": space.id, "iris": wanted})
    return found | {row.iri: row for row in rows}


def remember_objects(
    session: Session, space: Space, activities: Sequence[tuple[Json, Written | None]]
) -> set[int]:
    """As `remember_object` for many activities in their order: a few statements for all of them.

    Each comes with its canonical form where that is at hand. Returns the buckets whose digests
    the caller lets go of.
    """
    held = held_objects(session, space, [activity for activity, _ in activities])
    fresh, touched = dict[str, Json](), set[int]()
    for activity, written in activities:
        iri, verb, thing = object_of(activity)
        if not iri or iri == space.iri:
            continue
        own = written if thing is activity.get("object") else None
        told, row = _told(verb, thing, own), held[iri]
        if row is None:
            new = {"space_id": space.id, "iri": iri, "bucket": bucket_of(iri)}
            row_values = fresh.setdefault(iri, new | {"owner": "", "updated": "", "hash": ""})
            row_values.update(told)
            touched.add(row_values["bucket"])
        else:
            for name, value in told.items():
                setattr(row, name, value)
            touched.add(row.bucket)
    if fresh:
        insert_rows(session, cast("Table", ApObject.__table__), fresh.values())
    return touched


def _told(verb: str, thing: Json | None, written: Written | None = None) -> Json:
    """What an activity says of its object, by column."""
    if verb == "Delete" or thing is None:
        return {"deleted": verb == "Delete"}
    return {
        "deleted": False,
        "owner": str(thing.get("attributedTo", "")),
        "updated": str(thing.get("updated") or thing.get("published") or ""),
        "hash": hashlib.sha256(written.thing()).hexdigest() if written else object_hash(thing),
    }


def remember_object(
    session: Session,
    space: Space,
    activity: Json,
    held: dict[str, ApObject | None] | None = None,
) -> int | None:
    """Keep the newest form of the object an entry speaks of. Its bucket, whose digest the caller
    lets go of (`forget`); None when the entry speaks of no object. `held`: see `held_objects`."""
    iri, verb, thing = object_of(activity)
    if not iri or iri == space.iri:
        return None
    known = held if held is not None else held_objects(session, space, [activity])
    row = known.get(iri)
    if row is None:
        row = ApObject(
            space_id=space.id, iri=iri, bucket=bucket_of(iri), owner="", updated="", hash=""
        )
        session.add(row)
        known[iri] = row
    for name, value in _told(verb, thing).items():
        setattr(row, name, value)
    return row.bucket


def object_hash(thing: Json) -> str:
    """SHA-256 (hex) of an object's canonical JSON."""
    return hashlib.sha256(canonical(thing)).hexdigest()


def forget(session: Session, space: Space, buckets: Collection[int]) -> None:
    """Let go of the digests of buckets that changed; they are made anew when asked for."""
    kept = set(session.scalars(_KEPT, {"space": space.id})) if buckets else set()
    if kept & set(buckets):
        session.execute(
            delete(StateBucket).where(
                StateBucket.space_id == space.id, StateBucket.bucket.in_(sorted(buckets))
            )
        )


def lines_of(session: Session, space: Space, buckets: Collection[int]) -> dict[int, list[str]]:
    """The sorted lines of some buckets; those without any object are left out."""
    rows = session.execute(
        select(ApObject.bucket, ApObject.iri, ApObject.updated, ApObject.hash).where(
            ApObject.space_id == space.id,
            ApObject.deleted.is_(False),
            ApObject.bucket.in_(sorted(buckets)),
        )
    )
    found: dict[int, list[str]] = defaultdict(list)
    for bucket, iri, updated, digest in rows:
        found[bucket].append(f"{iri} {updated} {digest}")
    return {bucket: sorted(lines) for bucket, lines in found.items()}


def page_of_lines(
    session: Session, space: Space, bucket: int, after: int
) -> tuple[list[str], int | None]:
    """Some lines of a bucket, LINES_ON_A_PAGE at most, and after which row the next ones stand;
    None when these are the last."""
    rows = session.execute(
        select(ApObject.id, ApObject.iri, ApObject.updated, ApObject.hash)
        .where(
            ApObject.space_id == space.id,
            ApObject.deleted.is_(False),
            ApObject.bucket == bucket,
            ApObject.id > after,
        )
        .order_by(ApObject.id)
        .limit(LINES_ON_A_PAGE + 1)
    ).all()
    page = rows[:LINES_ON_A_PAGE]
    lines = [f"{row.iri} {row.updated} {row.hash}" for row in page]
    return sorted(lines), page[-1].id if len(rows) > len(page) else None


def bucket_digests(session: Session, space: Space, *, keep: bool = False) -> list[str]:
    """The 256 digests, hex. `keep` writes down those that had to be made; the caller commits."""
    session.flush()
    rows = session.execute(
        select(StateBucket.bucket, StateBucket.digest).where(StateBucket.space_id == space.id)
    )
    known = {bucket: digest for bucket, digest in rows}  # noqa: C416 - rows are no pairs to mypy
    missing = [bucket for bucket in range(BUCKETS) if bucket not in known]
    if missing:
        lines = lines_of(session, space, missing)
        for bucket in missing:
            text = "\n".join(lines.get(bucket, []))
            known[bucket] = hashlib.sha256(text.encode()).hexdigest() if text else EMPTY
        if keep:
            session.add_all(
                StateBucket(space_id=space.id, bucket=bucket, digest=known[bucket])
                for bucket in missing
            )
    return [known[bucket] for bucket in range(BUCKETS)]


def refresh(session: Session, space: Space, bucket: int) -> None:
    """Make the digest of a bucket that changed anew, and of all when none is kept yet."""
    session.flush()
    row = session.get(StateBucket, (space.id, bucket))
    if row is None:
        bucket_digests(session, space, keep=True)
        return
    text = "\n".join(lines_of(session, space, [bucket]).get(bucket, []))
    row.digest = hashlib.sha256(text.encode()).hexdigest()


def state_digest(session: Session, space: Space, *, keep: bool = False) -> str:
    """SHA-256 (hex) over the 256 bucket digests of the project's live objects."""
    digests = bucket_digests(session, space, keep=keep)
    return hashlib.sha256(b"".join(bytes.fromhex(one) for one in digests)).hexdigest()
