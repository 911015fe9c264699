"""Reading and writing without a network, in a real browser that is closed and opened again."""

from __future__ import annotations

import shutil
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from babel.dates import format_datetime
from conftest import PASSWORD, Make, open_house
from playwright.sync_api import BrowserContext, Page, expect
from realtime.live import LiveHouse
from realtime.loopback import until
from sqlalchemy import select

from browser.conftest import QUIET
from collab.people.operations import log_out_everywhere
from collab.people.queries import account_of
from collab.spaces.membership import leave
from collab.spaces.models import Visibility
from collab.spaces.tools.discussion.inputs import OpenThread, Remove
from collab.spaces.tools.discussion.models import Message, Thread
from collab.spaces.tools.discussion.operations import open_thread, remove
from collab.web.extensions import db

PATIENCE = 20_000
THERE = ZoneInfo("Europe/Paris")
"""Where the browser is: its day is another than UTC's for an hour or two each night."""


class Road:
    """From the browser to the instance. It can be cut, or lose answers: all is done, unheard."""

    def __init__(self) -> None:
        self.port = 0
        self.cut = False
        self.lossy = False
        self.lost = 0
        self._door = socket.create_server(("127.0.0.1", 0))
        self.gate = self._door.getsockname()[1]
        threading.Thread(target=self._welcome, daemon=True).start()

    def _welcome(self) -> None:
        while True:
            try:
                near, _ = self._door.accept()
            except OSError:
                return
            if self.cut:
                near.close()
                continue
            far = socket.create_connection(("127.0.0.1", self.port))
            for one, other in ((near, far), (far, near)):
                told = {"answers": one is far}
                threading.Thread(
                    target=self._carry, args=(one, other), kwargs=told, daemon=True
                ).start()

    def _carry(self, one: socket.socket, other: socket.socket, *, answers: bool) -> None:
        try:
            while held := one.recv(65536):
                lost = answers and self.lossy and held.startswith(b"HTTP/1.1 30")
                self.lost += lost
                if lost or self.cut:
                    break
                other.sendall(held)
        except OSError:
            pass
        hang_up(other)
        hang_up(one)
        one.close()

    def end(self) -> None:
        self._door.close()


def hang_up(end: socket.socket) -> None:
    try:
        end.shutdown(socket.SHUT_RDWR)
    except OSError:
        return


class Garden:
    """An instance with two people and one project, and a browser profile that lasts."""

    def __init__(self, house, road: Road, chromium, profile) -> None:
        self.house, self.road = house, road
        self._chromium, self._profile = chromium, profile
        self.contexts: list[BrowserContext] = []
        make = Make(house)
        self.ada, self.bea = make.person("ada"), make.person("bea")
        self.space = make.space(self.ada, self.bea)

    def thread(self, title: str) -> str:
        """The page of a new thread, opened by Ada."""
        with self.house.as_(self.ada) as work:
            given = OpenThread(title=title, body="Qu’en pensez-vous ?")
            return f"/p/jardin/discussion/{open_thread(work, self.space, given).uid}/"

    def browser(self) -> Page:
        """Open the browser again, with all that it kept."""
        context = self._chromium.browser_type.launch_persistent_context(
            self._profile,
            executable_path=shutil.which("chromium"),
            args=QUIET,
            base_url=f"http://127.0.0.1:{self.road.gate}",
            locale="fr-FR",
            timezone_id=THERE.key,
        )
        context.set_default_timeout(PATIENCE)
        self.contexts.append(context)
        return context.pages[0]

    def said(self, words: str) -> int:
        """How many messages of the database say this."""
        db.session.rollback()
        return len(db.session.scalars(select(Message.id).where(Message.source == words)).all())


@pytest.fixture(scope="module")
def garden(tmp_path_factory, chromium) -> Iterator[Garden]:
    expect.set_options(timeout=PATIENCE)
    road, place = Road(), tmp_path_factory.mktemp("offline")
    house = open_house(place / "instance", origin=f"http://127.0.0.1:{road.gate}")
    with house.app.test_request_context("/"), LiveHouse(house) as served:
        road.port = served.port
        garden = Garden(house, road, chromium, place / "profile")
        yield garden
        for context in garden.contexts:
            context.close()
        road.end()


def log_in(page: Page, alias: str) -> None:
    page.get_by_label("Votre nom ici").fill(alias)
    page.get_by_label("Mot de passe").fill(PASSWORD)
    page.get_by_role("button", name="Entrer").click()
    expect(page.locator("summary", has_text="Mon compte")).to_be_visible()


