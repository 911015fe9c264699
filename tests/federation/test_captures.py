"""What people of PieFed, NodeBB, Takahe and Fedify do has the effect they expect."""
# ruff: noqa: F401, F811 - fixtures are imported by their names

from __future__ import annotations

import ast
import json
from datetime import timedelta
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from federation.captured import HERE, LATER, Scene, at_home, read
from federation.hostile import hostile_peer
from federation.stage import Foreign, Person, actor, federation, foreign, house, rsa_key, sent

from collab.federation.actors import read_actor
from collab.federation.keys import SigningKey, public_pem
from collab.federation.signatures import Refused, verify
from collab.spaces.models import (
    Follow,
    Item,
    JoinPolicy,
    Membership,
    MembershipState,
    Reaction,
    Report,
    Space,
)
from collab.spaces.reports import MakeReport, make_report
from collab.web.actions import perform
from collab.web.extensions import db

CLUB = "https://attacker.test/r/6a4a58/club"


@pytest.fixture
def ines(house, make):
    house.runtime.clock = lambda: LATER
    return make.person("ines")


@pytest.fixture
def garden(make, ines) -> Space:
    """A public project that anybody may join."""
    space = make.space(ines)
    space.join_policy = JoinPolicy.OPEN
    db.session.commit()
    return space


@pytest.fixture
def thread(house, ines, garden) -> Item:
    house.runtime.clock = lambda: LATER - timedelta(hours=4)
    given = {"title": "Une cuve", "body": "Qui a une cuve ?"}
    uid = perform(ines, "jardin", "discussion", "open", given)
    house.runtime.clock = lambda: LATER
    return db.session.query(Item).filter_by(uid=uid).one()


def other_id(scene: Scene) -> str:
    """What was recorded once is said twice."""
    return scene.foreign.peer.url(f"/activities/{uuid4()}")


def item(iri: str) -> Item | None:
    db.session.rollback()
    return db.session.query(Item).filter_by(iri=iri).one_or_none()


def page(house, thread: Item) -> str:
    return house.client().get(f"/p/jardin/discussion/{thread.uid}/").get_data(as_text=True)


# PieFed, to a Group of elsewhere: `piefed-togroup-*`


@pytest.fixture
def piefed(foreign, garden) -> Scene:
    scene = Scene(foreign, {"https://piefed.test": foreign.peer.origin, CLUB: garden.iri})
    scene.meet("piefed-get-person")
    return scene


POST = "https://piefed.test/c/club_6a4a58/p/133/from-piefed-to-our-group"
COMMENT = "https://piefed.test/comment/841"


def test_piefed_follows_a_project_and_stops(piefed, garden):
    assert piefed.say("piefed-togroup-Follow-uri").status_code == 202
    assert db.session.query(Follow).count() == 1
    (yes,) = sent("Accept")
    assert (
        yes["object"]["id"]
        == "https://piefed.test/activities/follow/".replace(
            "https://piefed.test", piefed.foreign.peer.origin
        )
        + yes["object"]["id"].rpartition("/")[2]
    )
    assert piefed.say("piefed-togroup-Undo-Follow").status_code == 202
    assert db.session.query(Follow).count() == 0


def test_a_page_addressed_to_the_group_becomes_a_thread(piefed, garden):
    assert piefed.say("piefed-togroup-Create-Page").status_code == 202
    opened = item(at_home(piefed, POST))
    assert (opened.kind, opened.title) == ("thread", "From PieFed to our group")
    assert "<strong>body</strong> text" in opened.html
    assert opened.author.iri == at_home(piefed, "https://piefed.test/u/padmin")


def test_a_comment_its_edit_its_deletion_and_its_return(piefed, house, garden):
    piefed.say("piefed-togroup-Create-Page")
    assert piefed.say("piefed-togroup-Create-Note-reply").status_code == 202
    comment = item(at_home(piefed, COMMENT))
    assert comment.thread.iri == at_home(piefed, POST)
    assert "a comment" in page(house, comment.thread)
    assert piefed.say("piefed-togroup-Update-Note-reply").status_code == 202
    assert "edited comment" in item(comment.iri).html
    assert piefed.say("piefed-togroup-Delete-uri").status_code == 202
    assert item(comment.iri).withdrawn_at is not None
    assert piefed.say("piefed-togroup-Undo-Delete").status_code == 202
    assert item(comment.iri).withdrawn_at is None


