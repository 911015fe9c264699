"""The federation follower: from a stored event to the project log, or to the project's host.

One job per event, written with the event itself; so nothing that was saved is ever not told.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from collab.core.events import Event, EventRow
from collab.federation import candidates, grants, receipts
from collab.federation.activities import VOICES, tell, to_host
from collab.federation.facts import Facts
from collab.federation.fanout import letters
from collab.federation.hosts import same_origin
from collab.federation.log import CONTEXT, append, stamp
from collab.federation.mirror import start_mirror
from collab.federation.models import InboxItem, LogEntry
from collab.federation.proofs import add_proof
from collab.federation.reach import answered_in, reach_of
from collab.federation.rotation import KeyOf, audience, log_key
from collab.federation.sending import SPREAD, send, wait_again
from collab.federation.strictjson import parse
from collab.people.models import Actor
from collab.spaces import events as happened
from collab.spaces.models import Follow, Item, ItemState, Membership, Space, Visibility
from collab.spaces.tool import Json, Tools

log = logging.getLogger(__name__)
FOLLOWER = "federate"
TOGETHER = 8
"""Events told in one transaction: whoever wants to write waits for no more."""
OF_MEMBERS = (
    happened.MemberInvited,
    happened.MemberAdmitted,
    happened.MemberRefused,
    happened.MemberRemoved,
    happened.MemberLeft,
    happened.MemberExcluded,
    happened.MemberReadmitted,
    happened.RoleChanged,
    happened.GrantRenewed,
)
"""What the person concerned hears directly, whether or not their host holds a copy."""


PRESENCE = (happened.ItemWithdrawn, happened.ItemErased, happened.ItemRestored)


def told_already(follower: str, event: Event, *, mirrored: bool) -> bool:
    """What a project's host has decided needs not be told to it again; but who becomes a member
    there brings a copy here, and words that it brings back may have been changed here."""
    heard = isinstance(event, happened.MemberAdmitted | happened.ItemRestored)
    return follower == FOLLOWER and mirrored and not heard


class Outbox:
    """Tells other instances what happened here. `key_of` gives the keys of our own actors,
    `admits` says whether we speak with a host."""

    def __init__(self, tools: Tools, key_of: KeyOf, admits: Callable[[str], bool]) -> None:
        self._tools = tools
        self._key_of = key_of
        self._admits = admits

    def federate(self, session: Session, payloads: Sequence[Json]) -> None:
        """Job: log one event of a project of ours, or tell the host of a remote one."""
        for payload in payloads:
            row = session.get_one(EventRow, payload["event"])
            space = session.get_one(Space, row.space_id)
            actor = session.get(Actor, row.actor_id)
            if actor is None or not space.federates:
                continue
            facts = Facts(session, self._tools, row, row.load(), space, actor)
            self._tell(facts)
            for earlier in _untold(facts):
                self._tell(earlier)

    def _tell(self, facts: Facts) -> None:
        if facts.space.local:
            self._log(facts)
        else:
            self._tell_host(facts)

    def _log(self, facts: Facts) -> None:
        session, row, space = facts.session, facts.row, facts.space
        done = select(LogEntry.seq).where(LogEntry.event_id == row.id)
        if session.scalar(done) is not None:
            return
        said = self._said_by_remote(facts)
        activity, trust = said or (self._own(facts), "host")
        if activity is not None:
            if said is None and activity["actor"] != space.iri:
                trust = "proof"
            entry = append(
                session, space, activity, trust=trust, at=row.at, event_id=row.id,
                key=log_key(session, space, self._key_of, row.at),
            )  # fmt: skip
            receipts.ask(session, space, activity, row.at)
            self._spread(facts, entry, activity)
            if isinstance(facts.event, happened.SpaceMoved):  # also to those who hold no copy
                send(session, space.actor, activity, audience(session, space.actor), row.at)
        self._answer(facts, activity)
        for told, inboxes in candidates.news(facts):
            send(session, space.actor, self._proven(facts, told), inboxes, row.at)

    def _spread(self, facts: Facts, entry: LogEntry, told: Json) -> None:
        """Tell those who follow and hold no copy (FEDERATION.md 1.1)."""
        reach = reach_of(facts.session, facts.space, self._admits)
        if facts.actor.local and type(facts.event) in VOICES and "item_id" in vars(facts.event):
            item = facts.item()
            obj = self._tools.kind(item).mapping.to_object(facts.session, item)
            reach = answered_in(facts.session, facts.space, reach, obj, self._admits)
        for letter in letters(facts, entry, told, reach):
            send(
                facts.session, letter.speaker, letter.activity, letter.inboxes, facts.row.at,
                ordering_key=letter.key, keep=SPREAD,
            )  # fmt: skip

    def _said_by_remote(self, facts: Facts) -> tuple[Json, str] | None:
        """The remote author's own activity, word for word, when this event repeats one."""
        if facts.row.cause is None or type(facts.event) not in VOICES:
            return None
        item = facts.item()
        if self._tools.kind(item).mapping.ownership == "commons":
            return None
        if type(facts.event) in PRESENCE and item.author_id != facts.actor.id:
            return None  # a facilitator of elsewhere: it is the project that takes it away
        came = facts.session.scalar(
            select(InboxItem).where(InboxItem.activity_id == facts.row.cause)
        )
        if came is None or not came.raw:  # or its words were erased since
            return None
        activity = parse(came.raw)
        return activity, "proof" if "proof" in activity else "http"

    def _own(self, facts: Facts) -> Json | None:
        if _gone_meanwhile(facts):
            return None
        activity = tell(facts)
        return self._proven(facts, activity) if activity else None

    def _proven(self, facts: Facts, activity: Json) -> Json:
        """The activity with the proof of whoever speaks in it (FEDERATION.md 2.5)."""
        speaker = facts.space.actor if activity["actor"] == facts.space.iri else facts.actor
        if not speaker.local:
            return activity
        return add_proof(activity, self._key_of(speaker, "ed25519"), facts.row.at)

    def _answer(self, facts: Facts, logged: Json | None) -> None:
        """What a remote person must hear directly, whether or not their host holds a mirror."""
        if not isinstance(facts.event, OF_MEMBERS) or facts.member().local:
            return
        session, member, group = facts.session, facts.member(), facts.space.actor
        letters = [(speaker, self._proven(facts, told)) for speaker, told in grants.besides(facts)]
        match facts.event:
            case happened.MemberAdmitted() if self._join(facts, member):
                letters.append((group, self._join_answer(facts, member, "Accept")))
            case happened.MemberRefused():
                letters.append((group, self._join_answer(facts, member, "Reject")))
        if logged is not None:
            letters.append((group, logged))
        for speaker, told in letters:
            send(session, speaker, told, [member.inbox], facts.row.at)

    def _join(self, facts: Facts, member: Actor) -> str:
        """The id of a member's own Join; "" for somebody who was invited."""
        asked = facts.session.scalar(
            select(Membership.join_iri).where(
                Membership.space_id == facts.space.id, Membership.actor_id == member.id
            )
        )
        return asked if asked and same_origin(asked, member.iri) else ""

    def _join_answer(self, facts: Facts, member: Actor, verb: str) -> Json:
        space = facts.space
        answer = {
            "@context": CONTEXT,
            "id": f"{space.iri}/a/{facts.row.id}#{verb.lower()}",
            "type": verb,
            "actor": space.iri,
            "to": [member.iri],
            "cc": [],
            "object": {
                "id": self._join(facts, member),
                "type": "Join",
                "actor": member.iri,
                "object": space.iri,
            },
            "published": stamp(facts.row.at),
        }
        return self._proven(facts, answer)

    def _tell_host(self, facts: Facts) -> None:
        event, session, space = facts.event, facts.session, facts.space
        if isinstance(event, happened.MemberAdmitted) and facts.member().local:
            self._mirror(facts)
        if facts.row.mirrored or facts.row.cause or not facts.actor.local:
            return
        if isinstance(event, happened.SpaceFollowed):
            self._follow(facts)
            return
        if type(event) in VOICES and _gone_meanwhile(facts):
            return
        told = to_host(facts)
        if told is not None:
            key = event.item_id and session.get_one(Item, event.item_id).iri
            leaves = send(
                session, facts.actor, self._proven(facts, told), [space.actor.inbox],
                facts.row.at, ordering_key=key or space.iri,
            )  # fmt: skip
            if not leaves and isinstance(event, happened.ItemWithdrawn):
                facts.item().state = ItemState.CONFIRMED  # the host never heard of it

    def _follow(self, facts: Facts) -> None:
        """A person follows a remote project; this instance then asks for its whole log."""
        session, space, actor = facts.session, facts.space, facts.actor
        row = session.scalar(
            select(Follow).where(Follow.space_id == space.id, Follow.actor_id == actor.id)
        )
        if row is None or row.iri is None:
            return
        told = {
            "@context": CONTEXT,
            "id": row.iri,
            "type": "Follow",
            "actor": actor.iri,
            "to": [space.iri],
            "cc": [],
            "object": space.iri,
        }
        send(session, actor, told, [space.actor.inbox], facts.row.at)
        if space.visibility == Visibility.PUBLIC:
            self._mirror(facts)

    def _mirror(self, facts: Facts) -> None:
        asked = start_mirror(facts.session, facts.space, facts.row.at)
        if asked is not None:
            ours, follow = asked
            send(facts.session, ours, follow, [facts.space.actor.inbox], facts.row.at)


