"""Words that were changed and taken back before anybody was told, and then brought back."""

from __future__ import annotations

import pytest
from federation.pair import Pair, Served, pair_with_a_member

from collab.spaces.models import Item, ItemState
from collab.web.actions import perform
from collab.web.extensions import db


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    with pair_with_a_member(tmp_path_factory.mktemp("late"), "Eau") as pair:
        yield pair


def do(pair: Pair, side: Served, tool: str, action: str, **given) -> str:
    """One act of the person of that side, as a form or a script has it done; nobody is told yet."""
    with side.house.app.app_context():
        address = "jardin" if side is pair.a else f"jardin@{pair.a.host}"
        return perform(side.person(), address, tool, action, given)


def held(side: Served, title: str) -> tuple[str, bool, str]:
    """The text, whether it can be read, and its state."""
    with side.house.app.app_context():
        db.session.rollback()
        item = db.session.query(Item).filter_by(title=title).one()
        return item.source, item.withdrawn_at is None, item.state


@pytest.mark.parametrize("writer", ["a", "b"])
def test_a_change_that_was_taken_back_at_once_is_told_when_it_is_brought_back(pair, writer):
    side, title = getattr(pair, writer), f"Serre de {writer}"
    uid = do(pair, side, "discussion", "open", title=title, body="Un.")
    pair.settle()
    do(pair, side, "discussion", "edit", item=uid, body="Deux.")
    do(pair, side, "discussion", "remove", item=uid)
    pair.settle()
    assert [held(one, title)[1] for one in (pair.a, pair.b)] == [False, False]
    do(pair, side, "discussion", "restore", item=uid)
    pair.settle()
    for one in (pair.a, pair.b):
        assert held(one, title) == ("Deux.", True, ItemState.CONFIRMED)


@pytest.mark.parametrize("writer", ["a", "b"])
def test_what_was_taken_back_before_it_was_told_comes_whole(pair, writer):
    side, title = getattr(pair, writer), f"Mare de {writer}"
    uid = do(pair, side, "discussion", "open", title=title, body="Un.")
    do(pair, side, "discussion", "edit", item=uid, body="Deux.")
    do(pair, side, "discussion", "remove", item=uid)
    pair.settle()
    do(pair, side, "discussion", "restore", item=uid)
    do(pair, side, "discussion", "remove", item=uid)
    pair.settle()
    do(pair, side, "discussion", "restore", item=uid)
    pair.settle()
    for one in (pair.a, pair.b):
        assert held(one, title) == ("Deux.", True, ItemState.CONFIRMED)


def test_a_change_of_a_document_that_was_taken_back_at_once_is_told_too(pair):
    uid = do(pair, pair.a, "pages", "add", title="Plan", source="Un.")
    pair.settle()
    do(pair, pair.a, "pages", "edit", document=uid, title="Plan", source="Deux.")
    do(pair, pair.a, "pages", "remove", document=uid)
    pair.settle()
    do(pair, pair.a, "pages", "restore", document=uid)
    pair.settle()
    for one in (pair.a, pair.b):
        assert held(one, "Plan")[:2] == ("Deux.", True)
