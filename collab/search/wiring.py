"""Search put together for one app: index, follower, service, page."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from collab.core.db import now
from collab.core.jobs import Handler, run_due
from collab.core.service import Service
from collab.search.backends import open_backend
from collab.search.indexer import Indexer
from collab.search.queries import Finder
from collab.search.views import bp
from collab.web.extensions import db
from collab.web.runtime import Runtime

if TYPE_CHECKING:
    from flask import Flask

FOLLOWER = "index"
BETWEEN = 0.8
"""Seconds between two commits of the index, so that a busy minute makes few large ones."""


def register(app: Flask) -> None:
    """Give `app` its search. Raises ValueError for a `search.url` that names no backend."""
    runtime: Runtime = app.extensions["collab"]
    backend = open_backend(
        runtime.settings.search.url,
        runtime.settings.instance / "index",
        aside=lambda task: runtime.aside(task),  # noqa: PLW0108 - it is named after this
    )
    indexer = Indexer(runtime.tools, backend)
    app.extensions["collab.index"] = backend
    runtime.search = Finder(runtime.tools, backend)
    runtime.followers = (*runtime.followers, FOLLOWER)
    runtime.handlers[FOLLOWER] = Handler(indexer.index, batch=True)
    runtime.services.append(Service(FOLLOWER, lambda: _step(runtime, indexer), rest=1.0))
    app.register_blueprint(bp)


def _step(runtime: Runtime, indexer: Indexer) -> int:
    """Fill the index if it must be, else write the next batch to it."""
    with runtime.app.app_context():
        session = db.session()
        filled = indexer.fill_if_wanted(session)
        session.commit()
        done = run_due(session, runtime.handlers, now(), kinds=[FOLLOWER])
    if done:
        time.sleep(BETWEEN)
    return done + filled
