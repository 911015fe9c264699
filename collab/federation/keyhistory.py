"""Which key a project's log is signed with, entry after entry (FEDERATION.md 1.5, 2.1).

A change of keys is itself an entry, written under the old key: an `Update` of the group that
lists its keys. Every entry before it is of the old key, every entry after it of the new one, so
whoever has the log and its first key can follow.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from collab.core.work import Work
from collab.federation.keys import BadKey, PublicKey, algorithm_of, key_from_document
from collab.federation.models import LogEntry
from collab.federation.proofs import FindKey
from collab.people.models import Key
from collab.spaces.models import Space

Json = dict[str, Any]
MOST_LISTED = 10
_OWN = LogEntry.space_id == bindparam("space")
_LAST = (
    select(LogEntry.entry).where(_OWN).order_by(LogEntry.epoch.desc(), LogEntry.seq.desc()).limit(1)
)
_CHANGE = (
    select(LogEntry.body)
    .where(
        _OWN,
        LogEntry.activity_id > bindparam("after"),
        LogEntry.activity_id < bindparam("before"),
    )
    .order_by(LogEntry.seq.desc())
    .limit(1)
)


def change_iri(group: str, number: int) -> str:
    """The id of the activity that changes a project's keys for the `number`-th ones."""
    return f"{group}#keys-{number}"


def keys_in(body: Json, group: str) -> list[PublicKey]:
    """The project's keys as an activity of its own lists them; [] when it changes none."""
    thing = body.get("object")
    own = body.get("actor") == group and isinstance(thing, dict) and thing.get("id") == group
    if not own or body.get("type") != "Update" or not isinstance(thing, dict):
        return []
    found = []
    for member in ("publicKey", "assertionMethod"):
        listed = thing.get(member)
        for entry in (listed if isinstance(listed, list) else [listed])[:MOST_LISTED]:
            key_id = entry.get("id") if isinstance(entry, dict) else None
            if not isinstance(key_id, str) or key_id.partition("#")[0] != group:
                continue
            try:
                key = key_from_document(thing, key_id)
            except BadKey:
                continue
            if isinstance(key, PublicKey):
                found.append(key)
    return found


@dataclass
class KeyHistory:
    """The keys of one log up to some entry. `current`: the id that signs next; "" when any may."""

    group: str
    current: str = ""
    told: dict[str, PublicKey] = field(default_factory=dict)

    @classmethod
    def of(cls, session: Session, space: Space) -> KeyHistory:
        """As far as the log is held here, on its host or on a mirror."""
        history = cls(space.iri)
        own = {"space": space.id}
        names = {"after": f"{space.iri}#keys-", "before": f"{space.iri}#keys."}
        change = session.scalar(_CHANGE, own | names)
        last = session.scalar(_LAST, own)
        if last is not None:
            history.signed_by(str(last["proof"]["verificationMethod"]))
        if change is not None:
            history.learn(change)
        return history

    def finder(self, otherwise: FindKey) -> FindKey:
        """Looks keys up, those that the log itself told of first."""

        def find(key_id: str) -> PublicKey:
            return self.told.get(key_id) or otherwise(key_id)

        return find

    def signed_by(self, key_id: str) -> bool:
        """Whether that key may sign the next entry; from the first one on it must go on to."""
        self.current = self.current or key_id
        return key_id == self.current

    def learn(self, body: Json) -> None:
        """Take up an entry's change of keys, if it is one; the caller has verified the entry."""
        found = keys_in(body, self.group)
        self.told.update((key.key_id, key) for key in found)
        usable = [k for k in found if k.end is None and algorithm_of(k.key) == "ed25519"]
        if usable:
            self.current = usable[-1].key_id


def learn_keys(work: Work, space: Space, body: Json) -> None:
    """Mirror side: remember the keys that a project's own log lists, and which of them ended."""
    for found in keys_in(body, space.iri):
        row = work.session.scalar(select(Key).where(Key.key_id == found.key_id))
        if row is None:
            row = Key(
                key_id=found.key_id, actor_id=space.actor_id, algorithm=found.algorithm,
                public=found.written(), created_at=work.now, fetched_at=work.now,
            )  # fmt: skip
            work.session.add(row)
        if row.actor_id == space.actor_id:
            row.expires_at = row.expires_at or found.expires
            row.revoked_at = row.revoked_at or found.revoked
    work.session.flush()
