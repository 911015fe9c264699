"""Files of elsewhere: brought here once, checked byte for byte, and never asked for by a reader.

FEDERATION.md R21, R26, R54, R62, R63. The instance of whoever made a file is asked first, then the
project's host, which has it too; both know us by our signature.
"""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from sqlalchemy.orm import Session

from collab.core.db import writing
from collab.core.jobs import MAX_ATTEMPTS, Payload, backoff, enqueue
from collab.core.sounds import NotASound, heard
from collab.federation.fetch import Unfetched, follow
from collab.federation.hosts import BadHost
from collab.people.models import Actor
from collab.spaces.files import (
    BRING,
    StoredFile,
    file_of,
    had_by_its_readers,
    held_bytes,
    note_held,
)
from collab.spaces.models import Item
from collab.web.files import path_of

if TYPE_CHECKING:
    from collab.federation.house import Federation

log = logging.getLogger(__name__)
AGAIN = timedelta(seconds=30)
"""How soon a file that nobody could give is asked for again because a reader wants it."""
DEADLINE = 30.0
WHILE_SOMEBODY_WAITS = 8.0


class Bringing:
    """Fetches the files that items of elsewhere have beside them."""

    def __init__(self, federation: Federation) -> None:
        self._federation = federation

    def bring(self, session: Session, payloads: Sequence[Payload]) -> None:
        """The job BRING, in batches: what cannot be had now is tried later, as often as any job.

        A host that does not answer is not asked for the next file of the batch.
        """
        silent: set[str] = set()
        for payload in payloads:
            file = self._wanted(int(payload["item"]))
            if file is None or self._fetch(file, DEADLINE, silent):
                continue
            tries = int(payload.get("tries", 0)) + 1
            if tries < MAX_ATTEMPTS:
                at = self._federation.now() + backoff(tries)
                with writing(session):
                    enqueue(session, BRING, {"item": payload["item"], "tries": tries}, at)

    def bring_now(self, item_id: int) -> bool:
        """The same for one file, because somebody wants to hear it. Whether it is here then."""
        file = self._wanted(item_id)
        if file is None:
            return False
        spent = self._federation.budget.spend(f"hear {item_id}", 1, AGAIN.total_seconds())
        return spent and self._fetch(file, WHILE_SOMEBODY_WAITS, set())

    def _wanted(self, item_id: int) -> StoredFile | None:
        """The file beside an item, if it is not here and would be let in."""
        federation, session = self._federation, self._federation.session
        item = session.get(Item, item_id)
        file = None if item is None or item.withdrawn_at else file_of(session, item)
        if file is None or file.held:
            return None
        limits = federation.runtime.settings.files
        room = held_bytes(session, file.space_id) + file.size <= limits.project
        return file if file.size <= limits.voice and room else None

    def _fetch(self, file: StoredFile, deadline: float, silent: set[str]) -> bool:
        places = [place for place in self._places(file) if urlsplit(place).netloc not in silent]
        wanted = file.id, file.digest, file.kind, file.size
        blobs, federation = self._federation.runtime.blobs, self._federation
        found = blobs.holds(file.digest) and had_by_its_readers(federation.session, file)
        for place in places if not found else ():
            content = self._asked(place, file.size, deadline, silent)
            if content is not None and is_as_told(content, *wanted[1:]):
                blobs.put(content)
                found = True
                break
        if found:
            with writing(federation.session) as session:
                note_held(session, wanted[0])
        return found

    def _places(self, file: StoredFile) -> Iterator[str]:
        """Where it may be had: as its author says, at their instance, at the project's host."""
        path = path_of(file.digest, file.kind)
        owner = self._federation.session.get_one(Actor, file.owner_id)
        there = [file.url, _origin(owner.iri) + path, _origin(file.space.iri) + path]
        for place in dict.fromkeys(there):
            if self._admits(place):
                yield place

    def _admits(self, url: str) -> bool:
        try:
            host = self._federation.host_of(url)
        except BadHost:
            return False
        return host != self._federation.host and self._federation.admits(host)

    def _asked(self, url: str, size: int, deadline: float, silent: set[str]) -> bytes | None:
        federation = self._federation
        signer = federation.signer(federation.instance_actor())
        federation.let_go()
        try:
            got = follow(
                federation.transport,
                url,
                signer,
                time.monotonic() + deadline,
                federation.may_lead_to,
                size,
            )
        except Unfetched as error:
            if error.code == "unreachable":
                silent.add(urlsplit(url).netloc)
            log.info("no file from %s: %s", url, error)
            return None
        return got.body if got.status == 200 else None


def is_as_told(content: bytes, digest: str, kind: str, size: int) -> bool:
    """Whether bytes are those that were said, and a sound of the kind that was said (R63)."""
    if len(content) != size or hashlib.sha256(content).hexdigest() != digest:
        return False
    try:
        return heard(content).kind == kind
    except NotASound:
        return False


def _origin(iri: str) -> str:
    parts = urlsplit(iri)
    return f"{parts.scheme}://{parts.netloc}"
