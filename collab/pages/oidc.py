"""Coming in with an identity one has elsewhere (OpenID Connect), and the list of such links."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, current_app, flash, redirect, render_template, request, session
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from collab.core.errors import Forbidden, Invalid, Missing, Problem
from collab.core.i18n import N_
from collab.core.inputs import parse
from collab.pages.account import (
    NO_ONE,
    NOT_KNOWN,
    held_invitation,
    receive,
    registration_rate,
    require_registration,
)
from collab.pages.forms import again, blank, next_page
from collab.pages.openid import Introduced, Provider, Trail
from collab.people.first import Nobody
from collab.people.identities import (
    ChooseAlias,
    Outsider,
    come_in,
    free_alias,
    identities_of,
    link_identity,
    register_known,
    unlink_identity,
)
from collab.people.models import Account
from collab.people.operations import new_recovery_code, proves
from collab.people.queries import account_named
from collab.spaces.models import Invitation
from collab.web.guesses import guesses, login_rate
from collab.web.runtime import current_runtime
from collab.web.security import limiter
from collab.web.tongues import choose_locale
from collab.web.view import account, dbsession, log_in, require_login

bp = Blueprint("oidc", __name__, template_folder="templates")
AWAY, DECIDING = 600, 900
"""Seconds a person may spend at the provider, and then choosing a name here."""
MOST_TRAILS, LONGEST_NEXT = 2, 1000
"""The session is a cookie: two attempts at once (two tabs), and no endless address in them."""
TOO_OLD = N_("Cette tentative est trop ancienne, ou a commencé ailleurs. Recommencez.")
LINKED = N_("C’est lié : vous pouvez maintenant entrer ici avec cette identité.")


def _provider(name: str) -> Provider:
    """The provider that the settings know by that short name. Raises Missing."""
    known: dict[str, Provider] = current_app.extensions.setdefault("collab.oidc", {})
    if name not in known:
        runtime = current_runtime()
        found = next((p for p in runtime.settings.oidc if p.name == name), None)
        if found is None:
            raise Missing(N_("Ce site ne connaît pas ce fournisseur d’identité."))
        back = f"{runtime.settings.origin}/oidc/{name}/callback"
        known[name] = Provider(found, runtime.network.ask, back)
    return known[name]


@bp.get("/oidc/<provider>")
@limiter.limit("30 per minute")
def set_out(provider: str) -> Response:
    """Go to the other site, with what is needed to know the answer again."""
    url, trail = _provider(provider).begin()
    trails = [t for t in session.get("oidc_trails", []) if t["until"] > time.time()]
    where = next_page()
    kept = asdict(trail) | {
        "provider": provider,
        "next": where if len(where) <= LONGEST_NEXT else "/",
        "until": time.time() + AWAY,
    }
    session["oidc_trails"] = [*trails, kept][-MOST_TRAILS:]
    return redirect(url)


@bp.get("/oidc/<provider>/callback")
@limiter.limit("30 per minute")
def come_back(provider: str) -> Response:
    """Read the other site's answer: come in, link, or choose a name first."""
    found = _provider(provider)
    kept = _trail(provider, request.args.get("state", ""))
    if request.args.get("iss", found.issuer) != found.issuer:  # RFC 9207: two providers mixed up
        raise Problem(TOO_OLD)
    if "error" in request.args or not request.args.get("code"):
        flash(_("Vous n’êtes pas entré : l’autre site a dit non, ou vous avez renoncé."), "error")
        return redirect("/account/identities" if account() else "/login")
    trail = Trail(kept["state"], kept["nonce"], kept["verifier"])
    met = found.finish(request.args["code"], trail)
    return _met(provider, met, kept["next"])


def _trail(provider: str, state: str) -> dict[str, Any]:
    """What this browser set out with; used once. Raises Problem when it never did."""
    trails = session.pop("oidc_trails", [])
    session["oidc_trails"] = [t for t in trails if t["state"] != state]
    for kept in trails:
        if kept["state"] == state and kept["provider"] == provider and kept["until"] > time.time():
            return dict(kept)
    raise Problem(TOO_OLD)


