"""Proofs inside documents: FEP-8b32, eddsa-jcs-2022 (FEDERATION.md 2.5)."""

import copy
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from federation.captured import with_keys

from collab.federation import proofs
from collab.federation.keys import (
    PublicKey,
    SigningKey,
    key_from_document,
    load_multikey,
    new_ed25519,
    new_rsa,
)
from collab.federation.proofs import add_proof, verify_proof
from collab.federation.signatures import Refused
from collab.federation.strictjson import Malformed, base58btc_decode, base58btc_encode, parse

CAPTURES = Path(__file__).parent / "captures" / "fedify"
NOW = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
LEA = "https://b.example/u/lea"
METHOD = f"{LEA}#ed25519-1"
SIGNING = SigningKey(METHOD, "ed25519", new_ed25519())
CONTEXT = ["https://www.w3.org/ns/activitystreams", "https://w3id.org/security/data-integrity/v2"]
CREATE = {
    "@context": CONTEXT,
    "id": "https://b.example/o/01J#create",
    "type": "Create",
    "actor": LEA,
    "object": {"id": "https://b.example/o/01J", "type": "Note", "content": "Bonjour à tous"},
}


def find_key(method: str, **changes) -> PublicKey:
    """The key of Léa, as a resolver would give it."""
    if method != METHOD:
        raise Refused(401, "no_key", "No such key.")
    known = {
        "key_id": METHOD,
        "owner": LEA,
        "algorithm": "ed25519",
        "key": SIGNING.key.public_key(),
    }
    return PublicKey(**(known | changes))


def proven(**changes) -> dict:
    """A proven document, its proof signed with these changes to the options."""
    document = CREATE | changes
    return add_proof(document, SIGNING, NOW)


def resigned(options: dict, document: dict = CREATE) -> dict:
    """A document whose proof has other options and a signature that fits them."""
    proof = {k: v for k, v in proven()["proof"].items() if k != "proofValue"} | options
    proof = {name: value for name, value in proof.items() if value is not None}
    unsecured = document | ({"@context": proof["@context"]} if "@context" in proof else {})
    value = SIGNING.key.sign(proofs._hashes(unsecured, proof))
    return document | {"proof": proof | {"proofValue": "z" + base58btc_encode(value)}}


def code(document, find=find_key, now=NOW) -> str:
    with pytest.raises(Refused) as caught:
        verify_proof(document, find, now)
    assert caught.value.status == 401
    return caught.value.code


def test_the_proof_of_the_fep_8b32_test_vector_is_made_byte_for_byte():
    document = {
        "@context": CONTEXT,
        "id": "https://server.example/activities/1",
        "type": "Create",
        "actor": "https://server.example/users/alice",
        "object": {
            "id": "https://server.example/objects/1",
            "type": "Note",
            "attributedTo": "https://server.example/users/alice",
            "content": "Hello world",
            "location": {"type": "Place", "longitude": -71.184902, "latitude": 25.273962},
        },
    }
    secret = base58btc_decode("3u2en7t5LR2WtQH5PfFqMqwVHBeXouLzo6haApm8XHqvjxq")
    assert secret[:2] == b"\x80\x26"
    method = "https://server.example/users/alice#ed25519-key"
    key = SigningKey(method, "ed25519", Ed25519PrivateKey.from_private_bytes(secret[2:]))
    signed = add_proof(document, key, datetime(2023, 2, 24, 23, 36, 38, tzinfo=UTC))
    assert signed["proof"] == {
        "@context": CONTEXT,
        "type": "DataIntegrityProof",
        "cryptosuite": "eddsa-jcs-2022",
        "verificationMethod": method,
        "proofPurpose": "assertionMethod",
        "proofValue": (
            "z42ffGu6AUKPCFcFPiabmUvnGLPJzC7e4DGWC52NUasSSH37UMa9c58tdgVszUcZfytxa4fQ5TYHaJENCxUDe9SdL"
        ),
        "created": "2023-02-24T23:36:38Z",
    }
    alice = "https://server.example/users/alice"
    public = load_multikey("z6MkrJVnaZkeFzdQyMZu1cgjg7k1pZZ6pvBQ7XJPt4swbTQ2")
    found = PublicKey(method, alice, "ed25519", public)
    assert verify_proof(signed, lambda _method: found, NOW) == alice


def test_a_proof_survives_the_wire_and_another_way_of_writing_the_same_tree():
    document = proven()
    for raw in (
        json.dumps(document).encode(),
        json.dumps(document, indent=3, ensure_ascii=False, sort_keys=True).encode(),
    ):
        assert verify_proof(parse(raw), find_key, NOW) == LEA


