"""Words taken back are gone where they were, and each mirror says so itself (1.6 h)."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from alembic.script import ScriptDirectory
from conftest import log_in
from federation.pair import pair_with_a_member, served
from sqlalchemy import null
from ulid import ULID

from collab.core.db import now
from collab.core.errors import Conflict, Forbidden
from collab.federation.audit import audit
from collab.federation.chain import Link
from collab.federation.erasure import Erase, Eraser, erase_forever
from collab.federation.models import (
    Delivery,
    ErasureReceipt,
    InboxItem,
    LogEntry,
    Mirror,
    OutboxItem,
    Subscriber,
    Unapplied,
)
from collab.federation.receipt_lists import hear
from collab.federation.receipts import receipts, settle_deletions, take
from collab.migrate import config
from collab.people.models import Actor, Peer
from collab.spaces.items import UNDO_WINDOW, restore, withdraw
from collab.spaces.membership import follow
from collab.spaces.models import Item, Revision, Space
from collab.spaces.tools.discussion.inputs import EditMessage, OpenThread, PostMessage
from collab.spaces.tools.discussion.operations import edit_message, open_thread, post_message
from collab.web.extensions import db

SECRET = "zygomatique"
LATER = timedelta(hours=1)
STAMP = "2099-01-01T00:00:00Z"


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """A project on A; bea of B is a member; one thread."""
    with pair_with_a_member(tmp_path_factory.mktemp("pair"), "Eau") as pair:
        yield pair


class At:
    """One side of the pair, opened: its project, its thread, its person."""

    def __init__(self, side, space_id):
        self.side, self.space_id = side, space_id

    def __enter__(self):
        self.context = self.side.house.app.app_context()
        self.context.push()
        return self

    def __exit__(self, *_error):
        db.session.remove()
        self.context.pop()

    @property
    def space(self):
        return db.session.get(Space, self.space_id)

    def item(self, iri):
        return db.session.query(Item).filter_by(iri=iri).one()

    def do(self, operation, *given, **more):
        with self.side.house.as_(self.side.person()) as work:
            return operation(work, *given, **more)

    def say(self, words):
        thread = db.session.query(Item).filter_by(kind="thread").first()
        said = self.do(post_message, self.space, PostMessage(thread=thread.uid, body=words))
        return said.iri

    def page_of_delivery(self, iri):
        """What its author reads of where it stands."""
        client = self.side.house.client()
        log_in(client, self.side.person())
        path = f"{self.space.url}/delivery/{self.item(iri).uid}"
        return client.get(path).get_data(as_text=True)

    def everything(self):
        """Every text this side holds, wherever it stands."""
        tables = (Item, Revision, LogEntry, InboxItem, OutboxItem)
        columns = [(table, column) for table in tables for column in table.__table__.columns]
        found = []
        for _table, column in columns:
            found += [repr(value) for value in db.session.scalars(db.select(column))]
        return "\n".join(found)


def on_a(pair):
    return At(pair.a, pair.space_id)


def on_b(pair):
    return At(pair.b, pair.copy_id)


def states(side, iri):
    return [(r.host, r.state) for r in receipts(db.session(), side.item(iri))]


def test_a_soft_deletion_answers_200_and_the_mirror_s_receipt_comes_by_itself(pair):
    with on_a(pair) as a:
        iri = a.say("à reprendre")
    pair.settle()
    with on_a(pair) as a:
        a.do(withdraw, a.item(iri))
        assert receipts(db.session(), a.item(iri)) == []
        a.side.house.settle()
        assert states(a, iri) == [(pair.b.host, "waiting")]
    pair.settle()
    with on_a(pair) as a:
        assert states(a, iri) == [(pair.b.host, "confirmed")]
        shown = a.side.house.client().get(iri, headers={"Accept": "application/activity+json"})
        assert (shown.status_code, shown.json["type"]) == (200, "Tombstone")
        a.do(restore, a.item(iri))
    pair.settle()
    with on_a(pair) as a, on_b(pair) as b:
        assert b.item(iri).source == "à reprendre"
    with on_a(pair) as a:
        assert receipts(db.session(), a.item(iri)) == []
        assert db.session.query(ErasureReceipt).filter_by(iri=iri).count() == 0


def test_words_erased_for_good_are_nowhere_on_either_side_and_the_chain_holds(pair):
    with on_a(pair) as a:
        iri = a.say(f"{SECRET} un")
        a.do(edit_message, a.space, EditMessage(item=a.item(iri).uid, body=f"{SECRET} deux"))
    pair.settle()
    with on_a(pair) as a, on_b(pair) as b:
        assert SECRET in b.everything()
    with on_a(pair) as a:
        a.do(withdraw, a.item(iri))
    pair.settle()
    with on_b(pair) as b:
        assert SECRET in b.everything()
    with on_a(pair) as a:
        a.do(erase_forever, a.space, Erase(a.item(iri).uid))
        assert SECRET not in a.everything()
        a.side.house.settle()
        assert states(a, iri) == [(pair.b.host, "waiting")]
    pair.settle()
    for side in (on_a(pair), on_b(pair)):
        with side:
            assert SECRET not in side.everything()
            assert side.item(iri).erased_at
            assert audit(db.session(), side.space, now() + LATER) == []
    with on_a(pair) as a:
        assert states(a, iri) == [(pair.b.host, "confirmed")]
        told = db.session.query(LogEntry).filter_by(activity_id=f"{iri}#erase").one()
        assert (told.activity_type, told.body["erased"]) == ("Delete", True)
        asked = {"Accept": "application/activity+json"}
        assert a.side.house.client().get(iri, headers=asked).status_code == 410
        with pytest.raises(Conflict):
            a.do(restore, a.item(iri))


def test_a_member_elsewhere_erases_their_own_words_on_the_host_too(pair):
    with on_b(pair) as b:
        iri = b.say(f"{SECRET} de B")
    pair.settle()
    with on_a(pair) as a:
        assert SECRET in a.everything()
    with on_b(pair) as b:
        b.do(withdraw, b.item(iri))
        b.do(erase_forever, b.space, Erase(b.item(iri).uid))
        assert SECRET not in b.everything()
        assert states(b, iri) == [(pair.a.host, "waiting")]
    pair.settle()
    for side in (on_a(pair), on_b(pair)):
        with side:
            assert SECRET not in side.everything()
            assert audit(db.session(), side.space, now() + LATER) == []
    with on_a(pair) as a:
        assert states(a, iri) == [(pair.b.host, "confirmed")]
    with on_b(pair) as b:
        assert states(b, iri) == [(pair.a.host, "confirmed")]
        assert db.session.get(Mirror, pair.copy_id).last_error == ""


def test_only_what_was_taken_back_is_erased_and_only_by_whom_it_belongs_to(pair):
    with on_a(pair) as a:
        iri = a.say("reste")
        with pytest.raises(Conflict):
            a.do(erase_forever, a.space, Erase(a.item(iri).uid))
    pair.settle()
    with on_a(pair) as a:
        a.do(withdraw, a.item(iri))
    pair.settle()
    with on_b(pair) as b:
        with pytest.raises(Forbidden):
            b.do(erase_forever, b.space, Erase(b.item(iri).uid))
        assert b.item(iri).source == "reste"


def test_what_was_taken_back_thirty_days_ago_is_erased_by_itself(pair):
    with on_a(pair) as a:
        iri, young = a.say(f"{SECRET} vieux"), a.say("jeune")
    pair.settle()
    with on_a(pair) as a:
        a.do(withdraw, a.item(iri))
        a.do(withdraw, a.item(young))
    pair.settle()
    with on_a(pair) as a:
        a.item(iri).withdrawn_at = now() - UNDO_WINDOW - timedelta(minutes=1)
        a.item(young).withdrawn_at = now() - UNDO_WINDOW + timedelta(minutes=1)
        db.session.commit()
    pair.a.federation.budget.__init__(pair.a.federation.now)
    assert Eraser(pair.a.federation).step() == 1
    pair.settle()
    for side in (on_a(pair), on_b(pair)):
        with side:
            assert SECRET not in side.everything()
            assert side.item(young).erased_at is None
    with on_a(pair) as a:
        told = db.session.query(LogEntry).filter_by(activity_id=f"{iri}#erase").one().body
        assert (told["actor"], "instrument" in told) == (a.space.iri, False)


def test_r08_a_receipt_counts_from_the_mirror_s_own_instance_for_itself(pair):
    with on_a(pair) as a:
        iri = a.say("reçu")
    pair.settle()
    with on_a(pair) as a:
        a.do(withdraw, a.item(iri))
        a.side.house.settle()
        row = db.session.query(ErasureReceipt).filter_by(iri=iri).one()
        said = {"type": "Accept", "object": {"id": row.activity_id, "type": "Delete"}}
        bea = db.session.query(Actor).filter_by(name="bea").one()
        instance = db.session.query(Actor).filter_by(iri=f"http://{pair.b.host}/actor").one()
        other = Actor(
            iri="http://127.0.0.1:9/actor", kind="application", name="other", host="127.0.0.1:9",
            local=False, created_at=now(),
        )  # fmt: skip
        twin = Actor(
            iri=f"http://{pair.b.host}/actor2", kind="application", name="twin",
            host=pair.b.host, local=False, created_at=now(),
        )  # fmt: skip
        mirror_too = Subscriber(
            space_id=a.space_id, host=other.host, actor_iri=other.iri, follow_iri="x", inbox="",
            state="ended", created_at=now(),
        )  # fmt: skip
        db.session.add_all([other, twin, mirror_too])
        db.session.commit()
        for stranger in (bea, other, twin):
            with a.side.house.as_(stranger) as work:
                assert not take(work, stranger, said)
            assert states(a, iri) == [(pair.b.host, "waiting")]
        with a.side.house.as_(instance) as work:
            assert not take(work, instance, said | {"type": "Reject"})
            assert take(work, instance, said)
        assert states(a, iri) == [(pair.b.host, "confirmed")]
    pair.settle()


@pytest.fixture(scope="module")
def erased_openers(pair):
    """A thread and a message erased for good, with an answer that is not; and one beside it."""
    with on_a(pair) as a:
        thread = a.do(open_thread, a.space, OpenThread(title=f"{SECRET} sujet", body=SECRET))
        uid, iris = thread.uid, [thread.iri]
        answered = None
        for words in (f"{SECRET} message", "une réponse", "une autre"):
            given = PostMessage(thread=uid, body=words, reply_to=answered)
            said = a.do(post_message, a.space, given)
            iris.append(said.iri)
            answered = said.uid if words.startswith(SECRET) else None
    pair.settle()
    with on_a(pair) as a:
        for iri in iris[:2]:
            a.do(withdraw, a.item(iri))
            a.do(erase_forever, a.space, Erase(a.item(iri).uid))
    pair.settle()
    return iris


def test_what_comes_with_an_update_is_what_an_erasure_leaves_behind(pair, erased_openers):
    """Entries erased before their place was kept get it by a migration, the same as today's."""
    version = ScriptDirectory.from_config(config()).get_revision("b51c7e0d94a2")
    with on_a(pair):
        gone = LogEntry.activity_id.in_([f"{iri}#create" for iri in erased_openers[:2]])
        rows = db.session.query(LogEntry).filter(gone).order_by(LogEntry.seq).all()
        kept = [row.left for row in rows]
        assert [one["id"] for one in kept] == erased_openers[:2]
        for row in rows:
            row.left = null()
        db.session.flush()
        assert version.module.backfill(db.session.connection()) == 2
        db.session.commit()
        assert [row.left for row in rows] == kept


