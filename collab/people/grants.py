"""What people allow applications: codes, tokens and their renewal (RFC 6749, 7009, 9700)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session

from collab.core.errors import Missing
from collab.core.i18n import N_
from collab.core.work import Work
from collab.people.models import Account, OAuthClient, OAuthCode, Token
from collab.people.oauth import digest, in_order

CODE_LIFE = timedelta(minutes=10)
ACCESS_LIFE = timedelta(days=30)
REFRESH_LIFE = timedelta(days=180)


@dataclass(frozen=True)
class Consent:
    """What a person allowed an application to do, and the proof it will have to show."""

    client_id: str
    redirect_uri: str
    scope: str
    code_challenge: str


@dataclass(frozen=True)
class NewTokens:
    """A fresh pair, in clear, for one application and one person."""

    client_id: str
    access: str
    refresh: str
    scope: str
    family: str


@dataclass(frozen=True)
class Application:
    """An application as the person who authorised it sees it."""

    client_id: str
    name: str
    scope: str
    since: datetime
    last_used_at: datetime | None


def keep_code(work: Work, account: Account, code: str, given: Consent) -> None:
    """Write down what the person allowed; `code`, random and long, is good for ten minutes."""
    work.session.execute(delete(OAuthCode).where(OAuthCode.expires_at < work.now - timedelta(1)))
    row = OAuthCode(
        digest=digest(code),
        client_id=given.client_id,
        account_id=account.id,
        redirect_uri=given.redirect_uri,
        scope=in_order(given.scope),
        code_challenge=given.code_challenge,
        expires_at=work.now + CODE_LIFE,
    )
    work.session.add(row)
    work.session.flush()


def find_code(work: Work, code: str, client_id: str) -> OAuthCode | None:
    """A code that this application may still use.

    One that was used before ends every token it gave (RFC 6749, 4.1.2): somebody has copied it.
    """
    row = work.session.get(OAuthCode, digest(code))
    if row is None or row.client_id != client_id:
        return None
    if row.used_at is not None:
        _end_family(work, row.digest)
        return None
    return row if row.expires_at > work.now else None


def give_tokens(work: Work, account: Account, given: NewTokens) -> Token:
    """Keep a fresh pair of tokens, as digests."""
    name = work.session.get_one(OAuthClient, given.client_id).name
    row = Token(
        account_id=account.id,
        client_id=given.client_id,
        family=given.family,
        name=name,
        digest=digest(given.access),
        refresh_digest=digest(given.refresh),
        scope=in_order(given.scope),
        created_at=work.now,
        expires_at=work.now + ACCESS_LIFE,
    )
    work.session.add(row)
    work.session.flush()
    return row


def find_refreshable(work: Work, refresh: str) -> Token | None:
    """The tokens that a refresh token renews.

    One that was used before ends the whole family: somebody has copied it (RFC 9700, 4.14).
    """
    row = work.session.scalar(select(Token).where(Token.refresh_digest == digest(refresh)))
    if row is None or row.family is None:
        return None
    if row.revoked_at is not None:
        _end_family(work, row.family)
        return None
    return row if row.created_at + REFRESH_LIFE > work.now else None


def find_given(work: Work, either: str) -> Token | None:
    """An application's tokens by the access token or the refresh token."""
    known = digest(either)
    return work.session.scalar(
        select(Token).where(
            Token.client_id.is_not(None),
            or_(Token.digest == known, Token.refresh_digest == known),
        )
    )


def end_tokens(work: Work, token: Token) -> None:
    """The application gives its tokens back (RFC 7009): the pair, and any that came from it."""
    token.revoked_at = token.revoked_at or work.now
    if token.family:
        _end_family(work, token.family)


def applications_of(session: Session, account: Account, at: datetime) -> Sequence[Application]:
    """What the person has authorised and not ended, the newest first."""
    rows = session.execute(
        select(Token, OAuthClient.name)
        .join(OAuthClient, OAuthClient.client_id == Token.client_id)
        .where(
            Token.account_id == account.id,
            Token.revoked_at.is_(None),
            Token.created_at > at - REFRESH_LIFE,
        )
        .order_by(Token.id)
    )
    found: dict[str, Application] = {}
    for token, name in rows:
        client = token.client_id or ""
        known = found.get(client) or Application(client, name, "", token.created_at, None)
        used = [at for at in (known.last_used_at, token.last_used_at) if at]
        scope = in_order(f"{known.scope} {token.scope}")
        found[client] = replace(known, scope=scope, last_used_at=max(used, default=None))
    return list(reversed(found.values()))


def end_application(work: Work, account: Account, client_id: str) -> None:
    """Take back what a person allowed an application; its tokens stop working at once.

    Raises:
        Missing: it was allowed nothing.
    """
    mine = (Token.account_id == account.id, Token.client_id == client_id)
    living = select(Token.id).where(*mine, Token.revoked_at.is_(None)).limit(1)
    if work.session.scalar(living) is None:
        raise Missing(N_("Cette application n’a pas accès à votre compte, ou plus."))
    work.session.execute(
        update(Token).where(*mine, Token.revoked_at.is_(None)).values(revoked_at=work.now)
    )
    work.session.execute(
        update(OAuthCode)
        .where(OAuthCode.account_id == account.id, OAuthCode.client_id == client_id)
        .values(expires_at=work.now)
    )


def _end_family(work: Work, family: str) -> None:
    work.session.execute(
        update(Token)
        .where(Token.family == family, Token.revoked_at.is_(None))
        .values(revoked_at=work.now)
    )
