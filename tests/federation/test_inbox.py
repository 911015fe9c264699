"""What other instances' activities do to a project of ours, and what they cannot do."""

# ruff: noqa: F401, F811 - fixtures are imported by their names

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from federation.hostile import hostile_peer
from federation.stage import (
    ORIGIN,
    Foreign,
    actor,
    decide,
    federation,
    foreign,
    house,
    sent,
    stamp,
)

from collab.federation.gate import BYTES, kept
from collab.federation.inbox import forget_old
from collab.federation.models import InboxItem, Subscriber, Tombstone
from collab.people.models import PeerState
from collab.spaces.exclusions import Exclude, exclude
from collab.spaces.membership import AskToJoin, ask_to_join, follow
from collab.spaces.models import (
    Follow,
    Item,
    Membership,
    MembershipState,
    Offer,
    OfferState,
    Reaction,
    Visibility,
)
from collab.web.extensions import db


@pytest.fixture
def ines(make):
    return make.person("ines")


@pytest.fixture
def garden(make, ines):
    return make.space(ines)


@pytest.fixture
def lea(foreign, make, garden, ines):
    return foreign.member(make, garden, ines)


def items():
    db.session.rollback()
    return db.session.query(Item).order_by(Item.id).all()


def test_a_stranger_follows_a_public_project_and_is_told_yes(foreign, garden):
    lea = foreign.person()
    asked = foreign.activity(lea, "Follow", garden.iri)
    assert foreign.post(lea, asked).status_code == 202
    assert db.session.query(Follow).one().iri == asked["id"]
    (yes,) = sent("Accept")
    assert yes["actor"] == garden.iri
    assert yes["object"]["id"] == asked["id"]


def test_r54_nobody_brings_the_word_of_a_blocked_host(foreign, house, garden):
    lea = foreign.person()
    with hostile_peer() as blocked:
        omar = Foreign(blocked, house).person("omar")
        told = foreign.proven(omar, foreign.activity(omar, "Follow", garden.iri))
        decide(f"127.0.0.1:{blocked.port}", PeerState.BLOCKED)
        assert foreign.post(lea, told).status_code == 403
        assert blocked.asked == []
        assert db.session.query(Follow).count() == 0
        decide(f"127.0.0.1:{blocked.port}", PeerState.KNOWN)
        assert foreign.post(lea, told).status_code == 202
    assert db.session.query(Follow).one().actor.iri == omar.iri


def test_undoing_the_follow_ends_it(foreign, garden):
    lea = foreign.person()
    asked = foreign.activity(lea, "Follow", garden.iri)
    foreign.post(lea, asked)
    undone = {name: asked[name] for name in ("id", "type", "actor", "object")}
    assert foreign.say(lea, "Undo", undone).status_code == 202
    assert db.session.query(Follow).count() == 0


def test_following_a_members_only_project_is_refused_politely(foreign, make, ines):
    closed = make.space(ines, slug="conseil", visibility=Visibility.MEMBERS)
    lea = foreign.person()
    assert foreign.say(lea, "Follow", closed.iri).status_code == 202
    assert db.session.query(Follow).count() == 0
    assert [no["actor"] for no in sent("Reject")] == [closed.iri]


def test_a_project_that_stays_at_home_does_not_exist_for_others(foreign, make, ines):
    hidden = make.space(ines, slug="bureau", visibility=Visibility.LOCAL)
    lea = foreign.person()
    assert foreign.say(lea, "Follow", hidden.iri).status_code == 404
    assert foreign.say(lea, "Join", hidden.iri).status_code == 404
    assert sent("Reject") == []


def test_a_person_of_elsewhere_asks_to_join_with_a_word(foreign, garden):
    lea = foreign.person()
    asked = foreign.activity(lea, "Join", garden.iri, content="Bonjour, je suis institutrice.")
    assert foreign.post(lea, asked).status_code == 202
    row = db.session.query(Membership).filter_by(actor_id=actor(lea.iri).id).one()
    assert row.state == MembershipState.REQUESTED
    assert row.note == "Bonjour, je suis institutrice."
    assert row.join_iri == asked["id"]


def test_a_member_of_elsewhere_leaves(foreign, garden, lea):
    assert foreign.say(lea, "Leave", garden.iri).status_code == 202
    row = db.session.query(Membership).filter_by(actor_id=actor(lea.iri).id).one()
    assert row.state == MembershipState.LEFT


