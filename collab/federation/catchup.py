"""Fetching what a mirror missed: at start, every ten minutes, and when an entry skips ahead."""

from __future__ import annotations

import logging
from datetime import timedelta

from sqlalchemy import select, update

from collab.core.db import writing
from collab.core.one_line import one_line
from collab.federation.chain import BrokenLog
from collab.federation.equivocation import look_back
from collab.federation.fetch import Unfetched, fetch_document
from collab.federation.house import Federation
from collab.federation.mirror import CHECK_EVERY, Json
from collab.federation.models import Mirror
from collab.federation.origins import Origins
from collab.federation.peerhealth import answered, failed, has_decided, refused, resting
from collab.federation.repair import EVERY, repair, retry
from collab.federation.replica import compare, take_page
from collab.spaces.models import Space
from collab.web.extensions import db

log = logging.getLogger(__name__)
PAGE = 200
MOST_PAGES = 500
RETRY = timedelta(seconds=30)
FORBIDDEN = 403


class CatchUp:
    """The service that keeps every mirror complete (FEDERATION.md 4.4)."""

    def __init__(self, federation: Federation) -> None:
        self._federation = federation
        self._started = False
        self._origins = Origins(federation)

    def step(self) -> int:
        """Bring every mirror that is due up to date. Returns how many were looked at."""
        with self._federation.runtime.app.app_context():
            if not self._started:
                self._started = True
                self._all_due()
            due = self._due()
            for space_id in due:
                self._catch_up(space_id)
            return len(due) + retry(self._federation) + self._origins.step()

    def _all_due(self) -> None:
        with writing(db.session()) as session:
            session.execute(
                update(Mirror)
                .where(Mirror.state == "active")
                .values(next_check_at=self._federation.now())
            )

    def _due(self) -> list[int]:
        session, now = db.session(), self._federation.now()
        rows = session.scalars(
            select(Mirror)
            .where(Mirror.state == "active", Mirror.next_check_at <= now)
            .order_by(Mirror.next_check_at)
        ).all()
        due = [
            row.space_id
            for row in rows
            if not resting(session, session.get_one(Space, row.space_id).host, now)
        ]
        session.commit()
        return due

    def _catch_up(self, space_id: int) -> None:
        session = db.session()
        space = session.get_one(Space, space_id)
        host = space.host
        session.commit()
        try:
            self._pull(space_id)
        except Unfetched as away:
            log.info("catch-up waits space=%d %s", space_id, away)
            if has_decided(away.status):
                self._turned_away(space_id, host, away)
                return
            with writing(session):
                failed(session, host, self._federation.now(), str(away))
            self._again(space_id, str(away), RETRY)
        except BrokenLog as broken:
            self._doubted(space_id, broken)

    def _turned_away(self, space_id: int, host: str, away: Unfetched) -> None:
        """The host is well and gives us nothing more of this: it blocked us (403), or ended it."""
        session, now = db.session(), self._federation.now()
        with writing(session):
            (refused if away.status == FORBIDDEN else answered)(session, host, now)
            session.get_one(Mirror, space_id).turned_away = away.status
        self._again(space_id, str(away), CHECK_EVERY)

    def _pull(self, space_id: int) -> None:
        session, federation = db.session(), self._federation
        signer = federation.signer(federation.instance_actor(), "ed25519")
        for _ in range(MOST_PAGES):
            mirror = session.get_one(Mirror, space_id)
            log_iri, seq, epoch = mirror.log_iri, mirror.seq, mirror.epoch
            session.commit()
            url = f"{log_iri}?epoch={epoch}&after={seq}&limit={PAGE}"
            page = fetch_document(
                federation.transport,
                url,
                sign=signer,
                now=federation.now(),
                admits=federation.may_lead_to,
                deadline=30.0,
            )
            reached = take_page(federation, space_id, page)
            if "next" not in page or reached == seq:
                self._done(space_id, page)
                self._mend(space_id)
                return

    def _done(self, space_id: int, page: Json) -> None:
        """Everything the host had is here: compare what both now hold."""
        now, told = self._federation.now(), page.get("log")
        with writing(db.session()) as session:
            space, mirror = session.get_one(Space, space_id), session.get_one(Mirror, space_id)
            if isinstance(told, dict):
                compare(session, space, mirror, told)
            mirror.checked_at, mirror.next_check_at = now, now + CHECK_EVERY
            answered(session, space.host, now)
        self._federation.runtime.pulse.beat()

    def _doubted(self, space_id: int, broken: BrokenLog) -> None:
        """The log did not pass: is it only damaged, or was it rewritten (R60)?"""
        try:
            look_back(self._federation, space_id)
        except BrokenLog:
            return
        self._again(space_id, str(broken), CHECK_EVERY)

    def _mend(self, space_id: int) -> None:
        """Repair a copy that differs from its host's state, once an hour at most (4.5)."""
        session, now = db.session(), self._federation.now()
        mirror = session.get_one(Mirror, space_id)
        differs = mirror.seq == mirror.remote_seq and mirror.remote_digest != mirror.state_digest
        lately = mirror.repaired_at is not None and now - mirror.repaired_at < EVERY
        if not differs and mirror.unrepaired:
            with writing(session):
                mirror.unrepaired = []
        session.commit()
        if differs and not lately:
            repair(self._federation, space_id)

    def _again(self, space_id: int, reason: str, wait: timedelta) -> None:
        now = self._federation.now()
        with writing(db.session()) as session:
            mirror = session.get_one(Mirror, space_id)
            mirror.last_error, mirror.checked_at = one_line(reason, 500), now
            mirror.next_check_at = now + wait
