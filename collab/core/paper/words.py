"""How a text runs: its language as far as it shows, and the direction of each paragraph."""

from __future__ import annotations

import re
import unicodedata

NBSP = "\u00a0"
LETTERS = re.compile(r"[^\W\d_]+")
RIGHT_TO_LEFT = {"R", "AL"}


def listed(words: str) -> frozenset[str]:
    """The words of a list separated by blanks."""
    return frozenset(words.split())


COMMON = {
    "fr": listed("le la les des une est et dans pour qui sur avec pas nous vous ce au du"),
    "en": listed("the of and to in is that for it with are this on not you we be as by"),
}
"""Words that no text of some length goes without."""
READ = 4_000
"""Characters that are enough to tell a language by."""
QUOTES = ("«\u00a0", "\u00a0»")
LOOSE = re.compile(r" (?=[;:?!»])|(?<=«) ")


def direction(text: str) -> str:
    """`rtl` or `ltr`, by the first letter that has a direction (UAX 9, P2)."""
    for sign in text:
        kind = unicodedata.bidirectional(sign)
        if kind == "L":
            return "ltr"
        if kind in RIGHT_TO_LEFT:
            return "rtl"
    return "ltr"


def language(text: str, otherwise: str) -> str:
    """The language a text seems to be in: `ar`, `fr`, `en`, or `otherwise` where nothing shows."""
    words = LETTERS.findall(text[:READ].lower())
    arabic = sum(direction(word) == "rtl" for word in words)
    if words and arabic * 2 > len(words):
        return "ar"
    found = {code: sum(word in known for word in words) for code, known in COMMON.items()}
    best = max(found, key=lambda code: found[code])
    return best if found[best] > min(found.values()) else otherwise


def bound(text: str) -> str:
    """Keep French signs with their word: the space before ; : ? ! » or after « does not break."""
    return LOOSE.sub(NBSP, text)
