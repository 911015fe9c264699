"""Reports between instances: `Flag`, signed by the instance actor (FEDERATION.md 1.6 i, R37)."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from collab.core.errors import TooMany
from collab.core.i18n import N_
from collab.core.work import new_uid
from collab.federation.actors import words, words_of_html
from collab.federation.house import Federation
from collab.federation.inbox import Case, id_of, on
from collab.federation.log import CONTEXT, stamp
from collab.federation.sending import send
from collab.people.models import Actor, ActorKind
from collab.people.queries import actor_by_iri
from collab.spaces.models import Item, Report, Space
from collab.spaces.policy import host_may_read
from collab.spaces.reports import REASONS
from collab.spaces.tool import Json

MAX_CONTENT = 5000
MAX_NAMED = 20
"""Things that one Flag may name; more are not looked at."""
AN_HOUR = 30
"""Reports that one host may send in an hour (R51)."""
MOST_OPEN = 200
"""Reports of one host that wait for an answer at a time (R53)."""


class Flags:
    """Tells the instances of a project and of an author that something is not right there."""

    def __init__(self, federation: Federation) -> None:
        self._federation = federation

    def tell(self, session: Session, payloads: Sequence[Json]) -> None:
        """Job: send one report of here, in our own name; who made it does not leave."""
        for payload in payloads:
            row = session.get(Report, payload["report"])
            if row is not None and row.iri is None:
                self._tell(session, row)

    def _tell(self, session: Session, row: Report) -> None:
        ours = self._federation.instance_actor()
        inboxes = [
            actor.inbox
            for actor in self._concerned(row)
            if not actor.local and self._federation.admits(actor.host)
        ]
        if not inboxes:
            return
        row.iri = f"{self._federation.origin}/a/{new_uid()}"
        at = self._federation.now()
        send(session, ours, self._flag(row, ours, at=stamp(at)), inboxes, at)

    def _concerned(self, row: Report) -> list[Actor]:
        """The project, when it lives elsewhere; and the author, when on yet another instance."""
        group = row.space.actor if row.space is not None else None
        if group is None or group.local:
            return [row.author]
        return [group] if row.author.host == group.host else [group, row.author]

    def _flag(self, row: Report, ours: Actor, *, at: str) -> Json:
        target = row.space.iri if row.space is not None else None
        remote = row.space is not None and not row.space.local
        said = f"{REASONS.get(row.reason, REASONS['other'])}\n{row.words}".strip()[:MAX_CONTENT]
        told: Json = {
            "@context": CONTEXT,
            "id": row.iri,
            "type": "Flag",
            "actor": ours.iri,
            "to": [target if remote else row.author.iri],
            "cc": [],
            "object": [row.author.iri, row.item_iri],
            "content": said,
            "summary": said.partition("\n")[0],
            "published": at,
        }
        return told | ({"target": target} if target else {})


@on("Flag")
def flag(case: Case) -> None:
    """Another instance reports something of here: only what we hold, and never who it was (R37).

    What is not known, and what that host may not read, is answered like what is (R33).
    """
    host = case.actor.host
    case.federation.require_peer(host)
    if not case.federation.budget.spend(f"flag {host}", AN_HOUR, 3600):
        raise TooMany(N_("Trop de signalements de cette instance. Réessayez plus tard."))
    session = case.work.session
    waiting = select(func.count(Report.id)).where(Report.from_host == host, Report.state == "open")
    if (session.scalar(waiting) or 0) >= MOST_OPEN:
        return
    # Mastodon says why in `content`, PieFed and Lemmy in `summary`.
    content = case.activity.get("content") or case.activity.get("summary")
    said = words_of_html(content, MAX_CONTENT) or words(content, MAX_CONTENT)
    iris = _named(case.activity.get("object"))
    items = _items(session, iris, host)
    for item in items:
        _take(case, item.author, item, said)
    if not items:
        whom = _account(session, iris, host)
        if whom is not None:
            _take(case, whom, None, said)


def _named(value: object) -> list[str]:
    many = value if isinstance(value, list) else [value]
    return [iri for one in many[:MAX_NAMED] if (iri := id_of(one))]


def _items(session: Session, iris: Sequence[str], host: str) -> list[Item]:
    """The texts of projects of ours, or by people of ours, that the host may read."""
    found = session.scalars(
        select(Item).where(Item.iri.in_(iris), Item.withdrawn_at.is_(None)).order_by(Item.id)
    )
    return [item for item in found if _concerns_us(session, item, host)]


def _concerns_us(session: Session, item: Item, host: str) -> bool:
    space = item.space
    if not space.local:  # the project's own host, or one that reads what is public there
        return item.author.local and (space.host == host or _public(space))
    return host_may_read(session, space, host)


def _public(space: Space) -> bool:
    return space.visibility == "public" and space.deleted_at is None


def _account(session: Session, iris: Sequence[str], host: str) -> Actor | None:
    """The first of them that is a person of ours, or a project of ours that the host may read.

    Such a report is for those who tend the instance: a project's own people are what it is about.
    """
    for iri in iris:
        actor = actor_by_iri(session, iri)
        if actor is None or not actor.local:
            continue
        space = session.scalar(select(Space).where(Space.actor_id == actor.id))
        if actor.kind == ActorKind.PERSON or (space and host_may_read(session, space, host)):
            return actor
    return None


def _take(case: Case, author: Actor, item: Item | None, said: str) -> None:
    """Write one report down, unless that host has one about the same thing open already."""
    session, host = case.work.session, case.actor.host
    iri = item.iri if item is not None else author.iri
    known = select(Report.id).where(
        Report.from_host == host, Report.item_iri == iri, Report.state == "open"
    )
    if session.scalar(known.limit(1)) is not None:
        return
    session.add(
        Report(
            uid=new_uid(),
            iri=str(case.activity["id"]),
            space_id=item.space_id if item is not None else None,
            item_id=item.id if item is not None else None,
            item_iri=iri,
            author_id=author.id,
            from_host=host,
            words=said,
            created_at=case.work.now,
        )
    )
