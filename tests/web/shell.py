"""An app with nothing but the look, and a reader of the pages it makes."""

from __future__ import annotations

from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace

from flask import Flask, render_template_string, request
from flask_babel import Babel
from jinja2 import ChoiceLoader, DictLoader, StrictUndefined

from collab.people.models import Actor
from collab.spaces.models import Space
from collab.web import presentation
from collab.web.scripts import begin_scripts

HOUSE = Path(presentation.__file__).parents[1]
NOW = datetime(2026, 11, 28, 9, 12, tzinfo=UTC)
"""A Saturday, 10:12 in Paris."""

IMPORT = '{% import "_macros.html" as ui %}'


class Page(HTMLParser):
    """What a test needs to know of a page: its elements in order, and the text inside them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_data(self, data):
        self.text += data

    def all(self, *tags):
        return [attrs for tag, attrs in self.elements if tag in tags]

    @property
    def ids(self):
        return [attrs["id"] for _, attrs in self.elements if "id" in attrs]

    def unlabelled(self):
        """Fields that are neither hidden, nor inside or named by a label, nor described."""
        named = {attrs.get("for") for attrs in self.all("label")}
        depth_free = [
            attrs
            for attrs in self.all("input", "textarea", "select")
            if attrs.get("type") not in {"hidden", "radio", "checkbox"}
        ]
        return [attrs for attrs in depth_free if attrs.get("id") not in named]


def person(name, host="a.example", local=True):
    return Actor(name=name.lower(), display_name=name, host=host, local=local)


def garden(**more):
    return Space(
        **{
            "name": "Jardin partagé",
            "slug": "jardin",
            "host": "a.example",
            "visibility": "public",
            "territory": "Amiens",
            "local": True,
            "created_at": NOW,
            **more,
        }
    )


def make_shell():
    """An app with nothing but the look, whose templates may not touch what is not there."""
    app = Flask("collab", root_path=str(HOUSE), template_folder="web/templates")
    app.config.update(BABEL_DEFAULT_TIMEZONE="Europe/Paris", SECRET_KEY="test")
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.globals["csrf_token"] = lambda: "token"
    app.jinja_env.globals["asset"] = lambda name: f"/static/{name}"
    app.jinja_env.globals["shared_computer"] = lambda: False
    app.jinja_env.globals["words_aloud"] = lambda: "{}"
    app.jinja_env.globals["sheets"] = lambda look, colours: ""
    app.jinja_env.globals["idle_time"] = lambda: 0
    app.jinja_env.globals["light"] = lambda: False
    app.jinja_env.globals["begin_scripts"] = begin_scripts
    Babel(app, default_locale="fr", locale_selector=lambda: request.args.get("l", "fr"))
    presentation.register(app)
    frame = {
        "site": SimpleNamespace(
            name="Maison",
            tagline="Amiens",
            contact="",
            base_url="https://a.example",
            host="a.example",
            registration="open",
            look="",
            colours="",
            accessibility="none",
            logo=None,
            allow_loopback=False,
        ),
        "viewer": None,
        "locale": "fr",
        "peers_count": 6,
        "space": garden(),
        "role": "",
        "tools": [SimpleNamespace(name="pages", title="Documents", url="/p/jardin/pages", count=3)],
    }
    app.context_processor(lambda: frame)
    app.jinja_loader = ChoiceLoader(
        [
            app.jinja_loader,
            DictLoader(
                {
                    "room.html": '{% extends "space_base.html" %}{% set current = "pages" %}'
                    "{% block title %}Room{% endblock %}"
                    "{% block content %}<h1>Semis</h1>{% endblock %}",
                    "home.html": '{% extends "space_base.html" %}{% set current = "home" %}'
                    "{% block title %}Home{% endblock %}",
                }
            ),
        ]
    )
    app.frame = frame
    return app


def render(text, **more):
    return Page(render_template_string(IMPORT + text, **more))
