"""Being invited by name across instances, and what a Grant says (FEDERATION.md 1.4)."""
# ruff: noqa: F401, F811 - fixtures are imported by their names

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from federation.stage import ORIGIN, actor, federation, foreign, house, sent

from collab.core.errors import Conflict, Forbidden, Invalid
from collab.federation.inviting import invite_by_address
from collab.federation.models import LogEntry, OutboxItem
from collab.federation.renewal import Renewal
from collab.spaces.invited import answer_invitation
from collab.spaces.membership import Decide, change_role, remove_member
from collab.spaces.mirrors import settle_membership
from collab.spaces.models import JoinPolicy, Membership, MembershipState, Role, Visibility
from collab.web.extensions import db

AP = {"Accept": "application/activity+json"}


@pytest.fixture
def ines(make):
    return make.person("ines")


@pytest.fixture
def garden(make, ines):
    return make.space(ines)


@pytest.fixture
def invited(foreign, federation, garden, ines, house):
    """Omar of the other server, asked by Ines to facilitate."""
    omar = foreign.person("omar")
    invite_by_address(federation, ines, garden, omar.iri, Role.FACILITATOR)
    house.settle()
    return omar


def place(who, space) -> Membership | None:
    db.session.rollback()
    rows = db.session.query(Membership).filter_by(actor_id=actor(who.iri).id, space_id=space.id)
    return rows.one_or_none()


def test_an_invitation_goes_to_the_person_in_the_facilitator_s_name(invited, garden, ines):
    (told,) = sent("Invite")
    assert (told["actor"], told["object"], told["target"]) == (ines.iri, invited.iri, garden.iri)
    assert told["instrument"] == "admin"
    assert told["proof"]["verificationMethod"].startswith(ines.iri)
    assert told["to"] == [invited.iri]
    assert place(invited, garden).state == MembershipState.INVITED


def test_a_yes_is_answered_by_a_grant_for_a_year(foreign, house, invited, garden):
    (asked,) = sent("Invite")
    assert foreign.say(invited, "Accept", asked["id"]).status_code == 202
    house.settle()
    row = place(invited, garden)
    assert (row.state, row.role) == (MembershipState.ACTIVE, Role.FACILITATOR)
    (grant,) = sent("Grant")
    assert (grant["object"], grant["target"], grant["fulfills"]) == (
        "admin", invited.iri, asked["id"],
    )  # fmt: skip
    lasts = datetime.fromisoformat(grant["endTime"]) - datetime.fromisoformat(grant["startTime"])
    assert lasts == timedelta(days=365)
    assert sent("Accept") == []


def test_a_no_ends_it(foreign, house, invited, garden):
    (asked,) = sent("Invite")
    assert foreign.say(invited, "Reject", asked["id"]).status_code == 202
    house.settle()
    assert place(invited, garden).state == MembershipState.LEFT
    foreign.say(invited, "Accept", asked["id"])
    assert place(invited, garden).state == MembershipState.LEFT
    assert sent("Grant") == []


def test_r08_only_whoever_was_invited_accepts_and_that_invitation(
    foreign, house, federation, invited, garden, ines
):
    (asked,) = sent("Invite")
    eve = foreign.person("eve")
    foreign.say(eve, "Accept", asked["id"])
    foreign.say(foreign.application(), "Accept", asked["id"])
    foreign.say(invited, "Accept", f"{ORIGIN}/a/01jnotthisone0000000000000")
    house.settle()
    assert place(invited, garden).state == MembershipState.INVITED
    assert place(eve, garden) is None
    assert sent("Grant") == []


def test_members_and_people_of_here_are_not_invited_by_name(
    foreign, federation, make, garden, ines, house
):
    lea = foreign.member(make, garden, ines)
    with pytest.raises(Conflict):
        invite_by_address(federation, ines, garden, lea.iri, Role.MEMBER)
    with pytest.raises(Invalid):
        invite_by_address(federation, ines, garden, make.person("nour").iri, Role.MEMBER)
    with pytest.raises(Forbidden):
        invite_by_address(
            federation, make.person("max"), garden, foreign.person("omar").iri, Role.MEMBER
        )
    assert sent("Invite") == []


def test_the_invited_may_see_what_they_are_invited_to(foreign, federation, make, ines, house):
    closed = make.space(ines, slug="conseil", visibility=Visibility.MEMBERS)
    closed.join_policy = JoinPolicy.INVITATION
    db.session.commit()
    omar = foreign.person("omar")
    assert foreign.get(foreign.application(), "/p/conseil").status_code == 404
    invite_by_address(federation, ines, closed, omar.iri, Role.MEMBER)
    assert foreign.get(foreign.application(), "/p/conseil").status_code == 200
    assert foreign.get(omar, "/p/conseil").status_code == 200
    assert foreign.get(foreign.person("eve"), "/p/conseil").status_code == 404
    assert foreign.get(omar, "/p/conseil/outbox").status_code == 404


# One of ours is invited elsewhere


@pytest.fixture
def orchard(foreign):
    """A project of the other server, and somebody who looks after it."""
    return foreign.person("verger", "Group")


def invite(foreign, who, group, person, **more):
    return foreign.say(who, "Invite", person.iri, target=group.iri, instrument="report", **more)


