"""Two houses that know each other change their keys while people talk; a third comes later."""

from __future__ import annotations

import pytest
from federation.pair import pair_with_a_member, served

from collab.core.db import now
from collab.federation.audit import audit
from collab.federation.keys import multikey, new_ed25519
from collab.federation.models import Delivery, LogEntry, Mirror
from collab.federation.rotation import RotateKeys, rotate_keys
from collab.federation.signatures import Refused
from collab.people.models import Actor, Key
from collab.spaces.membership import follow
from collab.spaces.models import Item, Space
from collab.spaces.tools.discussion.inputs import PostMessage
from collab.spaces.tools.discussion.operations import post_message
from collab.web.extensions import db


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    with pair_with_a_member(tmp_path_factory.mktemp("pair"), "Outils") as pair:
        yield pair


def say(side, space_id, words):
    with side.house.app.app_context():
        thread = db.session.query(Item).filter_by(kind="thread").one()
        with side.house.as_(side.person()) as work:
            space = work.session.get(Space, space_id)
            post_message(work, space, PostMessage(thread=thread.uid, body=words))


def said(side):
    with side.house.app.app_context():
        return [item.source for item in db.session.query(Item).order_by(Item.created_at, Item.id)]


def rotate(side, *, revoke=False):
    """New keys for everybody of one house, as `collab keys rotate --all`."""
    federation = side.federation
    with side.house.app.app_context():
        for actor in db.session.query(Actor).filter_by(local=True).all():
            with side.house.as_(federation.instance_actor()) as work:
                rotate_keys(work, RotateKeys(actor.id, revoke), federation.signing_key)


def whole(side, space_id):
    """Every entry held there verifies, and had its effect."""
    with side.house.app.app_context():
        space = db.session.get(Space, space_id)
        doubtful = audit(db.session(), space, now())
        mirror = db.session.get(Mirror, space_id)
        return doubtful == [] and (mirror is None or mirror.last_error == "")


def refused(side):
    with side.house.app.app_context():
        return [(d.inbox, d.error) for d in db.session.query(Delivery).filter_by(state="refused")]


def keys_of_group(side, space_id):
    with side.house.app.app_context():
        space = db.session.get(Space, space_id)
        rows = db.session.query(Key).filter_by(actor_id=space.actor_id, algorithm="ed25519")
        found = [(key.key_id.partition("#")[2], bool(key.expires_at)) for key in rows]
        return sorted(found)


@pytest.mark.parametrize("revoke", [False, True])
def test_after_new_keys_on_both_sides_people_go_on_talking_and_the_past_verifies(
    pair, tmp_path, revoke
):
    before = said(pair.a)
    say(pair.b, pair.copy_id, f"avant, de B {revoke}")
    pair.settle()
    rotate(pair.a, revoke=revoke)
    rotate(pair.b, revoke=revoke)
    say(pair.a, pair.space_id, f"après, de A {revoke}")
    say(pair.b, pair.copy_id, f"après, de B {revoke}")
    pair.settle()
    everything = [
        *before, f"avant, de B {revoke}", f"après, de A {revoke}", f"après, de B {revoke}",
    ]  # fmt: skip
    assert sorted(said(pair.a)) == sorted(said(pair.b)) == sorted(everything)
    assert whole(pair.a, pair.space_id)
    assert whole(pair.b, pair.copy_id)
    assert keys_of_group(pair.b, pair.copy_id) == keys_of_group(pair.a, pair.space_id)
    assert refused(pair.a) == refused(pair.b) == []
    with served(tmp_path / "c", "cleo") as c:
        with pair.a.house.app.app_context():
            project = db.session.get(Space, pair.space_id).iri
        with c.house.app.app_context():
            copy_id = c.federation.space_card(project).id
            with c.house.as_(c.person()) as work:
                follow(work, work.session.get(Space, copy_id), iri=work.mint("/a/"))
        for _ in range(3):
            c.settle()
            pair.settle()
        assert sorted(said(c)) == sorted(everything)
        assert whole(c, copy_id)


def test_a_mirror_remembers_the_keys_that_the_log_lists(pair):
    rotate(pair.a)
    say(pair.a, pair.space_id, "par le journal")
    pair.settle()
    with pair.b.house.app.app_context():
        last = db.session.query(LogEntry).order_by(LogEntry.seq.desc()).first()
        signer = last.entry["proof"]["verificationMethod"]
        assert db.session.query(Key).filter_by(key_id=signer).one().expires_at is None
    held = keys_of_group(pair.b, pair.copy_id)
    assert held == keys_of_group(pair.a, pair.space_id)
    assert [ended for _, ended in held].count(False) == 1
    assert whole(pair.b, pair.copy_id)


def test_a_key_of_long_ago_is_found_in_the_list_of_all_keys(pair):
    with pair.a.house.app.app_context():
        ada = pair.a.person()
        iri = ada.iri
        for number in range(60):
            row = Key(
                actor_id=ada.id,
                key_id=f"{iri}#old-{number}",
                algorithm="ed25519",
                public=multikey(new_ed25519().public_key()),
                created_at=now(),
            )
            db.session.add(row)
            db.session.flush()
        public = db.session.query(Key.public).filter_by(key_id=f"{iri}#old-0").scalar()
        db.session.commit()
    client = pair.a.house.client()
    shown = client.get("/u/ada", headers={"Accept": "application/activity+json"}).get_json()
    assert len(shown["assertionMethod"]) == 10
    assert client.get(shown["allKeys"]).get_json()["totalItems"] >= 61
    assert client.get("/ap/keys", query_string={"of": f"{iri}/nobody"}).status_code == 404
    with pair.b.house.app.app_context():
        found = pair.b.federation.find_past_key(f"{iri}#old-0")
        assert (multikey(found.key), found.owner) == (public, iri)
        with pytest.raises(Refused):
            pair.b.federation.find_past_key(f"{iri}#old-60")
