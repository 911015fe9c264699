"""The index in the main PostgreSQL database, in tables that the backend makes and fills itself.

Derived data: no migration knows these tables. Stems are put into a tsvector ready-made;
PostgreSQL's own French configuration is not asked: it stems before it folds accents.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    Index,
    Integer,
    MetaData,
    Row,
    String,
    Table,
    Text,
    and_,
    cast,
    delete,
    func,
    insert,
    inspect,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import ARRAY, REAL, TSVECTOR
from sqlalchemy.orm import Session

from collab.search.excerpts import excerpt, marked
from collab.search.french import LONGEST, stems
from collab.search.port import (
    LONGEST_TEXT,
    Document,
    Found,
    Hit,
    Query,
    all_text,
    milliseconds,
    next_cursor,
)
from collab.search.postgres_terms import asked, vector
from collab.search.question import Question, read
from collab.search.spelling import SPELLED_BY, suggest

VERSION = "fr1"
"""Part of the tables' names; changes whenever the columns or the stems do."""
RANKED = 5_000
"""Matches that are ranked, the newest first; ranking is what costs, not matching."""
WEIGHTS = [0.1, 0.3, 0.6, 1.0]
"""ts_rank's weights for D (unused), C (text), B (tags), A (title)."""
WRITTEN = 200
"""Rows of one INSERT."""

