"""The instance folder: secrets, settings file, first row. Files in it are 0600, folders 0700."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Sequence
from pathlib import Path

from collab.core.forge import NewKey
from collab.federation.keys import (
    BadKey,
    Vault,
    multikey,
    new_ed25519,
    new_rsa,
    private_pem,
    public_pem,
)

TOML = """# The settings of this instance. Every setting is explained in docs/operate.md.
[site]
name = {name}
base_url = {base_url}
"""
LEAST = 16
"""Characters that a secret has at least; those made here have 64."""


class Secrets:
    """The two secrets of an instance: for sessions, and for private keys at rest.

    Raises OSError when one cannot be read, BadKey or UnicodeDecodeError when one is damaged.
    """

    def __init__(self, instance: Path) -> None:
        folder = instance / "keys"
        self.session_key = (folder / "session.key").read_text().strip()
        if len(self.session_key) < LEAST:
            raise BadKey("keys/session.key is shorter than it was made")
        self.vault = Vault((folder / "vault.key").read_bytes().strip())

    def forge(self, actor_iri: str, number: int) -> Sequence[NewKey]:
        """Make an actor's RSA key (HTTP signatures) and Ed25519 key (proofs); FEDERATION.md 2.1.

        `number` is 1 for the first ones, and one more at each change.
        """
        rsa, edwards = new_rsa(), new_ed25519()
        encrypt = self.vault.encrypt
        return [
            NewKey(
                f"{actor_iri}#main-key" + (f"-{number}" if number > 1 else ""),
                "rsa",
                public_pem(rsa.public_key()),
                encrypt(private_pem(rsa)),
            ),
            NewKey(
                f"{actor_iri}#ed25519-{number}",
                "ed25519",
                multikey(edwards.public_key()),
                encrypt(private_pem(edwards)),
            ),
        ]


def exists(instance: Path) -> bool:
    """Whether the folder holds an instance already."""
    return (instance / "keys" / "vault.key").exists()


def lay_down(instance: Path, name: str, base_url: str) -> None:
    """Make the folder, the secrets and the settings file of a new instance.

    Raises OSError when the folder cannot be written.
    """
    os.umask(0o077)
    for folder in (instance, instance / "keys", instance / "files"):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    _write(instance / "keys" / "session.key", secrets.token_urlsafe(48))
    settings = instance / "collab.toml"
    if not settings.exists():
        _write(settings, TOML.format(name=json.dumps(name), base_url=json.dumps(base_url)))
    # Last, because its presence says that the instance is whole.
    _write(instance / "keys" / "vault.key", secrets.token_urlsafe(48))


def _write(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text + "\n")
