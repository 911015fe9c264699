"""Communities of elsewhere that keep no log: read along, in part, while somebody here follows."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import datetime, timedelta

from sqlalchemy import select

from collab.core.db import writing
from collab.core.errors import Forbidden, Problem
from collab.core.i18n import N_
from collab.core.work import Work
from collab.federation import speaking, vocab, voices
from collab.federation.house import Federation
from collab.federation.inbox import Case, on
from collab.federation.models import PARTIAL, Delivery, Mirror, OutboxItem
from collab.federation.peerhealth import resting
from collab.federation.relayed import Purse, believable, community
from collab.federation.signatures.message import is_activity_type
from collab.federation.strictjson import Malformed, parse
from collab.federation.transport import Unreachable
from collab.people.models import Actor
from collab.people.queries import actor_by_iri
from collab.spaces import items
from collab.spaces.exclusions import excluded_from
from collab.spaces.mirrors import settle_membership
from collab.spaces.models import Follow, Item, ItemState, Membership, MembershipState, Space
from collab.spaces.tool import Json, Tools
from collab.web.extensions import db

log = logging.getLogger(__name__)
PAGES, ON_PAGE = 10, 100
AGAIN = timedelta(hours=6)
"""After how long a community's latest is looked through once more."""
NOT_ITS_OWN = N_("Ce texte n’est pas de cette communauté.")


@on("Announce")
def announced(case: Case) -> None:
    """A community passes something on. `object` holds the acts that were found believable."""
    space = community(case.work.session, case.actor.iri)
    acts = case.activity.get("object")
    if space is not None and isinstance(acts, list):
        carry_out(case.work, case.federation.runtime.tools, space, acts)


def carry_out(work: Work, tools: Tools, space: Space, acts: list[Json]) -> None:
    """Do in our copy of a community what it passed on; what is refused is left out."""
    group = work.actor
    for act in acts:
        try:
            with work.attempt():
                _act(work, tools, space, act)
        except Problem as problem:
            log.info("passed on by %s, without effect: %s", space.iri, problem)
        work.acting(group, work.cause)


def _act(work: Work, tools: Tools, space: Space, act: Json) -> None:
    if act["type"] == "Echo":
        _confirmed(work, space, act["object"])
        return
    if act["actor"] == space.iri:
        speaking.by_project(work, tools, space, act)
        return
    author = actor_by_iri(work.session, act["actor"])
    if author is None or author.local:
        raise Forbidden(NOT_ITS_OWN)
    if not _is_of(work, space, act):
        raise Forbidden(NOT_ITS_OWN)
    work.acting(author, work.cause)
    voices.apply(work, tools, space, act)


def _confirmed(work: Work, space: Space, iri: str) -> None:
    item = work.session.scalar(select(Item).where(Item.iri == iri, Item.space_id == space.id))
    if item is not None and item.state == ItemState.PENDING:
        items.confirm(work, item)


def _is_of(work: Work, space: Space, act: Json) -> bool:
    """R15: a community speaks for what names it, or answers something in it."""
    obj = act.get("object")
    if not isinstance(obj, dict):
        obj = {"id": obj}
    about = [vocab.iri(obj, name) for name in ("id", "inReplyTo", "object")]
    held = select(Item.id).where(Item.iri.in_(about), Item.space_id == space.id)
    if work.session.scalar(held.limit(1)) is not None:
        return True
    named = {iri for name in ("audience", "to", "cc") for iri in vocab.iris(obj, name)}
    return space.iri in named


