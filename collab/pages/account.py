"""Coming in, and one's own account: without e-mail, recoverable by a printed code."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, session
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from collab.core.db import now
from collab.core.errors import Forbidden, Invalid, Missing
from collab.core.i18n import N_
from collab.core.inputs import parse
from collab.core.tongues import tongue
from collab.pages.forms import again, blank, next_page
from collab.people.first import Nobody
from collab.people.models import Account, Registration
from collab.people.operations import (
    ChangePassword,
    Describe,
    Recover,
    Register,
    change_password,
    describe_oneself,
    hasher,
    log_out_everywhere,
    new_recovery_code,
    proves,
    recover,
    register,
    renew_recovery_code,
    speak,
)
from collab.people.queries import account_named, site
from collab.people.tokens import GiveToken, give_token, revoke_token, tokens_of
from collab.spaces.invitations import accept_invitation, valid_invitation
from collab.spaces.models import Invitation
from collab.web.guesses import guesses, login_rate
from collab.web.held import carried_along
from collab.web.runtime import current_runtime
from collab.web.security import limiter, require_our_page
from collab.web.tongues import BY_LINK, choose_locale, without_asking
from collab.web.view import account, dbsession, log_in, log_out, require_login

bp = Blueprint("account", __name__, template_folder="templates")
NOT_KNOWN = N_("Ce nom et ce mot de passe ne vont pas ensemble. Vérifiez les deux.")
NO_ONE = hasher.hash("nobody at all")
"""Checked when the alias is unknown, so that the answer takes as long as for a known one."""


def registration_rate() -> str:
    """How many accounts may be made."""
    return current_runtime().settings.limits.registration


@bp.get("/login")
def login() -> str | Response:
    """The form to come in."""
    if account() is not None:
        return redirect(next_page())
    providers = current_runtime().settings.oidc
    return blank("account/login.html", next=next_page(), providers=providers)


@bp.post("/login")
@limiter.limit(login_rate)
@guesses("alias")
def enter() -> Response:
    """Come in with a name and a password; how often is limited."""
    alias = request.form.get("alias", "").strip()
    found = account_named(dbsession(), alias)
    right = proves(found.password_hash if found else NO_ONE, request.form.get("password", ""))
    if found is None or not right or found.ended:
        invalid = Invalid(alias=NOT_KNOWN)
        providers = current_runtime().settings.oidc
        waiting = carried_along()
        context = {"next": next_page(), "providers": providers, "held": waiting}
        return again("account/login.html", invalid, **context)
    waiting = carried_along()
    log_in(found, shared=bool(request.form.get("shared")))
    if waiting is not None:
        html = render_template("errors/held.html", held=waiting, next=next_page())
        return Response(html, headers={"Cache-Control": "no-store"}, mimetype="text/html")
    return redirect(next_page())


@bp.post("/logout")
def leave() -> Response:
    """Log out, and let the browser forget what it kept of this site."""
    log_out()
    flash(_("Vous êtes déconnecté."), "ok")
    response = redirect("/")
    response.headers["Clear-Site-Data"] = '"cache", "storage"'
    return response


def held_invitation() -> Invitation | None:
    """The invitation that the person holds, if the form or the address carries a valid one."""
    code = request.values.get("code", "")
    try:
        return valid_invitation(dbsession(), code, now()) if code else None
    except Missing:
        return None


def require_registration(invitation: Invitation | None) -> None:
    """Let the request go on only if whoever holds this may register. Raises Forbidden."""
    rule = site(dbsession()).registration
    if invitation is not None or rule == Registration.OPEN:
        return
    if rule == Registration.INVITATION:
        raise Forbidden(N_("On s’inscrit ici sur invitation. Demandez un lien à un membre."))
    raise Forbidden(N_("Les inscriptions sont fermées sur ce site."))


@bp.get("/register")
def registration() -> str:
    """The form to register, for whom this site lets in."""
    invitation = held_invitation()
    require_registration(invitation)
    return blank("account/register.html", next=next_page(), invitation=invitation)


@bp.post("/register")
@limiter.limit(registration_rate)
def register_one() -> Response:
    """Make an account, and show its recovery code once."""
    invitation = held_invitation()
    require_registration(invitation)
    runtime = current_runtime()
    try:
        given = parse(Register, request.form, locale=choose_locale())
        with runtime.work(Nobody()) as work:
            made = register(work, given)
            code = new_recovery_code(work, made)
    except Invalid as invalid:
        return again("account/register.html", invalid, next=next_page(), invitation=invitation)
    return receive(made, code, invitation, next_page())


def receive(made: Account, code: str, invitation: Invitation | None, where: str) -> Response:
    """Log a new person in, let them into the project they were invited to, show their code."""
    log_in(made)
    if invitation is not None:
        with current_runtime().work(made.actor) as work:
            accept_invitation(work, invitation.code)
        where = invitation.space.url if invitation.space else where
    return show_code(code, where)


def show_code(code: str, where: str) -> Response:
    """The recovery code, shown once, to be printed or copied out."""
    html = render_template("account/code.html", code=code, next=where)
    return Response(html, headers={"Cache-Control": "no-store"}, mimetype="text/html")


@bp.get("/recover")
def recovery() -> str:
    """The form for a forgotten password."""
    return blank("account/recover.html")


@bp.post("/recover")
@limiter.limit(login_rate)
def recover_one() -> Response:
    """Set a new password with the recovery code, and show the next code."""
    try:
        given = parse(Recover, request.form)
        found = account_named(dbsession(), given.alias)
        with current_runtime().work(found.actor if found else Nobody()) as work:
            code = recover(work, found, given)
    except Invalid as invalid:
        return again("account/recover.html", invalid)
    assert found is not None
    log_in(found)
    return show_code(code, "/account")


@bp.get("/account")
def mine() -> str:
    """One's own account."""
    return _mine(require_login())


