"""Who we say we are, and whom we believe: actors, addresses, projects of elsewhere."""
# ruff: noqa: F401, F811 - fixtures are imported by their names

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from federation.hostile import hostile_peer
from federation.stage import CONTEXT, ORIGIN, actor, federation, foreign, house, rsa_key, stamp

from collab.core.errors import Forbidden, Invalid, Missing, Unreachable
from collab.federation.actors import BadActor, read_actor
from collab.federation.identity import SIGNATURES
from collab.federation.keys import key_from_document, multikey, new_ed25519, public_pem
from collab.federation.proofs import add_proof, verify_proof
from collab.federation.reach import note_declared
from collab.federation.relayed import NEW_ACTORS, Purse, Reader
from collab.federation.signer import ED25519
from collab.people.models import Actor, Key, Peer, PeerState
from collab.spaces.models import Space
from collab.web.extensions import db

JRD = "application/jrd+json"


def finger(foreign, name: str, href: str, *, subject: str = "", at=None) -> None:
    """Serve one answer of WebFinger, there or at another peer."""
    (at or foreign.peer).serve(
        "/.well-known/webfinger",
        {
            "subject": subject or f"acct:{name}@{foreign.host}",
            "links": [{"rel": "self", "type": "application/activity+json", "href": href}],
        },
        content_type=JRD,
    )


def test_our_documents_list_keys_that_others_can_read(house, make, federation):
    ines = make.person("ines")
    garden = make.space(ines)
    ask = house.client().get
    accept = {"Accept": "application/activity+json"}
    for owner in (federation.instance_actor(), ines, garden.actor):
        told = ask(owner.iri.removeprefix(ORIGIN), headers=accept).get_json(force=True)
        rsa = key_from_document(told, f"{owner.iri}#main-key")
        edwards = key_from_document(told, f"{owner.iri}#ed25519-1")
        assert rsa.key == federation.signing_key(owner, "rsa").key.public_key()
        proof = add_proof(
            {"actor": owner.iri, "id": owner.iri},
            federation.signing_key(owner, "ed25519"),
            datetime.now(UTC),
        )
        found = {edwards.key_id: edwards}
        assert verify_proof(proof, found.__getitem__, datetime.now(UTC)) == owner.iri
        assert "PRIVATE" not in str(told)


def test_what_we_serve_as_an_actor_another_instance_of_ours_would_keep(house, make):
    make.space(make.person("ines"))
    for path in ("/actor", "/u/ines", "/p/jardin"):
        told = house.client().get(path, headers={"Accept": "application/activity+json"})
        described = read_actor(told.get_json(force=True), allow_loopback=True)
        assert described.iri == ORIGIN + path
        assert len(described.keys) == 2


def test_an_actor_is_fetched_once_and_kept(foreign, federation):
    lea = foreign.person(summary="<p>École &amp; <b>jardin</b></p>")
    found = federation.resolve_actor(lea.iri)
    again = federation.resolve_actor(lea.iri)
    assert found.id == again.id
    assert (found.name, found.display_name, found.host) == ("lea", "Lea", foreign.host)
    assert found.summary == "École & jardin"
    assert found.inbox == f"{lea.iri}/inbox"
    assert len(foreign.peer.targets()) == 1
    asked = foreign.peer.asked[0]
    assert f'keyId="{ORIGIN}/actor#main-key"' in asked.header("signature")


def test_what_is_not_found_or_not_believed_has_a_name(foreign, federation):
    with pytest.raises(Missing):
        federation.resolve_actor(foreign.peer.url("/u/nobody"))
    foreign.peer.serve("/u/odd", {"id": foreign.peer.url("/u/odd"), "type": "Note"})
    with pytest.raises(Unreachable):
        federation.resolve_actor(foreign.peer.url("/u/odd"))
    with pytest.raises(Unreachable):
        federation.resolve_actor("http://127.0.0.1:1/u/lea")
    with pytest.raises(Missing):
        federation.resolve_actor(f"{ORIGIN}/u/nobody")
    assert federation.acquaint(foreign.peer.url("/u/nobody")) is None


def test_somebody_who_is_gone_for_good_is_marked(foreign, federation):
    lea = foreign.person()
    federation.resolve_actor(lea.iri)
    foreign.peer.serve("/u/lea", {}, status=410)
    with pytest.raises(Missing):
        federation.resolve_actor(lea.iri, refresh=True)
    db.session.expire_all()
    assert actor(lea.iri).deleted_at is not None


