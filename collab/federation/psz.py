"""`project.psz`: the whole signed history of a project in one file that anybody can verify.

A zip of plain files: the log as lines of JSON, the keys, the recordings, the discussion and the
documents as a page to read, the program that verifies it all, and a seal by whoever made it.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from collab.core.blobs import Blobs
from collab.core.errors import Missing
from collab.core.i18n import N_
from collab.federation import standalone
from collab.federation.keys import BadKey, SigningKey
from collab.federation.log import CONTEXT, entries_after, head, stamp
from collab.federation.models import LogEntry
from collab.federation.proofs import add_proof
from collab.federation.psz_files import files_to_take
from collab.federation.psz_page import page_of_project
from collab.federation.psz_people import PEOPLE, people_of
from collab.federation.standalone import KEYS, LOG, SEAL
from collab.federation.strictjson import canonical
from collab.people.models import Actor, Key
from collab.spaces.models import Space
from collab.spaces.tool import Tools

Json = dict[str, Any]
PAGE = 200
README = Path(__file__).with_name("psz_readme.md")
"""What the file says of itself, in French and in English: it is read by whoever has it."""


@dataclass(frozen=True)
class Sealer:
    """Who says, with an Ed25519 key and when, that this is what was held here: the project itself
    on its host, the instance on a mirror."""

    actor: Actor
    key: SigningKey
    at: datetime


@dataclass
class _Writer:
    """Writes members uncompressed, so that a damaged byte has a place; remembers their digests."""

    archive: zipfile.ZipFile
    at: datetime
    files: dict[str, str]

    def add(self, name: str, parts: Iterator[bytes] | bytes) -> None:
        info = zipfile.ZipInfo(name, self.at.timetuple()[:6])
        info.external_attr = 0o644 << 16
        digest = hashlib.sha256()
        with self.archive.open(info, "w") as member:
            for part in [parts] if isinstance(parts, bytes) else parts:
                member.write(part)
                digest.update(part)
        self.files[name] = digest.hexdigest()


def write_psz(
    session: Session, tools: Tools, blobs: Blobs, space: Space, path: Path, by: Sealer
) -> int:
    """Write the history of a project, of ours or mirrored, to `path`. Returns how many entries.

    The recordings that are held in `blobs` and shown go with it.

    Raises:
        Missing: nothing of it is in a log yet.
        OSError: the file cannot be written.
        BadKey: the project's first key is not known here, as in a copy brought back from an
            archive whose host has not been there since.
    """
    end, sealer, at = head(session, space), by.actor, by.at
    if end.seq == 0:
        raise Missing(N_("Ce projet n’a pas encore d’histoire signée."))
    keys = _keys(session, space, sealer)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        to = _Writer(archive, at, {})
        to.add(LOG, _lines(session, space.id, end.seq))
        to.add(KEYS, canonical(keys))
        facts = {"name": space.name, "iri": space.iri, "seq": end.seq, "at": stamp(at)}
        to.add(PEOPLE, canonical(people_of(session, space.id, space.iri)))
        to.add("README.md", README.read_text("utf-8").format(**facts).encode())
        to.add("verify.py", Path(standalone.__file__).read_bytes())
        taken = files_to_take(session, blobs, space)
        to.add("index.html", page_of_project(session, tools, space, at, taken))
        for file in {one.name: one for one in taken.values()}.values():
            to.add(file.name, file.parts())
        seal = {
            "@context": CONTEXT,
            "type": "LogExport",
            "attributedTo": sealer.iri,
            "project": space.iri,
            "epoch": end.epoch,
            "seq": end.seq,
            "head": end.head,
            "stateDigest": end.state_digest,
            "published": stamp(at),
            "files": to.files,
        }
        to.add(SEAL, canonical(add_proof(seal, by.key, at)))
    return end.seq


def _lines(session: Session, space_id: int, last: int) -> Iterator[bytes]:
    seq = 0
    with Session(session.get_bind()) as reading:  # which forgets as it goes
        while seq < last:
            for row in entries_after(reading, space_id, seq, min(PAGE, last - seq)):
                words = row.body or _left(row)
                yield canonical({"entry": row.entry, "body": words}) + b"\n"
                seq = row.seq
            reading.expunge_all()


def _left(row: LogEntry) -> Json:
    """What stands for words that were erased; where they stood, so that answers keep a place."""
    told: Json = {"type": "Tombstone", "id": row.activity_id}
    return told | {"object": row.left} if row.left is not None else told


def _keys(session: Session, space: Space, sealer: Actor) -> Json:
    """The project's first key, and the Ed25519 keys of everybody who signed in the log."""
    first = session.scalars(
        select(LogEntry.entry).where(LogEntry.space_id == space.id).order_by(LogEntry.seq).limit(1)
    ).one()
    began = session.scalars(
        select(Key).where(Key.key_id == first["proof"]["verificationMethod"])
    ).one_or_none()
    if began is None:
        raise BadKey(f"the key that {space.iri} began with is not known here")
    authors = {sealer.iri}
    bodies = session.scalars(
        select(LogEntry.body).where(LogEntry.space_id == space.id, LogEntry.trust == "proof")
    )
    for body in bodies.yield_per(PAGE):
        if body is not None:
            authors.add(str(body.get("actor")))
    rows = session.scalars(
        select(Key)
        .join(Actor, Actor.id == Key.actor_id)
        .where(Actor.iri.in_(authors), Key.algorithm == "ed25519")
        .order_by(Key.id)
    ).all()
    listed = [_listed(row) for row in rows]
    return {"group": space.iri, "first": _listed(began, ends=False), "authors": listed}


def _listed(row: Key, *, ends: bool = True) -> Json:
    told: Json = {
        "id": row.key_id,
        "type": "Multikey",
        "controller": row.actor.iri,
        "publicKeyMultibase": row.public,
    }
    if ends and row.expires_at:
        told["expires"] = stamp(row.expires_at)
    if ends and row.revoked_at:
        told["revoked"] = stamp(row.revoked_at)
    return json.loads(canonical(told))  # type: ignore[no-any-return]
