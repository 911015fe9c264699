"""The fullest page of each type in every dress and language: no mistake that an engine can find.

In the dark, with high contrast, in the colours of the system and at 200 % all rules of axe are
applied, as a page may hide or move other things then; and in Arabic, which turns it round. English
and easy French change words alone: whether there is room for them is all that is looked at.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, sync_playwright
from weight.ground import ground
from weight.leaves import Leaf, leaves

from accessible.engines import (
    COLOURS,
    PHONE,
    Eyes,
    Wrong,
    axe,
    bare,
    beyond,
    dressed,
    fullest,
    launched,
    second,
)

DRESSES = ("dark", "dark high", "light high largest", "forced")
READERS = ("", "ada")
"""Between them they have every type of page; a member has less on each than who is in charge."""
ARABIC, OTHERS = "ar", ("en", "fr-x-falc")


@pytest.fixture(scope="module")
def wrong(tmp_path_factory) -> Wrong:
    """All that is wrong, found in one walk."""
    found: Wrong = defaultdict(dict)
    with (
        ground(tmp_path_factory.mktemp("dresses") / "instance") as there,
        sync_playwright() as playwright,
    ):
        browser = launched(playwright)
        eyes = Eyes(browser, there)
        for leaf in fullest(leaves(there, READERS)):
            page = eyes.open(leaf)
            for state, mistakes in (*in_dresses(page), *in_languages(eyes, page, leaf)):
                if mistakes:
                    found[state][leaf.endpoint] = mistakes
        eyes.close()
        browser.close()
    return found


def in_dresses(page: Page) -> Iterator[tuple[str, list[str]]]:
    """Without opening the page again."""
    page.emulate_media(color_scheme="dark")
    dressed(page, theme="dark")
    yield "dark", [*axe(page), *second(page)]
    dressed(page, contrast="high")
    yield "dark high", axe(page, *COLOURS)
    page.emulate_media(color_scheme="light")
    dressed(page, theme="light", size="largest")
    yield "light high largest", axe(page)
    bare(page, "theme", "contrast", "size")
    page.emulate_media(forced_colors="active")
    yield "forced", axe(page)
    page.emulate_media(forced_colors="none")


def in_languages(eyes: Eyes, page: Page, leaf: Leaf) -> Iterator[tuple[str, list[str]]]:
    for language in (ARABIC, *OTHERS):
        eyes.turn(page, leaf, language)
        found = [*axe(page), *second(page)] if language == ARABIC else []
        page.set_viewport_size(PHONE)
        yield language, [*found, *beyond(page)]


@pytest.mark.parametrize("dress", DRESSES)
def test_r_01_no_page_has_a_mistake_in_any_dress(wrong, dress):
    assert wrong[dress] == {}


@pytest.mark.parametrize("language", [ARABIC, *OTHERS])
def test_r_12_no_page_has_a_mistake_in_any_language(wrong, language):
    assert wrong[language] == {}
