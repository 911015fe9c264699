"""What a user of another program sees of a project: table 1.7 of FEDERATION.md, cell by cell.

Our real output - the letters in the queue, and what our addresses answer - is read by small
readers that do as those programs' sources say.
"""
# ruff: noqa: F401, F811 - fixtures are imported by their names

from __future__ import annotations

import json

import pytest
from federation.readers import Answer
from federation.readers.lemmy import Lemmy
from federation.readers.lemmy import Refused as RefusedByLemmy
from federation.readers.mastodon import Mastodon
from federation.readers.mobilizon import COLLECTIONS, Mobilizon, NotRefreshed
from federation.readers.nodebb import NodeBB, Unread
from federation.readers.piefed import PieFed
from federation.stage import ORIGIN, federation, foreign, house, sent

from collab.federation.models import OutboxItem
from collab.federation.reach import choose_reach
from collab.people.models import Actor
from collab.spaces.items import pin, withdraw
from collab.spaces.models import Item, Visibility
from collab.web.actions import perform
from collab.web.extensions import db


@pytest.fixture
def ines(make):
    return make.person("ines")


@pytest.fixture
def nour(make, garden, ines):
    who = make.person("nour")
    make.member(garden, ines, who)
    return who


@pytest.fixture
def garden(make, ines):
    return make.space(ines)


@pytest.fixture
def fetch(house):
    def ask(url: str, **headers: str) -> Answer:
        assert url.startswith(ORIGIN), url
        path = url.removeprefix(ORIGIN).partition("#")[0]
        accept = "application/jrd+json" if "/.well-known/" in url else "application/activity+json"
        answer = house.client().get(path, headers={"Accept": accept} | headers)
        body = answer.get_json(force=True) if answer.status_code == 200 else None
        return Answer(answer.status_code, answer.mimetype, dict(answer.headers), body)

    return ask


@pytest.fixture
def deliver(house):
    """Hand a reader what waits to go out, each activity once, with who signs it."""
    done: set[int] = set()

    def take(reader) -> list[str]:
        house.settle()
        refused = []
        for row in db.session.query(OutboxItem).order_by(OutboxItem.id):
            if row.id in done:
                continue
            done.add(row.id)
            signer = db.session.get_one(Actor, row.actor_id).iri
            activity = json.loads(row.body)
            if activity["type"] in ("Accept", "Reject"):
                continue
            try:
                reader.receive(activity, signer)
            except RefusedByLemmy as no:
                refused.append(str(no))
        return refused

    return take


@pytest.fixture
def microblog(foreign, garden, fetch) -> Mastodon:
    """A server of microblogs on which somebody follows the project."""
    foreign.say(foreign.person(), "Follow", garden.iri)
    return Mastodon(fetch, {garden.iri})


@pytest.fixture
def as_forum(foreign, garden, house):
    """The other server follows, and is known to understand groups."""
    foreign.say(foreign.person(), "Follow", garden.iri)
    with house.as_(garden.actor) as work:
        choose_reach(work, garden, foreign.host, threads=True)


@pytest.fixture
def lemmy(as_forum, garden, fetch) -> Lemmy:
    return Lemmy(fetch, garden.iri)


@pytest.fixture
def piefed(as_forum, garden, fetch) -> PieFed:
    return PieFed(fetch, garden.iri)


@pytest.fixture
def nodebb(as_forum, garden, fetch) -> NodeBB:
    return NodeBB(fetch, garden.iri)


def do(who, space, verb: str, tool: str = "discussion", **given) -> str:
    """Do something and give the IRI of what it is about."""
    uid = perform(who, space.address, tool, verb, given)
    return db.session.query(Item).filter_by(uid=uid).one().iri


def uid(iri: str) -> str:
    return iri.rpartition("/")[2]


def removed_by(house, who, iri: str) -> None:
    with house.as_(who) as work:
        withdraw(work, work.session.query(Item).filter_by(iri=iri).one())


# A microblog


def test_mastodon_a_project_is_a_group_account_one_can_follow(microblog, garden, foreign):
    assert microblog.account(garden.iri) == {
        "name": garden.name,
        "group": True,
        "locked": False,
        "followers": 1,
    }
    (yes,) = sent("Accept")
    assert yes["object"]["type"] == "Follow"
    assert yes["object"]["id"].startswith(foreign.peer.url(""))


