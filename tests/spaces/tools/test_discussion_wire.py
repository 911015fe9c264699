"""Messages as other instances read them, and what others send read as messages."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from collab.core.db import now
from collab.core.errors import Conflict, Forbidden, Invalid, Missing
from collab.federation import vocab
from collab.people.models import Actor
from collab.spaces.models import Membership, Revision
from collab.spaces.tools.discussion.activitypub import MAPPING, receive, revise, to_object
from collab.spaces.tools.discussion.inputs import EditMessage, OpenThread, PostMessage
from collab.spaces.tools.discussion.models import Message, Thread
from collab.spaces.tools.discussion.operations import edit_message, open_thread, post_message
from collab.web.extensions import db

LEA = "https://b.example/u/lea"
GROUP = "https://here.example/p/jardin"
ULID = re.compile(r"[0-7][0-9a-hjkmnp-tv-z]{25}")


@pytest.fixture
def ada(make):
    return make.person("ada")


@pytest.fixture
def garden(make, ada):
    return make.space(ada)


@pytest.fixture
def lea(garden):
    """A member from another instance."""
    actor = Actor(iri=LEA, name="lea", host="b.example", local=False, created_at=now())
    db.session.add(actor)
    db.session.flush()
    db.session.add(Membership(space_id=garden.id, actor_id=actor.id, since=now()))
    db.session.commit()
    return actor


@pytest.fixture
def thread(as_, ada, garden):
    with as_(ada) as work:
        return open_thread(work, garden, OpenThread("La pluie", "On installe une cuve ?"))


@pytest.fixture
def come_in(as_, garden, lea):
    def come_in(obj):
        with as_(lea) as work:
            return receive(work, garden, obj)

    return come_in


def note(**more):
    """What a member's instance sends for one message."""
    return {
        "id": "https://b.example/o/1",
        "type": "Note",
        "attributedTo": LEA,
        "to": [vocab.PUBLIC],
        "cc": [GROUP],
        "content": "<p>Bonjour</p>",
        "published": vocab.written(now()),
    } | more


# ---------------------------------------------------------------- what we tell


def test_a_thread_is_a_note_with_a_name_that_answers_nothing(thread, garden, ada):
    obj = to_object(db.session(), thread)
    assert (obj["type"], obj["name"], "inReplyTo" in obj) == ("Note", "La pluie", False)
    assert obj["id"] == obj["url"] == f"https://here.example/o/{thread.uid}"
    assert obj["context"] == f"{GROUP}/c/{thread.uid}"
    assert obj["attributedTo"] == ada.iri
    assert (obj["to"], obj["cc"]) == ([vocab.PUBLIC], [GROUP, f"{GROUP}/followers"])
    assert obj["audience"] == GROUP
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", obj["published"])
    assert "updated" not in obj
    assert obj["source"] == {"content": thread.source, "mediaType": "text/markdown"}


def test_a_message_names_what_it_answers(thread, garden, ada, as_):
    with as_(ada) as work:
        first = post_message(work, garden, PostMessage(thread.uid, "Oui"))
        second = post_message(work, garden, PostMessage(thread.uid, "Merci", first.uid))
    assert to_object(db.session(), first)["inReplyTo"] == thread.iri
    obj = to_object(db.session(), second)
    assert obj["inReplyTo"] == first.iri
    assert "name" not in obj
    assert obj["context"] == f"{GROUP}/c/{thread.uid}"


def test_an_edit_says_when(thread, garden, ada, as_):
    with as_(ada) as work:
        edit_message(work, garden, EditMessage(thread.uid, "Autrement"))
    obj = to_object(db.session(), thread)
    assert obj["updated"] == vocab.written(thread.revised_at)


def test_a_members_project_speaks_to_its_members(make, ada, as_):
    closed = make.space(ada, slug="bureau", visibility="members")
    with as_(ada) as work:
        obj = to_object(db.session(), open_thread(work, closed, OpenThread("Chut", "Entre nous")))
    assert (obj["to"], obj["cc"]) == ([f"{closed.iri}/members"], [])


def test_people_and_links_are_absolute_for_others(garden, ada, lea, as_):
    body = "@ada @lea [page](/p/jardin) ![plan](/static/plan.png)"
    with as_(ada) as work:
        obj = to_object(db.session(), open_thread(work, garden, OpenThread("Liens", body)))
    hrefs = re.findall(r'href="([^"]*)"', obj["content"])
    assert hrefs[:3] == [ada.iri, LEA, f"{GROUP}"]
    assert all(href.startswith("https://") for href in hrefs)
    assert "<img" not in obj["content"]
    assert obj["tag"] == [
        {"type": "Mention", "href": ada.iri, "name": "@ada@here.example"},
        {"type": "Mention", "href": LEA, "name": "@lea@b.example"},
    ]


# ---------------------------------------------------------------- what others tell


def test_what_answers_nothing_opens_a_thread(come_in):
    opened = come_in(note(name="Les semis", content="<p>Quand ?</p>"))
    assert isinstance(opened, Thread)
    assert (opened.title, opened.source, opened.html) == ("Les semis", "Quand ?", "<p>Quand ?</p>")


