"""Roles in ForgeFed's words: what we say, what we understand, never more than was said (1.4)."""
# ruff: noqa: F401, F811 - fixtures are imported by their names

from __future__ import annotations

import pytest
from federation.stage import actor, federation, foreign, house, sent
from federation.test_inviting import garden, ines, invite, orchard, place

from collab.federation.grants import ROLE_NAMES, role_named
from collab.spaces.invited import answer_invitation
from collab.spaces.membership import Decide, change_role
from collab.spaces.models import MembershipState, Role

READ = [
    ("visit", Role.READER),
    ("report", Role.MEMBER),
    ("triage", Role.MEMBER),
    ("write", Role.MEMBER),
    ("maintain", Role.MEMBER),
    ("admin", Role.FACILITATOR),
    ("owner", Role.READER),
    ("ADMIN", Role.READER),
    (None, Role.READER),
    (["admin"], Role.READER),
    ({"id": "admin"}, Role.READER),
]
SAID = [(Role.READER, "visit"), (Role.MEMBER, "report"), (Role.FACILITATOR, "admin")]


@pytest.mark.parametrize(("name", "role"), READ)
def test_a_role_is_read_as_no_more_than_it_says(name, role):
    assert role_named(name) == role


@pytest.mark.parametrize(("role", "name"), SAID)
def test_what_we_say_of_a_role_is_read_as_that_role(role, name):
    assert ROLE_NAMES[role] == name
    assert role_named(name) == role


def test_a_role_that_a_project_of_elsewhere_says_is_kept_as_it_is_read(
    foreign, house, federation, orchard, ines
):
    lea = foreign.person("lea")
    space = federation.space_card(orchard.iri)
    for name, role in READ:
        foreign.say(lea, "Invite", ines.iri, target=orchard.iri, instrument=name)
        assert place(ines, space).role == role, name
    with house.as_(ines) as work:
        answer_invitation(work, space, yes=True)
    for number, (name, role) in enumerate(READ):
        activity = foreign.activity(orchard, "Grant", name, context=orchard.iri, target=ines.iri)
        activity["id"] = f"{orchard.iri}/grants/{number}"
        assert foreign.post(orchard, activity).status_code == 202
        row = place(ines, space)
        assert (row.state, row.role) == (MembershipState.ACTIVE, role), name


def test_our_grants_say_what_was_given(foreign, house, make, garden, ines):
    lea = foreign.member(make, garden, ines)
    for role, name in SAID:
        with house.as_(ines) as work:
            change_role(work, garden, Decide(member=actor(lea.iri).id, role=role))
        house.settle()
        assert sent("Grant")[-1]["object"] == name
