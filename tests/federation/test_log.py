"""The project log on its host, and what a mirror believes of it (FEDERATION.md 1.5, 4.5)."""

from __future__ import annotations

import copy
from itertools import pairwise

import pytest

from collab.core.db import now
from collab.core.events import EventRow
from collab.federation.chain import BrokenLog, check, entries_of
from collab.federation.keys import SigningKey, load_private_pem, new_ed25519, private_pem
from collab.federation.log import entries_after, head, page_of, state_digest
from collab.federation.models import LogEntry
from collab.federation.proofs import add_proof
from collab.federation.strictjson import canonical, multihash
from collab.spaces.items import withdraw
from collab.spaces.models import Item, Visibility
from collab.spaces.operations import ReviseSpace, revise_space
from collab.spaces.tools.discussion.inputs import OpenThread, PostMessage
from collab.spaces.tools.discussion.operations import open_thread, post_message
from collab.web.extensions import db


@pytest.fixture
def federation(house):
    return house.app.extensions["collab.federation"]


@pytest.fixture
def garden(house, make, as_):
    """A project with one thread and three answers, told to the log."""
    ada = make.person("ada")
    space = make.space(ada)
    with as_(ada) as work:
        thread = open_thread(work, space, OpenThread(title="Eau", body="Bonjour"))
    for number in range(3):
        with as_(ada) as work:
            post_message(work, space, PostMessage(thread=thread.uid, body=f"message {number}"))
    house.settle()
    return space


def whole_page(space):
    rows = entries_after(db.session(), space.id, 0, 200)
    return page_of(space, rows, rows[-1].seq, "https://here.example/p/jardin/log?after=0")


def verified(space, federation, page, after=0, first=""):
    return check(
        entries_of(page, f"{space.iri}/log"), group=space.iri, after=after, head=first,
        find_key=federation.find_key, now=now(),
    )  # fmt: skip


def test_the_log_has_no_gap_and_each_entry_names_the_one_before(garden):
    rows = db.session.query(LogEntry).order_by(LogEntry.seq).all()
    assert [row.seq for row in rows] == list(range(1, len(rows) + 1))
    assert rows[0].entry["prev"] == ""
    for before, after in pairwise(rows):
        assert after.entry["prev"] == multihash(canonical(before.entry))


def test_an_event_is_logged_once_however_often_its_job_runs(house, garden):
    before = head(db.session(), garden)
    handler = house.runtime.handlers["federate"]
    for row in db.session.query(EventRow).all():
        handler.run(db.session(), [{"event": row.id}])
    db.session.commit()
    assert head(db.session(), garden) == before


def test_a_whole_log_is_believed(garden, federation):
    links = verified(garden, federation, whole_page(garden))
    assert len(links) == head(db.session(), garden).seq
    assert [link.doubt for link in links] == [""] * len(links)
    assert links[-1].entry_hash == head(db.session(), garden).head


def test_r16_a_dropped_entry_is_a_gap_and_the_rest_is_not_taken(garden, federation):
    page = whole_page(garden)
    del page["orderedItems"][2]
    links = verified(garden, federation, page)
    assert [link.seq for link in links] == [1, 2]


def test_r16_a_renumbered_entry_is_refused(garden, federation):
    page = whole_page(garden)
    del page["orderedItems"][2]
    for item in page["orderedItems"][2:]:
        item["logEntry"]["seq"] -= 1
    with pytest.raises(BrokenLog, match="entry 3"):
        verified(garden, federation, page)


def test_a_forged_body_is_refused_naming_the_entry(garden, federation):
    page = whole_page(garden)
    victim = next(i for i in page["orderedItems"] if i["logEntry"]["activityType"] == "Create")
    victim["object"]["object"]["content"] = "<p>forged</p>"
    with pytest.raises(BrokenLog) as broken:
        verified(garden, federation, page)
    assert broken.value.seq == victim["logEntry"]["seq"]


def test_r16_an_entry_signed_by_another_actor_of_the_same_host_is_refused(
    house, make, garden, federation
):
    eve = make.person("eve")
    page = whole_page(garden)
    entry = dict(page["orderedItems"][-1]["logEntry"])  # which no other entry follows
    del entry["proof"]
    forged = add_proof(entry, federation.signing_key(eve, "ed25519"), now())
    page["orderedItems"][-1]["logEntry"] = forged
    with pytest.raises(BrokenLog):
        verified(garden, federation, page)


def test_an_entry_signed_by_an_unknown_key_under_the_project_s_name_is_refused(garden, federation):
    page = whole_page(garden)
    entry = dict(page["orderedItems"][0]["logEntry"])
    del entry["proof"]
    stolen = load_private_pem(private_pem(new_ed25519()))
    key = SigningKey(f"{garden.iri}#ed25519-1", "ed25519", stolen)
    page["orderedItems"][0]["logEntry"] = add_proof(entry, key, now())
    with pytest.raises(BrokenLog):
        verified(garden, federation, page)