def said_on(page):
    """What a thread's page shows: each text's id, and whether it is gone."""
    shown = re.findall(r'<article class="msg([^"]*)" id="m-(\w+)"', page.text)
    return [(uid, "gone" in classes) for classes, uid in shown]


@pytest.fixture(scope="module")
def third(pair, erased_openers, tmp_path_factory):
    """A third house, whose owner follows the project from now on."""
    with served(tmp_path_factory.mktemp("third") / "c", "cleo") as c:
        with on_a(pair) as a:
            project = a.space.iri
        with c.house.app.app_context():
            copy_id = c.federation.space_card(project).id
            with c.house.as_(c.person()) as work:
                follow(work, work.session.get(Space, copy_id), iri=work.mint("/a/"))
        for _ in range(3):
            c.settle()
            pair.settle()
        yield At(c, copy_id)


def test_answers_to_erased_words_keep_their_place_on_a_mirror_that_starts_from_nothing(
    pair, erased_openers, third
):
    thread, gone, answer, sibling = erased_openers
    with third:
        rows = db.session.query(Item).filter(Item.iri.in_(erased_openers)).all()
        held = {row.iri: row for row in rows}
        assert set(held) == set(erased_openers), "nothing of the thread is missing"
        assert held[answer].reply_to_id == held[gone].id
        assert {held[one].thread_id for one in (gone, answer, sibling)} == {held[thread].id}
        assert [held[one].erased_at is not None for one in erased_openers] == [
            True, True, False, False,
        ]  # fmt: skip
        assert db.session.query(Unapplied).all() == []
        uid, address = held[thread].uid, third.space.url
        there = third.side.house.client().get(f"{address}/discussion/{uid}/")
    with on_a(pair) as a:
        here = a.side.house.client().get(f"{a.space.url}/discussion/{uid}/")
    assert [one.status_code for one in (here, there)] == [200, 200]
    assert said_on(there) == said_on(here)
    assert [gone for _, gone in said_on(here)] == [True, True, False, False]


