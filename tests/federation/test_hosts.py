"""One spelling per host, or none (R12, R25)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collab.federation.hosts import BadHost, canonical_host, host_of, locate, same_origin

ONE_SPELLING = [
    ("example.org", "example.org"),
    ("EXAMPLE.Org", "example.org"),
    ("example.org.", "example.org"),
    ("example.org:443", "example.org"),
    ("example.org:", "example.org"),
    ("Example.ORG.:443", "example.org"),
    ("exämple.org", "xn--exmple-cua.org"),
    ("EXÄMPLE.org", "xn--exmple-cua.org"),
    ("exa\u0308mple.org", "xn--exmple-cua.org"),
    ("xn--exmple-cua.org", "xn--exmple-cua.org"),
    ("XN--EXMPLE-CUA.org", "xn--exmple-cua.org"),
    ("ｅｘａｍｐｌｅ.org", "example.org"),
    ("example。org", "example.org"),
    ("faß.example", "xn--fa-hia.example"),
    ("a-b.example", "a-b.example"),
    ("1.example", "1.example"),
    ("école.gouv.fr", "xn--cole-9oa.gouv.fr"),
]

REFUSED = [
    "",
    ".",
    "..",
    "localhost",
    "intranet",
    "com.",
    "a..example",
    ".example.org",
    "example.org..",
    "example.org:80",
    "example.org:8443",
    "example.org::443",
    "example.org:443:443",
    "user@example.org",
    "user:secret@example.org",
    "good.example@evil.example",
    "good.example\\@evil.example",
    "good.example\\.evil.example",
    "exam ple.org",
    " example.org",
    "example.org\n",
    "example.org\x00.evil.example",
    "exam\tple.org",
    "example.org\u00a0",
    "127.0.0.1",
    "127.1",
    "0x7f.1",
    "2130706433",
    "1.2.3.0x4",
    "example.0x",
    "１２７.0.0.1",
    "[::1]",
    "[2001:db8::1]:443",
    "::1",
    "under_score.example",
    "-a.example",
    "a-.example",
    "exa%6dple.org",
    "exam/ple.org",
    "a" * 64 + ".example",
    ".".join(["a" * 60] * 5),
    "xn--a.example",
    "xn--.example",
    "a\u200db.example",
    "127.0.0.1:8001",
    "localhost:8001",
]


@pytest.mark.parametrize(("spelling", "canonical"), ONE_SPELLING)
def test_r12_every_spelling_of_a_host_becomes_the_same_one(spelling, canonical):
    assert canonical_host(spelling) == canonical


@pytest.mark.parametrize("spelling", REFUSED)
def test_r12_what_is_not_a_public_host_name_is_refused(spelling):
    with pytest.raises(BadHost):
        canonical_host(spelling)


@given(st.text(max_size=40))
def test_r12_a_canonical_host_is_its_own_canonical_spelling(text):
    try:
        host = canonical_host(text)
    except BadHost:
        return
    assert canonical_host(host) == host
    assert host.isascii()
    assert host == host.lower()


@pytest.mark.parametrize("host", ["127.0.0.1:8001", "localhost:8001", "[::1]:8001"])
def test_r25_loopback_with_a_port_is_a_host_only_when_asked_for(host):
    assert canonical_host(host, allow_loopback=True) == host
    assert host_of(f"http://{host}/u/lea", allow_loopback=True) == host
    with pytest.raises(BadHost):
        host_of(f"http://{host}/u/lea")


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.0.0.2:8001",
        "127.0.0.1:0",
        "127.0.0.1:65536",
        "127.0.0.1:080",
        "10.0.0.1:8001",
        "localhost",
        "localhost.:8001",
        "[::ffff:127.0.0.1]:8001",
        "user@127.0.0.1:8001",
    ],
)
def test_r25_loopback_is_a_short_list_of_exact_spellings(host):
    with pytest.raises(BadHost):
        canonical_host(host, allow_loopback=True)


@pytest.mark.parametrize(
    "iri",
    [
        "http://example.org/u/lea",
        "ftp://example.org/",
        "acct:lea@example.org",
        "//example.org/u/lea",
        "example.org",
        "https:/example.org/",
        "https:\\\\example.org\\",
        "https://example.org\\@evil.example/",
        "https://example.org/a b",
        "https://example.org/a\r\nX-Injected: 1",
        " https://example.org/",
        "https://",
        "https:///u/lea",
        "https://example.org/" + "a" * 2048,
        "javascript:alert(1)//https://example.org/",
        "did:web:example.org",
    ],
)
def test_r12_an_iri_that_is_not_plain_https_has_no_host(iri):
    with pytest.raises(BadHost):
        host_of(iri)


def test_r12_the_host_of_an_iri_ends_before_path_query_and_fragment():
    for rest in ("/u", "?next=https://evil.example/", "#https://evil.example/", "/@evil.example"):
        assert host_of("https://Example.org" + rest) == "example.org"


def test_what_is_asked_for_keeps_path_and_query_as_they_are_written():
    place = locate("https://Example.org:443/A%2fb/../c?q=%C3%a9&r=é#top")
    assert place.target == "/A%2fb/../c?q=%C3%a9&r=%C3%A9"
    assert place.url == "https://example.org/A%2fb/../c?q=%C3%a9&r=%C3%A9"
    assert (place.name, place.port) == ("example.org", 443)
    assert locate("https://example.org").target == "/"
    assert locate("https://example.org?a=1").target == "/?a=1"


def test_r12_origins_are_compared_by_scheme_host_and_port():
    assert same_origin("https://EXAMPLE.org./a", "https://example.org:443/b")
    assert same_origin("http://127.0.0.1:8001/a", "http://127.0.0.1:8001/b")
    assert not same_origin("http://127.0.0.1:8001/a", "http://127.0.0.1:8002/a")
    assert not same_origin("http://127.0.0.1:8001/a", "https://127.0.0.1:8001/a")
    assert not same_origin("https://example.org/", "https://example.org.evil.example/")
    assert not same_origin("https://example.org/", "https://www.example.org/")
    assert not same_origin("nonsense", "nonsense")
