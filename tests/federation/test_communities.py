"""Communities of NodeBB and PieFed are read along, and believed no further than they may be."""
# ruff: noqa: F401, F811 - fixtures are imported by their names

from __future__ import annotations

import json
from urllib.parse import urlsplit

import pytest
from federation.captured import LATER, Scene, at_home, read
from federation.hostile import hostile_peer
from federation.stage import actor, decide, federation, foreign, house, sent

from collab.federation.models import PARTIAL, Delivery, Mirror, OutboxItem
from collab.people.models import PeerState
from collab.spaces.items import react
from collab.spaces.membership import follow, unfollow
from collab.spaces.models import Follow, Item, ItemState, Reaction, Space
from collab.web.actions import perform
from collab.web.extensions import db


@pytest.fixture
def ines(house, make):
    house.runtime.clock = lambda: LATER
    return make.person("ines")


def items() -> list[Item]:
    db.session.rollback()
    return db.session.query(Item).order_by(Item.id).all()


def follow_it(scene: Scene, house, federation, ines, group: str) -> Space:
    """Inès follows the community, which says yes; the rest of what must happen happens."""
    space = federation.space_card(group)
    with house.as_(ines) as work:
        iri = follow(work, work.session.get_one(Space, space.id)).iri
    house.settle()
    asked = {"id": iri, "type": "Follow", "actor": ines.iri, "object": group}
    yes = {"id": f"{group}#accept/1", "type": "Accept", "actor": group, "object": asked}
    assert scene.deliver(yes).status_code == 202
    house.app.extensions["collab.read_along"].step()
    db.session.rollback()
    return db.session.get_one(Space, space.id)


# A category of NodeBB


@pytest.fixture
def nodebb(foreign) -> Scene:
    scene = Scene(foreign, {"https://nodebb.test": foreign.peer.origin})
    scene.meet("nodebb-actor-person")
    # Most was recorded of the first category.
    scene.homes["https://nodebb.test/category/2"] = f"{foreign.peer.origin}/category/1"
    scene.meet("nodebb-actor-group")
    return scene


@pytest.fixture
def category(nodebb, house, federation, ines) -> Space:
    return follow_it(nodebb, house, federation, ines, nodebb.foreign.peer.url("/category/1"))


def test_who_follows_a_community_takes_part_in_it(category, ines, house):
    (asked,) = sent("Follow")
    assert (asked["actor"], asked["object"]) == (ines.iri, category.iri)
    assert db.session.get(Mirror, category.id).state == PARTIAL
    page = house.client().get(f"/p/{category.address}").get_data(as_text=True)
    assert "Copie partielle" in page


def test_a_subject_and_its_answer_are_read_along(nodebb, category):
    assert nodebb.say("nodebb-Announce-Create-Article-byGroup").status_code == 202
    assert nodebb.say("nodebb-Announce-Create-Note-byGroup").status_code == 202
    topic, answer = items()
    assert (topic.kind, topic.title) == ("thread", "Bench topic")
    assert answer.thread.id == topic.id
    assert answer.author.iri == at_home(nodebb, "https://nodebb.test/uid/2")
    assert answer.state == ItemState.CONFIRMED


def test_both_forms_of_an_announcement_make_one_subject(nodebb, category):
    nodebb.say("nodebb-Announce-Article-byGroup")
    nodebb.say("nodebb-Announce-Create-Article-byGroup")
    assert len(items()) == 1


def test_an_edit_is_applied(nodebb, category):
    nodebb.say("nodebb-Announce-Update-Article-byGroup")
    (topic,) = items()
    edited = nodebb.here(read("nodebb-Announce-Update-Article-byGroup").body)["object"]["object"]
    assert topic.title == edited["name"]


def test_what_the_community_deletes_is_gone_from_the_copy(nodebb, category):
    nodebb.say("nodebb-Announce-Create-Article-byGroup")
    (topic,) = items()
    told = nodebb.here(read("nodebb-Announce-Delete-byGroup").body)
    told["object"]["object"] = topic.iri
    assert nodebb.deliver(told).status_code == 202
    assert items()[0].withdrawn_at is not None


