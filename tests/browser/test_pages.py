"""What every main page owes its reader: weight, keyboard, narrow screens, large letters."""

from __future__ import annotations

import gzip
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from harness import PASSWORD, Instance, until
from playwright.sync_api import Page, expect

from browser.town import PATIENCE, PHONE, WIDE, Town, Windows, log_in, shoot

expect.set_options(timeout=PATIENCE)
STATIC = Path(__file__).parents[2] / "collab" / "static"
KB = 1024

# (who looks, where, name of the screenshot); `{…}` is filled in by `address`.
PAGES = [
    ("", "/", "home"),
    ("", "/login", "login"),
    ("", "/register", "register"),
    ("", "/recover", "recover"),
    ("", "/join?code=inconnu", "invitation-code"),
    ("", "/about", "about"),
    ("", "/mentions", "legal"),
    ("", "/accessibilite", "accessibility"),
    ("", "/instances", "instances"),
    ("", "/nulle-part", "error"),
    ("", "/u/ada", "person"),
    ("", "/p/jardin", "project"),
    ("", "/p/jardin/discussion/", "threads"),
    ("", "/p/jardin/discussion/{thread}/", "thread-stranger"),
    ("", "/p/jardin/pages/", "documents"),
    ("", "/p/jardin/pages/{document}", "document"),
    ("", "/p/jardin/members", "members"),
    ("", "/search", "search-empty"),
    ("", "/search?q=pluie", "search"),
    ("ada", "/", "home-ada"),
    ("ada", "/account", "account"),
    ("ada", "/account/applications", "applications"),
    ("ada", "/account/identities", "identities"),
    ("ada", "/spaces/new", "new-project"),
    ("ada", "/spaces/elsewhere", "elsewhere"),
    ("ada", "/p/jardin", "project-ada"),
    ("ada", "/p/jardin/settings", "settings"),
    ("ada", "/p/jardin/members", "members-ada"),
    ("ada", "/p/jardin/invitations", "invitations"),
    ("ada", "/p/jardin/discussion/new", "new-thread"),
    ("ada", "/p/jardin/discussion/{thread}/", "thread"),
    ("ada", "/p/jardin/discussion/m/{thread}/edit", "edit-message"),
    ("ada", "/p/jardin/discussion/m/{thread}/acts", "acts"),
    ("ada", "/p/jardin/discussion/m/{thread}/history", "message-history"),
    ("ada", "/p/jardin/pages/", "documents-ada"),
    ("ada", "/p/jardin/pages/new", "new-document"),
    ("ada", "/p/jardin/pages/import", "import"),
    ("ada", "/p/jardin/pages/{document}", "document-ada"),
    ("ada", "/p/jardin/pages/{document}/edit", "edit-document"),
    ("ada", "/p/jardin/pages/{document}/history", "document-history"),
    ("ada", "/p/jardin/pages/{document}/diff?from=1&to=2", "diff"),
    ("ada", "/p/jardin/pages/{document}/version/1", "version"),
    ("admin", "/admin", "admin"),
]
LOOK = """() => {
  const fields = [...document.querySelectorAll("input:not([type=hidden]), select, textarea")];
  const named = (field) => field.labels.length || field.hasAttribute("aria-label");
  return {
    headings: document.querySelectorAll("h1").length,
    unlabelled: fields.filter((field) => !named(field)).map((field) => field.outerHTML),
    dialogs: document.querySelectorAll("dialog, [role=dialog], [role=alertdialog]").length,
    twice: [...document.querySelectorAll("[id]")].map((part) => part.id)
      .filter((id, at, all) => all.indexOf(id) !== at),
  };
}"""
# What sticks out, so that a failure names it.
OVERFLOW = """() => {
  const room = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= room) return [];
  return [...document.querySelectorAll("body *")].filter((part) =>
    part.getBoundingClientRect().right > room + 1).map((part) => part.outerHTML.slice(0, 120));
}"""
NODES = "document.getElementsByTagName('*').length"
FOCUS = """() => {
  const at = document.activeElement, style = getComputedStyle(at), box = at.getBoundingClientRect();
  return {
    name: at.name || "", skips: at.classList.contains("skip"), body: at === document.body,
    shown: box.width > 0 && box.right > 0 && box.left < innerWidth,
    outlined: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2,
  };
}"""