def test_a_member_of_elsewhere_opens_a_discussion(foreign, garden, lea):
    note = foreign.note(lea, garden)
    assert foreign.say(lea, "Create", note, cc=[garden.iri]).status_code == 202
    (item,) = items()
    assert item.iri == note["id"]
    assert item.author.iri == lea.iri
    assert "vieille cuve" in item.html


def test_somebody_who_is_no_member_cannot_write(foreign, garden):
    omar = foreign.person("omar")
    assert foreign.say(omar, "Create", foreign.note(omar, garden)).status_code == 403
    assert items() == []


def test_an_object_that_is_only_named_is_fetched_from_its_own_address(foreign, garden, lea):
    note = foreign.note(lea, garden, id=foreign.peer.url("/o/named"))
    foreign.peer.serve("/o/named", note)
    assert foreign.say(lea, "Create", note["id"]).status_code == 202
    assert [item.iri for item in items()] == [note["id"]]


def test_r03_an_object_of_somebody_else_is_not_created(foreign, garden, lea):
    omar = foreign.person("omar")
    note = foreign.note(omar, garden)
    assert foreign.say(lea, "Create", note).status_code == 403
    for odd in ([lea.iri], {"id": lea.iri}, None):
        strange = foreign.note(lea, garden, attributedTo=odd)
        assert foreign.say(lea, "Create", strange).status_code == 403
    foreign_id = foreign.note(lea, garden, id="https://elsewhere.example/o/1")
    assert foreign.say(lea, "Create", foreign_id).status_code == 403
    assert items() == []


def test_r04_another_person_of_the_same_host_may_touch_nothing(foreign, make, garden, ines, lea):
    omar = foreign.member(make, garden, ines, "omar")
    note = foreign.note(lea, garden)
    foreign.say(lea, "Create", note)
    changed = note | {"content": "<p>Détourné</p>", "attributedTo": omar.iri}
    assert foreign.say(omar, "Update", changed).status_code == 403
    assert foreign.say(omar, "Delete", note["id"]).status_code == 403
    foreign.say(lea, "Like", note["id"], id=foreign.peer.url("/a/like"))
    like = {"id": foreign.peer.url("/a/like"), "type": "Like", "object": note["id"]}
    assert foreign.say(omar, "Undo", like | {"actor": lea.iri}).status_code == 404
    assert foreign.say(omar, "Undo", like | {"actor": omar.iri}).status_code == 403
    (item,) = items()
    assert "vieille cuve" in item.html
    assert item.withdrawn_at is None
    assert db.session.query(Reaction).count() == 1


def test_r05_the_stored_owner_decides_not_the_payload(foreign, make, garden, ines, lea):
    omar = foreign.member(make, garden, ines, "omar")
    note = foreign.note(lea, garden)
    foreign.say(lea, "Create", note)
    stolen = foreign.note(omar, garden, id=note["id"], content="<p>à moi</p>")
    assert foreign.say(omar, "Update", stolen).status_code == 403
    assert "à moi" not in items()[0].html


def test_r06_a_create_for_a_known_id_by_somebody_else_is_refused(foreign, make, garden, ines, lea):
    omar = foreign.member(make, garden, ines, "omar")
    note = foreign.note(lea, garden)
    foreign.say(lea, "Create", note)
    assert foreign.say(omar, "Create", note | {"attributedTo": omar.iri}).status_code == 403
    assert [item.author.iri for item in items()] == [lea.iri]


def test_r07_only_whoever_took_back_their_words_brings_them_back(foreign, make, garden, ines, lea):
    omar = foreign.member(make, garden, ines, "omar")
    note = foreign.note(lea, garden)
    foreign.say(lea, "Create", note)
    foreign.say(lea, "Delete", note["id"])
    undone = {"id": f"{note['id']}#delete", "type": "Delete", "object": note["id"]}
    assert foreign.say(omar, "Undo", undone | {"actor": omar.iri}).status_code == 403
    assert items()[0].withdrawn_at is not None
    assert foreign.say(lea, "Undo", undone | {"actor": lea.iri}).status_code == 202
    assert items()[0].withdrawn_at is None