def test_mastodon_a_subject_is_one_boost_with_its_whole_text(microblog, deliver, garden, ines):
    do(ines, garden, "open", title="Cuve", body="J’ai une **cuve** à donner.")
    deliver(microblog)
    ((who, text),) = microblog.home()
    assert who == garden.iri
    assert "<strong>cuve</strong>" in text


def test_mastodon_both_forms_are_still_one_boost(as_forum, fetch, deliver, garden, ines):
    reader = Mastodon(fetch, {garden.iri})
    thread = do(ines, garden, "open", title="Cuve", body="Une.")
    do(ines, garden, "post", thread=uid(thread), body="Deux.")
    deliver(reader)
    assert len(reader.home()) == 1


def test_mastodon_an_answer_is_no_boost_but_stands_below_the_subject(
    microblog, deliver, garden, ines
):
    thread = do(ines, garden, "open", title="Cuve", body="Une.")
    do(ines, garden, "post", thread=uid(thread), body="Deux.")
    deliver(microblog)
    assert len(microblog.home()) == 1
    assert microblog.replies(thread) == ["<p>Deux.</p>"]


def test_mastodon_a_reaction_is_not_seen(microblog, deliver, garden, ines):
    thread = do(ines, garden, "open", title="Cuve", body="Une.")
    deliver(microblog)
    before = microblog.home()
    do(ines, garden, "react", item=uid(thread), sign="merci")
    deliver(microblog)
    assert microblog.home() == before


def test_mastodon_a_document_is_its_title_and_a_link_once(microblog, deliver, garden, ines):
    page = do(ines, garden, "add", "pages", title="Semis", source="Des radis.", description="Quand")
    deliver(microblog)
    ((_, text),) = microblog.home()
    assert text == f"Semis\n\n<p>Quand</p>\n\n{garden.iri}/pages/semis"
    do(ines, garden, "post", thread=uid(do(ines, garden, "open", title="A", body="B")), body="C")
    removed = do(ines, garden, "remove", "pages", document=uid(page))
    deliver(microblog)
    assert [text for _, text in microblog.home()] == ["<p>B</p>"]
    assert removed == page


def test_mastodon_an_edit_and_a_deletion_by_the_author_are_applied(
    microblog, deliver, garden, ines
):
    thread = do(ines, garden, "open", title="Cuve", body="Une.")
    deliver(microblog)
    do(ines, garden, "edit", item=uid(thread), title="Cuve", body="Donnée.")
    deliver(microblog)
    assert [text for _, text in microblog.home()] == ["<p>Donnée.</p>"]
    do(ines, garden, "remove", item=uid(thread))
    deliver(microblog)
    assert microblog.home() == []
    assert microblog.statuses == {}


def test_mastodon_after_a_removal_by_a_facilitator_the_boost_goes_the_post_stays(
    house, microblog, deliver, garden, ines, nour
):
    thread = do(nour, garden, "open", title="Pub", body="Achetez.")
    deliver(microblog)
    removed_by(house, ines, thread)
    deliver(microblog)
    assert microblog.home() == []
    assert list(microblog.statuses) == [thread]


# Forums


def test_lemmy_a_project_is_a_community_with_its_posts(lemmy, garden, ines, house):
    thread = do(ines, garden, "open", title="Cuve", body="Une.")
    do(ines, garden, "post", thread=uid(thread), body="Deux.")
    with house.as_(ines) as work:
        pin(work, work.session.query(Item).filter_by(iri=thread).one(), pinned=True)
    house.settle()
    assert lemmy.look() == {
        "title": garden.name,
        "sidebar": garden.why,
        "private": False,
        "moderators": [ines.iri],
        "pinned": ["Cuve"],
        "subscribers": 1,
    }
    assert lemmy.posts == {thread: "Cuve"}


def test_lemmy_a_subject_is_a_post_and_an_answer_a_comment(lemmy, deliver, garden, ines):
    thread = do(ines, garden, "open", title="Cuve", body="Une.")
    first = do(ines, garden, "post", thread=uid(thread), body="Deux.")
    second = do(ines, garden, "post", thread=uid(thread), body="Trois.", reply_to=uid(first))
    assert deliver(lemmy) == ["plain object"]  # the form for Mastodon, which its own kind gets too
    assert lemmy.posts == {thread: "Cuve"}
    assert lemmy.comments == {first: (thread, "<p>Deux.</p>"), second: (first, "<p>Trois.</p>")}


