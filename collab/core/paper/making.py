"""What each kind of file is made by."""

from __future__ import annotations

from typing import Any

from collab.core.paper.epub import epub_of
from collab.core.paper.odt import odt_of
from collab.core.paper.pdf import pdf_of
from collab.core.paper.reading import blocks_of, noted
from collab.core.paper.square import drawing
from collab.core.paper.words import bound, direction, language


def make(kind: str, form: str, data: dict[str, Any]) -> tuple[bytes, bool]:
    """The bytes of a file, and whether it is a PDF that keeps PDF/UA-1.

    A `document` comes with its `html`; whatever else a form wants is in `data` already.
    """
    ready = read(data) if form == "document" else data
    if kind == "odt":
        return odt_of(ready), False
    if kind == "epub":
        return epub_of(ready), False
    return pdf_of(form, ready)


def read(data: dict[str, Any]) -> dict[str, Any]:
    """A document with its blocks in the place of its HTML, and its language and direction."""
    html = data.pop("html")
    spoken = data["language"] or language(data["plain"], data["lang"])
    french = spoken.startswith("fr")
    title = bound(data["title"]) if french else data["title"]
    blocks = noted(blocks_of(html, base=data["base"], french=french))
    about = {"blocks": blocks, "lang": spoken, "title": title, "dir": direction(title)}
    return data | about | {"qr": drawing(data["address"])}
