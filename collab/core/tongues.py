"""The languages pages speak: the one list that every other place reads.

To add a language, add a `Tongue` here, then its catalogue (docs/translate.md).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

LONGEST_CODE = 35
_CODE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*")


@dataclass(frozen=True)
class Tongue:
    """One language of the interface."""

    code: str
    """As BCP 47 writes it: in `lang`, in addresses, cookies, accounts and `contentMap`."""
    name: str
    """What its speakers call it."""
    plurals: str
    """The header `Plural-Forms` of its catalogue: which number takes which form."""
    catalogue: str
    """The folder of its catalogue, and its name for Babel (CLDR); `fr@falc` is a kind of `fr`."""
    direction: str = "ltr"
    falls_back_to: str = ""
    """The language in which is said what its catalogue leaves empty; without one, all is said."""


TONGUES = (
    Tongue("fr", "Français", "nplurals=2; plural=(n > 1);", "fr"),
    Tongue(
        "fr-x-falc",
        "Français facile à lire",
        "nplurals=2; plural=(n > 1);",
        "fr@falc",
        falls_back_to="fr",
    ),
    Tongue("en", "English", "nplurals=2; plural=(n != 1);", "en"),
    Tongue(
        "ar",
        "العربية",
        "nplurals=6; plural=(n==0 ? 0 : n==1 ? 1 : n==2 ? 2 : n%100>=3 && n%100<=10 ? 3 : "
        "n%100>=11 ? 4 : 5);",
        "ar",
        direction="rtl",
    ),
)
"""In the order in which a page offers them. The first is what is spoken when nothing is known."""

CODES = tuple(tongue.code for tongue in TONGUES)
DEFAULT = TONGUES[0]
_BY_CODE = {tongue.code: tongue for tongue in TONGUES}
_BY_CATALOGUE = {tongue.catalogue: tongue for tongue in TONGUES}


def tongue(code: str | None) -> Tongue:
    """The language with this code; the first of the list when there is none such."""
    return _BY_CODE.get(code or "", DEFAULT)


def tongue_of_catalogue(folder: str) -> Tongue:
    """The language whose catalogue is in this folder (`fr@falc`), which is its name for Babel."""
    return _BY_CATALOGUE.get(folder, DEFAULT)


def language_code(text: object) -> str:
    """The language a text says it is in, as BCP 47 writes it (`pt-BR`, `fr-x-falc`), else "".

    A text may be in any language, not only in those of pages; `und` is none.
    """
    known = text if isinstance(text, str) and len(text) <= LONGEST_CODE else ""
    return known if _CODE.fullmatch(known) and known.lower() != "und" else ""


def spoken(code: str | None) -> bool:
    """Whether pages can be had in this language."""
    return code in _BY_CODE


def chain(code: str) -> tuple[Tongue, ...]:
    """The languages to look in, one after the other: `fr-x-falc`, then `fr`."""
    found = [tongue(code)]
    while found[-1].falls_back_to:
        found.append(tongue(found[-1].falls_back_to))
    return tuple(found)
