"""Who may read which of our documents (FEDERATION.md R32 to R35)."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from collab.core.errors import Missing
from collab.federation.gate import Sender
from collab.federation.models import Subscriber
from collab.federation.signatures import Refused
from collab.people.actors import find_actor
from collab.people.models import Actor, ActorKind, Key
from collab.people.queries import actor_by_iri
from collab.spaces.models import Membership, MembershipState, Role, Space, Visibility
from collab.spaces.policy import host_has_member, host_may_read, role_of

if TYPE_CHECKING:
    from collab.federation.house import Federation

Json = dict[str, Any]


@dataclass(frozen=True)
class Shown:
    """A document for a status. `private` when it was shown because of who asked (R34)."""

    body: Json
    status: int = 200
    private: bool = False
    etag: str = ""
    """What tells this answer from others, where its bytes are not asked."""


@dataclass(frozen=True)
class Asker:
    """Who asks: `sender()` is the verified signer, None for an unsigned request.

    It is called only where the answer depends on it, so that a public document costs no look-up
    of somebody's key and two instances never wait for each other.
    """

    federation: Federation
    sender: Callable[[], Sender | None]
    page: int = 0
    """Which page of a collection is asked for; 0: the collection itself."""

    def may_read(self, space: Space) -> bool:
        """Whether the asker may read everything in `space` (R35)."""
        if space.deleted_at or space.visibility == Visibility.LOCAL:
            return False
        public = space.visibility == Visibility.PUBLIC
        if public and self.federation.mode() == "open":
            return True
        sender = self.sender()
        if sender is None or not self.federation.admits(sender.host):
            return False
        return public or self._entitled(space, sender)

    def is_let_in(self) -> bool:
        """Whether the asker signed, of a host that we speak with; a bad signature is none."""
        try:
            sender = self.sender()
        except Refused:
            return False
        return sender is not None and self.federation.admits(sender.host)

    def belongs(self, space: Space) -> bool:
        """Whether the asker is of the project: a member, or a host with one or with a copy."""
        sender = self.sender()
        if sender is None or not self.federation.admits(sender.host):
            return False
        return self._entitled(space, sender, inside=True)

    def is_invited(self, space: Space) -> bool:
        """Whether the asker is somebody who was invited by name, or their instance."""
        invited = self.federation.session.scalars(
            select(Actor.iri)
            .join(Membership, Membership.actor_id == Actor.id)
            .where(Membership.space_id == space.id, Membership.state == MembershipState.INVITED)
        ).all()
        return bool(invited) and self.is_one_of(invited)

    def is_one_of(self, named: Collection[object]) -> bool:
        """Whether the asker is one of those, or the instance of one of them."""
        sender = self.sender()
        if sender is None or not self.federation.admits(sender.host):
            return False
        asking = actor_by_iri(self.federation.session, sender.actor_id)
        if asking is None or asking.kind != ActorKind.APPLICATION:
            return sender.actor_id in named
        iris = [one for one in named if isinstance(one, str) and one.startswith("http")]
        return sender.host in {self.federation.host_of(iri) for iri in iris}

    def _entitled(self, space: Space, sender: Sender, *, inside: bool = False) -> bool:
        """A host that has a member here, by its own actor; or the member themselves.

        `inside`: what is not shown to everybody of a public project either.
        """
        session = self.federation.session
        actor = actor_by_iri(session, sender.actor_id)
        if actor is None or not host_may_read(session, space, sender.host):
            return False
        if actor.kind != ActorKind.APPLICATION:
            silent = actor.suspended_at or actor.deleted_at
            return not silent and role_of(session, space, actor.id) >= Role.READER
        return not inside or host_takes_part(session, space, sender.host)


def host_takes_part(session: Session, space: Space, host: str) -> bool:
    """Whether a host has a member in a project, or holds a copy of it."""
    copy = select(Subscriber.id).where(
        Subscriber.space_id == space.id,
        Subscriber.host == host,
        Subscriber.reach == "mirror",
        Subscriber.state == "active",
    )
    return session.scalar(copy.limit(1)) is not None or host_has_member(session, space, host)


def own_actor(federation: Federation, name: str, kind: ActorKind) -> Actor:
    """The actor of ours with that name. Raises Missing."""
    actor = find_actor(federation.session, name, federation.host)
    if actor is None or not actor.local or actor.kind != kind or actor.deleted_at:
        raise Missing
    return actor


def own_space(federation: Federation, slug: str) -> Space:
    """The project of ours with that slug that may federate. Raises Missing."""
    space = federation.session.scalar(
        select(Space).where(Space.slug == slug.lower(), Space.host == federation.host)
    )
    if space is None or space.deleted_at or not space.federates:
        raise Missing
    return space


def readable(asker: Asker, slug: str) -> Space:
    """The same, when the asker may read it. Raises Missing."""
    space = own_space(asker.federation, slug)
    if not asker.may_read(space):
        raise Missing
    return space


def keys_of(federation: Federation, actor: Actor) -> list[Key]:
    """Every key of an actor."""
    return list(federation.session.scalars(select(Key).where(Key.actor_id == actor.id)))
