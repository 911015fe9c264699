"""What a page costs, reckoned without a browser: as cheap as asking for it twice.

Nearly what `weight.scales` finds in Chromium, which test_weight.py compares.
"""

from __future__ import annotations

from html.parser import HTMLParser

import brotli
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from weight.ground import Ground
from weight.leaves import Leaf, asking
from weight.scales import Weight

ARRIVING = {"Sec-Fetch-Dest": "document", "Sec-Fetch-Site": "none"}
CODINGS = {"Accept-Encoding": "gzip, deflate, br, zstd"}
NAMES = {"script": ("src", "data-src"), "img": ("src",), "use": ("href",)}
"""What asks for a file, and by which attributes; the style is in the page at a first visit."""
STATUS = len("HTTP/1.1 200 OK\r\n\r\n")


class Named(HTMLParser):
    """Counts the elements of a page and gathers the files that it names."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements = 0
        self.files: set[str] = set()
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.elements += 1
        told = dict(attrs)
        named = [(told.get(name) or "").partition("#")[0] for name in NAMES.get(tag, ())]
        self.files |= {name for name in named if name.startswith("/")}


class Reckoner:
    """Asks as a browser does; files are asked for once."""

    def __init__(self, ground: Ground) -> None:
        self.ground = ground
        self.client: FlaskClient = ground.house.app.test_client(use_cookies=False)
        self.sizes: dict[str, int] = {}

    def reckon(self, leaf: Leaf) -> Weight:
        """A first visit, and the next one, when every file is kept."""
        headers = asking(self.ground, leaf.reader, leaf.light) | CODINGS
        first = self.client.get(leaf.path, headers=headers | ARRIVING)
        then = self.client.get(leaf.path, headers=headers)
        assert then.headers["Content-Encoding"] == "br"
        page = Named(brotli.decompress(then.data).decode())
        return Weight(
            elements=page.elements,
            requests=1 + len(page.files),
            first=size_of(first) + sum(map(self.file, page.files)),
            next=size_of(then),
            script=sum(self.file(name) for name in page.files if name.endswith(".js")),
        )

    def file(self, name: str) -> int:
        if name not in self.sizes:
            self.sizes[name] = size_of(self.client.get(name, headers=CODINGS))
        return self.sizes[name]


def size_of(answer: TestResponse) -> int:
    """Its bytes on the wire, with the headers."""
    heads = sum(len(name) + len(value) + len(": \r\n") for name, value in answer.headers)
    return STATUS + heads + len(answer.data)
