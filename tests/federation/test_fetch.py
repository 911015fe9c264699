"""Documents believed at their own address, and knocking twice (FEDERATION.md R9, R10, R24, 2.2)."""

import json
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest
from federation.hostile import Reply, hostile_peer, tls_contexts

from collab.federation.fetch import Unfetched, fetch_document
from collab.federation.keys import PublicKey, SigningKey, new_ed25519
from collab.federation.signatures import Message, Refused, cavage, rfc9421, verify
from collab.federation.signer import ACCEPT, ED25519, Signer
from collab.federation.transport import Transport, Unreachable

NOW = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
US = "http://127.0.0.1:9/actor"
KEY = SigningKey(f"{US}#ed25519-1", "ed25519", new_ed25519())
EDWARDS = SigningKey(f"{US}#ed25519-2", "ed25519", new_ed25519())
PUBLIC = {
    key.key_id: PublicKey(key.key_id, US, "ed25519", key.key.public_key()) for key in (KEY, EDWARDS)
}
SCHEMES = ("cavage", "rfc9421")


@pytest.fixture
def peer():
    with hostile_peer() as running:
        yield running


@pytest.fixture
def transport():
    with closing(Transport(allow_loopback=True)) as made:
        yield made


class Memory(dict):
    """What was learned of hosts, in a dictionary."""

    def learned(self, host, scheme):
        self[host] = scheme


@pytest.fixture
def memory():
    return Memory()


@pytest.fixture
def signer(transport, memory):
    return Signer(KEY, transport, memory, clock=lambda: NOW)


def fetch(transport, iri, *, sign=None, deadline=5.0, admits=lambda _host: True):
    return fetch_document(transport, iri, sign=sign, now=NOW, admits=admits, deadline=deadline)


def refusal(transport, iri, **options) -> str:
    with pytest.raises(Unfetched) as caught:
        fetch(transport, iri, **options)
    return caught.value.code


def scheme_of(asked, peer, *, target=None) -> str | None:
    """Which scheme one recorded request is well signed in; None when it is not."""
    message = Message(asked.method, target or asked.target, asked.headers, asked.body)
    try:
        return verify(message, scheme_host=peer.origin, find_key=PUBLIC.get, now=NOW).scheme
    except Refused:
        return None


def schemes(peer) -> list[str | None]:
    return [scheme_of(asked, peer) for asked in peer.asked]


def only(peer, path, accepted, *, status=401, reply=None, headers=()):
    """Answer `path` well to one scheme, and with a status to all else."""
    good = reply or Reply(202)

    def answer(asked):
        return good if scheme_of(asked, peer) == accepted else Reply(status, tuple(headers))

    peer.answers[path] = answer
    return peer.url(path)


def document(peer, path, **members) -> Reply:
    found = {"id": peer.url(path), "type": "Note"} | members
    headers = (("Content-Type", "application/activity+json"),)
    return Reply(200, headers, json.dumps(found).encode())


# --- R9: where a document may be found ------------------------------------------------------


def test_r9_a_document_at_its_own_address_is_believed(peer, transport):
    url = peer.serve("/o/1", {"id": peer.url("/o/1"), "content": "Bonjour"})
    assert fetch(transport, url) == {"id": url, "content": "Bonjour"}
    (asked,) = peer.asked
    assert asked.header("accept") == ACCEPT


def test_r9_a_document_that_claims_another_host_is_not_believed(peer, transport):
    for claimed in ("https://victim.example/u/bob", "http://127.0.0.1:1/o/1", "nonsense", ""):
        url = peer.serve("/o/1", {"id": claimed})
        assert refusal(transport, url) == "wrong_id"
    assert set(peer.targets()) == {"/o/1"}


@pytest.mark.parametrize("identity", [None, 1, ["x"], {"id": "x"}])
def test_r9_a_document_without_an_id_is_not_believed(peer, transport, identity):
    url = peer.serve("/o/1", {"id": identity, "url": peer.url("/o/1")})
    assert refusal(transport, url) == "wrong_id"


def test_r9_the_url_of_a_document_is_no_authority(peer, transport):
    url = peer.serve("/o/1", {"id": "https://victim.example/o/1", "url": peer.url("/o/1")})
    assert refusal(transport, url) == "wrong_id"


