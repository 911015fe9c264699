"""An index of each kind, empty, and documents to put into it."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session

from collab.search.port import Document
from collab.search.postgres import PostgresBackend
from collab.search.whoosh import WhooshBackend

SERVER = os.environ.get("COLLAB_TEST_POSTGRESQL_URL")
NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)
numbers = count(1)


def document(item_id, title, body="", *, space=1, tool="pages", author=7, day=0, tags=()):
    """A document written `day` days after New Year."""
    return Document(
        item_id=item_id,
        space_id=space,
        tool=tool,
        title=title,
        text=body,
        author_id=author,
        author_name="Ada",
        at=NEW_YEAR + timedelta(days=day),
        tags=tags,
    )


@pytest.fixture
def session(request):
    """A database session: PostgreSQL, in a schema of its own, for the backend that lives there."""
    if "postgresql" not in request.node.name:
        engine = create_engine("sqlite://")
        with Session(engine) as session:
            yield session
        engine.dispose()
        return
    schema = f"search_{os.getpid()}_{next(numbers)}"
    engine = create_engine(SERVER, connect_args={"options": f"-c search_path={schema}"})
    with engine.begin() as connection:
        connection.execute(text(f"CREATE SCHEMA {schema}"))
    with Session(engine) as session:
        yield session
    with engine.begin() as connection:
        connection.execute(text(f"DROP SCHEMA {schema} CASCADE"))
    engine.dispose()


@pytest.fixture(params=["whoosh", "postgresql"] if SERVER else ["whoosh"])
def backend(request, tmp_path, session):
    """Each backend, empty."""
    made = WhooshBackend(tmp_path / "index") if request.param == "whoosh" else PostgresBackend()
    made.clear(session)
    return made