def test_one_of_ours_is_invited_and_says_yes(foreign, house, federation, orchard, ines):
    lea = foreign.person("lea")
    assert invite(foreign, lea, orchard, ines).status_code == 202
    space = federation.space_card(orchard.iri)
    row = place(ines, space)
    assert (row.state, row.role) == (MembershipState.INVITED, Role.MEMBER)
    asked = row.join_iri
    with house.as_(ines) as work:
        answer_invitation(work, space, yes=True)
    house.settle()
    (yes,) = sent("Accept")
    assert (yes["actor"], yes["object"], yes["to"]) == (ines.iri, asked, [orchard.iri])
    grant = {"context": orchard.iri, "target": ines.iri, "fulfills": asked}
    activity = foreign.activity(orchard, "Grant", "report", **grant)
    activity["id"] = f"{orchard.iri}/grants/1"
    assert foreign.post(orchard, activity).status_code == 202
    assert place(ines, space).state == MembershipState.ACTIVE


def test_one_of_ours_says_no(foreign, house, federation, orchard, ines):
    invite(foreign, foreign.person("lea"), orchard, ines)
    space = federation.space_card(orchard.iri)
    with house.as_(ines) as work:
        answer_invitation(work, space, yes=False)
    house.settle()
    (no,) = sent("Reject")
    assert no["actor"] == ines.iri
    assert place(ines, space).state == MembershipState.LEFT


def test_r08_a_grant_before_the_answer_makes_nobody_a_member(foreign, federation, orchard, ines):
    invite(foreign, foreign.person("lea"), orchard, ines)
    space = federation.space_card(orchard.iri)
    grant = {"context": orchard.iri, "target": ines.iri}
    activity = foreign.activity(orchard, "Grant", "report", **grant)
    activity["id"] = f"{orchard.iri}/grants/1"
    foreign.post(orchard, activity)
    assert place(ines, space).state == MembershipState.INVITED


def test_an_invitation_to_a_project_of_another_host_is_refused(foreign, make, garden, ines):
    lea = foreign.person("lea")
    nour = make.person("nour")
    assert invite(foreign, lea, garden, nour).status_code == 403
    away = foreign.person("away", "Group")
    away.iri = "https://elsewhere.example/p/x"
    assert invite(foreign, lea, away, nour).status_code == 403
    assert place(nour, garden) is None


def test_an_invitation_of_nobody_of_here_fetches_nothing(foreign, orchard):
    lea = foreign.person("lea")
    foreign.say(lea, "Invite", lea.iri, target=orchard.iri)
    assert not [path for path in foreign.peer.asked if "verger" in str(path)]


# What a member of elsewhere hears later


def test_another_role_is_a_new_grant_and_the_end_of_the_old_one(foreign, house, make, garden, ines):
    lea = foreign.member(make, garden, ines)
    house.settle()
    (first,) = sent("Grant")
    with house.as_(ines) as work:
        change_role(work, garden, Decide(member=actor(lea.iri).id, role=Role.FACILITATOR))
    house.settle()
    second = sent("Grant")[-1]
    (ended,) = sent("Revoke")
    assert second["object"] == "admin"
    assert ended["object"] == first["id"].partition("#")[0]
    assert (ended["target"], ended["summary"]) == (lea.iri, "replaced")


def test_somebody_removed_hears_who_did_it_and_that_the_grant_ends(
    foreign, house, make, garden, ines
):
    lea = foreign.member(make, garden, ines)
    house.settle()
    grant = place(lea, garden).grant_iri
    with house.as_(ines) as work:
        remove_member(work, garden, Decide(member=actor(lea.iri).id))
    house.settle()
    (removed,) = sent("Remove")
    (ended,) = sent("Revoke")
    assert (removed["actor"], removed["object"], removed["target"]) == (
        ines.iri, lea.iri, garden.iri,
    )  # fmt: skip
    assert (ended["actor"], ended["object"], ended["summary"]) == (garden.iri, grant, "removed")


def test_leaving_ends_the_grant(foreign, house, make, garden, ines):
    lea = foreign.member(make, garden, ines)
    house.settle()
    left = foreign.activity(lea, "Leave", garden.iri)
    foreign.post(lea, left)
    house.settle()
    (ended,) = sent("Revoke")
    assert (ended["summary"], ended["target"], ended["fulfills"]) == ("left", lea.iri, left["id"])


def test_a_revoke_of_either_shape_ends_a_membership_on_a_mirror(
    foreign, house, federation, orchard, ines
):
    space = federation.space_card(orchard.iri)
    for told in (
        {"object": ines.iri, "target": orchard.iri, "summary": "removed"},
        {
            "object": f"{orchard.iri}/grants/1", "context": orchard.iri, "target": ines.iri,
            "summary": "removed",
        },
    ):  # fmt: skip
        with house.runtime.work(space.actor, mirrored=True) as work:
            settle_membership(work, space, ines, state=MembershipState.ACTIVE)
        activity = foreign.activity(orchard, "Revoke", told.pop("object"), **told)
        assert foreign.post(orchard, activity).status_code == 202
        assert place(ines, space).state == MembershipState.REMOVED


def test_a_grant_is_said_anew_before_its_year_is_over(
    foreign, house, federation, make, garden, ines
):
    lea = foreign.member(make, garden, ines)
    house.settle()
    former = place(lea, garden).grant_iri
    assert Renewal(federation).step() == 0
    house.runtime.clock = lambda: datetime.now(UTC) + timedelta(days=340)
    assert Renewal(federation).step() == 1
    db.session.rollback()
    while house.runtime.run_jobs(datetime.now(UTC) + timedelta(days=341), strict=True):
        pass
    row = place(lea, garden)
    assert (row.state, row.grant_iri != former) == (MembershipState.ACTIVE, True)
    assert [grant["target"] for grant in sent("Grant")] == [lea.iri, lea.iri]
    assert sent("Revoke")[0]["object"] == former
