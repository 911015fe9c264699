"""Small strict readers of our output, each reading as one other program's source says it does.

They hold no line of those programs; what each does is told in its docstring, with the files of the
source it was learnt from. They take whole activities in the order of delivery, and fetch over HTTP.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

PUBLIC = "https://www.w3.org/ns/activitystreams#Public"
Json = dict[str, Any]


@dataclass(frozen=True)
class Answer:
    """What an address answers: status, media type, headers, and JSON (None without any)."""

    status: int
    kind: str
    headers: dict[str, str]
    body: Json | None


Fetch = Callable[..., Answer]
"""`fetch(url, **headers)`; the fragment of the address is not sent."""


def many(value: object) -> list[Any]:
    """One or several values as a list."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def id_of(value: object) -> str:
    """The id of something embedded or named."""
    found = value.get("id") if isinstance(value, dict) else value
    return found if isinstance(found, str) else ""


def is_public(*parts: Json) -> bool:
    """Whether any of these is addressed to everybody."""
    return any(PUBLIC in many(part.get(key)) for part in parts for key in ("to", "cc"))


def host(url: str) -> str:
    """The authority of an address."""
    return url.split("/")[2]