def test_an_edit_of_the_page_is_applied(piefed, garden):
    piefed.say("piefed-togroup-Create-Page")
    assert piefed.say("piefed-togroup-Update-Page").status_code == 202
    told = piefed.here(read("piefed-togroup-Update-Page").body)["object"]
    changed = item(told["id"])
    assert changed.revision == 2
    assert changed.title == told["name"]


def test_a_vote_down_is_taken_and_counted_nowhere(piefed, garden):
    piefed.say("piefed-togroup-Create-Page")
    assert piefed.say("piefed-togroup-Dislike-uri").status_code == 202
    assert piefed.say("piefed-togroup-Undo-Dislike").status_code == 202
    assert db.session.query(Reaction).count() == 0


def test_a_report_reaches_those_who_facilitate(piefed, garden):
    piefed.say("piefed-togroup-Create-Page")
    opened = item(at_home(piefed, POST))
    assert piefed.say("piefed-togroup-Flag-uri").status_code == 202
    (report,) = db.session.query(Report)
    assert (report.item_id, report.space_id) == (opened.id, garden.id)
    assert (report.from_host, report.words) == (piefed.foreign.host, "spam")


def test_a_report_that_is_sent_to_followers_is_one_of_what_it_names(piefed, garden, thread):
    told = "https://takahe.test/@alice@takahe.test/posts/647078193183437344/"
    assert piefed.say("piefed-post-Flag-uri").status_code == 202
    assert db.session.query(Report).count() == 0, "what it names is not known here"
    known = {told: thread.iri}
    assert piefed.say("piefed-post-Flag-uri", known, id=other_id(piefed)).status_code == 202
    (report,) = db.session.query(Report)
    assert (report.item_id, report.words) == (thread.id, "spam")


def test_a_yes_of_piefed_to_what_nobody_of_here_asked_changes_nothing(piefed, ines):
    asked = {"https://takahe.test/@alice@takahe.test/": ines.iri}
    assert piefed.say("piefed-post-Accept-Follow-uri", asked).status_code == 202
    assert db.session.query(Follow).count() == 0


def test_whom_the_project_sent_away_does_not_come_back_by_writing(piefed, make, ines, garden):
    """R18: an open project is open to who was not removed from it."""
    piefed.say("piefed-togroup-Create-Page")
    padmin = actor(at_home(piefed, "https://piefed.test/u/padmin"))
    db.session.add(
        Membership(
            space_id=garden.id, actor_id=padmin.id, state=MembershipState.REMOVED, since=LATER
        )
    )
    db.session.commit()
    assert piefed.say("piefed-togroup-Create-Note-reply").status_code == 403
    assert item(at_home(piefed, COMMENT)) is None


def test_in_a_project_that_asks_first_a_stranger_does_not_write(piefed, garden):
    garden.join_policy = JoinPolicy.REQUEST
    db.session.commit()
    assert piefed.say("piefed-togroup-Create-Page").status_code == 403
    assert item(at_home(piefed, POST)) is None


# Takahe, a microblog: it mentions a Group


@pytest.fixture
def takahe(foreign, garden, ines, thread) -> Scene:
    homes = {
        "https://takahe.test": foreign.peer.origin,
        "https://piefed.test/c/testcomm": garden.iri,
        "https://piefed.test/c/testcomm/p/3/post-1795295764": thread.iri,
        "https://piefed.test/u/padmin": ines.iri,
    }
    scene = Scene(foreign, homes)
    scene.meet("takahe-get-person")
    return scene


def said(scene: Scene, name: str) -> Item:
    """Deliver a Create that is let in; what has come of it."""
    assert scene.say(name).status_code == 202
    found = item(scene.here(read(name).body)["object"]["id"])
    assert found is not None
    return found


