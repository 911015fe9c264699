"""New keys: what was signed before still counts, what comes after must be of the new ones (2.1)."""

# ruff: noqa: F401, F811 - fixtures are imported by their names

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from federation.stage import decide, federation, foreign, house

from collab.core.db import now
from collab.federation import identity
from collab.federation.chain import BrokenLog, check, entries_of
from collab.federation.keys import (
    SigningKey,
    load_private_pem,
    multikey,
    new_ed25519,
    private_pem,
)
from collab.federation.log import entries_after, head, page_of
from collab.federation.models import Delivery, LogEntry, OutboxItem
from collab.federation.proofs import add_proof, verify_proof
from collab.federation.rotation import RotateKeys, rotate_keys
from collab.federation.signatures import Refused
from collab.federation.strictjson import canonical, multihash
from collab.people.models import Key, PeerState
from collab.people.queries import site
from collab.spaces.models import Visibility
from collab.spaces.tools.discussion.inputs import OpenThread, PostMessage
from collab.spaces.tools.discussion.operations import open_thread, post_message
from collab.web.extensions import db

LATER = timedelta(hours=1)


@pytest.fixture
def ada(make):
    return make.person("ada")


@pytest.fixture
def garden(house, make, as_, ada):
    space = make.space(ada)
    with as_(ada) as work:
        open_thread(work, space, OpenThread(title="Eau", body="Bonjour"))
    house.settle()
    return space


def rotate(house, federation, actor, *, revoke=False):
    with house.as_(site(db.session()).actor) as work:
        made = rotate_keys(work, RotateKeys(actor.id, revoke), federation.signing_key)
    house.settle()
    return made


def keys(actor):
    return db.session.query(Key).filter_by(actor_id=actor.id).order_by(Key.id).all()


def document(actor):
    return identity.person(actor, keys(actor), site(db.session()).actor.iri)


def say(house, space, author, words):
    thread = db.session.query(LogEntry).filter_by(activity_type="Create").first()
    uid = thread.body["object"]["id"].rpartition("/")[2]
    with house.as_(author) as work:
        post_message(work, space, PostMessage(thread=uid, body=words))
    house.settle()


def page_from(space, after=0):
    rows = entries_after(db.session(), space.id, after, 200)
    return page_of(space, rows, rows[-1].seq, f"{space.iri}/log?after={after}")


def believed(space, federation, page):
    return check(
        entries_of(page, f"{space.iri}/log"), group=space.iri, after=0, head="",
        find_key=federation.find_past_key, now=now() + LATER,
    )  # fmt: skip


def resigned(page, number, key, at=None):
    """A page with one entry signed by another key, and the rest chained to it anew by nobody."""
    item = next(i for i in page["orderedItems"] if i["logEntry"]["seq"] == number)
    entry = {k: v for k, v in item["logEntry"].items() if k != "proof"}
    item["logEntry"] = add_proof(entry, key, at or now())
    return page


def test_new_keys_have_new_names_and_the_old_one_stays_with_its_end(house, federation, ada):
    rotate(house, federation, ada)
    told = document(ada)
    assert told["publicKey"]["id"] == f"{ada.iri}#main-key-2"
    old, new = told["assertionMethod"]
    assert (old["id"], new["id"]) == (f"{ada.iri}#ed25519-1", f"{ada.iri}#ed25519-2")
    assert datetime.fromisoformat(old["expires"]) <= datetime.now(UTC)
    assert "expires" not in new
    assert federation.signing_key(ada, "rsa").key_id == f"{ada.iri}#main-key-2"
    assert federation.signing_key(ada, "ed25519").key_id == f"{ada.iri}#ed25519-2"


