"""What a person, a script or a peer gets when something cannot be done. The log gets the detail."""

from __future__ import annotations

import errno
import logging
import uuid
from pathlib import Path
from urllib.parse import urlsplit

from flask import Flask, jsonify, redirect, render_template, request, url_for
from flask_babel import gettext
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import DataError, OperationalError
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge
from werkzeug.wrappers import Response

from collab.core.errors import Forbidden, Missing, Problem, TooMany, Unauthenticated
from collab.core.i18n import N_
from collab.web.actions import describe
from collab.web.extensions import db
from collab.web.held import just_sent, to_send_again
from collab.web.once import by_script
from collab.web.runtime import current_runtime
from collab.web.view import account

log = logging.getLogger(__name__)

BUSY = N_(
    "La base de données est occupée ou le disque est plein. Rien d’enregistré n’est perdu. "
    "Attendez un instant, puis recommencez."
)
BROKEN = N_("Une erreur est arrivée de notre côté. Rien d’enregistré n’est perdu.")
FULL = {errno.ENOSPC, errno.EDQUOT}
WORDS = {
    400: N_("Cette demande n’est pas comprise."),
    404: N_("Cette page n’existe pas, ou vous n’y avez pas accès."),
    405: N_("Cette adresse ne s’utilise pas ainsi."),
    410: N_("Cette page a été effacée."),
    413: N_("C’est trop gros pour être envoyé ici."),
    415: N_("Ce type de contenu n’est pas accepté ici."),
    429: N_("C’est un peu trop souvent. Attendez une minute, puis recommencez."),
}


def wants_json() -> bool:
    """Whether a machine asks: by the API, by ActivityPub, or a script that sends a form."""
    if request.path.startswith("/api/") or by_script():
        return True
    best = request.accept_mimetypes.best_match(["text/html", "application/activity+json"])
    return best == "application/activity+json" or request.blueprint == "federation"


def register(app: Flask) -> None:
    """Give `app` one answer for each kind of failure."""
    app.register_error_handler(Problem, on_problem)
    app.register_error_handler(CSRFError, on_csrf)
    app.register_error_handler(HTTPException, on_http)
    app.register_error_handler(OperationalError, on_database)
    app.register_error_handler(OverflowError, on_unthinkable)
    app.register_error_handler(DataError, on_unthinkable)
    app.register_error_handler(Exception, on_bug)


def on_problem(problem: Problem) -> Response:
    """An operation said no."""
    db.session.rollback()
    if not wants_json():
        # A members-only project is not there for who was a member until their session ended.
        hidden = isinstance(problem, Missing | Forbidden) and account() is None
        if isinstance(problem, Unauthenticated) or (hidden and just_sent()):
            return to_log_in()
    return answer(problem)


def to_log_in() -> Response:
    """The way in; a form that somebody wrote into waits beside it (R-16)."""
    back = request.full_path.rstrip("?") if request.method == "GET" else _came_from()
    waiting = just_sent()
    if waiting is None:
        return redirect(url_for("account.login", next=back))
    providers = current_runtime().settings.oidc
    return _page(
        "account/login.html", 401, held=waiting, next=back, providers=providers, errors={}, typed={}
    )


def _came_from() -> str:
    """The page that the form stood on, as a path of ours."""
    there = urlsplit(request.referrer or "/")
    return (there.path or "/") + (f"?{there.query}" if there.query else "")


def _page(template: str, status: int, **context: object) -> Response:
    headers = {"Cache-Control": "no-store"}
    html = render_template(template, **context)
    return Response(html, status=status, mimetype="text/html", headers=headers)


def on_csrf(error: CSRFError) -> Response:
    """The form is from another session, or too old: what was written into it is not lost."""
    waiting = None if wants_json() else just_sent()
    if waiting is not None:
        if account() is None:
            return to_log_in()
        return _page("errors/held.html", 409, held=waiting, next=_came_from())
    words = N_("Ce formulaire est trop ancien. Revenez en arrière, rechargez, puis recommencez.")
    problem = Problem(words)
    problem.code = "old_form"
    return answer(problem)


def on_http(error: HTTPException) -> Response:
    """Werkzeug or the rate limiter said no."""
    if error.response is not None:
        return error.get_response()
    status = error.code or 500
    if status in (301, 302, 308):
        return error.get_response()
    problem = TooMany(WORDS[429]) if status == 429 else Problem(WORDS.get(status, BROKEN))
    problem.status = status
    problem.code = error.name.lower().replace(" ", "_")
    response = answer(problem)
    if isinstance(error, RequestEntityTooLarge):
        response.headers["Connection"] = "close"
    return response


def on_database(error: OperationalError) -> Response:
    """Locked for too long, or a full disk: nothing was committed, nothing committed is lost.

    A form comes back as it was sent, with its key, and a button to send it again.
    """
    db.session.rollback()
    log.error("database unavailable: %s", error.orig)
    waiting = None if wants_json() else to_send_again()
    if waiting is not None:
        back = _came_from()
        response = _page("errors/held.html", 503, held=waiting, next=back, busy=gettext(BUSY))
    else:
        problem = Problem(BUSY)
        problem.status, problem.code = 503, "busy"
        response = answer(problem)
    response.headers["Retry-After"] = "5"
    return response


def on_unthinkable(error: OverflowError | DataError) -> Response:
    """A number or a text that no row can have, typed into an address or a form.

    SQLite says so as OverflowError, PostgreSQL as DataError.
    """
    log.info("no row can have this path=%s: %s", request.path, error)
    return _with(WORDS[404], 404, "not_found")


def on_bug(error: Exception) -> Response:
    """Ours. The page shows a number that stands in the log beside the trace."""
    if isinstance(error, OSError) and error.errno in FULL:
        log.error("disk full: %s", error)
        return _with(BUSY, 503, "busy")
    if isinstance(error, OSError) and _of_the_instance(error):
        log.error("the instance's folder cannot be used: %s", error)
        return _with(BROKEN, 500, "bug")
    number = uuid.uuid4().hex[:8]
    log.error("bug number=%s path=%s", number, request.path, exc_info=error)
    return _with(BROKEN, 500, "bug", number=number)


def _of_the_instance(error: OSError) -> bool:
    """Whether it is about a file in the instance's folder: rights, or the disk; not our code."""
    folder = current_runtime().settings.instance
    return isinstance(error.filename, str) and Path(error.filename).is_relative_to(folder)


def _with(words: str, status: int, code: str, **more: str) -> Response:
    try:
        db.session.rollback()
    except OperationalError as error:
        log.error("rollback failed: %s", error)
    problem = Problem(words, **more)
    problem.status, problem.code = status, code
    return answer(problem)


def answer(problem: Problem) -> Response:
    """A problem as the reader can use it: problem JSON (RFC 9457) or a page."""
    if wants_json():
        response = jsonify(describe(problem))
        response.status_code = problem.status
        response.content_type = "application/problem+json"
        return response
    words = gettext(problem.message) if problem.message else ""
    html = render_template("errors/problem.html", problem=problem, words=words, **problem.more)
    return Response(html, status=problem.status, mimetype="text/html")
