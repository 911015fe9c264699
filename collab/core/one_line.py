"""Words of others on one line, for rows, logs and terminals."""

from __future__ import annotations


def one_line(text: str, length: int) -> str:
    """What somebody elsewhere said, without what cannot be written down or acts on a terminal:
    control characters, line breaks, halves of surrogate pairs. At most `length` characters."""
    return "".join(c if c.isprintable() else " " for c in text[:length]).strip()