def test_likes_are_counted_and_taken_back(nodebb, category):
    nodebb.say("nodebb-Announce-Create-Article-byGroup")
    (topic,) = items()
    also = {"https://fedify.test/users/alice/notes/4d393608-708d-4348-9670-698048a4f337": topic.iri}
    assert nodebb.say("nodebb-Announce-Like-byGroup", also).status_code == 202
    assert db.session.query(Reaction).count() == 1
    assert nodebb.say("nodebb-Announce-Undo-Like-byGroup", also).status_code == 202
    assert db.session.query(Reaction).count() == 0


NOTE = "https://fedify.test/users/alice/notes/4d393608-708d-4348-9670-698048a4f337"


@pytest.fixture
def fedify(nodebb, category):
    """Where alice is, whose words and deeds in the category it passes on; her host serves them."""
    with hostile_peer() as other:
        nodebb.homes |= {
            "https://fedify.test": other.origin,
            "https://nodebb.test/post/3": nodebb.foreign.peer.url("/post/6"),
        }
        nodebb.meet("fedify-actor-person", other)
        for name in ("Update-Note", "Like-Article", "Note"):
            act = nodebb.here(read(f"nodebb-Announce-{name}-byGroup").body)["object"]
            thing = act if name != "Update-Note" else act["object"]
            other.serve(urlsplit(thing["id"]).path, thing)
        assert nodebb.say("nodebb-Announce-Create-Article-byGroup").status_code == 202
        yield other


def test_an_answer_from_a_third_host_its_edit_and_its_deletion(nodebb, fedify):
    """R48: the Update comes first."""
    assert nodebb.say("nodebb-Announce-Update-Note-byGroup").status_code == 202
    topic, answer = items()
    assert (answer.iri, answer.thread.id) == (at_home(nodebb, NOTE), topic.id)
    assert "edited" in answer.html
    assert answer.author.iri == fedify.url("/users/alice")
    assert nodebb.say("nodebb-Announce-Delete-Tombstone-byGroup").status_code == 202
    assert items()[1].withdrawn_at is not None


def test_a_like_from_a_third_host_is_counted_once_that_host_says_so(nodebb, fedify):
    told = nodebb.here(read("nodebb-Announce-Like-Article-byGroup").body)
    path = urlsplit(told["object"]["id"]).path
    served = fedify.answers.pop(path)
    assert nodebb.deliver(told).status_code == 202
    assert db.session.query(Reaction).count() == 0
    fedify.answers[path] = served
    assert nodebb.deliver(told | {"id": f"{told['id']}/2"}).status_code == 202
    db.session.rollback()
    (topic,) = items()
    assert db.session.query(Reaction).one().item_id == topic.id


def test_a_note_that_names_no_community_is_not_taken_because_one_lists_it(nodebb, fedify):
    """R15: its author wrote it for nobody in particular, and may not know of the community."""
    before = [item.iri for item in items()]
    assert nodebb.say("nodebb-Announce-Note-byGroup").status_code == 202
    assert [item.iri for item in items()] == before


def test_without_a_follower_here_nothing_is_taken_or_fetched(nodebb, category, house, ines):
    with house.as_(ines) as work:
        unfollow(work, work.session.get_one(Space, category.id))
    before = len(nodebb.foreign.peer.asked)
    assert nodebb.say("nodebb-Announce-Create-Article-byGroup").status_code == 202
    assert items() == []
    assert len(nodebb.foreign.peer.asked) == before