def chained_anew(page, number, key=None):
    """A page whose entries after one say again what they follow, signed by `key` or by nobody."""
    before = None
    for item in page["orderedItems"]:
        if item["logEntry"]["seq"] > number:
            item["logEntry"]["prev"] = multihash(canonical(before))
            if key is not None:
                item["logEntry"] = add_proof(item["logEntry"], key, now())
        before = item["logEntry"]
    return page


def test_r16_a_signature_at_the_end_vouches_for_nothing_that_was_changed_before(garden, federation):
    """Entries are believed for the last one's signature (ADR 0012): whoever has not the project's
    key can change none of them, nor chain the rest to it anew."""
    page = whole_page(garden)
    victim = next(i for i in page["orderedItems"] if i["logEntry"]["activityType"] == "Create")
    number = victim["logEntry"]["seq"]
    assert number < len(page["orderedItems"])
    victim["object"]["object"]["content"] = "<p>forged</p>"
    victim["logEntry"]["digest"] = multihash(canonical(victim["object"]))
    for forged in (copy.deepcopy(page), chained_anew(page, number)):
        with pytest.raises(BrokenLog, match="signature refused") as broken:
            verified(garden, federation, forged)
        assert broken.value.seq == number


def test_r16_the_last_entry_before_a_gap_is_verified_too(garden, federation):
    page = whole_page(garden)
    page["orderedItems"][1]["logEntry"]["published"] = "2026-01-01T00:00:00Z"
    del page["orderedItems"][2]
    with pytest.raises(BrokenLog, match="entry 2: signature refused"):
        verified(garden, federation, page)


def test_what_the_project_itself_chained_to_is_its_word_and_reading_again_names_it(
    garden, federation
):
    """A proof that the project spoilt, and signed the hash of: in the log, and not whole."""
    page = whole_page(garden)
    page["orderedItems"][1]["logEntry"]["proof"]["proofValue"] = "z" + "2" * 88
    chained_anew(page, 2, federation.signing_key(garden.actor, "ed25519"))
    assert len(verified(garden, federation, page)) == len(page["orderedItems"])
    alone = page | {"orderedItems": page["orderedItems"][1:2]}
    with pytest.raises(BrokenLog, match="entry 2: signature refused"):
        verified(garden, federation, alone, 1, alone["orderedItems"][0]["logEntry"]["prev"])


def test_an_erased_body_keeps_the_chain_whole(garden, federation):
    page = whole_page(garden)
    erased = page["orderedItems"][3]
    erased["object"] = {"type": "Tombstone", "id": erased["logEntry"]["activity"]}
    links = verified(garden, federation, page)
    assert links[3].body is None
    assert links[-1].entry_hash == head(db.session(), garden).head


def test_r11_a_person_s_word_without_their_proof_is_not_believed(garden, federation):
    """The host may not speak for others: the entry stands, the body has no effect."""
    page = whole_page(garden)
    item = next(i for i in page["orderedItems"] if i["logEntry"]["activityType"] == "Create")
    item["object"].pop("proof")
    entry = {k: v for k, v in item["logEntry"].items() if k != "proof"}
    entry["digest"] = multihash(canonical(item["object"]))
    item["logEntry"] = add_proof(entry, federation.signing_key(garden.actor, "ed25519"), now())
    links = verified(garden, federation, {**page, "orderedItems": [item]}, entry["seq"] - 1,
                     entry["prev"])  # fmt: skip
    assert links[0].doubt


def test_a_page_of_another_log_is_refused(garden, federation):
    page = whole_page(garden)
    page["partOf"] = "https://here.example/p/other/log"
    with pytest.raises(BrokenLog):
        verified(garden, federation, page)


def test_entries_already_held_are_passed_over(garden, federation):
    page = whole_page(garden)
    at = head(db.session(), garden)
    assert verified(garden, federation, page, at.seq, at.head) == []


def test_the_state_digest_changes_with_what_the_project_holds_and_only_then(
    house, make, as_, garden
):
    before = state_digest(db.session(), garden)
    ada = garden.actor and db.session.query(Item).first().author
    with as_(ada) as work:
        revise_space(work, garden, ReviseSpace(name="Autre nom", tools=tuple(garden.tools)))
    house.settle()
    assert state_digest(db.session(), garden) == before
    with as_(ada) as work:
        withdraw(work, work.session.query(Item).filter_by(kind="message").first())
    house.settle()
    assert state_digest(db.session(), garden) != before


def test_what_is_local_is_never_logged(house, make, as_):
    ada = make.person("ada")
    space = make.space(ada, slug="ici", visibility=Visibility.LOCAL)
    with as_(ada) as work:
        open_thread(work, space, OpenThread(title="Entre nous", body="Bonjour"))
    house.settle()
    assert head(db.session(), space).seq == 0


def test_a_text_taken_back_before_it_was_told_never_leaves(house, make, as_):
    ada = make.person("ada")
    space = make.space(ada)
    house.settle()
    with as_(ada) as work:
        thread = open_thread(work, space, OpenThread(title="Oups", body="secret de famille"))
    with as_(ada) as work:
        withdraw(work, work.session.get_one(Item, thread.id))
    house.settle()
    bodies = [copy.deepcopy(row.body) for row in db.session.query(LogEntry)]
    assert "secret de famille" not in str(bodies)
