"""Instances ask each other to be linked; administrators decide; a block cuts every tie."""
# ruff: noqa: F401, F811 - fixtures are imported by their names

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner
from conftest import log_in
from federation.stage import ORIGIN, actor, federation, foreign, house, sent

from collab.cli import cli
from collab.core.db import now, writing
from collab.core.errors import Conflict, Forbidden, Invalid, Missing
from collab.federation.lanes import tidy
from collab.federation.models import Delivery, OutboxItem, Subscriber
from collab.federation.peers import (
    ChoosePeer,
    allow_peer,
    ask_peer,
    block_peer,
    limit_peer,
    list_peers,
    put_back_peer,
    refuse_peer,
)
from collab.federation.remote import find_instance
from collab.federation.sending import send
from collab.people.models import AccountRole, Peer, PeerState
from collab.people.sanctions import Sanction, lift, suspend
from collab.spaces.models import Follow, Membership
from collab.web.extensions import db


@pytest.fixture
def admin(make):
    return make.person("ada", AccountRole.ADMIN)


@pytest.fixture
def garden(make, admin):
    return make.space(admin)


def announce(foreign) -> None:
    """The other server says in NodeInfo where its own actor is."""
    links = [
        {
            "rel": "https://www.w3.org/ns/activitystreams#Application",
            "href": foreign.application().iri,
        }
    ]
    kind = "application/json"
    foreign.peer.serve("/.well-known/nodeinfo", {"links": links}, content_type=kind)


def test_r59_a_host_that_signs_less_well_than_before_is_shown_and_not_refused(
    house, foreign, make, admin, garden
):
    lea, client = foreign.member(make, garden, admin), house.client()
    log_in(client, admin)
    flagged = "signe moins bien qu’avant"

    def write(times, *, better):
        for _ in range(times):
            told = foreign.activity(lea, "Create", foreign.note(lea, garden))
            told = foreign.proven(lea, told) if better else told
            scheme = "rfc9421" if better else "cavage"
            key = lea.edwards if better else lea.rsa
            assert foreign.post(lea, told, scheme=scheme, key=key).status_code == 202
        return client.get("/admin/peers").get_data(as_text=True)

    assert flagged not in write(22, better=False)  # it never did better
    assert flagged not in write(1, better=True)
    assert flagged not in write(19, better=False)
    page = write(1, better=False)
    assert flagged in page
    assert "RFC 9421" in page
    assert "Ed25519" in page
    assert "la preuve attachée" in page
    assert flagged not in write(1, better=True)


def state(foreign) -> str:
    db.session.expire_all()
    return db.session.get(Peer, foreign.host).state


def ask(house, federation, foreign, admin) -> Peer:
    theirs = find_instance(federation, foreign.peer.origin)
    with house.as_(admin) as work:
        return ask_peer(work, theirs)


def test_asking_sends_a_follow_of_their_instance_by_ours(house, federation, foreign, admin):
    announce(foreign)
    peer = ask(house, federation, foreign, admin)
    assert (peer.host, peer.state) == (foreign.host, PeerState.ASKED)
    (told,) = sent("Follow")
    assert told["actor"] == f"{ORIGIN}/actor"
    assert told["object"] == foreign.application().iri
    assert db.session.query(Delivery).one().inbox == f"{foreign.application().iri}/inbox"


def test_their_yes_links_the_two(house, federation, foreign, admin):
    announce(foreign)
    follow_iri = ask(house, federation, foreign, admin).follow_iri
    theirs = foreign.application()
    assert foreign.say(theirs, "Accept", {"id": follow_iri, "type": "Follow"}).status_code == 202
    assert state(foreign) == PeerState.ALLOWED


def test_their_no_is_written_down(house, federation, foreign, admin):
    announce(foreign)
    follow_iri = ask(house, federation, foreign, admin).follow_iri
    foreign.say(foreign.application(), "Reject", follow_iri)
    assert state(foreign) == PeerState.REFUSED