def test_our_answer_goes_to_the_community_and_stands_once_it_is_taken(
    nodebb, category, house, ines
):
    nodebb.say("nodebb-Announce-Create-Article-byGroup")
    (topic,) = items()
    uid = perform(
        ines, category.address, "discussion", "post", {"thread": topic.uid, "body": "Bien."}
    )
    house.settle()
    (told,) = [one for one in sent("Create") if one["actor"] == ines.iri]
    assert told["object"]["inReplyTo"] == topic.iri
    assert category.iri in told["cc"]
    assert told["audience"] == category.iri
    (delivery,) = (
        db.session.query(Delivery)
        .join(OutboxItem)
        .filter(OutboxItem.activity_id == told["id"])
        .all()
    )
    assert delivery.inbox == category.actor.inbox
    answer = db.session.query(Item).filter_by(uid=uid).one()
    assert answer.state == ItemState.PENDING
    delivery.state = "done"
    db.session.commit()
    house.app.extensions["collab.read_along"].step()
    db.session.refresh(answer)
    assert answer.state == ItemState.CONFIRMED


def test_r11_words_of_another_host_are_taken_from_that_host_alone(nodebb, category):
    """A community says something of somebody elsewhere: only what their own host says counts."""
    with hostile_peer() as other:
        scene = Scene(nodebb.foreign, {"https://fedify.test": other.origin})
        alice = scene.meet("fedify-actor-person", other)
        note = {
            "id": other.url("/users/alice/notes/1"),
            "type": "Note",
            "attributedTo": alice.iri,
            "name": "Semis",
            "content": "<p>Ce qu’elle a dit</p>",
            "to": ["https://www.w3.org/ns/activitystreams#Public"],
            "cc": [category.iri],
            "published": "2026-11-21T21:00:00Z",
        }
        other.serve("/users/alice/notes/1", note)
        forged = note | {"content": "<p>Mis dans sa bouche</p>"}
        inner = {"id": f"{note['id']}#create", "type": "Create", "actor": alice.iri}
        told = nodebb.here(read("nodebb-Announce-Create-Note-byGroup").body)
        assert nodebb.deliver(told | {"object": inner | {"object": forged}}).status_code == 202
        (item,) = items()
        assert "Ce qu’elle a dit" in item.html
        like = {"id": other.url("/likes/1"), "type": "Like", "actor": alice.iri, "object": item.iri}
        told = nodebb.here(read("nodebb-Announce-Like-byGroup").body)
        assert nodebb.deliver(told | {"object": like}).status_code == 202
        assert db.session.query(Reaction).count() == 0


def test_r15_a_community_speaks_for_nothing_that_is_not_in_it(nodebb, category):
    told = nodebb.here(read("nodebb-Announce-Create-Article-byGroup").body)
    topic = told["object"]["object"]
    elsewhere = nodebb.foreign.peer.url("/category/9")
    topic |= {"audience": elsewhere, "to": [topic["to"][0], elsewhere]}
    assert nodebb.deliver(told).status_code == 202
    assert items() == []
    nested = told | {"id": f"{told['id']}/2", "object": told}
    assert nodebb.deliver(nested).status_code == 400


def test_r15_a_community_deletes_nothing_of_a_project_of_ours(nodebb, category, make, ines):
    make.space(ines)
    uid = perform(ines, "jardin", "discussion", "open", {"title": "Ici", "body": "Chez nous."})
    own = db.session.query(Item).filter_by(uid=uid).one()
    told = nodebb.here(read("nodebb-Announce-Delete-byGroup").body)
    told["object"]["object"] = own.iri
    assert nodebb.deliver(told).status_code == 202
    db.session.refresh(own)
    assert own.withdrawn_at is None


@pytest.mark.parametrize("odd", [["Create"], {"a": 1}, 7, None])
def test_what_is_passed_on_without_a_single_type_has_no_effect(nodebb, category, odd):
    told = nodebb.here(read("nodebb-Announce-Create-Article-byGroup").body)
    told["object"]["type"] = odd
    assert nodebb.deliver(told).status_code == 202
    assert items() == []


def test_r16_another_actor_of_the_same_host_cannot_announce_for_it(nodebb, category):
    told = nodebb.here(read("nodebb-Announce-Create-Article-byGroup").body)
    nora = nodebb.people[at_home(nodebb, "https://nodebb.test/uid/2")]
    assert nodebb.foreign.post(nora, told, at=LATER).status_code == 401
    told["actor"] = nora.iri
    assert nodebb.foreign.post(nora, told, at=LATER).status_code == 202
    assert items() == []


