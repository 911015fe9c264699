"""Documents and questions as PostgreSQL's full text search takes them."""

from __future__ import annotations

from sqlalchemy import ColumnElement, cast, literal
from sqlalchemy.dialects.postgresql import TSQUERY

from collab.search.french import stems
from collab.search.port import LONGEST_TEXT, Document
from collab.search.question import Clause, Question

POSITIONS = 16_000
"""PostgreSQL counts no further within a text (limit 16 383); what follows has no place."""
GAP = 10
"""Places between title, tags and text, so that no phrase reaches across."""
PLACES = 250
"""Occurrences of one stem that are kept (PostgreSQL's limit is 255)."""


def asked(question: Question, *, relaxed: bool) -> ColumnElement[object]:
    """The tsquery of a question that wants or excludes something. Stems are letters and digits."""
    wanted = (" | " if relaxed else " & ").join(_clause(c) for c in question.wanted)
    parts = [f"({wanted})"] if wanted else []
    parts += [f"!{_clause(clause)}" for clause in question.unwanted]
    return cast(literal(" & ".join(parts)), TSQUERY)


def _clause(clause: Clause) -> str:
    return "(" + " <-> ".join(f"'{stem}'" for stem in clause) + ")"


def vector(document: Document) -> str:
    """The text form of a document's tsvector: every stem, its places and their weight."""
    places: dict[str, list[str]] = {}
    parts = (
        (document.title, "A"),
        (" ".join(document.tags), "B"),
        (document.text[:LONGEST_TEXT], "C"),
    )
    at = 1
    for part, weight in parts:
        for stem in stems(part):
            found = places.setdefault(stem, [])
            if at <= POSITIONS and len(found) < PLACES:
                found.append(f"{at}{weight}")
            at += 1
        at += GAP
    return " ".join(
        f"'{stem}':{','.join(found)}" if found else f"'{stem}'" for stem, found in places.items()
    )
