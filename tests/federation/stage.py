"""A house of ours on loopback, and people of another server who write to it over signed requests.

The other server is played by `hostile_peer`, which serves its actors over real sockets; what they
sign is posted to our app as bytes. Nothing of ours is replaced.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from itertools import count

import pytest
from conftest import House, Make, open_house
from federation.hostile import HostilePeer, hostile_peer
from werkzeug.test import TestResponse

from collab.core.db import writing
from collab.federation.house import Federation
from collab.federation.keys import (
    SigningKey,
    multikey,
    new_ed25519,
    new_rsa,
    public_pem,
)
from collab.federation.models import OutboxItem
from collab.federation.proofs import add_proof
from collab.federation.signatures import sign
from collab.federation.strictjson import canonical
from collab.people.models import AccountRole, Actor, Peer, PeerState
from collab.spaces.membership import Decide, admit
from collab.spaces.models import Space
from collab.spaces.tools.discussion.inputs import OpenThread
from collab.spaces.tools.discussion.models import Thread
from collab.spaces.tools.discussion.operations import open_thread
from collab.web.extensions import db

ORIGIN = "http://127.0.0.1:8009"
PUBLIC = "https://www.w3.org/ns/activitystreams#Public"
CONTEXT = ["https://www.w3.org/ns/activitystreams", "https://w3id.org/security/data-integrity/v2"]
TOML = """[site]
name = "Maison d’essai"
base_url = "{origin}"

[federation]
allow_loopback = true
"""
_numbers = count(1)


@cache
def rsa_key(name: str):
    """One RSA key per name for the whole run: making them is slow."""
    return new_rsa()


@dataclass
class Person:
    """Somebody of the other server, who can sign."""

    iri: str
    rsa: SigningKey
    edwards: SigningKey
    document: dict

    @property
    def origin(self) -> str:
        return self.iri.partition("/u/")[0].removesuffix("/actor")


@dataclass
class Foreign:
    """The other server, and our house it writes to."""

    peer: HostilePeer
    house: House
    people: dict[str, Person] = field(default_factory=dict)

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.peer.port}"

    def person(self, name: str = "lea", kind: str = "Person", /, **more) -> Person:
        """Somebody there; the same name is the same person."""
        if name not in self.people:
            self.people[name] = self._make(name, kind, more)
        return self.people[name]

    def application(self) -> Person:
        """The other server's own actor."""
        return self.person("actor", "Application")

    def _make(self, name: str, kind: str, more: dict) -> Person:
        path = "/actor" if name == "actor" else f"/u/{name}"
        iri = self.peer.url(path)
        rsa = SigningKey(f"{iri}#main-key", "rsa", rsa_key(name))
        edwards = SigningKey(f"{iri}#ed25519-1", "ed25519", new_ed25519())
        document = {
            "@context": CONTEXT,
            "id": iri,
            "type": kind,
            "preferredUsername": name,
            "name": name.capitalize(),
            "inbox": f"{iri}/inbox",
            "outbox": f"{iri}/outbox",
            "endpoints": {"sharedInbox": self.peer.url("/inbox")},
            "publicKey": {
                "id": rsa.key_id,
                "owner": iri,
                "publicKeyPem": public_pem(rsa.key.public_key()),
            },
            "assertionMethod": [
                {
                    "id": edwards.key_id,
                    "type": "Multikey",
                    "controller": iri,
                    "publicKeyMultibase": multikey(edwards.key.public_key()),
                }
            ],
        } | more
        self.peer.serve(path, document)
        return Person(iri, rsa, edwards, document)

    def activity(self, actor: Person, verb: str, thing, **more) -> dict:
        """An activity of that person, addressed to everybody."""
        return {
            "@context": CONTEXT,
            "id": f"{actor.origin}/a/{next(_numbers)}",
            "type": verb,
            "actor": actor.iri,
            "to": [PUBLIC],
            "cc": [],
            "object": thing,
            "published": stamp(),
        } | more

    def post(
        self,
        signer: Person,
        activity: dict | bytes,
        *,
        scheme: str = "cavage",
        key: SigningKey | None = None,
        path: str = "/inbox",
        at: datetime | None = None,
        headers: dict | None = None,
        address: str = "127.0.0.1",
    ) -> TestResponse:
        """Deliver an activity, signed by that person, to our house, from an address."""
        body = activity if isinstance(activity, bytes) else canonical(activity)
        url = f"{ORIGIN}{path}"
        signed = sign("POST", url, body, key or signer.rsa, scheme, at or datetime.now(UTC))
        signed = signed | (headers or {})
        signed.pop("Host", None)
        kind = signed.pop("Content-Type", "application/activity+json")
        return self.house.client().post(
            path, data=body, headers=signed, content_type=kind,
            environ_base={"REMOTE_ADDR": address},
        )  # fmt: skip

    def say(self, actor: Person, verb: str, thing, **more) -> TestResponse:
        """Deliver a well-formed activity of that person, signed by themselves."""
        return self.post(actor, self.activity(actor, verb, thing, **more))

    def get(self, signer: Person | None, path: str, scheme: str = "cavage") -> TestResponse:
        """Ask our house for a document as ActivityStreams, signed or not."""
        headers = {}
        if signer is not None:
            headers = sign("GET", f"{ORIGIN}{path}", b"", signer.rsa, scheme, datetime.now(UTC))
            headers.pop("Host", None)
        headers["Accept"] = "application/activity+json"
        return self.house.client().get(path, headers=headers)

    def proven(self, actor: Person, activity: dict) -> dict:
        """The activity with that person's proof."""
        return add_proof(activity, actor.edwards, datetime.now(UTC))

    def note(self, author: Person, space: Space, **more) -> dict:
        """A message that opens a discussion in a project of ours."""
        return {
            "id": f"{author.origin}/o/{next(_numbers)}",
            "type": "Note",
            "attributedTo": author.iri,
            "name": "Une cuve",
            "content": "<p>J’ai une vieille cuve.</p>",
            "to": [PUBLIC],
            "cc": [space.iri],
            "audience": space.iri,
            "published": stamp(),
        } | more

    def member(self, make: Make, space: Space, owner: Actor, name: str = "lea") -> Person:
        """Somebody there who takes part in a project of ours."""
        person = self.person(name)
        assert self.say(person, "Join", space.iri).status_code == 202
        with make.house.as_(owner) as work:
            admit(work, space, Decide(member=actor(person.iri).id))
        return person


