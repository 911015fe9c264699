"""Following, joining, offering, and the answers to them (FEDERATION.md 1.4)."""

from __future__ import annotations

from sqlalchemy import select

from collab.core.errors import Forbidden, Missing, Problem
from collab.core.i18n import N_
from collab.federation import (
    blocks,
    facilitating,
    inviting,
    peers,
    receipt_lists,
    receipts,
    speaking,
)
from collab.federation import log as project_log
from collab.federation.actors import words, words_of_html
from collab.federation.deliver import log_inbox_of
from collab.federation.inbox import Case, declines, id_of, on
from collab.federation.mirror import follow_answered
from collab.federation.models import PARTIAL, Mirror, Subscriber
from collab.federation.reach import may_mirror
from collab.people.models import ActorKind
from collab.people.queries import actor_by_iri
from collab.spaces import membership as joining
from collab.spaces import mirrors
from collab.spaces.decisions import Decision, refuse_decision
from collab.spaces.exclusions import MAX_REASON, Exclude, Readmit, exclude, readmit
from collab.spaces.models import (
    Follow,
    Membership,
    MembershipState,
    Offer,
    OfferState,
    Role,
    Space,
)
from collab.spaces.offers import answer_offer
from collab.spaces.policy import may_see_card, require

CLASH = "https://w3id.org/project-space/v1#EditConflict"
CLASH_CODE = "edit_conflict"
UNSAID = N_("La raison n’est pas dite.")
LIMITED = N_("Les administrateurs ont limité les échanges avec votre instance.")
NO_COPY = N_("Les administrateurs n’envoient pas de copie complète à votre instance.")


@on("Follow")
def follow(case: Case) -> None:
    """Of a project, of its log (a mirror subscription), or of this instance (a link)."""
    iri = case.thing
    if iri == case.federation.instance_actor().iri:
        _application(case)
        peers.asked(case.work, case.actor, str(case.activity["id"]))
        return
    _linked(case)
    person = actor_by_iri(case.work.session, iri)
    if person is not None and person.local and person.kind == ActorKind.PERSON:
        # People are not followed here, their projects are; without a no this would wait for ever.
        case.reply(person, "Reject")
        return
    if iri.endswith("/log"):
        _mirror(case, iri.removesuffix("/log"))
        return
    space = case.hosted(iri)
    joining.follow(case.work, space, iri=str(case.activity["id"]))
    case.reply(space.actor, "Accept")


def _mirror(case: Case, group: str) -> None:
    """Another instance asks for the whole log; its own actor must (1.4, R35)."""
    _application(case)
    if case.federation.is_limited(case.actor.host):
        raise Forbidden(LIMITED)
    if not may_mirror(case.work.session, case.actor.host):
        raise Forbidden(NO_COPY)
    space = case.hosted(group)
    inbox = log_inbox_of(case.actor.iri)
    head = project_log.subscribe(
        case.work, space, case.actor.host, case.actor.iri, str(case.activity["id"]), inbox
    )
    result = {"epoch": head.epoch, "seq": head.seq, "head": head.head}
    case.reply(space.actor, "Accept", result=result | {"stateDigest": head.state_digest})


def _application(case: Case) -> None:
    if case.actor.kind != ActorKind.APPLICATION:
        raise Forbidden(N_("Seule une instance peut demander cela."))


def _linked(case: Case) -> None:
    case.federation.require_peer(case.actor.host)


@on("Join")
def join(case: Case) -> None:
    """A person of elsewhere asks to take part; the project's facilitators decide.

    A bot is a Service, which counts as one: somebody answers for it, by name. A community or an
    instance is nobody to be given a role.
    """
    _linked(case)
    if case.actor.kind != ActorKind.PERSON:
        raise Forbidden(N_("Seule une personne peut participer à un projet."))
    if case.federation.is_limited(case.actor.host):
        raise Forbidden(LIMITED)
    space = case.hosted(case.thing)
    given = joining.AskToJoin(note=words(case.activity.get("content"), joining.MAX_NOTE))
    joining.ask_to_join(case.work, space, given, join_iri=str(case.activity["id"]))


