"""The same journey by forms, with JavaScript switched off."""

from __future__ import annotations

import re

import pytest
from harness import PASSWORD, Instance, until
from playwright.sync_api import Page, expect

from browser.town import PATIENCE, Town, Windows, message, shoot

expect.set_options(timeout=PATIENCE)
SEMIS = "## Février\n\nfèves\n\n## Mars\n\npetits pois, à côté des fraisiers\n"


def register(windows: Windows, instance: Instance, alias: str) -> Page:
    """A new account without e-mail, made in a browser that runs no script."""
    page = windows.open(instance, java_script_enabled=False)
    page.goto("/register")
    page.get_by_label("Votre nom ici").fill(alias)
    page.get_by_label("Mot de passe").fill(PASSWORD)
    shoot(page, f"forms-register-{alias}")
    page.get_by_role("button", name="Créer mon compte").click()
    return page


def read_again(page: Page, words: str) -> None:
    """Load the page again until it says these words: nothing comes by itself here."""
    said = page.locator("main").filter(has_text=words)
    until(lambda: page.reload() and said.count(), f"the page says: {words}")


@pytest.fixture(scope="module")
def open_windows(chromium):
    windows = Windows(chromium)
    yield windows
    windows.close()
    assert windows.wrong == []


@pytest.fixture(scope="module")
def lise(town: Town, open_windows: Windows) -> Page:
    """A person of A who opens a project of her own."""
    page = register(open_windows, town.a, "lise")
    expect(page.get_by_role("heading", level=1)).to_have_text("Votre code de secours")
    expect(page.locator(".cut code")).to_have_text(re.compile(r"^(\w{4}-){3}\w{4}$"))
    shoot(page, "forms-recovery-code")
    page.get_by_role("link", name="C’est noté, continuer").click()
    page.get_by_role("link", name="Proposer un projet").first.click()
    page.get_by_label("Nom du projet").fill("Fête de la Butte")
    page.get_by_text("Adresse, lieu et outils").click()
    page.get_by_label("Adresse courte").fill("fete")
    page.get_by_label("Pourquoi").fill("Que les voisins se rencontrent.")
    page.get_by_label("Pour qui").fill("Tout le quartier, petits et grands.")
    page.get_by_label("Comment", exact=False).first.fill("Un repas où chacun apporte un plat.")
    shoot(page, "forms-new-project")
    page.get_by_role("button", name="Ouvrir le projet").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Fête de la Butte")
    shoot(page, "forms-project")
    return page


def test_a_talk_by_forms(lise: Page):
    page = lise
    page.goto("/p/fete/discussion/")
    page.get_by_role("link", name="Ouvrir une discussion").first.click()
    page.get_by_label("Sujet").fill("Quel samedi de juin ?")
    page.get_by_label("Votre message").fill("Le **6** ou le **13** ?")
    page.get_by_role("button", name="Ouvrir la discussion").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Quel samedi de juin ?")

    page.get_by_label("Votre message").fill("Le 13, il y a la kermese le 6.")
    page.get_by_role("button", name="Publier").click()
    message(page, "kermese").get_by_role("link", name="Modifier ou effacer").click()
    page.get_by_label("Votre message").fill("Le 13 : il y a la kermesse le 6.")
    shoot(page, "forms-edit-message")
    page.get_by_role("button", name="Enregistrer").click()
    expect(message(page, "il y a la kermesse")).to_contain_text("modifié")
    message(page, "kermesse").get_by_role("link", name="modifié").click()
    expect(page.locator("main")).to_contain_text("kermese")
    page.get_by_role("link", name="Revenir à la discussion").click()

    message(page, "kermesse").get_by_role("link", name="Modifier ou effacer").click()
    page.get_by_role("button", name="Effacer ce texte").click()
    expect(page.locator("#messages")).not_to_contain_text("kermesse")
    expect(page.locator("#notices")).to_contain_text("Message effacé.")
    shoot(page, "forms-undo")
    page.locator("#notices").get_by_role("button", name="Annuler").click()
    expect(message(page, "kermesse")).to_have_count(1)