class ReadAlong:
    """The service that looks through what communities have of before, and keeps places true."""

    def __init__(self, federation: Federation) -> None:
        self._federation = federation

    def step(self) -> int:
        """Look after every community that is due. Returns how many were looked through."""
        with self._federation.runtime.app.app_context():
            session, now = db.session(), self._federation.now()
            rows = session.scalars(select(Mirror).where(Mirror.state == PARTIAL)).all()
            due = [
                row.space_id
                for row in rows
                if row.next_check_at
                and row.next_check_at <= now
                and not resting(session, session.get_one(Space, row.space_id).host, now)
            ]
            everyone = [row.space_id for row in rows]
            session.commit()
            for space_id in everyone:
                self._settle(space_id)
            for space_id in due:
                self._look_through(space_id)
            return len(due)

    def _settle(self, space_id: int) -> None:
        """Who follows takes part; what the community's host took stands, what it refused falls."""
        session = db.session()
        moved = list(_moved(session.get_one(Space, space_id), self._federation.now()))
        answered = _answered(space_id)
        session.commit()
        if not moved and not answered:
            return
        group = session.get_one(Space, space_id).actor
        with self._federation.runtime.work(group, mirrored=True) as work:
            space = work.session.get_one(Space, space_id)
            for actor_id, state in moved:
                member = work.session.get_one(Actor, actor_id)
                settle_membership(work, space, member, state=state)
            for item_id, reason in answered:
                item = work.session.get_one(Item, item_id)
                if reason is None:
                    items.confirm(work, item)
                else:
                    items.refuse(work, item, reason)

    def _look_through(self, space_id: int) -> None:
        federation = self._federation
        session = db.session()
        group = session.get_one(Space, space_id).actor
        iri, outbox = group.iri, group.outbox
        with writing(session):
            row = session.get_one(Mirror, space_id)
            row.checked_at = federation.now()
            row.next_check_at = federation.now() + AGAIN
        purse = Purse()
        for thing in reversed(list(self._collection(outbox, purse))):
            inner = thing.get("object") if isinstance(thing, dict) else thing
            acts = believable(federation, iri, inner, purse)
            self._take(space_id, acts)
            for answer in self._answers(acts, purse):
                self._take(space_id, self._answer(iri, answer, purse))

    def _answer(self, group_iri: str, thing: object, purse: Purse) -> list[Json]:
        iri = vocab.iri({"object": thing}, "object")
        if not iri or db.session().scalar(select(Item.id).where(Item.iri == iri)) is not None:
            return []
        return believable(self._federation, group_iri, thing, purse)

    def _answers(self, acts: list[Json], purse: Purse) -> Iterator[object]:
        """What stands under a subject: its `context`, or its `replies`, as it names them."""
        for act in acts[-1:]:
            obj = act.get("object")
            if not isinstance(obj, dict):
                continue
            for name in ("context", "replies"):
                yield from self._collection(vocab.iri(obj, name), purse)

    def _take(self, space_id: int, acts: list[Json]) -> None:
        if not acts:
            return
        federation = self._federation
        federation.let_go()
        group = db.session().get_one(Space, space_id).actor
        with federation.runtime.work(group, mirrored=True) as work:
            space = work.session.get_one(Space, space_id)
            carry_out(work, federation.runtime.tools, space, acts)

    def _collection(self, url: str, purse: Purse) -> Iterator[object]:
        """The items of a collection, PAGES of ON_PAGE at most (R29)."""
        for _ in range(PAGES):
            page = self._page(url, purse) if url else {}
            listed = page.get("orderedItems", page.get("items"))
            yield from (listed if isinstance(listed, list) else [])[:ON_PAGE]
            url = vocab.iri(page, "next") or vocab.iri(page, "first")

    def _page(self, url: str, purse: Purse) -> Json:
        """One page; collections often have no id, so their address alone is believed."""
        federation = self._federation
        try:
            if not purse.spend() or not federation.admits(federation.host_of(url)):
                return {}
            signer = federation.signer(federation.instance_actor())
            federation.let_go()
            answer = signer.get(url)
            kind = answer.headers.get("content-type", "")
            readable = answer.status == 200 and is_activity_type(kind)
            return parse(answer.body) if readable else {}
        except (Unreachable, Malformed, ValueError):
            return {}


def _moved(space: Space, at: datetime) -> Iterator[tuple[int, MembershipState]]:
    """Followers of here who do not take part yet, and who takes part and follows no more."""
    session = db.session()
    follows = select(Follow).where(Follow.space_id == space.id)
    here = {row.actor_id: row for row in session.scalars(follows) if row.actor.local}
    taking = select(Membership).where(Membership.space_id == space.id)
    part = {row.actor_id: row.state for row in session.scalars(taking) if row.actor.local}
    barred = {row.actor_id for row in excluded_from(session, space, at)}
    for actor_id, row in here.items():
        held = actor_id in barred or part.get(actor_id) == MembershipState.ACTIVE
        if row.accepted_at and not held:
            yield actor_id, MembershipState.ACTIVE
    for actor_id, state in part.items():
        if state == MembershipState.ACTIVE and actor_id not in here:
            yield actor_id, MembershipState.LEFT


def _answered(space_id: int) -> list[tuple[int, str | None]]:
    """Words of ours that the community's host has taken (None), or refused, and why."""
    rows = db.session().execute(
        select(Item.id, Delivery.state, Delivery.error)
        .join(OutboxItem, OutboxItem.activity_id == Item.iri + "#create")
        .join(Delivery, Delivery.outbox_id == OutboxItem.id)
        .where(
            Item.space_id == space_id,
            Item.state == ItemState.PENDING,
            Delivery.state.in_(("done", "refused")),
        )
    )
    return [(row.id, None if row.state == "done" else row.error) for row in rows]
