"""ActivityStreams words and safe readers of what others sent.

A leaf: the rooms' mappings import this and nothing else of federation. Every reader takes JSON
of any shape and gives the asked type or nothing; none raises, none trusts a length.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from collab.core.markup import MAX_REMOTE, sanitise_remote
from collab.core.tongues import language_code

Json = dict[str, Any]

PUBLIC = "https://www.w3.org/ns/activitystreams#Public"
PUBLIC_NAMES = frozenset({PUBLIC, "as:Public", "Public"})
"""The three ways JSON-LD compaction lets people write it (ActivityPub §5.6)."""
MARKDOWN = "text/markdown"
MAX_IRI = 2048
MAX_HTML = MAX_REMOTE
MAX_TAGS = 50

UNSEEN = re.compile("[\x00-\x1f\x7f\u200b-\u200f\u202a-\u202e\u2066-\u2069]+")
FIRST_HEADING = re.compile(r"<(/?)h1(?=[ >])")
COMMON_IRI = re.compile(r"https?://[a-z0-9.-]+(?::[0-9]+)?/")
RELATIVE = re.compile(r'( (?:href|src)=")(/(?!/)[^"]*)')


def text(obj: Json, key: str, limit: int) -> str:
    """A string property as one line of plain text, cut at `limit` characters; "" when absent."""
    value = obj.get(key)
    if not isinstance(value, str):
        return ""
    return " ".join(UNSEEN.sub(" ", value[: limit * 4]).split())[:limit].strip()


def iri(obj: Json, key: str) -> str:
    """The one IRI a property names, as a string or as an embedded object; "" otherwise.

    A list is no single owner (R3) and gives nothing.
    """
    value = obj.get(key)
    return _iri(value.get("id") if isinstance(value, dict) else value)


def iris(obj: Json, key: str, limit: int = MAX_TAGS) -> list[str]:
    """The IRIs in a property that may hold one or many; what is none is left out."""
    value = obj.get(key)
    many = value if isinstance(value, list) else [value]
    found = (_iri(v.get("id") if isinstance(v, dict) else v) for v in many[:limit])
    return [name for name in found if name]


def _iri(value: object) -> str:
    if not isinstance(value, str) or len(value) > MAX_IRI or UNSEEN.search(value):
        return ""
    if COMMON_IRI.match(value):
        return value
    try:
        parts = urlsplit(value)
    except ValueError:
        return ""
    return value if parts.scheme in ("https", "http") and parts.netloc else ""


def instant(obj: Json, key: str) -> datetime | None:
    """The time that a property says, as `moment` reads it; None when absent or not one."""
    return moment(obj.get(key))


def moment(value: object) -> datetime | None:
    """An RFC 3339 time in UTC; without a zone it counts as UTC; None for what is none."""
    if not isinstance(value, str) or len(value) > 40:
        return None
    try:
        read = datetime.fromisoformat(value)
        return read.astimezone(UTC) if read.tzinfo else read.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


def written(at: datetime) -> str:
    """An instant as we write it on the wire: UTC, to the second, `2026-11-22T10:00:00Z`."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def html(obj: Json, key: str = "content") -> str:
    """HTML that is safe to show; "" when absent or longer than MAX_HTML characters (R39).

    Reading what `content` wrote gives the same text again, so host and mirror agree on it.
    """
    value = obj.get(key)
    if not isinstance(value, str) or len(value) > MAX_HTML:
        return ""
    return _safe(value)


def content(own: str, origin: str) -> str:
    """The HTML of a text of ours, as it goes out: absolute addresses, no images, no ids."""
    return _safe(RELATIVE.sub(lambda m: f"{m[1]}{origin}{m[2]}", own))


def _safe(value: str) -> str:
    """Sanitised; the page's own title stays its only first heading."""
    return FIRST_HEADING.sub(r"<\1h2", sanitise_remote(value, heading_base=1))


def source(obj: Json, limit: int) -> str | None:
    """The Markdown an HTML text was made from (`source`), if it says so and is not too long."""
    value = obj.get("source")
    if not isinstance(value, dict) or value.get("mediaType") != MARKDOWN:
        return None
    told = value.get("content")
    if not isinstance(told, str) or len(told) > limit:
        return None
    return told.replace("\r\n", "\n").replace("\0", "")


def language(obj: Json) -> str:
    """The language it says its text is in: the only one of `contentMap`, whose words are ours."""
    told, words = obj.get("contentMap"), obj.get("content")
    if not isinstance(told, dict) or len(told) != 1 or not words:
        return ""
    ((code, said),) = told.items()
    return language_code(code) if said == words else ""


def is_public(obj: Json) -> bool:
    """Whether an object is addressed to everybody, in `to` or in `cc`."""
    for key in ("to", "cc"):
        value = obj.get(key)
        many = value if isinstance(value, list) else [value]
        if any(isinstance(v, str) and v in PUBLIC_NAMES for v in many):
            return True
    return False


def mentions(obj: Json) -> list[dict[str, str]]:
    """Who a text names: `iri` and `name` of its Mention tags, MAX_TAGS at most."""
    tags = obj.get("tag")
    many = tags if isinstance(tags, list) else [tags]
    found = []
    for tag in many[:MAX_TAGS]:
        if isinstance(tag, dict) and tag.get("type") == "Mention" and iri(tag, "href"):
            found.append({"iri": iri(tag, "href"), "name": text(tag, "name", 300)})
    return found
