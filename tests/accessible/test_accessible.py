"""No page of any type has a mistake that an engine can find (PRODUCT.md 5.1, R-01 and R-13).

Pages are found by following links, as a stranger, a member and somebody who looks after the site;
those of one moment are asked for. Each is opened once, and looked at there. What the fullest of
each type is in the dark, at 200 % and in other languages is looked at by test_dresses.py.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

import pytest
from flask import Flask, request, template_rendered
from playwright.sync_api import Browser, Page, sync_playwright
from weight.ground import Ground, ground
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
    printed,
    second,
    spaced,
)
from accessible.moments import beginnings, moments

ROOT = Path(__file__).resolve().parent.parent.parent
NO_PAGES = {
    "api.*": "answers programs, in JSON",
    "openapi.*": "answers programs, in JSON",
    "wellknown.*": "answers programs, in JSON",
    "federation.*": "answers programs, or leads to a page",
    "keys.*": "answers programs, in JSON",
    "project_log.*": "answers programs, in JSON",
    "project_stream.*": "answers programs, in JSON",
    "oauth.describe": "answers programs, in JSON",
    "static.file": "a file",
    "files.file": "a file",
    "*.picture": "a picture",
    "offline.icon": "a picture",
    "offline.manifest": "a file",
    "offline.worker": "a script",
    "themes.sheet": "a style sheet",
    "site.robots": "plain text",
    "site.healthy": "plain text",
    "site.ready": "plain text",
    "discussion.sound": "a recording",
    "pages.download": "a file",
    "pages.export": "a file",
    "posters.file": "a file",
    "discussion.fragment": "a piece of discussion.thread, which has it too",
    "discussion.message": "leads to its thread",
    "pages.by_title": "leads to the document",
    "simple.of": "leads to the simple version",
    "oidc.set_out": "leads to another site",
    "oidc.come_back": "leads on",
}
"""What answers GET and is no page, and why: for the names of endpoints that are like these."""
NO_PAGE = {"discussion/fragment.html"}


@pytest.fixture(scope="module")
def walked(tmp_path_factory) -> Walked:
    """All that is wrong with any page, found in one walk over them."""
    walked, place = Walked(), tmp_path_factory.mktemp("accessible")
    with sync_playwright() as playwright:
        browser = launched(playwright)
        with ground(place / "used") as there:
            walked.over(browser, there)
        with ground(place / "new", planting=False) as there:
            walked.through(Eyes(browser, there), beginnings())
        browser.close()
    return walked


class Walked:
    """What was seen, and what was wrong with it."""

    def __init__(self) -> None:
        self.wrong: Wrong = defaultdict(dict)
        self.templates: set[str] = set()
        self.endpoints: set[str] = set()
        self.routes: set[str] = set()
        """Every endpoint that answers GET."""

    def note(self, sender: Flask, template, **_more) -> None:
        self.templates.add(template.name)
        self.endpoints.add(request.endpoint or "")

    def over(self, browser: Browser, there: Ground) -> None:
        """Every page that links lead to, then those of a moment."""
        eyes, pages = Eyes(browser, there), leaves(there)
        full = fullest(pages)
        with template_rendered.connected_to(self.note):
            for leaf in pages:
                where = f"{leaf.endpoint} as {leaf.reader or 'a stranger'}"
                for state, mistakes in seen(eyes, leaf, leaf in full):
                    self.found(state, where, mistakes)
        self.through(eyes, moments(there))
        rules = there.house.app.url_map.iter_rules()
        self.routes = {rule.endpoint for rule in rules if "GET" in rule.methods}

    def through(self, eyes: Eyes, some) -> None:
        """The pages of these moments."""
        with template_rendered.connected_to(self.note):
            for moment in some:
                self.found(moment.state, str(moment), looked_at(eyes.see(moment)))
        eyes.close()

    def found(self, state: str, where: str, mistakes: list[str]) -> None:
        if mistakes:
            self.wrong[state][where] = mistakes


def seen(eyes: Eyes, leaf: Leaf, full: bool) -> Iterator[tuple[str, list[str]]]:
    """State and mistakes; the fullest page of its type is looked at on paper and narrow as well."""
    page = eyes.open(leaf)
    yield "axe", axe(page)
    yield "second", second(page)
    if full:
        yield "printed", printed(page)
        yield from narrowed(page)


def looked_at(page: Page) -> list[str]:
    """A page of one moment, in the light, in the dark, and on a telephone."""
    found = [*axe(page), *second(page)]
    page.emulate_media(color_scheme="dark")
    found += axe(page, *COLOURS)
    page.set_viewport_size(PHONE | {"width": 320})
    return [*found, *beyond(page)]


def narrowed(page: Page) -> Iterator[tuple[str, list[str]]]:
    page.set_viewport_size(PHONE | {"width": 320})
    yield "320 px", beyond(page)
    dressed(page, size="largest", spacing="wider")
    page.set_viewport_size(PHONE)
    yield "largest", beyond(page)
    bare(page, "size", "spacing")
    spaced(page)
    yield "spaced", beyond(page)


def test_r_01_no_page_has_a_mistake_that_axe_finds(walked):
    assert walked.wrong["axe"] == {}


def test_r_01_a_second_engine_agrees(walked):
    assert walked.wrong["second"] == {}


def test_pages_print_whole_in_black_and_without_what_is_pressed(walked):
    assert walked.wrong["printed"] == {}


@pytest.mark.parametrize("state", ["320 px", "largest", "spaced"])
def test_r_13_no_page_is_wider_than_a_small_window_however_large_its_letters(walked, state):
    assert walked.wrong[state] == {}


@pytest.mark.parametrize(
    "state",
    [
        "refused", "clashing", "forbidden", "done", "tokened", "recovered", "seen", "held",
        "introduced", "invited", "gone", "empty", "on a first day", "new",
    ],
)  # fmt: skip
def test_r_01_no_page_has_a_mistake_at_one_moment_only(walked, state):
    assert walked.wrong.pop(state, {}) == {}


def test_every_page_was_seen_or_is_none(walked):
    left = {
        endpoint
        for endpoint in walked.routes - walked.endpoints
        if not any(fnmatch(endpoint, name) for name in NO_PAGES)
    }
    assert left == set()
    assert {name for name in NO_PAGES if not any(fnmatch(e, name) for e in walked.routes)} == set()


def test_every_template_of_a_page_was_seen(walked):
    files = {
        path.relative_to(folder).as_posix()
        for folder in (ROOT / "collab").rglob("templates")
        for path in folder.rglob("*.html")
    }
    pages = {name for name in files if not name.rpartition("/")[2].startswith("_") and "/" in name}
    assert pages - walked.templates == NO_PAGE