def test_r08_a_person_of_that_host_cannot_say_yes_for_it(house, federation, foreign, admin):
    announce(foreign)
    follow_iri = ask(house, federation, foreign, admin).follow_iri
    foreign.say(foreign.person("omar"), "Accept", follow_iri)
    foreign.say(foreign.person("second", "Application"), "Accept", follow_iri)
    assert state(foreign) == PeerState.ASKED


def test_an_instance_that_asks_waits_for_our_administrator(house, foreign, admin):
    theirs = foreign.application()
    asked = foreign.activity(theirs, "Follow", f"{ORIGIN}/actor")
    assert foreign.post(theirs, asked).status_code == 202
    assert state(foreign) == PeerState.ASKING
    assert sent("Accept") == []
    with house.as_(admin) as work:
        allow_peer(work, ChoosePeer(foreign.host))
    (yes,) = sent("Accept")
    assert yes["object"]["id"] == asked["id"]
    assert state(foreign) == PeerState.ALLOWED


def test_a_person_cannot_ask_for_an_instance(foreign, admin):
    assert foreign.say(foreign.person(), "Follow", f"{ORIGIN}/actor").status_code == 403
    assert db.session.query(Peer).filter_by(state=PeerState.ASKING).count() == 0


def test_refusing_tells_them_so(house, foreign, admin):
    foreign.say(foreign.application(), "Follow", f"{ORIGIN}/actor")
    with house.as_(admin) as work:
        refuse_peer(work, ChoosePeer(foreign.host))
    assert [no["actor"] for no in sent("Reject")] == [f"{ORIGIN}/actor"]
    with pytest.raises(Missing), house.as_(admin) as work:
        refuse_peer(work, ChoosePeer("nobody.example"))


def test_two_that_ask_each_other_are_linked_at_once(house, federation, foreign, admin):
    announce(foreign)
    ask(house, federation, foreign, admin)
    foreign.say(foreign.application(), "Follow", f"{ORIGIN}/actor")
    assert state(foreign) == PeerState.ALLOWED
    assert len(sent("Accept")) == 1


def test_asking_one_that_asks_says_yes_as_well(house, federation, foreign, admin):
    announce(foreign)
    foreign.say(foreign.application(), "Follow", f"{ORIGIN}/actor")
    assert ask(house, federation, foreign, admin).state == PeerState.ALLOWED
    assert (len(sent("Accept")), len(sent("Follow"))) == (1, 1)
    with pytest.raises(Conflict):
        ask(house, federation, foreign, admin)


def test_they_can_take_the_link_back_and_nobody_else_can(house, foreign, admin):
    theirs = foreign.application()
    asked = foreign.activity(theirs, "Follow", f"{ORIGIN}/actor")
    foreign.post(theirs, asked)
    inner = {name: asked[name] for name in ("id", "type", "object")}
    omar = foreign.person("omar")
    foreign.say(omar, "Undo", inner | {"actor": omar.iri})
    assert state(foreign) == PeerState.ASKING
    foreign.say(theirs, "Undo", inner | {"actor": theirs.iri})
    assert state(foreign) == PeerState.KNOWN


def test_r36_a_block_ends_copies_follows_and_deliveries(house, foreign, garden, admin):
    theirs, lea = foreign.application(), foreign.person()
    foreign.say(theirs, "Follow", f"{garden.iri}/log")
    foreign.say(lea, "Follow", garden.iri)
    assert db.session.query(Delivery).filter_by(state="waiting").count() == 2
    with house.as_(admin) as work:
        block_peer(work, ChoosePeer(foreign.host))
    db.session.expire_all()
    assert db.session.query(Subscriber).one().state == "blocked"
    assert db.session.query(Follow).count() == 0
    assert db.session.query(Delivery).filter_by(state="waiting").count() == 0
    assert foreign.say(lea, "Follow", garden.iri).status_code == 403
    with pytest.raises(Conflict), house.as_(admin) as work:
        ask_peer(work, actor(theirs.iri))


