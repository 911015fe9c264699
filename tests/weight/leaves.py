"""The pages that there are: found by following links, as each reader has them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from urllib.parse import urlsplit

from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect

from weight.ground import Ground

READERS = ("", "bob", "ada")
EACH = 2
"""Pages of one type that are looked at for each reader, to find the heaviest."""
KINDS = {
    "discussion.thread": "thread",
    "site.home": "list",
    "discussion.index": "list",
    "search.search": "list",
    "pages.tree": "list",
    "pages.history": "list",
    "spaces.list_members": "list",
    "looks.styleguide": "parts",
}
DESKS = ("admin.", "peers.", "people.", "reports.of_", "reports.one")
"""Where the tables of those who look after a site are."""
LIGHT = {"Save-Data": "on"}


@dataclass(frozen=True)
class Leaf:
    """The heaviest page found of one type for one reader."""

    endpoint: str
    reader: str
    path: str
    elements: int
    light: bool = False

    @property
    def kind(self) -> str:
        usual = "admin" if self.endpoint.startswith(DESKS) else "reading"
        kind = KINDS.get(self.endpoint, usual)
        return "light" if self.light and kind != "parts" else kind


class Read(HTMLParser):
    """Counts the elements of a page and gathers its links."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements, self.links = 0, []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.elements += 1
        if tag == "a":
            self.links.append(dict(attrs).get("href") or "")


def asking(ground: Ground, reader: str, light: bool) -> dict[str, str]:
    """The headers of that reader's browser."""
    known = dict([ground.cookies[reader].split(": ", 1)]) if reader else {}
    return known | (LIGHT if light else {})


def leaves(ground: Ground, readers: Iterable[str] = READERS, *, light: bool = False) -> list[Leaf]:
    """The heaviest page of every type that links lead to, for each reader."""
    return [leaf for reader in readers for leaf in walk(ground, reader, light)]


def walk(ground: Ground, reader: str, light: bool) -> Iterator[Leaf]:
    """Follow the links of the pages that this reader sees, a few of each type."""
    routes = ground.house.app.url_map.bind(urlsplit(ground.url).netloc)
    client = ground.house.app.test_client(use_cookies=False)
    headers = asking(ground, reader, light)
    found: dict[str, list[Leaf]] = {}
    ahead, seen = [*ground.seeds, "/"], set()
    while ahead:
        path = ahead.pop(0)
        try:
            endpoint, _ = routes.match(path.partition("?")[0])
        except RequestRedirect:
            continue
        except HTTPException:
            endpoint = "error"
        if path in seen or len(found.get(endpoint, ())) >= EACH:
            continue
        seen.add(path)
        answer = client.get(path, headers=headers)
        if answer.mimetype != "text/html" or answer.status_code not in (200, 404):
            continue
        page = Read(answer.get_data(as_text=True))
        kind = endpoint if answer.status_code == 200 else "error"
        found.setdefault(kind, []).append(Leaf(kind, reader, path, page.elements, light))
        ahead += [link for link in map(local, page.links) if link]
    for kind in sorted(found):
        yield max(found[kind], key=lambda leaf: leaf.elements)


def local(link: str) -> str:
    """An address of this site without its fragment; "" for anything else."""
    return link.partition("#")[0] if link.startswith("/") and not link.startswith("//") else ""
