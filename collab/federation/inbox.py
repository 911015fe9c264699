"""From an activity that was let in to its effect: one short function per verb.

Whatever must be asked of other hosts is asked before the unit of work opens (R56). The activity
is written down in the transaction of its effect (R46, R50), so it has both, once, or neither.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from sqlalchemy import delete, select, update
from sqlalchemy.exc import IntegrityError

from collab.core.db import insert_once, writing
from collab.core.errors import Forbidden, Invalid, Missing, Problem
from collab.core.i18n import N_
from collab.core.work import Work
from collab.federation import log as project_log
from collab.federation import peers, vocab
from collab.federation.gate import Arrival, kept
from collab.federation.house import Federation
from collab.federation.models import InboxItem
from collab.federation.reach import heard_from
from collab.federation.relayed import Purse, believable
from collab.federation.remote import fetch_object
from collab.federation.sending import send
from collab.federation.signs import GREETINGS
from collab.federation.strictjson import parse
from collab.people.models import Actor, ActorKind
from collab.people.queries import actor_by_iri
from collab.spaces.models import Space
from collab.spaces.policy import may_know
from collab.spaces.tool import Json

log = logging.getLogger(__name__)
KEPT = timedelta(days=180)
FORGET_EVERY = 86_400
"""Seconds between two rounds of forgetting."""
LOOKED_BACK = 200
"""How many later activities of somebody are searched for their taking back of a greeting."""
NO_HOST = partial(Invalid, object=N_("Cette adresse n’est pas comprise."))
EMBEDDED = frozenset({"Create", "Update"})
UNDERSTOOD_BADLY = (KeyError, TypeError, ValueError, AttributeError)
"""What reading a document of the wrong shape may raise in a mapping; the sender's mistake."""


@dataclass(frozen=True)
class Case:
    """All that a verb may look at: the open work, and the activity with its object at hand."""

    federation: Federation
    work: Work
    actor: Actor
    activity: Json

    @property
    def thing(self) -> str:
        """The id of the activity's object, embedded or named; "" when there is none."""
        return id_of(self.activity.get("object"))

    @property
    def inner(self) -> Json:
        """The embedded object; {} when it is only named."""
        found = self.activity.get("object")
        return found if isinstance(found, dict) else {}

    def space(self, iri: str) -> Space | None:
        """The project of ours with that IRI that may federate and the sender may know (R33)."""
        found = self.work.session.scalar(
            select(Space)
            .join(Actor, Actor.id == Space.actor_id)
            .where(Actor.iri == iri, Space.local, Space.deleted_at.is_(None))
        )
        known = found and found.federates and may_know(self.work.session, found, self.actor)
        return found if known else None

    def hosted(self, iri: str) -> Space:
        """The same. Raises Missing."""
        found = self.space(iri)
        if found is None:
            raise Missing(N_("Ce projet n’existe pas, ou vous n’y avez pas accès."))
        return found

    def reply(self, speaker: Actor, verb: str, **more: object) -> None:
        """Answer the sender as `speaker`, one of ours, about this very activity."""
        asked = {name: self.activity[name] for name in ("id", "type")}
        asked |= {"actor": self.actor.iri, "object": self.thing}
        told = {
            "@context": project_log.CONTEXT,
            "id": self.work.mint("/a/"),
            "type": verb,
            "actor": speaker.iri,
            "to": [self.actor.iri],
            "cc": [],
            "object": asked,
            "published": project_log.stamp(self.work.now),
        }
        send(self.work.session, speaker, told | more, [self.actor.inbox], self.work.now)


Verb = Callable[[Case], None]
Declined = Callable[[Case, Problem], None]
Preparation = Callable[[Federation, Arrival], None]
VERBS: dict[str, Verb] = {}
PREPARED: dict[str, Preparation] = {}
"""What must be asked of other hosts before an activity's unit of work opens."""
DECLINED: dict[str, Declined] = {}
"""How a no is told to the sender, for verbs that expect an answer; the others get a status."""


def on(*verbs: str) -> Callable[[Verb], Verb]:
    """Make a function the one that takes activities of these types."""

    def register(function: Verb) -> Verb:
        for verb in verbs:
            if verb in VERBS:
                raise ValueError(f"{verb} has a function already")
            VERBS[verb] = function
        return function

    return register


def prepares(*verbs: str) -> Callable[[Preparation], Preparation]:
    """Make a function the one that asks other hosts before activities of these types (R56)."""

    def register(function: Preparation) -> Preparation:
        PREPARED.update(dict.fromkeys(verbs, function))
        return function

    return register


def declines(*verbs: str) -> Callable[[Declined], Declined]:
    """Make a function the one that tells the sender no, for activities of these types."""

    def register(function: Declined) -> Declined:
        DECLINED.update(dict.fromkeys(verbs, function))
        return function

    return register


def id_of(value: object) -> str:
    """The id of something embedded or named; "" for anything else."""
    found = value.get("id") if isinstance(value, dict) else value
    return found if isinstance(found, str) and len(found) <= vocab.MAX_IRI else ""


