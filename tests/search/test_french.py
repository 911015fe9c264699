"""French words that belong together meet in the index; words that do not stay apart."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from collab.search.french import COMMON, stem, stems, words

QUALITY = [
    ("école", "ecole"),
    ("ecole", "Écoles"),
    ("chevaux", "cheval"),
    ("élèves", "eleve"),
    ("journaux", "journal"),
    ("cœur", "coeur"),
    ("Noël", "noel"),
    ("Saint-Étienne", "saint etienne"),
    ("L’Haÿ", "hay"),
    ("participons", "participer"),
    ("municipalités", "municipale"),
    ("électrices", "électeur"),
    ("citoyenne", "citoyens"),
    ("vélos", "vélo"),
    ("qu’il", "il"),
    ("d’ateliers", "atelier"),
    ("réunions", "réunion"),
    ("bénévoles", "bénévole"),
]
"""The eighteen pairs by which backends are compared (twelve of them named in the measurements)."""

ALSO = [
    ("décidée", "décider"),
    ("accessibilité", "accessibles"),
    ("responsabilités", "responsable"),
    ("travaux", "travail"),
    ("élus", "élue"),
    ("lois", "loi"),
    ("emplois", "emploi"),
    ("jeux", "jeu"),
    ("tiers-lieux", "tiers-lieu"),
    ("activités", "active"),
    ("collectivité", "collectif"),
    ("participatifs", "participative"),
    ("agricultrices", "agriculteur"),
    ("chercheuse", "chercheurs"),
    ("mobilité", "mobile"),
    ("locaux", "locale"),
    ("proposons", "proposer"),
    ("potagers", "potager"),
    ("premières", "premier"),
    ("nationaux", "nationale"),
    ("journées", "journée"),
    ("votes", "voter"),
    ("champignons", "champignon"),
    ("aujourd’hui", "aujourd'hui"),
]
APART = [
    ("maison", "mais"),
    ("maire", "mari"),
    ("bouton", "bout"),
    ("poisson", "pois"),
    ("publicité", "public"),
    ("visite", "vis"),
    ("ville", "village"),
    ("commune", "commerce"),
    ("projet", "projecteur"),
    ("local", "location"),
    ("vélo", "voler"),
    ("élection", "électricité"),
    ("chaton", "chat"),
    ("saison", "sais"),
    ("jardin", "jour"),
    ("place", "plante"),
    ("gratuit", "gratter"),
]


@pytest.mark.parametrize(("one", "other"), QUALITY + ALSO)
def test_these_words_are_one_for_whoever_searches(one, other):
    assert stems(one) == stems(other)


@pytest.mark.parametrize(("one", "other"), APART)
def test_these_words_are_not(one, other):
    assert stem(one) != stem(other)


@pytest.mark.parametrize("apostrophe", "'’ʼ‘")
def test_elided_words_are_left_out_whatever_the_apostrophe(apostrophe):
    assert stems(f"l{apostrophe}école d{apostrophe}été jusqu{apostrophe}à") == stems("école été")


def test_an_apostrophe_does_not_eat_a_word_that_is_no_article():
    assert stems("presqu’île") == stems("presqu ile")


def test_the_commonest_words_are_not_indexed():
    assert stems("Les outils de la commune sont à nous") == stems("outils commune sont")
    assert all(stem(word) == "" for word in COMMON)


def test_words_are_found_where_they_stand():
    text = "L’école, « Écoles » !"
    assert [text[w.start : w.end] for w in words(text)] == ["école", "Écoles"]


def test_words_of_other_languages_and_numbers_are_kept():
    assert stems("Straße мир 2026 x") == ["strass", "мир", "2026", "x"]


def test_a_word_without_end_does_not_grow_the_index():
    assert len(stem("a" * 10_000)) <= 40


def test_stemming_is_the_same_in_every_thread():
    text = "Les municipalités proposent des ateliers participatifs aux électrices."
    with ThreadPoolExecutor(4) as threads:
        assert {tuple(s) for s in threads.map(stems, [text] * 200)} == {tuple(stems(text))}
