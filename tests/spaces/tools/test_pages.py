"""Documents: written together, merged, compared, linked, shown, told to mirrors and back."""

from __future__ import annotations

import json
from collections import Counter

import pytest
from conftest import log_in
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from collab.core.errors import Conflict, Forbidden, Invalid, Missing
from collab.core.events import EventRow
from collab.people.actors import find_actor
from collab.people.models import Actor, ActorKind
from collab.spaces.items import version_of
from collab.spaces.models import Revision, Role, Space, Visibility
from collab.spaces.tools.pages.activitypub import MAPPING, receive, revise, take_offer, to_object
from collab.spaces.tools.pages.comparison import side_by_side
from collab.spaces.tools.pages.inputs import (
    EditClash,
    EditDocument,
    MoveDocument,
    RemoveDocument,
    RestoreDocument,
    RestoreRevision,
    WriteDocument,
)
from collab.spaces.tools.pages.merge import has_marks, merge
from collab.spaces.tools.pages.models import Document
from collab.spaces.tools.pages.naming import multihash_of, version_from
from collab.spaces.tools.pages.operations import (
    edit_document,
    move_document,
    remove_document,
    restore_document,
    restore_revision,
    write_document,
)
from collab.spaces.tools.pages.queries import backlinks, document_titled, tree
from collab.web.extensions import db

BASE = "https://here.example"
PAGES = "/p/jardin/pages"


@pytest.fixture
def ada(make):
    return make.person("ada")


@pytest.fixture
def bob(make):
    return make.person("bob")


@pytest.fixture
def space(make, ada, bob):
    return make.space(ada, bob)


@pytest.fixture
def write(as_, space, bob):
    def write(title, source="", **more):
        with as_(bob) as work:
            return write_document(work, space, WriteDocument(title, source, **more))

    return write


@pytest.fixture
def edit(as_, space, bob):
    def edit(document, source, by=bob, **more):
        with as_(by) as work:
            return edit_document(
                work, space, EditDocument(document=document.uid, source=source, **more)
            )

    return edit


# ---------------------------------------------------------------- three-way merge

lines = st.lists(st.sampled_from(["a", "b", "c", "", "- x", "# t"]), max_size=12).map("\n".join)


@given(base=lines, theirs=lines, mine=lines)
@settings(max_examples=400, deadline=None)
def test_no_line_that_either_side_added_is_ever_lost(base, theirs, mine):
    merged = Counter(merge(base, theirs, mine).text.split("\n"))
    for side in (theirs, mine):
        added = Counter(side.split("\n")) - Counter(base.split("\n"))
        assert not added - merged


@given(base=lines, both=lines)
@settings(max_examples=150, deadline=None)
def test_the_same_edit_made_twice_is_made_once(base, both):
    assert merge(base, both, both).text == both
    assert merge(base, both, both).clashes == 0


@given(base=lines, other=lines)
@settings(max_examples=150, deadline=None)
def test_when_only_one_side_changed_that_side_is_the_result(base, other):
    assert merge(base, other, base).text == other
    assert merge(base, base, other).text == other


@given(head=lines, middle=st.integers(1, 5), tail=lines, new_head=lines, new_tail=lines)
@settings(max_examples=200, deadline=None)
def test_edits_with_untouched_lines_of_their_own_between_them_merge(
    head, middle, tail, new_head, new_tail
):
    between = "\n".join(f"only line {n}" for n in range(middle))
    join = lambda one, other: f"{one}\n{between}\n{other}"  # noqa: E731
    merged = merge(join(head, tail), join(new_head, tail), join(head, new_tail))
    assert merged.clashes == 0
    assert merged.text == join(new_head, new_tail)


def test_a_clash_keeps_both_sides_between_marks():
    merged = merge("un\ndeux\ntrois", "un\nDEUX\ntrois", "un\n2\ntrois")
    assert merged.clashes == 1
    assert has_marks(merged.text)
    assert merged.text.split("\n")[2] == "DEUX"
    assert merged.text.split("\n")[4] == "2"


def test_a_text_of_nothing_but_line_feeds_is_compared_without_end_of_time():
    long = "\n" * 150_000
    assert merge(long, f"x{long}", f"{long}y").text.startswith("x")
    assert side_by_side(f"a{long}b{long}", f"c{long}d{long}e")


