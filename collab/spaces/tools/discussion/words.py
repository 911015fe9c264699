"""The words of a message as they are shown, and who they name."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from collab.core.i18n import N_
from collab.core.markup import render
from collab.core.work import Work
from collab.people.actors import host_of
from collab.people.models import Actor
from collab.spaces.models import Membership, MembershipState, Space
from collab.spaces.tools.discussion.inputs import Received
from collab.spaces.tools.discussion.models import Mentioned

MAX_MENTIONS = 50
"""Different names looked up in one message; the others stay words."""
UNWRITTEN = f"<p>{N_('Message vocal, non transcrit.')}</p>"
"""What readers of other software see in the place of words that are only heard; ours say it in
their reader's language."""


def shown_words(
    work: Work, space: Space, body: str, received: Received | None
) -> tuple[str, list[Mentioned]]:
    """Safe HTML of a message, and who it names among the people of the space.

    A recording whose words nobody has written has UNWRITTEN in their place.
    """
    if received:
        return received.html, received.mentions
    host = host_of(work.origin)
    named: dict[str, Actor | None] = {}

    def address(name: str) -> str | None:
        key = name.lower()
        if key not in named and len(named) < MAX_MENTIONS:
            named[key] = _person(work.session, space, key, host)
        person = named.get(key)
        return f"/u/{person.name if person.local else person.address}" if person else None

    html = (
        UNWRITTEN
        if not body.strip()
        else render(body, mentions=address, own_host=host, breaks=True, heading_base=3)
    )
    people = {p.iri: f"@{p.address}" for p in named.values() if p}
    return html, [{"iri": iri, "name": name} for iri, name in people.items()]


def _person(session: Session, space: Space, name: str, own_host: str) -> Actor | None:
    """Who `name` or `name@host` is in this space; somebody of here before somebody of elsewhere.

    Nobody when two people of other instances have the same name.
    """
    alias, _, host = name.partition("@")
    here = (
        select(Actor)
        .join(Membership, Membership.actor_id == Actor.id)
        .where(
            Membership.space_id == space.id,
            Membership.state == MembershipState.ACTIVE,
            func.lower(Actor.name) == alias,
        )
    )
    if host:
        return session.scalar(here.where(Actor.host == host))
    found = session.scalars(here.limit(20)).all()
    own = [actor for actor in found if actor.host == own_host]
    return own[0] if own else (found[0] if len(found) == 1 else None)
