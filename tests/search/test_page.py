"""The page « Chercher », and what everybody who searches is owed: nothing that is not theirs."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape

import pytest
from conftest import log_in
from sqlalchemy import event

from collab.search.port import REACHABLE
from collab.spaces.items import withdraw
from collab.spaces.membership import leave
from collab.spaces.models import Visibility
from collab.spaces.tools.discussion.inputs import OpenThread, PostMessage
from collab.spaces.tools.discussion.operations import open_thread, post_message
from collab.spaces.tools.pages.inputs import WriteDocument
from collab.spaces.tools.pages.operations import write_document
from collab.web.extensions import db
from collab.web.searching import Asked

SECRET = "zanzibarite"
SLUGS = ("cachette", "inventee")


@pytest.fixture
def ada(make):
    return make.person("ada")


@pytest.fixture
def bob(make):
    return make.person("bob")


@pytest.fixture
def garden(make, ada):
    return make.space(ada)


@pytest.fixture
def hidden(make, ada):
    return make.space(ada, slug="cachette", visibility=Visibility.MEMBERS)


@pytest.fixture
def here_only(make, ada):
    return make.space(ada, slug="maison", visibility=Visibility.LOCAL)


def write(house, author, space, title, source="texte", **more):
    with house.as_(author) as work:
        return write_document(work, space, WriteDocument(title=title, source=source, **more))


@pytest.fixture
def written(house, ada, garden, hidden, here_only):
    """One page in each space; only members know the word SECRET."""
    pages = {
        "garden": write(house, ada, garden, "Écoles du quartier", "Le compost des élèves."),
        "hidden": write(house, ada, hidden, f"Projet {SECRET}", "Le compost caché des écoles."),
        "here": write(house, ada, here_only, "Clés de la maison", "Sous le compost."),
    }
    house.settle()
    return pages


def page(client, **asked):
    answer = client.get("/search", query_string=asked)
    assert answer.status_code == 200
    return answer.get_data(as_text=True)


def titles(html):
    found = re.findall(r'<article class="hit">\s*<h2><a [^>]*>(.*?)</a></h2>', html)
    return [unescape(re.sub(r"<[^>]+>", "", title)) for title in found]


def heading(html):
    found = re.search(r'<h2 id="resultats"[^>]*>(.*?)</h2>', html)
    return unescape(found[1]).replace("\xa0", " ")


# --- Privacy ------------------------------------------------------------------------------------


def test_a_private_item_is_never_counted_suggested_or_excerpted_to_a_stranger(
    house, client, ada, garden, hidden
):
    """Whatever a stranger asks, the page is the same, letter by letter, as if it did not exist."""
    write(house, ada, garden, "Écoles du quartier", "Le compost des élèves.")
    house.settle()
    words = [SECRET, SECRET[:-1], "zanzibraite", f"{SECRET} compost", "compost", "ecole", "caché"]
    asked = [{"q": q, "order": order} for q in words for order in ("best", "newest")]
    asked += [{"tool": "pages"}, {"author": "ada"}, {"q": "-compost", "tool": "pages"}]
    before = [as_read(page(client, **given)) for given in asked]
    write(house, ada, hidden, f"Projet {SECRET}", "Le compost caché des écoles.")
    house.settle()
    assert [as_read(page(client, **given)) for given in asked] == before
    member = house.client()
    log_in(member, ada)
    assert titles(page(member, q=SECRET)) == [f"Projet {SECRET}"]


def as_read(html):
    """A page without what differs at every visit."""
    html = re.sub(r'name="csrf_token" value="[^"]*"', "", html)
    return re.sub(r"<time [^>]*>[^<]*</time>", "", html)


def test_a_stranger_counts_only_what_a_stranger_sees(client, written):
    assert heading(page(client, q="compost")) == "1 résultat pour « compost »"


def test_a_member_finds_what_is_the_members_and_nobody_else_does(house, written, ada, bob):
    mine, other = house.client(), house.client()
    log_in(mine, ada)
    log_in(other, bob)
    assert titles(page(mine, q=SECRET)) == [f"Projet {SECRET}"]
    assert heading(page(mine, q="compost")) == "3 résultats pour « compost »"
    assert titles(page(other, q=SECRET)) == []
    assert heading(page(other, q="compost")) == "2 résultats pour « compost »"


def test_a_suggestion_is_made_to_those_who_may_read_the_text(house, written, ada, bob):
    for person, offered in ((ada, True), (bob, False)):
        client = house.client()
        log_in(client, person)
        assert (f">{SECRET}</a>" in page(client, q="zanzibraite")) is offered


def test_who_has_left_finds_no_more_from_that_moment(house, make, written, ada, bob, hidden):
    make.member(hidden, ada, bob)
    client = house.client()
    log_in(client, bob)
    assert titles(page(client, q=SECRET)) == [f"Projet {SECRET}"]
    with house.as_(bob) as work:
        leave(work, hidden)
    assert titles(page(client, q=SECRET)) == []


def test_naming_a_space_one_may_not_read_finds_nothing_and_does_not_say_whether_it_exists(
    client, written
):
    real, invented = (
        as_read(page(client, q="compost", space=slug)).replace(slug, "") for slug in SLUGS
    )
    assert titles(real) == titles(invented) == []
    assert real == invented


def test_what_was_withdrawn_is_not_shown_even_before_the_index_knows(house, client, written, ada):
    with house.as_(ada) as work:
        withdraw(work, written["garden"])
    html = page(client, q="compost")
    assert titles(html) == []
    assert heading(html) == "Aucun résultat pour « compost »"
    assert html.partition("<footer")[0].count("<h2") == 1


def test_the_answers_of_a_withdrawn_thread_are_not_shown(house, client, ada, garden):
    with house.as_(ada) as work:
        thread = open_thread(work, garden, OpenThread(title="Eau", body="Une cuve ?"))
    with house.as_(ada) as work:
        post_message(work, garden, PostMessage(thread=thread.uid, body="Un tonneau."))
    house.settle()
    assert titles(page(client, q="tonneau")) == ["Eau"]
    with house.as_(ada) as work:
        withdraw(work, db.session.merge(thread))
    assert titles(page(client, q="tonneau")) == []


# --- What people do -----------------------------------------------------------------------------


def test_without_a_question_the_page_says_what_can_be_asked(client, written):
    html = page(client)
    assert "Que cherchez-vous" in html
    assert titles(html) == []


def test_a_result_shows_where_it_is_and_marks_the_words(client, written):
    html = page(client, q="ecole")
    assert (
        '<a href="/p/jardin/pages/ecoles-du-quartier"><mark>Écoles</mark> du quartier</a>' in html
    )
    assert '<a href="/p/jardin">Jardin</a>' in html
    assert client.get("/p/jardin/pages/ecoles-du-quartier").status_code == 200


def test_a_message_is_shown_under_the_subject_of_its_thread(house, client, ada, garden):
    with house.as_(ada) as work:
        thread = open_thread(work, garden, OpenThread(title="Eau de pluie", body="Une cuve ?"))
    with house.as_(ada) as work:
        given = PostMessage(thread=thread.uid, body="J’ai un tonneau <b>gras</b>.")
        message = post_message(work, garden, given)
    house.settle()
    html = page(client, q="tonneaux")
    assert titles(html) == ["Eau de pluie"]
    assert f"/discussion/m/{message.uid}" in html
    assert "<mark>tonneau</mark>" in html


def test_filters_narrow_what_is_found(house, client, written, ada, bob, garden, make):
    make.member(garden, ada, bob)
    with house.as_(bob) as work:
        open_thread(work, garden, OpenThread(title="Compost de Bob", body="texte"))
    house.settle()
    assert titles(page(client, q="compost", tool="discussion")) == ["Compost de Bob"]
    assert titles(page(client, q="compost", author="bob")) == ["Compost de Bob"]
    assert titles(page(client, q="compost", author="@Bob@here.example")) == ["Compost de Bob"]
    assert titles(page(client, q="compost", author="ada")) == ["Écoles du quartier"]
    assert titles(page(client, author="bob")) == ["Compost de Bob"]
    assert len(titles(page(client, q="compost", space="jardin"))) == 2


def test_days_are_the_readers_days_the_last_one_included(client, written):
    written_on = (written["garden"].created_at + timedelta(hours=2)).date()
    day = timedelta(days=1)
    for since, until, found in (
        (written_on - day, written_on + day, 1),
        (written_on + 2 * day, None, 0),
        (None, written_on - 2 * day, 0),
    ):
        asked = {"since": since or "", "until": until or ""}
        assert len(titles(page(client, q="compost", **asked))) == found


def test_the_newest_can_be_asked_for_first(house, client, written, ada, garden):
    write(house, ada, garden, "Vers", "compost")
    house.settle()
    write(house, ada, garden, "Bacs", "compost " * 3)
    house.settle()
    newest = titles(page(client, q="compost", order="newest"))
    assert newest == ["Bacs", "Vers", "Écoles du quartier"]


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"since": "hier"}, "since"),
        ({"until": "2026-13-01"}, "until"),
        ({"author": "personne"}, "author"),
        ({"space": "nulle-part"}, "space"),
        ({"tool": "marteau"}, "tool"),
    ],
)
def test_a_filter_that_is_not_understood_is_named_and_what_was_typed_stays(
    client, written, asked, field
):
    html = page(client, q="compost", **asked)
    assert f'href="#f-{field}"' in html
    assert 'value="compost"' in html
    assert titles(html) == []


def test_pages_of_results_lead_on_and_keep_the_question(house, client, ada, garden):
    for n in range(45):
        write(house, ada, garden, f"Fiche {n}", "atelier")
    house.settle()
    seen = []
    html = page(client, q="atelier", tool="pages")
    while True:
        assert heading(html) == "45 résultats pour « atelier »"
        seen += titles(html)
        following = re.search(r'rel="next" href="([^"]*)"', html)
        if not following:
            break
        html = client.get(unescape(following[1])).get_data(as_text=True)
    assert sorted(seen) == sorted(f"Fiche {n}" for n in range(45))
    assert titles(page(client, q="atelier", page=99)) == titles(html)


def test_a_question_nobody_can_answer_says_what_to_do(client, written):
    html = page(client, q="introuvable")
    assert "Sans compte, seuls les projets ouverts" in html
    assert 'href="/login"' in html
    assert "presque tous les textes" in page(client, q="de la")


def test_some_of_the_words_are_better_than_nothing_and_it_is_said(client, written):
    html = page(client, q="compost introuvable")
    assert titles(html) == ["Écoles du quartier"]
    assert "Aucun texte n’a tous ces mots" in html


def test_a_misspelt_word_is_offered_as_it_is_written_and_the_offer_works(client, written):
    html = page(client, q="qaurtier", tool="pages")
    link = re.search(r'class="suggestion">[^<]*<a href="([^"]*)">quartier</a>', html)
    assert titles(client.get(unescape(link[1])).get_data(as_text=True)) == ["Écoles du quartier"]
    assert "tool=pages" in link[1]


@pytest.mark.parametrize("words", ['"><script>alert(1)</script>', "a" * 1000, "% ' \\", "« »"])
def test_whatever_is_typed_is_shown_as_words(client, written, words):
    html = page(client, q=words)
    assert "<script>alert" not in html


def test_while_the_index_is_being_made_the_page_says_so(house, client, written):
    for path in (house.path / "index").iterdir():
        path.unlink()
    assert "La recherche se prépare" in page(client, q="compost")


def test_a_page_needs_few_questions_to_the_database(house, client, written, ada, garden):
    """The same number for one result as for twenty."""
    counts = {}
    for extra in (0, 19):
        for n in range(extra):
            write(house, ada, garden, f"Fiche {n}", "compost")
        house.settle()
        counts[extra] = statements(lambda: page(client, q="compost", space="jardin"))
    assert counts[19] <= counts[0] + 2


def statements(task):
    seen = []
    listen = lambda conn, cursor, statement, *rest: seen.append(statement)  # noqa: E731
    event.listen(db.engine, "before_cursor_execute", listen)
    try:
        task()
    finally:
        event.remove(db.engine, "before_cursor_execute", listen)
    return len(seen)


# --- For the API and other doors ----------------------------------------------------------------


def test_the_runtime_finds_for_a_viewer(house, written, ada, garden):
    search = house.runtime.search
    answer = search.find(db.session(), ada, Asked("compost", limit=2))
    assert answer.total == 3
    assert len(answer.results) == 2
    rest = search.find(db.session(), ada, Asked("compost", limit=2, cursor=answer.next_cursor))
    found = {r.item.id for r in (*answer.results, *rest.results)}
    assert found == {item.id for item in written.values()}
    assert rest.next_cursor is None
    (one,) = search.find(db.session(), None, Asked("compost")).results
    assert one.space.id == garden.id
    assert one.tool.name == "pages"
    assert one.url == "/p/jardin/pages/ecoles-du-quartier"
    assert "<mark>compost</mark>" in one.excerpt
    assert REACHABLE >= 100


def test_a_project_is_found_by_its_name_by_whoever_may_read_it(
    client, house, ada, make, garden, hidden
):
    with house.as_(ada) as work:
        garden = work.session.merge(garden)
        garden.name, garden.territory = "Jardin partagé de la Butte", "Val-d’Orme"
        work.session.merge(hidden).name = "Jardin secret"
    house.settle()
    for words in ("jardins", "Butte", "PARTAGE", "jardin orme", "jardin -secret"):
        page = client.get("/search", query_string={"q": words}).get_data(as_text=True)
        assert "Un projet de ce nom" in page, words
        assert 'href="/p/jardin"' in page
        assert "Aucun texte ne parle de" in unescape(page)
        assert "Que faire" not in page
        assert "cachette" not in page
    for words in ("secret", "jardin secret", "jardin -butte", "la", "cachette"):
        page = client.get("/search", query_string={"q": words}).get_data(as_text=True)
        assert "de ce nom" not in page, words
    filtered = client.get("/search", query_string={"q": "jardin", "tool": "pages"})
    assert "de ce nom" not in filtered.get_data(as_text=True), "only texts were asked for"
    log_in(client, ada)
    page = client.get("/search", query_string={"q": "jardin"}).get_data(as_text=True)
    assert "Des projets de ce nom" in page
    assert 'href="/p/cachette"' in page
