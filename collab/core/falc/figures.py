"""Numbers and dates: what they are worth, and how they are said simply."""

from __future__ import annotations

import re
from datetime import date

UNITS = {
    "deux": 2, "trois": 3, "quatre": 4, "cinq": 5, "six": 6, "sept": 7, "huit": 8, "neuf": 9,
    "dix": 10, "onze": 11, "douze": 12, "treize": 13, "quatorze": 14, "quinze": 15, "seize": 16,
}  # fmt: skip
TENS = {"vingt": 20, "vingts": 20, "trente": 30, "quarante": 40, "cinquante": 50, "soixante": 60}
GREAT = {"cent": 100, "cents": 100, "mille": 1000}
ONE = {"un": 1, "une": 1, "et": 0}
PART = "|".join([*UNITS, *TENS, *GREAT])
FIRST = "|".join([*(u for u in UNITS if u != "neuf"), r"neuf(?=[ -]\w+s\b)", *TENS, *GREAT])
NUMBER = re.compile(rf"(?i)\b(?:{FIRST})(?:[ -](?:et[ -])?(?:{PART}|une?(?=\b)))*\b")
MONTHS = (
    "janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre",
    "octobre", "novembre", "décembre",
)  # fmt: skip
DAYS = ("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche")
SHARES = {
    10: "1 sur 10", 20: "1 sur 5", 25: "1 sur 4", 33: "1 sur 3", 50: "la moitié",
    66: "2 sur 3", 67: "2 sur 3", 75: "3 sur 4", 80: "4 sur 5", 100: "tous",
}  # fmt: skip
LARGEST = 999
YEARS = range(1800, 2101)
WRITTEN = re.compile(r"\d{1,3}(?:\D\d{3})+|\d{4,}")
MILLIONS = re.compile(r"(?i)\S+\s(?:millions?|milliards?)$")


def value_of(words: str) -> str | None:
    """A French number in figures: « vingt-cinq » gives « 25 »; None when it is none."""
    total = group = 0
    for word in re.findall(r"\w+", words.lower()):
        if word in ("cent", "cents"):
            group = max(group, 1) * 100
        elif word == "mille":
            total, group = total + max(group, 1) * 1000, 0
        elif word in ("vingt", "vingts") and group % 100 == 4:
            group += 76
        else:
            group += {**UNITS, **TENS, **ONE}.get(word, 0)
    return str(total + group) if total + group else None


def share(words: str) -> str:
    """A percentage as a share: « 50 % » gives « la moitié », « 35 % » « environ 4 sur 10 »."""
    number = float(re.match(r"[\d.,]+", words)[0].replace(",", "."))  # type: ignore[index]
    if number in SHARES:
        return SHARES[int(number)]
    tenths = round(number / 10)
    return f"environ {tenths} sur 10" if 0 < tenths <= 10 else ""


def in_full(words: str) -> str | None:
    """A date in full: « 03/03/2027 » gives « mercredi 3 mars 2027 »; None when it is no date."""
    parts = [int(p) for p in re.split(r"[/.-]", words)]
    if re.match(r"\d{4}-", words):
        parts.reverse()
    day, month, *year = parts
    if not (1 <= day <= 31 and 1 <= month <= 12):
        return None
    said = f"{'1er' if day == 1 else day} {MONTHS[month - 1]}"
    if not year:
        return said
    whole = year[0] + 2000 if year[0] < 100 else year[0]
    try:
        weekday = DAYS[date(whole, month, day).weekday()]
    except ValueError:
        return None
    return f"{weekday} {said} {whole}"


def is_large(words: str) -> bool:
    """Whether a number is too large to be read easily; a year is not."""
    if MILLIONS.match(words):
        return words.split(maxsplit=1)[0].lower() not in ("des", "les", "ces")
    if not WRITTEN.fullmatch(words):
        return False
    figures = int(re.sub(r"\D", "", words))
    return figures > LARGEST and not (len(words) == 4 and figures in YEARS)