def test_r15_words_stay_in_the_project_they_were_written_in(foreign, make, garden, ines, lea):
    other = make.space(ines, slug="compost")
    note = foreign.note(lea, garden)
    foreign.say(lea, "Create", note)
    moved = note | {"audience": other.iri, "cc": [other.iri], "content": "<p>Ailleurs</p>"}
    foreign.say(lea, "Update", moved | {"updated": stamp()})
    assert [item.space_id for item in items()] == [garden.id]
    foreign.member(make, other, ines)
    with make.house.as_(ines) as work:
        exclude(work, garden, Exclude(actor(lea.iri).id, "Trop de cuves."))
    later = moved | {"content": "<p>Par la porte d’à côté</p>", "updated": stamp(soon(5))}
    told = foreign.activity(lea, "Update", later, audience=other.iri, cc=[other.iri])
    assert foreign.post(lea, told).status_code == 403
    assert "à côté" not in items()[0].html


def test_an_update_by_the_author_changes_the_text(foreign, garden, lea):
    note = foreign.note(lea, garden)
    foreign.say(lea, "Create", note)
    later = stamp(datetime.now(UTC) + timedelta(seconds=2))
    changed = note | {"content": "<p>Une cuve neuve.</p>", "updated": later}
    assert foreign.say(lea, "Update", changed).status_code == 202
    assert "cuve neuve" in items()[0].html


def test_r44_an_older_update_that_comes_late_changes_nothing(foreign, garden, lea):
    note = foreign.note(lea, garden)
    foreign.say(lea, "Create", note)
    newer = note | {"content": "<p>Troisième</p>", "updated": stamp(soon(20))}
    older = note | {"content": "<p>Deuxième</p>", "updated": stamp(soon(10))}
    assert foreign.say(lea, "Update", newer).status_code == 202
    assert foreign.say(lea, "Update", older).status_code == 202
    assert "Troisième" in items()[0].html


def soon(seconds: int) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=seconds)


def test_r47_what_was_deleted_before_it_came_stays_away(foreign, garden, lea):
    note = foreign.note(lea, garden)
    gone = {"id": note["id"], "type": "Tombstone"}
    assert foreign.say(lea, "Delete", gone, audience=garden.iri).status_code == 202
    assert db.session.query(Tombstone).one().iri == note["id"]
    assert foreign.say(lea, "Create", note).status_code == 202
    assert items() == []


def test_r47_holds_for_a_delete_that_names_no_project(foreign, garden, lea):
    note = foreign.note(lea, garden)
    assert foreign.say(lea, "Delete", note["id"]).status_code == 202
    assert foreign.say(lea, "Create", note).status_code == 202
    assert items() == []


def test_r47_a_reaction_undone_before_it_came_stays_away(foreign, garden, lea):
    note = foreign.note(lea, garden)
    foreign.say(lea, "Create", note)
    like = foreign.activity(lea, "Like", note["id"])
    inner = {name: like[name] for name in ("id", "type", "actor", "object")}
    assert foreign.say(lea, "Undo", inner).status_code == 202
    assert foreign.post(lea, like).status_code == 202
    assert db.session.query(Reaction).count() == 0


def test_r48_an_update_of_something_unknown_creates_it(foreign, garden, lea):
    note = foreign.note(lea, garden, updated=stamp())
    assert foreign.say(lea, "Update", note).status_code == 202
    assert [item.iri for item in items()] == [note["id"]]


def test_r48_words_taken_back_before_they_were_told_come_with_their_undoing(foreign, garden, lea):
    note = foreign.note(lea, garden)
    gone = {"id": note["id"], "type": "Tombstone"}
    foreign.say(lea, "Delete", gone, audience=garden.iri)
    undone = {"type": "Delete", "id": f"{note['id']}#delete", "actor": lea.iri, "object": note}
    assert foreign.say(lea, "Undo", undone, audience=garden.iri).status_code == 202
    assert [item.iri for item in items()] == [note["id"]]
    assert db.session.query(Tombstone).count() == 0


def test_r03_an_undoing_brings_no_words_of_somebody_else(foreign, garden, lea):
    note = foreign.note(foreign.person("omar"), garden)
    undone = {"type": "Delete", "id": f"{note['id']}#delete", "actor": lea.iri, "object": note}
    assert foreign.say(lea, "Undo", undone, audience=garden.iri).status_code == 403
    assert items() == []


