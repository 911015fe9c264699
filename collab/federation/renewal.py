"""Grants last a year; the host says them anew before they end (FEDERATION.md 1.4)."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select
from ulid import ULID

from collab.federation.grants import LASTS
from collab.federation.house import Federation
from collab.people.models import Actor
from collab.spaces.membership import renew_grant
from collab.spaces.models import Membership, MembershipState, Space

BEFORE = timedelta(days=30)
AT_ONCE = 100
EVERY = 86_400


class Renewal:
    """The service that looks, once a day, which Grants end within a month."""

    def __init__(self, federation: Federation) -> None:
        self._federation = federation

    def step(self) -> int:
        """Renew what is due, each in a transaction of its own. Returns how many were."""
        runtime = self._federation.runtime
        with runtime.app.app_context():
            if not self._federation.budget.spend("renew grants", 1, EVERY - 60):
                return 0
            due = self._due()
            for membership_id, group in due:
                with runtime.work(group) as work:
                    row = work.session.get_one(Membership, membership_id)
                    renew_grant(work, row.space, row)
            return len(due)

    def _due(self) -> list[tuple[int, Actor]]:
        before = self._federation.now() - LASTS + BEFORE
        rows = self._federation.session.execute(
            select(Membership.id, Membership.grant_iri, Space)
            .join(Space, Space.id == Membership.space_id)
            .join(Actor, Actor.id == Membership.actor_id)
            .where(
                Space.local,
                Space.deleted_at.is_(None),
                Membership.state == MembershipState.ACTIVE,
                Membership.grant_iri.is_not(None),
                Actor.local.is_(False),
            )
            .order_by(Membership.id)
        ).all()
        late = [(row.id, row.Space.actor) for row in rows if _given_at(row.grant_iri) < before]
        self._federation.session.commit()
        return late[:AT_ONCE]


def _given_at(grant_iri: str) -> datetime:
    """When a Grant was first said: its id is a ULID, which begins with the time."""
    return ULID.from_str(grant_iri.rpartition("/")[2].upper()).datetime
