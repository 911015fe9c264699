"""French is written in the sources; English and Arabic are complete; nothing is left outside."""

from __future__ import annotations

import ast
import re
from functools import cache
from gettext import c2py
from html.parser import HTMLParser
from pathlib import Path

import pytest
from babel import Locale
from babel.messages.mofile import read_mo
from conftest import PASSWORD, log_in
from flask import Flask
from flask_babel import Babel, force_locale, ngettext
from jinja2 import Environment, nodes

from collab.core.tongues import CODES, DEFAULT, TONGUES, chain, tongue
from collab.people.first import first_administrator
from collab.people.operations import Register
from collab.spaces.tools.discussion.inputs import OpenThread, PostMessage
from collab.spaces.tools.discussion.operations import open_thread, post_message
from collab.spaces.tools.pages.inputs import WriteDocument
from collab.spaces.tools.pages.operations import write_document
from tools import translations

ROOT = Path(__file__).resolve().parent.parent
COMPLETE = [t.code for t in TONGUES if t != DEFAULT and not t.falls_back_to]
TRANSLATED = [t.code for t in TONGUES if t != DEFAULT]
HOLES = re.compile(r"%\(\w+\)[a-z]|\{\w+\}|</?\w+>")
MARKERS = {"_", "N_", "gettext", "ngettext"}
FRENCH = re.compile(
    r"[àâçéèêëîïôùûœ«»]|\b(aucune?|avec|ce|ces|cette|dans|des|est|la|le|les|ne|pas|pour|sur|une|"
    r"vos|votre|vous)\b",
    re.IGNORECASE,
)
POSTAL = "Défenseur des droits, Libre réponse 71120, 75342 Paris CEDEX 07"
"""What stands on a letter, whatever the language of who writes it."""
NAMES_OF_LANGUAGES = {POSTAL, *(tongue.name for tongue in TONGUES)}
"""A language is named in itself, whatever the reader's."""
NOT_FOR_PAGES = {
    "collab/cli/demo.py": "said by the demo, which is French from end to end",
    "collab/core/falc/figures.py": "the French that is checked, and what to write instead",
    "collab/core/falc/lexicon.py": "the French that is checked, and what to write instead",
    "collab/core/falc/signs.py": "the French that is checked, and what to write instead",
    "collab/core/falc/structure.py": "the French that is checked, and what to write instead",
    "collab/core/falc/text.py": "the French that is checked, and what to write instead",
    "collab/core/falc/vocabulary.py": "the French that is checked, and what to write instead",
    "collab/core/falc/voice.py": "the French that is checked, and what to write instead",
    "collab/core/letters.py": "letters",
    "collab/core/tongues.py": "the names of languages, each in itself",
    "collab/core/markup/clean.py": "said in a stored text, in the language of the texts",
    "collab/core/markup/inline.py": "punctuation",
    "collab/core/paper/words.py": "punctuation",
    "collab/demo/play.py": "the demo",
    "collab/demo/stage.py": "the demo",
    "collab/demo/story.py": "the demo",
    "collab/search/french.py": "the language as search knows it",
    "collab/search/question.py": "punctuation",
    "collab/spaces/operations.py": "letters",
    "collab/spaces/tools/discussion/tool.py": "examples that tests make",
    "collab/spaces/tools/pages/merge.py": "said in a stored text, where two versions meet",
    "collab/spaces/tools/pages/operations.py": "summaries kept in a document's history",
    "collab/spaces/tools/pages/tool.py": "examples that tests make",
    "collab/spaces/tools/simple/operations.py": "summaries kept in the history of a text",
    "collab/spaces/tools/simple/tool.py": "examples that tests make",
    "collab/web/presentation.py": "punctuation",
    "collab/spaces/tools/pages/migrations/b61d0e7f42a9_one_apostrophe_in_titles.py": "letters",
    "collab/spaces/tools/pages/naming.py": "letters",
}
"""Files with French that no reader's language changes, and why."""


def sentences():
    return [m for m in translations.extracted() if m.id]


def forms(sentence):
    return tuple(sentence) if isinstance(sentence, tuple | list) else (sentence,)


def sayings(catalogue):
    return {forms(m.id): forms(m.string) for m in catalogue if m.id and any(forms(m.string))}


@cache
def kept(language):
    return translations.catalogue(language)


def said_of(language, message):
    return kept(language).get(message.id[0] if message.pluralizable else message.id)


@pytest.mark.parametrize("language", COMPLETE)
def test_every_sentence_is_translated(language):
    without = [
        forms(m.id)[0]
        for m in sentences()
        if (known := said_of(language, m)) is None
        or known.pluralizable != m.pluralizable
        or not all(forms(known.string))
    ]
    assert without == [], f"write them in {translations.place(language)} (after `make messages`)"


