"""No page of any type has a mistake that an engine can find (PRODUCT.md 5.1, R-01 and R-13).

Pages are found by following links, as a stranger, a member and somebody who looks after the site.
Each is opened once, and looked at in every state there.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, sync_playwright
from weight.ground import ground
from weight.scales import Leaf, leaves

from accessible.engines import (
    PHONE,
    Eyes,
    axe,
    bare,
    dressed,
    launched,
    overflow,
    printed,
    second,
    spaced,
)

COLOURS = ("color-contrast", "link-in-text-block")
SIDES = (("dark", ""), ("dark", "high"), ("light", "high"))
"""Theme and contrast, beside those that every page is first looked at in."""
ARABIC = "ar"

Wrong = dict[str, dict[str, list[str]]]
"""By state, by page: what is wrong there."""


@pytest.fixture(scope="module")
def wrong(tmp_path_factory) -> Wrong:
    """All that is wrong with any page, found in one walk over them."""
    found: Wrong = defaultdict(dict)
    with (
        ground(tmp_path_factory.mktemp("accessible") / "instance") as there,
        sync_playwright() as playwright,
    ):
        browser = launched(playwright)
        eyes = Eyes(browser, there)
        pages = leaves(there)
        full = {leaf.endpoint: leaf for leaf in sorted(pages, key=lambda leaf: leaf.elements)}
        for leaf in pages:
            for state, mistakes in seen(eyes, leaf, leaf is full[leaf.endpoint]):
                if mistakes:
                    found[state][f"{leaf.endpoint} as {leaf.reader or 'a stranger'}"] = mistakes
        assert len(full) > 40, "links lead to every type of page"
        eyes.close()
        browser.close()
    return found


def seen(eyes: Eyes, leaf: Leaf, fullest: bool) -> Iterator[tuple[str, list[str]]]:
    """State and mistakes; the fullest page of its type is looked at in every state."""
    page = eyes.open(leaf)
    yield "axe", axe(page)
    yield "second", second(page)
    if fullest:
        yield "printed", printed(page)
        yield from coloured(page)
        yield from narrowed(page)
        page = eyes.open(leaf, ARABIC)
        yield "arabic", axe(page)
        page.set_viewport_size(PHONE)
        yield "arabic", beyond(page, "360 px")


def coloured(page: Page) -> Iterator[tuple[str, list[str]]]:
    for theme, contrast in SIDES:
        page.emulate_media(color_scheme=theme)
        dressed(page, theme=theme, contrast=contrast)
        yield f"{theme} {contrast}", axe(page, *COLOURS)
    bare(page, "theme", "contrast")
    page.emulate_media(color_scheme="light")


def narrowed(page: Page) -> Iterator[tuple[str, list[str]]]:
    page.set_viewport_size(PHONE | {"width": 320})
    yield "320 px", beyond(page, "320 px")
    dressed(page, size="largest", spacing="wider")
    page.set_viewport_size(PHONE)
    yield "largest", beyond(page, "360 px")
    bare(page, "size", "spacing")
    spaced(page)
    yield "spaced", beyond(page, "360 px")


def beyond(page: Page, window: str) -> list[str]:
    px = overflow(page)
    return [f"{px} px wider than {window}"] if px > 0 else []


def test_r_01_no_page_has_a_mistake_that_axe_finds(wrong):
    assert wrong["axe"] == {}


def test_r_01_a_second_engine_agrees(wrong):
    assert wrong["second"] == {}


def test_pages_print_whole_in_black_and_without_what_is_pressed(wrong):
    assert wrong["printed"] == {}


@pytest.mark.parametrize("side", SIDES, ids=" ".join)
def test_r_01_colours_are_legible_in_the_dark_and_with_high_contrast(wrong, side):
    assert wrong[" ".join(side)] == {}


def test_r_12_no_page_has_a_mistake_in_arabic(wrong):
    assert wrong["arabic"] == {}


@pytest.mark.parametrize("state", ["320 px", "largest", "spaced"])
def test_r_13_no_page_is_wider_than_a_small_window_however_large_its_letters(wrong, state):
    assert wrong[state] == {}