def test_r09_a_redirect_to_another_host_s_victim_changes_nothing(foreign, federation):
    victim = foreign.person("victim")
    foreign.peer.redirect("/u/trap", victim.iri)
    found = federation.resolve_actor(foreign.peer.url("/u/trap"))
    assert found.iri == victim.iri
    assert db.session.query(Actor).filter_by(iri=foreign.peer.url("/u/trap")).count() == 0


def test_r39_names_are_plain_text_of_bounded_length(foreign, federation):
    lea = foreign.person(name="<b>Léa</b>\u202e " + "x" * 3000)
    shown = federation.resolve_actor(lea.iri).display_name
    assert shown.startswith("<b>Léa</b>")
    assert "\u202e" not in shown
    assert len(shown) <= 200


def test_r61_a_page_on_another_host_is_not_shown_as_theirs(foreign, federation):
    lea = foreign.person(url="https://banque.example/")
    assert federation.resolve_actor(lea.iri).url == lea.iri


def test_keys_that_are_malformed_or_somebody_else_s_are_left_out(foreign, federation):
    lea = foreign.person()
    theirs = {
        "id": foreign.peer.url("/u/omar#main-key"),
        "owner": foreign.peer.url("/u/omar"),
        "publicKeyPem": lea.document["publicKey"]["publicKeyPem"],
    }
    broken = {"id": f"{lea.iri}#odd", "owner": lea.iri, "publicKeyPem": "no"}
    described = read_actor(
        lea.document | {"publicKey": [theirs, broken, 7, None], "assertionMethod": []},
        allow_loopback=True,
    )
    assert described.keys == ()


@pytest.mark.parametrize(
    "more",
    [
        {"id": None},
        {"id": "https://127.0.0.1/u/lea"},
        {"type": "Note"},
        {"preferredUsername": ""},
        {"preferredUsername": "a b"},
        {"preferredUsername": "x" * 300},
        {"inbox": ""},
    ],
)
def test_a_document_without_what_an_actor_needs_is_none(foreign, more):
    with pytest.raises(BadActor):
        read_actor(foreign.person().document | more, allow_loopback=True)


def test_an_address_is_looked_up_by_webfinger(foreign, federation):
    lea = foreign.person()
    finger(foreign, "lea", lea.iri)
    for written in (f"lea@{foreign.host}", f"@lea@{foreign.host}", f"acct:lea@{foreign.host}"):
        assert federation.resolve_address(written) == lea.iri
    assert foreign.peer.targets()[0].startswith("/.well-known/webfinger?resource=acct:lea@")


def test_an_address_of_ours_asks_nobody(foreign, federation, make):
    garden = make.space(make.person("ines"))
    assert federation.resolve_address("jardin@127.0.0.1:8009") == garden.iri
    assert federation.resolve_address(garden.iri) == garden.iri
    assert federation.space_card(garden.iri).id == garden.id
    with pytest.raises(Missing):
        federation.resolve_address("verger@127.0.0.1:8009")


def test_the_address_of_a_page_leads_to_the_document_s_id(foreign, federation):
    lea = foreign.person()
    foreign.peer.redirect("/@lea", lea.iri)
    assert federation.resolve_address(foreign.peer.url("/@lea")) == lea.iri


def test_what_is_no_address_is_said_kindly(federation):
    for odd in ("", "jardin", "jardin@", "@a@b@c", "jardin@10.0.0.1", "https://10.0.0.1/p/x"):
        with pytest.raises(Invalid):
            federation.resolve_address(odd)


def test_r13_a_subject_of_another_host_must_be_confirmed_there(foreign, federation, house):
    lea = foreign.person()
    finger(foreign, "lea", lea.iri, subject="acct:lea@127.0.0.1:1")
    with pytest.raises((Missing, Unreachable)):
        federation.resolve_address(f"lea@{foreign.host}")
    with hostile_peer() as third:
        subject = f"acct:lea@127.0.0.1:{third.port}"
        finger(foreign, "lea", lea.iri, subject=subject)
        finger(foreign, "lea", third.url("/u/lea"), subject=subject, at=third)
        with pytest.raises(Missing):
            federation.resolve_address(f"lea@{foreign.host}")
        finger(foreign, "lea", lea.iri, subject=subject, at=third)
        assert federation.resolve_address(f"lea@{foreign.host}") == lea.iri


