"""Whose texts are hidden, asked once for each request however many are shown."""

from __future__ import annotations

from flask import Flask, g

from collab.people.models import Actor
from collab.spaces.hiding import blocked_hosts, is_silenced
from collab.web.view import dbsession


def register(app: Flask) -> None:
    """Give the templates of `app` the test `silenced`, of an author."""
    app.jinja_env.tests["silenced"] = silenced


def silenced(author: Actor) -> bool:
    """Whether the texts of that author are hidden here."""
    if author.suspended_at is not None or author.local:
        return author.suspended_at is not None
    if "blocked_hosts" not in g:
        g.blocked_hosts = blocked_hosts(dbsession())
    return is_silenced(author, g.blocked_hosts)
