"""What is new in a project, and where its copies stand, in words."""

from __future__ import annotations

from textwrap import shorten
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select

from collab.spaces.hiding import is_text_hidden, not_silenced
from collab.spaces.models import Item, Space
from collab.spaces.policy import shown_to
from collab.web.runtime import current_runtime
from collab.web.silence import silenced
from collab.web.view import dbsession, viewer

MOST = 12


def news_of(space: Space) -> list[dict[str, Any]]:
    """The newest threads and documents of a project, one line each, what moved last first."""
    newest = select(Item).where(
        Item.space_id == space.id, Item.withdrawn_at.is_(None), shown_to(viewer()), not_silenced()
    )
    rows = dbsession().scalars(newest.order_by(Item.created_at.desc(), Item.id.desc()).limit(60))
    lines: list[dict[str, Any]] = []
    seen: set[int] = set()
    for item in rows:
        kind = current_runtime().tools.kind(item)
        root: Item = kind.within(item) or item
        if root.id in seen or len(lines) == MOST:
            continue
        seen.add(root.id)
        url = kind.url(space, item)
        title = title_of(root)
        lines.append(
            {
                "url": url,
                "title": title,
                "what": _(current_runtime().tools.of(item).title),
                "author": item.author,
                "at": item.revised_at or item.created_at,
            }
        )
    return lines


def title_of(root: Item) -> str:
    """What to call something in a list; what is hidden here is not named (R36)."""
    if silenced(root.author) and is_text_hidden(dbsession(), root):
        return str(_("Texte caché"))
    return root.title or shorten(root.source, 80, placeholder=" …")


def copies_of(space: Space) -> list[dict[str, Any]]:
    """The instances that hold a copy of a project of ours, and how far behind each is."""
    return current_runtime().network.copies(space)


def mirror_in_words(space: Space) -> str:
    """How complete our copy of a remote project is."""
    return current_runtime().network.mirror_words(space)
