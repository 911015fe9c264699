"""Opening an instance for a command: settings, app, database at the newest version."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from flask import Flask

from collab import instance as folder
from collab.app import create_app
from collab.cli import refuse
from collab.cli.damage import explained
from collab.config import BadSettings, Settings, load
from collab.core.errors import Invalid, Problem
from collab.people.models import Actor
from collab.people.queries import account_named
from collab.setup import make_ready
from collab.web.extensions import db
from collab.web.runtime import Runtime


def speak() -> None:
    """Log to standard error, a line per fact; others' chatter only from warnings on."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s %(message)s")
    logging.getLogger("alembic").setLevel(logging.WARNING)


def settings_of(instance: Path) -> Settings:
    """The settings of an instance; ends the command when they cannot be used."""
    try:
        return load(instance)
    except BadSettings as bad:
        refuse(*[f"settings: {line}" for line in bad.mistakes])
        raise


def open_app(instance: Path) -> Flask:
    """The app of an existing instance; ends the command when there is none."""
    if not folder.exists(instance):
        refuse(f"there is no instance in {instance}: make one with `collab init`")
    settings = settings_of(instance)
    with explained(instance):
        return create_app(settings)
    raise AssertionError


@contextmanager
def opened(instance: Path) -> Iterator[Runtime]:
    """The runtime of an instance, in an app context. Problems end the command with status 1."""
    app = open_app(instance)
    with app.test_request_context("/", base_url=app.extensions["collab"].settings.origin):
        try:
            with explained(instance):
                yield app.extensions["collab"]
        except Invalid as invalid:
            refuse(*[f"{name}: {text}" for name, text in invalid.fields.items()])
        except Problem as problem:
            refuse(str(problem))
        finally:
            db.session.remove()
            db.engine.dispose()


def open_ready(instance: Path) -> Flask:
    """The app of an existing instance, its database at the newest version."""
    app = open_app(instance)
    with explained(instance), app.app_context():
        make_ready(app.extensions["collab"])
    return app


def person(alias: str) -> Actor:
    """The person of this instance with that alias; ends the command when there is none."""
    account = account_named(db.session(), alias)
    if account is None:
        refuse(f"nobody here is called {alias}: see `collab user create`")
        raise AssertionError
    return account.actor


def password_from(path: Path) -> str:
    """The first line of a file, or of standard input for `-`."""
    with click.open_file(str(path), encoding="utf-8") as stream:
        return str(stream.readline()).rstrip("\r\n")
