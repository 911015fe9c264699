"""Bring the catalogues up to date with the sources: `make messages`.

French is written in the sources, so English is the only catalogue that holds every sentence. The
French one holds plurals alone: « 0 réponse » is singular, which gettext does not know by itself.
"""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "collab" / "translations"
KEYWORDS = {"_": None, "gettext": None, "ngettext": (1, 2), "N_": None}
PLURALS = {"en": "nplurals=2; plural=(n != 1);", "fr": "nplurals=2; plural=(n > 1);"}


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
        return Catalog(locale=language)
    with path.open("rb") as file:
        return read_po(file, locale=language)


def place(language: str) -> Path:
    """The file of one language's catalogue."""
    return FOLDER / language / "LC_MESSAGES" / "messages.po"


def updated(language: str) -> Catalog:
    """The sentences of the sources with what is known of them; others are left out or empty.

    A changed sentence counts as a new one: a guess would be shown to people as if it were right.
    """
    known = catalogue(language)
    result = Catalog(locale=language)
    for message in extracted():
        if message.id and (language != "fr" or message.pluralizable):
            old = known.get(message.id[0] if message.pluralizable else message.id)
            result.add(message.id, _said(language, message, old), flags=message.flags)
    return result


def _said(language: str, message: Message, old: Message | None) -> str | tuple[str, ...]:
    if language == "fr":
        return tuple(message.id)
    if old is not None and not old.fuzzy and old.pluralizable == message.pluralizable:
        return old.string
    return ("", "") if message.pluralizable else ""


def write(language: str) -> int:
    """Write one catalogue, in the order of its sentences. Returns how many have no translation."""
    result = updated(language)
    path = place(language)
    path.parent.mkdir(parents=True, exist_ok=True)
    header = f"""msgid ""
msgstr ""
"Language: {language}\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=UTF-8\\n"
"Content-Transfer-Encoding: 8bit\\n"
"Plural-Forms: {PLURALS[language]}\\n"

"""
    with path.open("wb") as file:
        file.write(header.encode())
        write_po(file, result, width=0, no_location=True, omit_header=True, sort_output=True)
    return sum(1 for m in result if m.id and not all(_forms(m)))


def _forms(message: Message) -> tuple[str, ...]:
    return tuple(message.string) if message.pluralizable else (message.string,)


def main() -> int:
    """Write every catalogue; status 1 when a sentence still waits for its translation."""
    waiting = 0
    for language in PLURALS:
        missing = write(language)
        waiting += missing
        print(f"{place(language).relative_to(ROOT)}: {missing} to translate")
    return 1 if waiting else 0


if __name__ == "__main__":
    sys.exit(main())
