"""One Markdown file with its front matter: what it says, and the file written back."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isfinite
from typing import Any

import yaml

from collab.core.errors import Invalid
from collab.core.i18n import N_
from collab.core.markup import plain, render
from collab.spaces.items import MAX_TITLE
from collab.spaces.tools.pages.inputs import MAX_DESCRIPTION, MAX_TAG, MAX_TAGS
from collab.spaces.tools.pages.naming import one_line

FRONT = re.compile(r"---[ \t]*\n(.*?)(?<=\n)(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.S)
PLAIN_LINE = re.compile(r"(title|description|tags)[ \t]*:[ \t]*(.*)")
FENCE = re.compile(r" {0,3}(```|~~~)")
HEADING = re.compile(r" {0,3}#(?!#)\s*(.*?)\s*#*\s*$")
MAX_FRONT = 20_000
MAX_EXTRA = 50
NOT_TEXT = N_("Ce fichier n’est pas du texte en UTF-8.")
NOT_TEXT_BUT_BINARY = N_("Ce fichier n’est pas du texte.")


class _Loader(yaml.SafeLoader):
    """Plain values only: no aliases, so that a short text cannot become a huge one."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("aliases are not read")
        return super().compose_node(parent, index)


_Loader.yaml_implicit_resolvers = {
    first: [(tag, regexp) for tag, regexp in pairs if not tag.endswith((":timestamp", ":merge"))]
    for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


@dataclass(frozen=True)
class Sheet:
    """What a file says. `heading`: its first `# heading`, in plain text; `extra`: other keys."""

    title: str
    heading: str
    source: str
    tags: tuple[str, ...] = ()
    description: str = ""
    extra: Mapping[str, Any] = field(default_factory=dict)


def read_sheet(raw: bytes) -> Sheet:
    """Read a file. Broken front matter is read line by line; nothing in it is executed.

    Raises:
        Invalid: (field `file`) it is not text in UTF-8.
    """
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Invalid(file=NOT_TEXT) from error
    if "\0" in text:
        raise Invalid(file=NOT_TEXT_BUT_BINARY)
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    match = FRONT.match(text)
    front = _front(match[1]) if match else {}
    source = text[match.end() :] if match else text
    known = {key: front.pop(key, None) for key in ("title", "description", "tags")}
    return Sheet(
        title=_text(known["title"])[:MAX_TITLE].strip(),
        heading=first_heading(source)[:MAX_TITLE].strip(),
        source=source,
        tags=_tags(known["tags"]),
        description=_text(known["description"])[:MAX_DESCRIPTION].strip(),
        extra={key: _simple(value) for key, value in list(front.items())[:MAX_EXTRA]},
    )


def write_sheet(sheet: Sheet) -> str:
    """The file that `read_sheet` reads as this sheet."""
    front: dict[str, Any] = {"title": sheet.title}
    if sheet.description:
        front["description"] = sheet.description
    if sheet.tags:
        front["tags"] = list(sheet.tags)
    front |= sheet.extra
    written = yaml.safe_dump(front, allow_unicode=True, sort_keys=False, width=10_000)
    return f"---\n{written}---\n{sheet.source}"


def digest_of(sheet: Sheet) -> str:
    """A name for all that a file says, to see later whether it was changed."""
    said = [sheet.title, sheet.source, sheet.tags, sheet.description, dict(sheet.extra)]
    told = json.dumps(said, ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(told.encode("utf-8", "replace")).hexdigest()


def first_heading(source: str) -> str:
    """The first `# heading` outside of code, as plain text; "" when there is none."""
    in_code = False
    for line in source.split("\n"):
        if FENCE.match(line):
            in_code = not in_code
        found = None if in_code else HEADING.match(line[:1000])
        if found and found[1]:
            return one_line(plain(render(found[1])))
    return ""


def _front(text: str) -> dict[str, Any]:
    read = read_front(text)
    return _line_by_line(text) if read is None else read


def read_front(text: str) -> dict[str, Any] | None:
    """What front matter says; None when it is no YAML, or no table of names and values."""
    if len(text) > MAX_FRONT:
        return None
    try:
        read = yaml.load(text, Loader=_Loader)  # noqa: S506 - a SafeLoader, with less in it
    except (yaml.YAMLError, RecursionError, ValueError):
        return None
    if read is not None and not isinstance(read, dict):
        return None
    return {one_line(_whole(str(key))): value for key, value in (read or {}).items()}


def _line_by_line(text: str) -> dict[str, Any]:
    """What can be had from front matter that is no YAML: the lines that say what we need."""
    found = {}
    for line in text.split("\n")[:500]:
        match = PLAIN_LINE.match(line)
        if match:
            found[match[1]] = match[2].strip().strip("\"'")
    return dict(found)


def _text(value: Any) -> str:
    if value is None or isinstance(value, dict | list):
        return ""
    return one_line(_whole(str(value)))


def _tags(value: Any) -> tuple[str, ...]:
    many = value if isinstance(value, list) else re.split(r"[,;]", _text(value))
    kept = {_text(tag).lstrip("#").strip()[:MAX_TAG].strip(): None for tag in many}
    kept.pop("", None)
    return tuple(list(kept)[:MAX_TAGS])


def _simple(value: Any, depth: int = 3) -> Any:
    """A value as JSON and YAML both keep it."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int) and abs(value) < 2**53:
        return value
    if isinstance(value, float) and isfinite(value):
        return value
    if depth and isinstance(value, list):
        return [_simple(v, depth - 1) for v in value[:MAX_EXTRA]]
    if depth and isinstance(value, dict):
        return {_whole(str(k)): _simple(v, depth - 1) for k, v in list(value.items())[:MAX_EXTRA]}
    return hex(value)[:80] if isinstance(value, int) else _whole(str(value))[:MAX_DESCRIPTION]


def _whole(text: str) -> str:
    """Text that any database keeps: no NUL, no half characters (YAML can spell both)."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()
