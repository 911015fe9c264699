"""Documents and questions as the embedded index takes them.

What a reader may see at all (spaces, tool, author, dates) is kept in columns and looked at for
each document that has the words. Whoosh's own `filter=` is not used: it lets everything through
when it is empty, and its counts forget it (docs/adr/0010).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

from whoosh import fields
from whoosh.columns import ColumnReader, NumericColumn, RefBytesColumn
from whoosh.matching.mcore import Matcher, NullMatcher
from whoosh.matching.wrappers import FilterMatcher
from whoosh.query.compound import And, Or
from whoosh.query.positional import Phrase
from whoosh.query.qcore import Every
from whoosh.query.qcore import Query as Terms
from whoosh.query.terms import Term
from whoosh.query.wrappers import WrappingQuery
from whoosh.reading import IndexReader
from whoosh.searching import SearchContext, Searcher

from collab.search.french import stems
from collab.search.port import LONGEST_TEXT, Document, Query, milliseconds
from collab.search.question import Clause, Question

SCHEMA = fields.Schema(
    item_id=fields.ID(unique=True, stored=True),
    space=fields.COLUMN(NumericColumn("q")),
    author=fields.COLUMN(NumericColumn("q")),
    tool=fields.COLUMN(RefBytesColumn()),
    # Milliseconds since 1970, negated: ascending is the newest first.
    age=fields.COLUMN(NumericColumn("q")),
    title=fields.TEXT(),
    tags=fields.TEXT(),
    text=fields.TEXT(),
    shown_title=fields.STORED(),
    shown_text=fields.STORED(),
)
WEIGHTS = {"title": 3.0, "tags": 2.0, "text": 1.0}
"""The fields of words, and what a word is worth in each."""


def fields_of(document: Document) -> dict[str, object]:
    """What the index keeps of one document. Lists are taken as they are, word by word."""
    text = document.text[:LONGEST_TEXT]
    return {
        "item_id": str(document.item_id),
        "space": document.space_id,
        "author": document.author_id,
        "tool": document.tool.encode(),
        "age": -milliseconds(document.at),
        "title": stems(document.title),
        "tags": stems(" ".join(document.tags)),
        "text": stems(text),
        "shown_title": document.title,
        "shown_text": text,
    }


@dataclass(frozen=True)
class Limits:
    """What a question may find at all."""

    spaces: frozenset[int]
    author: int | None
    tool: bytes | None
    newest: float
    oldest: float
    """Both in the unit of `age`: a larger one is older."""

    @classmethod
    def of(cls, query: Query) -> Limits:
        """The limits that a query sets."""
        return cls(
            frozenset(query.spaces),
            query.author,
            None if query.tool is None else query.tool.encode(),
            newest=-inf if query.until is None else -milliseconds(query.until),
            oldest=inf if query.since is None else -milliseconds(query.since),
        )


class _Within:
    """The documents of one segment within the limits, as something to ask `in`."""

    def __init__(self, reader: IndexReader, limits: Limits) -> None:
        self._limits = limits
        self._space = reader.column_reader("space")
        self._others = [
            (name, reader.column_reader(name))
            for name, asked in (
                ("author", limits.author is not None),
                ("tool", limits.tool is not None),
                ("age", limits.newest != -inf or limits.oldest != inf),
            )
            if asked
        ]

    def __contains__(self, number: int) -> bool:
        return self._space[number] in self._limits.spaces and all(
            self._passes(name, column, number) for name, column in self._others
        )

    def _passes(self, name: str, column: ColumnReader, number: int) -> bool:
        value = column[number]
        if name == "age":
            return bool(self._limits.newest < value <= self._limits.oldest)
        return bool(value == getattr(self._limits, name))


class Allowed(WrappingQuery):
    """What matches the child and lies within the limits."""

    def __init__(self, child: Terms, limits: Limits) -> None:
        super().__init__(child)
        self._limits = limits

    def _rewrap(self, child: Terms) -> Allowed:
        return Allowed(child, self._limits)

    def matcher(self, searcher: Searcher, context: SearchContext | None = None) -> Matcher:
        """The matcher for one segment."""
        reader = searcher.reader()
        if not reader.doc_count_all():
            nothing: Matcher = NullMatcher()  # an empty index has no columns to look at
            return nothing
        return FilterMatcher(self.child.matcher(searcher, context), _Within(reader, self._limits))


class Without(WrappingQuery):
    """What matches the child and not `unwanted`. Whoosh's AndNot lets its first match through."""

    def __init__(self, child: Terms, unwanted: Terms) -> None:
        super().__init__(child)
        self._unwanted = unwanted

    def _rewrap(self, child: Terms) -> Without:
        return Without(child, self._unwanted)

    def matcher(self, searcher: Searcher, context: SearchContext | None = None) -> Matcher:
        """The matcher for one segment."""
        unwanted = self._unwanted.matcher(searcher, searcher.boolean_context())
        left_out = set(unwanted.all_ids())
        return FilterMatcher(self.child.matcher(searcher, context), left_out, exclude=True)


def terms(question: Question, limits: Limits, *, relaxed: bool) -> Terms:
    """The whole query: all wanted words (some, when `relaxed`), none unwanted, all in limits."""
    wanted: Terms = Every()
    if question.wanted:
        joined = Or if relaxed else And
        wanted = joined([_clause(clause) for clause in question.wanted])
    if question.unwanted:
        wanted = Without(wanted, Or([_clause(clause) for clause in question.unwanted]))
    return Allowed(wanted, limits)


def has_stem(stem: str, limits: Limits) -> Terms:
    """The documents in limits with that stem in any of their texts."""
    return Allowed(_clause((stem,)), limits)


def _clause(clause: Clause) -> Terms:
    if len(clause) == 1:
        return Or([Term(name, clause[0], boost=weight) for name, weight in WEIGHTS.items()])
    return Or([Phrase(name, list(clause), boost=w) for name, w in WEIGHTS.items()])
