"""Personal tokens: a person's own key to the API."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from collab.core.errors import Invalid, Missing
from collab.core.i18n import N_
from collab.core.work import Work
from collab.people.models import Account, Token

SCOPES = ("read", "write")


@dataclass(frozen=True)
class GiveToken:
    """`name` says what it is for; `scopes` what it may do."""

    name: str
    scopes: tuple[str, ...] = ("read",)


def give_token(work: Work, account: Account, given: GiveToken) -> str:
    """Make a personal token and return it, the only time it can be seen.

    Raises:
        Invalid: no name, or a scope that does not exist.
    """
    if not given.name.strip():
        raise Invalid(name=N_("Dites à quoi servira ce jeton."))
    if not given.scopes or set(given.scopes) - set(SCOPES):
        raise Invalid(scopes=N_("Choisissez ce que ce jeton permet."))
    bearer = f"collab_{secrets.token_urlsafe(32)}"
    row = Token(
        account_id=account.id,
        name=given.name.strip()[:80],
        digest=hashlib.sha256(bearer.encode()).hexdigest(),
        scope=" ".join(s for s in SCOPES if s in given.scopes),
        created_at=work.now,
    )
    work.session.add(row)
    return bearer


def revoke_token(work: Work, account: Account, token_id: int) -> None:
    """End a token at once.

    Raises:
        Missing: the account has no such token.
    """
    row = work.session.get(Token, token_id)
    if row is None or row.account_id != account.id:
        raise Missing(N_("Ce jeton n’existe pas, ou plus."))
    row.revoked_at = row.revoked_at or work.now


def tokens_of(session: Session, account: Account) -> Sequence[Token]:
    """The account's own living tokens, the newest first; not those of applications."""
    return session.scalars(
        select(Token)
        .where(
            Token.account_id == account.id,
            Token.client_id.is_(None),
            Token.revoked_at.is_(None),
        )
        .order_by(Token.id.desc())
    ).all()
