"""Keys of actors: their forms on the wire, their sizes, their rest in the database."""

import base64
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Literal

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import (
    RSAPrivateKey,
    RSAPublicKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from collab.federation.hosts import same_origin
from collab.federation.strictjson import Malformed, base58btc_decode, base58btc_encode

Algorithm = Literal["rsa", "ed25519"]

_MIN_RSA, _MAX_RSA = 2048, 8192
_MAX_PEM = 1 << 16
_MAX_LISTED = 10
# Multicodec prefixes of the public keys in a Multikey. FEP-521a.
_ED25519_CODE = b"\xed\x01"
_RSA_CODE = b"\x85\x24"


class BadKey(ValueError):
    """A key that is malformed, too small, revoked, or not the one that was asked for."""


@dataclass(frozen=True)
class PublicKey:
    """A key that `owner`, an actor id, signs with. `expires`: the end of new signatures, UTC.

    `revoked`: since when its owner says that it is no longer theirs alone. What it signed before
    stands where it was taken in then; nothing that arrives now is believed for its sake.
    """

    key_id: str
    owner: str
    algorithm: Algorithm
    key: RSAPublicKey | Ed25519PublicKey
    expires: datetime | None = None
    revoked: datetime | None = None

    @property
    def end(self) -> datetime | None:
        """After when nothing it signed counts; None while it is in use."""
        if self.expires is None or self.revoked is None:
            return self.expires or self.revoked
        return min(self.expires, self.revoked)

    def written(self) -> str:
        """The key as text: PEM for RSA, a Multikey for Ed25519."""
        return public_pem(self.key) if isinstance(self.key, RSAPublicKey) else multikey(self.key)


@dataclass(frozen=True)
class SigningKey:
    """A private key of ours and the id under which others find its public half."""

    key_id: str
    algorithm: Algorithm
    key: RSAPrivateKey | Ed25519PrivateKey


@dataclass(frozen=True)
class Claim:
    """A key document that names an owner, which the owner has still to confirm.

    Fetch `owner`, then call `key_from_document(actor, key_id, claim=this)`. `key` is what the
    document itself holds; nothing may be verified with it before.
    """

    owner: str
    key: PublicKey | None


def new_rsa() -> RSAPrivateKey:
    """Make an RSA key of 2048 bits. Takes about 50 ms of processor time."""
    return generate_private_key(public_exponent=65537, key_size=_MIN_RSA)


def new_ed25519() -> Ed25519PrivateKey:
    """Make an Ed25519 key."""
    return Ed25519PrivateKey.generate()


def algorithm_of(key: object) -> Algorithm:
    """Name the algorithm of a private or public key object. Raises BadKey for other kinds."""
    if isinstance(key, RSAPrivateKey | RSAPublicKey):
        return "rsa"
    if isinstance(key, Ed25519PrivateKey | Ed25519PublicKey):
        return "ed25519"
    raise BadKey("neither RSA nor Ed25519")


def private_pem(key: RSAPrivateKey | Ed25519PrivateKey) -> str:
    """Write a private key as unencrypted PKCS #8 PEM; give it to a Vault before storing it."""
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode("ascii")


@lru_cache(maxsize=256)
def load_private_pem(pem: str) -> RSAPrivateKey | Ed25519PrivateKey:
    """Read a private key that we wrote ourselves. Cached: 256 keys.

    The numbers of an RSA key are not checked again, which would take 36 ms each time: the vault
    has authenticated them. Raises BadKey.
    """
    try:
        key = serialization.load_pem_private_key(
            pem.encode("ascii"), None, unsafe_skip_rsa_key_validation=True
        )
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise BadKey("not a private key in PEM") from error
    if not isinstance(key, RSAPrivateKey | Ed25519PrivateKey):
        raise BadKey("neither RSA nor Ed25519")
    return key


def public_pem(key: RSAPublicKey | Ed25519PublicKey) -> str:
    """Write a public key as SubjectPublicKeyInfo PEM, the form of `publicKeyPem`."""
    return key.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    ).decode("ascii")


@lru_cache(maxsize=1024)
def load_public_pem(pem: str) -> RSAPublicKey | Ed25519PublicKey:
    """Read a `publicKeyPem` of at most 64 KiB. Cached: 1024 keys.

    Raises BadKey for other kinds than RSA of 2048 to 8192 bits and Ed25519. FEDERATION.md 2.4.
    """
    if len(pem) > _MAX_PEM or not pem.isascii():
        raise BadKey("not a public key in PEM")
    try:
        return _accepted(serialization.load_pem_public_key(pem.encode("ascii")))
    except (ValueError, UnsupportedAlgorithm) as error:
        raise BadKey("not a public key in PEM") from error


def multikey(key: RSAPublicKey | Ed25519PublicKey) -> str:
    """Write a public key as `publicKeyMultibase`. FEP-521a."""
    if isinstance(key, Ed25519PublicKey):
        return "z" + base58btc_encode(_ED25519_CODE + key.public_bytes_raw())
    der = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.PKCS1)
    return "z" + base58btc_encode(_RSA_CODE + der)