def test_r46_the_same_activity_twice_has_one_effect(foreign, garden, lea):
    activity = foreign.activity(lea, "Create", foreign.note(lea, garden))
    assert foreign.post(lea, activity).status_code == 202
    assert foreign.post(lea, activity).status_code == 202
    other = activity | {"object": foreign.note(lea, garden, content="<p>Autre</p>")}
    assert foreign.post(lea, other).status_code == 202
    assert len(items()) == 1
    assert db.session.query(InboxItem).filter_by(activity_id=activity["id"]).count() == 1


def test_r46_ids_are_remembered_for_half_a_year(foreign, federation, house, garden, lea):
    foreign.say(lea, "Like", garden.iri)
    count = db.session.query(InboxItem).count()
    house.runtime.clock = lambda: datetime.now(UTC) + timedelta(days=170)
    forget_old(federation)
    assert db.session.query(InboxItem).count() == count > 0
    house.runtime.clock = lambda: datetime.now(UTC) + timedelta(days=190)
    forget_old(federation)
    assert db.session.query(InboxItem).count() == 0


def test_r46_a_refused_stranger_cannot_reserve_an_id(foreign, garden, lea):
    omar = foreign.person("omar")
    activity = foreign.activity(lea, "Create", foreign.note(lea, garden))
    assert foreign.post(omar, activity).status_code == 401
    assert foreign.post(lea, activity).status_code == 202
    assert len(items()) == 1


def test_words_for_fewer_or_more_people_than_the_project_are_refused(
    foreign, make, garden, ines, lea
):
    private = foreign.note(lea, garden, to=[f"{garden.iri}/members"])
    said = foreign.activity(lea, "Create", private, to=[f"{garden.iri}/members"], cc=[garden.iri])
    assert foreign.post(lea, said).status_code == 403
    council = make.space(ines, slug="conseil", visibility=Visibility.MEMBERS)
    foreign.member(make, council, ines)
    assert foreign.say(lea, "Create", foreign.note(lea, council)).status_code == 403
    assert items() == []


def test_an_update_cannot_change_who_may_read(foreign, garden, lea):
    note = foreign.note(lea, garden)
    foreign.say(lea, "Create", note)
    told = note | {"to": [lea.iri], "content": "<p>Secret</p>", "updated": stamp(soon(5))}
    said = foreign.activity(lea, "Update", told, to=[lea.iri], cc=[garden.iri])
    assert foreign.post(lea, said).status_code == 403
    assert "Secret" not in items()[0].html


def test_a_deleted_message_is_withdrawn_not_lost(foreign, garden, lea):
    note = foreign.note(lea, garden)
    foreign.say(lea, "Create", note)
    assert foreign.say(lea, "Delete", {"id": note["id"], "type": "Tombstone"}).status_code == 202
    (item,) = items()
    assert item.withdrawn_at is not None
    assert "cuve" in item.source


def test_a_like_is_a_thank_you_unless_it_says_otherwise(foreign, garden, lea):
    note = foreign.note(lea, garden)
    foreign.say(lea, "Create", note)
    assert foreign.say(lea, "Like", note["id"]).status_code == 202
    assert foreign.say(lea, "Like", note["id"], content="bravo").status_code == 202
    assert foreign.say(lea, "Like", {"id": note["id"]}, content="❤").status_code == 202
    signs = {reaction.sign for reaction in db.session.query(Reaction)}
    assert signs == {"merci", "bravo"}


def test_a_like_can_be_taken_back(foreign, garden, lea):
    note = foreign.note(lea, garden)
    foreign.say(lea, "Create", note)
    like = foreign.activity(lea, "Like", note["id"])
    foreign.post(lea, like)
    inner = {name: like[name] for name in ("id", "type", "actor", "object")}
    assert foreign.say(lea, "Undo", inner).status_code == 202
    assert db.session.query(Reaction).count() == 0