def test_a_new_mirror_never_has_what_was_erased(third):
    with third:
        sources = [item.source for item in db.session.query(Item)]
        assert "à reprendre" in sources
        assert SECRET not in third.everything()


def test_an_author_of_elsewhere_is_told_by_the_host_which_copies_their_deletion_has_reached(
    pair, third
):
    with on_b(pair) as b:
        iri = b.say("à effacer partout")
    for _ in range(2):
        pair.settle()
        third.side.settle()
    with on_b(pair) as b:
        b.do(withdraw, b.item(iri))
        assert states(b, iri) == [(pair.a.host, "waiting")]
    pair.settle()
    hosts = pair.a.host, third.side.host
    with on_b(pair) as b:
        assert states(b, iri) == [(hosts[0], "confirmed"), (hosts[1], "waiting")]
        page = b.page_of_delivery(iri)
        assert all(host in page for host in hosts)
    for _ in range(2):
        third.side.settle()
        pair.settle()
    with on_b(pair) as b:
        assert states(b, iri) == [(one, "confirmed") for one in hosts]
        b.do(restore, b.item(iri))
        assert states(b, iri) == []


def test_r08_only_the_project_says_which_copies_a_deletion_has_reached(pair):
    with on_b(pair) as b:
        iri = b.say("à moi")
        b.do(withdraw, b.item(iri))
        group, bea = b.space.actor, b.side.person()
        lines = [
            {"name": "c.example", "state": "confirmed", "published": STAMP, "updated": STAMP},
            {"name": "d.example", "state": "waiting", "published": STAMP},
            {"name": "e.example", "state": "confirmed", "published": STAMP},  # when?
            {"name": "no host", "state": "waiting", "published": STAMP},
            {"name": "f.example", "state": "waiting", "published": "hier"},
            "g.example",
        ]
        deleted = {"id": f"{iri}#delete", "type": "Delete", "object": iri}
        told = {"type": "Accept", "object": deleted, "result": {"items": lines}}
        with b.side.house.runtime.work(group, mirrored=True) as work:
            assert not hear(work, bea, told)
            assert not hear(work, group, told | {"object": deleted | {"object": f"{iri}x"}})
            assert hear(work, group, told)
        said = states(b, iri)[1:]
        assert said == [("c.example", "confirmed"), ("d.example", "waiting")]