def test_r9_an_id_elsewhere_on_the_same_host_is_asked_for_once(peer, transport):
    alias = peer.serve("/@lea", {"id": peer.url("/u/lea"), "name": "forged"})
    peer.serve("/u/lea", {"id": peer.url("/u/lea"), "name": "true"})
    assert fetch(transport, alias)["name"] == "true"
    assert peer.targets() == ["/@lea", "/u/lea"]


def test_r9_ids_that_lead_on_and_on_are_not_followed(peer, transport):
    first = peer.serve("/1", {"id": peer.url("/2")})
    peer.serve("/2", {"id": peer.url("/3")})
    peer.serve("/3", {"id": peer.url("/3")})
    assert refusal(transport, first) == "wrong_id"
    assert peer.targets() == ["/1", "/2"]


def test_r9_a_host_that_serves_somebody_elses_document_speaks_for_itself_alone(transport):
    with hostile_peer() as victim, hostile_peer() as evil:
        bob = victim.serve("/u/bob", {"id": victim.url("/u/bob"), "name": "Bob"})
        copied = evil.serve("/u/bob", {"id": bob, "name": "Mallory"})
        assert refusal(transport, copied) == "wrong_id"
        assert victim.asked == []


def test_r9_after_a_redirect_to_another_host_the_document_is_the_other_hosts(transport):
    with hostile_peer() as victim, hostile_peer() as evil:
        bob = victim.serve("/u/bob", {"id": victim.url("/u/bob")})
        assert fetch(transport, evil.redirect("/u/eve", bob))["id"] == bob
        victim.serve("/u/eve", {"id": evil.url("/u/eve")})
        assert refusal(transport, evil.redirect("/u/eve", victim.url("/u/eve"))) == "wrong_id"


def test_r9_a_fragment_counts_only_when_it_was_asked_for(peer, transport):
    key_id = peer.url("/key") + "#main-key"
    peer.serve("/key", {"id": key_id, "owner": peer.url("/u/lea")})
    assert fetch(transport, key_id)["id"] == key_id
    assert fetch(transport, peer.url("/key"))["id"] == key_id
    assert peer.targets() == ["/key"] * 3
    lea = peer.serve("/u/lea", {"id": peer.url("/u/lea")})
    assert fetch(transport, lea + "#main-key")["id"] == lea


def test_r9_an_international_path_is_compared_as_it_is_asked_for(peer, transport):
    peer.serve("/%C3%A9cole", {"id": peer.url("/école")})
    assert fetch(transport, peer.url("/école"))["id"] == peer.url("/école")


# --- R10: what a document is served as ------------------------------------------------------


@pytest.mark.parametrize(
    "content_type",
    [
        "application/activity+json",
        "application/activity+json; charset=utf-8",
        'application/ld+json; profile="https://www.w3.org/ns/activitystreams"',
    ],
)
def test_r10_a_document_served_as_activitystreams_is_read(peer, transport, content_type):
    url = peer.serve("/o/1", {"id": peer.url("/o/1")}, content_type=content_type)
    assert fetch(transport, url)["id"] == url


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "text/html",
        "application/json",
        "application/ld+json",
        'application/ld+json; profile="https://example.org/"',
        "application/octet-stream",
        "image/png",
        "",
        "application/activity+json, text/html",
    ],
)
def test_r10_the_same_bytes_served_as_something_else_are_not_read(peer, transport, content_type):
    url = peer.serve("/o/1", {"id": peer.url("/o/1")}, content_type=content_type)
    assert refusal(transport, url) == "wrong_type"


def test_r10_a_document_without_a_type_is_not_read(peer, transport):
    peer.answers["/o/1"] = lambda _asked: Reply(200, (), b'{"id": "x"}')
    assert refusal(transport, peer.url("/o/1")) == "wrong_type"


# --- R24: redirects -------------------------------------------------------------------------


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_r24_up_to_three_redirects_are_followed(peer, transport, status):
    for number in range(3):
        peer.redirect(f"/{number}", f"/{number + 1}", status)
    peer.serve("/3", {"id": peer.url("/3")})
    assert fetch(transport, peer.url("/0"))["id"] == peer.url("/3")


def test_r24_a_fourth_redirect_is_not_followed(peer, transport):
    for number in range(4):
        peer.redirect(f"/{number}", f"/{number + 1}")
    peer.serve("/4", {"id": peer.url("/4")})
    assert refusal(transport, peer.url("/0")) == "redirect"
    assert peer.targets() == ["/0", "/1", "/2", "/3"]