@pytest.mark.parametrize("undo", [put_back_peer, allow_peer, limit_peer])
def test_r36_what_a_block_has_halted_leaves_when_it_is_undone(
    house, foreign, make, garden, admin, undo
):
    omar, inbox = make.person("omar"), foreign.peer.url("/inbox")
    for name, who, keep in [("said", admin, 30), ("mute", omar, 30), ("late", admin, -1)]:
        told = {"id": f"https://here/{name}", "type": "Like"}
        send(db.session(), who, told, [inbox], now(), keep=timedelta(days=keep))
    db.session.commit()
    with house.as_(admin) as work:
        block_peer(work, ChoosePeer(foreign.host))
        suspend(work, Sanction(omar.id))
    assert states() == {"said": "halted", "mute": "halted", "late": "halted"}
    with writing(db.session()) as session:
        tidy(session, now())
    with house.as_(admin) as work:
        undo(work, ChoosePeer(foreign.host, before="known"))
    assert states() == {"said": "waiting", "mute": "halted", "late": "expired"}
    with house.as_(admin) as work:
        lift(work, Sanction(omar.id))
    house.settle()
    assert states()["mute"] in ("waiting", "done")


def states():
    db.session.rollback()
    rows = db.session.query(OutboxItem.activity_id, Delivery.state).join(Delivery)
    here = "https://here/"
    return {iri.removeprefix(here): state for iri, state in rows if iri.startswith(here)}


def test_from_a_limited_host_nobody_new_comes(house, foreign, make, garden, admin):
    omar = foreign.member(make, garden, admin, "omar")
    with house.as_(admin) as work:
        limit_peer(work, ChoosePeer(foreign.host))
    foreign.say(foreign.person(), "Join", garden.iri)
    foreign.say(foreign.application(), "Follow", f"{garden.iri}/log")
    assert db.session.query(Subscriber).count() == 0
    assert db.session.query(Membership).filter_by(state="requested").count() == 0
    assert [no["actor"] for no in sent("Reject")] == [garden.iri, garden.iri]
    assert foreign.say(omar, "Create", foreign.note(omar, garden)).status_code == 202


def test_what_is_no_address_of_an_instance_is_said_kindly(federation):
    for odd in ("", "jardin", "https://10.0.0.1", "ftp://a.example", ORIGIN):
        with pytest.raises(Invalid):
            find_instance(federation, odd)


def test_those_that_ask_stand_first(house, foreign, federation, admin):
    with house.as_(admin) as work:
        allow_peer(work, ChoosePeer("a.example"))
    foreign.say(foreign.application(), "Follow", f"{ORIGIN}/actor")
    assert [row.host for row in list_peers(db.session())] == [foreign.host, "a.example"]


def run(house, *words: str):
    env = {"COLLAB_DATABASE__URL": house.runtime.settings.database.url}
    return CliRunner().invoke(cli, ["--instance", str(house.path), "peer", *words], env=env)


def test_the_command_line_decides_and_lists(house):
    assert run(house, "allow", "https://A.example/").output == "a.example: allowed\n"
    assert run(house, "block", "b.example").output == "b.example: blocked\n"
    assert run(house, "limit", "c.example").output == "c.example: limited\n"
    told = json.loads(run(house, "list", "--json").output)
    assert [(row["host"], row["state"]) for row in told] == [
        ("a.example", "allowed"),
        ("b.example", "blocked"),
        ("c.example", "limited"),
    ]
    assert "b.example\tblocked" in run(house, "list").output


def test_the_command_line_says_what_is_wrong(house):
    assert run(house, "allow", "not a host").exit_code == 1
    assert run(house, "refuse", "nobody.example").exit_code == 1


def test_the_command_line_asks_another_instance(house, foreign):
    announce(foreign)
    assert run(house, "add", foreign.peer.origin).output == f"{foreign.host}: asked\n"
    assert len(sent("Follow")) == 1
