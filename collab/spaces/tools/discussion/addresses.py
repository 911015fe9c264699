"""Where on this instance's pages a message stands."""

from __future__ import annotations

from sqlalchemy.orm import Session

from collab.people.models import Actor
from collab.spaces.models import Space
from collab.spaces.tools.discussion.models import Said, Thread
from collab.spaces.tools.discussion.queries import page_of


def place(session: Session, viewer: Actor | None, space: Space, item: Said) -> str:
    """The address of an item on the right page of its thread, for this viewer."""
    if isinstance(item, Thread):
        return f"{space.url}/discussion/{item.uid}/#m-{item.uid}"
    number = page_of(session, item, viewer)
    page = f"?page={number}" if number > 1 else ""
    return f"{space.url}/discussion/{item.thread.uid}/{page}#m-{item.uid}"