def write(page: Page, words: str) -> None:
    page.locator("textarea[name=body]").fill(words)
    page.get_by_role("button", name="Publier").click()


def unsent(page: Page, words: str):
    return page.locator("article.unsent").filter(has_text=words)


def kept_by(page: Page) -> list[str]:
    """The names of the caches that hold pages, with how many each."""
    return page.evaluate(
        """async () => {
            const found = [];
            for (const name of await caches.keys()) if (name.startsWith("pages-")) {
                found.push([name, (await (await caches.open(name)).keys()).length]);
            }
            return found;
        }"""
    )


WAITING = """new Promise((done) => {
    const opening = indexedDB.open("collab", 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore("queue", { keyPath: "once" });
    opening.onsuccess = () => {
        const asked = opening.result.transaction("queue").objectStore("queue").getAll();
        asked.onsuccess = () => done(asked.result.length);
    };
})"""


LONG_AGO = """new Promise((done) => {
    const opening = indexedDB.open("collab", 1);
    opening.onsuccess = () => {
        const run = opening.result.transaction("queue", "readwrite");
        const store = run.objectStore("queue");
        store.getAll().onsuccess = (event) => {
            const tried = Date.now() - 48 * 36e5;
            for (const one of event.target.result) store.put({ ...one, tried });
        };
        run.oncomplete = () => done(opening.result.close());
    };
})"""


def make_it_yesterday(page: Page) -> datetime:
    """Let every page have been kept a day earlier; returns when."""
    then = datetime.now(UTC) - timedelta(days=1)
    page.evaluate(
        """async (then) => {
            for (const name of await caches.keys()) if (name.startsWith("pages-")) {
                const cache = await caches.open(name);
                for (const request of await cache.keys()) {
                    const page = await cache.match(request);
                    const headers = new Headers(page.headers);
                    headers.set("Collab-Kept", then);
                    await cache.put(request, new Response(await page.blob(), { headers }));
                }
            }
        }""",
        then.isoformat(),
    )
    return then


@contextmanager
def without_network(page: Page) -> Iterator[None]:
    page.context.set_offline(True)
    yield
    page.context.set_offline(False)


def at_home(garden: Garden, path: str) -> Page:
    """Ada on her own computer, on that page, which the service worker has seen go by."""
    page = garden.contexts[-1].pages[0] if garden.contexts else garden.browser()
    page.goto(path)
    if page.locator("summary", has_text="Mon compte").count() == 0:
        page.goto(f"/login?next={path}")
        log_in(page, "ada")
        page.evaluate("navigator.serviceWorker.ready")
        page.reload()
        page.wait_for_function("navigator.serviceWorker.controller")
    page.reload()
    until(lambda: any(count for _, count in kept_by(page)), "pages are kept")
    return page


def test_res_4_offline_reads_yesterdays_page_and_sends_once_what_was_written(garden: Garden):
    path = garden.thread("Récupérer l’eau")
    page = at_home(garden, path)
    then = make_it_yesterday(page)
    page.context.set_offline(True)
    page.reload()
    expect(page.get_by_text("Qu’en pensez-vous ?")).to_be_visible()
    day = format_datetime(then, "d MMMM yyyy", tzinfo=THERE, locale="fr")
    expect(page.locator("#copy")).to_contain_text(f"Vous lisez la version du {day}")
    write(page, "Deux cuves, côté nord.")
    expect(unsent(page, "Deux cuves")).to_contain_text("pas encore envoyé")
    page.goto("/p/jardin/discussion/new?never=opened")
    expect(page.get_by_role("heading", name="Hors connexion")).to_be_visible()
    expect(unsent(page, "Deux cuves")).to_be_visible()
    expect(page.locator("#kept")).to_contain_text("Récupérer l’eau")
    page.context.close()

    garden.road.cut = True
    page = garden.browser()
    page.goto(path)
    expect(unsent(page, "Deux cuves")).to_contain_text("pas encore envoyé")
    assert garden.said("Deux cuves, côté nord.") == 0
    garden.road.cut = False
    page.reload()
    expect(unsent(page, "Deux cuves")).to_have_count(0)
    page.reload()
    expect(page.locator("#messages article").filter(has_text="Deux cuves")).to_have_count(1)
    assert garden.said("Deux cuves, côté nord.") == 1


