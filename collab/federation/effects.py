"""What one entry of a remote log does to our copy: as its author, and only what it proves."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import select
from sqlalchemy.orm import Session

from collab.core.errors import Invalid, Problem
from collab.core.work import Work
from collab.federation import voices
from collab.federation.chain import Link
from collab.federation.hosts import same_origin
from collab.federation.house import Federation
from collab.federation.speaking import by_project
from collab.federation.unapplied import Failed
from collab.people.models import Actor, Key
from collab.people.queries import actor_by_iri
from collab.spaces.models import Item, Space
from collab.spaces.tool import Json, Tools


def effect_of(
    federation: Federation,
    work: Work,
    space: Space,
    link: Link,
    people: dict[str, Actor | None] | None = None,
) -> Failed | None:
    """Apply one entry; why it could not be, or None. `people`: who was looked up already."""
    if link.doubt:
        return Failed("proof", link.doubt)
    body, people = link.body, {} if people is None else people
    if body is None:
        return _hold_place(federation.runtime.tools, work, space, link.left or {}, people)
    iri = str(body.get("actor"))
    actor = _known(work.session, iri, people)
    if actor is None:
        return Failed("author", iri)
    if link.trust == "http" and _proves(work.session, actor):
        return Failed("proof", "proof is missing")
    work.acting(actor, str(body.get("id")))
    tools = federation.runtime.tools
    if actor.id == space.actor_id:
        return _attempted(work, lambda: by_project(work, tools, space, body))
    return _attempted(work, lambda: voices.apply(work, tools, space, body))


def _attempted(work: Work, act: Callable[[], object]) -> Failed | None:
    try:
        with work.attempt():
            act()
    except Invalid as invalid:
        return Failed("refused", " ".join(invalid.fields.values()))
    except Problem as problem:
        return Failed("refused", problem.message)
    except (KeyError, TypeError, ValueError, AttributeError) as odd:
        return Failed("odd", repr(odd))
    return None


def _known(session: Session, iri: str, people: dict[str, Actor | None]) -> Actor | None:
    if iri not in people:
        people[iri] = actor_by_iri(session, iri)
    return people[iri]


def _hold_place(
    tools: Tools, work: Work, space: Space, left: Json, people: dict[str, Actor | None]
) -> Failed | None:
    """Keep the place of words that were erased before they came, for what answers them.

    The host says whose they were, and nothing signs it: nobody of here is named by it, and nobody
    by another host than the words' own. In doubt the project itself stands there.
    """
    kind, iri, owner = tools.leaving(left), str(left.get("id")), str(left.get("attributedTo"))
    remain = kind.mapping.remain if kind is not None else None
    known = select(Item.id).where(Item.iri == iri)
    if remain is None or work.session.scalar(known) is not None:
        return None
    author = _known(work.session, owner, people) if same_origin(owner, iri) else None
    work.acting(space.actor if author is None or author.local else author, None)
    return _attempted(work, lambda: remain(work, space, left))


def _proves(session: Session, actor: Actor) -> bool:
    """Whether an actor has an Ed25519 key, with which all their words are signed (2.5).

    A project's host cannot put words into their mouth by saying that they came without a proof.
    """
    held = select(Key.id).where(
        Key.actor_id == actor.id, Key.algorithm == "ed25519", Key.revoked_at.is_(None)
    )
    return session.scalar(held.limit(1)) is not None