@pytest.mark.parametrize("language", TRANSLATED)
def test_no_translation_is_a_guess_of_the_tool(language):
    assert [m.id for m in kept(language) if m.id and m.fuzzy] == []


@pytest.mark.parametrize("language", TRANSLATED)
def test_a_translation_keeps_what_is_filled_in_and_what_is_marked_up(language):
    different = [
        (source, said)
        for m in sentences()
        if (known := said_of(language, m)) is not None
        for source, said in pairs(m, known)
        if sorted(HOLES.findall(source)) != sorted(HOLES.findall(said))
    ]
    assert different == []


def pairs(message, known):
    """Every form of a translation beside the French it says; what is not translated is left out.

    « One » and « two » may go without their figure (رد واحد، ردّان), and « none » without more.
    """
    if not message.pluralizable:
        return [(message.id, known.string)] if known.string else []
    if len(known.string) == 2:
        return list(zip(message.id, known.string, strict=True))
    return [(message.id[1], said) for said in known.string[3:]]


@pytest.mark.parametrize("language", TRANSLATED)
def test_a_counted_sentence_has_every_form_of_its_language(language):
    wanted = translations.forms_of(language)
    counted = [m for m in kept(language) if m.id and m.pluralizable]
    assert [m.id for m in counted if len(forms(m.string)) != wanted] == []
    assert kept(language).num_plurals == wanted, "Babel knows as many"


@pytest.mark.parametrize("language", CODES)
def test_a_number_takes_the_form_that_unicode_says(language):
    """The `Plural-Forms` of a catalogue agrees with CLDR, but for « 0 », singular in French."""
    order = {1: ["other"], 2: ["one", "other"], 6: ["zero", "one", "two", "few", "many", "other"]}
    names = order[translations.forms_of(language)]
    chosen = c2py(tongue(language).plurals.partition("plural=")[2].rstrip(";"))
    rule = Locale.parse(tongue(language).catalogue).plural_form
    assert {n: names[chosen(n)] for n in range(1000)} == {n: rule(n) for n in range(1000)}


@pytest.mark.parametrize("language", CODES)
def test_a_catalogue_holds_the_sentences_of_the_sources_and_no_others(language):
    kept = {forms(m.id) for m in translations.catalogue(language) if m.id}
    wanted = {forms(m.id) for m in translations.updated(language) if m.id}
    assert kept ^ wanted == set(), "run `make messages`"


@pytest.mark.parametrize("language", CODES)
def test_what_pages_read_is_what_the_catalogue_says(language):
    compiled = translations.place(language).with_suffix(".mo")
    assert compiled.exists(), "run `make install`"
    with compiled.open("rb") as file:
        said = sayings(read_mo(file))
    written = sayings(translations.catalogue(language))
    assert said == written, "run `make install`"


def test_each_language_counts_as_it_does():
    app = Flask("collab")
    Babel(app, default_locale="fr")

    def said(language, number):
        with force_locale(language):
            return ngettext("%(num)s réponse", "%(num)s réponses", number)

    with app.test_request_context():
        assert [said("fr", n) for n in (0, 1, 2)] == ["0 réponse", "1 réponse", "2 réponses"]
        assert [said("en", n) for n in (0, 1, 2)] == ["0 replies", "1 reply", "2 replies"]
        assert said("fr@falc", 0) == "0 réponse"
        assert [said("ar", n) for n in (0, 1, 2)] == ["لا ردود", "رد واحد", "ردان"]
        assert [said("ar", n) for n in (3, 11, 100)] == ["3 ردود", "11 ردًا", "100 رد"]


def test_a_language_falls_back_to_one_that_is_complete():
    for code in CODES:
        last = chain(code)[-1]
        assert last == DEFAULT or last.code in COMPLETE
        assert tongue(code).direction == Locale.parse(tongue(code).catalogue).text_direction


# --- Nothing is said outside of the catalogues ----------------------------------------------------


def unmarked(node):
    """The texts and literals of a template that no translation reaches."""
    if isinstance(node, nodes.Call) and getattr(node.node, "name", "") in MARKERS:
        return
    if isinstance(node, nodes.TemplateData):
        yield node.data
    elif isinstance(node, nodes.Const) and isinstance(node.value, str):
        yield node.value
    for child in node.iter_child_nodes():
        yield from unmarked(child)


def visible(text):
    """What a reader sees or hears of a piece of HTML: its words and three attributes."""
    spoken = re.findall(r"(?:alt|aria-label|placeholder|title)=\"([^\"]*)", text)
    return [*spoken, *re.split(r"<[^>]*>|^[^<]*>|<[^>]*$", text)]