def test_a_note_that_mentions_the_project_opens_a_thread(takahe, house):
    opened = said(takahe, "takahe-post-Create-Note")
    assert opened.kind == "thread"
    assert opened.title
    assert page(house, opened).count("Alice 1795296253") >= 1


def test_a_warning_is_shown_before_its_text(takahe):
    opened = said(takahe, "takahe-post-Create-Note-cw")
    assert opened.html.startswith("<p><strong>warning</strong></p>")


def test_a_picture_is_a_link_that_says_its_host(takahe):
    opened = said(takahe, "takahe-post-Create-Note-attachment")
    host = takahe.foreign.peer.origin.partition("//")[2].partition(":")[0]
    assert f">a red box ({host})</a>" in opened.html
    assert "<img" not in opened.html


def test_a_poll_shows_its_choices(takahe):
    opened = said(takahe, "takahe-post-Create-Question")
    assert "<li>one</li>" in opened.html
    assert "<li>two</li>" in opened.html


def test_takahe_answers_edits_and_deletes(takahe, thread):
    reply = said(takahe, "takahe-post-Create-Note-reply")
    assert reply.thread.id == thread.id
    assert takahe.say("takahe-post-Update-Note-reply").status_code == 202
    assert "Edited reply" in item(reply.iri).html
    assert takahe.say("takahe-post-Delete-Note-reply").status_code == 202
    assert item(reply.iri).withdrawn_at is not None


def test_takahe_likes_and_thinks_better_of_it(takahe):
    assert takahe.say("takahe-post-Like-uri").status_code == 202
    assert db.session.query(Reaction).count() == 1
    assert takahe.say("takahe-post-Undo-Like-uri").status_code == 202
    assert db.session.query(Reaction).count() == 0


def test_a_boost_of_ours_changes_nothing(takahe, thread):
    assert takahe.say("takahe-post-Announce-uri").status_code == 202
    assert item(thread.iri).revision == 1


def test_following_a_person_is_answered_with_a_no(takahe, ines):
    assert takahe.say("takahe-post-Follow-uri").status_code == 202
    (no,) = sent("Reject")
    assert no["actor"] == ines.iri
    assert db.session.query(Follow).count() == 0


# NodeBB, a forum


@pytest.fixture
def nodebb(foreign, garden, ines, thread) -> Scene:
    homes = {
        "https://nodebb.test": foreign.peer.origin,
        "https://nodebb.test/category/1": garden.iri,
        "https://nodebb.test/category/4": garden.iri,
        "https://nodebb.test/post/80": thread.iri,
        "https://fedify.test/users/alice": ines.iri,
        "https://fedify.test/users/alice/notes/4d393608-708d-4348-9670-698048a4f337": thread.iri,
    }
    scene = Scene(foreign, homes)
    scene.meet("nodebb-actor-person")
    return scene


def test_an_article_to_the_project_becomes_a_thread(nodebb):
    opened = said(nodebb, "nodebb-Create-Article")
    assert (opened.kind, opened.title) == ("thread", "Bench topic")
    assert "<li>one</li>" in opened.html


def test_a_forum_reply_lands_in_our_thread(nodebb, thread):
    reply = said(nodebb, "nodebb-Create-Note")
    assert reply.thread.id == thread.id
    assert "latency probe" in reply.html


def test_a_private_message_is_shown_to_nobody(nodebb):
    assert nodebb.say("nodebb-Create-Note-direct").status_code == 404
    assert db.session.query(Item).count() == 1


def test_a_private_answer_in_a_public_thread_stays_out(nodebb, thread):
    told = nodebb.here(read("nodebb-Create-Note-direct").body)
    told["object"]["inReplyTo"] = thread.iri
    assert nodebb.deliver(told).status_code == 403
    assert item(told["object"]["id"]) is None