def test_r08_a_third_party_cannot_answer_for_a_project(foreign, house, federation, ines):
    group = foreign.person("jardin", "Group")
    stranger = foreign.person("omar")
    space = federation.space_card(group.iri)
    with house.as_(ines) as work:
        row = follow(work, space)
        iri = row.iri
    with house.as_(ines) as work:
        asked = ask_to_join(work, space, AskToJoin()).join_iri
    for thing in (iri, asked):
        foreign.say(stranger, "Accept", thing)
        foreign.say(stranger, "Reject", thing)
    assert db.session.query(Follow).one().accepted_at is None
    state = db.session.query(Membership).filter_by(space_id=space.id).one().state
    assert state == MembershipState.REQUESTED


def test_the_host_of_a_project_accepts_our_follow_and_our_join(foreign, house, federation, ines):
    group = foreign.person("jardin", "Group")
    space = federation.space_card(group.iri)
    with house.as_(ines) as work:
        iri = follow(work, space).iri
    with house.as_(ines) as work:
        joined = ask_to_join(work, space, AskToJoin()).join_iri
    assert foreign.say(group, "Accept", {"id": iri, "type": "Follow"}).status_code == 202
    assert db.session.query(Follow).one().accepted_at is not None
    foreign.say(group, "Accept", {"id": joined, "type": "Join"})
    grant = {"id": f"{group.iri}/grants/1#7", "target": ines.iri, "context": group.iri}
    assert foreign.say(group, "Grant", "admin", **grant).status_code == 202
    row = db.session.query(Membership).filter_by(space_id=space.id).one()
    assert (row.state, row.role, row.grant_iri) == ("active", 30, f"{group.iri}/grants/1")
    assert foreign.say(group, "Revoke", ines.iri, target=group.iri).status_code == 202
    db.session.expire_all()
    assert row.state == MembershipState.REMOVED


def test_a_grant_to_somebody_who_asked_nothing_is_left_alone(foreign, federation, ines):
    group = foreign.person("jardin", "Group")
    space = federation.space_card(group.iri)
    grant = {"id": f"{group.iri}/grants/1#7", "target": ines.iri, "context": group.iri}
    assert foreign.say(group, "Grant", "admin", **grant).status_code == 202
    assert db.session.query(Membership).filter_by(space_id=space.id).count() == 0


def test_a_grant_by_another_group_of_the_same_host_is_left_alone(foreign, house, federation, ines):
    group, other = foreign.person("jardin", "Group"), foreign.person("verger", "Group")
    space = federation.space_card(group.iri)
    with house.as_(ines) as work:
        ask_to_join(work, space, AskToJoin())
    grant = {"id": f"{group.iri}/grants/1#7", "target": ines.iri, "context": group.iri}
    foreign.say(other, "Grant", "admin", **grant)
    row = db.session.query(Membership).filter_by(space_id=space.id).one()
    assert row.state == MembershipState.REQUESTED


def test_another_instance_subscribes_to_the_log(foreign, garden):
    theirs = foreign.application()
    asked = foreign.say(theirs, "Follow", f"{garden.iri}/log")
    assert asked.status_code == 202
    row = db.session.query(Subscriber).one()
    assert (row.host, row.inbox) == (foreign.host, foreign.peer.url("/ap/log"))
    (yes,) = sent("Accept")
    assert yes["result"]["epoch"] == 1


def test_a_person_cannot_subscribe_to_the_log(foreign, garden):
    lea = foreign.person()
    foreign.say(lea, "Follow", f"{garden.iri}/log")
    assert db.session.query(Subscriber).count() == 0


def test_r35_the_log_of_a_members_only_project_is_for_hosts_with_a_member(foreign, make, ines):
    council = make.space(ines, slug="conseil", visibility=Visibility.MEMBERS)
    theirs = foreign.application()
    foreign.say(theirs, "Follow", f"{council.iri}/log")
    assert db.session.query(Subscriber).count() == 0
    foreign.member(make, council, ines)
    foreign.say(theirs, "Follow", f"{council.iri}/log")
    assert db.session.query(Subscriber).count() == 1


def test_r04_only_the_subscriber_ends_a_subscription(foreign, garden):
    theirs, lea = foreign.application(), foreign.person()
    asked = foreign.activity(theirs, "Follow", f"{garden.iri}/log")
    foreign.post(theirs, asked)
    inner = {name: asked[name] for name in ("id", "type", "object")}
    foreign.say(lea, "Undo", inner | {"actor": lea.iri})
    assert db.session.query(Subscriber).one().state == "active"
    foreign.say(theirs, "Undo", inner | {"actor": theirs.iri})
    db.session.expire_all()
    assert db.session.query(Subscriber).one().state == "ended"


