"""The style sheets of a page: linked, or written into the page for a browser that just arrived.

A browser that comes from elsewhere has nothing of this site yet. What it would wait for longest on
a slow network is not bytes but one more time there and back: so its first page carries the style
sheet, and its first content waits for nothing else. The policy allows these very words by their
hash, no other style in a page. From then on the browser has the file: the service worker keeps it,
and links within the site, and pages that the browser has seen, lead to pages that name it.

Both forms of a page are the same page: they have one ETag (compression.py), and both carry the
hashes, for an answer 304 gives a kept page its headers.
"""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode
from dataclasses import dataclass
from functools import cache

from flask import Flask, g, request
from markupsafe import Markup, escape

from collab.web.assets import asset, read

FROM_ELSEWHERE = frozenset({"none", "cross-site", "same-site"})
"""What Sec-Fetch-Site says of whoever typed the address, or followed a link of another site."""
NOTES = re.compile(r'("[^"]*")|/\*.*?\*/', re.DOTALL)
SPARE = re.compile(r'("[^"]*")|\s*([{};,])\s*|(:)\s+')


@dataclass(frozen=True)
class Dress:
    """The style sheets of the page that is being answered."""

    written: str
    linked: str
    hashes: str
    """For the policy: `'sha256-…'`, with a space before each."""


def register(app: Flask) -> None:
    """Give templates `sheets(look, colours)`."""
    app.jinja_env.globals["sheets"] = sheets


def sheets(look: str = "", colours: str = "") -> Markup:
    """The style sheets of this page.

    Args:
        look: the address of the colours of this instance; "" when it has the usual ones.
        colours: the same as a style sheet.
    """
    both = [(asset("collab.css"), slim("collab.css"))]
    both += [(look, colours)] if look else []
    g.dress = Dress(
        "".join(f"<style>{text}</style>" for _address, text in both),
        "".join(f'<link rel="stylesheet" href="{escape(address)}">' for address, _text in both),
        "".join(f" '{_hash(text)}'" for _address, text in both),
    )
    return Markup(g.dress.written if arriving() else g.dress.linked)  # noqa: S704 - our own files


def arriving() -> bool:
    """Whether the browser comes from elsewhere, for a page that it does not have already."""
    headers = request.headers
    return (
        headers.get("Sec-Fetch-Dest") == "document"
        and headers.get("Sec-Fetch-Site") in FROM_ELSEWHERE
        and "If-None-Match" not in headers
    )


@cache
def slim(name: str) -> str:
    """A style sheet without its notes and the spaces that mean nothing."""
    text = NOTES.sub(lambda found: found[1] or "", read(name)[0].decode())
    kept = SPARE.sub(lambda found: found[1] or found[2] or found[3], text)
    return kept.strip().replace(";}", "}")


@cache
def _hash(text: str) -> str:
    return "sha256-" + b64encode(hashlib.sha256(text.encode()).digest()).decode()