def test_res_4_offline_a_message_whose_answer_was_lost_is_there_once(garden: Garden):
    page = at_home(garden, garden.thread("Une réponse perdue"))
    garden.road.lossy = True
    write(page, "Et un bac en bas.")
    until(lambda: garden.said("Et un bac en bas.") == 1, "the instance has the message")
    expect(unsent(page, "Et un bac")).to_contain_text("pas encore envoyé")
    assert garden.road.lost > 0
    garden.road.cut, garden.road.lossy = True, False
    page.evaluate(LONG_AGO)  # longer than the instance remembers its key
    garden.road.cut = False
    page.reload()
    expect(unsent(page, "Et un bac")).to_contain_text(
        "Regardez s’il n’est pas déjà dans la discussion"
    )
    assert garden.said("Et un bac en bas.") == 1
    unsent(page, "Et un bac").get_by_role("button", name="Réessayer").click()
    expect(unsent(page, "Et un bac")).to_have_count(0)
    page.reload()
    expect(page.locator("#messages article").filter(has_text="Et un bac")).to_have_count(1)
    assert garden.said("Et un bac en bas.") == 1


def test_res_4_offline_what_is_refused_is_kept_with_the_reason(garden: Garden):
    path = garden.thread("Outils")
    page = at_home(garden, path)
    with without_network(page):
        page.reload()
        write(page, "Une bêche.")
        expect(unsent(page, "Une bêche.")).to_be_visible()
        thread = db.session.scalar(select(Thread).where(Thread.title == "Outils"))
        with garden.house.as_(garden.ada) as work:
            remove(work, garden.space, Remove(item=thread.uid))
    waiting = unsent(page, "Une bêche.")
    expect(waiting).to_contain_text("pas accepté")
    expect(waiting).to_contain_text("Cette discussion a été effacée entre-temps.")
    waiting.get_by_role("button", name="Reprendre le texte").click()
    expect(waiting).to_have_count(0)
    expect(page.locator("textarea[name=body]")).to_have_value("Une bêche.")
    assert garden.said("Une bêche.") == 0


def test_what_is_not_for_the_reader_any_more_is_not_read_offline_either(garden: Garden):
    council = Make(garden.house).space(
        garden.bea, garden.ada, slug="conseil", visibility=Visibility.MEMBERS
    )
    path = "/p/conseil/discussion/"
    page = at_home(garden, path)
    page.goto(f"{path}?vue=autre")
    with without_network(page):
        page.reload()
        expect(page.locator("#copy")).to_be_visible()
    with garden.house.as_(garden.ada) as work:
        leave(work, council)
    answer = page.goto(path)
    assert answer is not None
    assert answer.status in (403, 404)
    with without_network(page):
        for address in (path, f"{path}?vue=autre"):
            page.goto(address)
            expect(page.get_by_role("heading", name="Hors connexion")).to_be_visible()


def test_res_4_offline_who_is_logged_out_meanwhile_sends_after_coming_in_again(garden: Garden):
    path = garden.thread("Graines")
    page = at_home(garden, path)
    with without_network(page):
        page.reload()
        write(page, "Des haricots.")
        expect(unsent(page, "Des haricots.")).to_be_visible()
        with garden.house.as_(garden.ada) as work:
            log_out_everywhere(work, account_of(work.session, garden.ada.id))
    expect(page.get_by_text("Reconnectez-vous : il partira ensuite.").first).to_be_visible()
    assert garden.said("Des haricots.") == 0
    page.goto(f"/login?next={path}")
    log_in(page, "ada")
    until(lambda: garden.said("Des haricots.") == 1, "it is sent after coming in again")
    expect(unsent(page, "Des haricots.")).to_have_count(0)


def test_res_4_offline_who_leaves_takes_everything_along(garden: Garden):
    path = garden.thread("Avant de partir")
    page = at_home(garden, path)
    page.locator("textarea[name=body]").fill("Un brouillon.")
    until(lambda: page.evaluate("Object.keys(localStorage).length"), "the draft is kept")
    garden.road.cut = True
    page.goto(path)
    write(page, "Et des fèves.")
    expect(unsent(page, "Et des fèves.")).to_be_visible()
    assert any(count for name, count in kept_by(page) if name != "pages--")
    leave = page.get_by_role("button", name="Se déconnecter")
    page.locator("summary", has_text="Mon compte").click()
    leave.click()
    expect(page.locator("#notice-leaving")).to_contain_text("Partir maintenant l’effacera")
    garden.road.cut = False
    leave.click()
    expect(page.get_by_text("Vous êtes déconnecté.")).to_be_visible()
    assert [name for name, _ in kept_by(page) if name != "pages--"] == []
    assert page.evaluate("Object.keys(localStorage).length") == 0
    assert page.evaluate(WAITING) == 0
    assert garden.said("Et des fèves.") == 0