@given(st.binary(min_size=32, max_size=32))
@settings(max_examples=50)
def test_a_version_survives_the_wire(raw):
    assert version_from(multihash_of(raw.hex())) == raw.hex()
    assert version_from(multihash_of(raw.hex())[:-1] + "0") == ""


# ------------------------------------------------------------------- operations


def test_a_document_has_its_first_version_and_an_address_of_its_own(write):
    one, other = write("Café & thé", "Bonjour"), write("Café & thé", "Autre")
    assert (one.slug, other.slug) == ("cafe-the", "cafe-the-2")
    assert one.iri == f"{BASE}/p/jardin/w/{one.uid}"
    assert db.session.scalars(select(Revision.number).where(Revision.item_id == one.id)).all() == [
        1
    ]


def test_a_document_never_takes_the_address_of_one_of_the_rooms_own_pages(write):
    assert write("New").slug == "new-2"


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("title", {"title": " \u200b "}),
        ("title", {"title": "x" * 201}),
        ("source", {"source": "x" * 200_001}),
        ("parent", {"parent": "01nobody"}),
        ("tags", {"tags": tuple(str(n) for n in range(21))}),
        ("description", {"description": "x" * 501}),
    ],
)
def test_what_is_wrong_is_named_by_its_field_and_nothing_is_written(write, field, wrong):
    with pytest.raises(Invalid) as refused:
        write(**({"title": "Bon"} | wrong))
    assert set(refused.value.fields) == {field}
    assert db.session.scalar(select(Document.id)) is None


def test_a_stranger_may_not_write_and_a_private_document_does_not_exist_for_them(make, as_, ada):
    space = make.space(ada, slug="secret", visibility=Visibility.MEMBERS)
    eve = make.person("eve")
    with pytest.raises(Missing), as_(eve) as work:
        write_document(work, space, WriteDocument("Moi aussi"))


def test_a_reader_may_not_write(make, as_, ada, space):
    rita = make.person("rita")
    make.member(space, ada, rita, Role.READER)
    with pytest.raises(Forbidden), as_(rita) as work:
        write_document(work, space, WriteDocument("Moi aussi"))


def test_an_edit_keeps_what_was_there_and_says_who_changed_what(write, edit, ada):
    document = edit(write("Semis", "un"), "deux", by=ada, summary="ajout des fèves")
    kept = db.session.scalars(select(Revision).order_by(Revision.number)).all()
    assert [(r.number, r.source, r.summary) for r in kept] == [
        (1, "un", ""),
        (2, "deux", "ajout des fèves"),
    ]
    assert kept[1].author.name == "ada"
    assert document.contributors == [f"{BASE}/u/ada", f"{BASE}/u/bob"]


def test_an_edit_that_changes_nothing_makes_no_version(write, edit):
    document = write("Semis", "un")
    assert edit(document, "un", title="Semis").revision == 1


def test_tags_alone_are_a_change_and_what_is_not_given_stays(write, as_, space, bob):
    document = write("Semis", "un", tags=("a",), description="quoi")
    with as_(bob) as work:
        edit_document(work, space, EditDocument(document=document.uid, tags=("#b", "b", " ")))
    assert (document.tags, document.description, document.source) == (["b"], "quoi", "un")
    assert document.revision == 2


def test_edits_of_different_passages_are_merged_into_a_version(write, edit, ada):
    document = write("Semis", "un\n\ndeux\n\ntrois")
    base = version_of("Semis", "un\n\ndeux\n\ntrois")
    edit(document, "UN\n\ndeux\n\ntrois", base=base, by=ada)
    edit(document, "un\n\ndeux\n\nTROIS", base=base)
    assert document.source == "UN\n\ndeux\n\nTROIS"
    assert document.revision == 3


def test_a_base_may_be_named_by_its_number(write, edit):
    document = write("Semis", "un\n\ndeux")
    edit(document, "UN\n\ndeux", base="1")
    edit(document, "un\n\nDEUX", base="1")
    assert document.source == "UN\n\nDEUX"


def test_edits_of_the_same_line_clash_with_all_texts_at_hand_and_nothing_written(write, edit):
    document = write("Semis", "un")
    edit(document, "deux", base="1")
    with pytest.raises(EditClash) as clash:
        edit(document, "trois", base="1")
    told = clash.value
    assert (told.base[1], told.theirs[1], told.mine[1]) == ("un", "deux", "trois")
    assert {"deux", "trois"} <= set(told.merged.split("\n"))
    assert told.current == version_of("Semis", "deux")
    assert (document.source, document.revision) == ("deux", 2)


