"""New keys for our own actors, and who is told of them (FEDERATION.md 2.1)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import Session

from collab.core.errors import Missing
from collab.core.i18n import N_
from collab.core.work import Work
from collab.federation import identity
from collab.federation.activities import space_object
from collab.federation.keyhistory import KeyHistory, change_iri
from collab.federation.keys import Algorithm, SigningKey
from collab.federation.log import CONTEXT, PUBLIC, append, stamp
from collab.federation.models import LogEntry, Subscriber
from collab.federation.proofs import add_proof
from collab.federation.sending import send
from collab.people.models import Actor, ActorKind, Key, Peer, PeerState
from collab.people.queries import site
from collab.spaces.models import Follow, Membership, Space, Visibility

Json = dict[str, Any]
REKEY = "rekey"
"""The job that writes a change of a project's keys into its log."""
NUMBER = re.compile(r"-(\d+)$")


class KeyOf(Protocol):
    """Gives a key of one of our own actors: the newest of a kind, or the one with an id."""

    def __call__(self, actor: Actor, algorithm: Algorithm, key_id: str = "", /) -> SigningKey: ...


@dataclass(frozen=True)
class RotateKeys:
    """Whose keys are changed, by the row of the actor.

    `revoke`: the old ones are in somebody else's hands; they prove nothing that comes from now on.
    """

    actor: int
    revoke: bool = False


def rotate_keys(work: Work, given: RotateKeys, key_of: KeyOf) -> list[Key]:
    """Give one of our own actors new keys, end the old ones, and tell who knows them.

    The old Ed25519 key stays listed, so that what it proved before still verifies; the private
    halves of ended keys go as soon as nothing is left for them to sign.

    Raises:
        Missing: no such actor of this instance.
    """
    actor = work.session.get(Actor, given.actor)
    if actor is None or not actor.local or actor.deleted_at:
        raise Missing(N_("Il n’y a personne de ce nom ici."))
    before = key_of(actor, "ed25519")
    held = work.session.scalars(select(Key).where(Key.actor_id == actor.id)).all()
    number = 1 + max((number_of(key.key_id) for key in held), default=0)
    over = _end(work, actor)
    for key in held:
        key.expires_at = key.expires_at or over
        if given.revoke and key.revoked_at is None:
            key.revoked_at = over
    made = [
        Key(
            actor_id=actor.id, key_id=new.key_id, algorithm=new.algorithm, public=new.public,
            private=new.private, created_at=work.now,
        )
        for new in work.forge(actor.iri, number)
    ]  # fmt: skip
    work.session.add_all(made)
    work.session.flush()
    proves = key_of(actor, "ed25519") if given.revoke else before
    describe_again(work.session, actor, f"{actor.iri}#rekeyed-{number}", proves, work.now)
    if actor.kind == ActorKind.GROUP:
        work.later(REKEY, {"actor": actor.id})
    else:
        _forget_private(work.session, actor, made)
    return made


def number_of(key_id: str) -> int:
    """Which keys of an actor these are: 1 for `#main-key` and `#ed25519-1`."""
    found = NUMBER.search(key_id)
    return int(found[1]) if found else 1


def _end(work: Work, actor: Actor) -> datetime:
    """When the old keys end: now, and not before anything that is in the log already."""
    last = work.session.scalar(
        select(func.max(LogEntry.at))
        .join(Space, Space.id == LogEntry.space_id)
        .where(Space.actor_id == actor.id, Space.local)
    )
    return max(work.now, last or work.now)


def _forget_private(session: Session, actor: Actor, kept: Iterable[Key]) -> None:
    ids = [key.id for key in kept]
    session.execute(
        update(Key)
        .where(Key.actor_id == actor.id, Key.id.not_in(ids))
        .values(private=None)
        .execution_options(synchronize_session=False)
    )


def describe_again(session: Session, actor: Actor, iri: str, key: SigningKey, at: datetime) -> None:
    """Send who knows one of our actors its description as it is now: an `Update` with that id.

    In the caller's transaction. Nothing for a project that never leaves its instance.
    """
    space = session.scalar(select(Space).where(Space.actor_id == actor.id))
    if space is not None and not space.federates:
        return
    told = {
        "@context": CONTEXT,
        "id": iri,
        "type": "Update",
        "actor": actor.iri,
        "to": [PUBLIC],
        "cc": [f"{actor.iri}/followers"],
        "object": _described(session, actor, space),
        "published": stamp(at),
    }
    if space is not None and space.visibility != Visibility.PUBLIC:
        told["to"] = [f"{actor.iri}/members"]
    proven, inboxes = add_proof(told, key, at), audience(session, actor)
    send(session, actor, proven, inboxes, at)


