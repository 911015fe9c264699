"""Markdown to safe HTML, HTML of other instances to safe HTML, and either to plain text.

Rendering happens when a text is written, never when it is read. Time is linear in the length of
the text whatever it holds, and no page this makes asks a third party for anything by itself.
"""

from __future__ import annotations

import re
from html import escape
from xml.etree.ElementTree import Element

from markdown import Markdown
from markdown.extensions.tables import TableExtension
from markdown.inlinepatterns import HtmlInlineProcessor
from markdown.treeprocessors import Treeprocessor

from collab.core.letters import fold
from collab.core.markup.clean import ID_PREFIX, clean, is_fixed
from collab.core.markup.inline import (
    Addresses,
    CodeSpans,
    Links,
    Mentions,
    PageLinks,
    Resolver,
)
from collab.core.markup.lines import BACK, STAND_INS, SetApart
from collab.core.markup.text import excerpt, plain

__all__ = [
    "MAX_REMOTE",
    "MAX_SOURCE",
    "Resolver",
    "excerpt",
    "is_fixed",
    "links_in",
    "mentions_in",
    "plain",
    "render",
    "sanitise_remote",
]

MAX_SOURCE = 100_000
"""Characters of Markdown that are rendered; a longer text is shown as it was typed."""
MAX_REMOTE = 400_000
"""Characters of HTML from another instance that are read; the rest is left out."""

CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
TAG_OR_COMMENT = r"(</?+[a-zA-Z][a-zA-Z0-9]*+(?:[\s/][^<>]*+)?+>|<!--(?:(?!<!--|-->).)*-->)"
PLACEHOLDER = re.compile("\x02[^\x03]*\x03")
NOT_IN_AN_ID = re.compile(r"[^a-z0-9]+")


def render(
    source: str,
    *,
    links: Resolver | None = None,
    mentions: Resolver | None = None,
    own_host: str = "",
    breaks: bool = False,
    heading_base: int = 2,
    heading_ids: bool = False,
) -> str:
    """Safe HTML for a text in Markdown.

    `links` gives the address of the page with that title in `[[Titre]]`, None when there is none;
    `mentions` that of the person in `@name` or `@name@host`. Without them these stay words.
    `own_host` is where images may be loaded from (host, and port if any); an image of any other
    host becomes a link. `breaks` keeps every line break, as in messages. The text's headings
    begin at `heading_base`; `heading_ids` lets links point to them (`#t-quand-et-ou`), for pages
    that hold one text only.

    What is longer than MAX_SOURCE characters is shown as it was typed. Never raises.
    """
    source = CONTROL.sub("", source.encode("utf-8", "replace").decode())
    if len(source) > MAX_SOURCE:
        return _as_typed(source)
    try:
        html = _parser(links, mentions, breaks=breaks, heading_ids=heading_ids).convert(
            STAND_INS.sub("", source)
        )
    except RecursionError:
        return _as_typed(source)
    html = html.translate(BACK)
    return clean(html, own_host=own_host, heading_base=heading_base, local=True)


def _as_typed(source: str) -> str:
    return f"<pre>{escape(source, quote=False)}</pre>"


def sanitise_remote(html: str, *, own_host: str = "", heading_base: int = 3) -> str:
    """Safe HTML out of the HTML another instance sent.

    No ids, no relative addresses, no images but those of `own_host`, no characters that turn the
    direction of what follows. Never raises.
    """
    given = CONTROL.sub("", html[:MAX_REMOTE].encode("utf-8", "replace").decode())
    return clean(given, own_host=own_host, heading_base=heading_base, local=False)


def mentions_in(source: str) -> list[str]:
    """The names mentioned in a text, as written (`alice`, `alice@b.example`), each once.

    Exactly those that `render` asks its `mentions` about: not in code, not in addresses.
    """
    asked: dict[str, None] = {}
    render(source, mentions=asked.setdefault)
    return list(asked)


def links_in(source: str) -> list[str]:
    """The titles of the pages a text links to with `[[Titre]]`, each once, in order."""
    asked: dict[str, None] = {}
    render(source, links=asked.setdefault)
    return list(asked)


def _parser(
    links: Resolver | None, mentions: Resolver | None, *, breaks: bool, heading_ids: bool
) -> Markdown:
    """A parser for one text. Parsers keep state and are not shared."""
    md = Markdown(
        extensions=[
            TableExtension(use_align_attribute=True),
            "sane_lists",
            *(["nl2br"] if breaks else []),
        ],
        output_format="html",
    )
    md.preprocessors.deregister("html_block")
    md.preprocessors.register(SetApart(md), "set_apart", 25)
    inline = md.inlinePatterns
    inline.deregister("reference")
    inline.register(CodeSpans(md), "backtick", 190)
    if links:
        inline.register(PageLinks(md, links), "page_link", 175)
    inline.deregister("image_reference")
    inline.register(Links(md, image=False, alone=False), "link", 160)
    inline.register(Links(md, image=True, alone=False), "image_link", 150)
    inline.register(Links(md, image=True, alone=True), "short_image_ref", 140)
    inline.register(Links(md, image=False, alone=True), "short_reference", 130)
    inline.register(HtmlInlineProcessor(TAG_OR_COMMENT, md), "html", 90)
    inline.register(Addresses(md), "address", 88)
    if mentions:
        inline.register(Mentions(md, mentions), "mention", 86)
    if heading_ids:
        md.treeprocessors.register(HeadingIds(md), "heading_ids", 15)
    return md


class HeadingIds(Treeprocessor):
    """Names each heading by its words, and makes `#...` links inside the text point to them."""

    def run(self, root: Element) -> None:
        """Set the ids of the headings below `root`, and turn the links to them; in place."""
        taken: dict[str, int] = {}
        for element in root.iter():
            if element.tag in {"h1", "h2", "h3", "h4", "h5", "h6"}:
                element.set("id", _free_id("".join(element.itertext()), taken))
            elif element.tag == "a" and element.get("href", "").startswith("#"):
                name = element.get("href", "")[1:].removeprefix(ID_PREFIX)
                element.set("href", f"#{ID_PREFIX}{name}")


def _free_id(words: str, taken: dict[str, int]) -> str:
    stem = NOT_IN_AN_ID.sub("-", fold(PLACEHOLDER.sub("", words))).strip("-")[:80] or "section"
    taken[stem] = taken.get(stem, 0) + 1
    return f"{ID_PREFIX}{stem}" + (f"--{taken[stem]}" if taken[stem] > 1 else "")
