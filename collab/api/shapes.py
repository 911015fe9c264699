"""How things look in JSON."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from collab.people.models import Actor
from collab.spaces.hiding import VERSIONS, is_text_hidden
from collab.spaces.models import Item, Membership, Offer, Role, Space
from collab.spaces.policy import role_of
from collab.spaces.queries import following, standing
from collab.web.runtime import current_runtime
from collab.web.silence import silenced
from collab.web.view import dbsession

Json = dict[str, Any]


def instant(at: datetime | None) -> str | None:
    """An instant in RFC 3339, UTC."""
    return at.replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z" if at else None


def person(actor: Actor) -> Json:
    """A person, as others see them."""
    return {
        "id": actor.iri,
        "name": actor.name,
        "address": actor.address,
        "display_name": actor.label,
        "local": actor.local,
    }


def space(row: Space, viewer: Actor | None) -> Json:
    """A space, and how the viewer stands in it."""
    session = dbsession()
    held = standing(session, row, viewer)
    follows = following(session, row, viewer)
    return {
        "id": row.iri,
        "address": row.address,
        "slug": row.slug,
        "host": row.host,
        "local": row.local,
        "name": row.name,
        "purpose": {"why": row.why, "who": row.who, "how": row.how},
        "territory": row.territory,
        "insee_code": row.insee_code,
        "visibility": row.visibility,
        "join_policy": row.join_policy,
        "tools": row.tools,
        "created_at": instant(row.created_at),
        "archived_at": instant(row.archived_at),
        "url": current_runtime().settings.origin + row.url,
        "role": Role(role_of(session, row, viewer.id if viewer else None)).name.lower(),
        "membership": held.state if held else None,
        "following": (
            None if follows is None else "accepted" if follows.accepted_at else "pending"
        ),
    }


def item(row: Item) -> Json:
    """An item: the common properties, then what its room adds."""
    runtime, session = current_runtime(), dbsession()
    tool, kind = runtime.tools.of(row), runtime.tools.kind(row)
    doubt = row.kind in VERSIONS or silenced(row.author)
    hidden = doubt and is_text_hidden(session, row)
    gone = row.withdrawn_at is not None or hidden
    told: Json = {
        "id": row.uid,
        "iri": row.iri,
        "kind": row.kind,
        "tool": tool.name,
        "space": row.space.address,
        "title": "" if gone else row.title,
        "body": "" if gone else row.source,
        "html": "" if gone else row.html,
        "author": person(row.author),
        "created_at": instant(row.created_at),
        "updated_at": instant(row.revised_at),
        "revision": row.revision,
        "state": row.state,
        "state_reason": row.state_reason,
        "pinned": row.pinned_at is not None,
        "withdrawn_at": instant(row.withdrawn_at),
        "hidden": hidden,
        "url": runtime.settings.origin + (row.space.url if hidden else kind.url(row.space, row)),
    }
    return told if gone else told | kind.present(session, row)


def offer(row: Offer) -> Json:
    """A change that was proposed to the host of a remote space."""
    return {
        "offer": row.iri,
        "kind": row.kind,
        "space": row.space.address,
        "state": row.state,
        "reason": row.reason,
        "given": row.given,
        "created_at": instant(row.created_at),
        "answered_at": instant(row.answered_at),
    }


def member(row: Membership) -> Json:
    """A member, or somebody who asks."""
    return {
        "member": row.actor_id,
        "person": person(row.actor),
        "role": Role(row.role).name.lower(),
        "state": row.state,
        "note": row.note,
        "since": instant(row.since),
    }
