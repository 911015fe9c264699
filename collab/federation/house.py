"""What one instance knows and may do towards the others: its keys, its peers, its way out."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from collab.core.db import now
from collab.core.errors import Forbidden, Problem
from collab.core.i18n import N_
from collab.federation import keyring, remote
from collab.federation.budget import Budget, Payer, Turns
from collab.federation.hosts import BadHost, canonical_host, host_of
from collab.federation.keys import (
    Algorithm,
    BadKey,
    PublicKey,
    SigningKey,
    Vault,
    load_private_pem,
)
from collab.federation.memory import SchemeMemory
from collab.federation.presence import Pace
from collab.federation.signer import Signer
from collab.federation.transport import Transport
from collab.people.models import Actor, Key, Peer, PeerState, Site
from collab.people.queries import site
from collab.spaces.models import Space
from collab.web.extensions import db
from collab.web.runtime import Runtime

Standing = Literal["full", "asking", "none"]
_MOST_OPENED = 1000


class Federation:
    """One per app, at `app.extensions["collab.federation"]`.

    Every method needs an app context. Those that may ask another host say so; they end the
    session's read transaction first and must not be called inside a unit of work (R56).
    """

    def __init__(self, runtime: Runtime, transport: Transport, vault: Vault) -> None:
        settings = runtime.settings
        self.runtime = runtime
        self.transport = transport
        self.origin = settings.origin
        self.host = settings.host
        self.allow_loopback = settings.federation.allow_loopback
        self.budget = Budget(self.now)
        self.strangers = Budget(self.now)  # under names that anybody can invent
        self.turns = Turns()
        self.memory = SchemeMemory(self.now)
        self.pace = Pace()
        self._vault = vault
        self._opened: dict[str, SigningKey] = {}

    @property
    def session(self) -> Session:
        """The session of this request or job."""
        return db.session()

    def now(self) -> datetime:
        """The current instant, UTC."""
        return self.runtime.clock() if self.runtime.clock else now()

    def let_go(self) -> None:
        """End the read transaction before asking another host (R56).

        Raises RuntimeError inside a unit of work: nobody waits for a network holding a lock.
        """
        session = self.session
        if not session.in_transaction():
            return
        options = session.connection().get_execution_options()
        if options.get("immediate") or session.new or session.dirty or session.deleted:
            raise RuntimeError("another host is asked inside a write transaction")
        session.commit()

    # Our own voice

    def instance_actor(self) -> Actor:
        """The actor of this instance itself."""
        return site(self.session).actor

    def signing_key(self, actor: Actor, algorithm: Algorithm, key_id: str = "") -> SigningKey:
        """The newest key of that kind of one of our own actors (FEDERATION.md 2.1), or the one
        with that id.

        Raises BadKey when there is none or the vault's secret is another.
        """
        named = Key.key_id == key_id if key_id else Key.revoked_at.is_(None)
        row = self.session.scalar(
            select(Key)
            .where(
                Key.actor_id == actor.id,
                Key.algorithm == algorithm,
                Key.private.is_not(None),
                named,
            )
            .order_by(Key.id.desc())
            .limit(1)
        )
        if row is None or row.private is None:
            raise BadKey(f"no {algorithm} key for {actor.iri}")
        opened = self._opened.get(row.private)
        if opened is None:
            private = load_private_pem(self._vault.decrypt(row.private))
            opened = SigningKey(row.key_id, algorithm, private)
            if len(self._opened) >= _MOST_OPENED:
                self._opened.clear()
            self._opened[row.private] = opened
        return opened

    def signer(self, actor: Actor, algorithm: Algorithm = "rsa") -> Signer:
        """Sends requests signed by one of our own; by Ed25519 those about logs (2.1)."""
        key = self.signing_key(actor, algorithm)
        return Signer(key, self.transport, self.memory, clock=self.now)

    # Who may speak with us

    def mode(self) -> str:
        """`open`, `allowlist` or `off`: as the administrators chose, else as the settings say."""
        return site(self.session).federation or self.runtime.settings.federation.mode

    def standing(self, host: str) -> Standing:
        """What a host may do here: everything a peer may, only ask to be linked, or nothing.

        What was decided about a host holds for the names below it too; a block anywhere above
        wins (R54).
        """
        mode, states = self._decided(host)
        if mode == "off" or PeerState.BLOCKED in states:
            return "none"
        if mode == "open" or {PeerState.ALLOWED, PeerState.LIMITED} & set(states):
            return "full"
        return "asking"

    def _decided(self, host: str) -> tuple[str, list[str]]:
        """The mode, and what was decided about a host and those above it, the nearest first.

        Asked once while one transaction only reads; each that writes asks for itself.
        """
        known = _asked_before(self.session)
        if known is not None and host in known:
            return known[host]
        return self.look_up([host])[host]

    def look_up(self, hosts: Iterable[str]) -> dict[str, tuple[str, list[str]]]:
        """As `_decided` for many in one question, also for `standing` in the same reading."""
        session = self.session
        named = {host: [host, *_above(host)] for host in hosts}
        names = {name for chain in named.values() for name in chain}
        rows = session.execute(
            select(Site.federation, Peer.host, Peer.state).outerjoin(Peer, Peer.host.in_(names))
        ).all()
        mode = (rows[0].federation if rows else None) or self.runtime.settings.federation.mode
        found = {row.host: row.state for row in rows}
        told = {
            host: (mode, [found.get(name, PeerState.KNOWN) for name in chain])
            for host, chain in named.items()
        }
        known = _asked_before(session)
        if known is not None:
            known.update(told)
        return told

    def admits(self, host: str) -> bool:
        """Whether we speak with that host at all, beyond being asked to be linked."""
        return host == self.host or self.standing(host) == "full"

    def may_lead_to(self, host: str) -> bool:
        """Whether a redirect may lead us to that host (R54, R55). No read is left open (R56)."""
        let = self.admits(host)
        self.let_go()
        return let

    def is_limited(self, host: str) -> bool:
        """Whether nobody new may come from there, and no copies may go there."""
        return PeerState.LIMITED in self._decided(host)[1]

    def require_peer(self, host: str) -> None:
        """Raises Forbidden unless `host` is let in (R54, R55)."""
        if not self.admits(host):
            raise Forbidden(N_("Cette instance n’est pas reliée à la nôtre."), host=host)

    def canonical(self, host: str) -> str:
        """The one spelling of a host. Raises BadHost (R12)."""
        return canonical_host(host, allow_loopback=self.allow_loopback)

    def host_of(self, iri: str, *, otherwise: Callable[[], Exception] | None = None) -> str:
        """The canonical host of an IRI. Raises BadHost (R12), or what `otherwise` makes."""
        try:
            return host_of(iri, allow_loopback=self.allow_loopback)
        except BadHost as error:
            raise otherwise() if otherwise else error from error

    def is_ours(self, iri: str) -> bool:
        """Whether an IRI is one of this instance's."""
        try:
            return self.host_of(iri) == self.host
        except BadHost:
            return False

    # What may ask another host

    def find_key(self, key_id: str, payer: Payer | None = None) -> PublicKey:
        """The key with that id: ours, remembered, or fetched for `payer` (2.4). May ask.

        Raises Refused: 403 for a host that is not let in, 401 when there is no such key or it is
        revoked, 503 when its host does not answer.
        """
        return keyring.in_use(keyring.find_key(self, key_id, self.admits, payer))

    def find_past_key(self, key_id: str) -> PublicKey:
        """As `find_key`, also a revoked one, for logs; waits for no slow host (patience.py)."""
        return keyring.find_key(self, key_id, self.admits, hurried=True)

    def find_peer_key(self, key_id: str, payer: Payer | None = None) -> PublicKey:
        """As `find_key`, also for a host that asks to be linked (R55). May ask."""
        known = keyring.find_key(self, key_id, lambda host: self.standing(host) != "none", payer)
        return keyring.in_use(known)

    def refresh_key(self, key_id: str, payer: Payer) -> bool:
        """Fetch a key anew, as a signature did not match. Whether it is another now. May ask."""
        return keyring.refresh_key(self, key_id, payer)

    def resolve_actor(self, iri: str, *, refresh: bool = False, peering: bool = False) -> Actor:
        """The actor with that IRI, fetched and remembered when not known. May ask.

        `peering` lets in the instance actor of a host that is not linked yet (R55).

        Raises:
            Forbidden: its host is not let in.
            Missing: there is no such actor, or it claims to be one of ours.
            Unreachable: its host does not answer, or answered what cannot be believed.
        """
        return remote.resolve_actor(self, iri, refresh=refresh, peering=peering)

    def acquaint(self, iri: str) -> Actor | None:
        """As `resolve_actor`, None when that does not succeed. May ask."""
        try:
            return self.resolve_actor(iri)
        except Problem:
            return None

    def resolve_address(self, address: str) -> str:
        """The IRI behind `jardin@a.example` or `https://a.example/p/jardin`. May ask.

        Raises as `resolve_actor` does, and Invalid for what is no address.
        """
        return remote.resolve_address(self, address)

    def space_card(self, address: str) -> Space:
        """The project at an address or IRI, its words brought up to date. May ask.

        Raises as `resolve_address` does; Missing too when it is not a project.
        """
        return remote.space_card(self, address)


def _above(host: str) -> list[str]:
    """The names above a host's, but for the last label; none above an address."""
    labels = host.split(".")
    above = [".".join(labels[n:]) for n in range(1, len(labels) - 1)]
    return above if ":" not in host else []


def _asked_before(session: Session) -> dict[str, tuple[str, list[str]]] | None:
    """What was found out about hosts in the transaction that is open; None when it may write."""
    if session.new or session.dirty or session.deleted:
        return None
    if session.connection().get_execution_options().get("immediate"):
        return None
    transaction = session.get_transaction()
    if session.info.get("asked in") is not transaction:
        session.info["asked in"], session.info["asked"] = transaction, {}
    found: dict[str, tuple[str, list[str]]] = session.info["asked"]
    return found
