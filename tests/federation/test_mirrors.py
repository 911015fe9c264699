"""A copy is complete and says so, is mended where it differs, and freezes when the log lies."""

from __future__ import annotations

import pytest
from federation.pair import pair_of_houses

from collab.core.db import writing
from collab.federation.chain import BrokenLog
from collab.federation.log import EPOCH, entries_after, head_seq, page_of
from collab.federation.models import ApObject, LogEntry, LogEvidence, Mirror, StateBucket, Unapplied
from collab.federation.proofs import add_proof
from collab.federation.repair import retry
from collab.federation.replica import take_page
from collab.federation.state import bucket_digests, bucket_of, state_digest
from collab.spaces.models import Item, Space
from collab.spaces.tools.discussion.inputs import OpenThread, PostMessage
from collab.spaces.tools.discussion.operations import open_thread, post_message
from collab.web.extensions import db


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    with pair_of_houses(tmp_path_factory.mktemp("pair")) as pair:
        talk(pair, "début", 3)
        yield pair


def talk(pair, title, messages=1):
    """Somebody of A opens a thread and says something in it; both sides settle."""
    with pair.a.house.app.app_context():
        space = db.session.get(Space, pair.space_id)
        with pair.a.house.as_(pair.a.person()) as work:
            thread = open_thread(work, space, OpenThread(title=title, body="Bonjour"))
        for number in range(messages):
            with pair.a.house.as_(pair.a.person()) as work:
                post_message(work, space, PostMessage(thread=thread.uid, body=f"mot {number}"))
    pair.settle()


def digests(pair):
    found = []
    for served, space_id in ((pair.a, pair.space_id), (pair.b, pair.copy_id)):
        with served.house.app.app_context():
            found.append(state_digest(db.session(), db.session.get(Space, space_id)))
    return found


def mirror(pair):
    with pair.b.house.app.app_context():
        row = db.session.get(Mirror, pair.copy_id)
        db.session.expunge(row)
        return row


def test_a_copy_holds_what_the_host_holds_and_knows_it(pair):
    here, there = digests(pair)
    assert here == there
    pair.catch_up()
    row = mirror(pair)
    assert (row.state_digest, row.remote_digest) == (here, here)
    assert row.seq == row.remote_seq > 3


def test_the_digest_of_a_bucket_is_made_anew_only_when_it_changes(pair):
    with pair.a.house.app.app_context():
        space = db.session.get(Space, pair.space_id)
        before = bucket_digests(db.session(), space)
        kept = db.session.query(StateBucket).filter_by(space_id=space.id).count()
        assert kept == 256
        db.session.query(StateBucket).filter_by(space_id=space.id).delete()
        assert bucket_digests(db.session(), space) == before
        db.session.rollback()
    talk(pair, "un changement", 1)
    with pair.a.house.app.app_context():
        space = db.session.get(Space, pair.space_id)
        after = bucket_digests(db.session(), space)
        assert 1 <= sum(x != y for x, y in zip(before, after, strict=True)) <= 2


def test_what_is_damaged_is_mended_from_our_own_entries_bucket_by_bucket(pair):
    with pair.b.house.app.app_context(), writing(db.session()) as session:
        row = session.query(ApObject).filter_by(space_id=pair.copy_id).first()
        row.hash = "0" * 64
        session.query(StateBucket).filter_by(bucket=row.bucket).delete()
        session.get(Mirror, pair.copy_id).repaired_at = None
        damaged = row.bucket
    asked = asked_of(pair)
    pair.catch_up()
    assert digests(pair)[0] == digests(pair)[1]
    assert [a for a in asked() if "bucket=" in a] == [f"/p/jardin/log/state?bucket={damaged}"]
    assert mirror(pair).unrepaired == []
    assert mirror(pair).repaired_at is not None


def test_what_cannot_be_mended_is_named(pair):
    iri = f"http://{pair.a.host}/o/never-was"
    with pair.b.house.app.app_context(), writing(db.session()) as session:
        stray = ApObject(space_id=pair.copy_id, iri=iri, bucket=bucket_of(iri), hash="1" * 64)
        stray.owner = stray.updated = ""
        session.add(stray)
        session.query(StateBucket).filter_by(bucket=stray.bucket).delete()
        session.get(Mirror, pair.copy_id).repaired_at = None
    pair.catch_up()
    assert mirror(pair).unrepaired == [iri]
    with pair.b.house.app.app_context(), writing(db.session()) as session:
        session.query(ApObject).filter_by(iri=iri).delete()
        session.query(StateBucket).delete()
    pair.catch_up()
    assert mirror(pair).unrepaired == []


