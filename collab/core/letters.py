"""Letters without their accents: what searching, naming and addressing compare."""

from __future__ import annotations

import unicodedata

LIGATURES = str.maketrans({"œ": "oe", "æ": "ae", "ß": "ss", "ﬁ": "fi", "ﬂ": "fl"})


def fold(text: str) -> str:
    """`text` in lower case, without accents, its ligatures spelled out: « Œuvrée » -> "oeuvree"."""
    lower = text.lower()
    if lower.isascii():
        return lower
    apart = unicodedata.normalize("NFKD", lower.translate(LIGATURES))
    return "".join(c for c in apart if not unicodedata.combining(c))
