"""Words of one direction inside a page of the other stay in their place."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from flask_babel import force_locale, gettext
from markupsafe import Markup
from shell import make_shell, person, render

from collab.web.bidi import isolated

STYLE = Path(__file__).parents[2] / "collab" / "static" / "collab.css"
APART, TOGETHER = "\u2068", "\u2069"
OMAR = "عمر بن سالم"


@pytest.fixture(scope="module")
def shell():
    return make_shell()


@pytest.fixture
def french(shell):
    with shell.test_request_context("/"):
        yield shell


@pytest.fixture
def arabic(shell):
    with shell.test_request_context("/?l=ar"):
        yield shell


def test_a_name_that_runs_with_the_page_is_left_as_it_is(french):
    assert render("{{ who|called }}", who=person("Ada")).text == "Ada"
    with force_locale("ar"):
        assert isolated(OMAR) == OMAR


def test_a_name_that_runs_against_the_page_is_kept_apart(french):
    drawn = render("{{ who|called }} · 3", who=person(OMAR))
    assert drawn.text == f"{APART}{OMAR}{TOGETHER} · 3"


def test_an_address_keeps_its_first_sign_on_an_arabic_page(arabic):
    drawn = render("{{ address|typo }}", address="@ines@ecole.example")
    assert drawn.text == f"{APART}@ines@ecole.example{TOGETHER}"


def test_what_is_filled_into_a_sentence_is_kept_apart(french):
    drawn = render("{{ _('En réponse à %(name)s', name=name) }}", name=OMAR)
    assert drawn.text == f"En réponse à {APART}{OMAR}{TOGETHER}"
    assert gettext("En réponse à %(name)s", name=OMAR).endswith(TOGETHER)
    counted = "{{ ngettext('%(num)s version, %(name)s', '%(num)s versions, %(name)s', 2, name=n) }}"
    assert render(counted, n=OMAR).text == f"2 versions, {APART}{OMAR}{TOGETHER}"


def test_what_turns_with_its_own_element_is_not_kept_apart(french):
    assert render("{{ why|typo(isolate=false) }}", why=OMAR).text == OMAR


def test_nobody_can_turn_the_rest_of_the_page_around(french):
    assert isolated("Ada\u202egnitem\u2067") == "Adagnitem"
    assert isolated(f"{OMAR}\u2069\u202e") == f"{APART}{OMAR}{TOGETHER}"


def test_markup_stays_markup_and_is_escaped_once(french):
    assert render("{{ _('Chercher « %(words)s »', words=w)|typo }}", w="<b>").text.count("<b>") == 1
    assert render("{{ said|typo }}", said=Markup("<b>Où</b> ?")).text == "Où\u00a0?"


# --- The style sheet runs both ways ---------------------------------------------------------------

PHYSICAL = re.compile(
    r"(?<![\w-])(?:(?:margin|padding|border|scroll-margin|scroll-padding)-(?:left|right)[\w-]*"
    r"|border-(?:top|bottom)-(?:left|right)-radius|left|right|inset)\s*:"
    r"|(?:text-align|float|clear|caption-side|justify-content)\s*:\s*(?:left|right)"
    r"|\b(?:90|270)deg|to (?:left|right)|translateX"
)
SAME_BOTH_WAYS = ("inset: 0;", "repeating-linear-gradient(90deg")
"""All four sides at once; and a strip of cloth, which has no beginning."""
RIGHT_TO_LEFT = re.compile(r"^:root \{ --onward.*$|^\[dir=rtl\].*$", re.MULTILINE)
"""What turns by hand, because no logical property says it."""


def test_the_style_sheet_names_no_left_and_no_right():
    style = re.sub(r"/\*.*?\*/", "", STYLE.read_text(), flags=re.DOTALL)
    style = RIGHT_TO_LEFT.sub("", style)
    for same in SAME_BOTH_WAYS:
        style = style.replace(same, "")
    assert [found.group() for found in PHYSICAL.finditer(style)] == []


def test_four_values_that_differ_are_not_given_where_two_sides_have_names():
    """`padding: 1px 2px 3px 4px` puts 2px on the right and 4px on the left, in any language."""
    style = re.sub(r"/\*.*?\*/", "", STYLE.read_text(), flags=re.DOTALL)
    given = re.findall(r"(?<![\w-])(?:margin|padding|border-width|inset):\s*([^;}]+)", style)
    four = [re.split(r"\s+(?![^(]*\))", value.strip()) for value in given]
    assert [sides for sides in four if len(sides) == 4 and sides[1] != sides[3]] == []
