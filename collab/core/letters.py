"""Letters without their accents: what searching, naming and addressing compare."""

from __future__ import annotations

import unicodedata

LIGATURES = str.maketrans({"œ": "oe", "æ": "ae", "ß": "ss", "ﬁ": "fi", "ﬂ": "fl"})


def alphabetical(text: str) -> tuple[str, str]:
    """What to sort names and titles by: « Été » between « eau » and « frais », « أحمد » under ا.

    Without accents, case, ligatures, hamza or vowel signs first, and by them where that is equal:
    the first and the third level of the Unicode collation algorithm, which is what French, English
    and Arabic ask of short lists. PyICU wants a C++ library, pyuca has had no release since 2017
    and reads two megabytes of tables at each start.
    """
    return fold(text), text


def fold(text: str) -> str:
    """`text` in lower case, without accents, its ligatures spelled out: « Œuvrée » -> "oeuvree"."""
    lower = text.lower()
    if lower.isascii():
        return lower
    apart = unicodedata.normalize("NFKD", lower.translate(LIGATURES))
    return "".join(c for c in apart if not unicodedata.combining(c))