def test_r17_nothing_passed_on_changes_a_profile(nodebb, category):
    nodebb.say("nodebb-Announce-Create-Article-byGroup")
    nora = nodebb.people[at_home(nodebb, "https://nodebb.test/uid/2")]
    told = nodebb.here(read("nodebb-Announce-Update-Article-byGroup").body)
    told["object"]["object"] = nora.document | {"name": "Usurpée"}
    assert nodebb.deliver(told).status_code == 202
    db.session.rollback()
    assert actor(nora.iri).display_name == "nora"


def test_nobody_puts_words_into_the_mouth_of_people_of_here(nodebb, category, ines):
    told = nodebb.here(read("nodebb-Announce-Create-Article-byGroup").body)
    told["object"]["actor"] = told["object"]["object"]["attributedTo"] = ines.iri
    assert nodebb.deliver(told).status_code == 202
    assert items() == []


def test_the_recorded_yes_of_a_category_starts_the_look_back(nodebb, house, federation, ines):
    outbox = nodebb.here(read("nodebb-outbox-group").body)
    nodebb.foreign.peer.serve("/category/1/outbox", outbox)
    group = nodebb.foreign.peer.url("/category/1")
    space = federation.space_card(group)
    with house.as_(ines) as work:
        iri = follow(work, work.session.get_one(Space, space.id)).iri
    told = nodebb.here(read("nodebb-Accept-Follow-byGroup").body)
    told["object"] |= {"id": iri, "actor": ines.iri}
    assert nodebb.deliver(told).status_code == 202
    house.app.extensions["collab.read_along"].step()
    titles = [item.title for item in items() if item.kind == "thread"]
    nora = at_home(nodebb, "https://nodebb.test/uid/2")  # of the others no actor was recorded
    told = [
        one["object"]["object"] for one in outbox["orderedItems"] if dict is type(one["object"])
    ]
    hers = {one["name"] for one in told if one["attributedTo"] == nora and "inReplyTo" not in one}
    assert sorted(titles) == sorted(hers)
    assert len(titles) > 1


# A community of PieFed


@pytest.fixture
def piefed(foreign) -> Scene:
    scene = Scene(foreign, {"https://piefed.test": foreign.peer.origin})
    scene.meet("piefed-get-person")
    scene.meet("piefed-get-group")
    return scene


def test_what_was_there_before_is_looked_through(piefed, house, federation, ines):
    """The outbox of the recorded community; what Takahe's dead host holds is left out."""
    outbox = piefed.serve("piefed-get-group-outbox")
    assert len(outbox["orderedItems"]) == 4
    group = piefed.foreign.peer.url("/c/testcomm")
    follow_it(piefed, house, federation, ines, group)
    (first,) = items()
    assert (first.title, first.kind) == ("First post", "thread")


def test_a_page_its_comment_and_the_rest_of_a_day(piefed, house, federation, ines):
    group = piefed.foreign.peer.url("/c/testcomm")
    follow_it(piefed, house, federation, ines, group)
    for name in (
        "piefed-post-Announce-Create-Page",
        "piefed-post-Announce-Create-Note-reply",
        "piefed-post-Announce-Update-Page",
    ):
        assert piefed.say(name).status_code == 202
    page, comment = items()
    assert page.title.startswith("Post edited")
    assert comment.thread.id == page.id
    assert piefed.say("piefed-post-Announce-Delete-uri").status_code == 202
    assert items()[0].withdrawn_at is not None


TAKAHE = "https://takahe.test/@alice@takahe.test/posts/647079831319389384/"


@pytest.fixture
def subject(piefed, house, federation, ines) -> dict[str, str]:
    """A page of the community: what the recorded votes and marks are about, if not it already."""
    follow_it(piefed, house, federation, ines, piefed.foreign.peer.url("/c/testcomm"))
    piefed.say("piefed-post-Announce-Create-Page")
    (found,) = items()
    return {TAKAHE: found.iri}