def test_somebody_deletes_themselves_and_writes_no_more(foreign, garden, lea):
    foreign.say(lea, "Create", foreign.note(lea, garden))
    assert foreign.say(lea, "Delete", lea.iri).status_code == 202
    assert foreign.say(lea, "Create", foreign.note(lea, garden)).status_code == 403
    assert len(items()) == 1


def test_an_actor_s_new_name_is_believed_only_from_their_own_address(foreign, garden, lea):
    told = lea.document | {"name": "Directrice"}
    assert foreign.say(lea, "Update", told).status_code == 202
    assert actor(lea.iri).display_name == "Lea"
    foreign.peer.serve("/u/lea", lea.document | {"name": "Léa M."})
    assert foreign.say(lea, "Update", told).status_code == 202
    db.session.expire_all()
    assert actor(lea.iri).display_name == "Léa M."


def test_verbs_we_do_not_know_are_received_and_left_alone(foreign, garden, lea):
    assert foreign.say(lea, "Arrive", garden.iri).status_code == 202
    assert foreign.say(lea, "Announce", garden.iri).status_code == 202
    assert items() == []


def test_r53_the_bytes_of_what_changed_nothing_are_not_kept(foreign, garden, lea):
    filler = "a" * 100_000
    foreign.say(lea, "View", garden.iri, summary=filler)
    foreign.say(lea, "Delete", foreign.peer.url("/o/unknown"), summary=filler)
    foreign.say(lea, "Create", foreign.note(lea, garden))
    rows = db.session.query(InboxItem).filter(InboxItem.actor == lea.iri).all()
    assert [(len(row.raw) > 100, len(row.digest) > 40) for row in rows[-3:]] == [
        (False, True), (False, True), (True, True)
    ]  # fmt: skip


def test_r53_a_host_fills_only_so_much_in_a_day(foreign, federation, garden, lea):
    assert foreign.say(lea, "Create", foreign.note(lea, garden)).status_code == 202
    assert kept(federation, foreign.host) > 100
    kept(federation, foreign.host, BYTES)
    refused = foreign.say(lea, "Create", foreign.note(lea, garden))
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "60")
    assert len(items()) == 1


def test_html_of_elsewhere_is_made_safe(foreign, garden, lea):
    evil = '<p onclick="x()">Bonjour<script>alert(1)</script><img src=x onerror=y></p>'
    foreign.say(lea, "Create", foreign.note(lea, garden, content=evil))
    (item,) = items()
    assert "script" not in item.html
    assert "onclick" not in item.html
    assert "Bonjour" in item.html


SHAPES = [None, 7, [], {}, "", "x" * 3000, {"id": 3}, [{"id": "a"}], {"id": "a", "object": []}]
ODD_VERBS = [
    "Create",
    "Update",
    "Delete",
    "Like",
    "Undo",
    "Follow",
    "Offer",
    "Join",
    "Accept",
    "Grant",
]


def test_objects_of_any_shape_end_in_a_refusal_not_in_a_fault(foreign, lea):
    statuses = {
        foreign.say(lea, verb, thing, target=thing).status_code
        for verb in ODD_VERBS
        for thing in SHAPES
    }
    assert all(status < 500 for status in statuses)


def test_the_answer_to_an_offer_counts_once_and_from_the_host(foreign, house, federation, ines):
    group = foreign.person("jardin", "Group")
    space = federation.space_card(group.iri)
    offer = Offer(
        iri=f"{ORIGIN}/a/offer", space_id=space.id, actor_id=ines.id, kind="document",
        wire={}, given={}, created_at=datetime.now(UTC),
    )  # fmt: skip
    db.session.add(offer)
    db.session.commit()
    foreign.say(foreign.person("omar"), "Reject", offer.iri)
    assert offer.state == OfferState.PENDING
    clash = {"type": "https://w3id.org/project-space/v1#EditConflict", "current": "zQm"}
    said = foreign.say(group, "Reject", {"id": offer.iri}, result=clash, summary="<p>Trop tard</p>")
    assert said.status_code == 202
    db.session.expire_all()
    assert (offer.state, offer.reason) == (OfferState.CONFLICT, "Trop tard")