def test_lemmy_a_reaction_is_a_vote_and_can_be_taken_back(lemmy, deliver, garden, ines):
    thread = do(ines, garden, "open", title="Cuve", body="Une.")
    do(ines, garden, "react", item=uid(thread), sign="merci")
    deliver(lemmy)
    assert lemmy.votes == {(ines.iri, thread)}
    do(ines, garden, "unreact", item=uid(thread), sign="merci")
    deliver(lemmy)
    assert lemmy.votes == set()


def test_lemmy_an_edit_and_a_deletion_by_the_author_are_applied(lemmy, deliver, garden, ines):
    thread = do(ines, garden, "open", title="Cuve", body="Une.")
    do(ines, garden, "edit", item=uid(thread), title="Cuve donnée", body="Partie.")
    deliver(lemmy)
    assert lemmy.posts == {thread: "Cuve donnée"}
    assert lemmy.bodies == {thread: "<p>Partie.</p>"}
    do(ines, garden, "remove", item=uid(thread))
    deliver(lemmy)
    assert (lemmy.deleted, lemmy.removed) == ({thread}, {})


def test_lemmy_a_removal_is_the_moderator_s(house, lemmy, deliver, garden, ines, nour):
    thread = do(nour, garden, "open", title="Pub", body="Achetez.")
    deliver(lemmy)
    removed_by(house, ines, thread)
    deliver(lemmy)
    assert (lemmy.deleted, lemmy.removed) == (set(), {thread: ines.iri})


def test_lemmy_a_document_is_not_seen_for_no_person_owns_it(lemmy, deliver, garden, ines):
    do(ines, garden, "add", "pages", title="Semis", source="Des radis.")
    assert deliver(lemmy) == ["actor is no person", "plain object"]
    assert lemmy.posts == {}


def test_piefed_a_project_is_a_community(piefed, garden, ines):
    told = piefed.look()
    assert (told["title"], told["name"], told["moderators"]) == (garden.name, "jardin", [ines.iri])
    assert told["key"].startswith("-----BEGIN PUBLIC KEY-----")


def test_piefed_sees_subjects_answers_and_votes_each_once(piefed, deliver, garden, ines):
    thread = do(ines, garden, "open", title="Cuve", body="Une.")
    answer = do(ines, garden, "post", thread=uid(thread), body="Deux.")
    do(ines, garden, "react", item=uid(answer), sign="accord")
    deliver(piefed)
    assert (piefed.posts, piefed.replies) == ({thread: "Cuve"}, {answer: thread})
    assert piefed.votes == {(ines.iri, answer)}


def test_piefed_applies_an_edit_by_the_author(piefed, deliver, garden, ines):
    thread = do(ines, garden, "open", title="Cuve", body="Une.")
    deliver(piefed)
    do(ines, garden, "edit", item=uid(thread), title="Cuve donnée", body="Partie.")
    deliver(piefed)
    assert piefed.posts == {thread: "Cuve donnée"}


def test_piefed_applies_deletions_and_removals(house, piefed, deliver, garden, ines, nour):
    thread = do(nour, garden, "open", title="Pub", body="Achetez.")
    own = do(nour, garden, "post", thread=uid(thread), body="Moins cher.")
    deliver(piefed)
    do(nour, garden, "remove", item=uid(own))
    removed_by(house, ines, thread)
    deliver(piefed)
    assert piefed.gone == {own: nour.iri, thread: ines.iri}
    assert "Already aware of this activity" in piefed.ignored


def test_piefed_passes_over_documents(piefed, deliver, garden, ines):
    do(ines, garden, "add", "pages", title="Semis", source="Des radis.")
    deliver(piefed)
    assert piefed.posts == {}
    assert piefed.ignored == ["Unexpected activity from Group"]


def test_nodebb_a_project_is_a_category(nodebb, garden):
    told = nodebb.look()
    assert (told["title"], told["handle"]) == (garden.name, "jardin@127.0.0.1:8009")
    assert garden.why in told["description"]
    assert told["key"].startswith("-----BEGIN PUBLIC KEY-----")


def test_nodebb_a_subject_is_a_topic_with_its_answers(nodebb, deliver, garden, ines):
    thread = do(ines, garden, "open", title="Cuve", body="Une.")
    answer = do(ines, garden, "post", thread=uid(thread), body="Deux.")
    do(ines, garden, "react", item=uid(answer), sign="merci")
    deliver(nodebb)
    assert nodebb.topics == {thread: "Cuve"}
    assert nodebb.posts == {thread: "<p>Une.</p>", answer: "<p>Deux.</p>"}
    assert nodebb.votes == [(ines.iri, answer)]


