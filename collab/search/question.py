"""What a person typed, taken apart: words and phrases that are wanted, and some that are not."""

from __future__ import annotations

import re
from dataclasses import dataclass

from collab.search.french import stems

LONGEST = 300
"""Characters of a question that are read."""
CLAUSES = 16
QUOTES = str.maketrans({"«": '"', "»": '"', "“": '"', "”": '"', "„": '"', "−": "-", "–": "-"})
PART = re.compile(r'(-?)"([^"]*)"|(-?)([^\s"]+)')

Clause = tuple[str, ...]
"""Stems that stand one after the other; most often a single one."""


@dataclass(frozen=True)
class Question:
    """`written` are the single words that were asked for, as typed."""

    wanted: tuple[Clause, ...]
    unwanted: tuple[Clause, ...]
    written: tuple[str, ...]
    blank: bool

    @property
    def stems(self) -> frozenset[str]:
        """Every stem that is wanted: what a result shows marked."""
        return frozenset(stem for clause in self.wanted for stem in clause)

    @property
    def empty(self) -> bool:
        """Words were typed, and none of them is ever indexed (« de la »)."""
        return not self.blank and not self.wanted and not self.unwanted


def read(words: str) -> Question:
    """Take a question apart. Anything typed is a question; nothing is an error."""
    wanted: list[Clause] = []
    unwanted: list[Clause] = []
    written: list[str] = []
    for part in PART.finditer(words[:LONGEST].translate(QUOTES)):
        minus, text = part[1] or part[3], part[2] or part[4] or ""
        clause = tuple(stems(text))
        if not clause or len(wanted) + len(unwanted) >= CLAUSES:
            continue
        if minus:
            unwanted.append(clause)
            continue
        wanted.append(clause)
        if part[4] and len(clause) == 1:
            written.append(text)
    return Question(tuple(wanted), tuple(unwanted), tuple(written), blank=not words.strip())
