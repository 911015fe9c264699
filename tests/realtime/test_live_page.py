"""The script of live pages, driven in a real browser against a real server."""

from __future__ import annotations

import gzip
import logging
import re
import shutil
import socket
from pathlib import Path

import pytest
from conftest import Make, open_house
from playwright.sync_api import expect, sync_playwright
from realtime.live import LiveHouse
from realtime.loopback import until
from sqlalchemy import select

from collab.spaces.models import Space
from collab.spaces.tools.discussion.inputs import (
    EditMessage,
    OpenThread,
    PostMessage,
    React,
    Remove,
)
from collab.spaces.tools.discussion.models import Message
from collab.spaces.tools.discussion.operations import (
    edit_message,
    open_thread,
    post_message,
    put_reaction,
    remove,
)
from collab.web.extensions import db

log = logging.getLogger(__name__)
STATIC = Path(__file__).parents[2] / "collab" / "static"


@pytest.fixture(scope="module")
def chromium():
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        yield browser
        browser.close()


class Town(LiveHouse):
    """An instance that browsers reach at its own address, with one thread in one project."""

    def __init__(self, house, port, chromium):
        super().__init__(house, port)
        self.browser = chromium
        make = Make(house)
        self.loutre, self.mesange = make.person("loutre"), make.person("mesange")
        space = make.space(self.loutre, self.mesange)
        self.space_id = space.id
        with house.as_(self.loutre) as work:
            thread = open_thread(work, space, OpenThread(title="Une cuve", body="Où la mettre ?"))
        self.thread = thread.uid
        self.path = f"/p/jardin/discussion/{thread.uid}/"
        self.contexts, self.pages = [], []

    def space(self, work):
        return work.session.get_one(Space, self.space_id)

    def say(self, actor, body):
        """Post by the operation, as any other door does; returns the uid."""
        with self.house.as_(actor) as work:
            given = PostMessage(thread=self.thread, body=body)
            message = post_message(work, self.space(work), given)
        return message.uid

    def open(self, actor=None, path="", **options):
        """A page of this thread in a browser of its own; any mistake of its scripts fails."""
        context = self.browser.new_context(**{"locale": "fr-FR", **options})
        self.contexts.append(context)
        page = context.new_page()
        self.pages.append(page)
        if actor:
            self.log_in(page, actor)
        page.set_default_timeout(10_000)
        page.mistakes = []
        page.on("pageerror", lambda error: page.mistakes.append(str(error)))
        # Shown by pytest when a test fails: what was sent, how it was answered, and the sockets.
        page.on(
            "response", lambda got: log.warning("%s %s %s", got.request.method, got.status, got.url)
        )
        page.on("requestfailed", lambda lost: log.warning("lost %s %s", lost.url, lost.failure))
        page.on("websocket", lambda ws: ws.on("close", lambda _: log.warning("socket closed")))
        page.goto(self.url + self.path + path)
        return page

    def log_in(self, page, actor):
        """Give the browser the session of that person."""
        name, _, value = self.cookie(actor).removeprefix("Cookie: ").partition("=")
        page.context.add_cookies([{"name": name, "value": value, "url": self.url}])

    def joined(self, page):
        """Wait until the page is told what happens."""
        expect(page.locator("#live-pause")).to_be_visible()
        return page


@pytest.fixture
def town(tmp_path, database_for, chromium):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    house = open_house(
        tmp_path / "instance", database_for("house"), origin=f"http://127.0.0.1:{port}"
    )
    with house.app.test_request_context("/"), Town(house, port, chromium) as town:
        yield town
        for context in town.contexts:
            context.close()
        assert [page.mistakes for page in town.pages if page.mistakes] == []
    with house.app.app_context():
        db.session.remove()
        db.engine.dispose()


def articles(page):
    return page.locator("#messages article")


def test_what_others_write_edit_and_take_back_shows_without_reload(town):
    page = town.joined(town.open(town.mesange))
    page.evaluate("window.same = true")
    uid = town.say(town.loutre, "Sous la *gouttière*.")
    article = page.locator(f"#m-{uid}")
    expect(article.locator("em")).to_have_text("gouttière")
    expect(page.locator("#live-status")).to_have_text("1 nouveau message de loutre")
    with town.house.as_(town.loutre) as work:
        edit_message(work, town.space(work), EditMessage(item=uid, body="Derrière le hangar."))
    expect(article.locator(".said")).to_have_text("Derrière le hangar.")
    with town.house.as_(town.loutre) as work:
        remove(work, town.space(work), Remove(item=uid))
    expect(article).to_have_class(re.compile("gone"))
    assert "hangar" not in page.locator("#messages").inner_text()
    assert page.evaluate("window.same") is True


