"""Bring the catalogues up to date with the sources: `make messages`.

French is written in the sources, so its own catalogue holds plurals alone: « 0 réponse » is
singular, which gettext does not know by itself. A language that falls back to another may leave
sentences empty (`collab.core.tongues`); every other one is to say all of them.
"""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path
from typing import TypeGuard

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.pofile import read_po, write_po

from collab.core.tongues import CODES, DEFAULT, tongue

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "collab" / "translations"
KEYWORDS = {"_": None, "gettext": None, "ngettext": (1, 2), "N_": None}


@cache
def extracted() -> Catalog:
    """Every sentence of the sources, without the places where it stands: those change daily."""
    with (ROOT / "babel.cfg").open(encoding="utf-8") as file:
        methods, options = parse_mapping_cfg(file)
    found = Catalog()
    for _, _, sentence, _, _ in extract_from_dir(
        ROOT / "collab", methods, options, keywords=KEYWORDS
    ):
        found.add(sentence)
    return found


def catalogue(language: str) -> Catalog:
    """The catalogue of a language as it is kept; an empty one when there is none yet."""
    path = place(language)
    if not path.exists():
        return Catalog(locale=tongue(language).catalogue)
    with path.open("rb") as file:
        return read_po(file, locale=tongue(language).catalogue)


def place(language: str) -> Path:
    """The file of one language's catalogue."""
    return FOLDER / tongue(language).catalogue / "LC_MESSAGES" / "messages.po"


def updated(language: str) -> Catalog:
    """The sentences of the sources with what is known of them; others are left out or empty.

    A changed sentence counts as a new one: a guess would be shown to people as if it were right.
    """
    known = catalogue(language)
    result = Catalog(locale=tongue(language).catalogue)
    for message in extracted():
        if message.id and (language != DEFAULT.code or message.pluralizable):
            old = known.get(message.id[0] if message.pluralizable else message.id)
            result.add(message.id, _said(language, message, old), flags=message.flags)
    return result


def forms_of(language: str) -> int:
    """How many forms a counted sentence takes: two in French, six in Arabic."""
    return int(tongue(language).plurals.partition("nplurals=")[2].partition(";")[0])


def _said(language: str, message: Message, old: Message | None) -> str | tuple[str, ...]:
    if language == DEFAULT.code:
        return tuple(message.id)
    if _usable(old) and old.pluralizable == message.pluralizable:
        return old.string
    if not message.pluralizable:
        return ""
    # Which form a number takes is of the catalogue, so the fallback's plurals are copied.
    if tongue(language).falls_back_to == DEFAULT.code:
        return tuple(message.id)
    return ("",) * forms_of(language)


def _usable(old: Message | None) -> TypeGuard[Message]:
    return old is not None and not old.fuzzy and any(_forms(old))


def write(language: str) -> int:
    """Write one catalogue, in the order of its sentences. Returns how many are still to be said."""
    result = updated(language)
    path = place(language)
    path.parent.mkdir(parents=True, exist_ok=True)
    header = f"""msgid ""
msgstr ""
"Language: {tongue(language).catalogue}\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=UTF-8\\n"
"Content-Transfer-Encoding: 8bit\\n"
"Plural-Forms: {tongue(language).plurals}\\n"

"""
    with path.open("wb") as file:
        file.write(header.encode())
        write_po(file, result, width=0, no_location=True, omit_header=True, sort_output=True)
    if tongue(language).falls_back_to:
        return 0
    return sum(1 for m in result if m.id and not all(_forms(m)))


def _forms(message: Message) -> tuple[str, ...]:
    return tuple(message.string) if message.pluralizable else (message.string,)


def main() -> int:
    """Write every catalogue; status 1 when a sentence still waits for its translation."""
    waiting = 0
    for language in CODES:
        missing = write(language)
        waiting += missing
        print(f"{place(language).relative_to(ROOT)}: {missing} to translate")
    return 1 if waiting else 0


if __name__ == "__main__":
    sys.exit(main())
