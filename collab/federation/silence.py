"""What a suspended person of here still had to send is not sent, and others hear of it (R36)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sqlalchemy import select
from sqlalchemy.orm import Session

from collab.federation.halted import SUSPENDED, halt, release
from collab.federation.models import Delivery, OutboxItem
from collab.federation.rotation import describe_again
from collab.people.models import Actor
from collab.spaces.tool import Json

if TYPE_CHECKING:
    from collab.federation.house import Federation


class Silence:
    """The job after a suspension, and after it is lifted."""

    def __init__(self, federation: Federation) -> None:
        self._federation = federation

    def settle(self, session: Session, payloads: Sequence[Json]) -> None:
        """Job: halt what waits in the name of somebody who is suspended still, or let it go on;
        then send who knows them their description as it is now, with `suspended` or without (1.3).
        """
        for payload in payloads:
            actor = session.get(Actor, payload["actor"])
            if actor is None or actor.deleted_at or not actor.local:
                continue
            theirs = select(OutboxItem.id).where(OutboxItem.actor_id == actor.id)
            if actor.suspended_at is not None:
                halt(session, Delivery.outbox_id.in_(theirs), SUSPENDED, actor.suspended_at)
            else:
                release(session, Delivery.outbox_id.in_(theirs), SUSPENDED)
            now, key = self._federation.now(), self._federation.signing_key(actor, "ed25519")
            iri = f"{actor.iri}#described-{int(now.timestamp() * 1000)}"
            describe_again(session, actor, iri, key, now)
