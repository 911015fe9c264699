"""The interface in easy French: every first page says nothing that the checker finds difficult."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_file
from babel.messages.frontend import parse_mapping_cfg
from conftest import log_in
from flask_babel import refresh

from collab.core.falc import check
from tools import translations

ROOT = Path(__file__).resolve().parent.parent.parent
CODE = "fr-x-falc"
FOLDERS = {
    "collab/web": (
        "templates/base.html", "templates/space_base.html", "templates/_macros.html",
        "templates/errors/problem.html", "problems.py", "presentation.py",
    ),
    "collab/pages": ("site.py", "account.py", "reports.py", "spaces.py"),
    "collab/pages/templates": (
        "site/home.html", "site/_line.html", "site/instances.html",
        "site/glossary.html", "spaces/home.html", "spaces/join.html", "spaces/invited.html",
        "spaces/enter_code.html", "spaces/members.html", "account/login.html",
        "account/register.html", "account/recover.html", "account/code.html",
        "account/mine.html", "reports/form.html", "reports/mine.html", "looks/display.html",
        "offline/offline.html",
    ),
    "collab/search": ("templates/search/search.html", "views.py"),
    "collab/spaces": (
        "policy.py", "tools/discussion/operations.py", "tools/discussion/tool.py",
        "tools/pages/tool.py", "tools/simple/tool.py",
    ),
    "collab/spaces/tools/discussion/templates/discussion": (
        "threads.html", "thread.html", "new.html", "edit.html", "acts.html", "_said.html",
        "_not_yet.html", "voice.html",
    ),
    "collab/spaces/tools/simple/templates/simple": (
        "list.html", "read.html", "form.html", "_label.html", "_findings.html", "_of.html",
    ),
}  # fmt: skip
FIRST = [f"{folder}/{name}" for folder, names in FOLDERS.items() for name in names]
"""What is read on the way from the first page to a first message: home, a project, joining,
writing, one's account, reporting, privacy, search, somebody to talk to."""
PAGES = ("/", "/login", "/register", "/mentions", "/accessibilite", "/search?q=eau", "/p/jardin")


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


def sentences_of(name):
    with (ROOT / "babel.cfg").open(encoding="utf-8") as file:
        _methods, options = parse_mapping_cfg(file)
    jinja = name.endswith(".html")
    how = next((o for pattern, o in options.items() if "html" in pattern), {}) if jinja else {}
    found = extract_from_file(
        "jinja2.ext:babel_extract" if jinja else "python",
        ROOT / name,
        keywords=translations.KEYWORDS,
        options=how,
    )
    return {tuple(part for part in forms(m[1]) if part) for m in found}


def difficult(text):
    """What the checker finds; where lines end is for the page to say, not for a sentence."""
    return [f"{f.rule}: {f.words}" for f in check(text) if f.rule != "lines"]


@pytest.mark.parametrize("name", FIRST)
def test_a_first_page_says_only_what_is_easy(name):
    sentences = sentences_of(name)
    assert sentences
    hard = {
        text: found
        for sentence in sentences
        for text in said(sentence)
        if (found := difficult(text))
    }
    assert hard == {}, f"say it in {translations.place(CODE)}"


def test_every_wording_of_its_own_is_easy():
    own = {
        text
        for message in catalogue()
        if message.id and forms(message.string) != forms(message.id)
        for text in forms(message.string)
    }
    assert len(own) > 100
    assert {text: found for text in own if (found := difficult(text))} == {}


def test_the_pages_speak_it_and_fall_back_to_french(house, make, client):
    ada = make.person("ada")
    make.space(ada)
    log_in(client, ada)
    client.post("/langue", data={"locale": CODE})
    for address in PAGES:
        refresh()
        told = client.get(address, follow_redirects=True).get_data(as_text=True)
        assert f'<html lang="{CODE}"' in told, address
        assert "Parler à quelqu’un" in told, address
        assert not re.search(r"[Ii]nstance reliée|n’est pas\b", told), address
    refresh()
    assert "Réglages" in client.get("/p/jardin").get_data(as_text=True)