def test_two_new_titles_clash_and_one_new_title_is_merged(write, edit):
    document = write("Semis", "un")
    edit(document, "un", title="Semis de mars", base="1")
    edit(document, "un\ndeux", title="Semis", base="1")
    assert document.title == "Semis de mars"
    with pytest.raises(EditClash):
        edit(document, "un", title="Semis d’avril", base="1")


def test_a_text_with_passages_left_to_choose_is_not_saved(write, edit):
    document = write("Semis", "un")
    with pytest.raises(Invalid) as refused:
        edit(document, merge("un", "deux", "trois").text)
    assert set(refused.value.fields) == {"source"}


def test_an_unknown_base_is_a_clash_and_not_a_loss(write, edit):
    document = write("Semis", "un")
    with pytest.raises(EditClash):
        edit(document, "deux", base="f" * 64)


def test_going_back_to_a_version_makes_a_new_one(write, edit, as_, space, bob):
    document = edit(write("Semis", "un"), "deux")
    with as_(bob) as work:
        restore_revision(work, space, RestoreRevision(document.uid, 1))
    assert (document.source, document.revision) == ("un", 3)
    with pytest.raises(Missing), as_(bob) as work:
        restore_revision(work, space, RestoreRevision(document.uid, 9))


def test_documents_stand_in_a_tree_without_circles(write, as_, space, bob):
    top = write("Haut")
    middle = write("Milieu", parent=top.uid)
    low = write("Bas", parent=middle.uid)
    (root,) = tree(db.session(), space)
    assert (root.title, root.count, root.children[0].children[0].title) == ("Haut", 2, "Bas")
    for below in (low, middle, top):
        with pytest.raises(Conflict), as_(bob) as work:
            move_document(work, space, MoveDocument(top.uid, below.uid))
    with as_(bob) as work:
        move_document(work, space, MoveDocument(low.uid))
    assert {n.title for n in tree(db.session(), space)} == {"Haut", "Bas"}
    assert low.revision == 2


def test_what_stood_below_a_removed_document_comes_to_the_top_until_it_is_back(
    write, as_, space, ada
):
    top = write("Haut")
    write("Bas", parent=top.uid)
    with as_(ada) as work:
        remove_document(work, space, RemoveDocument(top.uid))
    assert [n.title for n in tree(db.session(), space)] == ["Bas"]
    with pytest.raises(Conflict), as_(ada) as work:
        edit_document(work, space, EditDocument(document=top.uid, source="x"))
    with as_(ada) as work:
        restore_document(work, space, RestoreDocument(top.uid))
    assert [n.title for n in tree(db.session(), space)] == ["Haut"]


def test_links_by_title_are_read_backwards_whatever_their_accents(write, edit):
    target, source = write("École du soir"), write("Projet", "Voir [[ecole  DU soir|là]].")
    assert [d.title for d in backlinks(db.session(), target)] == ["Projet"]
    assert document_titled(db.session(), target.space, "ÉCOLE DU SOIR") is target
    edit(source, "Plus rien")
    assert backlinks(db.session(), target) == []


@pytest.mark.parametrize("said", ["l'eau", "L’EAU", "lʼeau", "\u2067l’eau\u2069"])
def test_links_by_title_are_found_with_any_apostrophe_and_marks_of_direction(write, said):
    target = write("L’eau")
    write("Projet", f"Voir [[{said}]].")
    assert [d.title for d in backlinks(db.session(), target)] == ["Projet"]
    assert document_titled(db.session(), target.space, said) is target


# ------------------------------------------------------------------------ pages


@pytest.fixture
def page(client, bob, space):
    log_in(client, bob)

    def page(path, status=200, **form):
        ask = client.post if form else client.get
        answer = ask(f"{PAGES}/{path}", base_url=BASE, data=form or None)
        assert answer.status_code == status, answer.get_data(as_text=True)
        return answer

    return page


def test_a_document_is_written_read_and_changed_by_forms(page):
    page("new", 302, title="Semis", source="## A\n\n## B\n\n## C", action="save")
    shown = page("semis").get_data(as_text=True)
    assert "Sommaire" in shown
    assert 'href="#t-a"' in shown
    assert 'id="t-a"' in shown
    page("semis/edit", 302, title="Semis", source="fèves", base="1", action="save")
    assert "fèves" in page("semis").get_data(as_text=True)