def test_nodebb_reads_the_whole_topic_once_it_hears_of_one_answer(nodebb, deliver, garden, ines):
    thread = do(ines, garden, "open", title="Cuve", body="Une.")
    answer = do(ines, garden, "post", thread=uid(thread), body="Deux.")
    context = f"{garden.iri}/c/{uid(thread)}"
    nodebb.receive({"type": "Announce", "actor": garden.iri, "object": answer}, garden.iri)
    assert set(nodebb.posts) == {thread, answer}
    assert nodebb.unchanged(context, set(nodebb.posts))
    do(ines, garden, "post", thread=uid(thread), body="Trois.")
    assert not nodebb.unchanged(context, set(nodebb.posts))


def test_nodebb_applies_edits_and_deletions_by_the_author(nodebb, deliver, garden, ines):
    thread = do(ines, garden, "open", title="Cuve", body="Une.")
    answer = do(ines, garden, "post", thread=uid(thread), body="Deux.")
    deliver(nodebb)
    do(ines, garden, "edit", item=uid(answer), body="Trois.")
    deliver(nodebb)
    assert nodebb.posts[answer] == "<p>Trois.</p>"
    do(ines, garden, "remove", item=uid(answer))
    deliver(nodebb)
    assert set(nodebb.posts) == {thread}


def test_nodebb_a_removal_by_a_facilitator_is_not_applied(
    house, nodebb, deliver, garden, ines, nour
):
    thread = do(nour, garden, "open", title="Pub", body="Achetez.")
    deliver(nodebb)
    removed_by(house, ines, thread)
    deliver(nodebb)
    told = [one["object"] for one in sent("Announce")]
    assert (told[-1]["type"], told[-1]["actor"]) == ("Delete", ines.iri), "it was told of it"
    assert nodebb.topics == {thread: "Pub"}


def test_nodebb_a_document_is_a_topic(nodebb, deliver, garden, ines):
    page = do(ines, garden, "add", "pages", title="Semis", source="Des radis.")
    deliver(nodebb)
    assert nodebb.topics == {page: "Semis"}


# Groups with events


def test_mobilizon_takes_the_group_in_with_its_seven_collections(fetch, garden, ines, house):
    thread = do(ines, garden, "open", title="Cuve", body="Une.")
    house.settle()
    reader = Mobilizon(fetch)
    assert reader.refresh(garden.iri) == garden.name
    assert set(reader.found) == {"outbox", *COLLECTIONS}
    assert reader.found["discussions"] == [thread]
    assert reader.found["events"] == []
    assert reader.found["members"] == []


def test_mobilizon_a_document_is_among_the_posts(fetch, garden, ines, house):
    page = do(ines, garden, "add", "pages", title="Semis", source="Des radis.")
    house.settle()
    reader = Mobilizon(fetch)
    reader.refresh(garden.iri)
    assert reader.found["posts"] == [page]


def test_piefed_and_nodebb_see_nothing_of_a_members_only_project(fetch, deliver, make, ines):
    closed = make.space(ines, slug="conseil", visibility=Visibility.MEMBERS)
    secret = do(ines, closed, "open", title="Budget", body="Chut.")
    named = {"type": "Announce", "id": "x", "actor": closed.iri, "object": secret}
    piefed, nodebb = PieFed(fetch, closed.iri), NodeBB(fetch, closed.iri)
    piefed.receive(named, closed.iri)
    with pytest.raises(Unread):
        nodebb.receive(named, closed.iri)
    for there in (
        f"{closed.iri}/outbox",
        f"{closed.iri}/featured",
        f"{closed.iri}/c/{uid(secret)}",
    ):
        assert fetch(there).status == 404, there
    for reader in (piefed, nodebb):
        deliver(reader)
    assert (piefed.posts, piefed.replies, nodebb.topics, nodebb.posts) == ({}, {}, {}, {})


def test_a_members_only_project_is_for_nobody_else(house, fetch, foreign, make, ines, deliver):
    closed = make.space(ines, slug="conseil", visibility=Visibility.MEMBERS)
    secret = do(ines, closed, "open", title="Budget", body="Chut.")
    with pytest.raises(NotRefreshed):
        Mobilizon(fetch).refresh(closed.iri)
    with pytest.raises(RefusedByLemmy):
        Lemmy(fetch, closed.iri).look()
    reader = Mastodon(fetch, {closed.iri})
    reader.receive(
        {"type": "Announce", "id": "x", "actor": closed.iri, "object": secret}, closed.iri
    )
    deliver(reader)
    assert reader.home() == []
