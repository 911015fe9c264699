"""Linking instances: asked for by one administrator, answered by the other (R54, R55).

Nothing here asks another host: whoever calls an operation has fetched before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import ColumnElement, and_, delete, or_, select, update
from sqlalchemy.orm import InstrumentedAttribute, Session

from collab.core.errors import Conflict, Missing
from collab.core.i18n import N_
from collab.core.work import Work
from collab.federation.halted import BLOCKED, SUSPENDED, halt, release
from collab.federation.log import CONTEXT, stamp
from collab.federation.mirror import end_mirror, resubscribe
from collab.federation.models import Delivery, Mirror, OutboxItem, Subscriber
from collab.federation.peerhealth import answered, peer_of, signed
from collab.federation.sending import send
from collab.federation.signatures.rfc9421 import NAME as RFC9421
from collab.people.models import Actor, Peer, PeerState
from collab.people.queries import actor_by_iri, site
from collab.spaces.models import Follow, Space

if TYPE_CHECKING:
    from collab.federation.gate import Arrival

NOT_KNOWN = N_("Nous ne connaissons pas cette instance.")
MAX_REASON = 500
STOPPED = "blocked"
"""State of a copy over there that our block has stopped."""
WRITTEN = ("Create", "Update")
"""What is proved where anything is (R59)."""
NEAR = 2.0
"""Seconds by which a clock may change before it is written down again."""


@dataclass(frozen=True)
class ChoosePeer:
    """Which instance an administrator decides about, by its host.

    `reason` is shown where people ask why; `before` is the state that an undo goes back to.
    """

    host: str
    reason: str = ""
    before: str = ""


def ask_peer(work: Work, theirs: Actor) -> Peer:
    """Ask the administrators of another instance to link it with ours.

    `theirs` is its instance actor (`remote.find_instance`). When they have asked already, this
    says yes to them as well. Asking twice sends one request more, for the first may be lost.

    Raises:
        Conflict: the instance is blocked here; or linked already.
    """
    peer = peer_of(work.session, theirs.host, work.now)
    if peer.state == PeerState.BLOCKED:
        raise Conflict(N_("Cette instance est bloquée ici. Débloquez-la d’abord."))
    if peer.state == PeerState.ALLOWED and peer.follow_iri:
        raise Conflict(N_("Les deux instances sont déjà reliées."))
    peer.actor_iri, peer.name = theirs.iri, theirs.label
    both = peer.state in (PeerState.ASKING, PeerState.ALLOWED)
    if peer.state == PeerState.ASKING:
        _answer(work, peer, theirs, "Accept")
    peer.state = PeerState.ALLOWED if both else PeerState.ASKED
    _decided(work, peer)
    peer.follow_iri = work.mint("/a/")
    ours = site(work.session).actor
    _send(work, peer.follow_iri, "Follow", theirs, {"object": theirs.iri, "actor": ours.iri})
    return peer


def allow_peer(work: Work, given: ChoosePeer) -> Peer:
    """Let an instance in: what it asked is accepted, and what was blocked is no longer."""
    peer = peer_of(work.session, given.host, work.now)
    asked = peer.state == PeerState.ASKING
    resume_copies(work, given.host)
    peer.state = PeerState.ALLOWED
    _decided(work, peer)
    theirs = actor_by_iri(work.session, peer.actor_iri) if peer.actor_iri else None
    if asked and theirs is not None:
        _answer(work, peer, theirs, "Accept")
    return peer


def limit_peer(work: Work, given: ChoosePeer) -> Peer:
    """Go on with who is here from an instance, and let nobody new come and no copy go there."""
    peer = peer_of(work.session, given.host, work.now)
    peer.state = PeerState.LIMITED
    _decided(work, peer, given.reason)
    return peer


def put_back_peer(work: Work, given: ChoosePeer) -> Peer:
    """Undo a decision about an instance: it stands again as it did before.

    Copies that a block has stopped go on, in both directions, and letters that it has halted
    leave; follows do not come back by themselves.

    Raises:
        Missing: it is not known here.
        Conflict: that is no state to go back to.
    """
    peer = work.session.get(Peer, given.host)
    if peer is None:
        raise Missing(NOT_KNOWN)
    if given.before not in (PeerState.KNOWN, PeerState.ALLOWED, PeerState.LIMITED):
        raise Conflict(N_("Cela ne peut plus être annulé."))
    if given.before != PeerState.LIMITED:
        resume_copies(work, given.host)
    peer.state = PeerState(given.before)
    _decided(work, peer)
    return peer


def refuse_peer(work: Work, given: ChoosePeer) -> Peer:
    """Say no to an instance that asks.

    Raises:
        Missing: it is not known here.
    """
    peer = work.session.get(Peer, given.host)
    if peer is None:
        raise Missing(NOT_KNOWN)
    theirs = actor_by_iri(work.session, peer.actor_iri) if peer.actor_iri else None
    if peer.state == PeerState.ASKING and theirs is not None:
        _answer(work, peer, theirs, "Reject")
    peer.state = PeerState.REFUSED
    _decided(work, peer)
    return peer


def block_peer(work: Work, given: ChoosePeer) -> Peer:
    """Cut every tie with an instance and the names below its own (R36, R54).

    Copies it holds are fed no more, what waits for it is halted, its people follow nothing here
    any longer, our copies of its projects are not kept up to date. Nothing that was written is
    deleted; its members stay in the lists, where facilitators can remove them.
    """
    session = work.session
    peer = peer_of(session, given.host, work.now)
    peer.state = PeerState.BLOCKED
    _decided(work, peer, given.reason)
    session.execute(
        update(Subscriber)
        .where(_under(Subscriber.host, given.host), Subscriber.state == "active")
        .values(state=STOPPED)
        .execution_options(synchronize_session=False)
    )
    halt(session, _under(Delivery.host, given.host), BLOCKED, work.now)
    theirs = select(Actor.id).where(_under(Actor.host, given.host))
    session.execute(
        delete(Follow)
        .where(Follow.actor_id.in_(theirs))
        .execution_options(synchronize_session=False)
    )
    for space in session.scalars(select(Space).where(_under(Space.host, given.host))):
        end_mirror(session, space)
    return peer


def resume_copies(work: Work, host: str) -> None:
    """What a block has stopped goes on: theirs from where they stand, ours by asking for them."""
    work.session.execute(
        update(Subscriber)
        .where(_under(Subscriber.host, host), Subscriber.state == STOPPED)
        .values(state="active")
        .execution_options(synchronize_session=False)
    )
    stopped = (
        select(Mirror, Space)
        .join(Space, Space.id == Mirror.space_id)
        .where(_under(Space.host, host), Mirror.state == "ended")
    )
    for row, space in work.session.execute(stopped).all():
        resubscribe(work, space, row)


def list_peers(session: Session) -> Sequence[Peer]:
    """Every instance we know of: those that ask first, then by name."""
    return session.scalars(select(Peer).order_by(Peer.state != PeerState.ASKING, Peer.host)).all()


def _under(column: InstrumentedAttribute[str], host: str) -> ColumnElement[bool]:
    return or_(column == host, column.endswith(f".{host}", autoescape=True))


def _decided(work: Work, peer: Peer, reason: str = "") -> None:
    peer.reason = reason.strip()[:MAX_REASON]
    peer.decided_at = work.now
    peer.decided_by = work.actor.id or None
    if peer.state != PeerState.BLOCKED:
        _let_letters_go(work, peer.host)


def _let_letters_go(work: Work, host: str) -> None:
    """What a block has halted waits again; not the words of whoever was suspended meanwhile."""
    there = _under(Delivery.host, host)
    release(work.session, there, BLOCKED)
    silent = select(OutboxItem.id).join(Actor, Actor.id == OutboxItem.actor_id)
    theirs = silent.where(Actor.suspended_at.is_not(None))
    halt(work.session, and_(there, Delivery.outbox_id.in_(theirs)), SUSPENDED, work.now)


# What the other administrators say


def asked(work: Work, theirs: Actor, follow_iri: str) -> None:
    """Another instance asks to be linked with ours; our administrators will see it.

    Where one of ours has asked or allowed it already, the answer is yes at once.
    """
    peer = peer_of(work.session, theirs.host, work.now)
    peer.actor_iri, peer.name = theirs.iri, theirs.label
    peer.their_follow_iri = follow_iri
    if peer.state in (PeerState.ASKED, PeerState.ALLOWED):
        peer.state = PeerState.ALLOWED
        _answer(work, peer, theirs, "Accept")
    elif peer.state in (PeerState.KNOWN, PeerState.REFUSED):
        peer.state = PeerState.ASKING


def taken_back(work: Work, theirs: Actor, follow_iri: str) -> bool:
    """Another instance takes its request, or the link, back. False when it is about neither."""
    peer = work.session.get(Peer, theirs.host)
    if peer is None or not follow_iri or peer.their_follow_iri != follow_iri:
        return False
    if peer.actor_iri != theirs.iri:
        return False
    peer.their_follow_iri = ""
    if peer.state in (PeerState.ASKING, PeerState.ALLOWED):
        peer.state = PeerState.KNOWN
    return True


def link_answered(work: Work, theirs: Actor, follow_iri: str, *, yes: bool) -> bool:
    """Another instance answers our request. False when it is not about one that waits (R8)."""
    peer = work.session.get(Peer, theirs.host)
    if peer is None or not follow_iri or peer.follow_iri != follow_iri:
        return False
    if peer.actor_iri != theirs.iri or peer.state not in (PeerState.ASKED, PeerState.ALLOWED):
        return False
    peer.state = PeerState.ALLOWED if yes else PeerState.REFUSED
    if not yes:
        peer.follow_iri = ""
    return True


def heard(session: Session, arrival: Arrival, at: datetime) -> None:
    """A host wrote to us and was believed: it is well, its clock stands so, and so it signs.

    FEDERATION.md 2.3, 4.3, R59. The caller commits.
    """
    peer = peer_of(session, arrival.host, at)
    if peer.fail_count or peer.next_try_at or peer.last_ok_at is None:
        answered(session, arrival.host, at)
    own = arrival.sender.host == arrival.host  # not somebody else's handing on
    written = arrival.verb in WRITTEN
    signed(
        peer,
        rfc9421=arrival.sender.scheme == RFC9421 if own else None,
        ed25519=arrival.sender.algorithm == "ed25519" if own else None,
        proven="proof" in arrival.activity if written else None,
    )
    known, offset = peer.clock_offset, arrival.offset
    if offset is not None and (known is None or abs(known - offset) > NEAR):
        peer.clock_offset = offset


def _answer(work: Work, peer: Peer, theirs: Actor, verb: str) -> None:
    ours = site(work.session).actor
    request = {
        "id": peer.their_follow_iri,
        "type": "Follow",
        "actor": theirs.iri,
        "object": ours.iri,
    }
    _send(work, work.mint("/a/"), verb, theirs, {"object": request, "actor": ours.iri})


def _send(work: Work, iri: str, verb: str, theirs: Actor, more: dict[str, object]) -> None:
    told = {
        "@context": CONTEXT,
        "id": iri,
        "type": verb,
        "to": [theirs.iri],
        "cc": [],
        "published": stamp(work.now),
    }
    send(work.session, site(work.session).actor, told | more, [theirs.inbox], work.now)
