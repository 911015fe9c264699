"""Somebody is excluded from a project: here, by another instance, and told to others (1.4)."""
# ruff: noqa: F401, F811 - fixtures are imported by their names

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from conftest import log_in
from federation.captured import LATER, Scene
from federation.pair import pair_of_houses
from federation.stage import PUBLIC, actor, federation, foreign, house, sent, stamp
from federation.test_communities import follow_it, ines, items

from collab.core.errors import Forbidden, Problem
from collab.federation.models import LogEntry
from collab.federation.reach import choose_reach
from collab.people.models import Actor
from collab.spaces.barred import Exclusion, exclusion_of
from collab.spaces.exclusions import Exclude, Readmit, exclude, readmit
from collab.spaces.invitations import Invite, accept_invitation, invite
from collab.spaces.membership import AskToJoin, Decide, admit, ask_to_join, change_role, follow
from collab.spaces.models import Follow, JoinPolicy, Role, Space, Visibility
from collab.spaces.operations import ReviseSpace, revise_space
from collab.spaces.policy import may_read, role_of
from collab.web.actions import perform
from collab.web.extensions import db

pytest_plugins = ("realtime.fixtures",)


def now():
    return datetime.now(UTC)


def opened(house, owner, space):
    """Let anybody join at once."""
    with house.as_(owner) as work:
        given = ReviseSpace(name=space.name, join_policy=JoinPolicy.OPEN, tools=tuple(space.tools))
        revise_space(work, space, given)


def test_a_facilitator_excludes_a_member_by_the_page_and_takes_it_back(house, make):
    zoe, omar = make.person("zoe"), make.person("omar")
    space = make.space(zoe, omar, visibility=Visibility.MEMBERS)
    with house.as_(zoe) as work:
        code = invite(work, space, Invite()).code
    browser, his = house.client(), house.client()
    log_in(browser, zoe)
    log_in(his, omar)
    there = f"{space.url}/excluded"
    changing = browser.get(f"{space.url}/members?change={omar.id}").get_data(as_text=True)
    assert "/excluded?person=omar%40" in changing
    assert his.get(there).status_code == 403
    form = {"act": "exclude", "person": "omar", "reason": "Des insultes, trois fois."}
    form |= {"last_day": (now() + timedelta(days=1)).date().isoformat()}
    for wrong in ({"reason": ""}, {"last_day": "2020-01-01"}, {"person": "nobody"}):
        assert browser.post(there, data=form | wrong).status_code == 422
    assert browser.post(there, data=form).status_code == 302
    page = browser.get(there).get_data(as_text=True)
    assert "Des insultes, trois fois." in page
    assert "Lever l’exclusion" in page
    assert 'name="back" value="1"' in page  # the notice's « Annuler »
    assert not may_read(db.session, space, omar)
    assert his.get(f"{space.url}/discussion/").status_code == 404
    for attempt in (
        lambda work: ask_to_join(work, space, AskToJoin()),
        lambda work: accept_invitation(work, code),
    ):
        with pytest.raises(Forbidden, match="exclu"), house.as_(omar) as work:
            attempt(work)
    undo = {"act": "readmit", "member": str(omar.id), "back": "1"}
    assert browser.post(there, data=undo).status_code == 302
    assert role_of(db.session, space, omar.id) == Role.MEMBER
    assert "Personne n’est exclu" in browser.get(there).get_data(as_text=True)
    oneself = browser.post(there, data={"act": "exclude", "person": "zoe", "reason": "Moi."})
    assert oneself.status_code == 409


def test_an_exclusion_ends_by_itself(house, make):
    zoe, omar = make.person("zoe"), make.person("omar")
    space = make.space(zoe, omar)
    with house.as_(zoe) as work:
        exclude(work, space, Exclude(omar.id, "Des insultes.", until=now() + timedelta(days=2)))
    with pytest.raises(Forbidden, match="exclu"), house.as_(omar) as work:
        ask_to_join(work, space, AskToJoin())
    db.session.rollback()
    house.runtime.clock = lambda: now() + timedelta(days=3)
    with house.as_(omar) as work:
        assert ask_to_join(work, space, AskToJoin()).state == "requested"
        assert exclusion_of(db.session, space, omar.id, work.now) is None


def test_an_excluded_person_leaves_the_room_at_once_and_stays_out(live, make):
    zoe, omar = make.person("zoe"), make.person("omar")
    space = make.space(zoe, omar)
    with live.socket(omar) as socket:
        socket.ask("join", {"space": "jardin"})
        with live.house.as_(zoe) as work:
            exclude(work, space, Exclude(omar.id, "Des insultes."))
        told, _code = socket.event("put_out")[1].values()
        assert told == "jardin"
        refused = socket.ask("join", {"space": "jardin"})
        assert "exclu" in str(refused)
    browser = live.house.client()
    log_in(browser, omar)
    page = browser.get(space.url).get_data(as_text=True)
    assert "Une exclusion vous empêche d’écrire dans ce projet." in page
    assert "Des insultes." in page
    assert "/join" not in page
    with pytest.raises(Forbidden), live.house.as_(omar) as work:
        follow(work, space)


