"""Two people talk live, one on each instance, side by side."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator
from contextlib import contextmanager

from harness import Instance
from playwright.sync_api import Page, expect

from browser.town import PATIENCE, Town, Windows, message, shoot

expect.set_options(timeout=PATIENCE)


def joined(page: Page, path: str) -> Page:
    """Open a thread and wait until the page is told what happens; it must not be read again."""
    page.goto(path)
    expect(page.get_by_role("button", name="Mettre en pause les nouveautés")).to_be_visible()
    page.evaluate("window.same = true")
    return page


def write(page: Page, words: str) -> None:
    page.get_by_label("Votre message").fill(words)
    page.get_by_role("button", name="Publier").click()


@contextmanager
def frozen(instance: Instance) -> Iterator[None]:
    """The instance hears nothing for a moment: its web process stands still."""
    web = instance.children()["web"]
    os.kill(web, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(web, signal.SIGCONT)


def test_two_people_of_two_instances_talk_live(town: Town, windows: Windows):
    here, there = town.open_thread("Qui arrose en août ?", "Beaucoup partent. Qui reste là ?")
    on_a = joined(windows.open(town.a, "ada"), town.talk_at(town.a, here))
    on_b = joined(windows.open(town.b, "bea"), town.talk_at(town.b, there))

    with frozen(town.a):
        write(on_b, "Deux familles de ma classe restent là.")
        waiting = message(on_b, "Deux familles")
        expect(waiting).to_contain_text("pas encore confirmé par l’instance du projet")
        shoot(on_b, "live-pending-on-b")
    expect(message(on_a, "Deux familles")).to_contain_text("Béa")
    expect(message(on_a, "Deux familles").locator(".pill.host")).to_have_text(town.b.host)
    expect(on_a.locator("#live-status")).to_have_text("1 nouveau message de Béa")
    expect(waiting).not_to_contain_text("pas encore confirmé")

    write(on_a, "Merci ! Je prépare un tableau pour les semaines.")
    expect(message(on_b, "Je prépare un tableau")).to_contain_text("Ada")
    expect(on_a.get_by_label("Votre message")).to_have_value("")
    shoot(on_a, "live-a")
    shoot(on_b, "live-b")
    assert on_a.evaluate("window.same") is True
    assert on_b.evaluate("window.same") is True


def test_an_edit_and_a_deletion_show_on_the_other_side(town: Town, windows: Windows):
    here, there = town.open_thread("Outils", "Que faut-il acheter ?")
    on_a = joined(windows.open(town.a, "ada"), town.talk_at(town.a, here))
    on_b = windows.open(town.b, "bea")
    joined(on_b, town.talk_at(town.b, there))
    write(on_b, "Un rateau.")
    expect(message(on_a, "Un rateau.")).to_have_count(1)

    message(on_b, "Un rateau.").get_by_role("link", name="Modifier ou effacer").click()
    on_b.get_by_label("Votre message").fill("Un râteau et deux bêches.")
    on_b.get_by_role("button", name="Enregistrer").click()
    changed = message(on_a, "Un râteau et deux bêches.")
    expect(changed).to_contain_text("modifié")
    expect(on_a.locator("#messages")).not_to_contain_text("rateau")

    message(on_b, "Un râteau").get_by_role("link", name="Modifier ou effacer").click()
    on_b.get_by_role("button", name="Effacer ce texte").click()
    expect(on_a.locator("#messages")).to_contain_text("Ce message a été effacé.")
    expect(on_a.locator("#messages")).not_to_contain_text("râteau")
    on_b.locator("#notices").get_by_role("button", name="Annuler").click()
    expect(changed).to_be_visible()
    assert on_a.evaluate("window.same") is True


def test_who_is_there_and_who_is_writing(town: Town, windows: Windows):
    ada = joined(windows.open(town.a, "ada"), town.talk_at(town.a))
    coquelicot = windows.open(town.a, "coquelicot")
    joined(coquelicot, town.talk_at(town.a))
    expect(ada.locator("#presence")).to_contain_text("Ici en ce moment :")
    expect(ada.locator("#presence")).to_contain_text("Coquelicot")
    coquelicot.get_by_label("Votre message").press_sequentially("Je regarde")
    expect(ada.locator("#live-typing")).to_have_text("Coquelicot écrit…")
    shoot(ada, "live-typing")
    coquelicot.context.close()
    expect(ada.locator("#presence")).not_to_contain_text("Coquelicot")
    expect(ada.locator("#live-typing")).to_be_empty()


def test_what_was_said_during_a_cut_shows_once(town: Town, windows: Windows):
    here, there = town.open_thread("Pendant la coupure", "Le réseau du hangar est faible.")
    on_a = joined(windows.open(town.a, "ada"), town.talk_at(town.a, here))
    on_a.context.set_offline(True)
    expect(on_a.locator("#live-state")).to_contain_text("Connexion coupée")
    shoot(on_a, "live-cut")
    for number in (1, 2, 3):
        sent = {"body": f"Message {number} pendant la coupure."}
        town.b.api("POST", f"/items/{there['id']}/messages", as_="bea", sent=sent)
    on_b = windows.open(town.b, "bea")
    on_b.goto(town.talk_at(town.b, there))
    expect(on_b.locator("#messages")).not_to_contain_text("pas encore confirmé")
    expect(message(on_a, "pendant la coupure")).to_have_count(0)
    on_a.context.set_offline(False)
    said = message(on_a, re.compile("Message . pendant la coupure"))
    expect(said).to_have_count(3)
    expect(said.locator(".said")).to_have_text(
        [f"Message {number} pendant la coupure." for number in (1, 2, 3)]
    )
    expect(on_a.locator("#live-state")).to_be_empty()
    assert on_a.evaluate("window.same") is True