def test_a_template_says_nothing_that_cannot_be_translated():
    parser = Environment(extensions=["jinja2.ext.i18n", "jinja2.ext.do"])
    found = {
        (path.relative_to(ROOT).as_posix(), words.strip())
        for path in (ROOT / "collab").rglob("templates/**/*.html")
        for text in unmarked(parser.parse(path.read_text()))
        for words in visible(text)
        if FRENCH.search(words) and words.strip() not in NAMES_OF_LANGUAGES
    }
    assert found == set()


class Bare(HTMLParser):
    """The words of a template outside of every expression, whatever their language."""

    SEEN = ("alt", "aria-label", "placeholder", "title")

    def __init__(self, source):
        super().__init__()
        self.words, self.quiet = [], 0
        self.feed(re.sub(r"(?s)\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}", "\u0001", source))
        self.close()

    def handle_starttag(self, tag, attrs):
        self.quiet += tag in ("script", "style", "code")
        self.keep(*(value or "" for name, value in attrs if name in self.SEEN))

    def handle_endtag(self, tag):
        self.quiet -= tag in ("script", "style", "code")

    def handle_data(self, data):
        if not self.quiet and not re.search(r"=\"|^\u0001/\w", data):  # attributes, an address
            self.keep(data)

    def keep(self, *texts):
        self.words += [t.strip("\u0001\n ") for t in texts if re.search(r"[^\W\d_]{2}", t)]


NAMES = {
    "looks/styleguide.html: kicker",
    "looks/styleguide.html: meta",
    f"site/accessibility.html: {POSTAL}",
}
"""Names of the style sheet's own classes, which the page about the look shows; an address."""


def test_a_template_has_no_word_outside_of_an_expression():
    bare = Bare('<p title="Un">{{ _("a") }} deux {# dit #}<b>{% if x %}trois{% endif %}</b></p>')
    assert bare.words == ["Un", "deux", "trois"], "what this test looks for, it finds"
    found = {
        f"{path.parent.name}/{path.name}: {re.split(' · ', words.strip('· '))[0]}"
        for path in (ROOT / "collab").rglob("templates/**/*.html")
        for words in Bare(path.read_text()).words
    }
    assert found - NAMES == set()


TOLD = {"flash", "Forbidden", "TooMany", "Missing", "Unauthenticated", "Conflict", "Invalid"}
"""What is said to people. (Unreachable has a kind, which the web layer puts into words.)"""


def test_what_people_are_told_is_marked_for_translation():
    found = {
        f"{path.relative_to(ROOT)}:{call.lineno}: {ast.unparse(given)}"
        for path in sorted((ROOT / "collab").rglob("*.py"))
        for call in ast.walk(ast.parse(path.read_text()))
        if isinstance(call, ast.Call)
        and getattr(call.func, "id", getattr(call.func, "attr", "")) in TOLD
        for given in [*call.args, *(word.value for word in call.keywords)]
        if isinstance(given, ast.JoinedStr) or (isinstance(given, ast.Constant) and said(given))
    }
    assert found == set()


def said(given):
    return isinstance(given.value, str) and given.value not in ("ok", "error", "undo")


def literals(tree):
    """The string literals of a module, but for its docstrings and what is marked."""
    passed = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            passed.add(node.value)
        name = getattr(getattr(node, "func", None), "id", "")
        if isinstance(node, ast.Call) and name in MARKERS:
            passed.update(ast.walk(node))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in passed:
            yield node


def test_a_module_says_nothing_that_cannot_be_translated():
    accented = re.compile(r"[àâçéèêëîïôùûœ«»’]")
    found = {
        f"{name}: {node.value}"
        for path in sorted((ROOT / "collab").rglob("*.py"))
        if (name := path.relative_to(ROOT).as_posix()) not in NOT_FOR_PAGES
        for node in literals(ast.parse(path.read_text()))
        if accented.search(node.value)
    }
    assert found == set()


# --- An English reader sees no French -------------------------------------------------------------

