"""Which other hosts hear of a project, and in which form (FEDERATION.md 1.1).

Three classes: `mirrors` hold the whole log and are fed by the courier; `threads` are forums that
understand FEP-1b12 and get every public act of a discussion; all other followers get highlights.
A host is in one class only, so nobody hears anything twice.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import and_, func, or_, select, update
from sqlalchemy.orm import Session

from collab.core.db import writing
from collab.core.errors import Conflict, Missing
from collab.core.i18n import N_
from collab.core.work import Work
from collab.federation import vocab
from collab.federation.models import Subscriber
from collab.federation.peerhealth import peer_of
from collab.federation.signer import ED25519
from collab.people.models import Actor, Peer
from collab.spaces.models import Follow, Item, Space, Visibility

Json = dict[str, Any]
MIRROR, THREADS, HIGHLIGHTS = "mirror", "threads", "highlights"
GROUP_FEDERATION = (
    "https://w3id.org/fep/1b12",
    "https://codeberg.org/fediverse/fep/src/branch/main/fep/1b12",
)
CHOSEN = "chosen"
"""Why a host is among the forums, where it is not an activity it sent (its id stands there)."""
MOST_IMPLEMENTED = 50
EDWARDS = "https://datatracker.ietf.org/doc/html/rfc9421#name-eddsa-using-curve-edwards25"
"""That one reads RFC 9421 signatures made with Ed25519 keys."""


@dataclass(frozen=True)
class Reach:
    """The inboxes of those who follow a project and hold no copy of it, each once.

    `answered`: of whom one text answers or names, where they would not hear of it otherwise.
    """

    followers: tuple[str, ...] = ()
    threads: tuple[str, ...] = ()
    answered: tuple[str, ...] = ()


def reach_of(session: Session, space: Space, admits: Callable[[str], bool]) -> Reach:
    """Who is told of what happens in a project of ours; nobody unless it is public.

    `admits(host)` says whether we speak with that host at all (R54, R55). Hosts that hold a copy
    get the log instead.
    """
    if space.visibility != Visibility.PUBLIC or space.deleted_at:
        return Reach()
    inbox = func.coalesce(func.nullif(Actor.shared_inbox, ""), Actor.inbox).label("told_at")
    rows = session.execute(
        select(Actor.host, inbox)
        .join(Follow, Follow.actor_id == Actor.id)
        .where(
            Follow.space_id == space.id,
            Actor.local.is_(False),
            Actor.deleted_at.is_(None),
            Actor.suspended_at.is_(None),
        )
        .distinct()
        .order_by(Actor.host, inbox)
    ).all()
    hosts = {host for host, _ in rows}
    copies = _hosts(session, hosts, "mirror", space.id)
    declared, chosen = _peers(session, hosts)
    forums = _hosts(session, hosts, THREADS) | declared
    forums -= _hosts(session, hosts, THREADS, state="refused")
    forums |= {host for host, reach in chosen.items() if reach == THREADS}
    forums -= {host for host, reach in chosen.items() if reach == HIGHLIGHTS}
    told = [(host, to) for host, to in rows if to and host not in copies and admits(host)]
    return Reach(
        followers=tuple(to for host, to in told if host not in forums),
        threads=tuple(to for host, to in told if host in forums),
    )


def answered_in(
    session: Session, space: Space, reach: Reach, obj: Json, admits: Callable[[str], bool]
) -> Reach:
    """With the people of elsewhere whom a public text of ours answers or names.

    Followers hear of no answers, and who wrote from another software may not follow at all.
    """
    if space.visibility != Visibility.PUBLIC or space.deleted_at:
        return reach
    named = [mention["iri"] for mention in vocab.mentions(obj)]
    parent = session.scalar(select(Item).where(Item.iri == vocab.iri(obj, "inReplyTo")))
    if parent is not None and parent.space_id == space.id:
        named.append(parent.author.iri)
    people = session.scalars(
        select(Actor)
        .where(
            Actor.iri.in_(named),
            Actor.local.is_(False),
            Actor.deleted_at.is_(None),
            Actor.suspended_at.is_(None),
        )
        .order_by(Actor.id)
    ).all()
    copies = _hosts(session, {person.host for person in people}, "mirror", space.id)
    told = {*copies, *(urlsplit(inbox).netloc for inbox in reach.threads)}
    inboxes = [p.inbox for p in people if p.inbox and p.host not in told and admits(p.host)]
    return replace(reach, answered=tuple(inboxes))


def _hosts(
    session: Session, among: set[str], reach: str, space_id: int | None = None,
    state: str = "active",
) -> set[str]:  # fmt: skip
    if not among:
        return set()
    found = select(Subscriber.host).where(
        Subscriber.host.in_(among), Subscriber.reach == reach, Subscriber.state == state
    )
    if space_id is not None:
        found = found.where(Subscriber.space_id == space_id)
    return set(session.scalars(found))


def _peers(session: Session, among: set[str]) -> tuple[set[str], dict[str, str]]:
    """Those that say they read groups, and what our administrators chose for which."""
    if not among:
        return set(), {}
    rows = session.execute(
        select(Peer.host, Peer.reads_groups, Peer.reach).where(
            Peer.host.in_(among), or_(Peer.reads_groups.is_(True), Peer.reach != "")
        )
    ).all()
    return {r.host for r in rows if r.reads_groups}, {r.host: r.reach for r in rows if r.reach}


def heard_from(session: Session, host: str, activity: Json, at: datetime) -> None:
    """Note that a host names one of our projects as the `audience` of what it sends (1b12).

    What it calls itself is never asked (FEP-0151); what an administrator chose stays.
    """
    thing = activity.get("object")
    named = [part.get("audience") for part in (activity, thing) if isinstance(part, dict)]
    groups = [iri for iri in named if isinstance(iri, str)]
    if not groups:
        return
    here = and_(
        Subscriber.space_id == Space.id, Subscriber.host == host, Subscriber.reach == THREADS
    )
    found = session.execute(
        select(Space.id, Subscriber.state)
        .join(Actor, Actor.id == Space.actor_id)
        .outerjoin(Subscriber, here)
        .where(Actor.iri.in_(groups), Space.local, Space.deleted_at.is_(None))
        .limit(1)
    ).first()
    if found is not None and found.state in (None, "ended"):
        space = session.get_one(Space, found.id)
        _join(session, space, host, str(activity.get("actor")), str(activity.get("id")), at)


def declared(document: Json) -> list[str]:
    """What an actor says that its software understands, as addresses (FEP-844e)."""
    generator = document.get("generator")
    found: list[str] = []
    for part in (document, generator if isinstance(generator, dict) else {}):
        listed = part.get("implements")
        for entry in (listed if isinstance(listed, list) else [listed])[:MOST_IMPLEMENTED]:
            href = entry.get("href") if isinstance(entry, dict) else entry
            if isinstance(href, str):
                found.append(href)
    return found


def declares(document: Json) -> bool:
    """Whether an actor says that its software understands groups like ours (FEP-844e)."""
    return any(href.startswith(GROUP_FEDERATION) for href in declared(document))


def note_declared(session: Session, host: str, document: Json, at: datetime) -> None:
    """Remember what an actor's document says of its software, when it says anything.

    Which signatures it reads stands beside what was learned by knocking, and is said anew each
    time that an actor of it is fetched (2.2).
    """
    said = declared(document)
    peer = session.get(Peer, host)
    edwards = any(href.startswith(EDWARDS) for href in said)
    told_less = peer is not None and peer.scheme == ED25519 and bool(said) and not edwards
    if not (edwards or told_less or declares(document)):
        return
    with writing(session):
        row = peer_of(session, host, at)
        row.reads_groups = row.reads_groups or declares(document) or None
        if edwards:
            row.scheme, row.scheme_at = ED25519, at
        elif told_less:
            row.scheme = None


def _join(
    session: Session, space: Space, host: str, actor_iri: str, why: str, at: datetime
) -> None:
    row = _row(session, space, host)
    if row is None:
        row = Subscriber(
            space_id=space.id, host=host, reach=THREADS, actor_iri=actor_iri, follow_iri=why,
            inbox="", created_at=at,
        )  # fmt: skip
        session.add(row)
        session.flush()
    elif row.state == "ended":
        row.state, row.actor_iri, row.follow_iri = "active", actor_iri, why


def _row(session: Session, space: Space, host: str) -> Subscriber | None:
    return session.scalar(
        select(Subscriber).where(
            Subscriber.space_id == space.id, Subscriber.host == host, Subscriber.reach == THREADS
        )
    )


def choose_reach(work: Work, space: Space, host: str, *, threads: bool) -> None:
    """An administrator says how a host hears of our projects: whole threads, or highlights.

    Who may say so is the caller's to decide; it holds until somebody says otherwise.
    """
    _join(work.session, space, host, work.actor.iri, CHOSEN, work.now)
    row = _row(work.session, space, host)
    assert row is not None
    row.state, row.actor_iri, row.follow_iri = (
        "active" if threads else "refused",
        work.actor.iri,
        CHOSEN,
    )


def reach_peer(work: Work, host: str, reach: str) -> Peer:
    """Administrators choose in which form all our projects go to a host; "": as it asks.

    Threads and highlights end the copies it holds; one comes back when it asks for it again and
    may. Who may choose is the caller's to decide.

    Raises:
        Missing: the host is not known here.
        Conflict: that is no form.
    """
    peer = work.session.get(Peer, host)
    if peer is None:
        raise Missing(N_("Nous ne connaissons pas cette instance."))
    if reach not in ("", MIRROR, THREADS, HIGHLIGHTS):
        raise Conflict(N_("Cette demande n’est pas comprise."))
    peer.reach = reach
    if not may_mirror(work.session, host):
        work.session.execute(
            update(Subscriber)
            .where(Subscriber.host == host, Subscriber.reach == MIRROR)
            .values(state="ended")
            .execution_options(synchronize_session=False)
        )
    return peer


def may_mirror(session: Session, host: str) -> bool:
    """Whether our administrators let whole copies go to a host."""
    peer = session.get(Peer, host)
    return peer is None or peer.reach in ("", MIRROR)
