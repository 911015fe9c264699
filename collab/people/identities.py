"""Identities that people have elsewhere (OpenID Connect) and come in with here."""

from __future__ import annotations

import re
import secrets
import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from collab.core.errors import Conflict, Forbidden, Missing
from collab.core.i18n import N_
from collab.core.work import Work
from collab.people.actors import find_actor
from collab.people.models import Account, ExternalIdentity
from collab.people.operations import ALIAS, RESERVED, Register, register

LONGEST_ALIAS, MOST_TRIES = 30, 20
OF_SOMEBODY_ELSE = N_("Cette identité est déjà liée à un autre compte de ce site.")


@dataclass(frozen=True)
class Outsider:
    """Who somebody is at a provider: `issuer` and `subject` for ever, `label` only to be shown."""

    issuer: str
    subject: str
    label: str = ""


@dataclass(frozen=True)
class ChooseAlias:
    """The public name wanted here, and perhaps another one to be shown."""

    alias: str
    display_name: str = ""
    locale: str = "fr"


def find_identity(session: Session, who: Outsider) -> ExternalIdentity | None:
    """The link between that identity and an account of this instance, if there is one."""
    return session.scalar(
        select(ExternalIdentity).where(
            ExternalIdentity.issuer == who.issuer, ExternalIdentity.subject == who.subject
        )
    )


def identities_of(session: Session, account: Account) -> Sequence[ExternalIdentity]:
    """The identities linked to an account, the oldest first."""
    return session.scalars(
        select(ExternalIdentity)
        .where(ExternalIdentity.account_id == account.id)
        .order_by(ExternalIdentity.id)
    ).all()


def come_in(work: Work, who: Outsider) -> Account | None:
    """The account that this identity opens; None when it is linked to none.

    Raises:
        Forbidden: the account was closed.
    """
    row = find_identity(work.session, who)
    if row is None:
        return None
    account = work.session.get_one(Account, row.account_id)
    if account.ended:
        raise Forbidden(N_("Ce compte est fermé. Parlez à une personne qui tient ce site."))
    row.last_used_at, row.label = work.now, who.label[:200] or row.label
    return account


def link_identity(work: Work, account: Account, who: Outsider) -> ExternalIdentity:
    """Let an identity open this account. Doing it twice is nothing.

    Raises:
        Conflict: it opens another account already.
    """
    row = find_identity(work.session, who)
    if row is not None:
        if row.account_id != account.id:
            raise Conflict(OF_SOMEBODY_ELSE)
        return row
    row = ExternalIdentity(
        account_id=account.id,
        issuer=who.issuer,
        subject=who.subject,
        label=who.label[:200],
        created_at=work.now,
        last_used_at=work.now,
    )
    work.session.add(row)
    work.session.flush()
    return row


def unlink_identity(
    work: Work, account: Account, identity_id: int, issuers: Collection[str]
) -> None:
    """End a link. `issuers`: those (without final slash) that one can come in with today.

    Raises:
        Missing: the account has no such identity.
        Conflict: nothing would be left to come in with.
    """
    row = work.session.get(ExternalIdentity, identity_id)
    if row is None or row.account_id != account.id:
        raise Missing(N_("Cette identité n’est pas liée à votre compte, ou plus."))
    others = [
        other
        for other in identities_of(work.session, account)
        if other.id != row.id and other.issuer.rstrip("/") in issuers
    ]
    if not account.password_hash and not others:
        raise Conflict(
            N_("C’est votre seule façon d’entrer ici. Choisissez d’abord un mot de passe.")
        )
    work.session.delete(row)


def register_known(work: Work, given: ChooseAlias, who: Outsider) -> Account:
    """Make an account that is opened by an identity and has no password.

    Whether registration is open is the caller's to check.

    Raises:
        Invalid: the alias is malformed or taken.
        Conflict: the identity opens an account already.
    """
    if find_identity(work.session, who) is not None:
        raise Conflict(OF_SOMEBODY_ELSE)
    # `register` wants a password; nobody learns this one.
    unknown = secrets.token_urlsafe(32)
    account = register(
        work, Register(given.alias, unknown, given.display_name, locale=given.locale)
    )
    account.password_hash = None
    link_identity(work, account, who)
    return account


def free_alias(session: Session, wanted: str, host: str) -> str:
    """An alias that can be had, like the name somebody has elsewhere; empty if there is none."""
    plain = unicodedata.normalize("NFKD", wanted.partition("@")[0].lower())
    plain = re.sub(r"[\s.]+", "-", plain.encode("ascii", "ignore").decode())
    plain = re.sub(r"[^a-z0-9_-]", "", plain)[:LONGEST_ALIAS].strip("-_")
    for number in range(1, MOST_TRIES):
        end = "" if number == 1 else f"-{number}"
        alias = plain[: LONGEST_ALIAS - len(end)].rstrip("-_") + end
        if not ALIAS.fullmatch(alias):
            return ""
        if alias not in RESERVED and find_actor(session, alias, host) is None:
            return alias
    return ""
