"""What a project's host does not take: the copy ends with the same words, whatever came first."""

from __future__ import annotations

from datetime import timedelta

import pytest
from conftest import log_in
from federation.pair import Pair, Served, pair_with_a_member
from federation.test_told_late import do, held

from collab.core.db import writing
from collab.federation.arrivals import lines_of
from collab.federation.lanes import tidy
from collab.federation.log import append
from collab.federation.models import LogEntry, OutboxItem, Unapplied
from collab.federation.rotation import log_key
from collab.people.models import Actor
from collab.spaces.membership import Decide, remove_member
from collab.spaces.models import Item, ItemState, Reaction, Revision, Space
from collab.spaces.notices import notices, tell_refused
from collab.spaces.operations import archive_space
from collab.web.extensions import db

UN = ("Un.", True, ItemState.CONFIRMED)
GONE = ("Un.", False, ItemState.CONFIRMED)


@pytest.fixture
def pair(tmp_path_factory):
    with pair_with_a_member(tmp_path_factory.mktemp("no"), "Eau") as pair:
        yield pair


@pytest.fixture
def uid(pair) -> str:
    """A thread that bea of B opened, and that both sides have; its public id on B."""
    uid = do(pair, pair.b, "discussion", "open", title="Serre", body="Un.")
    pair.settle()
    return uid


def both(pair: Pair) -> list[tuple[str, bool, str]]:
    return [held(side, "Serre") for side in (pair.a, pair.b)]


def told(pair: Pair) -> list[tuple[str, str, str]]:
    """What bea is told of: what was not taken, of which text, and why."""
    with pair.b.house.app.app_context():
        db.session.rollback()
        rows = notices(db.session(), pair.b.person(), limit=9)
        return sorted((row.why, row.item.title, row.reason) for row in rows)


def thread_of(pair: Pair, title: str) -> str:
    """The page of a thread on B."""
    with pair.b.house.app.app_context():
        uid = db.session.query(Item).filter_by(title=title).one().uid
    return f"/p/jardin@{pair.a.host}/discussion/{uid}/"


def moderate(pair: Pair, act: str) -> None:
    """ada takes the thread away on A, or brings it back."""
    with pair.a.house.app.app_context():
        uid = db.session.query(Item).filter_by(title="Serre").one().uid
    do(pair, pair.a, "discussion", act, item=uid)


def archive(side: Served, space_id: int) -> None:
    with side.house.app.app_context(), side.house.as_(side.person()) as work:
        archive_space(work, work.session.get(Space, space_id))


@pytest.mark.parametrize("came", ["before", "after"])
def test_a_change_made_while_words_were_taken_away_is_told_when_they_come_back(pair, uid, came):
    moderate(pair, "remove")
    do(pair, pair.b, "discussion", "edit", item=uid, body="Deux.")
    (pair.a if came == "before" else pair.b).settle()
    pair.settle()
    assert [words[1] for words in both(pair)] == [False, False]
    moderate(pair, "restore")
    pair.settle()
    assert both(pair) == [("Deux.", True, ItemState.CONFIRMED)] * 2


def test_a_change_that_was_taken_back_untold_is_told_when_the_host_brings_the_words_back(pair, uid):
    do(pair, pair.b, "discussion", "edit", item=uid, body="Deux.")
    do(pair, pair.b, "discussion", "remove", item=uid)
    pair.settle()
    moderate(pair, "restore")
    pair.settle()
    assert both(pair) == [("Deux.", True, ItemState.CONFIRMED)] * 2


def test_what_a_closed_project_refuses_falls_on_the_copy_too_and_is_kept(pair, uid):
    archive(pair.a, pair.space_id)
    do(pair, pair.b, "discussion", "open", title="Mare", body="Nouveau.")
    do(pair, pair.b, "discussion", "edit", item=uid, body="Deux.")
    pair.b.settle()
    pair.settle()
    assert both(pair) == [UN, UN]
    assert held(pair.b, "Mare") == ("Nouveau.", True, ItemState.REFUSED)
    with pair.b.house.app.app_context():
        versions = db.session.query(Revision).order_by(Revision.id)
        assert [row.source for row in versions if row.title == "Serre"] == ["Un.", "Deux.", "Un."]
    assert [(what, title) for what, title, _ in told(pair)] == [
        ("unchanged", "Serre"),
        ("unsaid", "Mare"),
    ]
    assert all(reason for *_, reason in told(pair))
    with pair.b.house.app.app_context():
        item = db.session.query(Item).filter_by(title="Serre").one()
        (line,) = lines_of(db.session(), item.space, item)
        assert (line.state, line.host) == ("unchanged", pair.a.host)
        assert line.why == told(pair)[0][2]
    browser = pair.b.house.client()
    with pair.b.house.app.app_context():
        log_in(browser, pair.b.person())
    news = browser.get("/news").get_data(as_text=True)
    assert f"{pair.a.host} n’a pas accepté votre modification" in news
    assert f"{pair.a.host} n’a pas accepté votre texte" in news
    page = browser.get(f"/p/jardin@{pair.a.host}/delivery/{uid}").get_data(as_text=True)
    assert "sauf votre dernière modification" in page
    assert "Où en est l’envoi" in browser.get(thread_of(pair, "Mare")).get_data(as_text=True)


