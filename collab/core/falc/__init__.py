"""Whether a French text is easy to read: rules F-02 to F-06 of the European easy-to-read rules.

Rules only, no statistics, no network: `check(text)` gives the same findings everywhere. It helps
whoever writes; it never says that a text is FALC, which only its readers can (F-01).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache

from collab.core.falc.findings import REQUIREMENTS, Finding
from collab.core.falc.glossary import GLOSSARY, Term
from collab.core.falc.signs import signs
from collab.core.falc.structure import LONGEST, structure
from collab.core.falc.text import masked, sentences
from collab.core.falc.vocabulary import vocabulary
from collab.core.falc.voice import voice

__all__ = [
    "GLOSSARY",
    "LONGEST",
    "MAX_CHECKED",
    "REQUIREMENTS",
    "Finding",
    "Term",
    "check",
    "explained",
]

KEPT = 64
"""Texts whose difficult words are remembered: every reading of a simple version asks for them."""
MAX_CHECKED = 100_000
"""Characters that are looked at; what comes after is left alone."""


def check(text: str, terms: Iterable[Term] = GLOSSARY) -> list[Finding]:
    """The faults of a French text in Markdown, in their order. Time is linear in its length.

    `terms` are the words that have a definition: ours, and those an instance added. A word with a
    definition in the text itself (« Un mandat, c’est … ») is not told.
    """
    seen = masked(text[:MAX_CHECKED])
    parts = sentences(seen)
    found = [*structure(parts), *signs(seen), *voice(seen, parts), *vocabulary(seen, terms)]
    # Sentences are told as typed, not as masked.
    told = [_as_typed(text, one) for one in found]
    return sorted(told, key=lambda one: (one.start, one.end, one.rule))


@lru_cache(maxsize=KEPT)
def explained(text: str, terms: tuple[Term, ...] = GLOSSARY) -> tuple[tuple[str, str], ...]:
    """The difficult words of a text that have a definition, and those, each once."""
    found = vocabulary(masked(text[:MAX_CHECKED]), terms)
    told = (_as_typed(text, one) for one in found if one.definition)
    return tuple({one.words.lower(): one.definition for one in told}.items())


def _as_typed(text: str, one: Finding) -> Finding:
    words = text[one.start : one.end]
    if words == one.words:
        return one
    return replace(one, words=words)
