"""Who signed a request, in both schemes and with both kinds of keys (FEDERATION.md 2.2, 2.3)."""

import base64
import hashlib
import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.hashes import SHA256, SHA512
from federation.captured import with_keys
from http_message_signatures import HTTPMessageSigner, MappingKeyResolver
from http_message_signatures.algorithms import ED25519, RSA_PSS_SHA512, RSA_V1_5_SHA256
from hypothesis import given
from hypothesis import strategies as st

from collab.federation.keys import (
    PublicKey,
    SigningKey,
    key_from_document,
    new_ed25519,
    new_rsa,
)
from collab.federation.signatures import (
    SCHEMES,
    Message,
    Refused,
    Verified,
    cavage,
    check_envelope,
    key_id_of,
    sign,
    verify,
)
from collab.federation.signatures.message import is_activity_type

CAPTURES = Path(__file__).parent / "captures" / "fedify"
NOW = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
US = "https://a.example"
INBOX = f"{US}/p/jardin/inbox?page=1"
LEA = "https://b.example/u/lea"
BODY = b'{"type":"Create","actor":"https://b.example/u/lea"}'
KEYS = {
    "rsa": SigningKey(f"{LEA}#main-key", "rsa", new_rsa()),
    "ed25519": SigningKey(f"{LEA}#ed25519-1", "ed25519", new_ed25519()),
}
BOTH = pytest.mark.parametrize("scheme", sorted(SCHEMES))
EACH_KEY = pytest.mark.parametrize("kind", sorted(KEYS))


def public(signing: SigningKey, **changes) -> PublicKey:
    known = {
        "key_id": signing.key_id,
        "owner": LEA,
        "algorithm": signing.algorithm,
        "key": signing.key.public_key(),
    }
    return PublicKey(**(known | changes))


def find_key(key_id: str) -> PublicKey:
    """The keys of Léa, as a resolver would give them."""
    for key in KEYS.values():
        if key.key_id == key_id:
            return public(key)
    raise Refused(401, "no_key", "No such key.")


def never(key_id: str) -> PublicKey:
    raise AssertionError(f"{key_id} looked up too early")


def signed(scheme="cavage", *, method="POST", url=INBOX, body=BODY, kind="rsa", now=NOW, **changes):
    """A message as it arrives, some headers changed, added or (None) taken away after signing."""
    headers = sign(method, url, body, KEYS[kind], scheme, now)
    return received(method, url, headers, body, **changes)


def received(method, url, headers, body, **changes) -> Message:
    renamed = {name.replace("_", "-").title(): value for name, value in changes.items()}
    lines = {name.title(): value for name, value in headers.items()} | renamed
    kept = tuple((name, value) for name, value in lines.items() if value is not None)
    parts = urlsplit(url)
    target = parts.path + (f"?{parts.query}" if parts.query else "")
    return Message(method, target, kept, body)


def check(message, *, find=find_key, now=NOW, us=US) -> Verified:
    return verify(message, scheme_host=us, find_key=find, now=now)


def refusal(message, **options) -> tuple[int, str]:
    with pytest.raises(Refused) as caught:
        check(message, **options)
    return caught.value.status, caught.value.code


# --- What both schemes must do --------------------------------------------------------------


@BOTH
@EACH_KEY
@pytest.mark.parametrize(("method", "body"), [("POST", BODY), ("POST", b""), ("GET", b"")])
def test_what_we_sign_is_verified_as_ours(scheme, kind, method, body):
    message = signed(scheme, method=method, body=body, kind=kind)
    check_envelope(message)
    found = check(message)
    assert (found.actor_id, found.key_id, found.scheme) == (LEA, KEYS[kind].key_id, scheme)
    assert key_id_of(message) == KEYS[kind].key_id


@BOTH
def test_2_3_9_the_result_is_never_tested_for_truth(scheme):
    found = check(signed(scheme))
    assert type(found) is Verified
    with pytest.raises(TypeError):
        bool(found)


@BOTH
@EACH_KEY
def test_2_3_6_another_body_is_refused_before_the_key_is_looked_up(scheme, kind):
    message = signed(scheme, kind=kind)
    changed = Message(message.method, message.target, message.headers, BODY + b" ")
    assert refusal(changed, find=never) == (401, "bad_digest")


@BOTH
def test_r42_the_digest_is_of_the_bytes_and_not_of_the_tree(scheme):
    message = signed(scheme, body=b'{"a": "\xc3\xa9"}')
    for same_tree in (b'{"a":"\xc3\xa9"}', b'{"a": "\\u00e9"}', b'{"a": "\xc3\xa9"}\n'):
        changed = Message(message.method, message.target, message.headers, same_tree)
        assert refusal(changed, find=never) == (401, "bad_digest")


@BOTH
def test_2_3_5_another_method_path_or_query_is_refused(scheme):
    message = signed(scheme)
    for method, target in (
        ("PUT", message.target),
        ("POST", "/p/potager/inbox?page=1"),
        ("POST", "/p/jardin/inbox?page=2"),
        ("POST", "/p/jardin/inbox"),
        ("POST", "/p/jardin/inbox?page=1&more"),
        ("POST", "/p/jardin//inbox?page=1"),
        ("POST", "/p/j%61rdin/inbox?page=1"),
    ):
        changed = Message(method, target, message.headers, message.body)
        assert refusal(changed) == (401, "bad_signature")