def test_a_document_by_forms(lise: Page):
    page = lise
    page.goto("/p/fete/pages/")
    page.get_by_role("link", name="Nouveau document").first.click()
    page.get_by_label("Titre").fill("Ce que l’on sème avant la fête")
    page.get_by_role("textbox", name=re.compile("^Texte")).fill(SEMIS)
    page.get_by_role("button", name="Aperçu").click()
    expect(page.locator(".preview h2, .preview h3").first).to_have_text("Février")
    expect(page.get_by_role("textbox", name=re.compile("^Texte"))).to_have_value(SEMIS)
    shoot(page, "forms-preview")
    page.get_by_role("button", name="Enregistrer").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Ce que l’on sème avant la fête")
    written = page.url

    page.get_by_role("link", name="Modifier", exact=True).click()
    page.get_by_role("textbox", name=re.compile("^Texte")).fill(
        SEMIS.replace("fèves", "fèves, sous tunnel")
    )
    page.get_by_label("Ce qui change").fill("Les fèves ont froid")
    page.get_by_role("button", name="Enregistrer").click()
    page.get_by_role("link", name="2 versions").click()
    expect(page.locator("main")).to_contain_text("Les fèves ont froid")
    page.get_by_role("link", name="Voir ce qui a changé").click()
    expect(page.locator(".diff ins")).to_have_text(", sous tunnel")
    shoot(page, "forms-diff")

    page.goto(written + "/history")
    page.get_by_role("link", name="Lire ou y revenir").click()
    page.locator("summary", has_text="Revenir à cette version").click()
    page.get_by_role("button", name="Revenir à la version 1").click()
    expect(page.locator("article")).to_contain_text("fèves")
    expect(page.locator("article")).not_to_contain_text("sous tunnel")
    expect(page.get_by_role("link", name="3 versions")).to_be_visible()


@pytest.mark.parametrize("asked", ["fève", "FEVES", "cote des fraisier"])
def test_searching_folds_accents_capitals_and_plurals(lise: Page, asked: str):
    page = lise

    def look() -> bool:
        page.goto("/")
        page.get_by_role("searchbox", name="Chercher").first.fill(asked)
        page.get_by_role("button", name="Chercher").first.click()
        return page.locator(".hit h2", has_text="Ce que l’on sème").count() == 1

    until(look, f"« {asked} » finds the document")
    expect(page.locator(".hit mark").first).to_be_visible()
    shoot(page, "forms-search")


def test_following_from_b_asking_and_being_let_in(town: Town, lise: Page, open_windows: Windows):
    page = register(open_windows, town.b, "noe")
    page.get_by_role("link", name="C’est noté, continuer").click()
    home = ask_from_b(page, f"{town.a.origin}/p/fete")

    lise.goto("/p/fete/members")
    read_again(lise, "J’habite rue du Moulin.")
    shoot(lise, "forms-request-on-a")
    lise.get_by_role("button", name="Accepter").click()
    expect(lise.locator("main")).to_contain_text("noe")

    page.goto(home)
    read_again(page, "Vous participez")
    page.goto(home + "/discussion/")
    read_again(page, "Quel samedi de juin ?")
    page.get_by_role("link", name="Quel samedi de juin ?").click()
    read_again(page, "kermesse")
    page.get_by_label("Votre message").fill("Le 13 me va, j’apporte les tables.")
    page.get_by_role("button", name="Publier").click()
    expect(message(page, "j’apporte les tables")).to_have_count(1)
    shoot(page, "forms-thread-on-b")
    lise.goto("/p/fete/discussion/")
    lise.get_by_role("link", name="Quel samedi de juin ?").click()
    read_again(lise, "j’apporte les tables")


def ask_from_b(page: Page, pasted: str) -> str:
    """Paste a project's address, follow it, ask to join; returns where it is on B."""
    page.get_by_role("link", name="Suivre un projet d’ailleurs").click()
    page.get_by_label("Adresse du projet").fill(pasted)
    page.get_by_role("button", name="Chercher ce projet").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Fête de la Butte")
    home = page.url
    shoot(page, "forms-card-on-b")
    page.get_by_role("button", name="Suivre", exact=True).click()
    page.get_by_role("link", name="Demander à participer").click()
    page.get_by_label("Un mot pour vous présenter").fill("J’habite rue du Moulin.")
    page.get_by_role("button", name="Envoyer la demande").click()
    expect(page.locator("main")).to_contain_text("Votre demande attend une réponse")
    return home
