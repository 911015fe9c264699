"""Take pictures of twenty screens of the running demonstration (`make demo`, then `make screens`).

Each at phone and desk width, light and dark, in French and in Arabic, into screenshots/screens/,
as `NAME-WIDTH-LIGHT-TONGUE.png`: to be looked at one by one before a release. Needs Chromium and
the development requirements. Names on the command line choose among the screens.
"""

from __future__ import annotations

import json
import shutil
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from collab.demo.stage import PASSWORD  # noqa: E402 - the root is on the path only now

ORIGIN = "http://127.0.0.1:8101"
OUT = ROOT / "screenshots" / "screens"
WIDTHS = {360: 740, 1280: 800}
LIGHTS = ("light", "dark")
TONGUES = ("fr", "ar")
SCREENS = (
    # (name, who looks, where)
    ("home", "", "/"),
    ("project", "", "/p/jardin"),
    ("threads", "", "/p/jardin/discussion/"),
    ("thread", "", "{thread}"),
    ("documents", "", "/p/jardin/pages/"),
    ("document", "", "{document}"),
    ("search", "", "/search?q=eau"),
    ("login", "", "/login"),
    ("register", "", "/register"),
    ("display", "", "/affichage"),
    ("accessibility", "", "/accessibilite"),
    ("nowhere", "", "/nulle-part"),
    ("home-member", "coquelicot", "/"),
    ("news", "coquelicot", "/news"),
    ("since", "coquelicot", "/depuis"),
    ("thread-member", "coquelicot", "{thread}"),
    ("write", "coquelicot", "{document}/edit"),
    ("members", "coquelicot", "/p/jardin/members"),
    ("account", "coquelicot", "/account"),
    ("invitations", "mesange", "/p/jardin/invitations"),
    ("settings", "mesange", "/p/jardin/settings"),
    ("federation", "mesange", "/p/jardin/federation"),
    ("peers", "mesange", "/admin/peers"),
    ("look", "mesange", "/admin/look"),
    ("styleguide", "mesange", "/styleguide"),
)


def main(chosen: list[str]) -> int:
    """Take them all, or those named. Returns the exit status."""
    program = shutil.which("chromium")
    if program is None:
        sys.exit("screens: Chromium is missing: apt-get install chromium")
    known = addresses()
    OUT.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        for who in dict.fromkeys(who for _, who, _ in SCREENS):
            for tongue in TONGUES:
                with window(browser, who, tongue) as page:
                    for name, by, where in SCREENS:
                        if by == who and (not chosen or name in chosen):
                            take(page, f"{name}", where.format(**known), tongue)
        browser.close()
    return 0


def addresses() -> dict[str, str]:
    """The first thread and the first document of the shared project, as paths."""

    def first(tool: str, what: str, name: str) -> str:
        url = f"{ORIGIN}/api/v1/spaces/jardin/{tool}/{what}"
        with urllib.request.urlopen(url) as answer:  # noqa: S310 - the demonstration's own
            return str(json.load(answer)[0][name])

    return {
        "thread": f"/p/jardin/discussion/{first('discussion', 'threads', 'id')}/",
        "document": f"/p/jardin/pages/{first('pages', 'documents', 'slug')}",
    }


@contextmanager
def window(browser: Browser, who: str, tongue: str) -> Iterator[Page]:
    """A window of its own in this language, logged in when `who` is a name."""
    context = browser.new_context(base_url=ORIGIN, locale=tongue, reduced_motion="reduce")
    page = context.new_page()
    if who:
        page.goto("/login")
        page.locator("[name=alias]").fill(who)
        page.locator("[name=password]").fill(PASSWORD)
        page.locator("main form [type=submit], main form button").first.click()
        page.wait_for_url(lambda url: "/login" not in url)
        # An account has a language of its own, which goes before the browser's.
        page.locator(f"footer [lang={tongue}]").first.click()
    yield page
    context.close()


def take(page: Page, name: str, where: str, tongue: str) -> None:
    """The four pictures of one screen in one language."""
    for width, height in WIDTHS.items():
        page.set_viewport_size({"width": width, "height": height})
        for light in LIGHTS:
            page.emulate_media(color_scheme="dark" if light == "dark" else "light")
            page.goto(where)
            page.screenshot(path=OUT / f"{name}-{width}-{light}-{tongue}.png", full_page=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
