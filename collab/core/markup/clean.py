"""Any HTML -> HTML that is safe to show: an allowlist, and no request to anybody else's server.

nh3 decides what is safe. Before it, `well_nested` bounds how deep elements are nested, because an
HTML parser that repairs misnested formatting can turn 35 kB into 78 MB. After it, images and
frames of other sites become links in words, and the result must be a fixed point of nh3: HTML
that changes meaning when it is read twice is not let through.
"""

from __future__ import annotations

import re
from html import escape, unescape
from urllib.parse import urlsplit

import nh3

from collab.core.markup.nesting import names, well_nested
from collab.core.markup.text import plain

TAGS = names(
    "a abbr b bdi blockquote br caption cite code dd del details dfn div dl dt em figcaption"
    " figure h1 h2 h3 h4 h5 h6 hr i img ins kbd li mark ol p pre q rp rt ruby s samp small span"
    " strong sub summary sup table tbody td tfoot th thead time tr u ul var"
)
FOREIGN = {"img": "Image", "iframe": "Page", "video": "Vidéo", "audio": "Son"}
"""Elements that would make the reader's browser ask another site, and what a link calls them."""
ATTRIBUTES = {
    "*": {"lang", "title"},
    "a": {"href"},
    "abbr": {"title"},
    "details": {"open"},
    "img": {"src", "alt", "width", "height"},
    "li": {"value"},
    "ol": {"start", "reversed"},
    "td": {"align", "colspan", "rowspan"},
    "th": {"align", "colspan", "rowspan", "scope"},
    "time": {"datetime"},
}
SOURCES = {"iframe": {"src", "title"}, "video": {"src", "title"}, "audio": {"src", "title"}}
HEADINGS = {f"h{n}": {"id"} for n in range(1, 7)}
CLASSES = {"a": {"elsewhere", "mention"}, "span": {"absent", "elsewhere"}}
SCHEMES = {"http", "https", "mailto", "tel"}
DROPPED_WHOLE = {"script", "style", "template", "svg", "math", "object", "noscript", "title"}
REL = "nofollow noopener ugc"
ID_PREFIX = "t-"
"""Every id inside a text begins so: no text can take the name of a part of the page."""
PASSES = 3

BIDI = re.compile("[\u202a-\u202e\u2066-\u2069]")
TAG = re.compile(
    r'<(/?)(a|img|iframe|video|audio|h[1-6])((?: [a-z-]+="[^"]*")*)>',
)
ATTRIBUTE = re.compile(r' ([a-z-]+)="([^"]*)"')
NOT_PART_OF_AN_ADDRESS = re.compile(r"[\x00-\x20\x7f]")
PARAGRAPHS = re.compile(
    r"(?:<p>(?:[^<>&\x00-\x1f\x7f-\xa0\u200b-\u206f\ud800-\udfff\ufeff\ufdd0-\ufdef\ufff0-\uffff]|<br>|\n)++</p>\n?)++"
)
"""Nothing but words in paragraphs, as most messages are: clean already, and a fixed point."""


def _cleaner(*, local: bool, sources: bool) -> nh3.Cleaner:
    """One configuration of nh3: `local` texts may have ids and relative addresses."""
    tags = TAGS | set(FOREIGN) if sources else TAGS
    return nh3.Cleaner(
        tags=tags,
        attributes=ATTRIBUTES | (SOURCES if sources else {}) | (HEADINGS if local else {}),
        tag_attribute_values={tag: {"dir": {"ltr", "rtl", "auto"}} for tag in tags},
        clean_content_tags=DROPPED_WHOLE,
        allowed_classes=CLASSES,
        url_schemes=SCHEMES,
        url_relative="pass_through" if local else "deny",
        link_rel=REL,
        id_prefix=ID_PREFIX,
    )


_BEFORE = {local: _cleaner(local=local, sources=True) for local in (True, False)}
_AFTER = _cleaner(local=True, sources=False)


def clean(html: str, *, own_host: str, heading_base: int, local: bool) -> str:
    """Safe HTML; the same again when it is cleaned again.

    `own_host` (with port, if any) is where images may come from. Headings begin at
    `heading_base` (2 leaves the page its one h1). `local` texts may have ids and relative
    addresses, those of other instances not.
    """
    if PARAGRAPHS.fullmatch(html):
        return html
    return cleaned(html, own_host=own_host, heading_base=heading_base, local=local)


def cleaned(html: str, *, own_host: str, heading_base: int, local: bool) -> str:
    """As `clean`, whatever the text is."""
    safe = _BEFORE[local].clean(well_nested(BIDI.sub("", html), TAGS | set(FOREIGN)))
    safe = _AFTER.clean(_Rewriter(own_host, heading_base).rewrite(safe))
    for _ in range(PASSES):
        again = _AFTER.clean(safe)
        if again == safe:
            return safe
        safe = again
    return f"<p>{escape(plain(safe))}</p>"


def is_fixed(html: str) -> bool:
    """Whether cleaning `html` once more would change nothing."""
    return _AFTER.clean(html) == html


def host_of(address: str, own_host: str) -> str | None:
    """The host a browser would ask for `address`; None when it is `own_host` or relative.

    Browsers read a backslash as a slash, skip control characters, and take any number of leading
    slashes for two (WHATWG URL 4.4); so does this.
    """
    plain = NOT_PART_OF_AN_ADDRESS.sub("", address).replace("\\", "/")
    if plain.startswith("//"):
        plain = "https://" + plain.lstrip("/")
    try:
        parts = urlsplit(plain)
    except ValueError:
        return "?"
    if not parts.scheme and not parts.netloc:
        return None
    host = parts.netloc.rpartition("@")[2].lower()
    own = parts.scheme in {"http", "https"} and host == own_host.lower() != ""
    return None if own else host or "?"


class _Rewriter:
    """Foreign images and frames into links; headings to their level. One pass over nh3's output.

    nh3 writes attributes quoted and escapes < and > inside them, so TAG matches tags only.
    """

    def __init__(self, own_host: str, heading_base: int) -> None:
        self._own_host = own_host
        self._shift = heading_base - 1
        self._in_link = False

    def rewrite(self, html: str) -> str:
        return TAG.sub(self._tag, html)

    def _tag(self, match: re.Match[str]) -> str:
        closing, name, attributes = match.groups()
        if name == "a":
            self._in_link = not closing
            return match[0]
        if name in FOREIGN:
            return "" if closing else self._embedded(match[0], name, attributes)
        level = min(int(name[1]) + self._shift, 6)
        return f"<{closing}h{level}{attributes}>"

    def _embedded(self, tag: str, name: str, attributes: str) -> str:
        given = dict(ATTRIBUTE.findall(attributes))
        source = given.get("src", "")
        label = given.get("alt") or given.get("title") or ""
        if not source:
            return label
        host = host_of(unescape(source), self._own_host)
        if host is None and name == "img":
            return tag
        said = " : ".join(filter(None, (FOREIGN[name], label)))
        said += f" ({escape(host)})" if host else ""
        if self._in_link:
            return f'<span class="elsewhere">{said}</span>'
        return f'<a class="elsewhere" href="{source}">{said}</a>'