def _described(session: Session, actor: Actor, space: Space | None) -> Json:
    keys = session.scalars(select(Key).where(Key.actor_id == actor.id)).all()
    row = site(session)
    if space is not None:
        return identity.group(space, keys, None)
    if actor.kind == ActorKind.APPLICATION:
        return identity.instance(actor, keys, row)
    return identity.person(actor, keys, row.actor.iri)


def audience(session: Session, actor: Actor) -> set[str]:
    """The inboxes of the hosts that know one of our actors: where it takes part, who follows or
    mirrors what it is in, and who is linked with us."""
    spaces = select(Space.id).where(Space.visibility != Visibility.LOCAL)
    if actor.kind == ActorKind.GROUP:
        spaces = spaces.where(Space.actor_id == actor.id)
    elif actor.kind == ActorKind.PERSON:
        spaces = spaces.where(
            or_(
                Space.id.in_(select(Membership.space_id).where(Membership.actor_id == actor.id)),
                Space.id.in_(select(Follow.space_id).where(Follow.actor_id == actor.id)),
            )
        )
    private = select(Space.id).where(
        Space.actor_id == actor.id, Space.visibility != Visibility.PUBLIC
    )
    linked = select(Peer.actor_iri).where(Peer.state.in_((PeerState.ALLOWED, PeerState.LIMITED)))
    mirrors = select(Subscriber.actor_iri).where(
        Subscriber.space_id.in_(spaces), Subscriber.state == "active"
    )
    known = or_(
        Actor.id.in_(select(Space.actor_id).where(Space.id.in_(spaces))),
        Actor.id.in_(select(Follow.actor_id).where(Follow.space_id.in_(spaces))),
        Actor.id.in_(select(Membership.actor_id).where(Membership.space_id.in_(spaces))),
        Actor.iri.in_(mirrors),
    )
    if session.scalar(private) is None:
        known = or_(known, Actor.iri.in_(linked))
    inbox = func.coalesce(func.nullif(Actor.shared_inbox, ""), Actor.inbox)
    blocked = select(Peer.host).where(Peer.state == PeerState.BLOCKED)
    rows = select(inbox).where(
        known, Actor.local.is_(False), Actor.deleted_at.is_(None), Actor.host.not_in(blocked)
    )
    return set(session.scalars(rows.distinct()))


# The log of a project


def log_key(session: Session, space: Space, key_of: KeyOf, at: datetime) -> SigningKey:
    """The key for the next entry of a project's log.

    Where the project has had new keys since the last one, the change is written first, under the
    old key. The caller's transaction holds the lock that `log.append` wants.
    """
    session.execute(select(Space.id).where(Space.id == space.id).with_for_update())
    newest = key_of(space.actor, "ed25519")
    history = KeyHistory.of(session, space)
    if history.current in ("", newest.key_id):
        return newest
    old = key_of(space.actor, "ed25519", history.current)
    ended = session.scalar(select(Key.expires_at).where(Key.key_id == old.key_id))
    written = min(ended or at, at)
    change = _change(session, space, newest, written)
    append(session, space, change, trust="host", key=old, at=written)
    current = session.scalars(
        select(Key).where(
            Key.actor_id == space.actor_id, Key.revoked_at.is_(None), Key.expires_at.is_(None)
        )
    )
    _forget_private(session, space.actor, current)
    return newest


def _change(session: Session, space: Space, newest: SigningKey, at: datetime) -> Json:
    keys = session.scalars(select(Key).where(Key.actor_id == space.actor_id)).all()
    listed = identity.keys_of(space.actor, keys)
    public = space.visibility == Visibility.PUBLIC
    return {
        "@context": CONTEXT,
        "id": change_iri(space.iri, number_of(newest.key_id)),
        "type": "Update",
        "actor": space.iri,
        "published": stamp(at),
        "to": [PUBLIC] if public else [f"{space.iri}/members"],
        "cc": [space.iri, f"{space.iri}/followers"] if public else [space.iri],
        "audience": space.iri,
        "object": space_object(space) | listed,
    }


def log_new_keys(session: Session, actor_id: int, key_of: KeyOf, at: datetime) -> None:
    """Job: write a project's change of keys into its log, if it has one and may be told of."""
    space = session.scalar(select(Space).where(Space.actor_id == actor_id, Space.local))
    if space is not None and space.federates:
        log_key(session, space, key_of, at)