def test_an_edited_article_is_applied_and_created_if_it_was_unknown(nodebb):
    """R48: the Update comes first."""
    also = {"https://nodebb.test/category/2": nodebb.homes["https://nodebb.test/category/4"]}
    assert nodebb.say("nodebb-Update-Article", also).status_code == 202
    told = nodebb.here(read("nodebb-Update-Article").body, also)
    assert "Edited topic body" in item(told["object"]["id"]).html


def test_r46_a_like_with_the_same_id_after_its_undo_counts_again(nodebb, house):
    """Trait 2: NodeBB names every like of a post by a person alike."""
    clock = [LATER]
    house.runtime.clock = lambda: clock[0]
    for turn in range(2):
        assert nodebb.say("nodebb-Like").status_code == 202
        assert db.session.query(Reaction).count() == 1, turn
        clock[0] += timedelta(minutes=1)
        undo = read("nodebb-Undo-Like").body["id"] + str(turn)
        told = nodebb.here(read("nodebb-Undo-Like").body)
        assert nodebb.deliver(told | {"id": nodebb.here({"id": undo})["id"]}).status_code == 202
        assert db.session.query(Reaction).count() == 0
        clock[0] += timedelta(minutes=1)


def test_r46_the_former_like_sent_once_more_after_its_undo_does_not_count(nodebb, house):
    like = nodebb.here(read("nodebb-Like").body)
    signer, body = nodebb.people[like["actor"]], json.dumps(like).encode()
    assert nodebb.foreign.post(signer, body, at=LATER).status_code == 202
    house.runtime.clock = lambda: LATER + timedelta(minutes=5)
    nodebb.say("nodebb-Undo-Like")
    house.runtime.clock = lambda: LATER + timedelta(minutes=6)
    assert nodebb.foreign.post(signer, body, at=LATER).status_code == 202
    assert db.session.query(Reaction).count() == 0
    again = LATER + timedelta(minutes=6)
    assert nodebb.foreign.post(signer, body, at=again).status_code == 202
    assert db.session.query(Reaction).count() == 1


def test_a_deletion_by_bare_id_is_applied(nodebb, thread):
    reply = said(nodebb, "nodebb-Create-Note")
    assert nodebb.say("nodebb-Delete", object=reply.iri).status_code == 202
    assert item(reply.iri).withdrawn_at is not None


def moderator(scene: Scene):
    """Somebody else of the forum, with a key of their own."""
    document = scene.here(read("nodebb-actor-person").body)
    iri = scene.foreign.peer.url("/uid/1")
    told = json.loads(json.dumps(document).replace(document["id"], iri))
    rsa = SigningKey(f"{iri}#key", "rsa", rsa_key("moderator"))
    told["publicKey"]["publicKeyPem"] = public_pem(rsa.key.public_key())
    scene.foreign.peer.serve("/uid/1", told | {"preferredUsername": "moderatrice"})
    return Person(iri, rsa, rsa, told)


def test_r04_a_moderator_s_deletion_holds_once_the_text_is_really_gone(nodebb, thread):
    """Trait 4: signed with the moderator's key, in the author's name."""
    reply = said(nodebb, "nodebb-Create-Note")
    told = nodebb.here(read("nodebb-Delete").body) | {"object": reply.iri}
    signer, peer = moderator(nodebb), nodebb.foreign.peer
    peer.serve("/post/160", {"id": reply.iri, "type": "Note"})
    assert nodebb.foreign.post(signer, told, at=LATER).status_code == 401
    assert item(reply.iri).withdrawn_at is None
    peer.answers.pop("/post/160")
    assert nodebb.foreign.post(signer, told, at=LATER).status_code == 202
    assert item(reply.iri).withdrawn_at is not None


def test_r04_gone_at_home_lets_nobody_of_another_host_delete(nodebb, thread):
    reply = said(nodebb, "nodebb-Create-Note")
    told = nodebb.here(read("nodebb-Delete").body) | {"object": reply.iri}
    with hostile_peer() as other:
        stranger = Foreign(other, nodebb.foreign.house).person("omar")
        assert nodebb.foreign.post(stranger, told, at=LATER).status_code == 401
    assert item(reply.iri).withdrawn_at is None


