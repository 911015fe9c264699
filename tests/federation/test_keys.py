"""Keys: their forms, their sizes, whose they are (FEDERATION.md 2.1, 2.4)."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, padding, rsa, x25519
from cryptography.hazmat.primitives.hashes import SHA256

from collab.federation.keys import (
    BadKey,
    Claim,
    PublicKey,
    Vault,
    algorithm_of,
    key_from_document,
    load_multikey,
    load_private_pem,
    load_public_pem,
    multikey,
    new_ed25519,
    new_rsa,
    private_pem,
    public_pem,
)
from collab.federation.strictjson import base58btc_encode

CAPTURES = Path(__file__).parent / "captures"
ACTOR = "https://b.example/u/lea"
RSA = new_rsa()
ED25519 = new_ed25519()
PEM = public_pem(RSA.public_key())
MULTIKEY = multikey(ED25519.public_key())


def subject_public_key_info(key) -> str:
    """Any public key in the form of `publicKeyPem`."""
    return key.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    ).decode()


def person(**members) -> dict:
    """An actor with one key of each kind."""
    return {
        "id": ACTOR,
        "type": "Person",
        "publicKey": {"id": f"{ACTOR}#main-key", "owner": ACTOR, "publicKeyPem": PEM},
        "assertionMethod": [
            {
                "id": f"{ACTOR}#ed25519-1",
                "type": "Multikey",
                "controller": ACTOR,
                "publicKeyMultibase": MULTIKEY,
            }
        ],
    } | members


def refusal(document, key_id, **options) -> str:
    with pytest.raises(BadKey) as caught:
        key_from_document(document, key_id, **options)
    return str(caught.value)


def test_an_actor_hands_out_both_of_its_keys():
    first = key_from_document(person(), f"{ACTOR}#main-key")
    assert first == PublicKey(f"{ACTOR}#main-key", ACTOR, "rsa", load_public_pem(PEM))
    second = key_from_document(person(), f"{ACTOR}#ed25519-1")
    assert isinstance(second, PublicKey)
    assert (second.owner, second.algorithm) == (ACTOR, "ed25519")


def test_a_list_of_public_keys_is_read_as_well():
    entry = person()["publicKey"]
    other = entry | {"id": f"{ACTOR}#old-key"}
    found = key_from_document(person(publicKey=[other, entry]), f"{ACTOR}#main-key")
    assert isinstance(found, PublicKey)


def test_the_key_found_is_the_one_asked_for_and_no_other():
    assert "does not list" in refusal(person(), f"{ACTOR}#main-key-2")
    assert "does not list" in refusal(person(), ACTOR)
    assert "does not list" in refusal(person(publicKey=None), f"{ACTOR}#main-key")


def test_a_list_of_more_than_ten_keys_is_not_searched():
    entry = person()["publicKey"]
    assert key_from_document(person(publicKey=[entry] * 10), f"{ACTOR}#main-key")
    assert "more than 10" in refusal(person(publicKey=[entry] * 11), f"{ACTOR}#main-key")


@pytest.mark.parametrize("owner", ["https://b.example/u/omar", "https://c.example/u/lea", None, 1])
def test_an_actor_cannot_list_a_key_of_somebody_else(owner):
    entry = {"id": f"{ACTOR}#main-key", "owner": owner, "publicKeyPem": PEM}
    refusal(person(publicKey=entry), f"{ACTOR}#main-key")


def test_the_controller_of_a_multikey_is_held_to_the_same():
    entry = person()["assertionMethod"][0] | {"controller": "https://b.example/u/omar"}
    assert "somebody else" in refusal(person(assertionMethod=[entry]), f"{ACTOR}#ed25519-1")


def test_an_actor_of_another_host_cannot_hold_the_key():
    victim = "https://victim.example/u/bob"
    key_id = "https://evil.example/key"
    document = {
        "id": victim,
        "publicKey": {"id": key_id, "owner": victim, "publicKeyPem": PEM},
    }
    assert "another host" in refusal(document, key_id)


def test_a_key_document_is_a_claim_until_its_owner_confirms_it():
    key_id = "https://b.example/keys/1"
    bare = {"id": key_id, "type": "CryptographicKey", "owner": ACTOR, "publicKeyPem": PEM}
    claim = key_from_document(bare, key_id)
    assert isinstance(claim, Claim)
    assert claim.owner == ACTOR
    embedded = person(publicKey=bare)
    assert key_from_document(embedded, key_id, claim=claim) == claim.key
    referred = person(publicKey=key_id)
    assert key_from_document(referred, key_id, claim=claim) == claim.key
    assert "does not list" in refusal(person(), key_id, claim=claim)
    stranger = person(id="https://b.example/u/omar", publicKey=key_id)
    assert "another document" in refusal(stranger, key_id, claim=claim)


def test_the_owner_decides_which_key_it_is_that_carries_the_id():
    key_id = "https://b.example/keys/1"
    forged = {"id": key_id, "owner": ACTOR, "publicKeyPem": public_pem(new_rsa().public_key())}
    claim = key_from_document(forged, key_id)
    assert isinstance(claim, Claim)
    true = {"id": key_id, "owner": ACTOR, "publicKeyPem": PEM}
    found = key_from_document(person(publicKey=true), key_id, claim=claim)
    assert isinstance(found, PublicKey)
    assert found.key == load_public_pem(PEM)


def test_a_key_document_cannot_name_an_owner_elsewhere():
    key_id = "https://evil.example/keys/1"
    bare = {"id": key_id, "owner": "https://victim.example/u/bob", "publicKeyPem": PEM}
    assert "another host" in refusal(bare, key_id)


def test_a_key_document_of_another_id_is_refused():
    bare = {"id": "https://b.example/keys/2", "owner": ACTOR, "publicKeyPem": PEM}
    assert "another key" in refusal(bare, "https://b.example/keys/1")


def test_a_partial_actor_at_the_address_of_its_key_is_a_claim():
    key_id = f"{ACTOR}/main-key"
    stub = {"id": ACTOR, "publicKey": {"id": key_id, "owner": ACTOR, "publicKeyPem": PEM}}
    claim = key_from_document(stub, key_id)
    assert claim == Claim(ACTOR, None)
    found = key_from_document(person(publicKey=stub["publicKey"]), key_id, claim=claim)
    assert isinstance(found, PublicKey)
    assert found.owner == ACTOR
    assert "does not list" in refusal(person(publicKey=key_id), key_id, claim=claim)


def test_the_end_of_a_key_and_its_revocation_are_kept():
    entry = person()["assertionMethod"][0]
    revoked = entry | {"revoked": "2026-01-01T00:00:00Z", "expires": "2027-01-01T00:00:00Z"}
    found = key_from_document(person(assertionMethod=[revoked]), f"{ACTOR}#ed25519-1")
    assert isinstance(found, PublicKey)
    assert found.revoked == found.end == datetime(2026, 1, 1, tzinfo=UTC)
    ended = entry | {"expires": "2026-01-01T00:00:00Z"}
    found = key_from_document(person(assertionMethod=[ended]), f"{ACTOR}#ed25519-1")
    assert isinstance(found, PublicKey)
    assert found.expires == datetime(2026, 1, 1, tzinfo=UTC)
    unreadable = entry | {"expires": "soon"}
    refusal(person(assertionMethod=[unreadable]), f"{ACTOR}#ed25519-1")


@pytest.mark.parametrize(
    "document", [{}, {"id": 1}, {"id": None, "publicKey": {}}, {"id": [ACTOR]}]
)
def test_a_document_without_an_id_holds_no_key(document):
    refusal(document, f"{ACTOR}#main-key")


@pytest.mark.parametrize("entry", [{}, [], "x", 1, None, {"id": f"{ACTOR}#main-key"}])
def test_odd_shapes_of_a_key_are_refused(entry):
    refusal(person(publicKey=entry), f"{ACTOR}#main-key")


@pytest.mark.parametrize("bits", [1024, 2047, 8200])
def test_rsa_keys_outside_2048_to_8192_bits_are_refused(bits):
    numbers = rsa.RSAPublicNumbers(65537, (1 << (bits - 1)) + 1)
    with pytest.raises(BadKey):
        load_public_pem(subject_public_key_info(numbers.public_key()))


def test_rsa_keys_of_2048_and_4096_bits_pass():
    for bits in (2048, 4096, 8192):
        numbers = rsa.RSAPublicNumbers(65537, (1 << (bits - 1)) + 1)
        assert load_public_pem(subject_public_key_info(numbers.public_key()))


@pytest.mark.parametrize(
    "key",
    [
        ec.generate_private_key(ec.SECP256R1()).public_key(),
        x25519.X25519PrivateKey.generate().public_key(),
        dsa.DSAPublicNumbers(
            2**2047 + 1, dsa.DSAParameterNumbers(2**2047 + 9, 2**255 + 95, 2)
        ).public_key(),
    ],
    ids=["p-256", "x25519", "dsa"],
)
def test_other_kinds_of_keys_are_refused(key):
    with pytest.raises(BadKey):
        load_public_pem(subject_public_key_info(key))
    with pytest.raises(BadKey):
        algorithm_of(key)


@pytest.mark.parametrize(
    "pem",
    ["", "nonsense", "é", PEM[:-40], PEM.replace("PUBLIC", "PRIVATE"), PEM + " " * (1 << 16)],
    ids=["empty", "nonsense", "accent", "cut", "relabelled", "endless"],
)
def test_what_is_not_a_public_pem_is_refused(pem):
    with pytest.raises(BadKey):
        load_public_pem(pem)


def test_a_private_key_is_not_taken_for_a_public_one():
    with pytest.raises(BadKey):
        load_public_pem(private_pem(ED25519))


@pytest.mark.parametrize("key", [RSA, ED25519], ids=["rsa", "ed25519"])
def test_every_form_of_a_key_gives_the_key_back(key):
    public = key.public_key()
    assert load_public_pem(public_pem(public)) == public
    assert load_multikey(multikey(public)) == public
    loaded = load_private_pem(private_pem(key))
    assert loaded.public_key() == public
    assert algorithm_of(loaded) == algorithm_of(public)


def test_a_private_key_is_parsed_once():
    pem = private_pem(RSA)
    assert load_private_pem(pem) is load_private_pem(pem)


def test_an_ed25519_multikey_looks_as_fep_521a_says():
    assert MULTIKEY.startswith("z6Mk")


def test_the_keys_that_fedify_publishes_are_read():
    actor = json.loads((CAPTURES / "fedify" / "fedify-actor-person.json").read_text())["body"]
    found = {
        key["id"]: key_from_document(actor, key["id"])
        for key in [actor["publicKey"], *actor["assertionMethod"]]
    }
    alice = "https://fedify.test/users/alice"
    kinds = {key_id: key.algorithm for key_id, key in found.items()}
    assert kinds == {
        f"{alice}#main-key": "rsa",
        f"{alice}#multikey-1": "rsa",
        f"{alice}#multikey-2": "ed25519",
    }
    assert found[f"{alice}#main-key"].key == found[f"{alice}#multikey-1"].key


@pytest.mark.parametrize(
    "text",
    [
        "",
        "z",
        "z0",
        "f" + "ed01" + "00" * 32,
        MULTIKEY[1:],
        MULTIKEY[:-1],
        "z" + base58btc_encode(b"\xed\x01" + bytes(31)),
        "z" + base58btc_encode(b"\xed\x01" + bytes(33)),
        "z" + base58btc_encode(b"\xec\x01" + bytes(32)),
        "z" + base58btc_encode(b"\x85\x24nonsense"),
        "z" + "1" * 5000,
    ],
    ids=range(11),
)
def test_what_is_not_a_multikey_is_refused(text):
    with pytest.raises(BadKey):
        load_multikey(text)


def test_the_vault_gives_back_what_it_was_given_and_shows_nothing():
    vault = Vault(b"0123456789abcdef")
    pem = private_pem(ED25519)
    token = vault.encrypt(pem)
    assert vault.decrypt(token) == pem
    assert pem.splitlines()[1] not in token
    assert token != vault.encrypt(pem)
    signature = load_private_pem(vault.decrypt(vault.encrypt(private_pem(RSA)))).sign(
        b"text", padding.PKCS1v15(), SHA256()
    )
    RSA.public_key().verify(signature, b"text", padding.PKCS1v15(), SHA256())


def test_the_vault_refuses_another_secret_and_changed_tokens():
    token = Vault(b"0123456789abcdef").encrypt(private_pem(ED25519))
    with pytest.raises(BadKey):
        Vault(b"0123456789abcdeg").decrypt(token)
    for changed in (token[:-8] + "AAAAAAA=", token[10:], "", "é", private_pem(ED25519)):
        with pytest.raises(BadKey):
            Vault(b"0123456789abcdef").decrypt(changed)


def test_a_vault_needs_a_real_secret():
    with pytest.raises(ValueError, match="16 bytes"):
        Vault(b"short")


@pytest.mark.parametrize("pem", ["", "nonsense", PEM])
def test_what_is_not_a_private_pem_is_refused(pem):
    with pytest.raises(BadKey):
        load_private_pem(pem)
