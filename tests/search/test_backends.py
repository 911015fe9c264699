"""What every backend owes: one contract, each backend."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest

from collab.search.french import stems
from collab.search.port import REACHABLE, Query

from .conftest import NEW_YEAR, document

GARDEN = [
    document(1, "Écoles du quartier", "Les élèves arrosent le potager à midi.", day=1),
    document(2, "Compost", "Le bac est près de l’école du Prado. Le compost mûrit.", day=2),
    document(3, "Chevaux", "Deux chevaux de trait labourent le champ.", day=3, tags=("labour",)),
    document(4, "Réunion secrète", "Le trésor zanzibarite des écoles.", space=2, day=4),
    document(5, "", "On compte les vers du compost ?", tool="discussion", author=8, day=5),
]


@pytest.fixture
def ask(backend, session):
    """Ask the garden's index something; strangers see space 1 only."""
    backend.apply(session, GARDEN, [])

    def asking(words, spaces=(1,), **more):
        return backend.find(session, Query(words, spaces, **more))

    return asking


def ids(found):
    return [hit.item_id for hit in found.hits]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("ecole", {1, 2}),
        ("ÉCOLES", {1, 2}),
        ("cheval", {3}),
        ("l’école", {1, 2}),
        ("compost école", {2}),
        ('"école du Prado"', {2}),
        ('"Prado école"', set()),
        ("« école du Prado »", {2}),
        ("compost -prado", {5}),
        ('compost -"du Prado"', {5}),
        ("compost −prado", {5}),
        ("labours", {3}),
        ("vers de compost", {5}),
        ("inconnu", set()),
    ],
)
def test_words_phrases_and_exclusions_find_what_they_say(ask, words, expected):
    found = ask(words)
    assert set(ids(found)) == expected
    assert found.total == len(expected)


def test_the_commonest_words_alone_find_nothing_and_do_not_find_everything(ask):
    assert ask("de la").total == 0


def test_without_words_the_filters_alone_answer_newest_first(ask):
    assert ids(ask("")) == [5, 3, 2, 1]
    assert ids(ask("  ", tool="pages")) == [3, 2, 1]
    assert ids(ask("-compost")) == [3, 1]


@pytest.mark.parametrize("words", ["secrete", "zanzibarite", "", "-compost", "ecole", "tresor bac"])
@pytest.mark.parametrize("spaces", [(), (9,), (1,)])
def test_what_lies_outside_the_spaces_is_never_found_counted_or_quoted(ask, words, spaces):
    found = ask(words, spaces)
    allowed = {d.item_id for d in GARDEN if d.space_id in spaces}
    assert set(ids(found)) <= allowed
    assert found.total <= len(allowed)
    assert "zanzibar" not in str(found).lower()
    assert "secr" not in str(found.hits)


def test_a_suggestion_comes_from_visible_texts_only(ask):
    assert ask("zanzibarit", (1,)).suggestion is None
    assert ask("zanzibrite", (1,)).suggestion is None
    assert ask("zanzibrite", (2,)).suggestion == "zanzibarite"
    assert ask("trésro", (1, 2)).suggestion == "trésor"


def test_a_suggestion_keeps_the_words_that_are_right_and_spells_with_accents(ask):
    assert ask("compost élvèes").suggestion == "compost élèves"
    assert ask("chevuax").suggestion == "chevaux"


def test_words_that_are_found_need_no_suggestion(ask):
    assert ask("compost").suggestion is None
    assert ask("xyzzyx").suggestion is None


def test_when_nothing_has_all_words_some_of_them_will_do(ask):
    found = ask("compost inconnu")
    assert found.relaxed
    assert set(ids(found)) == {2, 5}
    assert found.total == 2
    assert not ask("compost bac").relaxed


def test_what_is_excluded_stays_excluded_when_some_words_will_do(ask):
    assert set(ids(ask("compost inconnu -prado"))) == {5}


def test_a_title_counts_more_than_a_text(ask):
    assert ids(ask("compost"))[0] == 2
    assert ids(ask("école"))[0] == 1
    assert ids(ask("compost", order="newest")) == [5, 2]


def test_filters_narrow_by_tool_author_and_day(ask):
    assert ids(ask("compost", tool="discussion")) == [5]
    assert ids(ask("compost", author=7)) == [2]
    assert ids(ask("compost", author=9)) == []
    day = timedelta(days=1)
    assert ids(ask("", since=NEW_YEAR + 3 * day)) == [5, 3]
    assert ids(ask("", until=NEW_YEAR + 3 * day)) == [2, 1]
    assert ids(ask("", since=NEW_YEAR + 2 * day, until=NEW_YEAR + 3 * day)) == [2]


def test_an_excerpt_marks_the_words_and_escapes_the_rest(backend, session):
    text = "début " * 100 + "voici <script>alert(1)</script> & des écoles du Prado " + "fin " * 100
    backend.apply(session, [document(1, "L’école <b>", text)], [])
    (hit,) = backend.find(session, Query("ecole prado", [1])).hits
    assert hit.title_html == "L’<mark>école</mark> &lt;b&gt;"
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; des <mark>écoles</mark> du" in (
        hit.excerpt_html
    )
    assert "<mark>Prado</mark>" in hit.excerpt_html
    assert hit.excerpt_html.startswith("… ")
    assert hit.excerpt_html.endswith(" …")
    assert len(hit.excerpt_html) < 400