def test_verifying_changes_nothing_in_the_document():
    document = proven()
    before = copy.deepcopy(document)
    verify_proof(document, find_key, NOW)
    assert document == before


def test_signing_leaves_the_original_alone_and_replaces_an_older_proof():
    original = copy.deepcopy(CREATE)
    first = add_proof(CREATE, SIGNING, NOW)
    assert original == CREATE
    second = add_proof(first, SIGNING, NOW + timedelta(days=1))
    assert second["proof"]["created"] == "2026-11-21T10:00:00Z"
    assert verify_proof(second, find_key, NOW + timedelta(days=1)) == LEA


def test_an_object_is_proven_by_the_one_it_is_attributed_to():
    note = {"id": "https://b.example/o/1", "type": "Note", "attributedTo": LEA, "content": "x"}
    assert verify_proof(add_proof(note, SIGNING, NOW), find_key, NOW) == LEA


@pytest.mark.parametrize(
    "change",
    [
        {"type": "Delete"},
        {"id": "https://b.example/o/01J#create-2"},
        {"object": {"id": "https://b.example/o/01J", "type": "Note", "content": "Bonjour a tous"}},
        {"published": "2026-11-20T10:00:00Z"},
        {"@context": [*CONTEXT, "https://w3id.org/project-space/v1"], "summary": "x"},
    ],
)
def test_any_change_to_the_document_is_seen(change):
    assert code(proven() | change) == "bad_proof"


def test_a_member_taken_away_is_seen():
    document = proven()
    del document["object"]
    assert code(document) == "bad_proof"


def test_a_context_taken_away_is_seen():
    document = proven()
    del document["@context"]
    assert code(document) == "wrong_context"


def test_contexts_added_after_the_signed_ones_are_let_through():
    document = proven() | {"@context": [*CONTEXT, "https://w3id.org/project-space/v1"]}
    assert verify_proof(document, find_key, NOW) == LEA


@pytest.mark.parametrize(
    "context",
    [
        ["https://w3id.org/project-space/v1", *CONTEXT],
        CONTEXT[:1],
        list(reversed(CONTEXT)),
        "https://www.w3.org/ns/activitystreams",
    ],
)
def test_contexts_that_do_not_begin_with_the_signed_ones_are_refused(context):
    assert code(proven() | {"@context": context}) == "wrong_context"


@pytest.mark.parametrize(
    "options",
    [
        {"type": "Ed25519Signature2020"},
        {"cryptosuite": "eddsa-rdfc-2022"},
        {"cryptosuite": "ecdsa-jcs-2019"},
        {"cryptosuite": None},
        {"proofPurpose": "authentication"},
        {"proofPurpose": None},
    ],
)
def test_other_suites_and_purposes_are_refused_though_the_signature_fits(options):
    assert code(resigned(options)) == "wrong_suite"


def test_a_helper_of_these_tests_signs_what_verifies():
    assert verify_proof(resigned({}), find_key, NOW) == LEA
    assert verify_proof(resigned({"@context": None}), find_key, NOW) == LEA


@pytest.mark.parametrize(
    "method",
    [
        "https://b.example/u/omar#ed25519-1",
        "https://evil.example/u/lea#ed25519-1",
        "https://b.example/u/lea/#ed25519-1",
        "#ed25519-1",
    ],
)
def test_a_method_of_somebody_else_is_refused_before_any_look_up(method):
    def never(_method):
        raise AssertionError("looked up")

    assert code(resigned({"verificationMethod": method}), never) == "wrong_owner"


@pytest.mark.parametrize("actor", ["https://b.example/u/omar", [LEA], {"id": LEA}, None])
def test_r3_the_actor_of_the_document_is_one_text_and_the_owner_of_the_key(actor):
    assert code(resigned({}, CREATE | {"actor": actor})) == "wrong_owner"


def test_r2_a_document_of_another_host_than_its_actor_is_refused():
    assert code(resigned({}, CREATE | {"id": "https://evil.example/o/1"})) == "wrong_owner"


def test_a_key_that_turns_out_to_be_of_somebody_else_is_refused():
    stranger = "https://b.example/u/omar"
    assert code(proven(), lambda m: find_key(m, owner=stranger)) == "wrong_owner"
    assert code(proven(), lambda m: find_key(m, key_id=f"{LEA}#other")) == "wrong_owner"


def test_a_key_that_cannot_be_had_is_the_refusal_of_the_resolver():
    document = resigned({"verificationMethod": f"{LEA}#ed25519-9"})
    assert code(document) == "no_key"


