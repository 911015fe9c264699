"""How a request names its write, so that sending it twice does it once (see spaces.once)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from flask import Flask, redirect, request, session
from werkzeug.wrappers import Response

from collab.core.db import now, writing
from collab.core.errors import Problem
from collab.core.i18n import N_
from collab.core.service import Service, seldom
from collab.core.work import Work
from collab.spaces.once import MAX_KEY, Sent, Thing, forget_keys, once
from collab.web.extensions import db
from collab.web.runtime import Runtime

HEADER = "Idempotency-Key"
FIELD = "once"
APART = ("csrf_token", FIELD)
"""Fields that differ between two sendings of the same form."""
EVERY = 3600.0
"""Seconds between two rounds of forgetting."""
BAD_KEY = N_("La clé d’envoi doit avoir de 1 à 200 signes, sans espace ni accent.")


def register(app: Flask) -> None:
    """Give forms `form_key(seq)`, and let the worker forget keys that are too old."""
    app.jinja_env.globals["form_key"] = form_key
    runtime: Runtime = app.extensions["collab"]
    runtime.services.append(Service("keys", seldom(lambda: _forget(app), EVERY), rest=EVERY))


def form_key(seq: int) -> str:
    """A key for a form of this page, as it is when the journal stands at `seq`.

    Asking for the page again gives the same key until something has happened, so the page stays
    the same for caches; once the form has made something, the key is another.
    """
    secret = str(session.get("csrf_token", "")).encode()[:64]
    asked = f"{seq} {session.get('account_id')} {request.path}".encode()
    return hashlib.blake2b(asked, key=secret, digest_size=9).hexdigest()


def sent() -> Sent | None:
    """What names the write of this request: the header, or the hidden field of a form.

    The field comes with the page. Whoever goes back to the page and writes something else means
    another write, so there the key is the field and the words together.

    Raises:
        Problem: a key that is none.
    """
    told = request.headers.get(HEADER)
    if told is not None:
        return Sent(_checked(told.strip().removeprefix('"').removesuffix('"')), _digest())
    field = request.form.get(FIELD)
    if not field:
        return None
    content = _digest()
    return Sent(f"{_checked(field)} {content}", content)


def do_once(work: Work, act: Callable[[], Thing]) -> Thing:
    """Do what this request asks, or give back what it made before (see spaces.once)."""
    return once(work, sent(), act)


def done_at(place: str) -> Response:
    """What follows a form: the page that shows it, or its address for a script that asks so."""
    if by_script():
        return Response(status=201, headers={"Location": place, "Cache-Control": "no-store"})
    return redirect(place)


def by_script() -> bool:
    """Whether a script of ours sent the form and reads the answer itself."""
    return request.accept_mimetypes.to_header() == "application/json"


def _checked(key: str) -> str:
    if not 0 < len(key) <= MAX_KEY or not all("!" <= sign <= "~" for sign in key):
        raise Problem(BAD_KEY)
    return key


def _digest() -> str:
    """SHA-256 of what is asked: where, and every field or byte that was sent."""
    asked = hashlib.sha256(f"{request.method} {request.path}\n".encode())
    if request.form or request.files:
        for name, values in sorted(request.form.lists()):
            for value in values if name not in APART else ():
                text = value.replace("\r\n", "\n")
                asked.update(f"{len(name)} {name}{len(text)} {text}".encode())
        for name, files in sorted(request.files.lists()):
            for file in files:
                file.stream.seek(0)
                content = hashlib.sha256(file.stream.read()).digest()
                asked.update(f"{len(name)} {name}".encode() + content)
                file.stream.seek(0)
    else:
        asked.update(request.get_data())
    return asked.hexdigest()


def _forget(app: Flask) -> int:
    """Delete keys that are too old. It returns 0: there is nothing more to do at once."""
    with app.app_context(), writing(db.session()) as session:
        forget_keys(session, now())
    return 0