def test_a_guest_of_elsewhere_is_excluded_and_forums_hear_of_it(house, foreign, make):
    zoe = make.person("zoe")
    space = make.space(zoe)
    opened(house, zoe, space)
    lea = foreign.person("lea")
    followed = foreign.activity(lea, "Follow", space.iri)
    assert foreign.post(lea, followed).status_code == 202
    assert foreign.say(lea, "Create", foreign.note(lea, space)).status_code == 202
    with house.as_(zoe) as work:
        choose_reach(work, space, foreign.host, threads=True)
        until = now() + timedelta(days=8)
        exclude(work, space, Exclude(actor(lea.iri).id, "Publicité.", until=until))
    house.settle()
    (ended,) = sent("Reject")
    assert (ended["actor"], ended["object"]["id"]) == (space.iri, followed["id"])
    assert foreign.say(lea, "Create", foreign.note(lea, space)).status_code == 403
    assert foreign.say(lea, "Join", space.iri).status_code == 202
    assert "exclu" in sent("Reject")[1]["summary"]
    assert db.session.query(Follow).count() == 0
    (block,) = sent("Block")
    assert (block["actor"], block["object"], block["target"]) == (space.iri, lea.iri, space.iri)
    assert (block["summary"], block["endTime"]) == ("Publicité.", stamp(until))
    with house.as_(zoe) as work:
        readmit(work, space, Readmit(actor(lea.iri).id))
    house.settle()
    undone = [told for told in sent("Undo") if told["object"]["type"] == "Block"]
    assert [told["object"]["id"] for told in undone] == [block["id"]]
    assert foreign.say(lea, "Create", foreign.note(lea, space)).status_code == 202


def test_forums_are_told_as_lemmy_tells_it(house, foreign, make):
    zoe = make.person("zoe")
    space = make.space(zoe)
    reader, lea = foreign.person("reader"), foreign.member(make, space, zoe)
    assert foreign.say(reader, "Follow", space.iri).status_code == 202
    with house.as_(zoe) as work:
        choose_reach(work, space, foreign.host, threads=True)
        exclude(work, space, Exclude(actor(lea.iri).id, "Publicité."))
    with house.as_(zoe) as work:
        readmit(work, space, Readmit(actor(lea.iri).id))
    house.settle()
    inner = [told["object"] for told in sent("Announce") if isinstance(told["object"], dict)]
    block, undo = [one for one in inner if one["type"] in ("Block", "Undo")]
    assert (block["actor"], block["cc"]) == (zoe.iri, [space.iri])
    assert {"id", "to", "object", "target", "summary", "removeData"} <= block.keys()
    assert undo["actor"] == zoe.iri
    assert undo["object"]["id"] == block["id"]
    assert [told["summary"] for told in sent("Revoke")] == ["removed"]


def test_r18_only_a_facilitator_of_the_host_s_own_table_excludes(house, foreign, make):
    zoe, omar = make.person("zoe"), make.person("omar")
    space = make.space(zoe, omar)
    lea = foreign.member(make, space, zoe)
    stranger = foreign.person("mallory")
    block = {"target": space.iri, "summary": "Dehors.", "cc": [space.iri]}
    for who in (lea, stranger):
        assert foreign.say(who, "Block", omar.iri, **block).status_code in (403, 404)
    assert db.session.query(Exclusion).count() == 0
    make_facilitator(house, zoe, space, actor(lea.iri))
    told = foreign.activity(lea, "Block", omar.iri, **block)
    assert foreign.post(lea, told).status_code == 202
    assert role_of(db.session, space, omar.id) == Role.NONE
    undo = foreign.activity(stranger, "Undo", told | {"actor": stranger.iri})
    assert foreign.post(stranger, undo).status_code in (403, 404)
    assert db.session.query(Exclusion).count() == 1
    assert foreign.say(lea, "Undo", told).status_code == 202
    db.session.rollback()
    assert db.session.query(Exclusion).count() == 0


def make_facilitator(house, owner, space, person):
    with house.as_(owner) as work:
        change_role(work, space, Decide(person.id, Role.FACILITATOR))


@pytest.fixture
def pair(tmp_path):
    """Bea, of the second house, takes part in the project of the first."""
    with pair_of_houses(tmp_path) as pair:
        with pair.b.house.app.app_context(), pair.b.house.as_(pair.b.person()) as work:
            ask_to_join(work, work.session.get(Space, pair.copy_id), AskToJoin())
        pair.settle()
        with decided_by_the_host(pair) as (work, space, bea):
            admit(work, space, Decide(bea))
        yield pair


