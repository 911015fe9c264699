"""Words and signs that an easy text does without, and what to write in their place."""

from __future__ import annotations

from collab.core.falc.glossary import rows

ABBREVIATIONS = dict(rows("abbreviations.txt"))
INITIALS = dict(rows("initials.txt"))
"""Well-known initials, whatever their length, and a name for them."""
CAPITALS = frozenset({"FALC", "II", "OK", "TV"})
"""Words in capitals that are known as they are."""

SIGNS = {
    "&": "et", "#": "", "§": "paragraphe", "/": "ou", "+": "et", "=": "c’est", "→": "vers",
    "->": "vers", "=>": "donc", "←": "", "<": "moins que", ">": "plus que", "~": "environ",
    "≈": "environ", "@": "", "^": "", "|": "", "•": "", "±": "environ", "×": "fois", "\\": "",
    "°C": "degrés", "°": "degrés", "€": "euros", "$": "dollars", "{": "", "}": "",
}  # fmt: skip

HARD = dict(rows("hard.txt"))
"""Difficult words that have an easy one: administrative, abstract, bookish."""
FOREIGN = dict(rows("foreign.txt"))
SAME = tuple(rows("same.txt"))
"""Words that say the same: a text keeps to the one it used first."""
