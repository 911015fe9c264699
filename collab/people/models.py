"""Accounts, actors and their keys, other instances, and what this instance says of itself."""

from __future__ import annotations

from datetime import datetime
from enum import IntEnum, StrEnum

from sqlalchemy import ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from collab.core.db import Base


class ActorKind(StrEnum):
    """A person, a project (a Group) or an instance (an Application)."""

    PERSON = "person"
    GROUP = "group"
    APPLICATION = "application"


class Actor(Base):
    """Somebody who acts: a person, a project (group) or an instance; of here or of elsewhere.

    `host` is the canonical host, also for our own actors; `local` says which those are.
    """

    __tablename__ = "actor"
    __table_args__ = (UniqueConstraint("name", "host"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    iri: Mapped[str] = mapped_column(String(2048), unique=True)
    kind: Mapped[str] = mapped_column(default=ActorKind.PERSON)
    name: Mapped[str] = mapped_column(String(200))
    host: Mapped[str] = mapped_column(String(255), index=True)
    local: Mapped[bool]
    display_name: Mapped[str] = mapped_column(default="")
    summary: Mapped[str] = mapped_column(Text, default="")
    url: Mapped[str] = mapped_column(default="")
    inbox: Mapped[str] = mapped_column(default="")
    shared_inbox: Mapped[str] = mapped_column(default="")
    outbox: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime]
    fetched_at: Mapped[datetime | None]
    suspended_at: Mapped[datetime | None]
    deleted_at: Mapped[datetime | None]
    moved_to: Mapped[str] = mapped_column(String(2048), default="", server_default="")
    """The IRI of who they are now, as both have said (FEP-7628); "": they have not moved."""
    moved_at: Mapped[datetime | None]
    also_known_as: Mapped[list[str]] = mapped_column(default=list, server_default="[]")
    """Of a person of here: who else they are, so that those may move to them."""

    @property
    def address(self) -> str:
        """`name@host`, as people write it."""
        return f"{self.name}@{self.host}"

    @property
    def label(self) -> str:
        """What to call them on a page."""
        return self.display_name or self.name


class Key(Base):
    """A key of an actor. `private` is encrypted with the instance's vault; None for remote keys."""

    __tablename__ = "key"

    id: Mapped[int] = mapped_column(primary_key=True)
    actor_id: Mapped[int] = mapped_column(ForeignKey("actor.id", ondelete="CASCADE"), index=True)
    key_id: Mapped[str] = mapped_column(String(2048), unique=True)
    algorithm: Mapped[str]
    public: Mapped[str] = mapped_column(Text)
    private: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime]
    fetched_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]

    actor: Mapped[Actor] = relationship()


class AccountRole(IntEnum):
    """What an account may do on its instance; in projects, see spaces.models.Role."""

    MEMBER = 10
    MODERATOR = 20
    ADMIN = 30


class Account(Base):
    """How a person of this instance logs in. No e-mail is needed.

    `epoch` is part of every session; raising it logs the person out everywhere.
    """

    __tablename__ = "account"

    id: Mapped[int] = mapped_column(primary_key=True)
    actor_id: Mapped[int] = mapped_column(ForeignKey("actor.id"), unique=True)
    password_hash: Mapped[str | None]
    recovery_hash: Mapped[str | None]
    email: Mapped[str | None] = mapped_column(String(320))
    role: Mapped[int] = mapped_column(default=AccountRole.MEMBER)
    locale: Mapped[str] = mapped_column(default="fr")
    epoch: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime]
    disabled_at: Mapped[datetime | None]

    actor: Mapped[Actor] = relationship(lazy="joined")

    @property
    def ended(self) -> bool:
        """Whether nothing opens it any more: it is closed, or its person suspended."""
        return bool(self.disabled_at or self.actor.suspended_at)


class Token(Base):
    """A bearer token for the API, kept only as a SHA-256 digest.

    `client_id` is None for personal tokens, else the OAuth application it was given to; `family`
    is then the code that the token descends from, so that all of them can be ended together.
    """

    __tablename__ = "token"

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"), index=True)
    client_id: Mapped[str | None] = mapped_column(String(120), index=True)
    family: Mapped[str | None] = mapped_column(String(64), index=True)
    name: Mapped[str] = mapped_column(default="")
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    refresh_digest: Mapped[str | None] = mapped_column(String(64), unique=True)
    scope: Mapped[str] = mapped_column(default="read")
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]

    account: Mapped[Account] = relationship(lazy="joined")


class PeerState(StrEnum):
    """What the two administrators have decided about each other's instance."""

    KNOWN = "known"
    """Met on the way; nobody has decided anything."""
    ASKED = "asked"
    """We asked; they have not answered."""
    ASKING = "asking"
    """They ask; our administrator has not answered."""
    ALLOWED = "allowed"
    LIMITED = "limited"
    BLOCKED = "blocked"
    REFUSED = "refused"