def test_a_message_is_sent_without_leaving_the_page_and_focus_stays(town):
    page = town.joined(town.open(town.mesange))
    other = town.joined(town.open(town.loutre))
    page.evaluate("window.same = true")
    box = page.locator("#ecrire ~ form textarea")
    box.fill("J’ai une vieille cuve à donner.")
    box.press("Control+Enter")
    for window in (page, other):
        expect(articles(window)).to_have_count(2)
        expect(articles(window).last.locator(".said")).to_contain_text("vieille cuve")
    expect(box).to_have_value("")
    expect(box).to_be_focused()
    assert page.evaluate("window.same") is True
    assert page.locator("#live-status").inner_text() == ""
    assert drafts(page) == 0
    expect(other.locator("#live-status")).to_have_text("1 nouveau message de mesange")


def test_a_page_catches_up_after_a_cut_and_says_in_words_that_it_was_cut(town):
    page = town.joined(town.open(town.mesange))
    sockets = town.live.socketio.server.eio.sockets
    page.context.set_offline(True)
    town.call(lambda: [client.queue.end() for client in sockets.values()])
    expect(page.locator("#live-state")).to_contain_text("Connexion coupée, nouvelle tentative…")
    wanted = [town.say(town.loutre, f"Message {n}.") for n in range(5)]
    assert articles(page).count() == 1
    page.context.set_offline(False)
    expect(articles(page)).to_have_count(6, timeout=20_000)
    shown = articles(page).evaluate_all("all => all.map(one => one.id)")
    assert shown == [f"m-{uid}" for uid in [town.thread, *wanted]]
    expect(page.locator("#live-state")).to_have_text("")


def test_what_happened_between_drawing_the_page_and_its_script_is_shown(town):
    page = town.open(town.mesange, path="?page=1")
    town.joined(page)  # or the script of this visit would still be asked for below

    def meanwhile(route):
        with town.house.app.app_context():  # Playwright calls this outside of ours
            town.say(town.loutre, "Entre-temps.")
        route.continue_()

    page.context.route("**/static/live.*", meanwhile)
    page.reload()
    town.joined(page)
    expect(articles(page)).to_have_count(2)


def test_news_is_held_back_while_paused(town):
    page = town.joined(town.open(town.mesange))
    page.locator("#live-pause").click()
    town.say(town.loutre, "Un.")
    town.say(town.loutre, "Deux.")
    expect(page.locator("#live-status")).to_have_text("2 nouveaux messages en attente")
    assert articles(page).count() == 1
    page.locator("#live-pause").click()
    expect(articles(page)).to_have_count(3)


def test_who_is_there_and_who_writes(town):
    page = town.joined(town.open(town.mesange))
    other = town.joined(town.open(town.loutre))
    expect(page.locator("#presence")).to_contain_text("loutre, mesange")
    other.locator("#ecrire ~ form textarea").press_sequentially("Je")
    expect(page.locator("#live-typing")).to_have_text("loutre écrit…")
    stranger = town.joined(town.open())
    expect(page.locator("#presence")).to_contain_text("loutre, mesange · 1 personne de passage")
    expect(stranger.locator("#presence")).to_have_text(
        "3 personnes sont dans ce projet en ce moment"
    )


def test_a_reaction_replaces_the_message_and_the_focus_stays_on_its_button(town):
    uid = town.say(town.loutre, "Qui a une pelle ?")
    with town.house.as_(town.loutre) as work:
        put_reaction(work, town.space(work), React(item=uid, sign="merci"))
    page = town.joined(town.open(town.mesange))
    page.evaluate("window.same = true")
    button = page.locator(f"#m-{uid} button[value=merci]")
    button.focus()
    page.keyboard.press("Enter")
    expect(page.locator(f"#m-{uid} button[value=merci][aria-pressed=true]")).to_be_focused()
    assert page.evaluate("window.same") is True


@pytest.mark.parametrize("after", ["nobody", "loutre"])
def test_a_draft_survives_a_closed_page_and_not_its_session(town, after):
    page = town.joined(town.open(town.mesange))
    box = page.locator("#ecrire ~ form textarea")
    box.fill("Je voulais dire")
    until(lambda: drafts(page) == 1, "the draft was not kept")
    page.reload()
    expect(box).to_have_value("Je voulais dire")
    page.context.clear_cookies()
    if after == "loutre":
        town.log_in(page, town.loutre)
    page.reload()
    until(lambda: drafts(page) == 0, "the next person finds the draft")


