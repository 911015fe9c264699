"""Who is let in: signatures, proofs, dates, sizes, shapes. Each rule of FEDERATION.md 3 by name."""
# ruff: noqa: F401, F811 - fixtures are imported by their names

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from time import sleep

import pytest
from federation.hostile import Reply, hostile_peer
from federation.stage import (
    ORIGIN,
    Foreign,
    actor,
    decide,
    federation,
    foreign,
    house,
    rsa_key,
    sent,
    stamp,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from collab.core.db import writing
from collab.core.places import place_of
from collab.federation.budget import AT_ONCE, MOST_WAITING, Budget, Turns
from collab.federation.gate import INBOX_RATE
from collab.federation.keyring import FAILED, FAILED_IN, NEW_PER_HOUR
from collab.federation.keys import SigningKey, new_ed25519, new_rsa, public_pem
from collab.federation.models import InboxItem, KeyRefusal
from collab.federation.proofs import add_proof
from collab.federation.signatures import Refused, sign
from collab.federation.strictjson import canonical
from collab.people.models import Actor, Key, Peer, PeerState, Site
from collab.spaces.models import Follow
from collab.web.extensions import db


@pytest.fixture
def garden(make):
    return make.space(make.person("ines"))


def follows() -> int:
    db.session.rollback()
    return db.session.query(Follow).count()


@pytest.mark.parametrize("scheme", ["cavage", "rfc9421"])
def test_a_signed_activity_is_received(foreign, garden, scheme):
    lea = foreign.person()
    asked = foreign.activity(lea, "Follow", garden.iri)
    answer = foreign.post(lea, asked, scheme=scheme)
    assert (answer.status_code, answer.data) == (202, b"")
    row = db.session.query(InboxItem).one()
    assert (row.activity_id, row.actor, row.scheme) == (asked["id"], lea.iri, scheme)
    assert row.raw == canonical(asked)


@pytest.mark.parametrize("path", ["/inbox", "/actor/inbox", "/p/jardin/inbox", "/u/ines/inbox"])
def test_every_inbox_is_a_way_in(foreign, garden, path):
    lea = foreign.person()
    assert (
        foreign.post(lea, foreign.activity(lea, "Follow", garden.iri), path=path).status_code == 202
    )
    assert follows() == 1


def test_r01_an_activity_of_somebody_else_has_no_effect(foreign, garden):
    lea, omar = foreign.person("lea"), foreign.person("omar")
    asked = foreign.activity(lea, "Follow", garden.iri)
    answer = foreign.post(omar, asked)
    assert answer.status_code == 401
    assert answer.get_json()["code"] == "wrong_actor"
    assert follows() == 0
    assert db.session.query(InboxItem).count() == 0


def test_r01_a_proof_by_the_actor_lets_somebody_else_bring_it(foreign, garden):
    lea, omar = foreign.person("lea"), foreign.person("omar")
    asked = foreign.proven(lea, foreign.activity(lea, "Follow", garden.iri))
    assert foreign.post(omar, asked).status_code == 202
    assert db.session.query(InboxItem).one().scheme == "proof"
    assert db.session.query(Follow).one().actor.iri == lea.iri


def test_r01_a_proof_by_somebody_else_or_over_other_words_lets_nobody_in(foreign, garden):
    lea, omar = foreign.person("lea"), foreign.person("omar")
    asked = foreign.activity(lea, "Follow", garden.iri)
    by_omar = add_proof(asked, omar.edwards, datetime.now(UTC))
    changed = foreign.proven(lea, asked) | {"object": f"{garden.iri}/log"}
    assert foreign.post(omar, by_omar).status_code == 401
    assert foreign.post(omar, changed).status_code == 401
    assert follows() == 0


def test_a_proof_that_does_not_hold_is_refused_even_from_its_signer(foreign, garden):
    lea = foreign.person()
    asked = foreign.proven(lea, foreign.activity(lea, "Follow", garden.iri)) | {"cc": [lea.iri]}
    assert foreign.post(lea, asked).status_code == 401
    assert follows() == 0


def test_r02_the_id_of_an_activity_is_of_its_actor_s_host(foreign, garden):
    lea = foreign.person()
    elsewhere = foreign.activity(lea, "Follow", garden.iri, id="http://127.0.0.1:1/a/1")
    nameless = foreign.activity(lea, "Follow", garden.iri)
    del nameless["id"]
    assert foreign.post(lea, elsewhere).status_code == 401
    assert foreign.post(lea, nameless).status_code == 400
    assert follows() == 0


def test_r04_the_key_must_be_the_actor_s_not_the_host_s(foreign, garden):
    lea, omar = foreign.person("lea"), foreign.person("omar")
    asked = foreign.activity(lea, "Follow", garden.iri)
    url, body = f"{ORIGIN}/inbox", canonical(asked)
    disguised = SigningKey(lea.rsa.key_id, "rsa", omar.rsa.key)
    headers = sign("POST", url, body, disguised, "cavage", datetime.now(UTC))
    headers.pop("Host")
    answer = foreign.house.client().post(
        "/inbox", data=body, headers=headers, content_type=headers.pop("Content-Type")
    )
    assert answer.status_code == 401
    assert follows() == 0


def test_r20_nobody_elsewhere_speaks_as_one_of_ours(foreign, make, garden):
    noe, lea = make.person("noe"), foreign.person()
    asked = foreign.activity(lea, "Follow", garden.iri)
    asked |= {"actor": noe.iri, "id": f"{ORIGIN}/a/1"}
    assert foreign.post(lea, asked).status_code == 401
    assert follows() == 0


def test_r20_a_proof_of_one_of_ours_brings_nothing_back_to_us(foreign, make, federation, garden):
    noe, lea = make.person("noe"), foreign.person()
    told = foreign.activity(lea, "Follow", garden.iri)
    told |= {"actor": noe.iri, "id": f"{ORIGIN}/a/1"}
    proven = add_proof(told, federation.signing_key(noe, "ed25519"), datetime.now(UTC))
    assert foreign.post(lea, proven).status_code == 401
    assert follows() == 0


def test_r20_an_actor_document_that_claims_to_be_ours_is_not_kept(foreign, make, garden):
    noe = make.person("noe")
    lea = foreign.person(id=noe.iri)
    assert foreign.say(lea, "Follow", garden.iri).status_code == 401
    assert db.session.query(Actor).filter_by(local=False).count() == 0


def test_r09_a_key_served_by_another_actor_s_document_is_not_believed(foreign, garden):
    omar = foreign.person("omar")
    liar = foreign.person("liar", id=omar.iri)
    assert foreign.say(liar, "Follow", garden.iri).status_code == 401
    assert follows() == 0


def test_r09_a_key_document_must_be_confirmed_by_its_owner(foreign, garden):
    omar, liar = foreign.person("omar"), foreign.person("liar")
    key_id = foreign.peer.url("/keys/1")
    bare = {
        "id": key_id,
        "owner": omar.iri,
        "publicKeyPem": liar.document["publicKey"]["publicKeyPem"],
    }
    foreign.peer.serve("/keys/1", bare)
    liar.rsa = SigningKey(key_id, "rsa", liar.rsa.key)
    asked = foreign.activity(omar, "Follow", garden.iri)
    assert foreign.post(liar, asked).status_code == 401
    foreign.peer.serve("/u/omar", omar.document | {"publicKey": key_id})
    db.session.query(KeyRefusal).delete()
    db.session.commit()
    assert foreign.post(liar, asked).status_code == 202


@pytest.mark.parametrize(
    "kind", ["application/json", "text/plain", "application/octet-stream", "application/ld+json"]
)
def test_r10_an_actor_is_believed_only_when_served_as_activitystreams(foreign, garden, kind):
    lea = foreign.person()
    foreign.peer.serve("/u/lea", lea.document, content_type=kind)
    assert foreign.say(lea, "Follow", garden.iri).status_code == 401
    assert follows() == 0


def test_r27_an_inbox_on_another_host_makes_no_actor(foreign, garden):
    for name, more in {
        "a": {"inbox": "https://elsewhere.example/inbox"},
        "b": {"endpoints": {"sharedInbox": "https://elsewhere.example/inbox"}},
        "c": {"outbox": "http://127.0.0.1:1/outbox"},
        "d": {"inbox": None},
    }.items():
        odd = foreign.person(name, **more)
        assert foreign.say(odd, "Follow", garden.iri).status_code == 401
    assert follows() == 0


def test_r38_too_much_of_anything_is_refused(foreign, garden):
    lea = foreign.person()
    for more in (
        {"to": [f"https://a.example/u/{n}" for n in range(150)], "cc": ["https://a.example"] * 51},
        {"object": {"id": "x", "tag": [{}] * 101}},
        {"object": {"id": "x", "attachment": [{}] * 33}},
        {"object": {"id": "x", "oneOf": [{}] * 101}},
    ):
        asked = foreign.activity(lea, "Follow", garden.iri) | more
        assert foreign.post(lea, asked).status_code == 400
    big = foreign.activity(lea, "Follow", garden.iri, content="a" * (1 << 20))
    assert foreign.post(lea, big).status_code == 413


@pytest.mark.parametrize("word", ["@graph", "@included", "@reverse", "@id", "@type"])
def test_r40_words_that_rearrange_a_document_are_refused(foreign, garden, word):
    lea = foreign.person()
    asked = foreign.activity(lea, "Follow", garden.iri) | {word: []}
    assert foreign.post(lea, asked).status_code == 400
    assert follows() == 0


@pytest.mark.parametrize(
    "broken",
    [
        lambda text: text.replace('"type":"Follow"', '"type":"Like","type":"Follow"'),
        lambda text: text.replace('"cc":[]', '"cc":NaN'),
        lambda text: text.replace('"cc":[]', '"cc":1e999'),
        lambda text: text.replace('"cc":[]', '"cc":12345678901234567890'),
        lambda text: text.replace('"cc":[]', '"cc":' + "[" * 40 + "]" * 40),
        lambda text: text.replace('"cc":[]', '"cc":"\\ud800"'),
        lambda text: text[:-1],
        lambda text: f"[{text}]",
    ],
)
def test_r41_json_that_two_readers_could_take_differently_is_refused(foreign, garden, broken):
    lea = foreign.person()
    text = canonical(foreign.activity(lea, "Follow", garden.iri)).decode()
    changed = broken(text)
    assert changed != text
    assert foreign.post(lea, changed.encode()).status_code == 400
    assert follows() == 0


def test_r42_the_digest_is_over_the_bytes_that_came(foreign, garden):
    lea = foreign.person()
    activity = foreign.activity(lea, "Follow", garden.iri)
    spaced = json.dumps(activity, indent=1).encode()
    url = f"{ORIGIN}/inbox"
    headers = sign("POST", url, canonical(activity), lea.rsa, "cavage", datetime.now(UTC))
    headers.pop("Host")
    kind = headers.pop("Content-Type")
    client = foreign.house.client()
    assert client.post("/inbox", data=spaced, headers=headers, content_type=kind).status_code == 401
    assert foreign.post(lea, spaced).status_code == 202


def test_r44_what_is_dated_in_two_days_is_refused(foreign, garden):
    lea = foreign.person()
    ahead = stamp(datetime.now(UTC) + timedelta(days=2))
    assert foreign.say(lea, "Follow", garden.iri, published=ahead).status_code == 400
    assert foreign.say(lea, "Follow", garden.iri, published="hier").status_code == 400
    assert follows() == 0


def test_a_request_signed_too_long_ago_or_ahead_is_refused(foreign, garden):
    lea = foreign.person()
    for minutes in (-70, 6):
        at = datetime.now(UTC) + timedelta(minutes=minutes)
        answer = foreign.post(lea, foreign.activity(lea, "Follow", garden.iri), at=at)
        assert answer.status_code == 401
    assert follows() == 0


@pytest.mark.parametrize("scheme", ["cavage", "rfc9421"])
def test_the_clock_of_a_peer_is_measured(foreign, garden, scheme):
    lea = foreign.person()
    behind = datetime.now(UTC) - timedelta(minutes=12)
    foreign.post(lea, foreign.activity(lea, "Follow", garden.iri), at=behind, scheme=scheme)
    assert -724 < db.session.get(Peer, foreign.host).clock_offset < -716


def test_an_unsigned_or_badly_typed_request_is_refused_before_anything_else(foreign, garden):
    lea = foreign.person()
    body = canonical(foreign.activity(lea, "Follow", garden.iri))
    client = foreign.house.client()
    assert client.post("/inbox", data=body, content_type="application/json").status_code == 415
    unsigned = client.post("/inbox", data=body, content_type="application/activity+json")
    assert unsigned.status_code == 401
    assert foreign.peer.asked == []


def test_r57_a_refusal_tells_nothing_of_how_it_was_found(foreign, garden):
    lea = foreign.person()
    answer = foreign.post(lea, foreign.activity(lea, "Follow", garden.iri), headers={"Digest": "x"})
    told = answer.get_json()
    assert answer.content_type == "application/problem+json"
    assert sorted(told) == ["code", "number", "status", "title", "type"]
    assert told["title"] == "The signature was not accepted."


def test_r51_one_host_brings_only_so_much_in_a_minute(foreign, federation, garden):
    lea = foreign.person()
    while federation.budget.spend(f"inbox {foreign.host}", INBOX_RATE, 60):
        continue
    assert foreign.say(lea, "Follow", garden.iri).status_code == 429
    assert follows() == 0


def test_r51_what_is_not_verified_counts_where_it_comes_from(foreign, federation, garden):
    lea, far = foreign.person(), "203.0.113.7"
    while federation.strangers.spend(f"inbox {foreign.host} by {far}", INBOX_RATE, 60):
        continue
    before = len(foreign.peer.asked)
    asked = foreign.activity(lea, "Follow", garden.iri)
    assert foreign.post(lea, asked, address=far).status_code == 429
    assert len(foreign.peer.asked) == before
    forged = SigningKey(lea.rsa.key_id, "rsa", new_rsa())
    assert foreign.post(lea, asked, key=forged, address="203.0.113.8").status_code == 401
    assert federation.budget.has(f"inbox {foreign.host}", 1, 60), "nobody of the host wrote"
    assert foreign.post(lea, asked).status_code == 202
    assert not federation.budget.has(f"inbox {foreign.host}", 1, 60)


@pytest.mark.parametrize("path", ["/u/lea", "/u/nobody"])
def test_r29_key_ids_that_somebody_claims_use_up_nothing_of_their_host(
    foreign, federation, garden, path
):
    lea, omar, far = foreign.person("lea"), foreign.person("omar"), "203.0.113.7"
    for number in range(4):
        name = foreign.peer.url(path if path == "/u/lea" else f"{path}{number}")
        forged = SigningKey(f"{name}#main-key", "rsa", rsa_key("forged"))
        asked = foreign.activity(lea, "Follow", garden.iri)
        assert foreign.post(lea, asked, key=forged, address=far).status_code == 401
    assert federation.budget.has(f"key {foreign.host}", 1, 3600)
    failed = path != "/u/lea"
    assert federation.strangers.has(f"failed keys by {far}", 4, FAILED_IN) is not failed
    while federation.strangers.spend(f"failed keys by {far}", FAILED, FAILED_IN):
        continue
    asked = foreign.activity(omar, "Follow", garden.iri)
    assert foreign.post(omar, asked, address=far).status_code == 429
    assert foreign.post(omar, asked).status_code == 202
    assert not federation.budget.has(f"key {foreign.host}", 1, 3600), "he is who he says"


def test_r29_keys_of_unknown_people_of_one_host_are_few_in_an_hour(foreign, federation, garden):
    lea, omar = foreign.person("lea"), foreign.person("omar")
    assert foreign.say(lea, "Follow", garden.iri).status_code == 202
    before = len(foreign.peer.asked)
    for purse, name in (
        (federation.strangers, f"key {foreign.host} by 127.0.0.1"),
        (federation.budget, f"key {foreign.host}"),
    ):
        while purse.spend(name, NEW_PER_HOUR, 3600):
            continue
        assert foreign.say(omar, "Follow", garden.iri).status_code == 429
        assert len(foreign.peer.asked) == before
        federation.strangers = Budget(federation.now)
    assert foreign.say(lea, "Follow", garden.iri).status_code == 202, "who is known is not refused"


def test_r56_two_activities_of_a_host_are_taken_in_at_once(foreign, federation, garden):
    lea = foreign.person()
    federation.turns = Turns(patience=0.05)
    asked = foreign.activity(lea, "Follow", garden.iri)
    name = f"{foreign.host} by 127.0.0.1"
    with federation.turns.taken(name):
        with federation.turns.taken(name):
            refused = foreign.post(lea, asked)
            assert (refused.status_code, refused.headers["Retry-After"]) == (503, "20")
            assert foreign.post(lea, asked, address="203.0.113.7").status_code == 202
        assert foreign.post(lea, asked).status_code == 202


def test_r56_who_waits_has_their_turn_and_not_too_many_wait():
    turns, most, inside = Turns(), [], []

    def work(_number):
        with turns.taken("a.example"):
            inside.append(1)
            most.append(len(inside))
            sleep(0.001)
            inside.pop()

    with ThreadPoolExecutor(20) as many:
        list(many.map(work, range(40)))
    assert (len(most), max(most)) == (40, 2)
    with ExitStack() as waiting:
        turns = Turns(patience=0)
        for _ in range(AT_ONCE):
            waiting.enter_context(turns.taken("a.example"))
        turns._turns["a.example"].users += MOST_WAITING
        with pytest.raises(Refused):
            waiting.enter_context(turns.taken("a.example"))
        turns._turns["a.example"].users -= MOST_WAITING
    assert turns._turns == {}, "nothing is remembered of who came"


def test_r51_an_ipv6_network_counts_as_one_place():
    assert place_of("2001:db8:1:2:3::4") == place_of("2001:db8:1:2::9") == "2001:db8:1:2::/64"
    assert place_of("::ffff:203.0.113.7") == place_of("203.0.113.7") == "203.0.113.7"


def test_r52_the_farewell_of_somebody_unknown_causes_no_request(foreign, garden):
    ghost = foreign.person("ghost")
    for verb in ("Delete", "Update"):
        assert foreign.say(ghost, verb, ghost.iri).status_code == 202
        assert foreign.say(ghost, verb, {"id": ghost.iri, "type": "Person"}).status_code == 202
    assert foreign.peer.asked == []
    assert db.session.query(InboxItem).count() == 0


def test_r54_a_blocked_host_is_asked_nothing_and_let_in_nowhere(foreign, federation, garden):
    lea = foreign.person()
    decide(foreign.host, PeerState.BLOCKED)
    assert foreign.say(lea, "Follow", garden.iri).status_code == 403
    assert foreign.peer.asked == []


@pytest.mark.parametrize("decided", [PeerState.BLOCKED, PeerState.KNOWN])
def test_r54_a_redirect_leads_only_to_who_is_let_in(foreign, federation, house, decided):
    with hostile_peer() as elsewhere:
        there = Foreign(elsewhere, house)
        decide(there.host, decided)
        foreign.peer.redirect("/u/omar", there.person("lea").iri)
        found = federation.acquaint(foreign.peer.url("/u/omar"))
    assert (found is None) == (decided == PeerState.BLOCKED)
    assert [asked.target for asked in foreign.peer.asked] == ["/u/omar"]
    assert bool(elsewhere.asked) == (decided == PeerState.KNOWN)


def test_r54_what_holds_for_a_host_holds_below_it(house, federation):
    decide("bad.example", PeerState.BLOCKED)
    assert not federation.admits("bad.example")
    assert not federation.admits("very.bad.example")
    assert federation.admits("notbad.example")
    decide("very.bad.example", PeerState.ALLOWED)
    assert not federation.admits("very.bad.example")


def set_mode(mode: str) -> None:
    with writing(db.session()) as session:
        session.query(Site).one().federation = mode


def test_r55_in_allowlist_mode_only_linked_hosts_are_let_in(foreign, garden):
    set_mode("allowlist")
    lea = foreign.person()
    assert foreign.say(lea, "Join", garden.iri).status_code == 403
    assert foreign.peer.asked == []
    assert foreign.say(lea, "Follow", garden.iri).status_code in (202, 403)
    assert follows() == 0
    decide(foreign.host, PeerState.ALLOWED)
    assert foreign.say(lea, "Follow", garden.iri).status_code == 202
    assert follows() == 1


def test_r55_a_new_instance_appears_as_asking(foreign, garden):
    set_mode("allowlist")
    theirs = foreign.application()
    assert foreign.say(theirs, "Follow", f"{ORIGIN}/actor").status_code == 202
    assert db.session.get(Peer, foreign.host).state == PeerState.ASKING


def test_nothing_is_received_where_federation_is_off(foreign, garden):
    set_mode("off")
    assert foreign.say(foreign.person(), "Follow", garden.iri).status_code == 403


def test_a_host_that_is_away_is_told_to_try_again(foreign, garden):
    lea = foreign.person()
    foreign.peer.answers["/u/lea"] = lambda asked: Reply(503)
    answer = foreign.say(lea, "Follow", garden.iri)
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "20"


def test_a_key_that_does_not_exist_is_not_asked_for_again_and_again(foreign, garden):
    lea = foreign.person()
    foreign.peer.answers["/u/lea"] = lambda asked: Reply(404)
    for _ in range(3):
        assert foreign.say(lea, "Follow", garden.iri).status_code == 401
    assert foreign.peer.targets().count("/u/lea") == 1


def test_a_key_is_fetched_once_and_remembered(foreign, garden):
    lea = foreign.person()
    for _ in range(3):
        assert foreign.say(lea, "Follow", garden.iri).status_code == 202
    assert foreign.peer.targets().count("/u/lea") == 1


def test_a_new_key_of_somebody_known_is_found_by_asking_again(foreign, garden):
    lea = foreign.person()
    assert foreign.say(lea, "Follow", garden.iri).status_code == 202
    lea.rsa = SigningKey(lea.rsa.key_id, "rsa", rsa_key("another"))
    pem = public_pem(lea.rsa.key.public_key())
    renewed = lea.document | {"publicKey": lea.document["publicKey"] | {"publicKeyPem": pem}}
    foreign.peer.serve("/u/lea", renewed)
    assert foreign.say(lea, "Follow", garden.iri).status_code == 401
    with writing(db.session()) as session:
        for key in session.query(Key).filter(Key.private.is_(None)):
            key.fetched_at -= timedelta(minutes=2)
    assert foreign.say(lea, "Follow", garden.iri).status_code == 202


def test_a_remembered_key_is_used_while_its_host_is_away(foreign, garden):
    lea = foreign.person()
    assert foreign.say(lea, "Follow", garden.iri).status_code == 202
    with writing(db.session()) as session:
        for key in session.query(Key).filter(Key.private.is_(None)):
            key.fetched_at -= timedelta(days=3)
    foreign.peer.answers["/u/lea"] = lambda asked: Reply(500)
    assert foreign.say(lea, "Follow", garden.iri).status_code == 202


def test_r14_a_known_name_goes_to_another_actor_only_when_its_host_says_so(foreign, garden):
    lea = foreign.person()
    assert foreign.say(lea, "Follow", garden.iri).status_code == 202
    other = foreign.person("lea2", preferredUsername="lea")
    assert foreign.say(other, "Follow", garden.iri).status_code == 401
    finger = {
        "subject": f"acct:lea@{foreign.host}",
        "links": [{"rel": "self", "type": "application/activity+json", "href": other.iri}],
    }
    foreign.peer.serve("/.well-known/webfinger", finger, content_type="application/jrd+json")
    db.session.query(KeyRefusal).delete()
    db.session.commit()
    assert foreign.say(other, "Follow", garden.iri).status_code == 202
    assert actor(other.iri).name == "lea"
    assert actor(lea.iri).name != "lea"


def test_r56_another_host_is_never_asked_inside_a_unit_of_work(house, federation, make):
    with pytest.raises(RuntimeError), house.as_(make.person("noe")):
        federation.resolve_actor("http://127.0.0.1:1/u/lea")


leaves = st.none() | st.booleans() | st.integers() | st.text(max_size=20)
values = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)
names = st.sampled_from(
    [
        "id",
        "type",
        "actor",
        "object",
        "to",
        "cc",
        "target",
        "published",
        "updated",
        "audience",
        "inReplyTo",
        "attributedTo",
        "content",
        "name",
        "source",
        "tag",
        "attachment",
        "oneOf",
        "endTime",
        "result",
    ]
)


@pytest.fixture
def writer(foreign, make, garden):
    """A member of the project, whose words come as far as the room."""
    return foreign.member(make, garden, actor(f"{ORIGIN}/u/ines"))


@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    verb=st.sampled_from(
        ["Create", "Update", "Delete", "Undo", "Like", "Follow", "Join", "Leave", "Offer", "Accept"]
    ),
    parts=st.dictionaries(names, values, max_size=6),
    inner=st.dictionaries(names, values, max_size=6),
    whole=st.booleans(),
)
def test_r58_no_activity_whatever_its_shape_breaks_the_inbox(
    foreign, garden, writer, verb, parts, inner, whole
):
    note = foreign.note(writer, garden) if whole else {}
    told = foreign.activity(writer, verb, note | inner) | ({} if whole else parts)
    try:
        body = canonical(told)
    except ValueError:
        return
    assert foreign.post(writer, body).status_code < 500


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(body=st.binary(max_size=200))
def test_r58_no_bytes_whatever_they_are_break_the_inbox(foreign, garden, body):
    assert 400 <= foreign.post(foreign.person(), body).status_code < 500