def test_a_thread_from_software_without_titles_is_named_by_its_first_words(come_in):
    assert (
        come_in(note(content="<p>Quand semer les fèves ?</p>")).title == "Quand semer les fèves ?"
    )


def test_an_answer_joins_its_thread_by_what_it_answers(come_in, thread):
    first = come_in(note(inReplyTo=thread.iri))
    second = come_in(note(id="https://b.example/o/2", inReplyTo=first.iri))
    assert isinstance(second, Message)
    assert (first.thread_id, first.reply_to_id) == (thread.id, None)
    assert (second.thread_id, second.reply_to_id) == (thread.id, first.id)
    assert thread.message_count == 2


def test_an_answer_to_something_unknown_joins_by_its_conversation(come_in, thread):
    lost = "https://c.example/o/lost"
    joined = come_in(note(inReplyTo=lost, context=f"{GROUP}/c/{thread.uid}"))
    assert (joined.thread_id, joined.reply_to_id) == (thread.id, None)


@pytest.mark.parametrize(
    "where",
    [
        {"inReplyTo": "https://c.example/o/lost"},
        {"inReplyTo": ["https://c.example/o/lost"]},
        {"inReplyTo": "https://c.example/o/lost", "context": "https://c.example/c/1"},
        {"context": f"{GROUP}/c/01h0000000000000000000000a"},
    ],
)
def test_an_answer_in_a_conversation_nobody_knows_is_refused(come_in, where):
    with pytest.raises(Missing):
        come_in(note(**where))


def test_an_answer_does_not_reach_into_another_space(come_in, make, ada, as_):
    other = make.space(ada, slug="atelier")
    with as_(ada) as work:
        there = open_thread(work, other, OpenThread("Ailleurs", "Texte"))
    with pytest.raises(Missing):
        come_in(note(inReplyTo=there.iri))


def test_a_received_text_is_clean_and_told_on_as_it_was_received(come_in):
    dirty = '<p onclick="x()">Bon<script>alert(1)</script>jour</p><h1>A</h1><img src="https://x.example/i">'
    got = come_in(
        note(content=dirty, source={"content": "Bon *jour*", "mediaType": "text/markdown"})
    )
    assert "script" not in got.html
    assert "onclick" not in got.html
    assert "<img" not in got.html
    assert "<h1" not in got.html
    assert got.source == "Bon *jour*"
    obj = to_object(db.session(), got)
    assert obj["content"] == got.html
    assert obj["source"]["content"] == "Bon *jour*"


def test_a_text_without_markdown_is_told_on_without(come_in):
    got = come_in(note())
    assert got.source == "Bonjour"
    assert "source" not in to_object(db.session(), got)


def test_a_vote_is_not_something_said():
    vote = {"type": "Note", "name": "Pour", "inReplyTo": "https://here.example/x"}
    assert not MAPPING.takes(vote)
    assert not MAPPING.takes(vote | {"content": " "})
    assert MAPPING.takes(note())


def test_an_article_of_the_project_is_not_something_said():
    article = {"type": "Article", "content": "<p>x</p>", "audience": GROUP}
    assert not MAPPING.takes(article | {"attributedTo": GROUP})
    assert MAPPING.takes(article | {"attributedTo": LEA})


@pytest.mark.parametrize(
    ("more", "refusal"),
    [
        ({"attributedTo": "https://b.example/u/eve"}, Forbidden),
        ({"attributedTo": [LEA]}, Forbidden),
        ({"to": [GROUP], "cc": []}, Forbidden),
        ({"id": None}, Invalid),
        ({"id": "javascript:1"}, Invalid),
        ({"content": "<script>x</script>"}, Invalid),
        ({"content": {"x": 1}}, Invalid),
        ({"published": vocab.written(now() + timedelta(hours=1))}, Invalid),
    ],
)
def test_what_is_not_right_changes_nothing(come_in, more, refusal):
    with pytest.raises(refusal):
        come_in(note(**more))
    assert db.session.query(Thread).count() == 0


def test_a_public_text_is_not_taken_into_a_members_project(make, ada, lea, as_):
    closed = make.space(ada, slug="bureau", visibility="members")
    db.session.add(Membership(space_id=closed.id, actor_id=lea.id, since=now()))
    db.session.commit()
    with pytest.raises(Forbidden), as_(lea) as work:
        receive(work, closed, note())


def test_an_id_that_is_known_is_not_taken_twice(come_in):
    come_in(note())
    with pytest.raises(Conflict):
        come_in(note(content="<p>Autre</p>"))


def test_somebody_who_is_no_member_is_refused(garden, as_):
    eve = Actor(
        iri="https://b.example/u/eve", name="eve", host="b.example", local=False, created_at=now()
    )
    db.session.add(eve)
    db.session.commit()
    with pytest.raises(Forbidden), as_(eve) as work:
        receive(work, garden, note(attributedTo=eve.iri))