def _met(provider: str, met: Introduced, where: str) -> Response:
    """The provider said who this is: in at once when it is known here, else a choice to make."""
    mine = account()
    if mine is None:
        with current_runtime().work(Nobody()) as work:
            found = come_in(work, met.who)
        if found is not None:
            log_in(found)
            return redirect(where)
    session["oidc_met"] = asdict(met) | {
        "provider": provider, "next": where, "until": time.time() + DECIDING,
    }  # fmt: skip
    return redirect(f"/oidc/{provider}/welcome")


def _pending(provider: str) -> tuple[Outsider, dict[str, Any]]:
    """Who the provider introduced to this browser and is not decided upon. Raises Problem."""
    kept = session.get("oidc_met")
    if kept is None or kept["provider"] != provider or kept["until"] < time.time():
        raise Problem(TOO_OLD)
    return Outsider(**kept["who"]), kept


def _around(provider: str, kept: dict[str, Any]) -> dict[str, Any]:
    return {
        "provider": _provider(provider).settings,
        "label": kept["who"]["label"],
        "account": account(),
        "invitation": held_invitation(),
    }


@bp.get("/oidc/<provider>/welcome")
def welcome(provider: str) -> str:
    """The form to choose a name, for whom the other site has named."""
    _who, kept = _pending(provider)
    alias = free_alias(dbsession(), kept["alias"], current_runtime().settings.host)
    typed = {"alias": alias, "display_name": kept["name"][:80]}
    return blank("oidc/welcome.html", typed, **_around(provider, kept))


@bp.post("/oidc/<provider>/register")
@limiter.limit(registration_rate)
def register(provider: str) -> Response:
    """Make an account without a password, linked to that identity."""
    who, kept = _pending(provider)
    invitation = held_invitation()
    try:
        _check_admission(invitation)
        given = parse(ChooseAlias, request.form, locale=choose_locale())
        with current_runtime().work(Nobody()) as work:
            made = register_known(work, given, who)
            code = new_recovery_code(work, made)
    except Invalid as invalid:
        return again("oidc/welcome.html", invalid, **_around(provider, kept))
    return receive(made, code, invitation, kept["next"])


def _check_admission(invitation: Invitation | None) -> None:
    try:
        require_registration(invitation)
    except Forbidden as refused:
        if "code" not in request.form:
            raise
        raise Invalid(code=refused.message) from refused


@bp.post("/oidc/<provider>/link")
@limiter.limit(login_rate)
@guesses("account")
def link(provider: str) -> Response:
    """To the account that is logged in, or to the one whose password is given."""
    who, kept = _pending(provider)
    found = account() or _by_password()
    if found is None:
        wrong = Invalid(account=NOT_KNOWN)
        return again("oidc/welcome.html", wrong, **_around(provider, kept))
    with current_runtime().work(found.actor) as work:
        link_identity(work, found, who)
    if account() is None:
        log_in(found)
        where = kept["next"]
    else:
        session.pop("oidc_met")
        where = "/account/identities"
    flash(_(LINKED), "ok")
    return redirect(where)


def _by_password() -> Account | None:
    found = account_named(dbsession(), request.form.get("account", ""))
    right = proves(found.password_hash if found else NO_ONE, request.form.get("password", ""))
    return found if found and right and not found.ended else None


@bp.get("/account/identities")
def identities() -> str:
    """The identities of elsewhere that open this account."""
    mine = require_login()
    providers = current_runtime().settings.oidc
    rows = identities_of(dbsession(), mine)
    labels = {p.issuer.rstrip("/"): p.label for p in providers}
    shown = [
        {"row": row, "provider": labels.get(row.issuer.rstrip("/")) or urlsplit(row.issuer).netloc}
        for row in rows
    ]
    linked = {row.issuer.rstrip("/") for row in rows}
    others = [p for p in providers if p.issuer.rstrip("/") not in linked]
    return render_template("account/identities.html", identities=shown, others=others, account=mine)


@bp.post("/account/identities/<int:identity>/unlink")
def unlink(identity: int) -> Response:
    """Let one of them open this account no longer."""
    mine = require_login()
    known = {p.issuer.rstrip("/") for p in current_runtime().settings.oidc}
    with current_runtime().work(mine.actor) as work:
        unlink_identity(work, mine, identity, known)
    flash(_("Ce n’est plus lié à votre compte."), "ok")
    return redirect("/account/identities")