def test_r01_an_ended_key_proves_what_it_proved_before_and_nothing_after(house, federation, ada):
    old, at = federation.signing_key(ada, "ed25519"), now()
    said = {"id": f"{ada.iri}#x", "type": "Like", "actor": ada.iri, "object": ada.iri}
    before = add_proof(said, old, at)
    rotate(house, federation, ada)
    assert verify_proof(before, federation.find_key, now()) == ada.iri
    after = add_proof(said, old, at + timedelta(seconds=70))
    with pytest.raises(Refused) as refused:
        verify_proof(after, federation.find_key, now() + LATER)
    assert refused.value.code == "expired_key"


def test_r01_a_revoked_key_proves_nothing_that_arrives_now(house, federation, ada):
    old, at = federation.signing_key(ada, "ed25519"), now()
    said = {"id": f"{ada.iri}#x", "type": "Like", "actor": ada.iri, "object": ada.iri}
    before = add_proof(said, old, at)
    rotate(house, federation, ada, revoke=True)
    assert document(ada)["assertionMethod"][0]["revoked"]
    with pytest.raises(Refused) as refused:
        verify_proof(before, federation.find_key, now())
    assert refused.value.code == "revoked_key"
    assert verify_proof(before, federation.find_past_key, now()) == ada.iri


def test_private_halves_of_ended_keys_are_thrown_away(house, federation, garden, ada):
    for actor in (ada, garden.actor):
        rotate(house, federation, actor)
        assert [bool(key.private) for key in keys(actor)] == [False, False, True, True]


def test_who_knows_an_actor_is_told_under_the_old_key(
    house, federation, foreign, garden, ada, make
):
    foreign.member(make, garden, ada)
    house.settle()
    rotate(house, federation, ada)
    item = db.session.query(OutboxItem).filter_by(activity_id=f"{ada.iri}#rekeyed-2").one()
    told = json.loads(item.body)
    assert told["proof"]["verificationMethod"] == f"{ada.iri}#ed25519-1"
    assert verify_proof(told, federation.find_key, now()) == ada.iri
    assert told["object"]["publicKey"]["id"] == f"{ada.iri}#main-key-2"
    sent = db.session.query(Delivery).filter_by(outbox_id=item.id).one()
    assert sent.inbox == foreign.peer.url("/inbox")


def test_r54_a_blocked_host_is_told_of_no_new_keys(house, federation, foreign, garden, ada, make):
    foreign.member(make, garden, ada)
    house.settle()
    decide(foreign.host, PeerState.BLOCKED)
    rotate(house, federation, ada)
    item = db.session.query(OutboxItem).filter_by(activity_id=f"{ada.iri}#rekeyed-2").one()
    assert db.session.query(Delivery).filter_by(outbox_id=item.id).count() == 0


def test_a_change_of_a_project_s_keys_is_an_entry_under_the_old_key(house, federation, garden, ada):
    before = head(db.session(), garden).seq
    rotate(house, federation, garden.actor)
    say(house, garden, ada, "après")
    rows = db.session.query(LogEntry).filter(LogEntry.seq > before).order_by(LogEntry.seq).all()
    signers = [row.entry["proof"]["verificationMethod"].partition("#")[2] for row in rows]
    assert signers == ["ed25519-1", "ed25519-2"]
    assert rows[0].activity_id == f"{garden.iri}#keys-2"
    assert len(rows[0].body["object"]["assertionMethod"]) == 2
    links = believed(garden, federation, page_from(garden))
    assert [link.doubt for link in links] == [""] * head(db.session(), garden).seq


def test_an_event_logged_before_the_change_was_written_writes_it_first(
    house, federation, garden, ada
):
    with house.as_(ada) as work:
        rotate_keys(work, RotateKeys(garden.actor.id), federation.signing_key)
        rotate_keys(work, RotateKeys(garden.actor.id), federation.signing_key)
    house.settle()
    say(house, garden, ada, "après")
    links = believed(garden, federation, page_from(garden))
    signers = [link.entry["proof"]["verificationMethod"].rpartition("-")[2] for link in links]
    assert signers[-2:] == ["1", "3"]