@contextmanager
def decided_by_the_host(pair):
    """A unit of work of the project's facilitator, on its host; then everything settles."""
    house = pair.a.house
    with house.app.app_context(), house.as_(pair.a.person()) as work:
        (bea,) = work.session.query(Actor).filter_by(name="bea")
        yield work, work.session.get(Space, pair.space_id), bea.id
    pair.settle()
    pair.catch_up()


def test_a_mirror_applies_what_the_host_s_log_says_of_its_people(pair):
    b = pair.b
    given = {"title": "Une cuve", "body": "Pour l’eau."}
    with b.house.app.app_context():
        copy = db.session.get(Space, pair.copy_id)
        assert role_of(db.session, copy, b.owner) == Role.MEMBER
        perform(b.person(), copy.address, "discussion", "open", given)
    with decided_by_the_host(pair) as (work, space, bea):
        exclude(work, space, Exclude(bea, "Des insultes."))
    with b.house.app.app_context():
        (row,) = db.session.query(Exclusion)
        assert (row.actor_id, row.reason, row.until) == (b.owner, "Des insultes.", None)
        assert db.session.query(LogEntry).filter_by(activity_type="Block").count() == 1
        copy = db.session.get(Space, pair.copy_id)
        assert role_of(db.session, copy, b.owner) == Role.NONE
        with pytest.raises(Problem, match="exclu"):
            perform(b.person(), copy.address, "discussion", "open", given)
        browser = b.house.client()
        log_in(browser, b.person())
        assert "Des insultes." in browser.get(copy.url).get_data(as_text=True)
    with decided_by_the_host(pair) as (work, space, bea):
        readmit(work, space, Readmit(bea, back=True))
    with b.house.app.app_context():
        assert db.session.query(Exclusion).count() == 0
        assert role_of(db.session, db.session.get(Space, pair.copy_id), b.owner) == Role.MEMBER


# Communities of other software


@pytest.fixture
def piefed(foreign) -> Scene:
    scene = Scene(foreign, {"https://piefed.test": foreign.peer.origin})
    scene.meet("piefed-get-group")
    scene.meet("piefed-get-person")
    return scene


class Moderated:
    """A community whose moderators exclude people, as PieFed and Lemmy announce it."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.group = next(i for i, one in scene.people.items() if one.document["type"] == "Group")
        self.moderator = next(iri for iri in scene.people if iri != self.group)

    def block(self, whom: str, **more) -> dict:
        return {
            "id": f"{self.group}#block/{whom[-5:]}", "type": "Block", "actor": self.moderator,
            "object": whom, "target": self.group, "cc": [self.group], "audience": self.group,
            "summary": "Hors sujet.", "removeData": False,
            "endTime": (LATER + timedelta(days=3)).isoformat(), "to": [PUBLIC],
        } | more  # fmt: skip

    def announce(self, inner: dict) -> int:
        """How many are excluded, once it has said that."""
        told = self.scene.foreign.activity(self.scene.people[self.group], "Announce", inner)
        told |= {"cc": [f"{self.group}/followers"], "published": stamp(LATER)}
        assert self.scene.deliver(told).status_code == 202
        db.session.rollback()
        return db.session.query(Exclusion).count()


def test_a_community_s_block_holds_in_our_copy_of_it(piefed, house, federation, ines):
    there = Moderated(piefed)
    space = follow_it(piefed, house, federation, ines, there.group)
    piefed.say("piefed-post-Announce-Create-Page")
    (topic,) = items()
    assert role_of(db.session, space, ines.id) == Role.MEMBER
    assert there.announce(there.block(ines.iri, target=f"{there.group}-other")) == 0
    assert there.announce(there.block(ines.iri, endTime="2020-01-01T00:00:00Z")) == 0
    assert there.announce(there.block(ines.iri)) == 1
    row = db.session.query(Exclusion).one()
    assert (row.actor_id, row.reason) == (ines.id, "Hors sujet.")
    assert row.until == LATER + timedelta(days=3)
    house.app.extensions["collab.read_along"].step()
    db.session.rollback()
    assert role_of(db.session, space, ines.id) == Role.NONE
    assert follow_again(house, space, ines) is False
    undo = {"id": f"{there.group}#undo/1", "type": "Undo", "actor": there.moderator}
    assert there.announce(undo | {"object": there.block(ines.iri)}) == 0
    assert follow_again(house, space, ines) is True
    assert there.announce(there.block(topic.author.iri, removeData=True)) == 1
    assert items()[0].withdrawn_at is not None


def follow_again(house, space, person) -> bool:
    try:
        with house.as_(person) as work:
            follow(work, work.session.get(Space, space.id))
    except Forbidden:
        return False
    return True
