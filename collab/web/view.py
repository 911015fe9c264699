"""The few things every view uses: which space, who acts, in what unit of work."""

from __future__ import annotations

import secrets

from flask import g, request, session
from sqlalchemy.orm import Session

from collab.core.db import now
from collab.core.errors import Forbidden, Unauthenticated
from collab.core.i18n import N_
from collab.core.work import Work
from collab.people.models import Account, Actor, Token
from collab.people.queries import find_token
from collab.people.sessions import end_session, has_ended
from collab.spaces.models import Space
from collab.spaces.queries import card_at, space_at
from collab.web.extensions import db
from collab.web.runtime import current_runtime
from collab.web.using import used


def dbsession() -> Session:
    """The database session of this request."""
    return db.session()


def bearer_token() -> Token | None:
    """The live token in `Authorization: Bearer`, if one was sent.

    Raises:
        Unauthenticated: a token was sent that is not valid.
    """
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        return None
    token = find_token(dbsession(), value.strip(), now())
    if token is None:
        raise Unauthenticated(N_("Ce jeton d’accès n’est pas valable."))
    return token


def account() -> Account | None:
    """Who is logged in by the session cookie; None for strangers and ended sessions."""
    if "account" not in g:
        g.account = _account_of_session()
    found: Account | None = g.account
    return found


def _account_of_session() -> Account | None:
    if "account_id" not in session:
        return None
    found = db.session.get(Account, session["account_id"])
    over = found is None or found.ended or session.get("epoch") != found.epoch
    if over or has_ended(db.session(), session.get("name", "")) or not used():
        session.clear()
        return None
    return found


def viewer() -> Actor | None:
    """The actor who looks: by session cookie on pages, by bearer token in the API."""
    if request.blueprint == "api":
        actor: Actor | None = g.get("api_actor")
        return actor
    found = account()
    return found.actor if found else None


def log_in(found: Account, *, shared: bool = False) -> None:
    """Begin a session for an account that has proved itself.

    At a `shared` computer it ends with the browser, and nothing is kept there (see web.keeping).
    """
    locale = session.get("locale")
    shared = shared or bool(session.get("shared"))
    session.clear()
    session["account_id"], session["epoch"] = found.id, found.epoch
    session["name"] = secrets.token_urlsafe(16)
    if locale:
        session["locale"] = locale
    if shared:
        session["shared"] = True
    session["used"] = int(now().timestamp())
    session.permanent = not shared
    g.account = found


def log_out() -> None:
    """End this session, and every copy of its cookie."""
    found = account()
    if found is not None and "name" in session:
        with current_runtime().work(found.actor) as work:
            end_session(work, session["name"])
    session.clear()
    g.account = None


def here(address: str) -> Space:
    """The space at this address, if the viewer may read it. Raises Missing."""
    return space_at(dbsession(), address, current_runtime().settings.host, viewer())


def card(address: str) -> Space:
    """The space at this address, if the viewer may see its card. Raises Missing."""
    return card_at(dbsession(), address, current_runtime().settings.host, viewer())


def require_login() -> Account:
    """Who is logged in. Raises Unauthenticated; pages answer with the login form."""
    found = account()
    if found is None:
        raise Unauthenticated(N_("Connectez-vous d’abord."))
    return found


def require_admin() -> Account:
    """The logged-in administrator. Raises Unauthenticated or Forbidden."""
    found = require_login()
    if found.role < 30:
        raise Forbidden(N_("Seules les personnes qui administrent ce site peuvent faire cela."))
    return found


def working() -> Work:
    """Start a unit of work as the viewer. Raises Unauthenticated for strangers."""
    actor = viewer()
    if actor is None:
        raise Unauthenticated(N_("Connectez-vous d’abord."))
    return current_runtime().work(actor)