@BOTH
def test_2_3_5_what_is_signed_for_another_host_is_refused_here(scheme):
    message = signed(scheme)
    status, code = refusal(message, us="https://c.example")
    assert status == 401
    assert code in {"wrong_host", "bad_signature"}


@BOTH
def test_2_3_5_no_forwarded_header_changes_what_is_verified(scheme):
    forwarded = {
        "x_forwarded_host": "evil.example",
        "x_forwarded_proto": "http",
        "x_forwarded_path": "/other",
        "forwarded": "host=evil.example;proto=http",
    }
    assert check(signed(scheme, **forwarded)).actor_id == LEA
    elsewhere = signed(scheme, url="https://evil.example/p/jardin/inbox?page=1", **forwarded)
    assert refusal(elsewhere)[0] == 401


@BOTH
def test_2_3_5_a_test_instance_on_loopback_is_held_to_its_own_address(scheme):
    message = signed(scheme, url="http://127.0.0.1:8001/inbox")
    assert check(message, us="http://127.0.0.1:8001").actor_id == LEA
    assert refusal(message, us="http://127.0.0.1:8002")[0] == 401


@BOTH
@pytest.mark.parametrize("target", ["https://a.example/inbox", "a.example:443", "*", ""])
def test_2_3_5_a_target_that_is_not_a_path_is_refused(scheme, target):
    message = signed(scheme)
    changed = Message(message.method, target, message.headers, message.body)
    assert refusal(changed, find=never) == (400, "bad_target")


@BOTH
def test_2_3_4_a_signature_is_good_from_an_hour_ago_to_five_minutes_ahead(scheme):
    message = signed(scheme)
    for drift in (timedelta(hours=1), timedelta(minutes=-5)):
        assert check(message, now=NOW + drift).actor_id == LEA
    late, early = NOW + timedelta(hours=1, seconds=1), NOW - timedelta(minutes=5, seconds=1)
    assert refusal(message, now=late, find=never) == (401, "too_old")
    assert refusal(message, now=early, find=never) == (401, "in_future")


@BOTH
def test_2_3_8_a_signature_by_another_key_is_refused(scheme):
    for kind, other in (("rsa", new_rsa()), ("ed25519", new_ed25519())):
        message = signed(scheme, kind=kind)
        stranger = public(KEYS[kind], key=other.public_key())
        assert refusal(message, find=lambda _id, key=stranger: key) == (401, "bad_signature")


@BOTH
def test_2_3_8_a_key_of_another_kind_than_the_one_that_signed_is_refused(scheme):
    for kind, other in (("rsa", "ed25519"), ("ed25519", "rsa")):
        swapped = public(KEYS[other], key_id=KEYS[kind].key_id)
        assert refusal(signed(scheme, kind=kind), find=lambda _id, key=swapped: key)[0] == 401


@BOTH
def test_2_3_8_a_resolver_that_answers_with_another_key_id_is_not_believed(scheme):
    other = public(KEYS["rsa"], key_id=f"{LEA}#other")
    status, code = refusal(signed(scheme), find=lambda _id: other)
    assert (status, code) in {(401, "bad_key_id"), (401, "bad_signature")}


@BOTH
def test_2_3_8_the_refusal_of_the_resolver_is_the_answer(scheme):
    def denied(_key_id):
        raise Refused(403, "blocked", "This host is blocked.")

    assert refusal(signed(scheme), find=denied) == (403, "blocked")


@BOTH
def test_a_key_past_its_end_signs_nothing_new(scheme):
    ended = public(KEYS["rsa"], expires=NOW - timedelta(seconds=1))
    assert refusal(signed(scheme), find=lambda _id: ended) == (401, "expired_key")
    still = public(KEYS["rsa"], expires=NOW + timedelta(seconds=1))
    assert check(signed(scheme), find=lambda _id: still).actor_id == LEA


@BOTH
@pytest.mark.parametrize(
    "key_id",
    [
        "http://b.example/u/lea#main-key",
        "https://127.0.0.1/u/lea#main-key",
        "http://127.0.0.1:8001/u/lea#main-key",
        "https://b.example@evil.example/#main-key",
        "acct:lea@b.example",
        "lea",
        "",
    ],
)
def test_2_3_7_a_key_id_that_is_not_an_https_address_is_refused_before_any_look_up(scheme, key_id):
    key = SigningKey(key_id, "rsa", KEYS["rsa"].key)
    headers = sign("POST", INBOX, BODY, key, scheme, NOW)
    message = received("POST", INBOX, headers, BODY)
    status, code = refusal(message, find=never)
    assert status == 401
    assert code in {"bad_key_id", "unreadable"}


