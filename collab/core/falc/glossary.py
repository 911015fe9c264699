"""The glossary every instance begins with: civic and administrative words, in easy words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Term:
    """A difficult word and what it means; `spoken` is an easier word for it, if there is one."""

    word: str
    definition: str
    spoken: str = ""


def rows(name: str) -> Iterator[list[str]]:
    """The rows of one of our lists: parts between `|`, without blank lines and remarks."""
    for line in Path(__file__).with_name(name).read_text(encoding="utf-8").splitlines():
        if line.strip() and not line.startswith("#"):
            yield [part.strip() for part in line.split("|")]


GLOSSARY = tuple(Term(*row) for row in rows("glossary.txt"))
"""Words with their definitions. A definition is easy to read itself: the tests check it."""
