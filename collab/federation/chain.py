"""Reading a page of somebody's project log: is it theirs, in order, whole, and not tampered with?

FEDERATION.md 1.5 and R16, R60. Nothing here writes; what passes is handed to the replica.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from collab.federation.keyhistory import KeyHistory, keys_in
from collab.federation.keys import PublicKey
from collab.federation.proofs import FindKey, claimed_by, verify_proof
from collab.federation.signatures.message import Refused
from collab.federation.strictjson import Written, canonical, multihash

Json = dict[str, Any]


class BrokenLog(Exception):
    """A log that contradicts itself or was not written by its project. `seq` names the entry."""

    def __init__(self, seq: int, detail: str) -> None:
        super().__init__(f"entry {seq}: {detail}")
        self.seq = seq
        self.detail = detail


@dataclass(frozen=True)
class Link:
    """One entry that was read and checked. `body` is None when it was erased on the host."""

    seq: int
    epoch: int
    entry: Json
    entry_hash: str
    body: Json | None
    trust: str
    doubt: str = ""
    """Why the body may not be applied, though it stands in the log; "" when it may."""
    left: Json | None = None
    """Of an erased body: where its words stood, as the host says it (nothing signs it)."""
    written: Written | None = None
    """The canonical form of the body, where it was read just now."""
    signed: bytes = b""
    """The canonical form of the entry, where it was read just now."""


def entries_of(page: Json, log_iri: str) -> list[tuple[int, Json]]:
    """The announcements of a page by their number, ascending. Raises BrokenLog when unreadable."""
    items = page.get("orderedItems")
    if page.get("partOf") != log_iri or not isinstance(items, list) or len(items) > 500:
        raise BrokenLog(0, "not a page of this log")
    found = []
    for item in items:
        entry = item.get("logEntry") if isinstance(item, dict) else None
        seq = entry.get("seq") if isinstance(entry, dict) else None
        if not isinstance(seq, int) or isinstance(seq, bool) or seq < 1:
            raise BrokenLog(0, "an entry without a number")
        found.append((seq, item))
    return sorted(found, key=lambda pair: pair[0])


def check(
    items: Sequence[tuple[int, Json]], *, group: str, after: int, head: str,
    find_key: FindKey, now: datetime, keys: KeyHistory | None = None,
) -> list[Link]:  # fmt: skip
    """Check entries that follow `after`, whose hash is `head`, one by one.

    Entries already held are passed over; the list ends before a gap. `keys` is the log's key
    history up to `after`; it is carried on.

    The project's signature is verified on the last entry, and on each that changes its keys: they
    sign the hashes of all before them (docs/adr/0012). One entry alone is always verified.

    Raises:
        BrokenLog: an entry is not the project's, not in the chain, or not what it says it is.
    """
    links: list[Link] = []
    run = _Run(group, keys or KeyHistory(group), find_key, now)
    for seq, item in items:
        if seq <= after:
            continue
        if seq != after + 1:
            break
        try:
            link = run.read(seq, item, head)
        except BrokenLog:
            run.vouch()
            raise
        links.append(link)
        after, head = seq, link.entry_hash
    run.vouch()
    return links


class _Run:
    """Entries in their order, up to the next signature that vouches for all of them."""

    def __init__(self, group: str, keys: KeyHistory, find_key: FindKey, now: datetime) -> None:
        self._group, self._keys, self._now = group, keys, now
        self._find = keys.finder(find_key)
        self._waiting: list[tuple[int, Json]] = []

    def read(self, seq: int, item: Json, head: str) -> Link:
        """All that is checked of an entry but the project's signature. Raises BrokenLog."""
        _check_signer(seq, item, self._keys)
        link = _checked(seq, item, self._group, head, self._find, self._now)
        self._waiting.append((seq, link.entry))
        if link.body is not None and keys_in(link.body, self._group):
            self.vouch()
            self._keys.learn(link.body)
        return link

    def vouch(self) -> None:
        """Verify the last signature; where it is refused, find the first that is. Raises
        BrokenLog."""
        waiting, self._waiting = self._waiting, []
        try:
            self._verify(waiting[-1:])
        except BrokenLog:
            self._verify(waiting)
            raise

    def _verify(self, entries: Sequence[tuple[int, Json]]) -> None:
        for seq, entry in entries:
            try:
                verify_proof(entry, self._find, self._now)
            except Refused as refused:
                raise BrokenLog(seq, f"signature refused: {refused.detail}") from refused


def remembered(find_key: FindKey) -> FindKey:
    """The same, asked once for each key: for the time of one page."""
    known: dict[str, PublicKey] = {}

    def find(key_id: str) -> PublicKey:
        found = known.get(key_id)
        if found is None:
            found = known[key_id] = find_key(key_id)
        return found

    return find


def _checked(seq: int, item: Json, group: str, head: str, find_key: FindKey, now: datetime) -> Link:
    entry, body = item["logEntry"], item.get("object")
    if item.get("actor") != group or entry.get("attributedTo") != group:
        raise BrokenLog(seq, "not written by the project")
    if entry.get("prev") != head:
        raise BrokenLog(seq, "does not follow the entry before it")
    _check_claim(seq, entry, group, find_key, now)
    epoch = entry.get("epoch")
    if not isinstance(epoch, int):
        raise BrokenLog(seq, "an entry without an epoch")
    signed = canonical(entry)
    entry_hash = multihash(signed)
    trust = str(entry.get("trust", ""))
    if not isinstance(body, dict):
        raise BrokenLog(seq, "an entry without a body")
    if body.get("type") == "Tombstone" and body.get("id") == entry.get("activity"):
        left = body.get("object")
        place = left if isinstance(left, dict) and left.get("type") == "Tombstone" else None
        return Link(seq, epoch, entry, entry_hash, None, trust, left=place, signed=signed)
    said = Written(body)
    if multihash(said.whole()) != entry.get("digest"):
        raise BrokenLog(seq, "the body is not the one that was signed")
    doubt = doubt_of(body, trust, group, find_key, now, said)
    return Link(seq, epoch, entry, entry_hash, body, trust, doubt, written=said, signed=signed)


def _check_signer(seq: int, item: Json, keys: KeyHistory) -> None:
    """One key signs a log until the log itself says that another one does (2.1)."""
    proof = item["logEntry"].get("proof")
    key_id = proof.get("verificationMethod") if isinstance(proof, dict) else None
    if not isinstance(key_id, str):
        raise BrokenLog(seq, "not signed")
    if not keys.signed_by(key_id):
        raise BrokenLog(seq, f"signed with {key_id}, but the log goes on with {keys.current}")


def _check_claim(seq: int, entry: Json, group: str, find_key: FindKey, now: datetime) -> None:
    try:
        signer = claimed_by(entry, find_key, now)
    except Refused as refused:
        raise BrokenLog(seq, f"signature refused: {refused.detail}") from refused
    if signer != group:
        raise BrokenLog(seq, "signed by somebody else")


def doubt_of(
    body: Json, trust: str, group: str, find_key: FindKey, now: datetime,
    written: Written | None = None,
) -> str:  # fmt: skip
    """Why the author's word is not believed; "" when it is (trust, FEDERATION.md 1.5)."""
    actor = body.get("actor")
    if not isinstance(actor, str):
        return "no author"
    if actor == group:
        return ""
    if trust == "http":
        return ""
    if trust != "proof":
        return "the project speaks for somebody else"
    try:
        proven = verify_proof(body, find_key, now, written)
    except Refused as refused:
        return f"the author's proof is refused: {refused.detail}"
    return "" if proven == actor else "proved by somebody else"
