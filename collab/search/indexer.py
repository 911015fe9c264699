"""From what happened to the index: the batch job `index`, and filling the index anew."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session, selectin_polymorphic
from sqlalchemy.sql.base import ExecutableOption

from collab.core.events import EventRow
from collab.core.jobs import Payload
from collab.search.port import Backend, BrokenIndex, Document
from collab.spaces.events import HostAsked, ItemPinned, ItemUnpinned, Reacted, Unreacted
from collab.spaces.models import Item, ItemState, Space
from collab.spaces.tool import Tools

log = logging.getLogger(__name__)

UNHEARD = (
    HostAsked.name, ItemPinned.name, ItemUnpinned.name, Reacted.name, Unreacted.name,
)  # fmt: skip
"""Events that change nothing that can be found."""
READ = 200
"""Items that are held in memory at a time while the index is filled."""

Progress = Callable[[int], None]


class Indexer:
    """Brings the index up to date with what was committed. Runs in the worker alone."""

    def __init__(self, tools: Tools, backend: Backend) -> None:
        self._tools = tools
        self._backend = backend

    def index(self, session: Session, payloads: Sequence[Payload]) -> None:
        """Batch job: one commit of the index for all items that these events are about.

        Each item once, as it is now; what is withdrawn or not confirmed is taken out. An index
        that is missing or broken is filled from the database instead.
        """
        events = [payload["event"] for payload in payloads]
        told = select(EventRow.item_id).where(
            EventRow.id.in_(events), EventRow.name.not_in(UNHEARD)
        )
        concerned = {item_id for item_id in session.scalars(told) if item_id is not None}
        if self.fill_if_wanted(session) or not concerned:
            return
        items = session.scalars(
            select(Item).where(Item.id.in_(concerned)).options(whole(self._tools))
        )
        puts = [d for item in items if (d := document_of(self._tools, item))]
        drops = concerned - {document.item_id for document in puts}
        try:
            self._backend.apply(session, puts, sorted(drops))
        except BrokenIndex:
            reindex(session, self._tools, self._backend)

    def fill_if_wanted(self, session: Session) -> bool:
        """Fill an index that is missing, broken or of an older version. True when it was."""
        if not self._backend.wants_filling(session):
            return False
        count = reindex(session, self._tools, self._backend)
        log.info("search index filled items=%d", count)
        return True


def reindex(
    session: Session, tools: Tools, backend: Backend, progress: Progress = lambda done: None
) -> int:
    """Make the whole index anew from the database; the old one answers until the new one does.

    `progress` hears the number of items done so far. Returns how many there are. The caller
    commits. Items are read in a session of their own, so that the caller's keeps what it holds
    and this one forgets as it goes. Raises OSError when the index cannot be written.
    """
    with Session(session.get_bind()) as reading:
        return backend.fill(session, _all(reading, tools, progress))


def _all(session: Session, tools: Tools, progress: Progress) -> Iterator[Document]:
    done, last = 0, 0
    page = (
        select(Item)
        .join(Space, Space.id == Item.space_id)
        .where(Item.withdrawn_at.is_(None), Space.deleted_at.is_(None))
        .order_by(Item.id)
        .limit(READ)
        .options(whole(tools))
    )
    while items := session.scalars(page.where(Item.id > last)).all():
        last = items[-1].id
        for item in items:
            document = document_of(tools, item)
            if document is not None:
                done += 1
                yield document
        session.expunge_all()
        progress(done)


def whole(tools: Tools) -> ExecutableOption:
    """A loader option: the columns of every kind at once, not one query per item."""
    return selectin_polymorphic(Item, [kind.model for kind in tools.kinds()])


def document_of(tools: Tools, item: Item) -> Document | None:
    """What can be found of an item; nothing for what is withdrawn, pending, refused or unknown."""
    if item.withdrawn_at is not None or item.state != ItemState.CONFIRMED:
        return None
    try:
        tool, kind = tools.of(item), tools.kind(item)
    except KeyError:
        return None
    return Document(
        item_id=item.id,
        space_id=item.space_id,
        tool=tool.name,
        title=item.title,
        text=kind.searchable(item),
        author_id=item.author_id,
        author_name=item.author.label,
        at=item.revised_at or item.created_at,
    )