@BOTH
def test_2_3_7_on_loopback_the_key_id_may_be_on_loopback_too(scheme):
    key = SigningKey("http://127.0.0.1:8002/u/lea#main-key", "rsa", KEYS["rsa"].key)
    url = "http://127.0.0.1:8001/inbox"
    message = received("POST", url, sign("POST", url, BODY, key, scheme, NOW), BODY)
    assert key_id_of(message) == key.key_id
    found = check(
        message, us="http://127.0.0.1:8001", find=lambda _id: public(key, key_id=key.key_id)
    )
    assert found.key_id == key.key_id


@BOTH
@pytest.mark.parametrize(
    "name",
    [
        "signature",
        "signature-input",
        "date",
        "digest",
        "content-digest",
        "host",
        "content-type",
        "content-length",
    ],
)
def test_2_3_2_a_header_that_may_come_once_is_refused_twice(scheme, name):
    message = signed(scheme, content_length=str(len(BODY)))
    value = message.value(name) or "x"
    for case in (name, name.upper()):
        extra = ((name, value), (case, value)) if not message.values(name) else ((case, value),)
        doubled = Message(message.method, message.target, message.headers + extra, message.body)
        assert refusal(doubled, find=never) == (400, "repeated_header")
        with pytest.raises(Refused, match="repeated_header"):
            check_envelope(doubled)
        with pytest.raises(Refused, match="repeated_header"):
            key_id_of(doubled)


def test_2_3_2_an_unsigned_request_is_refused():
    message = Message("POST", "/inbox", (("Host", "a.example"),), BODY)
    assert refusal(message, find=never) == (401, "unsigned")
    with pytest.raises(Refused, match="not signed"):
        key_id_of(message)


def test_2_3_2_a_failing_newer_signature_never_falls_back_to_the_older_one():
    old = dict(signed("cavage").headers)
    for broken in ("sig1=()", "nonsense", "", 'sig1=("@method");created=1;keyid="x"'):
        message = received("POST", INBOX, old | {"Signature-Input": broken}, BODY)
        assert refusal(message, find=never)[0] == 401


def test_2_3_2_a_newer_signature_does_not_lend_itself_to_the_older_scheme():
    message = signed("rfc9421", signature_input=None)
    assert refusal(message, find=never)[0] == 401


def test_another_scheme_than_ours_is_a_programming_error():
    with pytest.raises(KeyError):
        sign("GET", INBOX, b"", KEYS["rsa"], "basic", NOW)


# --- The envelope ---------------------------------------------------------------------------


def envelope(body=BODY, method="POST", **headers) -> None:
    headers = {"content_type": "application/activity+json"} | headers
    check_envelope(received(method, INBOX, {}, body, **headers))


@pytest.mark.parametrize(
    "content_type",
    [
        "application/activity+json",
        "application/activity+json; charset=utf-8",
        "Application/Activity+JSON",
        'application/ld+json; profile="https://www.w3.org/ns/activitystreams"',
        'application/ld+json;profile="https://www.w3.org/ns/activitystreams";charset=utf-8',
        'application/ld+json; charset=utf-8; Profile="a https://www.w3.org/ns/activitystreams"',
        "application/ld+json; profile=https://www.w3.org/ns/activitystreams",
    ],
)
def test_r10_the_two_types_of_activitystreams_pass(content_type):
    assert is_activity_type(content_type)
    envelope(content_type=content_type)


@pytest.mark.parametrize(
    "content_type",
    [
        None,
        "",
        "application/json",
        "application/ld+json",
        'application/ld+json; profile="https://www.w3.org/ns/other"',
        'application/ld+json; profile="https://www.w3.org/ns/activitystreams.evil"',
        'application/ld+json; x="profile=https://www.w3.org/ns/activitystreams"',
        "application/activity+jsonp",
        "text/plain; application/activity+json",
        "text/html",
        "application/octet-stream",
        "multipart/form-data",
    ],
)
def test_2_3_1_another_type_is_answered_415(content_type):
    assert not is_activity_type(content_type or "")
    with pytest.raises(Refused) as caught:
        envelope(content_type=content_type)
    assert (caught.value.status, caught.value.code) == (415, "wrong_type")


def test_2_3_1_more_than_one_mebibyte_declared_or_sent_is_answered_413():
    envelope(body=bytes(1 << 20), content_length=str(1 << 20))
    for body, length in ((b"", (1 << 20) + 1), (bytes((1 << 20) + 1), 3), (b"", 10**17)):
        with pytest.raises(Refused) as caught:
            envelope(body=body, content_length=str(length))
        assert (caught.value.status, caught.value.code) == (413, "too_large")


@pytest.mark.parametrize("length", ["-1", "1e3", "", "0x10", "٣", "1, 1", "9" * 30])
def test_2_3_1_a_length_that_is_not_a_number_is_refused(length):
    with pytest.raises(Refused) as caught:
        envelope(content_length=length)
    assert caught.value.status == 400


def test_2_3_1_a_get_needs_no_type():
    envelope(body=b"", method="GET", content_type=None)


# --- draft-cavage ---------------------------------------------------------------------------