def test_a_public_id_is_kept_when_free_and_else_the_same_everywhere(come_in, thread):
    taken = come_in(note(id=f"https://b.example/o/{thread.uid}"))
    later, before = (vocab.written(now() + timedelta(seconds=s)) for s in (2, -2))
    plain = come_in(note(id="https://b.example/statuses/12", published=later))
    late = come_in(note(id="https://b.example/statuses/11", published=before))
    free = thread.uid[:-1] + ("y" if thread.uid.endswith("z") else "z")
    own = come_in(note(id=f"https://b.example/o/{free}"))
    assert ULID.fullmatch(taken.uid)
    assert taken.uid != thread.uid
    assert ULID.fullmatch(plain.uid)
    assert own.uid == free
    assert late.uid < thread.uid < plain.uid, "the order of ids is the order of writing"


def test_an_id_that_lies_about_the_time_is_not_kept(come_in):
    early = come_in(note(id="https://b.example/o/00000000000000000000000001"))
    assert early.uid != "00000000000000000000000001"


def test_an_update_by_its_author_keeps_the_text_before(come_in, garden, lea, as_):
    said = come_in(note())
    later = vocab.written(now() + timedelta(seconds=2))
    with as_(lea) as work:
        revise(work, garden, said, note(content="<p>Bonsoir</p>", updated=later))
    assert said.html == "<p>Bonsoir</p>"
    assert to_object(db.session(), said)["updated"] == later
    kept = db.session.query(Revision).filter_by(item_id=said.id).order_by(Revision.number)
    assert [r.source for r in kept] == ["Bonjour", "Bonsoir"]


def test_an_update_that_is_older_than_what_is_known_is_refused(come_in, garden, lea, as_):
    said = come_in(note())
    earlier = vocab.written(now() - timedelta(hours=1))
    with pytest.raises(Conflict), as_(lea) as work:
        revise(work, garden, said, note(content="<p>Hier</p>", updated=earlier))
    assert said.html == "<p>Bonjour</p>"


def test_an_update_by_somebody_else_is_refused(come_in, garden, ada, as_):
    said = come_in(note())
    with pytest.raises(Forbidden), as_(ada) as work:
        revise(work, garden, said, note(content="<p>Faux</p>"))
    with pytest.raises(Forbidden), as_(ada) as work:
        revise(work, garden, said, note(content="<p>Faux</p>", attributedTo=ada.iri))


# ---------------------------------------------------------------- reading safely

NONSENSE = [None, 1, True, [], {}, [[]], {"id": 3}, "\x00", "http://[", "x" * 100_000]


@pytest.mark.parametrize("value", NONSENSE, ids=lambda v: repr(v)[:20])
def test_no_reader_trips_over_any_json(value):
    obj = dict.fromkeys(("name", "id", "published", "content", "source", "to", "cc", "tag"), value)
    assert isinstance(vocab.text(obj, "name", 50), str)
    assert len(vocab.text(obj, "name", 50)) <= 50
    assert vocab.iri(obj, "id") == ""
    assert vocab.iris(obj, "to") == []
    assert vocab.instant(obj, "published") is None
    assert isinstance(vocab.html(obj), str)
    assert vocab.source(obj, 100) is None
    assert vocab.mentions(obj) == []
    assert vocab.is_public(obj) is False


@pytest.mark.parametrize("value", ["0001-01-01T00:00:00+14:00", "demain", "", 12, None])
def test_a_time_out_of_range_or_that_is_none_is_none(value):
    assert vocab.instant({"at": value}, "at") is None


def test_a_time_without_its_zone_counts_as_utc():
    at = vocab.instant({"at": "2026-11-22T10:00:00"}, "at")
    assert at == vocab.instant({"at": "2026-11-22T11:00:00+01:00"}, "at")
    assert vocab.written(at) == "2026-11-22T10:00:00Z"


def test_a_time_is_read_in_its_own_zone_and_written_in_ours():
    at = vocab.instant({"at": "2026-11-22T11:00:00.250+01:00"}, "at")
    assert vocab.written(at) == "2026-11-22T10:00:00Z"


def test_a_name_is_one_line_without_signs_that_turn_the_text():
    assert vocab.text({"name": " A\u202eb\n\tc  "}, "name", 200) == "A b c"


@pytest.mark.parametrize("name", ["as:Public", "Public", vocab.PUBLIC])
def test_everybody_is_written_in_three_ways(name):
    assert vocab.is_public({"to": name})
    assert vocab.is_public({"to": [], "cc": ["https://x.example/", name]})
    assert not vocab.is_public({"bto": name})


@pytest.mark.parametrize(
    "html",
    [
        "<h1>a</h1><h2>b</h2>",
        '<p><a href="/p/x">x</a><a href="//evil.example">y</a></p>',
        "<b><i>a<p>b</b>c</i>",
        '<img src="https://here.example/i.png" alt="A">',
        "<ul><li>a<li>b</ul>",
    ],
)
def test_reading_what_was_written_gives_the_same(html):
    once = vocab.content(html, "https://here.example")
    assert vocab.html({"content": once}) == once
    assert vocab.content(once, "https://other.example") == once
