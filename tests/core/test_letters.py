"""Names and titles in the order in which people look for them."""

from __future__ import annotations

import random

from collab.core.letters import alphabetical

FRENCH = ["10 rue Haute", "Abricot", "àé", "eau", "école", "Été", "frais", "Œuvre", "orange", "Zoé"]
ARABIC = ["إبراهيم", "أحمد", "آمال", "باب", "تَمر", "تمرين", "سارة", "عمر", "هدى", "ويب"]


def test_accents_and_capitals_do_not_part_words_that_stand_together():
    for known in (FRENCH, ARABIC, FRENCH + ARABIC):
        mixed = random.Random(7).sample(known, len(known))
        assert sorted(mixed, key=alphabetical) == known


def test_words_that_differ_by_an_accent_alone_have_one_order():
    assert sorted(["côte", "cote", "Cote"], key=alphabetical) == ["Cote", "cote", "côte"]
