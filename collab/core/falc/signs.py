"""F-04, F-05, F-06: signs, figures, dates, initials, capitals and italics."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from collab.core.falc.figures import (
    NUMBER,
    in_full,
    is_large,
    share,
    value_of,
)
from collab.core.falc.findings import Finding
from collab.core.falc.lexicon import ABBREVIATIONS, CAPITALS, INITIALS, SIGNS
from collab.core.i18n import N_

S = r"[ \u00a0\u202f]"
PERCENT = re.compile(rf"\d+(?:[.,]\d+)?{S}?(?:%|‰|pour{S}cent\b|pour{S}100\b)")
DATE = re.compile(
    r"(?<![\d/.-])(?:(?:19|20)\d\d-\d\d-\d\d"
    r"|[0-3]?\d([/.])[01]?\d\1(?:\d{4}|\d\d)|[0-3]\d-[01]\d-\d{4}"
    r"|[0-3]?\d/(?:0[1-9]|1[0-2]|[1-9])|[0-3]\d[.-](?:0[1-9]|1[0-2]))(?![\d/%]|[.-]\d)"
)
HOUR = re.compile(rf"\b(\d{{1,2}}){S}?[hH]{S}?(\d\d)?\b")
LARGE = re.compile(
    rf"(?<![\w.,/-])(?:\d+(?:,\d+)?|\w+){S}(?:millions?|milliards?)\b"
    rf"|(?<![\w.,/-])\d[\d\u00a0\u202f .]{{0,20}}\d(?![\d/%])"
)
TELEPHONE = re.compile(r"\b0\d(?:[ .\u00a0\u202f]?\d\d){4}\b|(?<=\b[LlAa][eu] )3\d{3}\b")
POSTAL_CODE = re.compile(rf"(?<!\d)\d{{5}}(?={S}[A-ZÉÈ])")
NOTE = re.compile(
    r"[¹²³⁰⁴-⁹]+|(?<=\w)\[\d+\]|(?<=[\w»])" + S + r"?\(\d{1,2}\)|(?<=\w)\*(?=[\s.,;!?]|$)"
)
ITALICS = re.compile(
    r"(?<![*\w\\])\*(?![\s*])[^*\n]*[^*\s\n]\*(?![*\w])|(?<![_\w\\])_(?![\s_])[^_\n]*[^_\s\n]_(?![_\w])"
)
BOLD = re.compile(r"(?<![*\w])\*\*(?=\S)[^*\n]+\*\*")
UPPER = re.compile(r"\b[A-ZÀ-ÖØ-ÞŒ]{2,}(?:[’' -][A-ZÀ-ÖØ-ÞŒ]{2,})*\b")
SHORTEST_SHOUT = 5
"""Letters: a shorter word in capitals is read as initials."""
ROMAN = re.compile(r"[IVXLC]+$")

SAYS = {
    "percent": N_("« %(words)s » est un pourcentage. Les pourcentages sont difficiles à lire."),
    "date": N_("Écrivez la date en entier, avec le jour et le mois en lettres."),
    "large": N_("« %(words)s » est un grand nombre. Dites plutôt « beaucoup » ou « environ »."),
    "note": N_("« %(words)s » est une note. Expliquez tout de suite, dans le texte."),
    "italics": N_("Les lettres penchées sont difficiles à lire. Écrivez ces mots en gras."),
    "caps": N_("Les mots en grandes lettres sont difficiles à lire. Écrivez en petites lettres."),
    "initials": N_("« %(words)s » est un mot fait d’initiales. Écrivez le nom en entier."),
    "abbreviation": N_("« %(words)s » est un mot coupé. Écrivez le mot en entier."),
    "sign": N_("« %(words)s » est un signe. Écrivez un mot à la place."),
    "digits": N_("Écrivez les nombres en chiffres."),
}


class Taken:
    """The places that have a finding already: 12/04 is a date, not a sign too."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.free = bytearray(len(text))

    def find(
        self, rule: str, pattern: re.Pattern[str], mend: Callable[[str], str | None]
    ) -> Iterator[Finding]:
        """Findings where the pattern stands and nothing was found before; mend None: no fault."""
        for found in pattern.finditer(self.text):
            start, end = found.span()
            if any(self.free[start:end]) or (better := mend(found[0])) is None:
                continue
            self.free[start:end] = b"\x01" * (end - start)
            yield Finding(rule, start, end, found[0].strip(), SAYS[rule], better)

    def take(self, pattern: re.Pattern[str]) -> None:
        """Leave what the pattern finds alone."""
        for found in pattern.finditer(self.text):
            self.free[found.start() : found.end()] = b"\x01" * len(found[0])


def _nothing(words: str) -> str:
    return ""


def _large(words: str) -> str | None:
    return "beaucoup" if is_large(words) else None


def _upper(rule: str) -> Callable[[str], str | None]:
    def mend(words: str) -> str | None:
        if ROMAN.match(words) or words in CAPITALS:
            return None
        shouts = len(words) >= SHORTEST_SHOUT and words not in INITIALS
        shouts = shouts or not words.isascii()
        if rule == "caps":
            return words.lower() if shouts else None
        return INITIALS.get(words, "")

    return mend


def signs(text: str) -> Iterator[Finding]:
    """Everything that is not a plain word in a masked text, each place once."""
    taken = Taken(text)
    taken.take(TELEPHONE)
    taken.take(POSTAL_CODE)
    for found in BOLD.finditer(text):
        taken.free[found.start()] = taken.free[found.end() - 1] = 1
    yield from taken.find("percent", PERCENT, share)
    yield from taken.find("date", DATE, in_full)
    yield from taken.find("abbreviation", HOUR, _hour)
    yield from taken.find("large", LARGE, _large)
    yield from taken.find("italics", ITALICS, lambda words: f"**{words[1:-1]}**")
    yield from taken.find("note", NOTE, _nothing)
    yield from taken.find("abbreviation", ABBREVIATED, _whole)
    yield from taken.find("caps", UPPER, _upper("caps"))
    yield from taken.find("initials", UPPER, _upper("initials"))
    yield from taken.find("sign", SIGN, _sign)
    yield from taken.find("digits", NUMBER, value_of)


def _hour(words: str) -> str:
    found = HOUR.fullmatch(words)
    assert found
    word = "heure" if int(found[1]) < 2 else "heures"
    return f"{int(found[1])} {word}" + (f" {found[2]}" if found[2] and found[2] != "00" else "")


ABBREVIATED = re.compile(
    "|".join(
        rf"(?<![\w.]){re.escape(short)}(?!\w)"
        for short in sorted(ABBREVIATIONS, key=len, reverse=True)
    )
)
SIGN = re.compile("|".join([r"\bet/ou\b", r"(?<!\w)[A-Z]?€", *(re.escape(s) for s in SIGNS)]))


def _whole(words: str) -> str:
    return ABBREVIATIONS[words]


def _sign(words: str) -> str:
    return "ou" if words == "et/ou" else SIGNS.get(words, "")