def test_a_preview_shows_the_text_and_saves_nothing(page):
    shown = page("new", title="Semis", source="**gras** <script>x</script>", action="preview")
    assert "<strong>gras</strong>" in shown.get_data(as_text=True)
    assert "<script>x" not in shown.get_data(as_text=True)
    assert db.session.scalar(select(Document.id)) is None


def test_a_form_with_a_mistake_comes_back_with_all_that_was_typed(page):
    shown = page("new", 422, title="", source="tout mon texte", tags="a, b", action="save")
    text = shown.get_data(as_text=True)
    assert "tout mon texte" in text
    assert 'value="a, b"' in text
    assert 'href="#f-title"' in text


def test_a_clash_brings_the_form_back_with_both_texts_and_the_next_save_wins(page, write, edit):
    document = write("Semis", "un")
    edit(document, "leur texte")
    form = {"title": "Semis", "source": "mon texte", "base": "1", "action": "save"}
    shown = page("semis/edit", 409, **form).get_data(as_text=True)
    assert shown.count("leur") >= 2
    assert shown.count("mon") >= 2
    assert version_of("Semis", "leur texte") in shown
    form |= {"source": "leur texte et mon texte", "base": version_of("Semis", "leur texte")}
    page("semis/edit", 302, **form)
    assert document.source == "leur texte et mon texte"


def test_a_form_left_open_does_not_undo_the_tags_that_others_set(page, write, as_, space, ada):
    document = write("Semis", "un", tags=("a",))
    with as_(ada) as work:
        edit_document(work, space, EditDocument(document=document.uid, tags=("b",)))
    form = {"title": "Semis", "source": "deux", "base": "1", "tags": "a", "was_tags": "a"}
    page("semis/edit", 302, **form)
    assert (document.tags, document.source) == (["b"], "deux")


def test_links_lead_to_documents_and_missing_ones_to_the_form_with_the_title_filled(page, write):
    write("Outils")
    write("Semis", "[[outils]] et [[Pas encore là]]")
    shown = page("semis").get_data(as_text=True)
    assert f'href="{PAGES}/outils"' in shown
    assert f'class="absent" href="{PAGES}/new?title=Pas%20encore%20l%C3%A0"' in shown
    assert 'value="Pas encore là"' in page("new?title=Pas%20encore%20l%C3%A0").get_data(
        as_text=True
    )
    assert page("titre/OUTILS", 302).headers["Location"] == f"{PAGES}/outils"


def test_a_stranger_sees_missing_links_as_words(client, write):
    write("Semis", "[[Pas encore là]]")
    shown = client.get(f"{PAGES}/semis", base_url=BASE).get_data(as_text=True)
    assert '<span class="absent">Pas encore là</span>' in shown
    assert "/edit" not in shown


def test_a_heading_that_repeats_the_title_is_not_shown_twice(page, write):
    write("Forum ouvert", "# Forum Ouvert\n\n## Pourquoi\n\nParce que.")
    shown = page("forum-ouvert").get_data(as_text=True)
    assert shown.count("Forum Ouvert") == 0
    assert '<h2 id="t-pourquoi">' in shown


def test_the_history_compares_versions_word_by_word(page, write, edit):
    document = write("Semis", "des fèves vertes")
    edit(document, "des pois verts & <b>")
    text = page("semis/diff?from=1&to=2").get_data(as_text=True)
    assert "<del>fèves</del>" in text
    assert "<ins>pois</ins>" in text
    assert "&lt;" in text
    assert "Avant" in text
    assert "Après" in text
    assert "Version 2" in page("semis/history").get_data(as_text=True)
    assert "des fèves vertes" in page("semis/version/1").get_data(as_text=True)
    page("semis/diff?from=1&to=9", 404)


def test_a_removed_document_says_so_and_comes_back_by_one_button(page, write):
    write("Semis", "un texte")
    page("semis/remove", 302, ok="1")
    gone = page("semis", 410).get_data(as_text=True)
    assert "un texte" not in gone
    page("semis/restore", 302, ok="1")
    page("semis")