def by_hand(
    names: str | None = "(request-target) host date digest",
    *,
    method="POST",
    body=BODY,
    kind="rsa",
    algorithm: str | None = "rsa-sha256",
    hash_=None,
    created: int | None = None,
    expires: int | None = None,
    **headers,
) -> Message:
    """A cavage signature over any list of headers, correct for what it lists."""
    digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
    values = {
        "host": "a.example",
        "date": format_datetime(NOW, usegmt=True),
        "digest": f"SHA-256={digest}",
        "content-type": "application/activity+json",
    } | {name.replace("_", "-"): value for name, value in headers.items()}
    values = {name: value for name, value in values.items() if value is not None}
    special = {
        "(request-target)": f"{method.lower()} /p/jardin/inbox?page=1",
        "(created)": str(created),
        "(expires)": str(expires),
    }
    lines = [f"{name}: {(special | values).get(name, '')}" for name in (names or "date").split()]
    text = "\n".join(lines).encode()
    key = KEYS[kind]
    if kind == "rsa":
        signature = key.key.sign(text, padding.PKCS1v15(), hash_ or SHA256())
    else:
        signature = key.key.sign(text)
    parts = [f'keyId="{key.key_id}"', f'signature="{base64.b64encode(signature).decode()}"']
    parts += [f'algorithm="{algorithm}"'] if algorithm else []
    parts += [f'headers="{names}"'] if names is not None else []
    parts += [f"created={created}"] if created is not None else []
    parts += [f"expires={expires}"] if expires is not None else []
    return received(method, INBOX, values | {"signature": ",".join(parts)}, body)


def altered(message: Message, old: str, new: str) -> Message:
    """The same message with another Signature header."""
    headers = tuple(
        (name, value.replace(old, new) if name.lower() == "signature" else value)
        for name, value in message.headers
    )
    return Message(message.method, message.target, headers, message.body)


def test_cavage_signs_exactly_what_others_expect():
    headers = sign("POST", INBOX, BODY, KEYS["rsa"], "cavage", NOW)
    assert headers["Host"] == "a.example"
    assert headers["Date"] == "Fri, 20 Nov 2026 10:00:00 GMT"
    digest = base64.b64encode(hashlib.sha256(BODY).digest()).decode()
    assert headers["Digest"] == f"SHA-256={digest}"
    assert headers["Signature"].startswith(
        f'keyId="{LEA}#main-key",algorithm="rsa-sha256",'
        'headers="(request-target) host date digest content-type",signature="'
    )
    text = (
        "(request-target): post /p/jardin/inbox?page=1\nhost: a.example\n"
        f"date: {headers['Date']}\ndigest: {headers['Digest']}\n"
        "content-type: application/activity+json"
    )
    signature = base64.b64decode(headers["Signature"].rpartition('signature="')[2][:-1])
    KEYS["rsa"].key.public_key().verify(signature, text.encode(), padding.PKCS1v15(), SHA256())
    asked = sign("GET", INBOX, b"", KEYS["rsa"], "cavage", NOW)
    assert set(asked) == {"Host", "Date", "Signature"}
    assert 'headers="(request-target) host date"' in asked["Signature"]


def test_cavage_signs_a_path_without_its_query_when_asked_to():
    headers = cavage.sign("GET", INBOX, b"", KEYS["rsa"], NOW, without_query=True)
    message = received("GET", INBOX, headers, b"")
    assert refusal(message) == (401, "bad_signature")
    assert check(received("GET", f"{US}/p/jardin/inbox", headers, b"")).actor_id == LEA


@pytest.mark.parametrize("algorithm", ["rsa-sha256", "hs2019", None])
def test_2_3_3_cavage_takes_the_names_that_servers_give_to_rsa(algorithm):
    assert check(by_hand(algorithm=algorithm)).actor_id == LEA


@pytest.mark.parametrize("algorithm", ["ed25519", "hs2019", None])
def test_2_3_3_cavage_takes_the_names_that_servers_give_to_ed25519(algorithm):
    assert check(by_hand(kind="ed25519", algorithm=algorithm)).actor_id == LEA


@pytest.mark.parametrize(
    ("kind", "algorithm"),
    [
        ("rsa", "hmac-sha256"),
        ("rsa", "rsa-sha1"),
        ("rsa", "rsa-sha512"),
        ("rsa", "ed25519"),
        ("rsa", ""),
        ("rsa", "none"),
        ("ed25519", "rsa-sha256"),
    ],
)
def test_2_3_3_cavage_takes_no_algorithm_but_the_one_of_the_key(kind, algorithm):
    message = altered(by_hand(kind=kind), 'algorithm="rsa-sha256"', f'algorithm="{algorithm}"')
    assert refusal(message) == (401, "wrong_algorithm")


def test_2_3_3_cavage_takes_sha_256_and_no_other_hash():
    assert refusal(by_hand(hash_=SHA512(), algorithm="hs2019")) == (401, "bad_signature")


@pytest.mark.parametrize(
    "names",
    [
        "host date digest",
        "(request-target) date digest",
        "(request-target) host digest",
        "(request-target) host date",
        "date",
        "",
        None,
        "(request-target) host date digest date",
        "(request-target) host date digest (request-target)",
    ],
)
def test_2_3_3_cavage_must_cover_target_host_time_and_digest(names):
    assert refusal(by_hand(names), find=never) == (401, "unsigned")


