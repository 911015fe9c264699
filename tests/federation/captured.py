"""Messages of running NodeBB, Fedify, PieFed and Takahe (captures/), said again to our house.

Their hosts end in `.test`, where nobody answers: each is moved to a server of ours on loopback that
serves the documents as they were recorded. What the recorded software addressed to somebody is
readdressed to somebody of ours. Nothing else of a message is changed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import urlsplit

from federation.hostile import HostilePeer
from federation.stage import ORIGIN, Foreign, Person, rsa_key
from werkzeug.test import TestResponse

from collab.federation.keys import SigningKey, new_ed25519, public_pem
from collab.federation.signatures import Message

HERE = Path(__file__).resolve().parent / "captures"
LATER = datetime(2026, 11, 21, 23, 0, tzinfo=UTC)
"""After everything that was recorded."""


@dataclass(frozen=True)
class Capture:
    """One recorded request, or one document that was fetched."""

    told: dict

    @property
    def body(self) -> dict:
        return self.told["body"] if "body" in self.told else self.told["response"]

    @property
    def headers(self) -> dict[str, str]:
        found = self.told.get("request", self.told)["headers"]
        return {name.lower(): value for name, value in dict(found).items()}

    @property
    def message(self) -> Message:
        """The request as it was received, byte for byte, less what its proxy added."""
        request = self.told["request"]
        added = ("x-", "user-agent", "accept")
        headers = [(n, v) for n, v in self.headers.items() if not n.startswith(added)]
        path = request.get("path") or urlsplit(request["url"]).path
        raw = self.told.get("raw_body") or json.dumps(
            self.body, ensure_ascii=False, separators=(",", ":")
        )
        return Message(request["method"], path, tuple(headers), raw.encode())

    @property
    def at(self) -> datetime:
        return parsedate_to_datetime(self.headers["date"])


def read(name: str) -> Capture:
    """A capture by its file's name: the software's name is its first word."""
    file = HERE / name.partition("-")[0] / f"{name}.json"
    return Capture(json.loads(file.read_text(encoding="utf-8")))


def with_keys() -> list[Path]:
    """What Fedify signed with the keys of the one person whose document travels with it."""
    files = [*HERE.glob("fedify/*-cavage.json"), *HERE.glob("fedify/*-rfc9421.json")]
    alice = read("fedify-actor-person").body["id"]
    return sorted(file for file in files if read(file.stem).body["actor"] == alice)


@dataclass
class Scene:
    """A recorded server that lives on loopback now, and who its messages are addressed to."""

    foreign: Foreign
    homes: dict[str, str]
    """What stands for what: a recorded address (or its beginning), and where it is now."""
    people: dict[str, Person] = field(default_factory=dict)

    def here(self, told: dict, also: Mapping[str, str] | None = None) -> dict:
        """A recorded document with every address moved."""
        text = json.dumps(told)
        moves = self.homes | dict(also or {})
        for old in sorted(moves, key=len, reverse=True):
            text = text.replace(old, moves[old])
        return json.loads(text)

    def serve(self, name: str, peer: HostilePeer | None = None) -> dict:
        """Let the server answer with a recorded document, at its own path."""
        document = self.here(read(name).body)
        path = urlsplit(document["id"]).path
        (peer or self.foreign.peer).serve(path, document)
        return document

    def meet(self, name: str, peer: HostilePeer | None = None) -> Person:
        """An actor as recorded, except for the key, whose private half nobody has."""
        document = self.here(read(name).body)
        iri = document["id"]
        key_id = document["publicKey"]["id"]
        pair = rsa_key(name)
        rsa = SigningKey(key_id, "rsa", pair)
        document["publicKey"]["publicKeyPem"] = public_pem(pair.public_key())
        document.pop("assertionMethod", None)
        (peer or self.foreign.peer).serve(urlsplit(iri).path, document)
        edwards = SigningKey(f"{iri}#none", "ed25519", new_ed25519())
        person = Person(iri, rsa, edwards, document)
        self.people[iri] = person
        return person

    def say(self, name: str, also: Mapping[str, str] | None = None, **changed) -> TestResponse:
        """Deliver a recorded message, signed by its actor's test key."""
        activity = self.here(read(name).body, also) | changed
        return self.deliver(activity)

    def deliver(self, activity: dict, **more) -> TestResponse:
        signer = self.people[activity["actor"]]
        body = json.dumps(activity, ensure_ascii=False).encode()
        at = self.foreign.house.runtime.clock()
        return self.foreign.post(signer, body, at=at, **more)


def at_home(scene: Scene, iri: str) -> str:
    """Where a recorded address is now."""
    return scene.here({"iri": iri})["iri"]


__all__ = ["LATER", "ORIGIN", "Capture", "Scene", "at_home", "read", "with_keys"]
