"""What a new actor's keys look like to an operation; federation.keys does the cryptography."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class NewKey:
    """A key pair to store: `public` is PEM or Multikey text, `private` is already encrypted."""

    key_id: str
    algorithm: str
    public: str
    private: str


Forge = Callable[[str, int], Sequence[NewKey]]
"""Given an actor's IRI and which keys of theirs these are (1 for the first), makes an RSA and an
Ed25519 key (FEDERATION.md 2.1)."""


def no_forge(actor_iri: str, number: int) -> Sequence[NewKey]:
    """For work that makes no actor. Raises RuntimeError when it does after all."""
    raise RuntimeError(f"this work was not given a forge, and {actor_iri} needs keys {number}")