def test_2_3_3_cavage_must_not_list_a_header_that_is_not_there():
    message = by_hand("(request-target) host date digest x-absent")
    assert refusal(message, find=never) == (401, "unsigned")


def test_2_3_3_cavage_get_needs_no_digest_and_may_cover_other_headers():
    message = by_hand(
        "(request-target) accept date host user-agent",
        method="GET",
        body=b"",
        digest=None,
        accept="application/activity+json",
        user_agent="Fedify/2.3",
    )
    assert check(message).actor_id == LEA


def test_2_3_6_a_get_with_a_body_must_cover_its_digest():
    assert refusal(by_hand("(request-target) host date", method="GET"), find=never) == (
        401,
        "unsigned",
    )


def test_cavage_reads_header_names_in_any_case():
    message = altered(by_hand(), "(request-target) host date", "(Request-Target) Host Date")
    assert check(message).actor_id == LEA


def test_2_3_3_cavage_takes_created_and_expires_as_lemmy_sends_them():
    now = int(NOW.timestamp())
    message = by_hand(
        "(request-target) (created) (expires) host digest content-type",
        algorithm="hs2019",
        created=now,
        expires=now + 10,
        date=None,
    )
    assert check(message).actor_id == LEA
    late = NOW + timedelta(seconds=11)
    assert refusal(message, now=late, find=never) == (401, "expired")


def test_2_3_4_cavage_created_is_held_to_the_same_window():
    names = "(request-target) (created) host digest"
    now = int(NOW.timestamp())
    old, ahead = (
        by_hand(names, algorithm="hs2019", created=now + drift, date=None) for drift in (-3601, 301)
    )
    assert refusal(old, find=never) == (401, "too_old")
    assert refusal(ahead, find=never) == (401, "in_future")


def test_2_3_4_an_unsigned_date_beside_a_signed_time_does_not_count():
    names = "(request-target) (created) host digest"
    now = int(NOW.timestamp())
    message = by_hand(names, algorithm="hs2019", created=now, date="Fri, 20 Nov 2020 10:00:00 GMT")
    assert check(message).actor_id == LEA


def test_2_3_4_a_far_end_does_not_prolong_a_signature():
    now = int(NOW.timestamp())
    message = by_hand(
        "(request-target) (created) (expires) host digest",
        algorithm="hs2019",
        created=now - 3601,
        expires=now + 10**6,
    )
    assert refusal(message, find=never) == (401, "too_old")


def test_2_3_3_cavage_created_is_refused_with_an_algorithm_by_name():
    message = by_hand("(request-target) (created) host digest", created=int(NOW.timestamp()))
    assert refusal(message, find=never) == (401, "wrong_algorithm")


def test_2_3_3_cavage_lists_no_time_that_it_does_not_give():
    message = by_hand("(request-target) (created) host date digest", algorithm="hs2019")
    assert refusal(message, find=never) == (401, "unsigned")


@pytest.mark.parametrize(
    "date",
    [
        "",
        "now",
        "2026-11-20T10:00:00Z",
        "Fri, 20 Nov 2026 10:00:00 +0000",
        "Fri, 20 Nov 2026 10:00:00",
        "Friday, 20-Nov-26 10:00:00 GMT",
        "Fri, 32 Nov 2026 10:00:00 GMT",
        "Fri, 20 Foo 2026 10:00:00 GMT",
        "Fri, 20 Nov 2026 10:00:00 GMT, Fri, 20 Nov 2026 10:00:00 GMT",
    ],
)
def test_2_3_4_a_date_in_another_form_is_refused(date):
    assert refusal(by_hand(date=date), find=never) == (401, "bad_time")


@pytest.mark.parametrize(
    "host",
    ["evil.example", "a.example.evil.example", "", "a.example, evil.example", "127.0.0.1", None],
)
def test_2_3_5_cavage_signed_for_another_host_is_refused(host):
    assert refusal(by_hand(host=host), find=never) == (401, "wrong_host")


@pytest.mark.parametrize("host", ["A.example", "a.example:443", "a.example."])
def test_r12_cavage_takes_another_spelling_of_our_host(host):
    assert check(by_hand(host=host)).actor_id == LEA


SHA_256 = "SHA-256=" + base64.b64encode(hashlib.sha256(BODY).digest()).decode()


@pytest.mark.parametrize(
    "digest", [SHA_256, SHA_256.replace("SHA", "sha"), f"MD5=x,{SHA_256}", f"{SHA_256}, unixsum=3"]
)
def test_2_3_6_cavage_takes_a_sha_256_digest_beside_others(digest):
    assert check(by_hand(digest=digest)).actor_id == LEA


