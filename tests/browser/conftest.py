"""Two real instances and a real browser, shared by the tests of this folder."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from browser.town import Town, Windows, end, found

QUIET = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream",  # a humming microphone
]  # fmt: skip


# Not for the whole session: one thread has one Playwright at a time, and other folders have theirs.
@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    program = shutil.which("chromium")
    if program is None:
        pytest.fail("These tests need Chromium: apt-get install chromium (make test does it).")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=QUIET)
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def town(tmp_path_factory) -> Iterator[Town]:
    town = found(tmp_path_factory.mktemp("town"))
    yield town
    end(town)


@pytest.fixture
def windows(chromium) -> Iterator[Windows]:
    """Opens windows; in the end nothing may have gone wrong in any of them."""
    windows = Windows(chromium)
    yield windows
    windows.close()
    assert windows.wrong == []