def test_a_form_of_the_site_keeps_a_draft_until_it_is_sent_or_its_owner_leaves(town):
    page = town.open(town.mesange)
    new = town.url + "/spaces/new"
    page.goto(new, wait_until="networkidle")
    page.fill("#f-name", "Verger")
    page.fill("#f-why", "Pour les pommes.")
    until(lambda: drafts(page) == 1, "the draft was not kept")
    page.goto(new)
    expect(page.locator("#f-why")).to_have_value("Pour les pommes.")
    page.locator("main form button.btn").last.click()
    page.wait_for_url("**/p/verger")
    page.goto(new, wait_until="networkidle")
    expect(page.locator("#f-why")).to_have_value("")
    assert drafts(page) == 0
    page.fill("#f-how", "Avec des échelles.")
    until(lambda: drafts(page) == 1, "the draft was not kept")
    page.locator("details.account summary").click()
    page.locator("form[action='/logout'] button").click()
    page.wait_for_url("**/setup")
    assert drafts(page) == 0


def test_a_draft_does_not_undo_what_somebody_else_has_written_since(town):
    page = town.open(town.loutre)
    settings = town.url + "/p/jardin/settings"
    page.goto(settings, wait_until="networkidle")
    page.fill("#f-why", "Pour la pluie.")
    page.fill("#f-how", "Avec des cuves.")
    until(lambda: "cuves" in page.evaluate("JSON.stringify(localStorage)"), "no draft was kept")
    with town.house.as_(town.loutre) as work:
        town.space(work).why = "Pour la mare."
    page.goto(settings)
    expect(page.locator("#f-how")).to_have_value("Avec des cuves.")
    expect(page.locator("#f-why")).to_have_value("Pour la mare.")


def test_the_menu_of_the_account_closes_by_escape_and_by_leaving_it(town):
    page = town.joined(town.open(town.mesange))
    menu, button = page.locator("details.account"), page.locator("details.account summary")
    button.click()
    page.keyboard.press("Tab")
    expect(menu).to_have_attribute("open", "")
    page.keyboard.press("Escape")
    expect(menu).not_to_have_attribute("open", "")
    expect(button).to_be_focused()
    button.click()
    page.locator("h1").first.click()
    expect(menu).not_to_have_attribute("open", "")
    expect(button).not_to_be_focused()
    button.focus()
    page.keyboard.press("Enter")
    for _link in range(4):
        page.keyboard.press("Tab")
    expect(menu).not_to_have_attribute("open", "")


def drafts(page):
    return page.evaluate("Object.keys(localStorage).length")


def test_an_error_is_shown_by_the_page_itself_and_nothing_typed_is_lost(town):
    page = town.joined(town.open(town.mesange))
    box = page.locator("#ecrire ~ form textarea")
    box.evaluate("box => { box.removeAttribute('maxlength'); box.value = 'x'.repeat(60000) }")
    box.press("Control+Enter")
    expect(page.locator("[aria-invalid=true]")).to_be_visible()
    assert len(page.locator("#ecrire ~ form textarea").input_value()) == 60000
    assert db.session.scalar(select(Message.id)) is None


def test_scripts_are_asked_for_when_the_page_has_been_drawn(town):
    page = town.joined(town.open(town.mesange))
    drawn = page.evaluate("performance.getEntriesByName('first-paint')[0].startTime")
    asked = page.evaluate(
        "performance.getEntriesByType('resource').filter(e => e.name.endsWith('.js'))"
        ".map(e => e.startTime)"
    )
    assert len(asked) >= 2
    assert min(asked) > drawn


def test_a_page_without_scripts_works(town):
    page = town.open(town.mesange, java_script_enabled=False)
    expect(page.locator("#live-pause")).to_be_hidden()  # there is nothing to pause
    page.locator("#ecrire ~ form textarea").fill("Sans script.")
    page.locator("#ecrire ~ form button").click()
    expect(articles(page)).to_have_count(2)


def test_the_scripts_weigh_no_more_than_the_budget():
    names = ("live.js", "vendor/socket.io.esm.min.js")
    assert sum(len(gzip.compress((STATIC / n).read_bytes(), 9)) for n in names) <= 25_000
