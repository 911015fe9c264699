"""What a suspended person of here still had to send is not sent, and others hear of it (R36)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from sqlalchemy import select, update
from sqlalchemy.orm import Session

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
        """Job: cancel what waits in the name of somebody who is suspended still; then send who
        knows them their description as it is now, with `suspended` or without (1.3)."""
        for payload in payloads:
            actor = session.get(Actor, payload["actor"])
            if actor is None or actor.deleted_at or not actor.local:
                continue
            if actor.suspended_at is not None:
                _drop_letters(session, actor)
            now, key = self._federation.now(), self._federation.signing_key(actor, "ed25519")
            iri = f"{actor.iri}#described-{int(now.timestamp() * 1000)}"
            describe_again(session, actor, iri, key, now)


def _drop_letters(session: Session, actor: Actor) -> None:
    theirs = select(OutboxItem.id).where(OutboxItem.actor_id == actor.id)
    session.execute(
        update(Delivery)
        .where(Delivery.outbox_id.in_(theirs), Delivery.state == "waiting")
        .values(state="cancelled", error="suspended here", done_at=actor.suspended_at)
        .execution_options(synchronize_session=False)
    )
