"""The embedded index (the default): files in one folder, written by the worker alone.

Texts are taken apart by our own `french` and handed over as lists of stems, so that the index
holds no analyzer. Why this library, and what was found in it: docs/adr/0010-search-library.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path

from sqlalchemy.orm import Session
from whoosh.collectors import TopCollector
from whoosh.query.qcore import Query as Terms
from whoosh.searching import Results, Searcher
from whoosh.writing import CLEAR

from collab.core.aside import Aside, at_once
from collab.search.excerpts import excerpt, marked
from collab.search.port import BrokenIndex, Document, Found, Hit, Query, next_cursor
from collab.search.question import Question, read
from collab.search.spelling import SPELLED_BY, suggest
from collab.search.whoosh_files import IndexFiles
from collab.search.whoosh_terms import WEIGHTS, Limits, fields_of, has_stem, terms


class WhooshBackend:
    """The index in `folder`. `aside` is where questions are answered.

    A server on gevent gives its hub's thread pool (`gevent.get_hub().threadpool.apply`), so that
    a question of 50 ms does not hold up every open connection.
    """

    def __init__(self, folder: Path, aside: Aside = at_once) -> None:
        self._files = IndexFiles(folder)
        self._aside = aside

    def apply(self, session: Session, puts: Sequence[Document], drops: Sequence[int]) -> None:
        """Write one batch in one commit; see `Backend.apply`.

        Raises:
            BrokenIndex: the index cannot be read; `fill` mends it.
            OSError: it cannot be written.
        """
        newest = {document.item_id: document for document in puts}
        writer = self._files.writer()
        try:
            for item_id in {*newest, *drops}:
                writer.delete_by_term("item_id", str(item_id))
            for document in newest.values():
                writer.add_document(**fields_of(document))
            writer.commit()
        except BaseException as error:
            if not writer.is_closed:
                writer.cancel()
            self._files.look_into(error)
            raise

    def fill(self, session: Session, documents: Iterable[Document]) -> int:
        """Replace everything; the old content is found until the one commit at the end."""
        try:
            writer = self._files.writer()
        except BrokenIndex:
            self._files.wipe()
            writer = self._files.writer()
        count = 0
        try:
            for document in documents:
                writer.add_document(**fields_of(document))
                count += 1
            writer.commit(mergetype=CLEAR)
        except BaseException:
            if not writer.is_closed:
                writer.cancel()
            raise
        self._files.set_filled(filled=True)
        self._files.wipe(others=True)
        return count

    def clear(self, session: Session) -> None:
        """Forget everything."""
        self.fill(session, ())

    def wants_filling(self, session: Session) -> bool:
        """Whether there is no index of this version, or it was found damaged."""
        return not self._files.filled()

    def find(self, session: Session, query: Query) -> Found:
        """Answer a question; see `Backend.find`. The session is not used."""
        question = read(query.words)
        if not query.spaces or question.empty:
            return Found()
        return self._aside(lambda: self._find(query, question))

    def _find(self, query: Query, question: Question) -> Found:
        try:
            with self._files.searcher() as searcher:
                return _answer(searcher, query, question)
        except BrokenIndex:
            return Found(ready=False)


def _answer(searcher: Searcher, query: Query, question: Question) -> Found:
    limits = Limits.of(query)
    newest = query.order == "newest" or not question.wanted
    results = _search(searcher, terms(question, limits, relaxed=False), query, newest=newest)
    total, relaxed, suggestion = len(results), False, None
    if not total and question.wanted:
        suggestion = _suggestion(searcher, query, question, limits)
    if not total and len(question.wanted) > 1:
        results = _search(searcher, terms(question, limits, relaxed=True), query, newest=newest)
        total = len(results)
        relaxed = total > 0
    return Found(
        tuple(_hits(results, query, question)),
        total,
        next_cursor(query, total),
        suggestion,
        relaxed,
    )


def _search(searcher: Searcher, wanted: Terms, query: Query, *, newest: bool) -> Results:
    limit = query.offset + query.limit
    if newest:
        return searcher.search(wanted, limit=limit, sortedby="age")
    # No skipping and no replacing of matchers for speed: both lose matches (docs/adr/0010).
    collector = TopCollector(limit=limit, usequality=False, replace=0)
    searcher.search_with_collector(wanted, collector)
    return collector.results()


def _hits(results: Results, query: Query, question: Question) -> Iterator[Hit]:
    for hit in results[query.offset : query.offset + query.limit]:
        yield Hit(
            int(hit["item_id"]),
            hit.score if isinstance(hit.score, float) else 0.0,
            marked(hit["shown_title"], question.stems),
            excerpt(hit["shown_text"], question.stems),
        )


def _suggestion(searcher: Searcher, query: Query, question: Question, limits: Limits) -> str | None:
    reader = searcher.reader()

    def text_with(stem: str) -> str | None:
        numbers = islice(searcher.docs_for_query(has_stem(stem, limits)), SPELLED_BY)
        stored = [reader.stored_fields(number) for number in numbers]
        return "\n".join(f"{s['shown_title']} {s['shown_text']}" for s in stored) or None

    def lexicon(letter: str) -> Iterator[str]:
        for name in WEIGHTS:
            for term in reader.expand_prefix(name, letter):
                yield term.decode()

    return suggest(
        query.words,
        question.written,
        is_known=lambda stem: text_with(stem) is not None,
        lexicon=lexicon,
        text_with=text_with,
    )