class Peer(Base):
    """Another instance: what was decided about it, and how well it answers."""

    __tablename__ = "peer"

    host: Mapped[str] = mapped_column(String(255), primary_key=True)
    name: Mapped[str] = mapped_column(default="")
    actor_iri: Mapped[str] = mapped_column(String(2048), default="")
    state: Mapped[str] = mapped_column(default=PeerState.KNOWN)
    follow_iri: Mapped[str] = mapped_column(String(2048), default="")
    their_follow_iri: Mapped[str] = mapped_column(String(2048), default="")
    mirrors: Mapped[bool] = mapped_column(default=False)
    scheme: Mapped[str | None]
    scheme_at: Mapped[datetime | None]
    clock_offset: Mapped[float | None]
    fail_count: Mapped[int] = mapped_column(default=0)
    first_fail_at: Mapped[datetime | None]
    last_ok_at: Mapped[datetime | None]
    next_try_at: Mapped[datetime | None]
    last_error: Mapped[str] = mapped_column(Text, default="")
    circuit: Mapped[str] = mapped_column(String(10), default="ok")
    """`ok`, `retrying`, `open` (5 failures in 10 minutes) or `dead` (7 days of them)."""
    window_at: Mapped[datetime | None]
    window_fails: Mapped[int] = mapped_column(default=0)
    """Failures since `window_at`, which is at most 10 minutes ago."""
    fail_day: Mapped[str] = mapped_column(String(10), default="")
    fail_days: Mapped[int] = mapped_column(default=0)
    """Distinct days (UTC) with failures since the last success; `fail_day` is the newest."""
    refusals: Mapped[int] = mapped_column(default=0)
    """How often it said 403 since it last took something."""
    answer_ms: Mapped[float | None]
    """How long its answers take, the last ones counting most."""
    reads_groups: Mapped[bool | None]
    """Its software says of itself that it understands groups as ours are (FEP-844e)."""
    reach: Mapped[str] = mapped_column(String(20), default="")
    """In which form our projects go there, when our administrators chose: `mirror`, `threads`,
    `highlights`; "" when nobody did."""
    without_rfc9421: Mapped[int | None]
    """Requests in a row without that signature, since it used it last; None: it never did (R59)."""
    without_ed25519: Mapped[int | None]
    """The same of requests signed with an Ed25519 key."""
    without_proof: Mapped[int | None]
    """The same of proofs on what its people write."""
    paused_at: Mapped[datetime | None]
    """An administrator lets everything for this host wait."""
    created_at: Mapped[datetime]
    decided_at: Mapped[datetime | None]
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("actor.id"))
    reason: Mapped[str] = mapped_column(Text, default="")
    """Why our administrators limited or blocked it, in their words; shown to people here."""
    verified_at: Mapped[datetime | None]
    verified_by: Mapped[int | None] = mapped_column(ForeignKey("actor.id"))
    verified_print: Mapped[str] = mapped_column(String(64), default="")
    """What was compared aloud (SHA-256, hex, of both keys); another key, and it no longer holds."""


class Registration(StrEnum):
    """Who may make an account here: anybody, whoever was invited, or nobody."""

    OPEN = "open"
    INVITATION = "invitation"
    CLOSED = "closed"


class Site(Base):
    """The one row in which an instance says who it is. Written by the first administrator."""

    __tablename__ = "site"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    tagline: Mapped[str] = mapped_column(default="")
    about: Mapped[str] = mapped_column(Text, default="")
    contact: Mapped[str] = mapped_column(Text, default="")
    registration: Mapped[str] = mapped_column(default=Registration.OPEN)
    federation: Mapped[str | None]
    """`open`, `allowlist` or `off`; None: as the settings file says."""
    actor_id: Mapped[int] = mapped_column(ForeignKey("actor.id"))
    set_up_at: Mapped[datetime | None]

    actor: Mapped[Actor] = relationship()


class ExternalIdentity(Base):
    """An OpenID Connect identity that a person linked to their account.

    `issuer` and `subject` together are the person there (OpenID Connect Core 2); the short name
    that the settings give a provider may change hands and is not kept.
    """

    __tablename__ = "external_identity"
    __table_args__ = (UniqueConstraint("issuer", "subject"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"), index=True)
    issuer: Mapped[str] = mapped_column(String(255))
    subject: Mapped[str] = mapped_column(String(255))
    label: Mapped[str] = mapped_column(default="")
    created_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None]


class OAuthClient(Base):
    """An application that may ask people of this instance for access to the API."""

    __tablename__ = "oauth_client"

    client_id: Mapped[str] = mapped_column(String(120), primary_key=True)
    secret_digest: Mapped[str | None] = mapped_column(String(64))
    name: Mapped[str]
    redirect_uris: Mapped[list[str]]
    scope: Mapped[str] = mapped_column(default="read")
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"))
    created_at: Mapped[datetime]


class OAuthCode(Base):
    """An authorization code (RFC 6749 §4.1, RFC 7636), usable once within ten minutes.

    A used one stays for a day: whoever shows it again ends all that it gave.
    """

    __tablename__ = "oauth_code"

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    client_id: Mapped[str] = mapped_column(ForeignKey("oauth_client.client_id"))
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id"))
    redirect_uri: Mapped[str] = mapped_column(String(2048))
    scope: Mapped[str]
    code_challenge: Mapped[str]
    code_challenge_method: Mapped[str] = mapped_column(default="S256")
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
