"""The place of words that were erased for good before this copy had them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from collab.core.errors import Forbidden
from collab.core.i18n import N_
from collab.core.work import Work
from collab.spaces.models import Revision, Space
from collab.spaces.tools.discussion.models import Message, Said, Thread


@dataclass(frozen=True)
class HoldPlace:
    """Where they stood: in `thread`, in answer to `answered`; no thread when they opened one."""

    uid: str
    iri: str
    at: datetime
    thread: Thread | None = None
    answered: Message | None = None


def hold_place(work: Work, space: Space, given: HoldPlace) -> Said:
    """Make the tombstone of erased words on a copy, so that what answers them has its place.

    It says what the host's says: who, when, and nothing else. No event: nothing is new.

    Raises:
        Forbidden: it is not the project's host that says so.
    """
    if not work.mirrored or space.local:
        raise Forbidden(N_("Cela se fait sur l’instance qui héberge le projet."))
    item = _made(work, space, given)
    item.withdrawn_at = item.erased_at = work.now
    work.add(item)
    work.remember("item", item.iri, item)
    work.remember("uid", item.uid, item)
    work.write(
        Revision, item_id=item.id, number=1, author_id=item.author_id, source="", version="",
        at=given.at,
    )  # fmt: skip
    return item


def _made(work: Work, space: Space, given: HoldPlace) -> Said:
    if given.thread is None:
        item: Said = Thread(last_at=given.at)
    else:
        answered = given.answered.id if given.answered else None
        item = Message(thread_id=given.thread.id, reply_to_id=answered)
    item.uid, item.iri, item.created_at = given.uid, given.iri, given.at
    item.space_id, item.author_id = space.id, work.actor.id
    return item