def _mine(found: Account, errors: dict[str, str] | None = None) -> str:
    actor = found.actor
    known = {"display_name": actor.display_name, "email": found.email, "locale": choose_locale()}
    return render_template(
        "account/mine.html",
        account=found,
        typed=known | request.form.to_dict(),
        scopes=request.form.getlist("scopes") or ["read"],
        errors=errors or {},
        tokens=tokens_of(dbsession(), found),
    )


def _mistaken(found: Account, invalid: Invalid) -> Response:
    dbsession().rollback()
    errors = {name: _(text) for name, text in invalid.fields.items()}
    return Response(_mine(found, errors), status=422, mimetype="text/html")


@bp.post("/account/profile")
def describe_me() -> Response:
    """Change the name and the words that others see."""
    found = require_login()
    try:
        given = parse(Describe, request.form)
        with current_runtime().work(found.actor) as work:
            describe_oneself(work, found, given)
    except Invalid as invalid:
        return _mistaken(found, invalid)
    session["locale"] = found.locale
    flash(_("C’est enregistré."), "ok")
    return redirect("/account")


@bp.post("/account/password")
@limiter.limit(login_rate)
@guesses()
def new_password() -> Response:
    """Change the password; the old one is asked."""
    found = require_login()
    try:
        given = parse(ChangePassword, request.form)
        with current_runtime().work(found.actor) as work:
            change_password(work, found, given)
    except Invalid as invalid:
        return _mistaken(found, invalid)
    log_in(found)
    flash(_("Mot de passe changé. Les autres appareils sont déconnectés."), "ok")
    return redirect("/account")


@bp.post("/account/code")
@limiter.limit(login_rate)
@guesses()
def new_code() -> Response:
    """Make another recovery code and show it once; the old one ends. The password is asked."""
    found = require_login()
    try:
        with current_runtime().work(found.actor) as work:
            code = renew_recovery_code(work, found, request.form.get("password", ""))
    except Invalid as invalid:
        return _mistaken(found, invalid)
    return show_code(code, "/account")


@bp.post("/account/elsewhere")
def log_out_others() -> Response:
    """End every session but this one."""
    found = require_login()
    with current_runtime().work(found.actor) as work:
        log_out_everywhere(work, found)
    log_in(found)
    flash(_("Les autres appareils sont déconnectés."), "ok")
    return redirect("/account")


@bp.post("/account/tokens")
def new_token() -> Response:
    """Make a token for the API and show it once."""
    found = require_login()
    try:
        given = parse(GiveToken, request.form)
        with current_runtime().work(found.actor) as work:
            bearer = give_token(work, found, given)
    except Invalid as invalid:
        return _mistaken(found, invalid)
    html = render_template("account/token.html", bearer=bearer, name=given.name)
    return Response(html, headers={"Cache-Control": "no-store"}, mimetype="text/html")


@bp.post("/account/tokens/<int:token>/revoke")
def end_token(token: int) -> Response:
    """End a token."""
    found = require_login()
    with current_runtime().work(found.actor) as work:
        revoke_token(work, found, token)
    flash(_("Ce jeton ne fonctionne plus."), "ok")
    return redirect("/account")


@bp.post("/langue")
def language() -> Response:
    """Choose the language of the pages, with or without an account."""
    require_our_page()
    session["locale"] = chosen = tongue(request.form.get("locale")).code
    session.pop(BY_LINK, None)
    found = account()
    if found is not None and found.locale != chosen:
        with current_runtime().work(found.actor) as work:
            speak(work, found, chosen)
    return redirect(without_asking(next_page()))
