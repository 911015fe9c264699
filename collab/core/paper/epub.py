"""EPUB 3 by EbookLib: a document as a small book, for readers and for reading aloud."""

from __future__ import annotations

import io
from html import escape
from typing import Any

from ebooklib import epub

from collab.core.paper.reading import Block, Run, text_of
from collab.core.paper.square import picture

TAGS = {
    "strong": "strong", "em": "em", "code": "code", "struck": "s", "under": "u", "mark": "mark",
    "sub": "sub", "sup": "sup",
}  # fmt: skip
LOOK = """
body { font-family: serif; line-height: 1.5; margin: 0 5%; }
h1, h2, h3, h4, h5, h6 { line-height: 1.2; }
table { border-collapse: collapse; } td, th { border-bottom: 1px solid #999; padding: .3em .5em; }
blockquote { border-inline-start: .2em solid #d1922a; padding-inline-start: 1em; margin-inline: 0; }
pre { white-space: pre-wrap; } .soft { opacity: .8; }
.inset { margin-inline-start: 1.5em; }
.online { border-block-start: 1px solid #999; margin-block-start: 3em; padding-block-start: 1em; }
.online img { width: 7em; height: 7em; }
"""


def epub_of(data: dict[str, Any]) -> bytes:
    """The document as an EPUB 3 file."""
    book = epub.EpubBook()
    book.set_identifier(data["address"])
    book.set_title(data["title"])
    book.set_language(data["lang"])
    book.set_direction(data["dir"])
    for number, author in enumerate(data["authors"]):
        book.add_author(author, uid=f"creator{number}")
    for name, value in (("publisher", data["space"]), ("description", data["description"])):
        if value:
            book.add_metadata("DC", name, value)
    book.add_metadata("DC", "source", data["address"])
    for mode in ("textual", "visual"):
        book.add_metadata(None, "meta", mode, {"property": "schema:accessMode"})
    style = epub.EpubItem("look", "look.css", "text/css", LOOK.encode())
    square = epub.EpubImage("square", "square.png", "image/png", picture(data["address"]))
    text = epub.EpubHtml("text", "text.xhtml", title=data["title"], lang=data["lang"])
    text.direction = data["dir"]
    text.content, contents = _text(data)
    text.add_item(style)
    for item in (style, square, text, epub.EpubNcx(), epub.EpubNav(title=data["title"])):
        book.add_item(item)
    book.toc = contents or [epub.Link("text.xhtml", data["title"], "top")]
    book.spine = [text]
    out = io.BytesIO()
    epub.write_epub(out, book, {"raise_exceptions": True, "epub3_pages": False})
    return out.getvalue()


def _text(data: dict[str, Any]) -> tuple[str, list[epub.Link]]:
    """The whole text, and where its chapters are."""
    contents: list[epub.Link] = []
    for number, block in enumerate(data["blocks"], 1):
        if block["t"] == "heading":
            block["id"] = block["id"] or f"part-{number}"
            if block["level"] == 1:
                words = text_of(block["runs"])
                contents.append(epub.Link(f"text.xhtml#{block['id']}", words, f"toc{number}"))
    words = data["words"]
    soft = "".join(
        f'<p class="soft">{_safe(s)}</p>' for s in (data["description"], data["byline"]) if s
    )
    body = "".join(map(_block, data["blocks"]))
    ending = (
        f'<section class="online"><p><img src="square.png" alt="{_safe(words["qr"])}"/></p>'
        f"<p><strong>{_safe(words['online'])}</strong> "
        f'<a href="{_safe(data["address"])}" dir="ltr">{_safe(data["shown"])}</a></p>'
        f'<p class="soft">{_safe(words["taken"])}</p></section>'
    )
    title = f'<h1 dir="{data["dir"]}">{_safe(data["title"])}</h1>'
    return f"<html><body>{title}{soft}{body}{ending}</body></html>", contents


def _safe(words: str) -> str:
    return escape(words)


def _block(block: Block) -> str:
    kind = block["t"]
    if kind == "heading":
        level = min(block["level"] + 1, 6)
        inside = _line(block["runs"])
        return f'<h{level} id="{_safe(block["id"])}" dir="{block["dir"]}">{inside}</h{level}>'
    if kind == "para":
        return f'<p dir="{block["dir"]}">{_line(block["runs"])}</p>'
    if kind == "list":
        tag = f'ol start="{block["start"]}"' if block["ordered"] else "ul"
        items = "".join(f"<li>{''.join(map(_block, inside))}</li>" for inside in block["items"])
        return f"<{tag}>{items}</{tag[:2]}>"
    if kind in {"quote", "inset"}:
        opened, closed = (
            ("blockquote", "blockquote") if kind == "quote" else ('div class="inset"', "div")
        )
        return f"<{opened}>{''.join(map(_block, block['blocks']))}</{closed}>"
    if kind == "table":
        return _table(block)
    return f'<pre dir="ltr">{_safe(block["text"])}</pre>' if kind == "code" else "<hr/>"


def _table(block: Block) -> str:
    caption = f"<caption>{_safe(block['caption'])}</caption>" if block["caption"] else ""
    rows = "".join(f"<tr>{''.join(map(_cell, row))}</tr>" for row in block["rows"])
    return f"<table>{caption}{rows}</table>"


def _cell(cell: Block) -> str:
    tag = "th" if cell["head"] else "td"
    align = f' style="text-align: {cell["align"]}"' if cell["align"] else ""
    return f'<{tag} dir="{cell["dir"]}"{align}>{_line(cell["runs"])}</{tag}>'


def _line(runs: list[Run]) -> str:
    return "".join("<br/>" if run.get("br") else _run(run) for run in runs)


def _run(run: Run) -> str:
    made = _safe(run["s"])
    for mark in run["m"]:
        made = f"<{TAGS[mark]}>{made}</{TAGS[mark]}>"
    return f'<a href="{_safe(run["href"])}">{made}</a>' if run.get("href") else made