metadata = MetaData()
documents = Table(
    f"search_document_{VERSION}",
    metadata,
    Column("item_id", Integer, primary_key=True, autoincrement=False),
    Column("space_id", Integer, nullable=False, index=True),
    Column("tool", String(40), nullable=False),
    Column("author_id", Integer, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("title", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("stems", TSVECTOR, nullable=False),
    Index(f"ix_search_document_{VERSION}_stems", "stems", postgresql_using="gin"),
)
known_stems = Table(
    f"search_stem_{VERSION}",
    metadata,
    Column("stem", String(LONGEST), primary_key=True),
    Column("item_id", Integer, primary_key=True, autoincrement=False),
    Index(f"ix_search_stem_{VERSION}_item_id", "item_id"),
)


class PostgresBackend:
    """What each part is for: `Backend`."""

    def apply(self, session: Session, puts: Sequence[Document], drops: Sequence[int]) -> None:
        """Write one batch in the caller's transaction; see `Backend.apply`."""
        connection = self._prepared(session)
        newest = {document.item_id: document for document in puts}
        _remove(connection, [*newest, *drops])
        _add(connection, list(newest.values()))

    def fill(self, session: Session, documents_: Iterable[Document]) -> int:
        """Replace everything, in the caller's transaction."""
        connection = self._prepared(session)
        _remove(connection, None)
        count = 0
        for batch in _batches(documents_):
            _add(connection, batch)
            count += len(batch)
        return count

    def clear(self, session: Session) -> None:
        """Forget everything."""
        self.fill(session, ())

    def wants_filling(self, session: Session) -> bool:
        """Whether the tables of this version are missing."""
        there = set(inspect(_connection(session)).get_table_names())
        return not {documents.name, known_stems.name} <= there

    def find(self, session: Session, query: Query) -> Found:
        """Answer a question; see `Backend.find`."""
        question = read(query.words)
        if not query.spaces or question.empty:
            return Found()
        if self.wants_filling(session):
            return Found(ready=False)
        return self._answer(_connection(session), query, question)

    def _answer(self, connection: Connection, query: Query, question: Question) -> Found:
        visible = _visible(query)
        total, relaxed, suggestion = self._count(connection, question, visible), False, None
        if not total and question.wanted:
            suggestion = self._suggestion(connection, query, question, visible)
        if not total and len(question.wanted) > 1:
            total = self._count(connection, question, visible, relaxed=True)
            relaxed = total > 0
        rows = self._page(connection, query, question, visible, relaxed=relaxed) if total else ()
        return Found(
            tuple(
                Hit(
                    row.item_id,
                    float(row.score),
                    marked(row.title, question.stems),
                    excerpt(row.text, question.stems),
                )
                for row in rows
            ),
            total,
            next_cursor(query, total),
            suggestion,
            relaxed,
        )

    def _count(
        self,
        connection: Connection,
        question: Question,
        visible: ColumnElement[bool],
        *,
        relaxed: bool = False,
    ) -> int:
        wanted = matches(question, relaxed=relaxed)
        counted = select(func.count()).select_from(documents).where(visible, wanted)
        return connection.scalar(counted) or 0

    def _page(
        self,
        connection: Connection,
        query: Query,
        question: Question,
        visible: ColumnElement[bool],
        *,
        relaxed: bool,
    ) -> Sequence[Row[int, str, str, float]]:
        newest = (documents.c.at.desc(), documents.c.item_id.desc())
        found = (
            select(documents.c.item_id)
            .where(visible, matches(question, relaxed=relaxed))
            .order_by(*newest)
            .limit(RANKED)
        )
        ranked = question.wanted and query.order == "best"
        score = rank(question, relaxed=relaxed) if ranked else func.abs(0.0)
        page = (
            select(documents.c.item_id, documents.c.title, documents.c.text, score.label("score"))
            .where(documents.c.item_id.in_(found))
            .order_by(*([score.desc()] if ranked else []), *newest)
            .limit(query.limit)
            .offset(query.offset)
        )
        return connection.execute(page).all()

    def _suggestion(
        self,
        connection: Connection,
        query: Query,
        question: Question,
        visible: ColumnElement[bool],
    ) -> str | None:
        def known(stem: str) -> bool:
            return bool(self._count(connection, Question(((stem,),), (), (), blank=False), visible))

        def lexicon(letter: str) -> Iterable[str]:
            nearby = (known_stems.c.stem >= letter, known_stems.c.stem < chr(ord(letter) + 1))
            return connection.scalars(select(known_stems.c.stem).where(*nearby).distinct())

        def text_with(stem: str) -> str | None:
            found = select(documents.c.title + " " + documents.c.text).where(
                visible,
                documents.c.item_id.in_(
                    select(known_stems.c.item_id).where(known_stems.c.stem == stem)
                ),
            )
            return "\n".join(connection.scalars(found.limit(SPELLED_BY))) or None

        return suggest(
            query.words,
            question.written,
            is_known=known,
            lexicon=lexicon,
            text_with=text_with,
        )

    def _prepared(self, session: Session) -> Connection:
        connection = _connection(session)
        metadata.create_all(connection, checkfirst=True)
        return connection


def _connection(session: Session) -> Connection:
    connection = session.connection()
    if connection.dialect.name != "postgresql":
        raise RuntimeError(f"search.url is postgresql:, database.url {connection.dialect.name}:")
    return connection


def _add(connection: Connection, batch: Sequence[Document]) -> None:
    if not batch:
        return
    connection.execute(insert(documents), [_row(document) for document in batch])
    rows = [
        {"stem": stem, "item_id": document.item_id}
        for document in batch
        for stem in set(stems(all_text(document)))
    ]
    if rows:
        connection.execute(insert(known_stems), rows)


def _remove(connection: Connection, item_ids: Sequence[int] | None) -> None:
    for table in (documents, known_stems):
        statement = delete(table)
        if item_ids is not None:
            statement = statement.where(table.c.item_id.in_(item_ids))
        connection.execute(statement)


def matches(question: Question, *, relaxed: bool) -> ColumnElement[bool]:
    """The condition under which a row answers the question."""
    if not (question.wanted or question.unwanted):
        return true()
    return documents.c.stems.op("@@", is_comparison=True)(asked(question, relaxed=relaxed))


def rank(question: Question, *, relaxed: bool) -> ColumnElement[float]:
    """ts_rank; long texts a little behind short ones (normalisation 1)."""
    weights = cast(WEIGHTS, ARRAY(REAL))
    return func.ts_rank(weights, documents.c.stems, asked(question, relaxed=relaxed), 1)


def _visible(query: Query) -> ColumnElement[bool]:
    within: list[ColumnElement[bool]] = [documents.c.space_id.in_(sorted(set(query.spaces)))]
    if query.tool is not None:
        within.append(documents.c.tool == query.tool)
    if query.author is not None:
        within.append(documents.c.author_id == query.author)
    if query.since is not None:
        within.append(documents.c.at >= milliseconds(query.since))
    if query.until is not None:
        within.append(documents.c.at < milliseconds(query.until))
    return and_(*within)


def _row(document: Document) -> dict[str, object]:
    return {
        "item_id": document.item_id,
        "space_id": document.space_id,
        "tool": document.tool,
        "author_id": document.author_id,
        "at": milliseconds(document.at),
        "title": document.title.replace("\0", ""),
        "text": document.text[:LONGEST_TEXT].replace("\0", ""),
        "stems": vector(document),
    }


def _batches(given: Iterable[Document]) -> Iterator[list[Document]]:
    batch: list[Document] = []
    for document in given:
        batch.append(document)
        if len(batch) == WRITTEN:
            yield batch
            batch = []
    if batch:
        yield batch
