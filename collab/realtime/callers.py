"""Who is behind a socket, asked again at each event, and how often they may ask."""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import dataclass, field

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from collab.core.db import now
from collab.core.errors import Forbidden, TooMany, Unauthenticated
from collab.core.i18n import N_
from collab.people.models import Account, Actor, Token
from collab.people.queries import find_token
from collab.web.view import account

ENDED = N_("Votre connexion a pris fin. Connectez-vous de nouveau.")
MAX_TOKEN = 200
CHUNK = 500
"""Ids in one `IN (...)`."""


class Bucket:
    """Lets `burst` acts through at once and `per_second` in the long run."""

    __slots__ = ("_at", "_burst", "_left", "_per_second")

    def __init__(self, burst: float, per_second: float) -> None:
        self._burst = self._left = burst
        self._per_second = per_second
        self._at = time.monotonic()

    def take(self) -> None:
        """Count one act. Raises TooMany."""
        at = time.monotonic()
        self._left = min(self._burst, self._left + (at - self._at) * self._per_second)
        self._at = at
        if self._left < 1:
            raise TooMany(N_("C’est un peu trop souvent. Attendez un instant, puis recommencez."))
        self._left -= 1


@dataclass
class Seat:
    """A caller's place in the room of one space."""

    space_id: int
    address: str
    member: bool


@dataclass
class Caller:
    """One socket. A stranger has no account; `epoch` ends every session of an account at once."""

    sid: str
    account_id: int | None = None
    actor_id: int | None = None
    epoch: int = 0
    token_id: int | None = None
    may_write: bool = False
    address: str = ""
    label: str = ""
    seats: dict[int, Seat] = field(default_factory=dict)
    asks: Bucket = field(default_factory=lambda: Bucket(40, 10))
    acts: Bucket = field(default_factory=lambda: Bucket(20, 1))
    types: Bucket = field(default_factory=lambda: Bucket(3, 0.5))

    @property
    def card(self) -> dict[str, str]:
        """How a message names the person: an address for programs, a label for people."""
        return {"by": self.address, "label": self.label}


def answer_call(session: Session, sid: str, auth: object) -> Caller:
    """Say who is calling: by a personal token in `auth`, or by the session cookie, or nobody.

    Raises:
        Unauthenticated: a token was given that is not valid.
    """
    if isinstance(auth, dict) and auth.get("token") is not None:
        return _by_token(session, sid, auth["token"])
    found = account()
    if found is None:
        return Caller(sid)
    return _caller(sid, found, may_write=True)


def _by_token(session: Session, sid: str, bearer: object) -> Caller:
    known = isinstance(bearer, str) and len(bearer) <= MAX_TOKEN
    token = find_token(session, bearer, now()) if known and isinstance(bearer, str) else None
    if token is None:
        raise Unauthenticated(N_("Ce jeton d’accès n’est pas valable."))
    caller = _caller(sid, token.account, may_write="write" in token.scope.split())
    caller.token_id = token.id
    return caller


def _caller(sid: str, found: Account, *, may_write: bool) -> Caller:
    actor = found.actor
    return Caller(sid, found.id, actor.id, found.epoch, None, may_write, actor.address, actor.label)


def still_there(session: Session, caller: Caller) -> Account | None:
    """The account behind a socket, None for a stranger.

    Raises:
        Unauthenticated: it was logged out everywhere, disabled or suspended, or its token ended.
    """
    if caller.account_id is None:
        return None
    if ended(session, [caller]):
        raise Unauthenticated(ENDED)
    return session.get_one(Account, caller.account_id)


def ended(session: Session, callers: Collection[Caller]) -> list[Caller]:
    """Those callers whose account or token is no longer what let them in."""
    known = [c for c in callers if c.account_id is not None]
    accounts: dict[int, int] = {}
    tokens: set[int] = set()
    for start in range(0, len(known), CHUNK):
        part = known[start : start + CHUNK]
        accounts |= _living_accounts(session, {c.account_id for c in part if c.account_id})
        tokens |= _living_tokens(session, {c.token_id for c in part if c.token_id})
    return [
        c
        for c in known
        if accounts.get(c.account_id or 0) != c.epoch or (c.token_id and c.token_id not in tokens)
    ]


def _living_accounts(session: Session, ids: Collection[int]) -> dict[int, int]:
    living = and_(
        Account.id.in_(ids),
        Account.disabled_at.is_(None),
        Actor.suspended_at.is_(None),
        Actor.deleted_at.is_(None),
    )
    rows = session.execute(
        select(Account.id, Account.epoch).join(Actor, Actor.id == Account.actor_id).where(living)
    )
    return {row.id: row.epoch for row in rows}


def _living_tokens(session: Session, ids: Collection[int]) -> set[int]:
    if not ids:
        return set()
    unexpired = or_(Token.expires_at.is_(None), Token.expires_at > now())
    wanted = and_(Token.id.in_(ids), Token.revoked_at.is_(None), unexpired)
    return set(session.scalars(select(Token.id).where(wanted)))


def must_write(caller: Caller) -> None:
    """Raises Unauthenticated for strangers, Forbidden for tokens that only read."""
    if caller.account_id is None:
        raise Unauthenticated(N_("Connectez-vous d’abord."))
    if not caller.may_write:
        raise Forbidden(N_("Ce jeton permet seulement de lire."))