def test_a_text_that_was_lost_here_comes_back(pair):
    talk(pair, "perdu", 1)
    with pair.b.house.app.app_context(), writing(db.session()) as session:
        row = session.query(ApObject).order_by(ApObject.id.desc()).first()
        lost = row.iri
        session.delete(row)
        session.query(StateBucket).delete()
        session.get(Mirror, pair.copy_id).repaired_at = None
    pair.catch_up()
    assert digests(pair)[0] == digests(pair)[1]
    with pair.b.house.app.app_context():
        assert db.session.query(Item).filter_by(iri=lost).count() == 1


def test_the_state_is_given_to_whom_the_log_is_and_to_nobody_else(pair):
    client = pair.a.house.client()
    assert client.get("/p/jardin/log/state").status_code == 401


def test_an_entry_that_had_no_effect_here_counts_against_the_copy_and_is_tried_again(pair):
    pair.catch_up()
    with pair.b.house.app.app_context(), writing(db.session()) as session:
        copy = session.get(Space, pair.copy_id)
        rooms, copy.tools = copy.tools, ["pages"]
    talk(pair, "sans effet", 1)
    pair.catch_up()
    here, there = digests(pair)
    assert here == there, "the digest alone does not show it"
    with pair.b.house.app.app_context():
        lost = db.session.query(Unapplied).order_by(Unapplied.seq).all()
        assert [(row.why, row.tries) for row in lost] == [("refused", 1)] * 2
        page = pair.b.house.client().get(f"{db.session.get(Space, pair.copy_id).url}/federation")
        assert "sauf 2 entrées du journal" in page.text
        assert f"Entrée {lost[0].seq}" in page.text
        assert "Ce projet n’utilise pas cet outil." in page.text
        assert stands(pair) == (False, 2)
        assert retry(pair.b.federation) == 0, "not before its time"
    with pair.b.house.app.app_context():
        with writing(db.session()) as session:
            session.query(Unapplied).update({"next_at": pair.b.federation.now()})
        assert retry(pair.b.federation) == 2
        assert {row.tries for row in db.session.query(Unapplied)} == {2}
    with pair.b.house.app.app_context(), writing(db.session()) as session:
        session.get(Space, pair.copy_id).tools = rooms
        session.query(Unapplied).update({"next_at": pair.b.federation.now()})
    pair.catch_up()
    with pair.b.house.app.app_context():
        assert db.session.query(Unapplied).all() == []
        assert db.session.query(Item).filter_by(title="sans effet").count() == 1
        assert stands(pair) == (True, 0)


def stands(pair):
    """Whether B calls its copy complete, and how many entries had no effect there."""
    network = pair.b.house.app.extensions["collab"].network
    told = network.report(db.session.get(Space, pair.copy_id))["mirror"]
    return told["complete"], told["unapplied"]


def test_r60_two_entries_with_one_number_freeze_the_copy_and_both_are_kept(pair):
    with pair.a.house.app.app_context():
        space = db.session.get(Space, pair.space_id)
        rows = entries_after(db.session(), space.id, 0, 2)
        page = page_of(space, rows, head_seq(db.session(), space.id), f"{space.iri}/log?after=0")
        other = {k: v for k, v in rows[1].entry.items() if k != "proof"}
        other |= {"activity": f"{space.iri}#never", "published": "2020-01-01T00:00:00Z"}
        federation = pair.a.federation
        key = federation.signing_key(space.actor, "ed25519")
        unsigned = rows[1].entry | {"activity": "https://elsewhere.example/x"}
        signed = add_proof(other, key, federation.now())
    with pair.b.house.app.app_context():
        page["orderedItems"][1]["logEntry"] = unsigned
        take_page(pair.b.federation, pair.copy_id, page)
        assert mirror(pair).state == "active", "what the project did not sign proves nothing"
        page["orderedItems"][1]["logEntry"] = signed
        with pytest.raises(BrokenLog, match="entry 2"):
            take_page(pair.b.federation, pair.copy_id, page)
        kept = db.session.query(LogEvidence).one()
        assert (kept.seq, kept.epoch) == (2, EPOCH)
        assert kept.other["proof"]
        assert kept.held["proof"]
        assert kept.held == db.session.get(LogEntry, (pair.copy_id, EPOCH, 2)).entry
    assert mirror(pair).state == "broken"
    seq = mirror(pair).seq
    talk(pair, "après", 1)
    assert mirror(pair).seq == seq, "nothing more is taken in"


def asked_of(pair):
    """The addresses that A is asked for from now on."""
    seen: list[str] = []
    transport, before = pair.b.federation.transport, pair.b.federation.transport.request

    def request(method, url, **more):
        seen.append(url.partition(pair.a.host)[2])
        return before(method, url, **more)

    transport.request = request
    return lambda: seen