def test_the_pages_of_a_private_space_do_not_exist_for_strangers(make, as_, client, ada):
    space = make.space(ada, slug="secret", visibility=Visibility.MEMBERS)
    with as_(ada) as work:
        write_document(work, space, WriteDocument("Plan", "confidentiel"))
    for path in ("", "plan", "plan/history", "plan/diff", "plan/version/1", "export"):
        answer = client.get(f"/p/secret/pages/{path}", base_url=BASE)
        assert answer.status_code == 404
        assert b"confidentiel" not in answer.data


# ------------------------------------------------------------------- federation


def mirror_of(space: Space, bob: Actor) -> Space:
    """A second space that copies the first one's name, as a mirror on this same instance would."""
    group = Actor(
        iri="https://a.example/p/jardin", kind=ActorKind.GROUP, name="jardin", host="a.example",
        local=False, created_at=space.created_at,
    )  # fmt: skip
    db.session.add(group)
    db.session.flush()
    mirror = Space(
        actor_id=group.id, slug="jardin", host="a.example", local=False, name="Jardin",
        tools=["pages"], created_at=space.created_at, visibility=Visibility.PUBLIC,
    )  # fmt: skip
    db.session.add(mirror)
    db.session.commit()
    return mirror


def moved(obj: dict) -> dict:
    """The object as the host a.example would say it."""
    return json.loads(json.dumps(obj).replace(f"{BASE}/p/", "https://a.example/p/"))


@pytest.fixture
def mirror(space, bob):
    return mirror_of(space, bob)


@pytest.fixture
def told(house, mirror):
    """Applies what the host's log says, as the mirror does."""

    def told(obj, by):
        known = db.session.scalar(select(Document).where(Document.iri == obj["id"]))
        with house.runtime.work(by, mirrored=True, cause=f"{obj['id']}#x") as work:
            here = work.session.merge(mirror)
            if known is None:
                return receive(work, here, obj)
            return revise(work, here, known, obj)

    return told


def test_a_mirror_repeats_a_document_to_the_letter(write, edit, told, bob, ada):
    top = write("Haut")
    text = (
        "# Février\n\n![photo](photo.png) [[Haut|là]] <https://x.example/a?b&c> | \u00a0é\n\n## A"
    )
    document = write(
        "Calendrier <des> semis & co", text, tags=("jardin", "éco quartier"),
        description="Quand < semer & quoi", parent=top.uid, summary="début",
    )  # fmt: skip
    for one in (top, document):
        said = moved(to_object(db.session(), one))
        copy = told(said, bob)
        assert to_object(db.session(), copy) == said
    edit(document, text + "\n\nfin", by=ada, summary="la fin")
    said = moved(to_object(db.session(), document))
    copy = told(said, ada)
    assert to_object(db.session(), copy) == said
    assert said["revision"] == {
        "number": 2,
        "version": multihash_of(version_of(document.title, document.source)),
        "by": ada.iri,
        "summary": "la fin",
        "base": multihash_of(version_of(document.title, text)),
    }
    kept = db.session.scalars(select(Revision).where(Revision.item_id == copy.id)).all()
    assert [(r.number, r.author_id) for r in kept] == [(1, bob.id), (2, ada.id)]


def test_an_article_says_exactly_what_the_profile_asks(write):
    obj = to_object(db.session(), write("Semis", "**x**", tags=("a",), description="Quoi"))
    assert obj["type"] == "Article"
    assert obj["attributedTo"] == obj["audience"] == f"{BASE}/p/jardin"
    assert obj["content"] == "<p><strong>x</strong></p>"
    assert obj["source"] == {"content": "**x**", "mediaType": "text/markdown"}
    assert obj["summary"] == "<p>Quoi</p>"
    assert obj["url"] == f"{BASE}/p/jardin/pages/semis"
    assert obj["tag"] == [{"type": "Hashtag", "name": "#a"}]
    assert obj["contributors"] == [f"{BASE}/u/bob"]
    assert obj["published"].endswith("Z")
    assert len(obj["published"]) == len("2026-11-22T10:00:00Z")
    assert "updated" not in obj
    assert "base" not in obj["revision"]


def test_the_same_version_told_twice_or_an_older_one_changes_nothing(write, edit, told, bob):
    document = write("Semis", "un")
    first = moved(to_object(db.session(), document))
    edit(document, "deux")
    second = moved(to_object(db.session(), document))
    copy = told(second, bob)
    told(second, bob)
    told(first, bob)
    assert (copy.source, copy.revision) == ("deux", 2)
    assert len(db.session.scalars(select(Revision).where(Revision.item_id == copy.id)).all()) == 1