def test_a_changed_profile_is_read_anew_from_its_own_address(nodebb):
    nodebb.say("nodebb-Like")
    nora = nodebb.people[at_home(nodebb, "https://nodebb.test/uid/2")]
    nodebb.foreign.peer.serve("/uid/2", nora.document | {"name": "Nora Nouvelle"})
    told = nodebb.here(read("nodebb-Update-Person").body)
    told["object"]["name"] = "Menti"
    assert nodebb.deliver(told).status_code == 202
    db.session.rollback()
    assert actor(nora.iri).display_name == "Nora Nouvelle"


@pytest.mark.parametrize("name", ["nodebb-Move", "nodebb-Remove"])
def test_a_forum_tidying_itself_changes_nothing_here(nodebb, name, thread):
    nora = nodebb.people[at_home(nodebb, "https://nodebb.test/uid/2")]
    assert nodebb.say(name, actor=nora.iri).status_code == 202
    assert item(thread.iri).withdrawn_at is None


def test_a_forum_s_user_follows_a_project_and_stops(nodebb, garden):
    also = {"https://fedify.test/users/alice": garden.iri}
    assert nodebb.say("nodebb-Follow", also).status_code == 202
    (follow,) = db.session.query(Follow)
    assert follow.actor.iri == at_home(nodebb, "https://nodebb.test/uid/2")
    (yes,) = sent("Accept")
    assert (yes["actor"], yes["object"]["id"]) == (garden.iri, follow.iri)
    assert nodebb.say("nodebb-Undo-Follow", also).status_code == 202
    assert db.session.query(Follow).count() == 0


def test_a_forum_s_user_who_follows_a_person_is_told_no(nodebb, ines):
    assert nodebb.say("nodebb-Follow").status_code == 202
    (no,) = sent("Reject")
    assert (no["actor"], no["object"]["type"]) == (ines.iri, "Follow")
    assert db.session.query(Follow).count() == 0


def test_a_category_follows_a_project_and_stops(nodebb, garden):
    scene = Scene(nodebb.foreign, {"https://nodebb.test": nodebb.foreign.peer.origin})
    group = scene.meet("nodebb-actor-group")
    also = {"https://fedify.test/users/alice": garden.iri}
    assert scene.say("nodebb-Follow-byGroup", also).status_code == 202
    assert db.session.query(Follow).one().actor.iri == group.iri
    (yes,) = sent("Accept")
    assert yes["actor"] == garden.iri
    assert scene.say("nodebb-Undo-Follow-byGroup", also).status_code == 202
    assert db.session.query(Follow).count() == 0


def test_a_yes_to_what_nobody_of_here_asked_changes_nothing(nodebb, ines):
    assert nodebb.say("nodebb-Accept-Follow").status_code == 202
    assert db.session.query(Follow).count() == 0


def test_a_forum_s_no_to_a_report_changes_nothing(nodebb, thread, house, make):
    with house.as_(make.person("nour")) as work:
        make_report(work, thread.space, thread, MakeReport(reason="spam"))
    scene = Scene(nodebb.foreign, nodebb.homes | {"https://nodebb.test/post/3": thread.iri})
    scene.meet("nodebb-actor-application")
    assert scene.say("nodebb-Reject-Flag").status_code == 202
    db.session.rollback()
    (report,) = db.session.query(Report)
    assert (report.state, report.answer) == ("open", "")
    assert item(thread.iri).withdrawn_at is None


def test_odd_members_of_an_undone_boost_are_survived(nodebb, garden):
    """Trait 3: whole numbers where addresses are due."""
    homes = {"https://nodebb.test": nodebb.foreign.peer.origin}
    scene = Scene(nodebb.foreign, homes)
    group = scene.meet("nodebb-actor-group")
    assert scene.say("nodebb-Undo-Announce-byGroup").status_code == 202
    assert actor(group.iri).kind == "group"


# Fedify


