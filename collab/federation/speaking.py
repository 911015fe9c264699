"""What a project itself says in its log, and its effect on a mirror (FEDERATION.md 1.4-1.6)."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import select

from collab.core.errors import Missing, Problem
from collab.core.i18n import N_
from collab.core.work import Work
from collab.federation import blocks
from collab.federation.erasure import erase, says_erase
from collab.federation.grants import REPLACED, role_named
from collab.federation.holding import iri_of
from collab.federation.keyhistory import learn_keys
from collab.federation.voices import bring_back, take_back
from collab.people.models import Actor
from collab.people.queries import actor_by_iri
from collab.spaces import items
from collab.spaces.membership import membership
from collab.spaces.mirrors import redescribe, settle_membership
from collab.spaces.models import Item, MembershipState, Offer, OfferState, Space
from collab.spaces.offers import answer_offer
from collab.spaces.tool import Json, Tools


def by_project(work: Work, tools: Tools, space: Space, activity: Json) -> None:
    """Apply an activity whose actor is the project itself. Verbs we do not know are left alone.

    Raises:
        Problem: the operation refuses; the entry stands in the log without effect.
    """
    speak = VERBS.get(activity.get("type", ""))
    if speak:
        speak(work, tools, space, activity)
        _fulfil(work, space, activity)


def _fulfil(work: Work, space: Space, activity: Json) -> None:
    """The host has taken up an Offer made to this very project: tell the member who made it."""
    iri = activity.get("fulfills")
    if not isinstance(iri, str) or activity.get("type") == "Grant":
        return
    offer = work.session.scalar(select(Offer).where(Offer.iri == iri))
    if offer is None or offer.space_id != space.id:
        return
    if offer.state == OfferState.PENDING:
        answer_offer(work, offer, OfferState.ACCEPTED, "")


def _publish(work: Work, tools: Tools, space: Space, activity: Json) -> None:
    obj = activity["object"]
    if obj.get("id") == space.iri:
        redescribe(work, space, obj)
        learn_keys(work, space, activity)
        return
    kind = tools.claiming(obj, "commons")
    if kind is None:
        raise Missing(N_("Aucun outil d’ici ne comprend cet objet."))
    _as_editor(work, space, obj, str(activity["id"]))
    known = work.session.scalar(select(Item).where(Item.iri == obj["id"]))
    if known is None:
        kind.mapping.receive(work, space, obj)
    elif known.space_id == space.id:
        kind.mapping.revise(work, space, known, obj)
    else:
        raise Problem(N_("Cet objet est d’un autre projet."))


def _as_editor(work: Work, space: Space, obj: Json, cause: str) -> None:
    """The text of a common thing was written by a person: that person is shown as its author.

    Somebody of here only if they ever proposed something in this project: no other project can
    name them as the author of its texts.
    """
    revision = obj.get("revision")
    by = revision.get("by") if isinstance(revision, dict) else None
    editor = actor_by_iri(work.session, by) if isinstance(by, str) else None
    if editor is not None and (not editor.local or _has_offered(work, space, editor)):
        work.acting(editor, cause)


def _has_offered(work: Work, space: Space, editor: Actor) -> bool:
    made = select(Offer.id).where(Offer.space_id == space.id, Offer.actor_id == editor.id)
    return work.session.scalar(made.limit(1)) is not None


def _item(work: Work, space: Space, iri: object) -> Item:
    found = work.session.scalar(select(Item).where(Item.iri == str(iri), Item.space_id == space.id))
    if found is None:
        raise Missing(N_("Cette page n’existe pas, ou plus."))
    return found


def _delete(work: Work, tools: Tools, space: Space, activity: Json) -> None:
    obj = activity["object"]
    iri = str(obj["id"] if isinstance(obj, dict) else obj)
    item = work.session.scalar(select(Item).where(Item.iri == iri, Item.space_id == space.id))
    if item is None:
        return  # its words were erased before they came here
    if item.withdrawn_at is None:
        take_back(work, tools, space, item)
    if says_erase(activity):
        erase(work, item)


def _undo(work: Work, tools: Tools, space: Space, activity: Json) -> None:
    undone = activity["object"]
    blocks.apply(work, tools, space, activity)
    if undone.get("type") != "Delete":
        return
    obj = undone["object"]
    item = _item(work, space, obj["id"])
    if item.withdrawn_at is not None:
        bring_back(work, tools, space, item)


def _exclude(work: Work, tools: Tools, space: Space, activity: Json) -> None:
    blocks.apply(work, tools, space, activity)


def _feature(work: Work, tools: Tools, space: Space, activity: Json) -> None:
    if activity.get("target") == f"{space.iri}/featured":
        item = _item(work, space, activity["object"])
        items.pin(work, item, pinned=activity["type"] == "Add")


def _grant(work: Work, tools: Tools, space: Space, activity: Json) -> None:
    iri = str(activity["id"]).partition("#")[0]
    role = role_named(activity["object"])
    if not iri.startswith(f"{space.iri}/grants/"):
        raise Problem(N_("Ce rôle n’est pas compris."))
    member = _person(work, activity["target"])
    row = membership(work, space, member.id)
    asked = row is not None and row.join_iri and row.state != MembershipState.INVITED
    if member.local and not asked:
        raise Missing(N_("Cette personne n’est pas dans la liste, ou plus."))
    settle_membership(work, space, member, state=MembershipState.ACTIVE, role=role, grant_iri=iri)


def member_of(activity: Json) -> str:
    """Whom a Grant or a Revoke is about. The first Revokes named the person as their object."""
    target, context = iri_of(activity.get("target")), activity.get("context")
    return target if activity["type"] == "Grant" or context else iri_of(activity.get("object"))


def _revoke(work: Work, tools: Tools, space: Space, activity: Json) -> None:
    if activity.get("summary") == REPLACED:
        return  # an older Grant, in whose place there is another
    left = activity.get("summary") == "left"
    settle_membership(
        work, space, _person(work, member_of(activity)),
        state=MembershipState.LEFT if left else MembershipState.REMOVED,
    )  # fmt: skip


def _person(work: Work, iri: object) -> Actor:
    found = actor_by_iri(work.session, str(iri))
    if found is None:
        raise Missing(N_("Cette personne n’est pas connue ici."))
    return found


VERBS: dict[str, Callable[[Work, Tools, Space, Json], None]] = {
    "Create": _publish,
    "Update": _publish,
    "Delete": _delete,
    "Undo": _undo,
    "Add": _feature,
    "Remove": _feature,
    "Grant": _grant,
    "Revoke": _revoke,
    "Block": _exclude,
}
