"""Local actors come into being here, with their keys."""

from __future__ import annotations

from urllib.parse import urlsplit

from sqlalchemy import select
from sqlalchemy.orm import Session

from collab.core.errors import Invalid
from collab.core.i18n import N_
from collab.core.work import Work
from collab.people.models import Actor, ActorKind, Key

PATHS = {ActorKind.PERSON: "/u/{}", ActorKind.GROUP: "/p/{}", ActorKind.APPLICATION: "/actor"}


def host_of(origin: str) -> str:
    """The host (with its port, if any) of an origin like `https://a.example`."""
    return urlsplit(origin).netloc.lower()


def new_local_actor(work: Work, kind: ActorKind, name: str, display_name: str) -> Actor:
    """Make an actor of this instance and its keys (FEDERATION.md 1.2, 1.3, 2.1).

    People and projects share one set of names, since `name@host` must mean one actor.

    Raises:
        Invalid: the name is taken (field `name`).
    """
    host = host_of(work.origin)
    if find_actor(work.session, name, host):
        raise Invalid(name=N_("Ce nom est déjà pris. Essayez-en un autre."))
    iri = work.origin + PATHS[kind].format(name)
    actor = Actor(
        iri=iri,
        kind=kind,
        name=name,
        host=host,
        local=True,
        display_name=display_name,
        url=iri,
        inbox=f"{iri}/inbox",
        shared_inbox=f"{work.origin}/inbox",
        outbox=f"{iri}/outbox",
        created_at=work.now,
    )
    work.session.add(actor)
    work.session.flush()
    for key in work.forge(iri, 1):
        work.session.add(
            Key(
                actor_id=actor.id,
                key_id=key.key_id,
                algorithm=key.algorithm,
                public=key.public,
                private=key.private,
                created_at=work.now,
            )
        )
    return actor


def find_actor(session: Session, name: str, host: str) -> Actor | None:
    """The actor known as `name@host`, names compared without case."""
    return session.scalar(select(Actor).where(Actor.name == name.lower(), Actor.host == host))