@pytest.fixture
def fedify(foreign, garden, ines, thread) -> Scene:
    homes = {
        "https://fedify.test": foreign.peer.origin,
        "https://fedify2.test": foreign.peer.origin,
        "https://nodebb.test/uid/2": ines.iri,
        "https://nodebb.test/post/3": thread.iri,
        "https://apbot.test/user/back": garden.iri,
    }
    scene = Scene(foreign, homes)
    scene.meet("fedify-actor-person")
    return scene


def unproven(told: dict) -> dict:
    """Without the recorded proofs, which are of the recorded addresses."""
    return {name: value for name, value in told.items() if name not in ("proof", "signature")}


def say_again(scene: Scene, name: str, also: dict[str, str] | None = None) -> dict:
    """Deliver what was recorded of Fedify, in the scheme that it was recorded in."""
    told = unproven(scene.here(read(name).body, also))
    if told["actor"] not in scene.people:
        scene.people[told["actor"]] = somebody(scene, told["actor"])
    assert scene.deliver(told, scheme=name.rpartition("-")[2]).status_code == 202, name
    return told


@pytest.mark.parametrize("name", ["fedify-Follow-cavage", "fedify-Follow-rfc9421"])
def test_fedify_follows(fedify, garden, name):
    told = say_again(fedify, name, {"https://nodebb.test/category/1": garden.iri})
    assert db.session.query(Follow).one().iri == told["id"]
    (yes,) = sent("Accept")
    assert (yes["actor"], yes["object"]["id"]) == (garden.iri, told["id"])


@pytest.mark.parametrize(
    ("name", "followed"),
    [
        ("fedify-Undo-Follow-cavage", "https://nodebb.test/category/2"),
        ("fedify-Undo-Follow-rfc9421", "https://fedify2.test/users/bob"),
    ],
)
def test_fedify_follows_no_more(fedify, garden, name, followed):
    told = unproven(fedify.here(read(name).body, {followed: garden.iri}))
    who = fedify.people[told["actor"]] = somebody(fedify, told["actor"])
    asked = {"@context": told["@context"]} | told["object"]
    assert fedify.foreign.post(who, asked, at=LATER).status_code == 202
    assert db.session.query(Follow).one().actor.iri == who.iri
    say_again(fedify, name, {followed: garden.iri})
    assert db.session.query(Follow).count() == 0


@pytest.mark.parametrize("name", ["fedify-Like-cavage", "fedify-Like-rfc9421"])
def test_fedify_likes_and_takes_back(fedify, thread, name):
    say_again(fedify, name)
    assert db.session.query(Reaction).one().item_id == thread.id
    say_again(fedify, "fedify-Undo-Like-cavage")
    assert db.session.query(Reaction).count() == 0


@pytest.mark.parametrize("name", ["fedify-Accept-Follow-cavage", "fedify-Accept-Follow-rfc9421"])
def test_a_yes_of_fedify_to_what_nobody_of_here_asked_changes_nothing(fedify, name, ines):
    say_again(fedify, name, {"https://apbot.test/user/ctl": ines.iri})
    assert db.session.query(Follow).count() == 0


def test_a_note_of_fedify_that_mentions_the_project_opens_a_thread(fedify, garden):
    told = say_again(fedify, "fedify-Create-Note-cavage", {"https://nodebb.test/uid/2": garden.iri})
    opened = item(told["object"]["id"])
    assert (opened.kind, opened.space_id, opened.author.iri) == ("thread", garden.id, told["actor"])
    assert "from-bot3" in opened.html


@pytest.mark.parametrize(
    "name",
    ["fedify-Create-Note-cavage", "fedify-Create-Note-rfc9421", "fedify-Create-Note-direct-cavage"],
)
def test_a_note_of_fedify_to_no_project_of_ours_is_kept_nowhere(fedify, name, thread):
    told = unproven(fedify.here(read(name).body))
    fedify.people[told["actor"]] = somebody(fedify, told["actor"])
    assert fedify.deliver(told, scheme=name.rpartition("-")[2]).status_code == 404
    assert item(told["object"]["id"]) is None


