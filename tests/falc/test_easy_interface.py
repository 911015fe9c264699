"""The interface in easy French: what residents read says nothing that the checker finds difficult.

Every module and every template is looked at; what only administrators or programs read is named.
"""

from __future__ import annotations

import re
from collections import defaultdict
from functools import cache
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from conftest import log_in
from flask_babel import refresh

from collab.core.falc import check
from tools import translations

ROOT = Path(__file__).resolve().parent.parent.parent
CODE = "fr-x-falc"
NOT_FOR_RESIDENTS = {
    "api/door.py": "what the API answers to programs without a key",
    "federation/peering.py": "administrators link instances",
    "federation/peers.py": "administrators link instances",
    "federation/restart.py": "administrators let a copy begin again",
    "pages/peers.py": "administrators link instances",
    "pages/templates/admin/": "administrators' pages",
    "pages/templates/looks/styleguide.html": "for who builds the site",
    "pages/templates/site/setup.html": "the first administrator, once",
    "people/accessibility.py": "administrators record an audit",
}
"""All the rest is checked, so that a new page cannot be forgotten."""
PAGES = (
    "/", "/login", "/register", "/mentions", "/accessibilite", "/search?q=eau", "/news",
    "/instances", "/account/applications", "/p/jardin/reports",
    "/spaces/new", "/spaces/elsewhere", "/p/jardin", "/p/jardin/pages/", "/p/jardin/federation",
    "/p/jardin/members", "/p/jardin/invitations", "/p/jardin/simple/",
)  # fmt: skip


HARD = re.compile(r"[Ii]nstances?\b|[Dd]ocuments?\b|[Aa]pplications?\b|\b[Ss]ignale|n’est pas\b")
"""Words that easy French has others for: site, texte, programme, alerte."""


@cache
def catalogue():
    return translations.catalogue(CODE)


def forms(sentence):
    return tuple(sentence) if isinstance(sentence, tuple | list) else (sentence,)


def said(sentence):
    """A sentence as the page in easy French has it: its own wording, else the French."""
    known = catalogue().get(sentence[0])
    own = forms(known.string) if known is not None else ()
    return own if any(own) else sentence


@cache
def sentences():
    """By file, below `collab/`: what it says, each sentence with its plural."""
    with (ROOT / "babel.cfg").open(encoding="utf-8") as file:
        methods, options = parse_mapping_cfg(file)
    found = defaultdict(set)
    for name, _, sentence, *_ in extract_from_dir(
        ROOT / "collab", methods, options, keywords=translations.KEYWORDS
    ):
        found[Path(name).as_posix()].add(tuple(part for part in forms(sentence) if part))
    return dict(found)


@cache
def difficult(text):
    """What the checker finds; where lines end is for the page to say, not for a sentence."""
    return [f"{f.rule}: {f.words}" for f in check(text) if f.rule != "lines"]


def hard_of(name):
    told = {text for sentence in sentences()[name] for text in said(sentence)}
    return {text: found for text in told if (found := difficult(text))}


def excepted(name):
    return name.startswith(tuple(NOT_FOR_RESIDENTS))


def test_a_resident_reads_only_what_is_easy():
    names = [name for name in sentences() if not excepted(name)]
    assert {"web/how.py", "pages/templates/spaces/delivery.html"} < set(names)
    hard = {name: found for name in sorted(names) if (found := hard_of(name))}
    assert hard == {}, f"say it in {translations.place(CODE)}"


@pytest.mark.parametrize("start", NOT_FOR_RESIDENTS)
def test_what_is_excepted_is_there_and_needs_it(start):
    assert any(hard_of(name) for name in sentences() if name.startswith(start))


def test_every_wording_of_its_own_is_easy():
    own = {
        text
        for message in catalogue()
        if message.id and forms(message.string) != forms(message.id)
        for text in forms(message.string)
    }
    assert len(own) > 500
    assert {text: found for text in own if (found := difficult(text))} == {}


QUOTED = re.compile("«\u00a0([^»]+)\u00a0»")


def named(sentence):
    """The buttons and pages that a sentence names by their French label, not by the easy one."""
    labels = (words for text in said(sentence) for words in QUOTED.findall(text))
    return {words for words in labels if said((words,)) != (words,)}


def test_a_button_is_named_as_the_page_in_easy_french_has_it():
    assert named(("Lisez «\u00a0Mes signalements\u00a0».",)) == {"Mes signalements"}
    names = [name for name in sentences() if not excepted(name)]
    wrong = {one[0]: found for n in names for one in sentences()[n] if (found := named(one))}
    assert wrong == {}


def test_easy_french_promises_no_more_than_french_when_something_fails():
    told = {one for many in sentences().values() for (one, *_) in many if "perdu" in one}
    of_what_is_recorded = [one for one in told if "enregistré" in one]
    assert len(of_what_is_recorded) > 2
    assert [one for one in of_what_is_recorded if "enregistré" not in said((one,))[0]] == []


MANY = re.compile("<b>(?:les|la personne exclue, et les) ")


def test_who_will_see_is_said_of_as_many_people_in_easy_french():
    who = [one for many in sentences().values() for (one, *_) in many if "Qui verra ceci" in one]
    several = [one for one in who if MANY.search(one)]
    assert len(several) > 5
    assert [one for one in several if not MANY.search(said((one,))[0])] == []


def test_the_pages_speak_it_and_fall_back_to_french(house, make, client):
    ada = make.person("ada")
    make.space(ada)
    log_in(client, ada)
    client.post("/langue", data={"locale": CODE})
    for address in PAGES:
        refresh()
        answer = client.get(address, follow_redirects=True)
        told = answer.get_data(as_text=True)
        assert answer.status_code == 200, address
        assert f'<html lang="{CODE}"' in told, address
        assert "Parler à quelqu’un" in told, address
        words = re.sub(r"(?s)<(script|style)\b.*?</\1>|<[^>]*>", " ", told)
        assert HARD.findall(words) == [], address
    refresh()
    assert "Réglages" in client.get("/p/jardin").get_data(as_text=True)