def test_a_mirror_cleans_what_the_host_sends_and_shows_links_on_its_own_pages(
    write, told, bob, client
):
    write("Outils")
    said = moved(to_object(db.session(), write("Semis", "Voir [[Outils]].")))
    said["content"] += '<script>x()</script><img src="https://evil.example/x.png" alt="photo">'
    told(moved(to_object(db.session(), document_titled(db.session(), bob_space(), "Outils"))), bob)
    told(said, bob)
    shown = client.get("/p/jardin@a.example/pages/semis", base_url=BASE).get_data(as_text=True)
    assert "x()" not in shown
    assert shown.count("<img") == shown.count('<img class="weave"')
    assert 'href="/p/jardin@a.example/pages/outils"' in shown


def bob_space() -> Space:
    return db.session.scalars(select(Space).where(Space.local)).one()


@pytest.mark.parametrize(
    "twist",
    [
        {"id": "https://evil.example/p/jardin/w/01"},
        {"attributedTo": "https://evil.example/p/jardin"},
        {"published": "hier"},
        {"revision": {"number": "2"}},
        {"revision": {"number": -1}},
        {"revision": None},
        {"name": ""},
    ],
)
def test_an_article_that_is_not_the_hosts_or_makes_no_sense_is_refused(write, told, bob, twist):
    said = moved(to_object(db.session(), write("Semis", "un"))) | twist
    with pytest.raises((Invalid, Missing)):
        told(said, bob)
    assert db.session.scalar(select(Document.id).where(Document.home_id != bob_space().id)) is None


@pytest.fixture
def lea(make, space, ada, house):
    """A member who lives on another instance."""
    person = Actor(
        iri="https://b.example/u/lea", kind=ActorKind.PERSON, name="lea", host="b.example",
        local=False, created_at=space.created_at,
    )  # fmt: skip
    db.session.add(person)
    db.session.commit()
    make.member(space, ada, person)
    return find_actor(db.session(), "lea", "b.example")


def revision(lea, **more):
    return {
        "type": "Revision",
        "id": "https://b.example/o/r1",
        "attributedTo": lea.iri,
        "name": "Semis",
        "source": {"content": "fèves", "mediaType": "text/markdown"},
    } | more


def test_a_remote_member_offers_a_document_and_then_a_change_of_it(as_, space, lea, write, edit):
    with as_(lea) as work:
        document = take_offer(work, space, revision(lea, summary="début", tag=[
            {"type": "Hashtag", "name": "#a"}]))  # fmt: skip
    assert (document.title, document.source, document.tags) == ("Semis", "fèves", ["a"])
    assert document.author.iri == lea.iri
    change = {
        "context": document.iri,
        "base": multihash_of(version_of("Semis", "fèves")),
        "source": {"content": "fèves\npois", "mediaType": "text/markdown"},
        "version": multihash_of(version_of("Semis", "fèves\npois")),
    }
    with as_(lea) as work:
        take_offer(work, space, revision(lea, **change))
    assert (document.source, document.revision, document.tags) == ("fèves\npois", 2, ["a"])


def test_an_offered_change_that_clashes_says_so_with_the_current_version(
    as_, space, lea, write, edit
):
    document = edit(write("Semis", "un"), "deux")
    offered = revision(lea, context=document.iri, base=multihash_of(version_of("Semis", "un")))
    with pytest.raises(EditClash) as clash, as_(lea) as work:
        take_offer(work, space, offered)
    assert clash.value.current == version_of("Semis", "deux")
    assert document.source == "deux"


@pytest.mark.parametrize(
    ("twist", "problem"),
    [
        ({"attributedTo": "https://b.example/u/omar"}, Forbidden),
        ({"context": "https://here.example/p/jardin/w/nothing"}, Missing),
        ({"source": None}, Invalid),
        ({"source": {"content": "x" * 200_001, "mediaType": "text/markdown"}}, Invalid),
        ({"version": "zQmWrong"}, Invalid),
        ({"name": ""}, Invalid),
    ],
)
def test_a_malformed_offer_changes_nothing(as_, space, lea, twist, problem):
    with pytest.raises(problem), as_(lea) as work:
        take_offer(work, space, revision(lea, **twist))
    assert db.session.scalar(select(Document.id)) is None