def test_nobody_is_told_of_deletions_from_before_there_was_a_copy(pair):
    with on_b(pair) as b:
        rows = db.session.query(LogEntry).filter_by(activity_type="Delete").all()
        links = [Link(r.seq, 1, r.entry, r.entry_hash, r.body, r.trust) for r in rows]
        count = db.session.query(OutboxItem).count
        before = count()
        for asked, told in ((now() + 2 * LATER, 0), (now(), 1)):
            iri = f"http://{pair.b.host}/a/{str(ULID.from_datetime(asked)).lower()}"
            with b.side.house.as_(b.side.person()) as work:
                settle_deletions(work, b.space, Mirror(follow_iri=iri), links)
            assert count() - before == told
    pair.settle()


def test_a_mirror_that_was_away_confirms_when_it_is_back(pair, third):
    with on_a(pair) as a:
        iri = a.say(f"{SECRET} loin")
    pair.settle()
    with third:
        assert SECRET in third.everything()
    here, there = pair.b.host, third.side.host
    with on_a(pair) as a:
        db.session.get(Peer, there).next_try_at = now() + LATER
        db.session.commit()
        a.do(withdraw, a.item(iri))
        a.do(erase_forever, a.space, Erase(a.item(iri).uid))
    pair.settle()
    with on_a(pair) as a:
        assert states(a, iri) == sorted([(here, "confirmed"), (there, "waiting")])
        db.session.get(Peer, there).next_try_at = None
        db.session.commit()
    for _ in range(2):
        pair.settle()
        third.side.settle()
    with third:
        assert SECRET not in third.everything()
        assert audit(db.session(), third.space, now() + LATER) == []
    with on_a(pair) as a:
        assert states(a, iri) == sorted([(here, "confirmed"), (there, "confirmed")])
        assert [d for d in db.session.query(Delivery) if d.state == "refused"] == []
