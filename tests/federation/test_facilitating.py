"""A facilitator whose account is on another instance: what they decide, the host does (R18)."""

from __future__ import annotations

import pytest
from conftest import log_in
from federation.pair import Pair, Served, pair_with_a_member
from federation.test_told_late import do

from collab.core.errors import Forbidden
from collab.federation.models import Delivery, LogEntry
from collab.people.models import Actor
from collab.spaces.membership import Decide, change_role
from collab.spaces.models import Item, Role, Space
from collab.web.extensions import db


@pytest.fixture
def pair(tmp_path_factory):
    with pair_with_a_member(tmp_path_factory.mktemp("facilitator"), "Eau") as pair:
        make_facilitator(pair)
        yield pair


def make_facilitator(pair: Pair, role: Role = Role.FACILITATOR) -> None:
    """ada of A gives bea of B that role."""
    with pair.a.house.app.app_context():
        bea = db.session.query(Actor).filter_by(name="bea").one()
        with pair.a.house.as_(pair.a.person()) as work:
            space = work.session.get(Space, pair.space_id)
            change_role(work, space, Decide(member=bea.id, role=role))
    pair.settle()


def act(pair: Pair, act: str) -> None:
    """bea of B does that to the thread that ada of A opened."""
    with pair.b.house.app.app_context():
        uid = db.session.query(Item).filter_by(title="Eau").one().uid
    do(pair, pair.b, "discussion", act, item=uid)


def stands(side: Served) -> tuple[bool, bool]:
    """Whether the thread can be read, and whether it is pinned."""
    with side.house.app.app_context():
        db.session.rollback()
        item = db.session.query(Item).filter_by(title="Eau").one()
        return item.withdrawn_at is None, item.pinned_at is not None


@pytest.mark.parametrize(
    ("done", "then", "undone"),
    [("pin", (True, True), "unpin"), ("remove", (False, False), "restore")],
)
def test_what_a_facilitator_of_elsewhere_decides_the_host_does_and_undoes(pair, done, then, undone):
    act(pair, done)
    assert stands(pair.b) == (True, False)  # until the host has said so
    pair.settle()
    assert (stands(pair.a), stands(pair.b)) == (then, then)
    act(pair, undone)
    pair.settle()
    assert (stands(pair.a), stands(pair.b)) == ((True, False),) * 2


def test_in_the_log_it_is_the_project_that_speaks_and_says_who_decided(pair):
    act(pair, "remove")
    pair.settle()
    with pair.a.house.app.app_context():
        told = db.session.query(LogEntry).order_by(LogEntry.seq.desc()).first().body
        group = db.session.get(Space, pair.space_id).iri
    assert (told["type"], told["actor"]) == ("Delete", group)
    assert told["instrument"] == f"{pair.b.federation.origin}/u/bea"


@pytest.mark.parametrize("asked", ["pin", "remove"])
def test_r18_the_table_of_the_host_decides_not_the_copy(pair, asked):
    act(pair, asked)  # it has not left when the role is taken away
    with pair.a.house.app.app_context():
        bea = db.session.query(Actor).filter_by(name="bea").one()
        with pair.a.house.as_(pair.a.person()) as work:
            space = work.session.get(Space, pair.space_id)
            change_role(work, space, Decide(member=bea.id, role=Role.MEMBER))
    pair.settle()
    assert (stands(pair.a), stands(pair.b)) == ((True, False),) * 2
    with pair.b.house.app.app_context():
        told = db.session.query(Delivery.state).order_by(Delivery.id.desc()).first()
    assert told == ("refused",)
    with pytest.raises(Forbidden):
        act(pair, asked)


def test_their_page_offers_it_and_says_that_the_host_was_asked(pair):
    client = pair.b.house.client()
    with pair.b.house.app.app_context():
        log_in(client, pair.b.person())
        thread = db.session.query(Item).filter_by(title="Eau").one().uid
    path = f"/p/jardin@{pair.a.host}/discussion"
    assert f"/m/{thread}/pin" in client.get(f"{path}/{thread}/").get_data(as_text=True)
    for asked in ("pin", "remove"):
        page = client.post(f"{path}/m/{thread}/{asked}", follow_redirects=True)
        assert f"C’est demandé à {pair.a.host}" in page.get_data(as_text=True)
