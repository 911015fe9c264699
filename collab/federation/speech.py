"""Verbs about people's words, as they arrive at the host of a project."""

from __future__ import annotations

from contextlib import suppress

from sqlalchemy import select

from collab.core.errors import Conflict, Forbidden, Missing
from collab.core.i18n import N_
from collab.federation import voices
from collab.federation.holding import bury
from collab.federation.hosts import same_origin
from collab.federation.inbox import Case, id_of, on
from collab.federation.membership import LIMITED, unblock, unfollow
from collab.people.models import Actor
from collab.spaces.items import by_iri
from collab.spaces.membership import leave
from collab.spaces.models import (
    Item,
    Membership,
    MembershipState,
    Reaction,
    Role,
    Space,
    Visibility,
)
from collab.spaces.policy import is_guest, may_know, may_read, role_of

MANY = 50


@on("Create", "Update", "Delete", "Like", "EmojiReact")
def speak(case: Case) -> None:
    """Words of somebody elsewhere; an actor's word about themselves was dealt with before."""
    if case.thing == case.actor.iri:
        if case.activity["type"] == "Delete":
            _gone(case)
        return
    case.federation.require_peer(case.actor.host)
    space = _space_of(case)
    if space is None:
        _nowhere(case)
        return
    if is_guest(case.work, space) and case.federation.is_limited(case.actor.host):
        _require_known(case, space)
    voices.apply(case.work, case.federation.runtime.tools, space, case.activity)


def _require_known(case: Case, space: Space) -> None:
    """From an instance that the administrators limited, only members of the project speak."""
    if role_of(case.work.session, space, case.actor.id) < Role.MEMBER:
        raise Forbidden(LIMITED)


def _nowhere(case: Case) -> None:
    """Words about nothing we hold: what is taken back before it came stays away (R47)."""
    if case.activity["type"] in ("Create", "Like", "EmojiReact"):
        raise Missing(N_("Ce texte ne s’adresse à aucun projet d’ici."))
    if case.activity["type"] == "Delete" and same_origin(case.thing, case.actor.iri):
        bury(case.work, case.thing)


@on("Undo")
def undo(case: Case) -> None:
    """Take back a Follow, a Join, an exclusion, or words."""
    kind = case.inner.get("type")
    if kind is not None and case.inner.get("actor") != case.actor.iri:
        raise Missing(N_("Cette page n’existe pas, ou plus."))
    if kind == "Join":
        leave(case.work, case.hosted(id_of(case.inner.get("object"))))
        return
    if kind == "Block":
        unblock(case)
        return
    if kind in (None, "Follow"):
        unfollow(case, case.thing, id_of(case.inner.get("object")))
    if kind != "Follow":
        space = _space_of(case)
        if space is not None:
            voices.apply(case.work, case.federation.runtime.tools, space, case.activity)


def _gone(case: Case) -> None:
    """An actor deletes themselves: they act no more, and their places end, which projects say to
    all with a Revoke; what they wrote stays with its projects."""
    case.actor.deleted_at = case.actor.deleted_at or case.work.now
    held = (
        select(Space)
        .join(Membership, Membership.space_id == Space.id)
        .where(
            Membership.actor_id == case.actor.id,
            Membership.state.in_((MembershipState.ACTIVE, MembershipState.REQUESTED)),
            Space.local,
            Space.deleted_at.is_(None),
        )
        .order_by(Space.id)
    )
    for space in case.work.session.scalars(held).all():
        # The one person in charge stays on the list, so that members see whom they miss; nobody
        # reads by that place (policy.host_has_member).
        with suppress(Conflict):
            leave(case.work, space)


def _space_of(case: Case) -> Space | None:
    """The project of ours that an activity is about: that of the thing spoken of, else of what it
    answers, else the one it is addressed to."""
    undone = case.activity["type"] == "Undo"
    about = case.inner.get("object") if undone else case.thing
    thing = about if undone and isinstance(about, dict) else case.inner
    for iri in (id_of(about), id_of(thing.get("inReplyTo"))):
        found = _of_item(case, iri)
        if found is not None:
            return found
    if undone and case.inner.get("type") != "Delete":
        return _of_reaction(case, case.thing)
    return _addressed(case)


def _of_item(case: Case, iri: str) -> Space | None:
    if not iri:
        return None
    item = by_iri(case.work, iri)
    return _ours(case, item.space_id, item.author_id) if item else None


def _of_reaction(case: Case, iri: str) -> Space | None:
    found = select(Reaction).where(Reaction.iri == iri)
    reaction = case.work.session.scalar(found)
    if reaction is None:
        return None
    item = case.work.session.get_one(Item, reaction.item_id)
    return _ours(case, item.space_id, reaction.actor_id)


def _ours(case: Case, space_id: int, author: int) -> Space | None:
    """The project of ours that a thing is in; for who may not read it there is none (R33), but
    for the thing's own author."""
    session = case.work.session
    space = session.get(Space, space_id)
    if space is None or not space.local or not space.federates or space.deleted_at:
        return None
    known = author == case.actor.id or space.visibility == Visibility.PUBLIC
    return space if known or may_read(session, space, case.actor) else None


def _addressed(case: Case) -> Space | None:
    named: list[str] = []
    for part in (case.activity, case.inner):
        named.append(id_of(part.get("audience")))
        for name in ("to", "cc"):
            value = part.get(name)
            named += [id_of(one) for one in (value if isinstance(value, list) else [value])][:MANY]
    wanted = {iri for iri in named if iri} | {
        iri.removesuffix("/members") for iri in named if iri.endswith("/members")
    }
    rows = case.work.session.scalars(
        select(Space)
        .join(Actor, Actor.id == Space.actor_id)
        .where(Actor.iri.in_(wanted), Space.local, Space.deleted_at.is_(None))
        .order_by(Space.id)
    )
    known = (s for s in rows if s.federates and may_know(case.work.session, s, case.actor))
    return next(known, None)
