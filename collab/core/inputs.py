"""Build a typed input dataclass from a form, a JSON body or a socket payload."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields
from datetime import date, datetime
from enum import Enum
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from collab.core.errors import Invalid
from collab.core.i18n import N_

T = TypeVar("T")
MAX_TEXT = 500_000
"""Characters of one text field that any door lets through; operations set tighter limits."""


def parse(kind: type[T], raw: Mapping[str, Any], **given: Any) -> T:
    """Return `kind(**raw)` with every field converted to its annotation.

    Unknown keys are ignored. Empty strings count as absent for optional fields. A field whose
    metadata has `internal` is never read from outside (an IRI, a remote date); `given` sets
    such fields, and any other, from trusted code.

    Raises:
        Invalid: with one message per bad or missing field, all at once.
    """
    hints = get_type_hints(kind)
    values: dict[str, Any] = dict(given)
    errors: dict[str, str] = {}
    for field in fields(kind):  # type: ignore[arg-type]
        if field.name in given or field.metadata.get("internal"):
            continue
        optional = field.default is not MISSING or field.default_factory is not MISSING
        hint = hints[field.name]
        value = _read(raw, field.name, many=get_origin(hint) in (list, tuple))
        if value in (None, "", [], ()):
            if not optional:
                errors[field.name] = N_("Ce champ est nécessaire.")
            continue
        try:
            values[field.name] = convert(hint, value)
        except (ValueError, TypeError, OverflowError):
            errors[field.name] = N_("Cette valeur n’est pas comprise.")
    if errors:
        raise Invalid(**errors)
    return kind(**values)


def _read(raw: Mapping[str, Any], name: str, *, many: bool) -> Any:
    if many and hasattr(raw, "getlist"):
        return raw.getlist(name)
    return raw.get(name)


def convert(hint: Any, value: Any) -> Any:
    """Convert one JSON or form value to `hint`. Raises ValueError or TypeError."""
    origin = get_origin(hint)
    if origin in (Union, UnionType):
        (inner,) = [a for a in get_args(hint) if a is not NoneType]
        return convert(inner, value)
    if origin in (list, tuple):
        if not isinstance(value, list | tuple):
            raise TypeError(hint)
        return origin(convert(get_args(hint)[0], v) for v in value)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return hint(int(value)) if issubclass(hint, int) else hint(value)
    return _plain(hint, value)


def _plain(hint: Any, value: Any) -> Any:
    if hint is str:
        return _text(value)
    if hint is bool:
        return value in (True, "true", "on", "1", 1)
    if hint in (date, datetime):
        return hint.fromisoformat(value)
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise TypeError(hint)
    return hint(value)


def _text(value: Any) -> str:
    """Text as a person typed it: unix line ends, no NUL, no lone surrogate."""
    if not isinstance(value, str) or len(value) > MAX_TEXT:
        raise TypeError(value)
    value.encode()
    return value.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "")
