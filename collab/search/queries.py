"""Reading the index on behalf of somebody: their spaces only, every hit checked once more."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from markupsafe import Markup
from sqlalchemy import select
from sqlalchemy.orm import Session, joinedload

from collab.people.models import Actor
from collab.search.indexer import whole
from collab.search.port import Backend, Hit, Query
from collab.search.question import read
from collab.spaces.hiding import is_text_hidden, not_silenced
from collab.spaces.models import Item, ItemState
from collab.spaces.queries import visible_space_ids
from collab.spaces.tool import Tools
from collab.web.searching import MOST, Answer, Asked, Result


class Finder:
    """`web.searching.Search`: one backend, and the rooms whose items it finds."""

    def __init__(self, tools: Tools, backend: Backend) -> None:
        self._tools = tools
        self._backend = backend

    def find(self, session: Session, viewer: Actor | None, asked: Asked) -> Answer:
        """See `search_items`."""
        return search_items(session, viewer, asked, tools=self._tools, backend=self._backend)


def search_items(
    session: Session, viewer: Actor | None, asked: Asked, *, tools: Tools, backend: Backend
) -> Answer:
    """What `viewer` may read and asked for.

    The backend is given the ids of the visible spaces and looks nowhere else; what it finds is
    checked against the database again, because the index is up to a second behind it.
    """
    visible = set(visible_space_ids(session, viewer))
    within = visible if asked.space is None else visible & {asked.space.id}
    found = backend.find(
        session,
        Query(
            words=asked.words,
            spaces=sorted(within),
            tool=asked.tool,
            author=asked.author.id if asked.author else None,
            since=asked.since,
            until=asked.until,
            order=asked.order,
            limit=min(max(asked.limit, 1), MOST),
            cursor=asked.cursor,
        ),
    )
    results = tuple(_checked(session, tools, found.hits, within))
    return Answer(
        results=results,
        total=found.total - (len(found.hits) - len(results)),
        next_cursor=found.next_cursor,
        suggestion=found.suggestion,
        relaxed=found.relaxed,
        common=read(asked.words).empty,
        ready=found.ready,
    )


def _title_of(session: Session, above: Item | None) -> str:
    """The title of what a hit stands in; "" when that is hidden."""
    return "" if above is None or is_text_hidden(session, above) else above.title


def _checked(
    session: Session, tools: Tools, hits: Sequence[Hit], visible: set[int]
) -> Iterator[Result]:
    """The hits that are still there and still visible, with the item behind each."""
    wanted = (
        select(Item)
        .where(
            Item.id.in_([hit.item_id for hit in hits]),
            Item.space_id.in_(visible),
            Item.withdrawn_at.is_(None),
            Item.state == ItemState.CONFIRMED,
            not_silenced(),
        )
        .options(whole(tools), joinedload(Item.space))
    )
    items = {item.id: item for item in session.scalars(wanted)} if hits else {}
    for hit in hits:
        item = items.get(hit.item_id)
        if item is None:
            continue
        kind = tools.kind(item)
        above = kind.within(item)
        if above is not None and above.withdrawn_at is not None:
            continue
        yield Result(
            item=item,
            space=item.space,
            tool=tools.of(item),
            url=kind.url(item.space, item),
            title=Markup(hit.title_html or escape(_title_of(session, above))),  # noqa: S704
            excerpt=Markup(hit.excerpt_html),  # noqa: S704
        )
