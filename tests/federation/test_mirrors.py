"""A copy is complete and says so, is mended where it differs, and freezes when the log lies."""

from __future__ import annotations

from datetime import timedelta

import pytest
from click.testing import CliRunner
from conftest import log_in
from federation.pair import pair_of_houses

from collab.cli import cli
from collab.core.db import now, writing
from collab.core.errors import Conflict
from collab.core.events import EventRow
from collab.federation import replica
from collab.federation.audit import audit
from collab.federation.chain import BrokenLog
from collab.federation.fetch import fetch_document
from collab.federation.log import EPOCH, entries_after, head_seq, page_of
from collab.federation.mirror import follow_answered
from collab.federation.models import (
    ApObject,
    InboxItem,
    LogEntry,
    LogEvidence,
    Mirror,
    StateBucket,
    Subscriber,
    Unapplied,
)
from collab.federation.peers import ChoosePeer, block_peer, put_back_peer
from collab.federation.proofs import add_proof
from collab.federation.repair import retry
from collab.federation.replica import take_page
from collab.federation.restart import restart_copy
from collab.federation.state import bucket_digests, bucket_of, state_digest
from collab.federation.strictjson import canonical
from collab.people.models import Peer
from collab.spaces.models import Item, Membership, Revision, Space
from collab.spaces.tools.discussion.inputs import OpenThread, PostMessage
from collab.spaces.tools.discussion.models import Thread
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


def test_2_2_2_two_houses_of_ours_sign_their_letters_by_ed25519(pair):
    for side in (pair.a, pair.b):
        with side.house.app.app_context():
            came = db.session.query(InboxItem.scheme, InboxItem.key_id).all()
        assert came
        assert {(scheme, key.rpartition("#")[2]) for scheme, key in came} == {
            ("rfc9421", "ed25519-1")
        }


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


def test_a_long_bucket_is_told_a_page_at_a_time(pair, monkeypatch):
    monkeypatch.setattr("collab.federation.state.LINES_ON_A_PAGE", 2)
    others = [f"http://{pair.a.host}/o/many{n}" for n in range(20_000)]
    same = [iri for iri in others if bucket_of(iri) == 7][:5]
    for side, space_id in ((pair.a, pair.space_id), (pair.b, pair.copy_id)):
        with side.house.app.app_context(), writing(db.session()) as session:
            for iri in same if side is pair.a else same[:1]:
                told = {"owner": "", "updated": "", "hash": "2" * 64, "bucket": 7}
                session.add(ApObject(space_id=space_id, iri=iri, **told))
            session.query(StateBucket).delete()
    with pair.b.house.app.app_context(), writing(db.session()) as session:
        session.get(Mirror, pair.copy_id).repaired_at = None
    asked = asked_of(pair)
    pair.catch_up()
    pages = [one for one in asked() if "bucket=7" in one]
    assert pages[0] == "/p/jardin/log/state?bucket=7"
    assert len(pages) == len([one for one in pages if "&after=" in one]) + 1 > 2
    assert mirror(pair).unrepaired == sorted(same[1:])
    for side in (pair.a, pair.b):
        with side.house.app.app_context(), writing(db.session()) as session:
            session.query(ApObject).filter(ApObject.iri.in_(same)).delete()
            session.query(StateBucket).delete()
    pair.catch_up()
    assert digests(pair)[0] == digests(pair)[1]


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


def test_a_page_of_a_log_comes_packed_and_is_read_as_it_was_written(pair):
    came = {}
    federation = pair.b.federation
    transport, before = federation.transport, federation.transport.request

    def request(method, url, **more):
        answer = before(method, url, **more)
        came[url] = answer.headers.get("content-encoding"), answer.headers["content-length"]
        return answer

    transport.request = request
    with pair.b.house.app.app_context():
        url = f"{mirror(pair).log_iri}?after=0"
        signer = federation.signer(federation.instance_actor())
        page = fetch_document(
            transport, url, sign=signer, now=federation.now(), admits=federation.admits
        )
    transport.request = before
    assert len(page["orderedItems"]) > 5
    how, length = came[url]
    assert how == "gzip"
    assert int(length) < len(canonical(page)) / 2


