"""Whom an archive is believed about: the keys and the people of `project.psz`, for one import.

An archive is made by whoever made it, so its keys are never written down: the inbox and the key
cache go on believing what the owners' own hosts serve. Here a key is looked for where it always
is, at home first; the archive's word counts for hosts that were asked and did not answer, and
what rests on it alone is marked as the project's word (trust `http`), not as its author's.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from sqlalchemy import select

from collab.core.db import writing
from collab.core.errors import Forbidden, Missing, Problem, Unreachable
from collab.federation import keyring
from collab.federation.actors import public_key
from collab.federation.chain import Link
from collab.federation.hosts import BadHost
from collab.federation.house import Federation
from collab.federation.keyhistory import keys_in
from collab.federation.keys import BadKey, PublicKey
from collab.federation.psz_archive import Archive, Unusable
from collab.federation.psz_people import write_down
from collab.federation.signatures.message import Refused
from collab.people.models import ActorKind, Key
from collab.people.queries import actor_by_iri

Json = dict[str, Any]
MOST_HOSTS = 100
"""Hosts that one archive can make us ask (R29)."""
UNPROVED = "the author's key is in the archive only, and other keys of theirs are known here"
OTHER_KEY = "its first key is not the one that the project's own host tells: {key}"


class Witness:
    """Finds keys and people for the entries of one archive. Its methods may ask other hosts."""

    def __init__(self, federation: Federation, archive: Archive) -> None:
        self._federation, self._archive = federation, archive
        self._away: set[str] = set()
        """Hosts whose keys could not be asked for: they did not answer."""
        self._quiet: set[str] = set()
        """Hosts that told nothing usable of somebody."""
        self._asked: set[str] = set()
        self._alone: set[str] = set()
        """Ids of keys that were believed for the archive's sake alone."""

    def settle_first_key(self, given: str, *, held: bool) -> bool:
        """See that the archive began with the project's own first key. Whether its host answers.

        Where the host can be asked it decides. Where it cannot, a key remembered from it does, or
        entries of the copy that is `held` here, which the archive repeats. Otherwise nothing but
        a person can tell a true archive from one that somebody made up, and made wholly
        consistent: so `given`, what they compared by another way, is demanded rather than a key
        printed that nobody reads.

        Raises:
            Unusable: it is another key, or nobody has compared it.
        """
        federation, archive = self._federation, self._archive
        first, written = archive.first, archive.first.written()
        try:
            group = federation.resolve_actor(archive.group, refresh=True)
            if group.kind != ActorKind.GROUP:
                raise Unusable(f"{archive.group} is not a project")
            told = keyring.find_key(federation, first.key_id, federation.admits)
        except Forbidden as refused:
            host = federation.host_of(archive.group)
            raise Unusable(f"{host} is not let in here: `collab peer allow {host}`") from refused
        except (Unreachable, Missing):
            return self._without_host(given, held=held)
        except Refused as refused:
            if refused.status == 503:
                return self._without_host(given, held=held)
            raise Unusable(OTHER_KEY.format(key=refused.detail)) from refused
        if told.written() != written:
            raise Unusable(OTHER_KEY.format(key=told.written()))
        return True

    def _without_host(self, given: str, *, held: bool) -> bool:
        archive = self._archive
        self._away.add(self._federation.host_of(archive.group))
        known, written = self._known(archive.first.key_id), archive.first.written()
        if known is not None and known.written() != written:
            raise Unusable(OTHER_KEY.format(key=known.written()))
        if known is None and not held and given != written:
            raise Unusable(
                f"the host of {archive.group} cannot be asked which key it began with. The archive "
                f"says {written}: compare it with one you have from somewhere else (its page, its "
                f"administrator, an older export), then run this again with --key and that key"
            )
        return False

    # For replica.Source

    def find_key(self, key_id: str) -> PublicKey:
        """The key with that id: the project's first, one known here, its host's, the archive's.

        Raises Refused.
        """
        federation = self._federation
        if key_id == self._archive.first.key_id:
            return self._archive.first
        known = self._known(key_id)
        if known is not None:
            return known
        host = federation.host_of(key_id, otherwise=keyring.NO_KEY_ID)
        if host == federation.host:
            raise Refused(401, "unknown_key", "There is no such key.")
        if host not in self._away:
            if not self._may_ask(host):
                raise Refused(429, "too_many", "The archive names too many hosts.")
            try:
                return keyring.find_key(federation, key_id, federation.admits)
            except Refused as refused:
                if refused.status != 503:
                    raise
            self._away.add(host)
        return self._of_archive(key_id)

    def _of_archive(self, key_id: str) -> PublicKey:
        found = self._archive.keys.get(key_id)
        if found is None:
            raise Refused(503, "key_unreachable", "The host of the key does not answer.")
        self._alone.add(key_id)
        return found

    def meet(self, iri: str) -> None:
        """Get to know somebody: by their own host, else by what the archive calls them."""
        federation, session = self._federation, self._federation.session
        try:
            host = federation.host_of(iri)
        except BadHost:
            return
        if host == federation.host or actor_by_iri(session, iri) is not None:
            return
        if not federation.admits(host) or self._met(host, iri):
            return
        described = self._archive.people.get(iri)
        if described is not None:
            federation.let_go()
            with writing(session):
                write_down(session, described, federation.now())

    def _met(self, host: str, iri: str) -> bool:
        if host in self._away | self._quiet or not self._may_ask(host):
            return False
        try:
            self._federation.resolve_actor(iri)
        except Unreachable:
            self._quiet.add(host)
        except Problem:
            return False
        else:
            return True
        return False

    def mark(self, link: Link) -> Link:
        """What is taken in of an entry: its author's word only where their host's key proves it,
        and no key that the project lists, which only its host may tell us."""
        body, group = link.body, self._archive.group
        if body is None or link.doubt:
            return link
        if keys_in(body, group):
            named = {k: v for k, v in body["object"].items() if k not in KEY_MEMBERS}
            return replace(link, body=body | {"object": named})
        proof = body.get("proof")
        key_id = proof.get("verificationMethod") if isinstance(proof, dict) else None
        if link.trust != "proof" or key_id not in self._alone:
            return link
        if self._proves(str(body.get("actor"))):
            return replace(link, doubt=UNPROVED)
        return replace(link, trust="http")

    def _may_ask(self, host: str) -> bool:
        self._asked |= {host} if len(self._asked) < MOST_HOSTS else set()
        return host in self._asked

    def _known(self, key_id: str) -> PublicKey | None:
        row = self._federation.session.scalar(select(Key).where(Key.key_id == key_id))
        try:
            return public_key(row) if row is not None else None
        except BadKey:
            return None

    def _proves(self, iri: str) -> bool:
        """Whether somebody has a key here with which all their words are signed."""
        actor = actor_by_iri(self._federation.session, iri)
        held = select(Key.id).where(Key.algorithm == "ed25519", Key.revoked_at.is_(None))
        whose = held.where(Key.actor_id == (actor.id if actor else 0)).limit(1)
        return self._federation.session.scalar(whose) is not None


KEY_MEMBERS = frozenset({"publicKey", "assertionMethod", "allKeys"})