def test_what_did_not_arrive_in_time_is_given_up_and_its_author_told(pair):
    do(pair, pair.b, "discussion", "open", title="Mare", body="Nouveau.")
    with pair.b.house.app.app_context():
        pair.b.house.settle()
        for days in (29, 2):
            assert told(pair) == []
            for letter in db.session.query(OutboxItem):
                letter.expires_at -= timedelta(days=days)
            tidy(db.session(), pair.b.federation.now())
            db.session.commit()
            pair.b.house.settle()
    assert held(pair.b, "Mare") == ("Nouveau.", True, ItemState.REFUSED)
    late = "Il n’y a pas eu de réponse avant la fin du délai."
    assert told(pair) == [("unsaid", "Mare", late)]


def test_an_author_cannot_bring_back_on_the_copy_what_its_host_took_away(pair, uid):
    do(pair, pair.b, "discussion", "remove", item=uid)
    moderate(pair, "remove")
    pair.a.settle()
    pair.b.settle()
    do(pair, pair.b, "discussion", "restore", item=uid)
    pair.settle()
    assert both(pair) == [GONE, GONE]
    with pair.a.house.app.app_context():
        said = db.session.query(LogEntry.activity_id).filter_by(activity_type="Delete").all()
        words = [iri.rpartition("#")[2].partition("-")[0] for (iri,) in said]
    assert words == ["removed"], "no number of B's journal can make the same id"


@pytest.mark.parametrize("first", ["the log", "the refusal"])
def test_words_that_can_no_more_be_brought_back_go_on_the_copy(pair, uid, first):
    do(pair, pair.b, "discussion", "remove", item=uid)
    pair.b.settle()
    archive(pair.a, pair.space_id)
    do(pair, pair.b, "discussion", "restore", item=uid)
    if first == "the refusal":
        pair.b.settle()
        pair.b.settle()
    pair.settle()
    assert both(pair) == [GONE, GONE]


def test_a_refused_deletion_leaves_the_words_where_they_are(pair, uid):
    archive(pair.a, pair.space_id)
    do(pair, pair.b, "discussion", "remove", item=uid)
    pair.b.settle()
    pair.settle()
    at_host, here = both(pair)
    assert at_host == here


def test_a_sign_that_the_host_refuses_is_not_on_the_copy_either(pair, uid):
    moderate(pair, "remove")
    do(pair, pair.b, "discussion", "react", item=uid, sign="merci")
    pair.b.settle()
    pair.settle()
    moderate(pair, "restore")
    pair.settle()
    assert both(pair) == [UN, UN]
    for side in (pair.a, pair.b):
        with side.house.app.app_context():
            db.session.rollback()
            assert db.session.query(Reaction).count() == 0
    assert [what for what, *_ in told(pair)] == ["unsigned"]


def test_a_sign_that_the_host_does_not_take_away_stands_on_the_copy_too(pair, uid):
    do(pair, pair.b, "discussion", "react", item=uid, sign="merci")
    pair.settle()
    do(pair, pair.b, "discussion", "unreact", item=uid, sign="merci")
    with pair.a.house.app.app_context():
        bea = db.session.query(Actor).filter_by(name="bea").one()
        with pair.a.house.as_(pair.a.person()) as work:
            remove_member(work, work.session.get(Space, pair.space_id), Decide(member=bea.id))
    pair.b.settle()
    pair.settle()
    for side in (pair.a, pair.b):
        with side.house.app.app_context():
            db.session.rollback()
            assert [row.sign for row in db.session.query(Reaction)] == ["merci"]
    assert [what for what, *_ in told(pair)] == ["untaken"]


def test_what_is_told_of_a_text_does_not_hide_what_else_is_told_of_it(pair, uid):
    with pair.b.house.app.app_context(), pair.b.house.as_(pair.b.person()) as work:
        item, bea = work.session.query(Item).filter_by(uid=uid).one(), pair.b.person()
        for why in ("unchanged", "unsigned", "unchanged"):
            tell_refused(work.session, item, why, bea, "Non.", work.now)
    assert [what for what, *_ in told(pair)] == ["unchanged", "unsigned"]


def test_a_host_that_refuses_a_change_cannot_put_words_in_its_author_s_mouth(pair, uid):
    with pair.a.house.app.app_context():
        item = db.session.query(Item).filter_by(title="Serre").one()
        space = db.session.get(Space, pair.space_id)
        said = db.session.query(LogEntry).filter_by(activity_id=f"{item.iri}#create").one().body
        source = said["object"]["source"] | {"content": "Faux."}
        forged = said | {"id": f"{item.iri}#update-9", "type": "Update"}
        forged["object"] = said["object"] | {"content": "<p>Faux.</p>", "source": source}
        federation = pair.a.federation
        with writing(db.session()) as session:
            key = log_key(session, space, federation.signing_key, federation.now())
            append(session, space, forged, trust="proof", at=federation.now(), key=key)
    pair.a.settle()
    archive(pair.a, pair.space_id)
    do(pair, pair.b, "discussion", "edit", item=uid, body="Deux.")
    pair.b.settle()
    pair.settle()
    with pair.b.house.app.app_context():
        db.session.rollback()
        assert db.session.query(Unapplied).one().activity_id.endswith("#update-9")
    assert held(pair.b, "Serre") == UN