def stamp(at: datetime | None = None) -> str:
    """An instant as the wire writes it."""
    return (at or datetime.now(UTC)).strftime("%Y-%m-%dT%H:%M:%SZ")


def actor(iri: str) -> Actor:
    """The row of an actor."""
    return db.session.query(Actor).filter_by(iri=iri).one()


def sent(verb: str) -> list[dict]:
    """The activities of that type that wait to be delivered."""
    rows = db.session.query(OutboxItem).order_by(OutboxItem.id)
    return [a for a in (json.loads(row.body) for row in rows) if a["type"] == verb]


def decide(host: str, state: PeerState) -> None:
    """What our administrators decided about a host."""
    with writing(db.session()) as session:
        session.merge(Peer(host=host, state=state, created_at=datetime.now(UTC)))


@pytest.fixture
def house(tmp_path, database_for) -> Iterator[House]:
    """Our house, at a loopback address where nobody listens."""
    path = tmp_path / "instance"
    path.mkdir()
    (path / "collab.toml").write_text(TOML.format(origin=ORIGIN), encoding="utf-8")
    house = open_house(path, database_for("house"), ORIGIN)
    with house.app.test_request_context("/", base_url=ORIGIN):
        yield house
    with house.app.app_context():
        house.app.extensions["collab.federation"].transport.close()
        db.session.remove()
        db.engine.dispose()


@pytest.fixture
def federation(house: House) -> Federation:
    return house.app.extensions["collab.federation"]


@pytest.fixture
def foreign(house: House) -> Iterator[Foreign]:
    with hostile_peer() as peer:
        yield Foreign(peer, house)


@pytest.fixture
def admin(make: Make) -> Actor:
    return make.person("ines", AccountRole.ADMIN)


@pytest.fixture
def omar(make: Make) -> Actor:
    return make.person("omar")


@pytest.fixture
def space(make: Make, admin: Actor, omar: Actor) -> Space:
    """A project of the administrator's, in which Omar takes part."""
    return make.space(admin, omar)


@pytest.fixture
def thread(house: House, space: Space, omar: Actor) -> Thread:
    """Something that one of ours wrote."""
    with house.as_(omar) as work:
        return open_thread(work, space, OpenThread(title="Une cuve", body="Vends cuves."))
