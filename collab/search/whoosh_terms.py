"""Documents and questions as the embedded index takes them.

Every limit (spaces, tool, author, dates) is part of the query itself. Whoosh's own `filter=` is
not used: it lets everything through when it is empty, and its counts forget it (docs/adr/0010).
"""

from __future__ import annotations

from collections.abc import Sequence

from whoosh import fields
from whoosh.matching.binary import AndNotMatcher
from whoosh.matching.mcore import Matcher
from whoosh.query.compound import And, AndNot, Or, Require
from whoosh.query.positional import Phrase
from whoosh.query.qcore import Every
from whoosh.query.qcore import Query as Terms
from whoosh.query.ranges import NumericRange
from whoosh.query.terms import Term
from whoosh.searching import SearchContext, Searcher

from collab.search.french import spellings, stems
from collab.search.port import LONGEST_TEXT, Document, Query, all_text, milliseconds
from collab.search.question import Clause, Question

SCHEMA = fields.Schema(
    item_id=fields.ID(unique=True, stored=True),
    space=fields.ID(),
    tool=fields.ID(),
    author=fields.ID(),
    # Milliseconds since 1970, negated: ascending is the newest first.
    age=fields.NUMERIC(int, bits=64, sortable=True, shift_step=8),
    title=fields.TEXT(),
    tags=fields.TEXT(),
    text=fields.TEXT(),
    word=fields.ID(),
    shown_title=fields.STORED(),
    shown_text=fields.STORED(),
)
WEIGHTS = {"title": 3.0, "tags": 2.0, "text": 1.0}


class _WithoutMatcher(AndNotMatcher):
    """Whoosh's own lets the first match through when the unwanted ones begin before it."""

    def _find_first(self) -> None:
        self._find_next()

    def _find_next(self) -> bool:
        return self.a.is_active() and bool(super()._find_next())  # type: ignore[no-untyped-call]


class Without(AndNot):
    """What matches `a` and not `b`."""

    def matcher(self, searcher: Searcher, context: SearchContext | None = None) -> Matcher:
        """The matcher for one segment."""
        unwanted = self.b.matcher(searcher, searcher.boolean_context())
        wanted = self.a.matcher(searcher, context)
        return _WithoutMatcher(wanted, unwanted)  # type: ignore[no-untyped-call]


def fields_of(document: Document) -> dict[str, object]:
    """What the index keeps of one document. Lists are taken as they are, word by word."""
    text = document.text[:LONGEST_TEXT]
    tags = " ".join(document.tags)
    return {
        "item_id": str(document.item_id),
        "space": str(document.space_id),
        "tool": document.tool,
        "author": str(document.author_id),
        "age": -milliseconds(document.at),
        "title": stems(document.title),
        "tags": stems(tags),
        "text": stems(text),
        "word": sorted(spellings(all_text(document))),
        "shown_title": document.title,
        "shown_text": text,
    }


def visible(query: Query) -> Terms:
    """The documents a question is allowed to find at all."""
    within: list[Terms] = [Or([Term("space", str(space)) for space in sorted(set(query.spaces))])]
    if query.tool is not None:
        within.append(Term("tool", query.tool))
    if query.author is not None:
        within.append(Term("author", str(query.author)))
    if query.since or query.until:
        oldest = None if query.since is None else -milliseconds(query.since)
        newest = None if query.until is None else -milliseconds(query.until)
        within.append(NumericRange("age", newest, oldest, startexcl=newest is not None))
    return And(within)


def terms(question: Question, within: Terms, *, relaxed: bool) -> Terms:
    """The whole query: all wanted words (some, when `relaxed`), none unwanted, all `within`."""
    wanted: Terms = Every()
    if question.wanted:
        joined = Or if relaxed else And
        wanted = joined([_clause(clause) for clause in question.wanted])
    if question.unwanted:
        wanted = Without(wanted, Or([_clause(clause) for clause in question.unwanted]))
    return Require(wanted, within)


def _clause(clause: Clause) -> Terms:
    if len(clause) == 1:
        return has_stem(clause[0])
    return Or([Phrase(name, list(clause), boost=w) for name, w in WEIGHTS.items()])


def has_stem(stem: str) -> Terms:
    """The documents with that stem in any of their texts."""
    return Or([Term(name, stem, boost=weight) for name, weight in WEIGHTS.items()])


def spelled(words: Sequence[str]) -> Terms:
    """The documents with one of these folded words."""
    return Or([Term("word", word) for word in words])
