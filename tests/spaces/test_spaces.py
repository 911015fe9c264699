"""Opening a space, joining it, deciding who comes in."""

from __future__ import annotations

import pytest

from collab.core.errors import Conflict, Forbidden, Invalid, Missing
from collab.core.events import EventRow
from collab.people.models import Key
from collab.spaces.membership import AskToJoin, Decide, admit, ask_to_join, leave
from collab.spaces.models import Role, Visibility
from collab.spaces.operations import OpenSpace, archive_space, open_space
from collab.spaces.policy import may_read, role_of
from collab.spaces.queries import visible_space_ids
from collab.web.extensions import db


def test_whoever_opens_a_space_is_its_first_facilitator_and_it_has_keys(make):
    ada = make.person("ada")
    space = make.space(ada)
    assert role_of(db.session(), space, ada.id) is Role.FACILITATOR
    assert {k.algorithm for k in db.session.query(Key).filter_by(actor_id=space.actor_id)} == {
        "rsa",
        "ed25519",
    }


def test_a_name_already_taken_is_refused_naming_the_field(make, as_):
    ada = make.person("ada")
    with pytest.raises(Invalid) as refused, as_(ada) as work:
        open_space(work, OpenSpace(name="Ada"))
    assert "slug" in refused.value.fields


def test_one_asks_and_a_facilitator_admits(make, as_):
    ada, bob = make.person("ada"), make.person("bob")
    space = make.space(ada)
    with as_(bob) as work:
        ask_to_join(work, space, AskToJoin(note="Bonjour"))
    assert role_of(db.session(), space, bob.id) is Role.NONE
    with as_(ada) as work:
        admit(work, space, Decide(member=bob.id))
    assert role_of(db.session(), space, bob.id) is Role.MEMBER
    names = [row.name for row in db.session.query(EventRow).order_by(EventRow.id)]
    assert names == ["space.opened", "member.admitted", "member.asked", "member.admitted"]


def test_a_member_cannot_admit_others(make, as_):
    ada, bob, eve = make.person("ada"), make.person("bob"), make.person("eve")
    space = make.space(ada, bob)
    with as_(eve) as work:
        ask_to_join(work, space, AskToJoin())
    with pytest.raises(Forbidden), as_(bob) as work:
        admit(work, space, Decide(member=eve.id))


def test_a_members_space_is_invisible_to_others(make):
    ada, eve = make.person("ada"), make.person("eve")
    space = make.space(ada, visibility=Visibility.MEMBERS)
    assert may_read(db.session(), space, ada)
    assert not may_read(db.session(), space, eve)
    assert not may_read(db.session(), space, None)
    assert visible_space_ids(db.session(), None) == []


def test_the_last_facilitator_cannot_leave(make, as_):
    ada = make.person("ada")
    space = make.space(ada)
    with pytest.raises(Conflict), as_(ada) as work:
        leave(work, space)


def test_an_archived_space_takes_no_more_members(make, as_):
    ada, bob = make.person("ada"), make.person("bob")
    space = make.space(ada)
    with as_(ada) as work:
        archive_space(work, space)
    with pytest.raises(Conflict), as_(bob) as work:
        ask_to_join(work, space, AskToJoin())


def test_a_failed_work_leaves_nothing_behind(make, as_):
    ada = make.person("ada")

    def opened_and_undone() -> None:
        with as_(ada) as work:
            open_space(work, OpenSpace(name="Verger"))
            raise Missing("at the last moment")

    with pytest.raises(Missing):
        opened_and_undone()
    assert visible_space_ids(db.session(), ada) == []