@on("Leave")
def leave(case: Case) -> None:
    """A person of elsewhere leaves, or takes a request back."""
    joining.leave(case.work, case.hosted(case.thing))


@on("Offer")
def offer(case: Case) -> None:
    """A member of elsewhere proposes a change to a common thing (1.6 c)."""
    _linked(case)
    target = id_of(case.activity.get("target"))
    space = case.hosted(target)
    if case.inner.get("type") == "Grant":
        facilitating.regrade(case, space)
        return
    kind = case.federation.runtime.tools.offered(case.inner)
    if kind is None or kind.mapping.take_offer is None:
        raise Missing(N_("Aucun outil d’ici ne comprend cet objet."))
    if id_of(case.inner.get("attributedTo")) not in ("", case.actor.iri):
        raise Forbidden(N_("Ce texte n’est pas de la personne qui l’envoie."))
    kind.mapping.take_offer(case.work, space, case.inner)


@declines("Follow", "Join", "Offer")
def decline(case: Case, problem: Problem) -> None:
    """Say no in the project's name; of what may not be known to exist, nobody speaks (R33)."""
    named = case.activity.get("target") if case.activity["type"] == "Offer" else case.thing
    space = case.space(id_of(named).removesuffix("/log"))
    if space is None or not may_see_card(case.work.session, space, case.actor):
        raise problem
    more: dict[str, object] = {"summary": problem.message}
    if problem.code == CLASH_CODE:
        current = str(problem.more.get("current", ""))
        more["result"] = {
            "type": CLASH,
            "current": current,
            "page": id_of(case.inner.get("context")),
        }
    case.reply(space.actor, "Reject", **more)


@on("Accept", "Reject")
def answer(case: Case) -> None:
    """An answer to what one of ours asked: from whom it was asked, while it waits (R8)."""
    yes, iri = case.activity["type"] == "Accept", case.thing
    work = case.work
    if receipts.take(work, case.actor, case.activity) or not iri:
        return
    if receipt_lists.hear(work, case.actor, case.activity):
        return
    if case.actor.kind == ActorKind.APPLICATION:
        peers.link_answered(work, case.actor, iri, yes=yes)
        return
    if follow_answered(work, iri, case.actor.iri, yes=yes):
        return
    _followed(case, iri, yes=yes)
    _joined(case, iri, yes=yes)
    inviting.answered(case, iri, yes=yes)
    facilitating.answered(case, iri, yes=yes)
    _offered(case, iri, yes=yes)


def _followed(case: Case, iri: str, *, yes: bool) -> None:
    row = case.work.session.scalar(select(Follow).where(Follow.iri == iri))
    if row is None or row.space.actor_id != case.actor.id or row.accepted_at:
        return
    if yes:
        row.accepted_at = case.work.now
        copy = case.work.session.get(Mirror, row.space_id)
        if copy is not None and copy.state == PARTIAL:
            copy.next_check_at = case.work.now
    else:
        case.work.session.delete(row)


def _joined(case: Case, iri: str, *, yes: bool) -> None:
    asked = select(Membership).join(Space, Space.id == Membership.space_id)
    theirs = (~Space.local, Space.actor_id == case.actor.id)
    row = case.work.session.scalar(asked.where(Membership.join_iri == iri, *theirs))
    if row is None:
        return
    if row.state == MembershipState.REQUESTED:
        state = MembershipState.ACTIVE if yes else MembershipState.REFUSED
        mirrors.settle_membership(case.work, row.space, row.actor, state=state)
    elif row.state == MembershipState.ACTIVE and not yes:
        # The host says no to somebody it had let in: they were removed (1.4).
        mirrors.settle_membership(case.work, row.space, row.actor, state=MembershipState.REMOVED)