@pytest.fixture(scope="module")
def desks(town: Town, chromium):
    """One window for each reader of A, kept from page to page."""
    windows = Windows(chromium)
    pages: dict[str, Page] = {}

    def desk(alias: str) -> Page:
        if alias not in pages:
            pages[alias] = windows.open(town.a, alias, color_scheme="light")
        del windows.wrong[:]
        return pages[alias]

    desk.wrong = windows.wrong
    yield desk
    windows.close()


def address(town: Town, path: str) -> str:
    slug = str(town.document["url"]).rpartition("/")[2]
    return path.format(thread=town.thread["id"], document=slug)


def larger_text(page: Page, percent: int) -> None:
    """As a reader does who asks the browser for larger letters."""
    size = f"{106.25 * percent / 100}%"
    page.evaluate("size => document.documentElement.style.fontSize = size", size)


@pytest.mark.parametrize(("who", "path", "name"), PAGES, ids=[page[2] for page in PAGES])
def test_a_page_reads_well_narrow_and_large(town: Town, desks, who: str, path: str, name: str):
    page = desks(who)
    page.set_viewport_size(WIDE)
    page.goto(address(town, path))
    seen = page.evaluate(LOOK)
    assert seen == {"headings": 1, "unlabelled": [], "dialogs": 0, "twice": []}
    assert page.title().count(" · ") >= 1
    shoot(page, f"page-{name}-1280")
    larger_text(page, 200)
    assert page.evaluate(OVERFLOW) == []
    larger_text(page, 100)
    page.set_viewport_size(PHONE)
    assert page.evaluate(OVERFLOW) == []
    shoot(page, f"page-{name}-360")
    assert desks.wrong == []


def test_the_dark_side_and_large_letters(town: Town, windows: Windows):
    page = windows.open(town.a, "ada", color_scheme="dark")
    for path, name in (
        ("/", "home"),
        ("/p/jardin", "project"),
        (town.talk_at(town.a), "thread"),
        (address(town, "/p/jardin/pages/{document}/diff?from=1&to=2"), "diff"),
    ):
        page.set_viewport_size(WIDE)
        page.goto(path)
        paper, ink = page.evaluate(
            "[getComputedStyle(document.documentElement).backgroundColor,"
            " getComputedStyle(document.body).color]"
        )
        assert brightness(paper) < 64
        assert brightness(ink) > 180
        shoot(page, f"dark-{name}-1280")
        page.set_viewport_size(PHONE)
        shoot(page, f"dark-{name}-360")
    page.emulate_media(color_scheme="light")
    page.set_viewport_size(WIDE)
    larger_text(page, 200)
    shoot(page, "large-diff-1280")
    page.goto(town.talk_at(town.a))
    larger_text(page, 200)
    shoot(page, "large-thread-1280")


def brightness(colour: str) -> float:
    """The mean of red, green and blue, 0 to 255, of `rgb(r, g, b)`."""
    parts = colour.partition("(")[2].rstrip(")").split(",")[:3]
    return sum(float(part) for part in parts) / 3


def test_a_stranger_reads_without_a_cookie(town: Town, windows: Windows):
    page = windows.open(town.a)
    for path in ("/", "/p/jardin", town.talk_at(town.a), "/search?q=pluie", "/about"):
        page.goto(path)
        assert page.context.cookies() == [], path
    page.get_by_role("button", name="English").click()
    expect(page.get_by_role("link", name="Log in")).to_be_visible()


@dataclass
class Visit:
    """What a first visit of a page cost: requests, and bytes as they came over the wire."""

    page: Page
    requests: list[str]
    sockets: int  # live connections, which stay open and are no requests for files
    transferred: int


def first_visit(
    windows: Windows, instance: Instance, path: str, token: str = "", **options: Any
) -> Visit:
    page = windows.open(instance, token, **options)
    if token:
        page.goto("about:blank")
    spy = page.context.new_cdp_session(page)
    asked: list[str] = []
    weights: list[float] = []
    sockets: list[str] = []

    def sent(told: dict[str, Any]) -> None:
        if told["request"]["url"].startswith("http"):  # pictures inside the page cost nothing more
            asked.append(told["request"]["url"])

    spy.on("Network.requestWillBeSent", sent)
    spy.on("Network.loadingFinished", lambda told: weights.append(told["encodedDataLength"]))
    spy.on("Network.webSocketCreated", lambda told: sockets.append(told["url"]))
    spy.send("Network.enable")
    spy.send("Network.clearBrowserCache")
    page.goto(path, wait_until="networkidle")
    if page.locator("main[data-live]").count():
        until(lambda: page.wait_for_timeout(50) or sockets, "the page is live")
    return Visit(page, asked, len(sockets), int(sum(weights)))


