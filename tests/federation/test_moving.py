"""A move is believed when both say so, now, and not too often (R19, FEP-7628)."""
# ruff: noqa: F401, F811 - fixtures are imported by their names

from __future__ import annotations

from datetime import timedelta

import pytest
from click.testing import CliRunner
from conftest import PASSWORD, Make, log_in
from federation.pair import pair_of_houses
from federation.stage import actor, federation, foreign, house, sent

from collab.cli import cli
from collab.core.errors import Conflict, Invalid
from collab.federation.departing import Depart, agreed, depart
from collab.federation.models import Delivery, LogEntry, OutboxItem
from collab.federation.peers import ChoosePeer, block_peer
from collab.people.former import Former, also_known
from collab.people.models import AccountRole, Actor
from collab.spaces.membership import follow
from collab.spaces.models import Follow, Space
from collab.spaces.operations import reopen_space
from collab.web.extensions import db


@pytest.fixture
def ines(make):
    return make.person("ines", AccountRole.ADMIN)


def moved(iri: str) -> str:
    db.session.rollback()
    return actor(iri).moved_to


def test_r19_a_move_counts_only_when_the_new_one_names_the_old_one_now(
    foreign, house, federation, ines
):  # fmt: skip
    lea = foreign.person("lea")
    new = foreign.person("lea2")
    federation.acquaint(new.iri)  # known here before it said anything

    def ask(who=lea, thing=lea.iri, target=new.iri):
        return foreign.say(who, "Move", thing, target=target).status_code

    assert ask() == 403  # it does not name her
    foreign.peer.serve("/u/lea2", new.document | {"alsoKnownAs": [f"{lea.iri}x", new.iri]})
    assert ask() == 403
    claims = {"alsoKnownAs": [lea.iri], "movedTo": foreign.peer.url("/u/lea3")}
    foreign.peer.serve("/u/lea2", new.document | claims)
    assert ask() == 403  # it has moved on itself
    foreign.peer.serve("/u/lea2", new.document | {"alsoKnownAs": lea.iri, "type": "Group"})
    assert ask() == 403
    foreign.peer.serve("/u/lea2", new.document | {"alsoKnownAs": [lea.iri]})
    assert ask(who=foreign.person("mallory")) == 202  # R4: nobody moves somebody else
    assert moved(lea.iri) == ""
    assert ask() == 202
    assert moved(lea.iri) == new.iri
    client = house.client()
    log_in(client, db.session.get(Actor, ines.id))
    page = client.get(f"/u/{actor(lea.iri).address}").get_data(as_text=True)
    assert "a déménagé" in page
    assert actor(new.iri).address in page
    again = foreign.person("lea4", alsoKnownAs=[lea.iri]).iri
    assert ask(target=again) == 403  # seven days have not passed
    assert moved(lea.iri) == new.iri
    row = actor(lea.iri)
    row.moved_at -= timedelta(days=8)
    db.session.commit()
    assert ask(target=again) == 202
    assert moved(lea.iri) == again


def test_r19_nobody_moves_to_a_host_that_is_blocked(foreign, house, make, ines):
    lea = foreign.person("lea")
    with house.as_(ines) as work:
        block_peer(work, ChoosePeer("blocked.example"))
    answer = foreign.say(lea, "Move", lea.iri, target="https://blocked.example/u/lea")
    assert answer.status_code == 403
    assert moved(lea.iri) == ""


def test_somebody_of_elsewhere_moves_to_an_account_here(foreign, house, ines):
    lea = foreign.person("lea")
    assert foreign.say(lea, "Move", lea.iri, target=ines.iri).status_code == 403
    browser = house.client()
    log_in(browser, ines)
    for wrong in ("", "not an address", ines.iri):
        assert browser.post("/account/former", data={"address": wrong}).status_code == 422
    assert browser.post("/account/former", data={"address": lea.iri}).status_code == 302
    assert lea.iri in browser.get("/account/former").get_data(as_text=True)
    told = foreign.get(None, "/u/ines").get_json()
    assert told["alsoKnownAs"] == [lea.iri]
    assert "movedTo" not in told
    assert foreign.say(lea, "Move", lea.iri, target=ines.iri).status_code == 202
    assert moved(lea.iri) == ines.iri
    drop = {"act": "drop", "iri": lea.iri}
    assert browser.post("/account/former", data=drop).status_code == 302
    assert foreign.get(None, "/u/ines").get_json()["alsoKnownAs"] == []


def test_who_follows_a_community_that_moves_follows_it_there(foreign, house, federation, ines):
    old = foreign.person("verger", "Group")
    new = foreign.person("verger2", "Group", alsoKnownAs=[old.iri])
    space = federation.space_card(old.iri)
    with house.as_(ines) as work:
        follow(work, work.session.get_one(Space, space.id))
    house.settle()
    assert foreign.say(old, "Move", old.iri, target=new.iri).status_code == 202
    house.settle()
    db.session.rollback()
    (row,) = db.session.query(Follow)
    assert (row.space.iri, row.actor_id) == (new.iri, ines.id)
    asked = [(told["actor"], told["object"]) for told in sent("Follow")]
    assert asked == [(ines.iri, old.iri), (ines.iri, new.iri)]
    (undone,) = sent("Undo")
    assert undone["object"]["object"] == old.iri