@lru_cache(maxsize=1024)
def load_multikey(text: str) -> RSAPublicKey | Ed25519PublicKey:
    """Read a `publicKeyMultibase` in base58btc. Cached: 1024 keys. FEP-521a.

    Raises BadKey for other kinds than RSA of 2048 to 8192 bits and Ed25519.
    """
    if not text.startswith("z"):
        raise BadKey("not a multikey in base58btc")
    try:
        raw = base58btc_decode(text[1:])
        if raw.startswith(_ED25519_CODE):
            return Ed25519PublicKey.from_public_bytes(raw[2:])
        if raw.startswith(_RSA_CODE):
            return _accepted(serialization.load_der_public_key(raw[2:]))
    except (Malformed, ValueError, UnsupportedAlgorithm) as error:
        raise BadKey("not a multikey") from error
    raise BadKey("a multikey neither RSA nor Ed25519")


class Vault:
    """Encrypt private keys at rest with a secret that is not in the database.

    `secret` has 16 bytes or more; losing it is losing every key.
    """

    def __init__(self, secret: bytes) -> None:
        if len(secret) < 16:
            raise BadKey("the secret of the vault has fewer than 16 bytes")
        derived = HKDF(hashes.SHA256(), 32, salt=None, info=b"collab federation keys").derive(
            secret
        )
        self._fernet = Fernet(base64.urlsafe_b64encode(derived))

    def encrypt(self, pem: str) -> str:
        """Return what may be stored in place of a private PEM."""
        return self._fernet.encrypt(pem.encode("ascii")).decode("ascii")

    def decrypt(self, token: str) -> str:
        """Return the private PEM. Raises BadKey with another secret or after tampering."""
        try:
            return self._fernet.decrypt(token.encode("ascii")).decode("ascii")
        except (InvalidToken, UnicodeEncodeError) as error:
            raise BadKey("encrypted with another secret") from error


def key_from_document(
    document: dict[str, Any], key_id: str, *, claim: Claim | None = None
) -> PublicKey | Claim:
    """Find the key `key_id` in the document fetched from that id, fragment dropped.

    Returns the key when the document is the actor that owns it; a Claim when it is a key of its
    own or a partial actor, whose owner is to be fetched and asked in turn with `claim`.

    Raises BadKey when the key is not there, belongs to somebody else, is of another host than
    its owner, is revoked, or is refused by kind or size. FEDERATION.md 2.4; FEP-fe34.
    """
    document_id = _text(document.get("id"))
    if claim is not None:
        if document_id != claim.owner:
            raise BadKey("another document than the owner of the key")
        return _confirmed(document, key_id, claim)
    if _is_bare_key(document):
        if document_id != key_id:
            raise BadKey("another key than the one asked for")
        key = _read(document, key_id)
        return Claim(key.owner, key)
    if document_id == key_id.partition("#")[0]:
        return _listed(document, key_id)
    if not same_origin(document_id, key_id):
        raise BadKey("a key of another host than its owner")
    return Claim(document_id, None)


def _confirmed(actor: dict[str, Any], key_id: str, claim: Claim) -> PublicKey:
    named = [*_items(actor, "publicKey"), *_items(actor, "assertionMethod")]
    if key_id in named and claim.key is not None:
        return claim.key
    return _listed(actor, key_id)


def _listed(actor: dict[str, Any], key_id: str) -> PublicKey:
    owner = _text(actor.get("id"))
    for member in ("publicKey", "assertionMethod"):
        for entry in _items(actor, member):
            if isinstance(entry, dict) and entry.get("id") == key_id:
                key = _read(entry, key_id)
                if key.owner != owner:
                    raise BadKey("a key of somebody else")
                return key
    raise BadKey("the actor does not list this key")


def _items(actor: dict[str, Any], member: str) -> list[Any]:
    found = actor.get(member)
    items = found if isinstance(found, list) else [found]
    if len(items) > _MAX_LISTED:
        raise BadKey(f"more than {_MAX_LISTED} keys")
    return items


def _is_bare_key(document: dict[str, Any]) -> bool:
    return "publicKeyPem" in document or "publicKeyMultibase" in document


def _read(entry: dict[str, Any], key_id: str) -> PublicKey:
    """Make a key of a `publicKey` or Multikey object, whoever listed it."""
    owner = _text(entry.get("owner", entry.get("controller")))
    if not same_origin(owner, key_id):
        raise BadKey("a key of another host than its owner")
    if "publicKeyMultibase" in entry:
        key = load_multikey(_text(entry["publicKeyMultibase"]))
    else:
        key = load_public_pem(_text(entry.get("publicKeyPem")))
    expires, revoked = _moment(entry.get("expires")), _moment(entry.get("revoked"))
    return PublicKey(key_id, owner, algorithm_of(key), key, expires, revoked)


def _moment(value: object) -> datetime | None:
    if value is None:
        return None
    try:
        moment = datetime.fromisoformat(_text(value))
    except ValueError as error:
        raise BadKey("an unreadable date of expiry") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise BadKey("not a key")
    return value


def _accepted(key: object) -> RSAPublicKey | Ed25519PublicKey:
    if isinstance(key, Ed25519PublicKey):
        return key
    if not isinstance(key, RSAPublicKey):
        raise BadKey("neither RSA nor Ed25519")
    if not _MIN_RSA <= key.key_size <= _MAX_RSA:
        raise BadKey(f"an RSA key of {key.key_size} bits")
    return key