def test_r24_redirects_in_a_circle_are_left_at_once(peer, transport):
    peer.redirect("/a", peer.url("/b"))
    peer.redirect("/b", peer.url("/a"))
    assert refusal(transport, peer.url("/a")) == "redirect"
    assert peer.targets() == ["/a", "/b"]
    peer.redirect("/self", "/self")
    assert refusal(transport, peer.url("/self")) == "redirect"


@pytest.mark.parametrize(
    "location",
    [
        "http://169.254.169.254/latest/meta-data/",
        "http://localhost/",
        "http://10.0.0.1/",
        "http://intranet/",
        "http://example.org/",
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://user@example.org/",
        "https://example.org:8443/",
        "file:///etc/passwd",
        "gopher://example.org/",
        "data:application/activity+json,{}",
        "https://example.org\\@evil.example/",
        "http://[",
        "https://",
    ],
)
def test_r24_a_redirect_to_where_we_would_not_go_is_not_followed(peer, transport, location):
    assert refusal(transport, peer.redirect("/a", location)) == "redirect"
    assert peer.targets() == ["/a"]


def test_r24_a_redirect_never_leaves_https(peer, tmp_path):
    server, client = tls_contexts(tmp_path / "tls.pem")
    trusting = Transport(allow_loopback=True, tls=client)
    plain = peer.serve("/a", {"id": peer.url("/a")})
    with closing(trusting), hostile_peer(tls=server, host="localhost") as secure:
        secure.serve("/b", {"id": secure.url("/b")})
        assert fetch(trusting, peer.redirect("/up", secure.url("/b")))["id"] == secure.url("/b")
        assert refusal(trusting, secure.redirect("/down", plain)) == "redirect"
    assert peer.targets() == ["/up"]


def test_r24_a_redirect_to_a_name_inside_is_judged_like_a_first_request(peer):
    inside = Transport(allow_loopback=True, resolver=lambda _n, _p: ["127.0.0.1"])
    with closing(inside), pytest.raises(Unfetched, match="forbidden"):
        fetch(inside, peer.redirect("/a", "https://inside.example/"))


def test_r24_a_redirect_without_a_place_to_go_is_left(peer, transport):
    peer.answers["/a"] = lambda _asked: Reply(302)
    assert refusal(transport, peer.url("/a")) == "redirect"


@pytest.mark.parametrize("scheme", SCHEMES)
def test_r24_every_hop_is_signed_for_where_it_goes(transport, memory, signer, scheme):
    with hostile_peer() as first, hostile_peer() as second:
        for peer in (first, second):
            memory.learned(f"127.0.0.1:{peer.port}", scheme)
        target = only(second, "/b", scheme, reply=document(second, "/b"))
        start = only(first, "/a", scheme, reply=Reply(302, (("Location", target),)))
        assert fetch(transport, start, sign=signer)["id"] == target
        assert schemes(first) == schemes(second) == [scheme]
        assert scheme_of(first.asked[0], second) is None


def test_a_plain_function_signs_each_hop_as_well(peer, transport):
    called = []

    def sign(method, url):
        called.append((method, url))
        return cavage.sign(method, url, b"", KEY, NOW)

    peer.redirect("/a", "/b")
    peer.serve("/b", {"id": peer.url("/b")})
    fetch(transport, peer.url("/a"), sign=sign)
    assert called == [("GET", peer.url("/a")), ("GET", peer.url("/b"))]
    assert schemes(peer) == ["cavage", "cavage"]


# --- Other refusals -------------------------------------------------------------------------


@pytest.mark.parametrize("status", [204, 206, 304, 400, 401, 403, 404, 410, 429, 500, 503])
def test_another_status_is_told_as_it_is(peer, transport, status):
    peer.serve("/o/1", {"id": peer.url("/o/1")}, status=status)
    with pytest.raises(Unfetched) as caught:
        fetch(transport, peer.url("/o/1"))
    assert (caught.value.code, caught.value.status) == ("status", status)


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b'{"id": 1, "id": 2}', b'{"@graph": []}', b'{"a": NaN}', b"<html>", b"\xff"],
)
def test_r41_malformed_documents_are_refused(peer, transport, body):
    reply = Reply(200, (("Content-Type", "application/activity+json"),), body)
    peer.answers["/o/1"] = lambda _asked: reply
    assert refusal(transport, peer.url("/o/1")) == "malformed"


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/bomb", "too_large"),
        ("/drip", "timeout"),
        ("/silent", "timeout"),
        ("/endless", "too_large"),
        ("/huge-headers", "too_large"),
        ("/not-http", "broken"),
        ("/unasked-encoding", "encoding"),
    ],
)
def test_r26_a_hostile_peer_is_left_for_a_reason(peer, transport, path, reason):
    with pytest.raises(Unfetched, match=reason) as caught:
        fetch(transport, peer.url(path), deadline=0.5 if reason == "timeout" else 30)
    assert caught.value.code == "unreachable"