def test_an_answer_of_fedify_its_edit_and_its_deletion(fedify, thread):
    """R48: the Update comes first."""
    told = say_again(fedify, "fedify-Update-Note-cavage")
    reply = item(told["object"]["id"])
    assert (reply.thread.id, reply.withdrawn_at) == (thread.id, None)
    assert "edited" in reply.html
    say_again(fedify, "fedify-Delete-Tombstone-cavage")
    assert item(reply.iri).withdrawn_at is not None


def test_an_edit_and_a_deletion_of_what_fedify_wrote_here_before(fedify, thread):
    told = unproven(fedify.here(read("fedify-Update-Note-rfc9421").body))
    bob = fedify.people[told["actor"]] = somebody(fedify, told["actor"])
    note = {name: value for name, value in told["object"].items() if name != "updated"}
    note |= {"content": "first", "inReplyTo": thread.iri}
    first = told | {"id": f"{note['id']}/activity", "type": "Create", "object": note}
    assert fedify.foreign.post(bob, first, at=LATER).status_code == 202
    assert "first" in item(note["id"]).html
    say_again(fedify, "fedify-Update-Note-rfc9421")
    assert "edited" in item(note["id"]).html
    assert item(note["id"]).thread.id == thread.id
    say_again(fedify, "fedify-Delete-Tombstone-rfc9421")
    assert item(note["id"]).withdrawn_at is not None


@pytest.mark.parametrize(
    "name", ["fedify-Announce-cavage", "fedify-Announce-rfc9421", "fedify-Undo-Announce-cavage"]
)
def test_a_boost_of_fedify_and_its_end_change_nothing(fedify, thread, name):
    say_again(fedify, name)
    assert item(thread.iri).revision == 1
    assert (db.session.query(Item).count(), db.session.query(Reaction).count()) == (1, 0)


def test_a_report_of_fedify_reaches_those_who_facilitate(fedify, thread, ines):
    say_again(fedify, "fedify-Flag-cavage")
    (report,) = db.session.query(Report)
    assert (report.item_id, report.author_id, report.words) == (thread.id, ines.id, "spam")
    assert report.from_host == fedify.foreign.host


# Signatures and documents as they were recorded

SIGNED = [
    "nodebb-Create-Note", "nodebb-Create-Article", "nodebb-Like", "nodebb-Follow",
    "nodebb-Undo-Like", "nodebb-Update-Article",
]  # fmt: skip
RECORDED = {
    "https://nodebb.test/uid/2#key": "nodebb-actor-person",
    "https://nodebb.test/category/2#key": "nodebb-actor-group",
    "https://fedify.test/users/alice#main-key": "fedify-actor-person",
}


def recorded_key(key_id: str):
    described = read_actor(read(RECORDED[key_id]).body)
    return next(key for key in described.keys if key.key_id == key_id)


@pytest.mark.parametrize("name", SIGNED)
def test_the_recorded_signature_holds_for_its_host_time_and_bytes(name):
    capture = read(name)
    host = capture.headers["host"]
    verified = verify(
        capture.message, scheme_host=f"https://{host}", find_key=recorded_key, now=capture.at
    )
    assert verified.actor_id == capture.body["actor"]
    with pytest.raises(Refused):
        verify(
            capture.message,
            scheme_host="https://other.test",
            find_key=recorded_key,
            now=capture.at,
        )


PEOPLE = {
    "piefed-get-person": ("person", "padmin", "https://piefed.test/inbox"),
    "piefed-get-group": ("group", "testcomm", "https://piefed.test/inbox"),
    "piefed-get-actor": ("application", "piefed.test", "https://piefed.test/inbox"),
    "piefed-get-site-actor": ("application", "site", ""),
    "takahe-get-person": ("person", "alice", "https://takahe.test/inbox/"),
    "takahe-get-site-actor": ("application", "__system__", "https://takahe.test/inbox/"),
    "nodebb-actor-person": ("person", "nora", "https://nodebb.test/inbox"),
    "nodebb-actor-group": ("group", "general-discussion", "https://nodebb.test/inbox"),
    "nodebb-actor-application": ("application", "nodebb.test", ""),
    "fedify-actor-person": ("person", "alice", "https://fedify.test/inbox"),
}


