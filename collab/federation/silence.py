"""What a suspended person of here still had to send is not sent (R36)."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from collab.federation.models import Delivery, OutboxItem
from collab.people.models import Actor
from collab.spaces.tool import Json


def drop_letters(session: Session, payloads: Sequence[Json]) -> None:
    """Job: cancel what waits in the name of somebody, if they are suspended still."""
    for payload in payloads:
        actor = session.get(Actor, payload["actor"])
        if actor is None or actor.suspended_at is None:
            continue
        theirs = select(OutboxItem.id).where(OutboxItem.actor_id == actor.id)
        session.execute(
            update(Delivery)
            .where(Delivery.outbox_id.in_(theirs), Delivery.state == "waiting")
            .values(state="cancelled", error="suspended here", done_at=actor.suspended_at)
            .execution_options(synchronize_session=False)
        )