def test_r26_redirects_share_one_deadline(peer, transport):
    peer.redirect("/a", "/drip")
    assert refusal(transport, peer.url("/a"), deadline=0.5) == "unreachable"


def test_r25_without_leave_loopback_is_not_fetched(peer):
    url = peer.serve("/o/1", {"id": peer.url("/o/1")})
    with closing(Transport()) as asking:
        assert refusal(asking, url) == "unreachable"
    assert peer.asked == []


@pytest.mark.parametrize("iri", ["", "nonsense", "acct:lea@b.example", "https://10.0.0.1/", "x:y"])
def test_what_is_no_address_is_not_fetched(transport, signer, iri):
    assert refusal(transport, iri) == "unreachable"
    assert refusal(transport, iri, sign=signer) == "unreachable"


def test_r44_a_document_of_the_day_after_tomorrow_is_refused(peer, transport):
    for days, expected in ((1, None), (1.01, "in_future")):
        moment = (NOW + timedelta(days=days)).isoformat()
        url = peer.serve("/o/1", {"id": peer.url("/o/1"), "published": moment})
        if expected is None:
            assert fetch(transport, url)["published"] == moment
        else:
            assert refusal(transport, url) == expected


@pytest.mark.parametrize("published", [None, 1, "soon", ["2026"], "2026-11-20"])
def test_r44_an_odd_date_is_left_to_whoever_reads_it(peer, transport, published):
    url = peer.serve("/o/1", {"id": peer.url("/o/1"), "published": published})
    assert fetch(transport, url)["published"] == published


# --- Knocking twice -------------------------------------------------------------------------


def test_2_2_3_an_unknown_host_is_asked_by_cavage_first_and_once(peer, signer, memory):
    url = only(peer, "/inbox", "cavage")
    assert signer.post(url, b"{}").status == 202
    assert schemes(peer) == ["cavage"]
    assert memory.get(f"127.0.0.1:{peer.port}") in {None, "cavage"}


@pytest.mark.parametrize("status", [400, 401])
def test_2_2_3_after_400_or_401_the_same_bytes_are_signed_the_other_way(
    peer, signer, memory, status
):
    url = only(peer, "/inbox", "rfc9421", status=status)
    assert signer.post(url, b'{"a": 1}').status == 202
    assert schemes(peer) == ["cavage", "rfc9421"]
    assert {asked.body for asked in peer.asked} == {b'{"a": 1}'}
    assert memory == {f"127.0.0.1:{peer.port}": "rfc9421"}
    assert signer.post(url, b'{"a": 2}').status == 202
    assert schemes(peer) == ["cavage", "rfc9421", "rfc9421"]


def test_2_2_3_a_host_that_changes_its_mind_is_learned_anew(peer, signer, memory):
    memory.learned(f"127.0.0.1:{peer.port}", "rfc9421")
    url = only(peer, "/inbox", "cavage", status=400)
    assert signer.post(url, b"{}").status == 202
    assert schemes(peer) == ["rfc9421", "cavage"]
    assert memory == {f"127.0.0.1:{peer.port}": "cavage"}


@pytest.fixture
def both(transport, memory):
    """Signs by RSA, and by Ed25519 for who says that it reads that."""
    return Signer(KEY, transport, memory, clock=lambda: NOW, edwards=EDWARDS)


def test_2_2_2_a_host_that_says_so_is_signed_to_by_ed25519(peer, both, memory):
    memory.learned(f"127.0.0.1:{peer.port}", ED25519)
    url = only(peer, "/inbox", "rfc9421")
    assert both.post(url, b"{}").status == 202
    (asked,) = peer.asked
    assert EDWARDS.key_id in asked.header("signature-input")
    assert '("@method" "@target-uri" "content-digest")' in asked.header("signature-input")
    assert memory == {f"127.0.0.1:{peer.port}": ED25519}