@pytest.mark.parametrize(
    "digest",
    [
        "",
        None,
        "SHA-256=",
        "SHA-256",
        "SHA-512=" + base64.b64encode(hashlib.sha512(BODY).digest()).decode(),
        "MD5=" + base64.b64encode(hashlib.md5(BODY).digest()).decode(),
        "SHA-256=" + hashlib.sha256(BODY).hexdigest(),
        SHA_256 + "!",
        SHA_256.replace("=", "=é", 1),
        SHA_256[: len(SHA_256) // 2],
    ],
)
def test_2_3_6_cavage_without_a_right_sha_256_digest_is_refused(digest):
    assert refusal(by_hand(digest=digest), find=never) == (401, "bad_digest")


def test_2_3_6_cavage_with_two_digests_is_refused():
    for pair in (f"{SHA_256},{SHA_256}", f"SHA-256=AAAA,{SHA_256}", f"{SHA_256},sha-256=AAAA"):
        assert refusal(by_hand(digest=pair), find=never) == (400, "repeated_parameter")


@pytest.mark.parametrize("name", ["keyId", "algorithm", "headers", "signature", "created"])
def test_2_3_2_cavage_with_a_parameter_twice_is_refused(name):
    message = by_hand(created=int(NOW.timestamp()))
    value = message.value("signature")
    for doubled in (f'{value},{name}="x"', f'{name}="x",{value}'):
        changed = altered(message, value, doubled)
        assert refusal(changed, find=never) == (400, "repeated_parameter")


@pytest.mark.parametrize(
    "value",
    [
        "",
        "Signature",
        'keyId="x"',
        f'keyId="{LEA}#main-key"',
        f'keyId="{LEA}#main-key",signature="!!!"',
        f'keyId="{LEA}#main-key",signature="é"',
        f'keyId={LEA}#main-key,signature="AAAA"',
        f"keyId='{LEA}#main-key',signature='AAAA'",
        f'keyId="{LEA}#main-key" signature="AAAA"',
        f'keyId="{LEA}#main-key",signature="AAAA',
        f'keyId="{LEA}\\"#main-key",signature="AAAA"',
        f'keyId="{LEA}#main-key",,signature="AAAA"',
        f'keyId="{LEA}#main-key",signature="AAAA",created=x',
        f'keyId="{LEA}#main-key",signature="AAAA",created="{"9" * 40}"',
        f'keyId="{LEA}#main-key",signature="AAAA",headers=""',
    ],
)
def test_an_unreadable_cavage_header_is_refused(value):
    message = received(
        "POST", INBOX, {"host": "a.example", "digest": SHA_256, "signature": value}, BODY
    )
    assert refusal(message, find=never)[0] == 401


def test_cavage_in_an_authorization_header_is_not_looked_at():
    message = by_hand()
    value = message.value("signature")
    moved = received(
        "POST",
        INBOX,
        {k: v for k, v in message.headers if k != "Signature"}
        | {"Authorization": f"Signature {value}"},
        BODY,
    )
    assert refusal(moved, find=never) == (401, "unsigned")


# --- RFC 9421 -------------------------------------------------------------------------------


class Request:
    """What the library signs."""

    def __init__(self, method, url, headers):
        self.method, self.url, self.headers = method, url, headers


def by_library(
    *components: str,
    method="POST",
    body=BODY,
    kind="rsa",
    algorithm=None,
    signing_url=INBOX,
    **options,
) -> Message:
    """An RFC 9421 signature over any components, correct for what it lists."""
    key = KEYS[kind]
    headers = {
        "Host": "a.example",
        "Date": format_datetime(NOW, usegmt=True),
        "Content-Type": "application/activity+json",
        "Content-Digest": content_digest(body),
    }
    HTTPMessageSigner(
        signature_algorithm=algorithm or {"rsa": RSA_V1_5_SHA256, "ed25519": ED25519}[kind],
        key_resolver=MappingKeyResolver(public_keys={}, private_keys={key.key_id: key.key}),
    ).sign(
        Request(method, signing_url, headers),
        key_id=key.key_id,
        label="sig1",
        covered_component_ids=components,
        use_existing_digest=True,
        **({"created": NOW} | options),
    )
    return received(method, INBOX, headers, body)


def content_digest(body: bytes) -> str:
    return f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:"


MINIMUM = ("@method", "@target-uri", "content-digest")


def rewritten(message: Message, name: str, old: str, new: str) -> Message:
    headers = tuple(
        (key, value.replace(old, new) if key.lower() == name else value)
        for key, value in message.headers
    )
    assert headers != message.headers
    return Message(message.method, message.target, headers, message.body)


def test_rfc9421_signs_exactly_what_others_expect():
    headers = sign("POST", INBOX, BODY, KEYS["rsa"], "rfc9421", NOW)
    assert headers["Signature-Input"] == (
        'sig1=("@method" "@target-uri" "content-digest");created=1795168800;'
        f'keyid="{LEA}#main-key";alg="rsa-v1_5-sha256"'
    )
    assert headers["Content-Digest"] == content_digest(BODY)
    assert headers["Signature"].startswith("sig1=:")
    assert "Digest" not in headers
    asked = sign("GET", INBOX, b"", KEYS["ed25519"], "rfc9421", NOW)
    assert asked["Signature-Input"].startswith('sig1=("@method" "@target-uri");created=')
    assert asked["Signature-Input"].endswith('alg="ed25519"')


@pytest.mark.parametrize(
    "components",
    [
        MINIMUM,
        ("@method", "@target-uri", "@authority", "host", "date", "content-digest"),
        ("@method", "@authority", "@path", "@query", "content-digest", "content-type"),
        ("content-digest", "@target-uri", "@scheme", "@method"),
    ],
)
def test_2_3_3_rfc9421_takes_the_components_that_servers_sign(components):
    assert check(by_library(*components)).scheme == "rfc9421"


@pytest.mark.parametrize(
    "components",
    [
        (),
        ("@method",),
        ("@target-uri", "content-digest"),
        ("@method", "content-digest"),
        ("@method", "@target-uri"),
        ("@method", "@authority", "@path", "content-digest"),
        ("@method", "@path", "@query", "content-digest"),
        ("@method", "@authority", "@query", "content-digest"),
        ("@method", "@request-target", "content-digest"),
        ("@method", "@target-uri", '"content-digest";key="sha-256"'),
        ("@method", "@target-uri", '"content-digest";bs'),
    ],
)
def test_2_3_3_rfc9421_must_cover_method_target_and_digest(components):
    assert refusal(by_library(*components), find=never) == (401, "unsigned")


def test_2_3_3_rfc9421_without_query_needs_no_query_component():
    message = by_library(
        "@method", "@authority", "@path", "content-digest", signing_url=f"{US}/p/jardin/inbox"
    )
    plain = Message(message.method, "/p/jardin/inbox", message.headers, message.body)
    assert check(plain).actor_id == LEA
    assert refusal(message, find=never) == (401, "unsigned")


def test_2_3_3_rfc9421_needs_created_and_keyid():
    message = by_library(*MINIMUM)
    without_created = rewritten(message, "signature-input", ";created=1795168800", "")
    assert refusal(without_created, find=never) == (401, "bad_time")
    without_key = rewritten(message, "signature-input", f';keyid="{LEA}#main-key"', "")
    assert refusal(without_key, find=never) == (401, "unreadable")


@pytest.mark.parametrize("created", ["-1", '"1795168800"', "1795168800.0", "999999999999999", "?1"])
def test_2_3_4_rfc9421_with_an_odd_time_is_refused(created):
    message = rewritten(by_library(*MINIMUM), "signature-input", "=1795168800", f"={created}")
    assert refusal(message, find=never)[0] == 401


def test_2_3_3_rfc9421_alg_may_be_absent_and_otherwise_is_the_one_of_the_key():
    assert check(by_library(*MINIMUM, include_alg=False)).actor_id == LEA
    assert check(by_library(*MINIMUM, include_alg=False, kind="ed25519")).actor_id == LEA
    for alg in ("ed25519", "rsa-pss-sha512", "hmac-sha256", "none", ""):
        message = rewritten(by_library(*MINIMUM), "signature-input", "rsa-v1_5-sha256", alg)
        assert refusal(message) == (401, "wrong_algorithm")
    token = rewritten(by_library(*MINIMUM), "signature-input", '"rsa-v1_5-sha256"', "rsa")
    assert refusal(token)[0] == 401


def test_2_3_3_rfc9421_with_another_padding_is_refused():
    assert refusal(by_library(*MINIMUM, algorithm=RSA_PSS_SHA512)) == (401, "wrong_algorithm")
    unnamed = by_library(*MINIMUM, algorithm=RSA_PSS_SHA512, include_alg=False)
    assert refusal(unnamed) == (401, "bad_signature")


def test_2_3_3_rfc9421_with_several_signatures_is_refused():
    message = by_library(*MINIMUM)
    for name in ("signature", "signature-input"):
        value = message.value(name)
        message = rewritten(message, name, value, f"{value}, {value.replace('sig1', 'sig2', 1)}")
    assert refusal(message, find=never) == (401, "several_signatures")


def test_2_3_2_rfc9421_with_a_label_or_a_parameter_twice_is_refused():
    message = by_library(*MINIMUM)
    value = message.value("signature-input")
    for doubled in (f"{value}, {value}", f"{value};created=1", f'{value};keyid="x"'):
        changed = rewritten(message, "signature-input", value, doubled)
        assert refusal(changed, find=never) == (400, "repeated_parameter")
    value = message.value("signature")
    assert refusal(rewritten(message, "signature", value, f"{value}, {value}"))[0] in {400, 401}


def test_2_3_4_rfc9421_honours_its_end():
    message = by_library(*MINIMUM, expires=NOW + timedelta(seconds=30))
    assert check(message).actor_id == LEA
    late = NOW + timedelta(seconds=31)
    assert refusal(message, now=late, find=never) == (401, "expired")
    prolonged = by_library(
        *MINIMUM, created=NOW - timedelta(hours=2), expires=NOW + timedelta(days=9)
    )
    assert refusal(prolonged, find=never) == (401, "too_old")


@pytest.mark.parametrize(
    "old",
    [f'keyid="{LEA}#main-key"', "created=1795168800", '"@method" "@target-uri"', "sig1="],
)
def test_rfc9421_with_changed_parameters_is_refused(old):
    changes = {
        f'keyid="{LEA}#main-key"': f'keyid="{LEA}#ed25519-1"',
        "created=1795168800": "created=1795168801",
        '"@method" "@target-uri"': '"@target-uri" "@method"',
        "sig1=": "sig2=",
    }
    message = rewritten(by_library(*MINIMUM), "signature-input", old, changes[old])
    assert refusal(message)[0] == 401


def test_rfc9421_with_an_unknown_parameter_is_refused():
    message = by_library(*MINIMUM)
    value = message.value("signature-input")
    message = rewritten(message, "signature-input", value, f"{value};x=1")
    assert refusal(message) == (401, "bad_signature")


def test_2_3_5_rfc9421_that_covers_a_host_header_is_held_to_it():
    message = by_library(*MINIMUM, "host")
    assert check(message).actor_id == LEA
    elsewhere = rewritten(message, "host", "a.example", "evil.example")
    assert refusal(elsewhere, find=never) == (401, "wrong_host")


def test_2_3_5_rfc9421_takes_our_configured_address_whatever_the_host_header_says():
    message = rewritten(by_library(*MINIMUM), "host", "a.example", "backend.internal")
    assert check(message).actor_id == LEA


@pytest.mark.parametrize(
    "digest",
    [
        "",
        "sha-256=::",
        "sha-256=x",
        "sha-256=?1",
        "sha-256=:AAAA:",
        "sha-256=(:AAAA:)",
        f"sha-512=:{base64.b64encode(hashlib.sha512(BODY).digest()).decode()}:",
        f"SHA-256=:{base64.b64encode(hashlib.sha256(BODY).digest()).decode()}:",
        f"sha-256={base64.b64encode(hashlib.sha256(BODY).digest()).decode()}",
        f"sha-256=:SHA-256={base64.b64encode(hashlib.sha256(BODY).digest()).decode()}:",
        "é",
    ],
)
def test_2_3_6_rfc9421_without_a_right_sha_256_digest_is_refused(digest):
    message = signed("rfc9421", content_digest=digest)
    status, code = refusal(message, find=never)
    assert status == 401
    assert code in {"bad_digest", "unreadable"}


def test_2_3_6_rfc9421_with_two_digests_of_a_kind_is_refused():
    twice = f"{content_digest(b'')}, {content_digest(BODY)}"
    message = signed("rfc9421", content_digest=twice)
    assert refusal(message, find=never) == (400, "repeated_parameter")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("signature_input", 'sig1="text"'),
        ("signature_input", "sig1=token;keyid=x"),
        ("signature_input", "sig1=(@method)"),
        ("signature_input", "é"),
        ("signature", None),
        ("signature", "sig1=?1"),
        ("signature", "sig1=::"),
        ("signature", "sig1=:AAAA:"),
        ("signature", "sig2=:AAAA:"),
        ("signature", "é"),
    ],
)
def test_an_unreadable_rfc9421_header_is_refused(name, value):
    assert refusal(signed("rfc9421", **{name: value}))[0] == 401


