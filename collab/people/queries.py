"""Reads about people and other instances."""

from __future__ import annotations

import hashlib
from datetime import datetime

from sqlalchemy import bindparam, func, select
from sqlalchemy.orm import Session

from collab.people.models import Account, Actor, Peer, PeerState, Site, Token

_BY_IRI = select(Actor).where(Actor.iri == bindparam("iri"))


def site(session: Session) -> Site:
    """What this instance says of itself. Raises NoResultFound before the instance was made."""
    return session.scalars(select(Site).order_by(Site.id).limit(1)).one()


def account_named(session: Session, name: str) -> Account | None:
    """The account of this instance with that alias, whatever its case."""
    if "\0" in name:  # which PostgreSQL would not even compare
        return None
    return session.scalar(
        select(Account).join(Actor).where(Actor.name == name.strip().lower(), Actor.local)
    )


def account_of(session: Session, actor_id: int) -> Account | None:
    """The account behind a local actor."""
    return session.scalar(select(Account).where(Account.actor_id == actor_id))


def moved_to(session: Session, actor: Actor) -> Actor | None:
    """Who they are now, when they have moved (FEP-7628)."""
    return actor_by_iri(session, actor.moved_to) if actor.moved_to else None


def actor_by_iri(session: Session, iri: str) -> Actor | None:
    """The actor with that IRI, if known here."""
    return session.scalar(_BY_IRI, {"iri": iri})


def find_token(session: Session, bearer: str, now: datetime) -> Token | None:
    """The live token that `bearer` is, if any; the database holds only digests."""
    digest = hashlib.sha256(bearer.encode()).hexdigest()
    token = session.scalar(select(Token).where(Token.digest == digest))
    if token is None or token.revoked_at or token.account.ended:
        return None
    return None if token.expires_at and token.expires_at <= now else token


def linked_peers(session: Session) -> int:
    """How many instances this one is linked with by both administrators."""
    return session.scalar(select(func.count()).where(Peer.state == PeerState.ALLOWED)) or 0