@pytest.mark.parametrize("status", [400, 401])
def test_2_2_3_a_host_that_says_so_and_does_not_is_knocked_at_again(peer, both, memory, status):
    memory.learned(f"127.0.0.1:{peer.port}", ED25519)
    url = only(peer, "/inbox", "cavage", status=status)
    assert both.post(url, b"{}").status == 202
    assert schemes(peer) == ["rfc9421", "cavage"]
    assert KEY.key_id in peer.asked[1].header("signature")
    assert memory == {f"127.0.0.1:{peer.port}": "cavage"}


def test_2_2_3_a_host_that_reads_rfc9421_by_our_first_key_alone_is_knocked_at_so(
    peer, both, memory
):
    memory.learned(f"127.0.0.1:{peer.port}", ED25519)

    def by_the_first(asked):
        return Reply(202 if KEY.key_id in (asked.header("signature-input") or "") else 401)

    peer.answers["/inbox"] = by_the_first
    assert both.post(peer.url("/inbox"), b"{}").status == 202
    assert schemes(peer) == ["rfc9421", "cavage", "rfc9421"]
    assert memory == {f"127.0.0.1:{peer.port}": "rfc9421"}


def test_2_2_3_who_refuses_the_only_key_is_not_asked_by_it_twice(peer, signer, memory):
    memory.learned(f"127.0.0.1:{peer.port}", ED25519)
    peer.answers["/inbox"] = lambda _asked: Reply(401)
    assert signer.post(peer.url("/inbox"), b"{}").status == 401
    assert schemes(peer) == ["rfc9421", "cavage"]


def test_2_2_1_a_host_that_says_nothing_gets_what_it_had(peer, both):
    url = only(peer, "/inbox", "cavage")
    assert both.post(url, b"{}").status == 202
    (asked,) = peer.asked
    assert KEY.key_id in asked.header("signature")


@pytest.mark.parametrize("status", [202, 403, 404, 410, 422, 429, 500, 503])
def test_2_2_3_another_status_is_not_a_reason_to_knock_again(peer, signer, status):
    peer.answers["/inbox"] = lambda _asked: Reply(status)
    assert signer.post(peer.url("/inbox"), b"{}").status == status
    assert len(peer.asked) == 1


def test_2_2_3_a_host_that_refuses_both_is_told_and_nothing_is_learned(peer, signer, memory):
    url = only(peer, "/inbox", "neither")
    assert signer.post(url, b"{}").status == 401
    assert schemes(peer) == ["cavage", "rfc9421"]
    assert memory == {}


def test_2_2_3_a_failure_after_the_second_knock_teaches_nothing(peer, signer, memory):
    url = only(peer, "/inbox", "rfc9421", reply=Reply(500))
    assert signer.post(url, b"{}").status == 500
    assert memory == {}


def test_2_2_3_a_get_knocks_twice_as_well(peer, transport, signer, memory):
    url = only(peer, "/o/1", "rfc9421", reply=document(peer, "/o/1"))
    assert fetch(transport, url, sign=signer)["id"] == url
    assert schemes(peer) == ["cavage", "rfc9421"]
    assert memory == {f"127.0.0.1:{peer.port}": "rfc9421"}


def test_2_2_3_an_open_document_teaches_nothing_about_signatures(peer, transport, signer, memory):
    url = peer.serve("/o/1", {"id": peer.url("/o/1")})
    fetch(transport, url, sign=signer)
    assert memory == {}


def test_2_2_3_a_query_is_left_out_of_the_signature_at_the_third_knock(peer, signer, memory):
    def answer(asked):
        path = asked.target.partition("?")[0]
        return Reply(200 if scheme_of(asked, peer, target=path) == "cavage" else 401)

    peer.answers["/outbox"] = answer
    assert signer.get(peer.url("/outbox?page=1")).status == 200
    assert peer.targets() == ["/outbox?page=1"] * 3
    assert schemes(peer) == ["cavage", "rfc9421", None]
    assert memory == {}


def test_2_2_3_there_is_no_third_knock_without_a_query_or_after_400(peer, signer):
    signer.get(only(peer, "/a", "neither"))
    signer.get(only(peer, "/b", "neither", status=400) + "?page=1")
    assert [target.partition("?")[0] for target in peer.targets()] == ["/a", "/a", "/b", "/b"]