def _gone_meanwhile(facts: Facts) -> bool:
    """Whether the text was taken back before it was told: then it is not told at all."""
    if not isinstance(facts.event, happened.ItemPublished | happened.ItemRevised):
        return False
    return facts.item().withdrawn_at is not None


def _untold(facts: Facts) -> Iterator[Facts]:
    """What was not told of a text because it was taken back by then, when it comes back.

    Its Undo says the whole object; but nobody takes a new text from anything but an Update, for
    that is what its author signed.
    """
    if not isinstance(facts.event, happened.ItemRestored):
        return
    session = facts.session
    rows = select(EventRow).where(
        EventRow.item_id == facts.row.item_id,
        EventRow.id < facts.row.id,
        EventRow.name.in_((happened.ItemPublished.name, happened.ItemRevised.name)),
    )
    if facts.space.local:
        logged = select(LogEntry.seq).where(LogEntry.event_id == EventRow.id)
        rows = rows.where(~logged.exists())
    else:  # the newest is enough, and is not sent twice
        own = EventRow.cause.is_(None), EventRow.mirrored.is_(False)
        rows = rows.where(*own).order_by(EventRow.id.desc()).limit(1)
    for row in sorted(session.scalars(rows), key=lambda row: row.id):
        if facts.row.mirrored and not _asked_anew(facts, row):
            continue
        actor = session.get_one(Actor, row.actor_id)
        yield Facts(session, facts.tools, row, row.load(), facts.space, actor)


def _asked_anew(facts: Facts, change: EventRow) -> bool:
    """Whether a change made here is what words say that their host brings back: then it hears it,
    also if it refused it while they were away."""
    item = facts.item()
    if change.data.get("number") != item.revision:
        return False
    wait_again(facts.session, item.iri, facts.space.actor.inbox, "refused")
    return True
