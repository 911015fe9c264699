"""Plain JSON, read once and in one way (R40, R41, R42)."""

import json
from contextlib import suppress

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from collab.federation.strictjson import (
    Malformed,
    base58btc_decode,
    base58btc_encode,
    canonical,
    multihash,
    parse,
)


def nested(levels: int) -> bytes:
    """An object of so many levels, itself included."""
    return b'{"a":' * levels + b"1" + b"}" * levels


@pytest.mark.parametrize("key", ["@graph", "@included", "@reverse", "@nest", "@id", "@type"])
@pytest.mark.parametrize("shape", ['{"%s": 1}', '{"a": {"%s": 1}}', '{"a": [[{"b": {"%s": {}}}]]}'])
def test_r40_a_key_that_rearranges_a_document_is_refused_at_any_depth(key, shape):
    with pytest.raises(Malformed):
        parse((shape % key).encode())


@pytest.mark.parametrize("key", ["@graph", "@included", "@reverse", "@nest"])
def test_r40_such_a_key_is_refused_in_a_context_too(key):
    with pytest.raises(Malformed):
        parse(json.dumps({"@context": [{"x": {key: "y"}}]}).encode())


def test_r40_a_forbidden_key_hidden_by_an_escape_is_refused():
    with pytest.raises(Malformed):
        parse(b'{"\\u0040graph": []}')


def test_r40_a_context_may_define_terms_as_peers_do():
    document = {
        "@context": ["https://www.w3.org/ns/activitystreams", {"a": {"@id": "b", "@type": "@id"}}],
        "object": {"@context": {"toot": "http://joinmastodon.org/ns#"}, "id": "https://a.example"},
    }
    assert parse(json.dumps(document).encode()) == document


def test_r40_the_exception_for_contexts_ends_with_the_context():
    with pytest.raises(Malformed):
        parse(b'{"@context": {}, "object": {"@id": "https://a.example"}}')


def test_r40_unknown_keys_are_kept_as_they_are():
    assert parse(b'{"x:y": {"z": [null, true, 1, 2.5]}}') == {"x:y": {"z": [None, True, 1, 2.5]}}


@pytest.mark.parametrize(
    "raw",
    [
        b'{"a": 1, "a": 2}',
        b'{"a": {"b": 1, "\\u0062": 2}}',
        b'{"a":1,"a":1}',
        b'{"a":1,"b":{"c":[],"c":[]}}',
        b'{"a":9007199254740992}',
        b'{"a":-9007199254740993}',
        b'{"a":18446744073709551616}',
        b'{"a":1e999}',
        b'{"a": NaN}',
        b'{"a": Infinity}',
        b'{"a": -Infinity}',
        b'{"a": 1e999}',
        b'{"a": -1e999}',
        b'{"a": 9007199254740992}',
        b'{"a": -9007199254740992}',
        b'{"a": ' + b"9" * 5000 + b"}",
        b'{"a": "\\ud800"}',
        b'{"a": "\\udc00\\ud800"}',
        b'{"\\udfff": 1}',
        b'{"a": "\xff"}',
        b'{"a": "\xed\xa0\x80"}',
        b"\xef\xbb\xbf{}",
        '{"a": 1}'.encode("utf-16"),
        b"",
        b"[]",
        b"null",
        b'"text"',
        b"{",
        b"{}{}",
        b"{'a': 1}",
        b'{"a": 01}',
        b'{"a": 1,}',
        b'{"a": "\n"}',
        b"[" * 100_000,
        b'{"a":' * 100_000,
    ],
    ids=lambda raw: repr(raw[:24]),
)
def test_r41_json_that_two_readers_could_take_differently_is_refused(raw):
    with pytest.raises(Malformed):
        parse(raw)


def test_r41_thirty_two_levels_pass_and_one_more_does_not():
    assert parse(nested(32))
    with pytest.raises(Malformed):
        parse(nested(33))
    with pytest.raises(Malformed):
        parse(b'{"a":' + b"[" * 32 + b"]" * 32 + b"}")


def test_r41_numbers_at_the_edge_and_whole_surrogate_pairs_pass():
    assert parse(b'{"a": 9007199254740991, "b": -9007199254740991, "c": "\\ud83c\\udf31"}') == {
        "a": 2**53 - 1,
        "b": -(2**53) + 1,
        "c": "🌱",
    }


def test_r38_a_document_larger_than_its_limit_is_refused_unread():
    raw = json.dumps({"a": "b" * (1 << 20)}).encode()
    with pytest.raises(Malformed):
        parse(raw)
    assert parse(raw, limit=2 << 20)


@given(
    st.binary(max_size=60) | st.text(alphabet='{}[]":,\\u0d8e1@ \n', max_size=60).map(str.encode)
)
def test_r41_whatever_the_bytes_the_answer_is_an_object_or_malformed(raw):
    with suppress(Malformed):
        assert isinstance(parse(raw), dict)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(JSON)
def test_the_canonical_form_is_the_one_of_rfc_8785(value):
    assert canonical(value) == rfc8785.dumps(value)


@given(st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), JSON, max_size=4))
def test_what_was_written_canonically_is_read_as_it_was(document):
    with suppress(Malformed):  # a name that R40 refuses
        assert parse(canonical(document)) == document == parse(json.dumps(document).encode())


def test_the_canonical_form_sorts_by_utf_16_and_writes_numbers_as_ecmascript():
    value = {"\U0001f331": 1, "\uffee": 2, "b": [1e21, 0.000001, 100.0, -0.0], "a": "\x7f\u2028"}
    assert canonical(value) == (
        '{"a":"\x7f\u2028","b":[1e+21,0.000001,100,0],"\U0001f331":1,"\uffee":2}'.encode()
    )


def test_the_quick_way_to_the_canonical_form_is_not_taken_for_keys_that_it_would_misplace():
    assert canonical({"\uffee": 2, "\U0001f331": 1}) == '{"\U0001f331":1,"\uffee":2}'.encode()


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 2**53, "\ud800", {"\ud800": 1}])
def test_what_has_no_canonical_form_is_malformed(value):
    with pytest.raises(Malformed):
        canonical({"a": value})


@given(st.binary(max_size=100))
def test_base58_gives_back_what_it_took(data):
    assert base58btc_decode(base58btc_encode(data)) == data


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"Hello World!", "2NEpo7TZRRrLZSi2U"),
        (b"\x00\x00\x28\x7f\xb4\xcd", "11233QC4"),
        (b"", ""),
    ],
)
def test_base58_is_the_alphabet_of_the_draft(data, text):
    assert base58btc_encode(data) == text


@pytest.mark.parametrize("text", ["0", "O", "I", "l", "é", "a b", "1" * 2049])
def test_base58_refuses_other_letters_and_endless_texts(text):
    with pytest.raises(Malformed):
        base58btc_decode(text)


def test_a_multihash_names_sha_256_and_its_length():
    assert multihash(b"") == "zQmdfTbBqBPQ7VNxZEYEj14VmRuZBkqFbiwReogJgS1zR1n"