def test_2_2_3_what_a_host_asks_to_be_signed_is_added_to_our_minimum(peer, signer, memory):
    asks = (
        'sig1=("@method" "@authority" "host" "cookie" "x-secret");keyid="theirs";alg="hmac-sha256"'
    )

    def answer(asked):
        given = asked.header("signature-input") or ""
        good = '"@authority"' in given and scheme_of(asked, peer) == "rfc9421"
        return Reply(202 if good else 401, (("Accept-Signature", asks),))

    peer.answers["/inbox"] = answer
    assert signer.post(peer.url("/inbox"), b"{}").status == 202
    given = peer.asked[-1].header("signature-input")
    assert given.startswith(
        'sig1=("@method" "@target-uri" "content-digest" "@authority" "host");created='
    )
    assert f'keyid="{KEY.key_id}"' in given
    assert 'alg="ed25519"' in given
    assert len(peer.asked) == 2
    assert memory == {f"127.0.0.1:{peer.port}": "rfc9421"}


def test_2_2_3_at_most_three_requests_are_made_for_one_address(peer, signer, memory):
    memory.learned(f"127.0.0.1:{peer.port}", "rfc9421")
    asks = (("Accept-Signature", 'sig1=("@authority" "@path" "@query")'),)
    url = only(peer, "/outbox", "neither", headers=asks) + "?page=1"
    assert signer.get(url).status == 401
    assert len(peer.asked) == 3


def test_2_2_3_a_remembered_scheme_that_no_longer_exists_is_forgotten(peer, signer, memory):
    memory["127.0.0.1:" + str(peer.port)] = "ldsig"
    assert signer.post(only(peer, "/inbox", "cavage"), b"{}").status == 202
    assert schemes(peer) == ["cavage"]


def test_each_knock_is_signed_at_the_time_it_is_sent(peer, transport, memory):
    times = iter(NOW + timedelta(seconds=number) for number in range(2))
    signer = Signer(KEY, transport, memory, clock=lambda: next(times))
    signer.post(only(peer, "/inbox", "neither"), b"{}")
    first, second = peer.asked
    assert first.header("date") == "Fri, 20 Nov 2026 10:00:00 GMT"
    assert f"created={int(NOW.timestamp()) + 1}" in second.header("signature-input")


# --- 2.2 point 4: redirects of deliveries ---------------------------------------------------


@pytest.mark.parametrize("status", [307, 308])
def test_2_2_4_a_delivery_follows_its_host_and_is_signed_anew(peer, signer, status):
    peer.redirect("/inbox", "/inbox/", status)
    only(peer, "/inbox/", "cavage")
    assert signer.post(peer.url("/inbox"), b"{}").status == 202
    assert peer.targets() == ["/inbox", "/inbox/"]
    assert schemes(peer) == ["cavage", "cavage"]
    assert [asked.body for asked in peer.asked] == [b"{}", b"{}"]


@pytest.mark.parametrize("status", [301, 302, 303])
def test_2_2_4_a_delivery_does_not_follow_a_redirect_that_may_change_its_method(
    peer, signer, status
):
    peer.redirect("/inbox", "/inbox/", status)
    assert signer.post(peer.url("/inbox"), b"{}").status == status
    assert peer.targets() == ["/inbox"]


def test_2_2_4_a_delivery_does_not_follow_to_another_host(signer):
    with hostile_peer() as first, hostile_peer() as second:
        url = first.redirect("/inbox", second.url("/inbox"), 308)
        assert signer.post(url, b"secret").status == 308
        assert second.asked == []


def test_2_2_4_a_delivery_follows_three_redirects_and_no_more(peer, signer):
    peer.redirect("/inbox", "/inbox", 307)
    assert signer.post(peer.url("/inbox"), b"{}").status == 307
    assert len(peer.asked) == 4


def test_a_delivery_to_nowhere_is_unreachable(signer):
    for url in ("https://10.0.0.1/inbox", "nonsense", "http://127.0.0.1:1/inbox"):
        with pytest.raises(Unreachable):
            signer.post(url, b"{}")


def test_a_delivery_says_what_it_carries(peer, signer):
    signer.post(only(peer, "/inbox", "cavage"), b"{}", 'application/ld+json; profile="x"')
    assert peer.asked[0].header("content-type") == 'application/ld+json; profile="x"'


def test_the_two_schemes_of_these_tests_are_the_two_there_are():
    assert {cavage.NAME, rfc9421.NAME} == set(SCHEMES)
