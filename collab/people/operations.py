"""Accounts of this instance: made, proved, recovered, ended. No e-mail is needed for any of it."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from collab.core.errors import Invalid
from collab.core.i18n import N_
from collab.core.tongues import tongue
from collab.core.work import Work
from collab.people.actors import new_local_actor
from collab.people.models import Account, AccountRole, ActorKind

ALIAS = re.compile(r"[a-z0-9](?:[a-z0-9_-]{0,28}[a-z0-9])?")
EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s]+\.[^@\s]{2,}")
SHORTEST_PASSWORD, LONGEST_PASSWORD = 8, 200
RESERVED = frozenset(("actor", "api", "inbox", "instance", "static"))
RECOVERY_ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"

hasher = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
"""argon2id with the OWASP minimum for small machines: 19 MiB, two passes."""


@dataclass(frozen=True)
class Register:
    """`alias` is the public name; `display_name` and `email` may stay empty."""

    alias: str
    password: str
    display_name: str = ""
    email: str = ""
    locale: str = "fr"


def register(work: Work, given: Register, role: AccountRole = AccountRole.MEMBER) -> Account:
    """Make an account and its actor. Whether registration is open is the caller's to check.

    Raises:
        Invalid: the alias is malformed or taken, the password too short, the e-mail not one.
    """
    if errors := account_errors(given):
        raise Invalid(**errors)
    alias = given.alias.strip().lower()
    try:
        shown = given.display_name.strip()[:80] or given.alias.strip()
        actor = new_local_actor(work, ActorKind.PERSON, alias, shown)
    except Invalid as taken:
        raise Invalid(alias=taken.fields["name"]) from taken
    account = Account(
        actor_id=actor.id,
        password_hash=hasher.hash(given.password),
        email=given.email.strip() or None,
        role=role,
        locale=tongue(given.locale).code,
        created_at=work.now,
    )
    work.session.add(account)
    work.session.flush()
    return account


def account_errors(given: Register) -> dict[str, str]:
    """What is wrong with what a person typed to register, field by field."""
    errors = {}
    alias = given.alias.strip().lower()
    if not ALIAS.fullmatch(alias) or alias in RESERVED:
        errors["alias"] = N_(
            "Un nom court : 2 à 30 lettres sans accent, chiffres, tirets. Exemple : mesange-38."
        )
    if problem := password_problem(given.password):
        errors["password"] = problem
    if given.email and not EMAIL.fullmatch(given.email.strip()):
        errors["email"] = N_("Cette adresse a une erreur. Vous pouvez aussi laisser vide.")
    return errors


def password_problem(password: str) -> str | None:
    """What is wrong with a new password, as a French source string; None if nothing."""
    if len(password) < SHORTEST_PASSWORD:
        return N_("Le mot de passe doit avoir au moins 8 caractères. Une petite phrase convient.")
    if len(password) > LONGEST_PASSWORD:
        return N_("Ce mot de passe est trop long : 200 caractères au plus.")
    return None


def new_recovery_code(work: Work, account: Account) -> str:
    """Make the account's recovery code anew and return it, the only time it can be seen."""
    code = "".join(secrets.choice(RECOVERY_ALPHABET) for _ in range(16))
    account.recovery_hash = hasher.hash(code)
    return "-".join(code[i : i + 4] for i in range(0, 16, 4))


def renew_recovery_code(work: Work, account: Account, password: str) -> str:
    """As `new_recovery_code`, for somebody who is logged in and may hold but a stolen session.

    An account without a password has none to ask for.

    Raises:
        Invalid: it is not the account's password.
    """
    if account.password_hash and not proves(account.password_hash, password):
        raise Invalid(password=N_("Ce n’est pas votre mot de passe actuel."))
    return new_recovery_code(work, account)


def proves(password_hash: str | None, secret: str) -> bool:
    """Whether `secret` is what the hash was made of. False for accounts without one."""
    if not password_hash:
        return False
    try:
        return hasher.verify(password_hash, secret)
    except (VerificationError, InvalidHashError):
        return False


@dataclass(frozen=True)
class ChangePassword:
    """Both in clear, as typed. `old` stays empty for an account that has no password yet."""

    new: str
    old: str = ""


@dataclass(frozen=True)
class Recover:
    """The printed recovery code, and the password wanted from now on."""

    alias: str
    code: str
    new: str


@dataclass(frozen=True)
class Describe:
    """What a person says of themselves. `email` may be empty."""

    display_name: str
    email: str = ""
    locale: str = "fr"


def change_password(work: Work, account: Account, given: ChangePassword) -> None:
    """Set a new password and log the person out everywhere else.

    Raises:
        Invalid: the old one is wrong, or the new one too short.
    """
    errors = {}
    if account.password_hash and not proves(account.password_hash, given.old):
        errors["old"] = N_("Ce n’est pas votre mot de passe actuel.")
    if problem := password_problem(given.new):
        errors["new"] = problem
    if errors:
        raise Invalid(**errors)
    account.password_hash = hasher.hash(given.new)
    account.epoch += 1


def recover(work: Work, account: Account | None, given: Recover) -> str:
    """Set a new password by the recovery code. Returns the next code: each works once.

    Raises:
        Invalid: alias and code do not go together (which of the two is not said), or the new
            password is too short.
    """
    if problem := password_problem(given.new):
        raise Invalid(new=problem)
    code = re.sub(r"[\s-]", "", given.code).upper()
    if account is None or account.ended or not proves(account.recovery_hash, code):
        raise Invalid(code=N_("Ce nom et ce code ne vont pas ensemble. Vérifiez les deux."))
    account.password_hash = hasher.hash(given.new)
    account.epoch += 1
    return new_recovery_code(work, account)


def log_out_everywhere(work: Work, account: Account) -> None:
    """End every session of this account, on every device."""
    account.epoch += 1


def describe_oneself(work: Work, account: Account, given: Describe) -> None:
    """Change the name shown, the e-mail and the language.

    Raises:
        Invalid: no name; not an e-mail address.
    """
    errors = {}
    if not given.display_name.strip() or len(given.display_name) > 80:
        errors["display_name"] = N_("Donnez un nom, de 80 caractères au plus.")
    if given.email and not EMAIL.fullmatch(given.email.strip()):
        errors["email"] = N_("Cette adresse a une erreur. Vous pouvez aussi laisser vide.")
    if errors:
        raise Invalid(**errors)
    account.actor.display_name = given.display_name.strip()
    account.email = given.email.strip() or None
    account.locale = tongue(given.locale).code


def speak(work: Work, account: Account, code: str) -> None:
    """Remember in which language this person reads, for the next time they come in."""
    account.locale = tongue(code).code
