"""Many acts in one transaction leave what the same acts leave one by one, on every database."""

from __future__ import annotations

import json

import pytest
from sqlalchemy import delete, func, select

from collab.core.db import now
from collab.core.errors import Missing
from collab.core.events import EventRow
from collab.core.jobs import Job
from collab.core.rows import JsonText, insert_rows
from collab.federation.models import LogEntry
from collab.spaces.models import Revision
from collab.spaces.tools.discussion.inputs import (
    EditMessage,
    OpenThread,
    PostMessage,
    Remove,
)
from collab.spaces.tools.discussion.models import Message
from collab.spaces.tools.discussion.operations import (
    edit_message,
    open_thread,
    post_message,
    remove,
)
from collab.web.extensions import db


@pytest.fixture
def ada(make):
    return make.person("ada")


@pytest.fixture
def thread(make, as_, ada):
    space = make.space(ada)
    with as_(ada) as work:
        return open_thread(work, space, OpenThread(title="Eau", body="Bonjour"))


def post(work, thread, bodies):
    for body in bodies:
        post_message(work, thread.space, PostMessage(thread=thread.uid, body=body))


def left_by(after):
    """What messages, their history, the journal and the jobs hold beyond some ids."""
    told = db.session.scalars(select(EventRow).where(EventRow.id > after).order_by(EventRow.id))
    seen = [(row.name, row.item_id, row.data["item_id"], row.mirrored) for row in told]
    items = dict.fromkeys(item for _, item, _, _ in seen)
    rows = [db.session.get_one(Message, item) for item in items]
    kept = [db.session.scalars(select(Revision).where(Revision.item_id == i)).one() for i in items]
    jobs = db.session.scalars(select(Job).order_by(Job.id)).all()
    heard = [(j.kind, j.payload["event"] - after, j.attempts, j.error) for j in jobs
             if j.payload.get("event", 0) > after]  # fmt: skip
    number = {item: at for at, item in enumerate(items)}
    return (
        [(name, number[item], item == same, by_host) for name, item, same, by_host in seen],
        [(m.source, m.html, m.state, m.revision, m.revised_at, m.mentions) for m in rows],
        [(r.number, r.source, r.summary, r.title) for r in kept],
        sorted((kind, event, tries, error) for kind, event, tries, error in heard),
    )


def last_event():
    return db.session.scalar(select(func.max(EventRow.id)))


def test_many_acts_at_once_leave_what_they_leave_one_by_one(house, as_, ada, thread):
    bodies = [f"Un mot, « {number} » \\ \U0001f331" for number in range(4)]
    before = last_event()
    for body in bodies:
        with as_(ada) as work:
            post(work, thread, [body])
    one_by_one, between = left_by(before), last_event()
    with house.runtime.work(ada, bulk=True) as work:
        post(work, thread, bodies)
    assert left_by(between) == one_by_one
    assert thread.message_count == 8


def test_ids_go_on_where_others_left_them_and_none_comes_twice(house, as_, ada, thread):
    for round_ in range(2):
        with house.runtime.work(ada, bulk=True) as work:
            post(work, thread, [f"ensemble {round_}"] * 3)
        with as_(ada) as work:
            post(work, thread, [f"seul {round_}"])
    said = db.session.scalars(select(Message.source).order_by(Message.id)).all()
    assert said == [*["ensemble 0"] * 3, "seul 0", *["ensemble 1"] * 3, "seul 1"]
    told = db.session.execute(
        select(EventRow.id, EventRow.item_id)
        .where(EventRow.item_id.in_(select(Message.id)))
        .order_by(EventRow.id)
    ).all()
    assert [item for _, item in told] == sorted(item for _, item in told)


def test_the_number_of_an_event_that_is_gone_is_not_given_again(house, ada, thread):
    last = last_event()
    db.session.execute(delete(EventRow).where(EventRow.id == last))
    db.session.commit()
    with house.runtime.work(ada, bulk=True) as work:
        post(work, thread, ["après"])
    assert last_event() > last


def test_what_has_just_been_made_can_be_answered_changed_and_read_at_once(house, ada, thread):
    space = thread.space
    with house.runtime.work(ada, bulk=True) as work:
        post(work, thread, ["avant"])
        other = open_thread(work, space, OpenThread(title="Sol", body="Autre chose"))
        post(work, other, ["un"])
        said = post_message(work, space, PostMessage(thread=other.uid, body="deux"))
        again = PostMessage(thread=other.uid, body="trois", reply_to=said.uid)
        answer = post_message(work, space, again)
        edit_message(work, space, EditMessage(item=said.uid, body="deux, et demi"))
        remove(work, space, Remove(item=answer.uid))
        uids = said.uid, answer.uid
    db.session.expire_all()
    said, answer = (db.session.scalars(select(Message).where(Message.uid == u)).one() for u in uids)
    assert (said.source, said.revision, said.thread.title) == ("deux, et demi", 2, "Sol")
    assert answer.reply_to is said
    assert answer.withdrawn_at is not None
    assert (other.message_count, thread.message_count) == (2, 1)
    kept = select(Revision.source).where(Revision.item_id == said.id).order_by(Revision.number)
    assert db.session.scalars(kept).all() == ["deux", "deux, et demi"]


def test_nothing_of_acts_that_were_given_up_is_left_in_session_or_database(house, ada, thread):
    made = []

    def given_up():
        with house.runtime.work(ada, bulk=True) as work:
            given = PostMessage(thread=thread.uid, body="rien")
            made.append(post_message(work, thread.space, given))
            assert db.session.get(Message, made[0].id) is made[0]
            assert db.session.scalar(select(func.count(Message.id))) == 1
            made.append(post_message(work, thread.space, given))
            post_message(work, thread.space, PostMessage(thread="nulle-part", body="rien"))

    with pytest.raises(Missing):
        given_up()
    assert [row in db.session for row in made] == [False, False]
    assert db.session.scalar(select(func.count(Message.id))) == 0
    with house.runtime.work(ada, bulk=True) as work:
        post(work, thread, ["quelque chose"])
    assert db.session.scalars(select(Message.source)).all() == ["quelque chose"]
    assert thread.message_count == 1


def test_rows_are_written_as_their_columns_say(house, thread):
    entry = {"name": "Été « sec » \\ \U0001f331", "seq": 1, "none": None, "in": [1, {"a": True}]}
    row = {
        "space_id": thread.space_id, "epoch": 1, "activity_id": "a", "activity_type": "Create",
        "digest": "d", "trust": "proof", "entry_hash": "h", "at": now(),
    }  # fmt: skip
    ready = JsonText(json.dumps(entry, ensure_ascii=False))
    rows = [
        row | {"seq": 901, "entry": ready, "body": ready, "left": None},
        row | {"seq": 902, "entry": entry, "body": None, "left": {"id": "x"}},
    ]
    insert_rows(db.session(), LogEntry.__table__, rows)
    insert_rows(db.session(), LogEntry.__table__, [row | {"seq": 903, "entry": {}}])
    insert_rows(db.session(), LogEntry.__table__, [])
    db.session.commit()
    first, second, third = db.session.scalars(
        select(LogEntry).where(LogEntry.seq > 900).order_by(LogEntry.seq)
    )
    assert (first.entry, first.body, first.left) == (entry, entry, None)
    assert (second.entry, second.body, second.left) == (entry, None, {"id": "x"})
    assert (third.entry, third.body, third.origin_check) == ({}, None, "")
    assert first.at == second.at == row["at"]
    nothing = select(LogEntry.seq).where(LogEntry.seq > 900, LogEntry.body.is_(None))
    assert sorted(db.session.scalars(nothing)) == [902, 903]
