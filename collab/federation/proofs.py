"""Proofs inside a document, which survive being passed on: FEP-8b32, eddsa-jcs-2022."""

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from nacl.bindings import crypto_sign_open
from nacl.exceptions import BadSignatureError

from collab.federation.hosts import same_origin
from collab.federation.keys import PublicKey, SigningKey
from collab.federation.signatures.message import Refused
from collab.federation.strictjson import (
    Malformed,
    Written,
    base58btc_decode,
    base58btc_encode,
    canonical,
)

FindKey = Callable[[str], PublicKey]
CRYPTOSUITE = "eddsa-jcs-2022"
_AHEAD = timedelta(minutes=5)
_SIGNATURE_BYTES = 64
_KIND = ("type", "cryptosuite", "proofPurpose")
_KIND_SAID = ["DataIntegrityProof", CRYPTOSUITE, "assertionMethod"]
PROOFS = frozenset({"proof", "signature"})
"""What is said beside a document, not by it."""


def add_proof(document: dict[str, Any], key: SigningKey, now: datetime) -> dict[str, Any]:
    """Return a copy of `document` with a proof by `key`, an Ed25519 key of its actor. FEP-8b32.

    A proof already there is replaced; the linked-data `signature` of old servers is dropped.
    Raises ValueError for a key of another kind, Malformed for a document without canonical form.
    """
    if not isinstance(key.key, Ed25519PrivateKey):
        raise ValueError("a proof takes an Ed25519 key")
    unsecured = _unsecured(document)
    proof: dict[str, Any] = {
        "type": "DataIntegrityProof",
        "cryptosuite": CRYPTOSUITE,
        "verificationMethod": key.key_id,
        "proofPurpose": "assertionMethod",
        "created": now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    if "@context" in unsecured:
        proof["@context"] = unsecured["@context"]
    signature = key.key.sign(_hashes(unsecured, proof))
    return unsecured | {"proof": proof | {"proofValue": "z" + base58btc_encode(signature)}}


def verify_proof(
    document: dict[str, Any], find_key: FindKey, now: datetime, written: Written | None = None
) -> str:
    """Return the actor who proves this document: its `actor`, else its `attributedTo`.

    `written` is the document's canonical form where the caller has it already.

    `find_key` is asked for the `verificationMethod` and raises Refused when it cannot get it.
    The document is not changed. A proof says who wrote it, not that it is new: replays are
    stopped by ids and dates.

    Raises Refused (401) for another suite or purpose, a method of somebody else, a context that
    is not the document's, a date more than five minutes ahead, an end that has passed, more than
    one proof, and a signature that does not match. FEDERATION.md 2.5.
    """
    proof, owner, created = _claim(document, now)
    signature = _signature(proof["proofValue"])
    try:
        signed = _signed(written or Written(document), proof)
    except Malformed as error:
        raise _refused("bad_proof", "The document has no canonical form.") from error
    key = _key(find_key, proof["verificationMethod"], owner, created)
    _check_signature(key, signature, signed)
    return owner


def claimed_by(document: dict[str, Any], find_key: FindKey, now: datetime) -> str:
    """Who says that they prove this document, with a key they may use: all that `verify_proof`
    asks but the signature itself. For entries that a later signature vouches for (ADR 0012).

    Raises Refused as `verify_proof`.
    """
    proof, owner, created = _claim(document, now)
    _key(find_key, proof["verificationMethod"], owner, created)
    return owner


def _claim(document: dict[str, Any], now: datetime) -> tuple[dict[str, Any], str, datetime]:
    """The only proof, the owner of document and key, and when it was made."""
    proof = _only_proof(document)
    owner = _owner(document)
    if proof["verificationMethod"].partition("#")[0] != owner:
        raise _refused("wrong_owner", "The proof is made with somebody else's key.")
    return proof, owner, _check_times(proof, now)


def _signed(written: Written, proof: dict[str, Any]) -> bytes:
    """What the proof signs: the options of the proof, and the document in the proof's context."""
    document = written.document
    options = {name: value for name, value in proof.items() if name != "proofValue"}
    if "@context" not in proof or proof["@context"] == document.get("@context"):
        text = written.unsigned()
    else:
        text = canonical(_with_context(_unsecured(document), proof))
    return hashlib.sha256(written.part(options)).digest() + hashlib.sha256(text).digest()


def _unsecured(document: dict[str, Any]) -> dict[str, Any]:
    """The document without its proofs: neither ours nor the linked-data signature is covered."""
    return {name: value for name, value in document.items() if name not in PROOFS}


def _hashes(unsecured: dict[str, Any], proof: dict[str, Any]) -> bytes:
    """What is signed: first the hash of the proof's options, then the document's. vc-di-eddsa."""
    return hashlib.sha256(canonical(proof)).digest() + hashlib.sha256(canonical(unsecured)).digest()


def _only_proof(document: dict[str, Any]) -> dict[str, Any]:
    proof = document.get("proof")
    if isinstance(proof, list) and len(proof) == 1:
        proof = proof[0]
    if not isinstance(proof, dict):
        raise _refused("no_proof", "The document does not carry exactly one proof.")
    if [proof.get(name) for name in _KIND] != _KIND_SAID:
        raise _refused("wrong_suite", "The proof is of a kind that is not accepted.")
    if not isinstance(proof.get("verificationMethod"), str):
        raise _refused("bad_proof", "The proof is incomplete.")
    if not isinstance(proof.get("proofValue"), str):
        raise _refused("bad_proof", "The proof is incomplete.")
    return proof


def _owner(document: dict[str, Any]) -> str:
    owner = document.get("actor", document.get("attributedTo"))
    if not isinstance(owner, str):
        raise _refused("wrong_owner", "The document names no single owner.")
    identity = document.get("id")
    if identity is not None and not (isinstance(identity, str) and same_origin(identity, owner)):
        raise _refused("wrong_owner", "The document is of another host than its owner.")
    return owner


def _check_times(proof: dict[str, Any], now: datetime) -> datetime:
    created = _moment(proof.get("created"))
    if created > now + _AHEAD:
        raise _refused("in_future", "The proof is made more than five minutes ahead.")
    if "expires" in proof and _moment(proof["expires"]) < now:
        raise _refused("expired", "The proof has expired.")
    return created


def _moment(value: object) -> datetime:
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        moment = None
    if moment is None:
        raise _refused("bad_time", "A date of the proof is unreadable.")
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _with_context(unsecured: dict[str, Any], proof: dict[str, Any]) -> dict[str, Any]:
    """Give the document the context it was signed with, once seen to be the start of its own."""
    if "@context" not in proof:
        return unsecured
    ours, theirs = _listed(unsecured.get("@context")), _listed(proof["@context"])
    if ours[: len(theirs)] != theirs:
        raise _refused("wrong_context", "The proof was made in another context.")
    return unsecured | {"@context": proof["@context"]}


def _listed(value: object) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _signature(text: str) -> bytes:
    try:
        signature = base58btc_decode(text.removeprefix("z"))
    except Malformed as error:
        raise _refused("bad_proof", "The proof is unreadable.") from error
    if not text.startswith("z") or len(signature) != _SIGNATURE_BYTES:
        raise _refused("bad_proof", "The proof is unreadable.")
    return signature


def _key(find_key: FindKey, method: str, owner: str, created: datetime) -> Ed25519PublicKey:
    key = find_key(method)
    if key.key_id != method or key.owner != owner:
        raise _refused("wrong_owner", "The proof is made with somebody else's key.")
    if not isinstance(key.key, Ed25519PublicKey):
        raise _refused("wrong_algorithm", "The key of the proof is not an Ed25519 key.")
    if key.end is not None and created > key.end:
        raise _refused("expired_key", "The key was no longer in use.")
    return key.key


def _check_signature(key: Ed25519PublicKey, signature: bytes, signed: bytes) -> None:
    try:
        crypto_sign_open(signature + signed, key.public_bytes_raw())
    except BadSignatureError as error:
        raise _refused("bad_proof", "The proof does not match the document.") from error


def _refused(code: str, detail: str) -> Refused:
    return Refused(401, code, detail)
