"""Mobilizon: a group with events, which is there only when all its collections are.

`lib/federation/activity_pub/refresher.ex`, `activity_stream/converter/actor.ex`: seven collections
are asked for one after the other; the first that is missing or has neither items nor a first page
ends it. Of a first page no next one is followed.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from federation.readers import Fetch, Json

COLLECTIONS = ("members", "resources", "posts", "todos", "discussions", "events")


class NotRefreshed(Exception):
    """The group is not taken in."""


@dataclass
class Mobilizon:
    """One server on which somebody looks a group up."""

    fetch: Fetch
    found: dict[str, list[object]] = field(default_factory=dict)

    def refresh(self, group: str) -> str:
        """Take a group in; its name. Raises NotRefreshed as the refresher gives up."""
        told = self._get(group)
        if told["type"] != "Group":
            raise NotRefreshed("type")
        urls = {"outbox": told.get("outbox")}
        urls |= {name: told["endpoints"].get(name) for name in COLLECTIONS}
        for name, url in urls.items():
            if not url:
                raise NotRefreshed(f"collection_url_nil {name}")
            self.found[name] = self._items(self._get(url))
        return told["name"]

    def _items(self, page: Json) -> list[object]:
        if page["type"] in ("OrderedCollection", "OrderedCollectionPage"):
            for name in ("orderedItems", "items"):
                if name in page:
                    return page[name]
        first = page.get("first")
        if page["type"] == "OrderedCollection" and first is not None:
            return self._items(first if isinstance(first, dict) else self._get(first))
        raise NotRefreshed("process_error")

    def _get(self, url: str) -> Json:
        answer = self.fetch(url)
        if answer.status != 200 or answer.body is None:
            raise NotRefreshed(f"fetch_error {url}")
        return answer.body