# --- Anything at all ------------------------------------------------------------------------


@given(
    st.text(st.characters(max_codepoint=255), max_size=80)
    | st.text('keyId="signature",AAAA=()created;hdrs \\', max_size=80)
)
def test_whatever_a_cavage_header_says_the_answer_is_a_refusal(text):
    message = by_hand_unsigned(signature=text)
    assert refusal(message)[0] in {400, 401}


@given(
    st.text(st.characters(max_codepoint=255), max_size=80)
    | st.text('sig1=("@method");created=1keyid:alg,? ', max_size=80),
    st.text('sig1=:AAAA:;,?()"', max_size=20),
)
def test_whatever_the_rfc9421_headers_say_the_answer_is_a_refusal(text, signature):
    message = by_hand_unsigned(signature_input=text, signature=signature)
    assert refusal(message)[0] in {400, 401}


def by_hand_unsigned(**headers) -> Message:
    base = {"host": "a.example", "date": format_datetime(NOW, usegmt=True), "digest": SHA_256}
    return received("POST", INBOX, base, BODY, **headers)


# --- Recorded from a running server ---------------------------------------------------------


@pytest.mark.parametrize("path", with_keys(), ids=lambda path: path.stem)
def test_the_requests_that_fedify_signs_are_verified(path):
    recorded = json.loads(path.read_text())
    request = recorded["request"]
    actor = json.loads((CAPTURES / "fedify-actor-person.json").read_text())["body"]
    parts = urlsplit(request["url"])
    now = parsedate_to_datetime(request["headers"]["date"])
    message = Message(
        request["method"],
        parts.path,
        tuple(request["headers"].items()),
        recorded["raw_body"].encode(),
    )

    def find(key_id):
        key = key_from_document(actor, key_id)
        assert isinstance(key, PublicKey)
        return key

    us = f"https://{parts.netloc}"
    check_envelope(message)
    found = check(message, find=find, now=now, us=us)
    assert found.actor_id == actor["id"]
    assert found.scheme == path.stem.rpartition("-")[2]
    later = now + timedelta(hours=1, seconds=1)
    assert refusal(message, find=find, now=later, us=us) == (401, "too_old")
    other = Message(message.method, message.target, message.headers, message.body + b" ")
    assert refusal(other, find=find, now=now, us=us) == (401, "bad_digest")
    assert refusal(message, find=find, now=now, us="https://evil.test")[0] == 401