PUBLIC = (
    "/",
    "/about",
    "/accessibilite",
    "/instances",
    "/join",
    "/login",
    "/mentions",
    "/recover",
    "/register",
    "/search?q=zzz",
    "/p/nowhere",
)
OF_A_PERSON = (
    "/",
    "/account",
    "/account/applications",
    "/account/identities",
    "/admin",
    "/spaces/elsewhere",
    "/spaces/new",
    "/search?q=Seeds",
    "/u/ada",
    "/p/garden",
    "/p/garden/invitations",
    "/p/garden/members",
    "/p/garden/settings",
    "/p/garden/discussion/",
    "/p/garden/discussion/new",
    "/p/garden/discussion/{thread}/",
    "/p/garden/discussion/m/{message}/acts",
    "/p/garden/discussion/m/{message}/edit",
    "/p/garden/discussion/m/{message}/history",
    "/p/garden/pages/",
    "/p/garden/pages/new",
    "/p/garden/pages/import",
    "/p/garden/pages/tools",
    "/p/garden/pages/tools/edit",
    "/p/garden/pages/tools/history",
    "/p/garden/pages/tools/version/1",
)


@cache
def french_sentences():
    """What the sources say, as it would stand on a page if it were not translated."""
    whole = {text for m in sentences() for text in forms(m.id) if not HOLES.search(text)}
    return {text.replace("\u00a0", " ") for text in whole if len(text) > 12 and FRENCH.search(text)}


def french_in(answer):
    page = answer.get_data(as_text=True).replace("\u00a0", " ")
    words = re.sub(r"<[^>]*>", "\n", re.sub(r"(?s)<(svg|head)\b.*?</\1>", "", page))
    lines = {line.strip() for line in words.splitlines() if FRENCH.search(line)}
    return (lines - NAMES_OF_LANGUAGES) | {text for text in french_sentences() if text in page}


def english(client, address):
    answer = client.get(address, headers={"Accept-Language": "en"})
    assert '<html lang="en"' in answer.get_data(as_text=True), address
    return answer


@pytest.fixture
def site(house):
    """A site whose own name is English, and the person who runs it."""
    given = Register(alias="ada", password=PASSWORD)
    return first_administrator(house.runtime.work, "Village hall", given).actor


def test_the_first_page_ever_speaks_english(client):
    answer = english(client, "/setup")
    assert french_in(answer) - {"Maison d’essai"} == set()


def test_an_english_stranger_reads_english(site, client):
    found = {address: french_in(english(client, address)) for address in PUBLIC}
    assert {a: f for a, f in found.items() if f} == {}


def test_a_member_reads_english_or_arabic_and_no_french(site, house, make, client):
    garden = make.space(site, slug="garden")
    with house.as_(site) as work:
        thread = open_thread(work, garden, OpenThread(title="Seeds", body="Who has some?"))
        given = PostMessage(thread=thread.uid, body="I have.")
        message = post_message(work, garden, given)
        write_document(work, garden, WriteDocument(title="Tools", source="# Two\n\nA spade."))
    house.settle()
    log_in(client, site)
    client.post("/langue", data={"locale": "en"})
    filled = [a.format(thread=thread.uid, message=message.uid) for a in OF_A_PERSON]
    found = {address: french_in(english(client, address)) for address in filled}
    assert {a: f for a, f in found.items() if f} == {}
    client.post("/langue", data={"locale": "ar"})
    for address in (
        "/",
        "/p/garden",
        f"/p/garden/discussion/{thread.uid}/",
        "/p/garden/pages/tools",
    ):
        page = client.get(address).get_data(as_text=True).replace("\u00a0", " ")
        assert '<html lang="ar" dir="rtl"' in page
        assert [text for text in french_sentences() if text in page] == []


def test_a_mistake_is_told_in_english(site, client):
    answer = client.post("/login", data={}, headers={"Accept-Language": "en"})
    assert french_in(answer) == set()
    answer = client.get("/api/v1/me", headers={"Accept-Language": "en"})
    assert FRENCH.search(answer.get_json()["title"]) is None


def test_who_registers_in_english_is_spoken_to_in_english(site, client):
    asked = {"alias": "rose", "password": PASSWORD}
    client.post("/register", data=asked, headers={"Accept-Language": "en"})
    answer = client.get("/account", headers={"Accept-Language": "fr"})
    assert '<html lang="en"' in answer.get_data(as_text=True)


LOOSE = re.compile(r" [:;?!»]|« |\d \d{3}")
TOLD_AS_IT_WAS = {"Relecture : %(by)s"}
"""What other instances and older databases say word for word (`spaces.summaries`)."""


def test_no_french_sign_is_left_to_begin_a_line():
    """A no-break space goes before « : ; ? ! » and inside « guillemets », in the sources too."""
    sentences = {
        part for message in translations.extracted() if message.id for part in forms(message.id)
    }
    sentences |= {
        part
        for code in ("fr", "fr-x-falc")
        for message in translations.catalogue(code)
        if message.id
        for part in forms(message.string)
    }
    assert {text for text in sentences if LOOSE.search(text)} - TOLD_AS_IT_WAS == set()