@pytest.mark.parametrize(
    ("path", "most_nodes"),
    [
        ("/", 350),
        ("/p/jardin", 350),
        ("/p/jardin/pages/{document}", 350),
        ("/p/jardin/discussion/{thread}/", 380),
        ("/search?q=pluie", 350),
    ],
    ids=["home", "project", "document", "thread", "search"],
)
def test_a_first_visit_is_light(town: Town, windows: Windows, path: str, most_nodes: int):
    visit = first_visit(windows, town.a, address(town, path))
    assert len(visit.requests) <= 5, visit.requests
    assert visit.transferred <= 60 * KB
    assert visit.page.evaluate(NODES) <= most_nodes


def test_scripts_and_styles_are_small():
    worker = STATIC / "sw.js"  # fetched apart, after the page is there
    recorder = STATIC / "voice.js"  # fetched when somebody begins to record
    reader = STATIC / "aloud.js"  # fetched when somebody begins to listen
    every = {*STATIC.glob("*.js"), *STATIC.glob("vendor/*.js")}
    assert packed(every - {worker, recorder, reader}) <= 25 * KB
    assert packed([worker]) <= 5 * KB
    assert packed([recorder]) <= 3 * KB
    assert packed([reader]) <= 4 * KB
    assert packed(STATIC.glob("*.css")) <= 15 * KB


def packed(files) -> int:
    return sum(len(gzip.compress(file.read_bytes(), 6)) for file in files)


def test_a_message_is_written_with_the_keyboard_alone(town: Town, windows: Windows):
    page = windows.open(town.a, "ada")
    here, _ = town.open_thread("Au clavier", "Sans souris.")
    page.goto(town.talk_at(town.a, here))
    expect(page.get_by_role("button", name="Mettre en pause")).to_be_visible()
    page.keyboard.press("Tab")
    assert page.evaluate(FOCUS)["skips"] is True
    assert page.evaluate(FOCUS)["shown"] is True
    shoot(page, "keyboard-skip-link", full_page=False)
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    for _step in range(40):
        page.keyboard.press("Tab")
        at = page.evaluate(FOCUS)
        assert at["shown"], at
        assert at["outlined"], at
        if at["name"] == "body":
            break
    else:
        raise AssertionError("the box to write in was not reached")
    shoot(page, "keyboard-composer", full_page=False)
    page.keyboard.type("Écrit sans souris.")
    page.keyboard.press("Tab")
    while page.evaluate(FOCUS)["name"] == "language":
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#messages article").last).to_contain_text("Écrit sans souris.")


def test_every_control_before_the_page_shows_its_focus(town: Town, windows: Windows):
    page = windows.open(town.a)
    page.goto("/")
    seen = 0
    while seen < 60:
        page.keyboard.press("Tab")
        at = page.evaluate(FOCUS)
        if at["body"]:
            break
        seen += 1
        assert at["shown"], at
        assert at["outlined"], at
    assert 10 < seen < 60


def test_what_was_typed_stays_when_something_is_wrong(town: Town, windows: Windows):
    page = windows.open(town.a)
    page.goto("/register")
    page.get_by_label("Votre nom ici").fill("Élodie Trop Long")
    page.get_by_label("Mot de passe").fill(PASSWORD)
    page.get_by_role("button", name="Créer mon compte").click()
    expect(page.get_by_role("alert")).to_be_visible()
    expect(page.get_by_label("Votre nom ici")).to_have_value("Élodie Trop Long")
    shoot(page, "form-errors")


def test_the_mirror_says_where_it_comes_from(town: Town, windows: Windows):
    page = windows.open(town.b)
    page.goto(town.path(town.b))
    expect(page.locator("main")).to_contain_text(f"Ce projet vit sur {town.a.host}")
    shoot(page, "page-project-on-b-1280")
    page.goto("/login")
    log_in(page, "bea")
    page.goto(town.talk_at(town.b))
    page.set_viewport_size(PHONE)
    assert page.evaluate(OVERFLOW) == []
    shoot(page, "page-thread-on-b-360")