@pytest.mark.parametrize("side", ["a", "b"])
def test_what_is_asked_and_told_of_a_log_is_signed_by_ed25519(pair, side):
    told = []
    transport = getattr(pair, side).federation.transport
    before = transport.request

    def request(method, url, **more):
        if "/log" in url:
            headers = more["headers"]
            told.append(headers["Signature"] + headers.get("Signature-Input", ""))
        return before(method, url, **more)

    transport.request = request
    talk(pair, "signé")
    pair.catch_up()
    transport.request = before
    assert told
    assert all("#ed25519-" in signature for signature in told), told
    assert digests(pair)[0] == digests(pair)[1]


def test_the_state_is_given_to_whom_the_log_is_and_to_nobody_else(pair):
    client = pair.a.house.client()
    assert client.get("/p/jardin/log/state").status_code == 401


def unsent(pair, title, messages):
    """What A's log says of a new thread, as a page that B has not had."""
    with pair.a.house.app.app_context():
        space = db.session.get(Space, pair.space_id)
        with pair.a.house.as_(pair.a.person()) as work:
            uid = open_thread(work, space, OpenThread(title=title, body="Bonjour")).uid
        for number in range(messages):
            with pair.a.house.as_(pair.a.person()) as work:
                given = PostMessage(thread=uid, body=f"{title} {number}")
                post_message(work, space, given)
        pair.a.house.settle()
        rows = entries_after(db.session(), space.id, mirror(pair).seq, 50)
        return page_of(space, rows, head_seq(db.session(), space.id), f"{space.iri}/log?x")


def test_a_crash_inside_a_batch_loses_nothing_and_doubles_nothing(pair, monkeypatch):
    held, page = mirror(pair).seq, unsent(pair, "panne", 6)
    calls, whole = [], replica.settle_deletions

    def dies_once(*given):
        calls.append(given)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return whole(*given)

    monkeypatch.setattr(replica, "AT_ONCE", 3)
    monkeypatch.setattr(replica, "settle_deletions", dies_once)
    with pair.b.house.app.app_context():
        with pytest.raises(KeyboardInterrupt):
            take_page(pair.b.federation, pair.copy_id, page)
        db.session.remove()
        said = db.session.query(Item).filter(Item.source.like("panne %"))
        assert (mirror(pair).seq, said.count()) == (held + 3, 2), "the first batch, whole"
        events = db.session.query(EventRow).filter(EventRow.item_id.in_([i.id for i in said]))
        assert events.count() == 2, "a fact for each text, and none of those that were lost"
        assert take_page(pair.b.federation, pair.copy_id, page) == held + 7
        assert [one.source for one in said.order_by(Item.id)] == [f"panne {n}" for n in range(6)]
        thread = db.session.query(Thread).filter_by(title="panne").one()
        assert thread.message_count == 6
        assert db.session.query(Revision).filter(Revision.source.like("panne %")).count() == 6
    pair.settle()
    assert digests(pair)[0] == digests(pair)[1]


def test_what_went_wrong_is_forgotten_once_the_copy_is_whole_again(pair):
    def trouble() -> str:
        with pair.b.house.app.app_context():
            return db.session.get(Mirror, pair.copy_id).last_error

    pair.catch_up()
    with pair.b.house.app.app_context(), writing(db.session()) as session:
        session.get(Mirror, pair.copy_id).last_error = "timeout: no complete answer in time"
        later = pair.b.federation.now() + timedelta(days=1)
        lost = {"activity_id": "x", "why": "odd", "detail": "", "since": later, "next_at": later}
        session.add(Unapplied(space_id=pair.copy_id, seq=900, tries=1, **lost))
    pair.catch_up()
    assert trouble(), "an entry has had no effect yet"
    with pair.b.house.app.app_context(), writing(db.session()) as session:
        session.query(Unapplied).delete()
    pair.catch_up()
    assert trouble() == ""


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


def freeze(pair):
    """The project signs two entries with one number, and B sees both."""
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


@pytest.fixture
def frozen(pair):
    """The pair, with a copy that stands still."""
    if mirror(pair).state != "broken":
        freeze(pair)
    return pair