def test_pages_follow_one_another_without_a_gap_or_a_double(backend, session):
    backend.apply(session, [document(n, f"Fiche {n}", "atelier " * n) for n in range(1, 48)], [])
    for order in ("best", "newest"):
        seen, cursor = [], None
        while True:
            found = backend.find(session, Query("atelier", [1], order=order, cursor=cursor))
            seen += ids(found)
            assert found.total == 47
            if found.next_cursor is None:
                break
            cursor = found.next_cursor
        assert sorted(seen) == list(range(1, 48))


@pytest.mark.parametrize("cursor", ["", "-1", "x", "１", "99999999", None])
def test_a_cursor_nobody_gave_is_the_beginning(ask, cursor):
    assert ids(ask("", cursor=cursor)) == [5, 3, 2, 1]


def test_a_cursor_past_the_end_has_nothing_and_says_how_many_there_are(ask):
    found = ask("", cursor="40")
    assert (ids(found), found.total, found.next_cursor) == ([], 4, None)


def test_no_cursor_leads_past_what_can_be_reached():
    query = Query("x", [1], limit=100, cursor=str(REACHABLE - 100))
    assert query.offset + query.limit == REACHABLE


def test_the_latest_version_of_a_document_is_the_only_one(backend, session):
    backend.apply(session, [document(1, "Pelle")], [])
    backend.apply(session, [document(1, "Râteau"), document(1, "Bêche")], [])
    assert backend.find(session, Query("pelle", [1])).total == 0
    assert backend.find(session, Query("rateau", [1])).total == 0
    assert backend.find(session, Query("beche", [1])).total == 1


def test_what_is_dropped_is_gone_and_dropping_what_is_not_there_is_nothing(backend, session):
    backend.apply(session, [document(1, "Râteau"), document(2, "Râteau")], [])
    backend.apply(session, [], [1, 99])
    assert ids(backend.find(session, Query("rateau", [1]))) == [2]
    assert backend.find(session, Query("rataeu", [1])).suggestion == "râteau"
    backend.apply(session, [], [2])
    assert backend.find(session, Query("rataeu", [1])).suggestion is None


def test_moving_to_another_space_takes_a_document_out_of_the_first(backend, session):
    backend.apply(session, [document(1, "Pelle", space=1)], [])
    backend.apply(session, [document(1, "Pelle", space=2)], [])
    assert backend.find(session, Query("pelle", [1])).total == 0
    assert backend.find(session, Query("pelle", [2])).total == 1


def test_filling_replaces_everything(backend, session):
    backend.apply(session, [document(1, "Pelle")], [])
    assert backend.fill(session, (document(n, "Râteau") for n in (2, 3))) == 2
    assert not backend.wants_filling(session)
    assert backend.find(session, Query("", [1])).total == 2
    backend.clear(session)
    assert backend.find(session, Query("", [1])).total == 0


@pytest.mark.parametrize(
    "words",
    [
        "'", '"', '""', "\\", "a:b", "a' OR 1=1 --", "(a", "a)", "a & b | !c", "a <-> b", "*", "a*",
        "text:compost", "[1 TO 2]", "~2", "^3", "AND", "NOT compost", "\x00", "é" * 400, "- -", "-",
        "compost " * 200, "😀", "école-école-école", "ﬁn", "١٢٣", "\ud800",
    ],
)  # fmt: skip
def test_nothing_that_can_be_typed_is_an_error(ask, words):
    found = ask(words)
    assert found.ready
    assert set(ids(found)) <= {1, 2, 3, 5}


def test_texts_of_any_letters_and_length_can_be_indexed(backend, session):
    odd = ["", "' \\ : & | ! <->", "x" * 5000, "мир 世界 سلام", "a\x00b", "é " * 30_000, "1e5 3.14"]
    backend.apply(session, [document(n, t[:100], t) for n, t in enumerate(odd, 1)], [])
    assert backend.find(session, Query("мир", [1])).total == 1
    assert backend.find(session, Query("", [1])).total == len(odd)


def test_answers_are_those_of_a_plain_look_at_every_text(backend, session):
    """Thousands of combinations against the simplest search there is: reading everything."""
    rnd = random.Random(4)
    known = ["abricot", "betterave", "carotte", "dahlia", "endive", "fenouil", "genêt", "iris"]
    texts = {
        n: [rnd.choice(known) for _ in range(rnd.randint(1, 12))] for n in range(1, 121)
    }  # fmt: skip
    for start in range(1, 121, 40):
        batch = [
            document(n, texts[n][0], " ".join(texts[n][1:]), space=n % 3, day=n)
            for n in range(start, start + 40)
        ]
        backend.apply(session, batch, [])
    for _ in range(150):
        wanted = rnd.sample(known, rnd.randint(1, 3))
        unwanted = rnd.sample(known, rnd.randint(0, 1))
        spaces = rnd.sample([0, 1, 2], rnd.randint(1, 3))
        expected = {
            n
            for n, words in texts.items()
            if n % 3 in spaces and set(wanted) <= set(words) and not set(unwanted) & set(words)
        }
        asked = " ".join([*wanted, *[f"-{w}" for w in unwanted]])
        order = rnd.choice(["best", "newest"])
        limit = rnd.choice([1, 5, 200])
        found = backend.find(session, Query(asked, spaces, order=order, limit=limit))
        if found.relaxed:
            assert not expected
            continue
        assert found.total == len(expected), asked
        assert len(found.hits) == min(limit, len(expected))
        assert set(ids(found)) <= expected
        if order == "newest":
            assert ids(found) == sorted(expected, reverse=True)[:limit]


def test_the_same_stems_are_asked_as_are_indexed():
    assert stems("Les vélos électriques d’Évreux") == stems("velo electrique evreux")