def test_somebody_of_here_moves_away_once_both_say_so(foreign, house, make, ines):
    """Asked first, then proved by the password; told to who knows them; not twice in a week."""
    make.space(ines)
    lea = foreign.member(make, db.session.query(Space).one(), ines)
    there = foreign.person("ines2")
    browser = house.client()
    log_in(browser, ines)

    def ask(**more):
        return browser.post("/account/move", data={"address": there.iri, **more})

    assert ines.address in browser.get("/account/move").text
    for wrong in ("", "nowhere", ines.iri):
        assert ask(address=wrong).status_code == 422
    assert "ne nomme pas encore" in ask().text
    foreign.peer.serve("/u/ines2", there.document | {"alsoKnownAs": [ines.iri], "type": "Group"})
    assert ask().status_code == 422
    foreign.peer.serve("/u/ines2", there.document | {"alsoKnownAs": [ines.iri]})
    shown = ask()
    assert (shown.status_code, "définitif" in shown.text) == (200, True)
    assert ask(sure="1").status_code == 422
    assert ask(sure="1", password="not it").status_code == 422
    assert (moved(ines.iri), sent("Move")) == ("", [])
    assert ask(sure="1", password=PASSWORD).status_code == 302
    assert moved(ines.iri) == there.iri
    (told,) = sent("Move")
    assert (told["actor"], told["object"], told["target"]) == (ines.iri, ines.iri, there.iri)
    assert told["proof"]["verificationMethod"].startswith(ines.iri)
    assert foreign.get(None, "/u/ines").get_json()["movedTo"] == there.iri
    assert actor(there.iri).address in browser.get("/u/ines").text
    (waiting,) = db.session.query(Delivery).join(OutboxItem).filter_by(activity_id=told["id"])
    assert waiting.host == foreign.host == actor(lea.iri).host
    assert ask(sure="1", password=PASSWORD).status_code == 422  # seven days have not passed


def run(house, *words):
    return CliRunner().invoke(cli, ["--instance", str(house.path), *words])


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """The garden of A, which bea of B follows; the orchard of B."""
    with pair_of_houses(tmp_path_factory.mktemp("moving")) as pair:
        with pair.b.house.app.app_context():
            Make(pair.b.house).space(pair.b.person(), slug="verger")
        yield pair


def test_a_project_moves_to_another_house_and_who_follows_it_goes_along(pair):
    """The old one is closed and there to be read; its log ends with the Move."""
    a, b = pair.a, pair.b
    old, new = f"http://{a.host}/p/jardin", f"http://{b.host}/p/verger"
    with a.house.app.app_context(), pytest.raises(Invalid):
        agreed(a.federation, db.session.get(Space, pair.space_id).actor, new)
    assert run(b.house, "space", "known-as", "verger", old).output == f"{old}\n"
    done = run(a.house, "space", "move", "jardin", new, "--by", "ada", "--yes")
    assert done.output == f"moved to {new}\n"
    pair.settle()
    with a.house.app.app_context():
        last = db.session.query(LogEntry).order_by(LogEntry.seq.desc()).first()
        assert (last.activity_type, last.body["target"]) == ("Move", new)
        browser = a.house.client()
        page = browser.get("/p/jardin").text
        assert ("a déménagé" in page, new in page) == (True, True)
        told = browser.get("/p/jardin", headers={"Accept": "application/activity+json"})
        assert told.get_json()["movedTo"] == new
        with pytest.raises(Conflict), a.house.as_(a.person()) as work:
            reopen_space(work, work.session.get(Space, pair.space_id))
    with b.house.app.app_context():
        (row,) = db.session.query(Follow)
        assert (row.space.iri, row.actor_id) == (new, b.owner)
        held = db.session.get(Space, pair.copy_id)
        assert (held.actor.moved_to, bool(held.archived_at)) == (new, True)


def test_a_person_moves_to_another_house_which_hears_of_it(pair):
    ada, bea = f"http://{pair.a.host}/u/ada", f"http://{pair.b.host}/u/bea"
    with pair.b.house.app.app_context():
        pair.b.federation.acquaint(ada)
        with pair.b.house.as_(pair.b.person()) as work:
            also_known(work, Former(ada))
    with pair.a.house.app.app_context():
        assert agreed(pair.a.federation, pair.a.person(), bea).iri == bea
        with pair.a.house.as_(pair.a.person()) as work:
            depart(work, Depart(bea), pair.a.federation.signing_key)
    pair.settle()
    with pair.b.house.app.app_context():
        assert actor(ada).moved_to == bea
