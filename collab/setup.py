"""The first steps of an instance: its folder, its database, its own actor."""

from __future__ import annotations

from pathlib import Path

from flask import Flask

from collab import instance as folder
from collab.app import create_app
from collab.config import BadSettings, load
from collab.migrate import upgrade
from collab.people.first import Nobody, make_site
from collab.web.extensions import db
from collab.web.runtime import Runtime

LOST = "keys/vault.key is missing: put the folder keys back from a backup"
"""New keys would open nothing of what is in the database."""


def create_instance(instance: Path, name: str, base_url: str) -> Flask:
    """Lay an instance down in an empty folder and open it; `base_url` as others will see it.

    Raises:
        BadSettings: the base URL cannot be used, or there is a database whose keys are gone.
        OSError: the folder cannot be written.
    """
    if (instance / "collab.sqlite").exists():
        raise BadSettings([f"{instance} holds a database, but {LOST}"])
    folder.lay_down(instance, name, base_url.rstrip("/"))
    app = create_app(load(instance))
    with app.app_context():
        make_ready(app.extensions["collab"])
    return app


def make_ready(runtime: Runtime) -> None:
    """Bring the database up to date, and make the instance's own actor if there is none yet."""
    upgrade(db.engine)
    with runtime.work(Nobody()) as work:
        make_site(work, runtime.settings.site.name)
