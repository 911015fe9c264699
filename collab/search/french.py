"""French words as the index knows them: folded, without elisions, reduced to their stem.

Accents are folded before stemming, so that `ecole` and « Écoles » meet. What the Snowball stemmer
can then no longer see, because its rules look for accents, is said here in a few rules before it;
what it never saw, in a few after it. Every backend indexes and asks with these same stems.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from Stemmer import Stemmer

from collab.core.letters import fold


def _set(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


WORD = re.compile(r"([^\W_ʼ]+)(['’ʼ‘]?)")
ELIDED = _set("c d j jusqu l lorsqu m n puisqu qu quoiqu s t")
COMMON = _set(
    # Articles, prepositions, pronouns: in nearly every text, and never what is looked for.
    "a au aux avec ce ces cet cette chez comme dans de des du elle elles en entre et eux il ils"
    " je la le les leur leurs lui ma mais me mes mon ne nos notre nous on ou par pour qu que qui"
    " sa se ses son sur ta te tes toi ton tu un une vos votre vous y"
)
LONGEST = 40
"""Letters of a word; the rest is not indexed."""
KNOWN_WORDS = 50_000

IRREGULAR = {"travaux": "travail", "vitraux": "vitrail", "yeux": "oeil", "cieux": "ciel"}
BEFORE = (
    # What was -ité, -ée before folding, and feminines of which Snowball knows some only.
    (re.compile(r"(?<=\w\w)abilites?$"), "able"),
    (re.compile(r"(?<=\w\w)ibilites?$"), "ible"),
    (re.compile(r"(?<=\w\w)([ai]l)ites?$"), r"\1"),
    (re.compile(r"(?<=\w\w)ivites?$"), "ive"),
    (re.compile(r"(?<=\w\w)ifs?$"), "ive"),
    (re.compile(r"(?<=\w\w)trices?$"), "teur"),
    (re.compile(r"(?<=\w\w\w)ees?$"), "e"),
    (re.compile(r"(?<=\w)ieres?$|(?<=\w)iers$"), "ier"),
    (re.compile(r"(?<=\w\w)ers$"), "er"),
)
AFTER = (
    (re.compile(r"(?<=\w\w\w\w\w)on$"), ""),  # -ons of verbs; -on of nouns alike, so none parts
    (re.compile(r"(?<=\w)eux$|(?<=\w\w)eur$"), "eu"),  # jeux, lieux; chercheuse and chercheur
    (re.compile(r"(?<=\w\w[aeiou])s$"), ""),  # lois, emplois, élus: Snowball keeps this s
)

_local = threading.local()


class Word(NamedTuple):
    """One word of a text: where it stands, and its stem (empty for a word that is not indexed)."""

    start: int
    end: int
    stem: str


@lru_cache(maxsize=KNOWN_WORDS)
def stem(word: str) -> str:
    """The stem of one word as written; empty for the commonest words."""
    folded = fold(word)[:LONGEST]
    return "" if folded in COMMON else _stem(folded)


def _stem(folded: str) -> str:
    folded = IRREGULAR.get(folded, folded)
    for ending, other in BEFORE:
        folded, changed = ending.subn(other, folded)
        if changed:
            break
    root = str(_stemmer().stemWord(folded))
    for ending, other in AFTER:
        root = ending.sub(other, root)
    return root


def _stemmer() -> Stemmer:
    """A stemmer of this thread's own: they are not made for sharing."""
    found = getattr(_local, "stemmer", None)
    if found is None:
        found = _local.stemmer = Stemmer("french", 0)
    return found


def words(text: str) -> Iterator[Word]:
    """Every word of a text with its place and stem. Elided articles are no words."""
    for match in WORD.finditer(text):
        written = match[1]
        if not (match[2] and fold(written) in ELIDED):
            yield Word(match.start(1), match.end(1), stem(written))


def stems(text: str) -> list[str]:
    """The stems of a text, in order; words that are not indexed are left out."""
    return [
        root
        for written, apostrophe in WORD.findall(text)
        if not (apostrophe and fold(written) in ELIDED) and (root := stem(written))
    ]
