"""F-03 and F-04: difficult words, foreign words, and two words for the same thing."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from re import Match

from collab.core.falc.findings import Finding
from collab.core.falc.glossary import Term
from collab.core.falc.lexicon import FOREIGN, HARD, SAME
from collab.core.falc.text import WORD, stem, stems
from collab.core.i18n import N_

LONGEST_WORD = 15
"""Letters; a longer word is told even when no list has it."""
KNOWN_LONG = frozenset(map(stem, ("renseignements", "automatiquement", "malheureusement")))
EXPLAINED = re.compile(
    r"(?i)[ \u00a0]?[,:]?[ \u00a0](?:c[’']est|ce sont"
    r"|(?:est|sont)[ ](?:une?|des|les?|la|l[’']|votre|quand))"
)
"""What follows a word that the text itself explains."""

HARD_WORD = N_("« %(words)s » est un mot difficile. Vous pouvez dire « %(mend)s ».")
DEFINED = N_("« %(words)s » est un mot difficile. Expliquez ce mot, ou dites « %(mend)s ».")
LONG_WORD = N_("« %(words)s » est un mot très long. Cherchez un mot plus court.")
FOREIGN_WORD = N_("« %(words)s » est un mot étranger. Vous pouvez dire « %(mend)s ».")
OTHER_WORD = N_("Avant, ce texte dit « %(mend)s ». Gardez le même mot pour la même chose.")

Lexicon = dict[tuple[str, ...], tuple[str, str]]


@lru_cache(maxsize=8)
def _lexicon(terms: tuple[Term, ...]) -> Lexicon:
    """Stems of each difficult word: the easier word and the definition."""
    held: Lexicon = {stems(word): (easy, "") for word, easy in HARD.items()}
    return held | {stems(t.word): (t.spoken, t.definition) for t in terms}


FOREIGN_STEMS: Mapping[tuple[str, ...], str] = {stems(w): easy for w, easy in FOREIGN.items()}
GROUPS = {stem(word): (number, word) for number, group in enumerate(SAME) for word in group}


def vocabulary(text: str, terms: Iterable[Term]) -> Iterator[Finding]:
    """Words to explain, to translate, or to keep to, in a masked text."""
    words = list(WORD.finditer(text))
    kinds = [stem(w[0]) for w in words]
    other = {w.start: w for w in _same(text, words, kinds)}
    yield from other.values()
    lexicon = _lexicon(tuple(terms))
    at = 0
    while at < len(words):
        length, found = _known(text, words, kinds, at, lexicon)
        if found is not None and found.start not in other:
            yield found
        at += length


def _known(
    text: str, words: list[Match[str]], kinds: list[str], at: int, lexicon: Lexicon
) -> tuple[int, Finding | None]:
    """How many words were looked at together, and the fault in them."""
    for length in (3, 2, 1):
        run = tuple(kinds[at : at + length])
        if "-" in words[at][0] and length == 1:
            run = stems(words[at][0].replace("-", " ")) if run not in FOREIGN_STEMS else run
        start, end = words[at].start(), words[min(at + length, len(words)) - 1].end()
        said = text[start:end]
        if "\n" in said or len(run) < length:
            continue
        if (foreign := FOREIGN_STEMS.get(run)) is not None:
            return length, Finding("foreign", start, end, said, FOREIGN_WORD, foreign)
        hit = lexicon.get(run) or _verb(run, lexicon)
        if hit is not None and not _is_done(text, start, run):
            return length, _difficult(text, start, end, hit)
    return 1, _long(words[at])


def _is_done(text: str, start: int, run: tuple[str, ...]) -> bool:
    """Whether « arrêté » is what somebody did, not a decision of the mayor."""
    return run == DECISION and BEFORE.search(text[max(0, start - 20) : start]) is not None


def _difficult(text: str, start: int, end: int, hit: tuple[str, str]) -> Finding | None:
    easy, definition = hit
    if definition and EXPLAINED.match(text, end):
        return None
    says = DEFINED if definition else HARD_WORD
    return Finding("word", start, end, text[start:end], says, easy, definition=definition)


BEFORE = re.compile(r"(?i)\b(?:est|sont|êtes|suis|avez|ont|ai|été|peut-être)[ \u00a0]$")
DECISION = stems("arrêté")
NOUNS = frozenset({"usager"})
"""Words in -er that are no verbs."""
ENDINGS = ("ent", "ez", "on", "e", "era", "eront", "ait", "aient", "é", "a")


def _verb(run: tuple[str, ...], lexicon: Lexicon) -> tuple[str, str] | None:
    """The verb a word may be a form of: « sollicitent » is « solliciter »."""
    if len(run) != 1:
        return None
    for ending in ENDINGS:
        if run[0].endswith(ending) and len(run[0]) - len(ending) >= 4:
            root = run[0][: len(run[0]) - len(ending)]
            hit = lexicon.get((f"{root}er",))
            if hit is not None and f"{root}er" not in NOUNS:
                return hit
    return None


def _long(word: Match[str]) -> Finding | None:
    plain = word[0].replace("-", "")
    if len(plain) < LONGEST_WORD or "-" in word[0] or stem(word[0]) in KNOWN_LONG:
        return None
    if set(plain) == {"x"}:
        return None
    return Finding("word", word.start(), word.end(), word[0], LONG_WORD)


def _same(text: str, words: list[Match[str]], kinds: list[str]) -> Iterator[Finding]:
    """A second word for what has a name in this text already."""
    first: dict[int, str] = {}
    for word, kind in zip(words, kinds, strict=True):
        if kind not in GROUPS:
            continue
        number, name = GROUPS[kind]
        kept = first.setdefault(number, name)
        if stem(kept) != kind:
            yield Finding("same", word.start(), word.end(), word[0], OTHER_WORD, kept)