def _offered(case: Case, iri: str, *, yes: bool) -> None:
    if not yes:
        _undecided(case, iri)
    row = case.work.session.scalar(select(Offer).where(Offer.iri == iri))
    if row is None or row.space.actor_id != case.actor.id or row.state != OfferState.PENDING:
        return
    result = case.activity.get("result")
    clash = isinstance(result, dict) and result.get("type") == CLASH
    state = OfferState.CONFLICT if clash else OfferState.REFUSED
    reason = words_of_html(case.activity.get("summary"), 500)
    answer_offer(case.work, row, OfferState.ACCEPTED if yes else state, reason)


def _undecided(case: Case, iri: str) -> None:
    """A project says no to what a facilitator of here proposed about a member."""
    asked = case.work.session.scalar(select(Decision).where(Decision.iri == iri))
    if asked is not None and asked.space.actor_id == case.actor.id:
        reason = words_of_html(case.activity.get("summary"), 500)
        refuse_decision(case.work.session, iri, reason, case.work.now)


@on("Grant", "Revoke")
def grant(case: Case) -> None:
    """A project of elsewhere says what place one of ours has in it (1.4)."""
    space = case.work.session.scalar(select(Space).where(Space.actor_id == case.actor.id))
    member = actor_by_iri(case.work.session, speaking.member_of(case.activity))
    if space is None or space.local or member is None or not member.local:
        return
    row = joining.membership(case.work, space, member.id)
    if row is None or row.state not in (MembershipState.REQUESTED, MembershipState.ACTIVE):
        return
    tools = case.federation.runtime.tools
    speaking.by_project(case.work, tools, space, case.activity)


@on("Block")
def block(case: Case) -> None:
    """Somebody is excluded: by a facilitator of elsewhere from a project of ours (R18), or by a
    project of elsewhere from itself. Of a person who blocks another one we make nothing."""
    space = case.space(id_of(case.activity.get("target")))
    if space is None:
        _excluded_elsewhere(case)
        return
    require(case.work, space, Role.FACILITATOR)
    person = actor_by_iri(case.work.session, case.thing)
    if person is None:
        raise Missing(N_("Cette personne n’est pas connue ici."))
    reason = words_of_html(case.activity.get("summary"), MAX_REASON) or UNSAID
    until = blocks.end_of(case.activity)
    exclude(case.work, space, Exclude(member=person.id, reason=reason, until=until))


def unblock(case: Case) -> None:
    """Undo{Block}: the same, lifted; a project lifts its own alone (R7)."""
    space = case.space(id_of(case.inner.get("target")))
    if space is None:
        _excluded_elsewhere(case)
        return
    require(case.work, space, Role.FACILITATOR)
    person = actor_by_iri(case.work.session, id_of(case.inner.get("object")))
    if person is not None:
        readmit(case.work, space, Readmit(member=person.id))


def _excluded_elsewhere(case: Case) -> None:
    """A project tells one of ours directly; where we hold its log, that says it too."""
    space = case.work.session.scalar(select(Space).where(Space.actor_id == case.actor.id))
    if space is not None and not space.local:
        blocks.apply(case.work, case.federation.runtime.tools, space, case.activity)


def unfollow(case: Case, follow_iri: str, followed: str) -> None:
    """Undo{Follow}: only whoever made it takes it back (R4, R7)."""
    if peers.taken_back(case.work, case.actor, follow_iri):
        return
    session = case.work.session
    row = session.scalar(
        select(Follow).where(Follow.iri == follow_iri, Follow.actor_id == case.actor.id)
    )
    space = row.space if row else case.space(followed)
    if space is not None and space.local:
        joining.unfollow(case.work, space)
        return
    mirror = session.scalar(
        select(Subscriber).where(
            Subscriber.actor_iri == case.actor.iri, Subscriber.follow_iri == follow_iri
        )
    )
    if mirror is not None:
        project_log.unsubscribe(case.work, session.get_one(Space, mirror.space_id), case.actor.host)
