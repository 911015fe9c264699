"""What people write with other software, as something said here (FEDERATION.md 1.6, 1.7).

Forums call a subject a Page or an Article, Mastodon's family hides a text behind a warning, puts
pictures beside it, and asks with a Question. All of it is shown as words and links: the choices of
a poll as a list, what is attached by its name and host (R61). Nothing here is fetched.
"""

from __future__ import annotations

from html import escape
from urllib.parse import urlsplit

from collab.core.tongues import language_code
from collab.federation import vocab
from collab.spaces.tool import Json
from collab.spaces.tools.discussion.recordings import attached, recording_of

SAID = ("Note", "Page", "Article", "Question")
"""What is said; a Note is what we say ourselves, the others leave first choice to other rooms."""
MAX_CHOICES = 100
MAX_LINE = 300


def is_said(obj: Json) -> bool:
    """Whether somebody says something by this object.

    A Note with a name and no content is a vote; an Article or a Question that a project owns is
    one of its common things.
    """
    kind = obj.get("type")
    if not isinstance(kind, str) or kind not in SAID:
        return False
    if _has_text(obj, "content"):
        return kind == "Note" or not _is_common(obj)
    return kind == "Page" and _has_text(obj, "name")


def html_of(obj: Json) -> str:
    """All that it says, as safe HTML: its warning, its text, its choices, what is attached."""
    text = obj.get("content")
    said = text if isinstance(text, str) else _paragraph(vocab.text(obj, "name", MAX_LINE))
    whole = _warning(obj) + said + _choices(obj) + _attached(obj)
    return vocab.html({"content": whole})


def language_of(obj: Json) -> str:
    """The language it says its text is in: the only one of `contentMap`, whose words are ours."""
    told = obj.get("contentMap")
    if not isinstance(told, dict) or len(told) != 1 or not _has_text(obj, "content"):
        return ""
    ((code, words),) = told.items()
    return language_code(code) if words == obj["content"] else ""


def _has_text(obj: Json, name: str) -> bool:
    value = obj.get(name)
    return isinstance(value, str) and bool(value.strip())


def _is_common(obj: Json) -> bool:
    owner = vocab.iri(obj, "attributedTo")
    return owner == vocab.iri(obj, "audience")


def _paragraph(words: str) -> str:
    return f"<p>{escape(words)}</p>" if words else ""


def _warning(obj: Json) -> str:
    """What Mastodon's family writes in `summary` of a text that is hidden at first."""
    told = vocab.text(obj, "summary", MAX_LINE) if obj.get("sensitive") is True else ""
    return f"<p><strong>{escape(told)}</strong></p>" if told else ""


def _choices(obj: Json) -> str:
    """The choices of a poll that is held elsewhere; votes are given there."""
    many = obj.get("oneOf") or obj.get("anyOf")
    if obj.get("type") != "Question" or not isinstance(many, list):
        return ""
    objects = [one for one in many[:MAX_CHOICES] if isinstance(one, dict)]
    named = [vocab.text(one, "name", MAX_LINE) for one in objects]
    return f"<ul>{''.join(f'<li>{escape(name)}</li>' for name in named if name)}</ul>"


def _attached(obj: Json) -> str:
    """A link for each, but for the recording that is kept beside the text."""
    heard = recording_of(obj)
    links = [_link(one) for one in attached(obj) if one is not heard]
    return "".join(f"<p>{link}</p>" for link in links if link)


def _weight(attached: Json) -> str:
    """« , 240 ko », for whoever pays for each byte; nothing when its server does not say."""
    size = attached.get("size")
    if not isinstance(size, int) or isinstance(size, bool) or not 0 < size < 10**12:
        return ""
    thousands = max(1, round(size / 1000))
    if thousands < 1000:
        return f", {thousands} ko"
    return f", {thousands / 1000:.1f} Mo".replace(".", ",")


def _link(attached: Json) -> str:
    url = vocab.iri(attached, "url") or vocab.iri(attached, "href")
    if not url:
        return ""
    parts = urlsplit(url)
    name = vocab.text(attached, "name", MAX_LINE) or parts.path.rpartition("/")[2] or parts.path
    of = f"{parts.hostname}{_weight(attached)}"
    shown = f"{name} ({of})" if name else of
    return f'<a href="{escape(url, quote=True)}">{escape(shown)}</a>'