def test_r54_a_blocked_host_is_not_looked_up(foreign, federation):
    db.session.add(Peer(host=foreign.host, state=PeerState.BLOCKED, created_at=datetime.now(UTC)))
    db.session.commit()
    for ask in (
        lambda: federation.resolve_address(f"lea@{foreign.host}"),
        lambda: federation.resolve_address(foreign.peer.url("/p/jardin")),
        lambda: federation.resolve_actor(foreign.person().iri),
    ):
        with pytest.raises(Forbidden):
            ask()
    assert foreign.peer.asked == []


def test_a_project_of_our_software_comes_with_its_words(foreign, federation):
    group = foreign.person(
        "jardin", "Group", name="Jardin", why="Nourrir", who="Voisins", how="Le samedi",
        territory="Amiens", inseeCode="80021", visibility="members", joinPolicy="invitation",
        tools=["discussion", "pages"], manuallyApprovesFollowers=True,
    )  # fmt: skip
    space = federation.space_card(group.iri)
    assert not space.local
    assert space.address == f"jardin@{foreign.host}"
    assert (space.name, space.why, space.who, space.how) == (
        "Jardin", "Nourrir", "Voisins", "Le samedi",
    )  # fmt: skip
    assert (space.territory, space.insee_code) == ("Amiens", "80021")
    assert (space.visibility, space.join_policy) == ("members", "invitation")
    assert space.tools == ["discussion", "pages"]


def test_a_group_of_another_software_becomes_a_project_to_discuss_in(foreign, federation):
    group = foreign.person(
        "foret", "Group", summary="<p>Les arbres</p>", manuallyApprovesFollowers=True
    )
    space = federation.space_card(group.iri)
    assert (space.why, space.visibility, space.tools) == ("Les arbres", "members", ["discussion"])


def test_looking_again_brings_the_words_up_to_date(foreign, federation):
    group = foreign.person("jardin", "Group", name="Jardin")
    first = federation.space_card(group.iri)
    foreign.peer.serve("/u/jardin", group.document | {"name": "Jardin des Semis"})
    assert federation.space_card(group.iri).id == first.id
    assert db.session.query(Space).one().name == "Jardin des Semis"


def test_a_person_is_no_project(foreign, federation):
    with pytest.raises(Missing):
        federation.space_card(foreign.person().iri)
    assert db.session.query(Space).count() == 0


def test_a_scheme_that_a_host_understood_is_remembered(foreign, federation, house):
    federation.memory.learned(foreign.host, "rfc9421")
    assert federation.memory.get(foreign.host) == "rfc9421"
    house.runtime.clock = lambda: datetime(2999, 1, 1, tzinfo=UTC)
    assert federation.memory.get(foreign.host) is None


def test_which_signatures_a_host_reads_is_remembered_as_its_actors_say_it(foreign, federation):
    says = {"generator": {"type": "Application", "implements": SIGNATURES}}
    at = federation.now()
    note_declared(federation.session, foreign.host, {"type": "Person"}, at)
    assert federation.memory.get(foreign.host) is None
    note_declared(federation.session, foreign.host, {"type": "Person"} | says, at)
    assert federation.memory.get(foreign.host) == ED25519
    note_declared(federation.session, foreign.host, {"type": "Person"}, at)  # it says nothing
    assert federation.memory.get(foreign.host) == ED25519
    less = {"type": "Application", "implements": SIGNATURES[:1]}
    note_declared(federation.session, foreign.host, less, at)
    assert federation.memory.get(foreign.host) is None


def test_r29_strangers_cannot_make_us_fetch_without_end(foreign, federation):
    spent = [federation.budget.spend("key a.example", 3, 60) for _ in range(5)]
    assert spent == [True, True, True, False, False]
    assert federation.budget.spend("key b.example", 3, 60)


def test_r29_all_names_below_a_domain_make_us_meet_few_people(federation):
    while federation.budget.spend("new actors passed on of evil.example", NEW_ACTORS, 3600):
        continue
    for name in ("b.evil.example", "c.evil.example"):
        purse, author = Purse(), f"https://{name}/u/x"
        like = {"type": "Like", "id": f"{author}/1", "actor": author, "object": f"{author}/2"}
        assert Reader(federation, 0, f"https://{name}/c", purse).acts_of(like) == []
        assert purse == Purse(), "nothing was asked"


def test_r53_what_is_counted_is_bounded(federation):
    for number in range(10_050):
        federation.budget.spend(f"key {number}.example", 1, 3600)
    assert federation.budget.spend("key 0.example", 1, 3600)
    assert not federation.budget.spend("key 10049.example", 1, 3600)