def test_a_proof_by_another_key_or_kind_of_key_is_refused():
    other = new_ed25519().public_key()
    assert code(proven(), lambda m: find_key(m, key=other)) == "bad_proof"
    rsa = new_rsa().public_key()
    assert code(proven(), lambda m: find_key(m, key=rsa, algorithm="rsa")) == "wrong_algorithm"


def test_a_key_under_which_one_signature_fits_every_text_proves_nothing():
    neutral = b"\x01" + bytes(31)  # the neutral element of the curve
    key = Ed25519PublicKey.from_public_bytes(neutral)
    key.verify(neutral + bytes(32), b"whatever it is")
    document = proven()
    document["proof"]["proofValue"] = "z" + base58btc_encode(neutral + bytes(32))
    assert code(document, lambda method: find_key(method, key=key)) == "bad_proof"


def test_a_proof_made_more_than_five_minutes_ahead_is_refused():
    assert verify_proof(proven(), find_key, NOW - timedelta(minutes=5)) == LEA
    assert code(proven(), now=NOW - timedelta(minutes=5, seconds=1)) == "in_future"


def test_an_old_proof_stays_valid():
    assert verify_proof(proven(), find_key, NOW + timedelta(days=4000)) == LEA


def test_the_end_of_a_proof_is_honoured():
    document = resigned({"expires": "2026-11-20T11:00:00Z"})
    assert verify_proof(document, find_key, NOW) == LEA
    assert code(document, now=NOW + timedelta(hours=2)) == "expired"


def test_a_retired_key_proves_what_is_older_than_its_end_only():
    later, earlier = NOW + timedelta(days=1), NOW - timedelta(days=1)
    assert verify_proof(proven(), lambda m: find_key(m, expires=later), NOW) == LEA
    assert code(proven(), lambda m: find_key(m, expires=earlier)) == "expired_key"


@pytest.mark.parametrize("created", [None, "yesterday", 1795297417, "2026-13-01T00:00:00Z"])
def test_a_proof_without_a_readable_date_is_refused(created):
    assert code(resigned({"created": created})) == "bad_time"


def test_exactly_one_proof_is_accepted():
    document = proven()
    proof = document["proof"]
    assert verify_proof(document | {"proof": [proof]}, find_key, NOW) == LEA
    for several in ([proof, proof], [], None, "z123", [[proof]]):
        assert code(document | {"proof": several}) == "no_proof"
    assert code(CREATE) == "no_proof"


@pytest.mark.parametrize("value", [None, 1, "", "z", "z1", "m" + "A" * 86, "z0OIl"])
def test_an_unreadable_proof_value_is_refused(value):
    document = proven()
    document["proof"] = document["proof"] | {"proofValue": value}
    assert code(document) == "bad_proof"


def test_a_proof_value_without_its_multibase_letter_is_refused():
    document = proven()
    document["proof"] = document["proof"] | {"proofValue": document["proof"]["proofValue"][1:]}
    assert code(document) == "bad_proof"


def test_a_document_without_canonical_form_is_refused_and_cannot_be_signed():
    assert code(proven() | {"number": 2**60}) == "bad_proof"
    with pytest.raises(Malformed):
        add_proof(CREATE | {"number": float("nan")}, SIGNING, NOW)


def test_only_an_ed25519_key_makes_a_proof():
    with pytest.raises(ValueError, match="Ed25519"):
        add_proof(CREATE, SigningKey(f"{LEA}#main-key", "rsa", new_rsa()), NOW)


def test_the_linked_data_signature_beside_a_proof_is_neither_covered_nor_believed():
    document = proven() | {"signature": {"type": "RsaSignature2017", "creator": LEA}}
    assert verify_proof(document, find_key, NOW) == LEA
    assert "signature" not in add_proof(document, SIGNING, NOW)
    assert code(CREATE | {"signature": {"type": "RsaSignature2017"}}) == "no_proof"


@pytest.mark.parametrize(
    "path",
    with_keys(),
    ids=lambda path: path.stem,
)
def test_the_proofs_that_fedify_makes_are_verified(path):
    recorded = json.loads(path.read_text())
    actor = json.loads((CAPTURES / "fedify-actor-person.json").read_text())["body"]
    document = parse(recorded["raw_body"].encode())
    now = datetime.fromisoformat(document["proof"]["created"])

    def find(method):
        key = key_from_document(actor, method)
        assert isinstance(key, PublicKey)
        return key

    assert verify_proof(document, find, now) == actor["id"]
    assert code(document | {"type": "Block"}, find, now) == "bad_proof"