def test_a_vote_up_is_counted_and_taken_back(piefed, subject):
    assert piefed.say("piefed-post-Announce-Like-uri", subject).status_code == 202
    assert db.session.query(Reaction).one().item_id == items()[0].id
    assert piefed.say("piefed-post-Announce-Undo-Like").status_code == 202
    assert db.session.query(Reaction).count() == 0


@pytest.mark.parametrize(
    "name",
    [
        "piefed-post-Announce-Dislike-uri",
        "piefed-post-Announce-Lock-uri",
        "piefed-post-Announce-Add-uri",
    ],
)
def test_a_vote_down_a_lock_and_a_mark_change_nothing_here(piefed, subject, name):
    (before,) = [(one.revision, one.pinned_at, one.withdrawn_at) for one in items()]
    assert piefed.say(name, subject).status_code == 202
    assert [(one.revision, one.pinned_at, one.withdrawn_at) for one in items()] == [before]
    assert db.session.query(Reaction).count() == 0


def test_an_edit_counts_once_the_community_passes_it_on_not_when_its_author_sends_it(
    piefed, subject
):
    told = piefed.here(read("piefed-post-Update-Page").body)
    page = told["object"]
    piefed.foreign.peer.serve(urlsplit(page["id"]).path, page | {"name": "Avant"})
    piefed.say("piefed-post-Announce-uri")
    assert items()[-1].title == "Avant"
    assert piefed.say("piefed-post-Update-Page").status_code == 202
    assert items()[-1].title == "Avant"
    assert piefed.say("piefed-post-Announce-Update-Page", object=told).status_code == 202
    assert items()[-1].title == page["name"]


def test_the_bare_announcement_is_read_at_its_own_address(piefed, house, federation, ines):
    group = piefed.foreign.peer.url("/c/testcomm")
    follow_it(piefed, house, federation, ines, group)
    page = piefed.serve("piefed-get-page")
    assert piefed.say("piefed-post-Announce-uri", object=page["id"]).status_code == 202
    (found,) = items()
    assert (found.iri, found.title) == (page["id"], "First post")


@pytest.mark.parametrize("state", [PeerState.KNOWN, PeerState.BLOCKED])
def test_r54_a_page_at_a_blocked_host_is_not_asked_for(piefed, house, federation, ines, state):
    peer = piefed.foreign.peer
    with hostile_peer() as other:
        decide(f"127.0.0.1:{other.port}", state)
        listed = {"type": "OrderedCollection", "first": other.url("/pages/1")}
        peer.serve("/c/testcomm/outbox", listed | {"id": peer.url("/c/testcomm/outbox")})
        follow_it(piefed, house, federation, ines, peer.url("/c/testcomm"))
        assert ("/pages/1" in other.targets()) == (state == PeerState.KNOWN)


def test_r29_an_endless_community_costs_no_more_than_thirty_requests(
    piefed, house, federation, ines
):
    peer = piefed.foreign.peer
    group = peer.url("/c/testcomm")
    for number in range(40):
        page = {
            "id": peer.url(f"/pages/{number}"),
            "type": "OrderedCollectionPage",
            "next": peer.url(f"/pages/{number + 1}"),
            "orderedItems": [peer.url(f"/notes/{number}-{n}") for n in range(5)],
        }
        peer.serve(f"/pages/{number}", page)
    first = {"id": peer.url("/c/testcomm/outbox"), "first": peer.url("/pages/0")}
    peer.serve("/c/testcomm/outbox", first | {"type": "OrderedCollection"})
    federation.space_card(group)
    before = len(peer.asked)
    follow_it(piefed, house, federation, ines, group)
    asked = [one.target for one in peer.asked[before:]]
    assert 10 < len([one for one in asked if one.startswith(("/pages", "/notes"))]) <= 30