def test_a_log_is_followed_without_asking_for_any_key_but_the_first(house, federation, garden, ada):
    rotate(house, federation, garden.actor)
    say(house, garden, ada, "après")
    asked = []

    def find(key_id):
        asked.append(key_id)
        return federation.find_past_key(key_id)

    page = page_from(garden)
    check(entries_of(page, f"{garden.iri}/log"), group=garden.iri, after=0, head="",
          find_key=find, now=now() + LATER)  # fmt: skip
    assert {key for key in asked if key.startswith(f"{garden.iri}#")} == {f"{garden.iri}#ed25519-1"}


def test_r16_after_the_change_the_old_key_signs_no_entry_whatever_its_date(
    house, federation, garden, ada
):  # fmt: skip
    old, at = federation.signing_key(garden.actor, "ed25519"), now()
    rotate(house, federation, garden.actor)
    say(house, garden, ada, "après")
    last = head(db.session(), garden).seq
    with pytest.raises(BrokenLog, match="goes on with") as broken:
        believed(garden, federation, resigned(page_from(garden), last, old, at))
    assert broken.value.seq == last


def test_r16_a_new_key_signs_no_entry_before_the_log_says_so(house, federation, garden, ada):
    rotate(house, federation, garden.actor)
    new = federation.signing_key(garden.actor, "ed25519")
    with pytest.raises(BrokenLog, match="goes on with") as broken:
        believed(garden, federation, resigned(page_from(garden), 2, new))
    assert broken.value.seq == 2


def test_r16_a_change_that_the_known_key_did_not_sign_changes_nothing(
    house, federation, garden, ada
):  # fmt: skip
    page = page_from(garden)
    last = page["orderedItems"][-1]
    eve = federation.signing_key(ada, "ed25519")
    forged = {
        "id": f"{garden.iri}#keys-2", "type": "Update", "actor": garden.iri,
        "object": {"id": garden.iri, **identity.keys_of(garden.actor, keys(ada))},
    }  # fmt: skip
    entry = {k: v for k, v in last["logEntry"].items() if k != "proof"}
    entry |= {"activity": forged["id"], "digest": multihash(canonical(forged))}
    last["object"], last["logEntry"] = forged, add_proof(entry, eve, now())
    with pytest.raises(BrokenLog) as broken:
        believed(garden, federation, page)
    assert broken.value.seq == entry["seq"]


def test_r16_a_forged_change_of_keys_is_not_believed_for_what_its_keys_sign_after_it(
    federation, garden
):  # fmt: skip
    """Who has not the project's key writes that theirs is it now, and signs the end with theirs."""
    page, own = page_from(garden), load_private_pem(private_pem(new_ed25519()))
    old, new = (SigningKey(f"{garden.iri}#ed25519-{n}", "ed25519", own) for n in (1, 2))
    listed = {
        "id": new.key_id, "type": "Multikey", "controller": garden.iri,
        "publicKeyMultibase": multikey(own.public_key()),
    }  # fmt: skip
    change, last = page["orderedItems"][-2:]
    forged = {
        "id": f"{garden.iri}#keys-2", "type": "Update", "actor": garden.iri,
        "object": {"id": garden.iri, "type": "Group", "assertionMethod": [listed]},
    }  # fmt: skip
    entry = change["logEntry"] | {"activity": forged["id"], "digest": multihash(canonical(forged))}
    change["object"], change["logEntry"] = forged, add_proof(entry, old, now())
    after = last["logEntry"] | {"prev": multihash(canonical(change["logEntry"]))}
    last["logEntry"] = add_proof(after, new, now())
    with pytest.raises(BrokenLog, match="signature refused") as broken:
        believed(garden, federation, page)
    assert broken.value.seq == entry["seq"]


def test_what_never_leaves_is_told_to_nobody(house, federation, make, ada):
    space = make.space(ada, slug="ici", visibility=Visibility.LOCAL)
    rotate(house, federation, space.actor)
    assert db.session.query(OutboxItem).filter_by(actor_id=space.actor_id).count() == 0
    assert head(db.session(), space).seq == 0
