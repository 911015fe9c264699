"""From a document's Markdown to its HTML when it is written, and to its page when it is read.

What is stored names other documents by the project's own addresses, so that it is the same text
on every instance; which of them exist is looked up when the page is shown.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from html import escape, unescape
from urllib.parse import quote, unquote

from collab.core.letters import fold
from collab.core.markup import plain, render
from collab.spaces.tools.pages.naming import title_key

TAG = re.compile(r'<(a|img)((?: [a-z-]+="[^"]*")*)>')
ATTRIBUTE = re.compile(r' ([a-z-]+)="([^"]*)"')
LINK = re.compile(r'<a((?: [a-z-]+="[^"]*")*)>(.*?)</a>', re.S)
HEADING = re.compile(r'<h([2-6])((?: [a-z-]+="[^"]*")*)>(.*?)</h\1>', re.S)
FIRST_HEADING = re.compile(r"\s*<h2(?: [^>]*)?>(.*?)</h2>\s*", re.S)
HAS_SCHEME = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*:|//|/|#")
NOT_IN_AN_ID = re.compile(r"[^a-z0-9]+")
BY_TITLE = "/pages/titre/"

FindFile = Callable[[str], str | None]
"""The slug of the document that a file of the imported tree became."""


@dataclass(frozen=True)
class Rendered:
    """Safe HTML, and the keys of the documents it links to (see `PageLink`)."""

    html: str
    links: tuple[str, ...]


@dataclass(frozen=True)
class Chapter:
    """A heading of a document: `anchor` to link to, `title` in plain text, those below it."""

    anchor: str
    title: str
    below: list[Chapter] = field(default_factory=list)


@dataclass(frozen=True)
class Shown:
    """A document as a page shows it."""

    html: str
    chapters: tuple[Chapter, ...]
    headings: int
    """How many headings `chapters` has, with those below."""


def write_html(
    source: str, *, space_iri: str, own_host: str, folder: str = "", find_file: FindFile
) -> Rendered:
    """Render a document's Markdown.

    `folder` is where the file stood that it was imported from: relative links to other files of
    that tree lead to the documents they became.
    """
    keys: dict[str, None] = {}

    def by_title(title: str) -> str:
        keys.setdefault(title_key(title))
        return f"{space_iri}{BY_TITLE}{quote(title, safe='')}"

    def tag(match: re.Match[str]) -> str:
        given = dict(ATTRIBUTE.findall(match[2]))
        address = unescape(given.get("href") or given.get("src") or "")
        if not address or HAS_SCHEME.match(address):
            return match[0]
        if match[1] == "img":
            words = f"Image : {unescape(given.get('alt', ''))}".removesuffix(" : ")
            return f'<span class="absent">{escape(words)}</span>'
        path, _, anchor = address.partition("#")
        slug = find_file(posixpath.normpath(posixpath.join(folder, unquote(path))))
        if slug is None:
            return match[0]
        keys.setdefault(slug_key(slug))
        href = f"{space_iri}/pages/{slug}" + (f"#{anchor}" if anchor else "")
        return f'<a href="{escape(href)}">'

    html = render(source, links=by_title, own_host=own_host, heading_ids=True)
    html = TAG.sub(tag, html)
    return Rendered(html, tuple(keys))


def html_of(source: str, *, space_iri: str, own_host: str) -> str:
    """The HTML of a text that belongs to no stored document."""
    return write_html(
        source, space_iri=space_iri, own_host=own_host, find_file=lambda path: None
    ).html


def slug_key(slug: str) -> str:
    """The key of a link that names a document by its address, not by its title."""
    return f"/pages/{slug}"


def titles_linked(html: str, space_iri: str) -> list[str]:
    """The keys of the titles a stored text links to."""
    start = f'href="{escape(space_iri + BY_TITLE)}'
    return [title_key(unquote(unescape(part.partition('"')[0]))) for part in html.split(start)[1:]]


def show(
    html: str,
    *,
    title: str,
    space_iri: str,
    space_url: str,
    slugs: Mapping[str, str],
    may_write: bool,
) -> Shown:
    """A stored text as a page shows it: links lead to this instance's pages, headings have ids.

    `slugs` gives the address of each document linked to, by the key of its title. A link to a
    document nobody wrote leads to the form for a new one, for those who may write.
    """

    def link(match: re.Match[str]) -> str:
        given = dict(ATTRIBUTE.findall(match[1]))
        address = unescape(given.get("href", ""))
        if not address.startswith(f"{space_iri}/pages/"):
            return match[0]
        if not address.startswith(space_iri + BY_TITLE):
            href = space_url + address.removeprefix(space_iri)
            return f'<a href="{escape(href)}">{match[2]}</a>'
        wanted = unquote(address.removeprefix(space_iri + BY_TITLE))
        slug = slugs.get(title_key(wanted))
        if slug:
            return f'<a href="{space_url}/pages/{slug}">{match[2]}</a>'
        if not may_write:
            return f'<span class="absent">{match[2]}</span>'
        href = f"{space_url}/pages/new?title={quote(wanted, safe='')}"
        return f'<a class="absent" href="{escape(href)}">{match[2]}</a>'

    return _with_chapters(LINK.sub(link, without_title(html, title)))


def without_title(html: str, title: str) -> str:
    """The text without a first heading that only repeats the document's title."""
    first = FIRST_HEADING.match(html)
    if first and title_key(plain(first[1])) == title_key(title):
        return html[first.end() :]
    return html


def _with_chapters(html: str) -> Shown:
    """Give every heading an id, begin at the second level, and list the two highest levels."""
    chapters: list[Chapter] = []
    taken: set[str] = set()
    highest = min((int(m[1]) for m in HEADING.finditer(html)), default=2)

    def heading(match: re.Match[str]) -> str:
        level, words = int(match[1]) - highest + 2, plain(match[3])
        given = dict(ATTRIBUTE.findall(match[2]))
        anchor = given.get("id") or _anchor(words, taken)
        taken.add(anchor)
        if words and level == 3 and chapters:
            chapters[-1].below.append(Chapter(anchor, words))
        elif words and level <= 3:
            chapters.append(Chapter(anchor, words))
        return f'<h{level} id="{escape(anchor)}">{match[3]}</h{level}>'

    html = HEADING.sub(heading, html)
    return Shown(html, tuple(chapters), sum(1 + len(c.below) for c in chapters))


def _anchor(words: str, taken: set[str]) -> str:
    """The same name that the renderer gives to a heading, for texts that came without."""
    stem = "t-" + (NOT_IN_AN_ID.sub("-", fold(words)).strip("-")[:80] or "section")
    anchor, number = stem, 1
    while anchor in taken:
        number += 1
        anchor = f"{stem}-{number}"
    return anchor