def test_r60_two_entries_with_one_number_freeze_the_copy_and_both_are_kept(pair):
    freeze(pair)
    with pair.b.house.app.app_context():
        kept = db.session.query(LogEvidence).one()
        assert (kept.seq, kept.epoch) == (2, EPOCH)
        assert kept.other["proof"]
        assert kept.held["proof"]
        assert kept.held == db.session.get(LogEntry, (pair.copy_id, EPOCH, 2)).entry
    assert mirror(pair).state == "broken"
    seq = mirror(pair).seq
    talk(pair, "après", 1)
    assert mirror(pair).seq == seq, "nothing more is taken in"


def test_r60_nobody_writes_in_a_frozen_copy_and_who_tends_the_site_sees_it(frozen):
    pair = frozen
    with pair.b.house.app.app_context():
        client, copy = pair.b.house.client(), db.session.get(Space, pair.copy_id)
        log_in(client, pair.b.person())
        assert f"{copy.url}/federation" in client.get("/admin").text
        assert "copie ici est arrêtée" in client.get(copy.url).text
        given = OpenThread(title="dans le vide", body="qui ne partirait pas")
        with pytest.raises(Conflict), pair.b.house.as_(pair.b.person()) as work:
            open_thread(work, work.session.get(Space, pair.copy_id), given)
        with pair.b.house.as_(pair.b.person()) as work:
            row, group = work.session.get(Mirror, pair.copy_id), copy.iri
            assert not follow_answered(work, row.follow_iri, group, yes=True)
    assert mirror(pair).state == "broken"


@pytest.fixture(scope="module")
def waiting(pair):
    """What bea of B wrote in her copy and A has not confirmed."""
    with pair.b.house.app.app_context():
        with writing(db.session()) as session:
            session.add(Membership(space_id=pair.copy_id, actor_id=pair.b.owner, since=now()))
        with pair.b.house.as_(pair.b.person()) as work:
            given = OpenThread(title="en attente", body="écrit pendant l’arrêt")
            return open_thread(work, work.session.get(Space, pair.copy_id), given).iri


def state_of(pair, iri):
    with pair.b.house.app.app_context():
        return db.session.query(Item).filter_by(iri=iri).one().state


def test_an_administrator_lets_a_frozen_copy_go_on_where_it_stood(pair):
    """After the freeze above; the host's own log was whole all the time."""
    client, seq = pair.b.house.client(), mirror(pair).seq
    with pair.b.house.app.app_context():
        url = f"{db.session.get(Space, pair.copy_id).url}/federation"
    assert "Reprendre cette copie" not in client.get(url).text
    client.post(f"{url}/restart", data={"from": "start"})
    assert mirror(pair).state == "broken", "not for a stranger"
    with pair.b.house.app.app_context():
        log_in(client, pair.b.person())
    assert "Reprendre cette copie" in client.get(url).text
    assert client.post(f"{url}/restart", data={"from": "verified"}).status_code == 302
    assert (mirror(pair).state, mirror(pair).seq) == ("asked", seq)
    assert "copie ici est arrêtée" not in client.get(url.removesuffix("/federation")).text


def test_a_copy_that_is_damaged_here_goes_on_after_the_last_entry_that_verifies(pair):
    with pair.b.house.app.app_context():
        session = db.session()
        entry = session.get(LogEntry, (pair.copy_id, EPOCH, 3))
        with writing(session):
            entry.body = entry.body | {"published": "2001-01-01T00:00:00Z"}
        copy = session.get(Space, pair.copy_id)
        restart_copy(pair.b.federation, pair.b.person(), copy, whole=False)
    assert mirror(pair).seq == 2
    listed = run(pair.b.house, "list")
    assert f"jardin@{pair.a.host}\tasked\t2/2" in listed.output, listed.output


