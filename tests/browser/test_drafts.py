"""What is typed and chosen is there again, and a choice of readers never comes back wider."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from conftest import PASSWORD, Make, open_house
from playwright.sync_api import Page, expect
from realtime.live import LiveHouse
from realtime.loopback import until

from browser.town import PATIENCE, PHONE

KEPT = "Object.values(localStorage).map((draft) => JSON.parse(draft))"


@pytest.fixture(scope="module")
def window(tmp_path_factory, chromium) -> Iterator[Page]:
    """The one window of Ada, who is logged in."""
    house = open_house(tmp_path_factory.mktemp("drafts") / "instance")
    with house.app.test_request_context("/"), LiveHouse(house) as served:
        Make(house).person("ada")
        context = chromium.new_context(
            base_url=f"http://127.0.0.1:{served.port}", viewport=PHONE, locale="fr-FR"
        )
        context.set_default_timeout(PATIENCE)
        page = context.new_page()
        page.goto("/login")
        page.get_by_label("Votre nom ici").fill("ada")
        page.get_by_label("Mot de passe").fill(PASSWORD)
        page.get_by_role("button", name="Entrer").click()
        yield page
        context.close()


def propose(page: Page) -> None:
    page.goto("/spaces/new")
    # A module has run once the page is loaded and it asked for nothing more.
    page.wait_for_load_state("networkidle")


def typed(page: Page, name: str, value: str) -> None:
    """Type it, and wait until this browser keeps it."""
    page.locator(f"[name={name}]").fill(value)
    kept = f"{KEPT}.some((draft) => draft.values.{name} === {value!r})"
    until(lambda: page.evaluate(kept), f"« {value} » is kept")


def test_who_may_read_comes_back_with_the_words(window: Page):
    propose(window)
    window.get_by_label("Les membres seulement").check()
    typed(window, "why", "Se rencontrer")
    window.reload()
    expect(window.locator("[name=why]")).to_have_value("Se rencontrer")
    expect(window.get_by_label("Les membres seulement")).to_be_checked()
    expect(window.get_by_label("Tout le monde")).not_to_be_checked()


def test_what_was_refused_is_still_there_another_day_and_what_was_taken_is_not(window: Page):
    propose(window)
    window.locator("summary", has_text="Adresse, lieu").click()
    window.locator("[name=insee_code]").fill("nulle")
    typed(window, "name", "Le four à pain")
    window.get_by_role("button", name="Ouvrir le projet").click()
    expect(window.get_by_text("Une réponse est à revoir")).to_be_visible()
    until(lambda: window.evaluate(f"{KEPT}.some((draft) => !draft.sent)"), "it is unsent again")
    typed(window, "how", "Le samedi")
    propose(window)
    expect(window.locator("[name=name]")).to_have_value("Le four à pain")
    expect(window.locator("[name=how]")).to_have_value("Le samedi")
    window.locator("[name=insee_code]").fill("80021")
    window.get_by_role("button", name="Ouvrir le projet").click()
    expect(window.get_by_role("heading", level=1)).to_contain_text("Le four à pain")
    propose(window)
    expect(window.locator("[name=name]")).to_have_value("")
