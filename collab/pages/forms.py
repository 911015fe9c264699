"""A form that was not right comes back as it was filled in, naming each field and its mend."""

from __future__ import annotations

from typing import Any

from flask import make_response, render_template, request
from flask_babel import gettext
from werkzeug.wrappers import Response

from collab.core.errors import Invalid
from collab.web.extensions import db


def again(template: str, invalid: Invalid, **context: Any) -> Response:
    """The form once more, with status 422, what was typed (never passwords) and what to mend."""
    db.session.rollback()
    errors = {name: gettext(text) for name, text in invalid.fields.items()}
    typed = request.form.to_dict()
    return make_response(render_template(template, errors=errors, typed=typed, **context), 422)


def blank(template: str, typed: dict[str, Any] | None = None, **context: Any) -> str:
    """The form for the first time."""
    return render_template(template, errors={}, typed=typed or {}, **context)


def next_page(fallback: str = "/") -> str:
    """Where to go after a form: a path of this instance that the form names, else `fallback`."""
    wanted = request.form.get("next") or request.args.get("next") or ""
    safe = wanted.startswith("/") and not wanted.startswith("//") and wanted.isprintable()
    return wanted if safe and "\\" not in wanted else fallback