def take(federation: Federation, arrival: Arrival) -> None:
    """Do what an activity says, once. May ask other hosts before its unit of work opens.

    Raises:
        Problem: the operation refuses, and the verb is one whose sender reads it in the status.
    """
    asking = federation.standing(arrival.host) == "asking"
    actor = federation.resolve_actor(arrival.actor, peering=asking)
    if actor.suspended_at or actor.deleted_at:
        raise Forbidden(N_("Ce compte est suspendu."))
    if asking and actor.kind != ActorKind.APPLICATION:
        raise Forbidden(N_("Cette instance n’est pas reliée à la nôtre."))
    activity = _at_hand(federation, arrival)
    if arrival.verb in PREPARED:
        PREPARED[arrival.verb](federation, arrival)
    if federation.budget.spend("forget what was received long ago", 1, FORGET_EVERY):
        forget_old(federation)
    try:
        _once_more_after_a_race(lambda: _effect(federation, arrival, actor, activity))
    except Problem as problem:
        decline = DECLINED.get(arrival.verb)
        if decline is None:
            raise
        _declined(federation, arrival, activity, problem, decline)


def _once_more_after_a_race(effect: Callable[[], None]) -> None:
    """Two processes took in the same thing at once; the slower one looks again (R46)."""
    try:
        effect()
    except IntegrityError:
        effect()


def forget_old(federation: Federation) -> None:
    """Let go of activities received more than 180 days ago; R46 asks for 90 at least."""
    before = federation.now() - KEPT
    federation.let_go()
    with writing(federation.session) as session:
        session.execute(delete(InboxItem).where(InboxItem.received_at < before))


def _at_hand(federation: Federation, arrival: Arrival) -> Json:
    """The activity with what must be fetched for it: an object that is only named (R11), or the
    actor's own new description, which is believed only from its own address (2.4)."""
    activity, thing = arrival.activity, arrival.activity.get("object")
    if arrival.verb == "Update" and id_of(thing) == arrival.actor:
        federation.resolve_actor(arrival.actor, refresh=True)
        return activity
    if arrival.verb == "Announce":
        return activity | {"object": believable(federation, arrival.actor, thing, Purse())}
    if arrival.verb in EMBEDDED and isinstance(thing, str):
        if federation.host_of(arrival.actor) != federation.host_of(thing, otherwise=NO_HOST):
            raise Forbidden(N_("Cet objet n’est pas de la personne qui l’envoie."))
        return activity | {"object": fetch_object(federation, thing)}
    return activity


def _effect(federation: Federation, arrival: Arrival, actor: Actor, activity: Json) -> None:
    verb = VERBS.get(arrival.verb)
    federation.let_go()
    # What a community passes on has been decided by its host.
    passed_on = arrival.verb == "Announce"
    with federation.runtime.work(actor, cause=arrival.id, mirrored=passed_on) as work:
        if not _written_down(work, arrival):
            return
        if verb is None:
            log.info("activity left alone type=%s id=%s", arrival.verb, arrival.id)
            _keep(federation, work, arrival)
            return
        try:
            verb(Case(federation, work, work.session.get_one(Actor, actor.id), activity))
        except UNDERSTOOD_BADLY as odd:
            log.warning("activity not understood id=%s: %r", arrival.id, odd)
            raise Invalid(object=N_("Cet objet n’est pas compris ici.")) from odd
        _keep(federation, work, arrival)


def _keep(federation: Federation, work: Work, arrival: Arrival) -> None:
    """Its bytes stay only with what came of it, for its log; its id and digest always (R53)."""
    if work.eventful:
        kept(federation, arrival.sender.host, len(arrival.raw))
        return
    mine = update(InboxItem).where(InboxItem.activity_id == arrival.id)
    work.session.execute(mine.values(raw=b""), execution_options={"synchronize_session": False})


def _declined(
    federation: Federation, arrival: Arrival, activity: Json, problem: Problem, decline: Declined
) -> None:
    """Write the refused activity down, and tell its sender why."""
    log.info("activity declined id=%s: %s", arrival.id, problem)
    sender = actor_by_iri(federation.session, arrival.actor)
    assert sender is not None
    with federation.runtime.work(sender, cause=arrival.id) as work:
        if _written_down(work, arrival):
            case = Case(federation, work, work.session.get_one(Actor, sender.id), activity)
            decline(case, problem)
            _keep(federation, work, arrival)


def _said_again(work: Work, arrival: Arrival, known: InboxItem) -> bool:
    """Whether a known id is meant anew: the same greeting, signed again after it was taken back.

    NodeBB gives each like of a post by a person the same id, also after an Undo.
    """
    if known.digest != arrival.digest:
        log.warning("same id, other bytes id=%s actor=%s", arrival.id, arrival.actor)
        return False
    if arrival.verb not in GREETINGS or arrival.scheme == "proof" or arrival.offset is None:
        return False
    since = select(InboxItem).where(
        InboxItem.actor == arrival.actor, InboxItem.received_at >= known.received_at
    )
    # A `Date` is told in whole seconds.
    signed = work.now + timedelta(seconds=arrival.offset + 1)
    for later in work.session.scalars(since.order_by(InboxItem.id.desc()).limit(LOOKED_BACK)):
        told = parse(later.raw) if later.raw else {}
        if told.get("type") == "Undo" and id_of(told.get("object")) == arrival.id:
            if signed <= later.received_at:
                return False
            known.received_at = work.now
            return True
    return False


def _written_down(work: Work, arrival: Arrival) -> bool:
    """Note the activity in this transaction. False when it was here before (R46)."""
    peers.heard(work.session, arrival, work.now)
    if not insert_once(
        work.session,
        InboxItem,
        "activity_id",
        activity_id=arrival.id,
        actor=arrival.actor,
        key_id=arrival.sender.key_id,
        scheme=arrival.scheme,
        digest=arrival.digest,
        received_at=work.now,
        raw=arrival.raw,
    ):
        same = select(InboxItem).where(InboxItem.activity_id == arrival.id)
        return _said_again(work, arrival, work.session.scalars(same).one())
    heard_from(work.session, arrival.host, arrival.activity, work.now)
    return True