def test_an_offer_can_move_remove_and_bring_back(as_, space, lea):
    with as_(lea) as work:
        top = take_offer(work, space, revision(lea, name="Haut"))
        low = take_offer(work, space, revision(lea, parent=top.iri))
    about = {"type": "Revision", "attributedTo": lea.iri, "context": low.iri}
    with as_(lea) as work:
        take_offer(work, space, about | {"parent": None})
    assert low.parent_id is None
    with as_(lea) as work:
        take_offer(work, space, about | {"withdrawn": True})
    assert low.withdrawn_at
    with as_(lea) as work:
        take_offer(work, space, about | {"withdrawn": False})
    assert low.withdrawn_at is None


def test_the_room_takes_articles_and_offered_revisions_only():
    assert MAPPING.takes({"type": "Article"})
    assert not MAPPING.takes({"type": "Note"})
    assert tuple(MAPPING.offer_types) == ("Revision",)
    assert MAPPING.ownership == "commons"


def test_every_change_is_told_once_to_those_who_listen(write, edit, as_, space, bob):
    document = edit(write("Semis", "un"), "deux")
    with as_(bob) as work:
        remove_document(work, space, RemoveDocument(document.uid))
    names = db.session.scalars(
        select(EventRow.name).where(EventRow.item_id == document.id).order_by(EventRow.id)
    ).all()
    assert names == ["item.published", "item.revised", "item.withdrawn"]


# ---------------------------------------------------------------- in what language it is


def test_r_12_a_document_says_its_language_on_copies_too_and_keeps_it(write, edit, told, bob, as_):
    document = write("بذور", "الفول", language="ar")
    said = to_object(db.session(), document)
    assert said["contentMap"] == {"ar": said["content"]}
    copy = told(moved(said), bob)
    assert copy.language == "ar"
    assert to_object(db.session(), copy) == moved(said)
    edit(document, "الفول والحمص")
    assert (document.language, document.revision) == ("ar", 2), "who says nothing changes nothing"
    edit(document, "الفول والحمص", language="fa")
    assert (document.language, document.revision) == ("fa", 3)
    assert told(moved(to_object(db.session(), document)), bob).language == "fa"
    edit(document, "الفول والحمص", language="und")
    assert "contentMap" not in to_object(db.session(), document)
    assert told(moved(to_object(db.session(), document)), bob).language == ""
    assert write("Vide", "", language="ar").language == "ar"
    assert "contentMap" not in to_object(db.session(), write("Sans texte", "", language="ar"))


def test_r_12_a_document_is_written_and_shown_in_its_language_by_forms(client, page, space):
    form = client.get(f"{PAGES}/new").get_data(as_text=True)
    assert 'value="fr" selected' in form
    sent = {"title": "Seeds", "source": "Broad beans", "action": "save", "language": "en"}
    client.post(f"{PAGES}/new", data=sent)
    told = client.get(f"{PAGES}/seeds").get_data(as_text=True)
    assert '<h1 lang="en">Seeds</h1>' in told
    assert 'dir="auto" lang="en">' in told
    form = client.get(f"{PAGES}/seeds/edit").get_data(as_text=True)
    assert 'value="en" selected' in form
    assert 'name="was_language" value="en"' in form


def test_r_12_saving_a_document_of_unknown_language_does_not_say_one(client, page, write):
    document = write("Semis", "fèves")
    headers = {"Accept-Language": "en"}
    form = client.get(f"{PAGES}/semis/edit", headers=headers).get_data(as_text=True)
    assert 'value="fr" selected' in form, "the language of the instance, whoever reads"
    sent = {"title": "Semis", "source": "fèves", "language": "fr", "was_language": "fr"}
    client.post(f"{PAGES}/semis/edit", data=sent | {"action": "save"})
    db.session.refresh(document)
    assert (document.language, document.revision) == ("", 1)


def test_r_12_a_member_from_elsewhere_offers_the_language_too(as_, space, lea):
    with as_(lea) as work:
        document = take_offer(work, space, revision(lea, language="pt-BR"))
    assert document.language == "pt-BR"
    with as_(lea) as work:
        take_offer(work, space, revision(lea, context=document.iri, language="zz!!"))
        take_offer(work, space, revision(lea, context=document.iri))
    assert document.language == "", "what is no language is none; what is left out stays"