@pytest.mark.parametrize("name", PEOPLE)
def test_actors_of_every_software_are_read_with_names_links_and_keys(name):
    described = read_actor(read(name).body)
    kind, alias, shared = PEOPLE[name]
    assert (described.kind, described.name, described.shared_inbox) == (kind, alias, shared)
    assert described.inbox.startswith(f"https://{described.host}/")
    assert described.keys
    assert described.url.startswith(f"https://{described.host}")


FOUND = {
    "nodebb-webfinger-user": ("nora", "https://nodebb.test/uid/2"),
    "nodebb-webfinger-category": ("general-discussion", "https://nodebb.test/category/2"),
    "piefed-get-webfinger-group": ("testcomm", "https://piefed.test/c/testcomm"),
    "takahe-get-webfinger": ("alice", "https://takahe.test/@alice@takahe.test/"),
}


def test_names_are_found_by_the_webfinger_of_every_software(foreign, federation):
    """R13: the address asked for is the one the answer is about."""
    for name, (alias, iri) in FOUND.items():
        site = f"{name.partition('-')[0]}.test"
        scene = Scene(
            foreign, {f"https://{site}": foreign.peer.origin, f'@{site}"': f'@{foreign.host}"'}
        )
        told = scene.here(read(name).body)
        assert told["subject"] == f"acct:{alias}@{foreign.host}"
        foreign.peer.serve("/.well-known/webfinger", told, content_type="application/jrd+json")
        found = federation.resolve_address(f"{alias}@{foreign.host}")
        assert found == at_home(scene, iri)


def test_no_recorded_message_breaks_the_inbox(foreign, house, garden):
    """Every kind of every software, also those that are about nothing we hold."""
    hosts = ("nodebb", "fedify2", "fedify", "piefed", "takahe", "apbot", "attacker")
    scene = Scene(foreign, {f"https://{host}.test": foreign.peer.origin for host in hosts})
    messages = [name for name in sorted(names()) if is_message(read(name))]
    for name in messages:
        told = unproven(scene.here(read(name).body))
        if told["actor"] not in scene.people:
            scene.people[told["actor"]] = somebody(scene, told["actor"])
        assert scene.deliver(told).status_code in (202, 403, 404), name
    assert db.session.query(Item).count() == 0


def names() -> list[str]:
    return [file.stem for file in HERE.glob("*/*.json")]


def test_every_file_here_is_named_by_a_test():
    """Messages in the body of a test or its parameters; documents also where tests are set up."""
    everywhere, within = set(), set()
    for file in HERE.parent.glob("test_*.py"):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        everywhere |= texts(tree)
        for part in tree.body:
            if isinstance(part, ast.FunctionDef) and part.name.startswith("test_"):
                within |= texts(part)
    messages = {name for name in names() if is_message(read(name))}
    assert len(messages) == 84
    assert messages - within == set()
    assert set(names()) - everywhere == set()


def texts(part: ast.AST) -> set[str]:
    found = (one.value for one in ast.walk(part) if isinstance(one, ast.Constant))
    return {value for value in found if isinstance(value, str)}


def is_message(capture) -> bool:
    body = capture.body if {"request", "path"} & set(capture.told) else None
    return isinstance(body, dict) and isinstance(body.get("actor"), str)


def somebody(scene: Scene, iri: str) -> Person:
    rsa = SigningKey(f"{iri}#key", "rsa", rsa_key("somebody"))
    path = urlsplit(iri).path
    document = {
        "id": iri,
        "type": "Group" if path.startswith(("/c/", "/category")) else "Person",
        "preferredUsername": path.strip("/").replace("/", "-").replace("@", "_"),
        "inbox": f"{iri}/inbox",
        "publicKey": {
            "id": rsa.key_id, "owner": iri, "publicKeyPem": public_pem(rsa.key.public_key()),
        },
    }  # fmt: skip
    scene.foreign.peer.serve(path, document)
    return Person(iri, rsa, rsa, document)