def test_a_copy_reads_the_whole_log_again_and_nothing_comes_twice_or_is_lost(pair, waiting):
    told = run(pair.b.house, "restart", f"jardin@{pair.a.host}", "--from-start")
    assert "goes on after entry 0" in told.output
    assert run(pair.b.house, "restart", "nulle@part.example").exit_code == 1
    assert state_of(pair, waiting) == "pending"
    with pair.b.house.app.app_context():
        assert db.session.query(LogEntry).filter_by(space_id=pair.copy_id).count() == 0
        assert db.session.query(LogEvidence).count() == 1
        before = db.session.query(Item).count()
    pair.settle()
    pair.catch_up()
    assert digests(pair)[0] == digests(pair)[1]
    with pair.b.house.app.app_context():
        assert stands(pair) == (True, 0)
        assert db.session.query(Item).filter_by(title="après").count() == 1
        assert db.session.query(Item).count() == before + 2, "what came meanwhile, once"
        assert audit(db.session(), db.session.get(Space, pair.copy_id), now()) == []


@pytest.mark.parametrize("blocker", ["a", "b"])
def test_r36_undoing_a_block_lets_the_copies_that_it_stopped_go_on(pair, blocker):
    ours = getattr(pair, blocker)
    other = pair.b if ours is pair.a else pair.a
    title = f"pendant le blocage par {blocker}"
    decide(ours, other.host, block_peer)
    talk(pair, title, 1)
    pair.catch_up()
    with pair.b.house.app.app_context():
        assert db.session.query(Item).filter_by(title=title).count() == 0
    decide(ours, other.host, put_back_peer, before="known")
    pair.settle()
    for side in (pair.a, pair.b):
        with side.house.app.app_context(), writing(db.session()) as session:
            session.query(Peer).update(
                {"fail_count": 0, "next_try_at": None, "first_fail_at": None}
            )
    pair.settle()
    pair.catch_up()
    with pair.b.house.app.app_context():
        assert db.session.query(Item).filter_by(title=title).count() == 1
        assert mirror(pair).state == "active"
    with pair.a.house.app.app_context():
        assert [row.state for row in db.session.query(Subscriber)] == ["active"]
    assert digests(pair)[0] == digests(pair)[1]


@pytest.mark.parametrize(
    ("way", "said"),
    [("blocked", "refuse de nous donner la suite"), ("closed", "n’est plus partagé avec")],
)
def test_a_host_that_turns_our_copy_away_is_not_called_silent(pair, way, said):
    def close(visibility):
        with pair.a.house.app.app_context(), writing(db.session()) as session:
            session.get_one(Space, pair.space_id).visibility = visibility

    with pair.b.house.app.app_context():
        before = db.session.get(Peer, pair.a.host).refusals
    if way == "blocked":
        decide(pair.a, pair.b.host, block_peer)
    else:
        close("members")
    for _ in range(6):  # five failures open a circuit
        pair.catch_up()
    page = pair.b.house.client().get(f"/p/jardin@{pair.a.host}/federation").text
    assert said in page
    assert "ne répond" not in page
    with pair.b.house.app.app_context():
        host = db.session.get(Peer, pair.a.host)
        assert (host.circuit, host.fail_count) == ("ok", 0)
        assert host.refusals - before == (6 if way == "blocked" else 0)
        copy = db.session.get(Space, pair.copy_id)
        assert not pair.b.house.runtime.network.report(copy)["mirror"]["complete"]
    if way == "blocked":
        decide(pair.a, pair.b.host, put_back_peer, before="known")
    else:
        close("public")
    pair.catch_up()
    assert "Copie complète" in pair.b.house.client().get(f"/p/jardin@{pair.a.host}/federation").text


def decide(side, host, act, **more):
    with side.house.app.app_context(), side.house.as_(side.person()) as work:
        act(work, ChoosePeer(host, **more))


def run(house, *words):
    env = {"COLLAB_DATABASE__URL": house.runtime.settings.database.url}
    return CliRunner().invoke(cli, ["--instance", str(house.path), "mirror", *words], env=env)


def asked_of(pair):
    """The addresses that A is asked for from now on."""
    seen: list[str] = []
    transport, before = pair.b.federation.transport, pair.b.federation.transport.request

    def request(method, url, **more):
        seen.append(url.partition(pair.a.host)[2])
        return before(method, url, **more)

    transport.request = request
    return lambda: seen
