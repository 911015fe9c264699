"""Somebody speaks into their microphone, by the keyboard alone, and is heard on both instances."""

from __future__ import annotations

import re

from accessible.engines import FILES, HERE, axe, installed, overflow
from playwright.sync_api import Page, expect

from browser.town import PATIENCE, PHONE, Town, Windows, message

expect.set_options(timeout=PATIENCE)
PLAYED = """async () => {
  const audio = document.querySelector("#messages audio");
  audio.muted = true;
  await audio.play();
  return [audio.duration, new URL(audio.src).origin];
}"""


def speak(page: Page, words: str) -> None:
    """From the thread's form on: record a second, stop, listen, say what is said, publish."""
    page.wait_for_load_state("networkidle")  # before its script came, the link leads to a form
    page.get_by_role("link", name="Enregistrer un message vocal").press("Enter")
    start = page.get_by_role("button", name="Commencer l’enregistrement")
    expect(start).to_be_focused()
    expect(page.get_by_text("Rien n’est enregistré encore.")).to_be_visible()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Pause", exact=True).press("Enter")
    page.get_by_role("button", name="Reprendre").press("Enter")
    expect(page.get_by_text(re.compile(r"Durée\W+0 min [1-9]"))).to_be_visible()
    page.get_by_role("button", name="Arrêter").press("Enter")
    expect(page.get_by_text("C’est enregistré.")).to_be_visible()
    form = page.locator("form[data-recorder]")
    form.locator("button:not([type])").press("Enter")
    expect(form.get_by_role("status").get_by_text("Écrivez ce qui est dit")).to_be_visible()
    form.get_by_label("Ce qui est dit, en quelques mots").fill(words)


def test_a_recording_is_made_by_keyboard_kept_on_error_and_heard_on_both_sides(
    town: Town, windows: Windows
):
    near, far = town.open_thread("À voix haute", "Qui parle ?")
    page = windows.open(town.a, "ada", viewport=PHONE)
    page.context.add_init_script(path=installed(HERE) / FILES[0])
    page.goto(town.talk_at(town.a, near))
    speak(page, "Moi, je parle.")
    assert axe(page) == []
    assert overflow(page) == 0
    page.locator("form[data-recorder]").get_by_role("button", name="Publier").press("Enter")
    expect(message(page, "Moi, je parle.").locator("audio")).to_be_visible()
    assert axe(page) == []
    assert overflow(page) == 0
    length, origin = page.evaluate(PLAYED)
    assert 0.5 < length < 30
    assert origin == town.a.origin
    reader = windows.open(town.b, "bea")
    reader.goto(town.talk_at(town.b, far))
    expect(message(reader, "Moi, je parle.").locator("audio")).to_be_visible()
    heard, there = reader.evaluate(PLAYED)
    assert (heard, there) == (length, town.b.origin)


def test_a_discussion_is_opened_by_speaking_with_the_subject_that_was_typed(
    town: Town, windows: Windows
):
    page = windows.open(town.a, "ada", viewport=PHONE)
    page.context.add_init_script(path=installed(HERE) / FILES[0])
    writing = f"{town.a.origin}/p/jardin/discussion/new"
    page.goto(writing)
    page.get_by_label("Sujet").fill("La serre, dite")
    page.wait_for_timeout(600)  # so that the draft is kept
    speak(page, "On la monte samedi.")
    assert axe(page) == []
    assert overflow(page) == 0
    form = page.locator("form[data-recorder]")
    expect(form.get_by_label("Sujet")).to_have_value("La serre, dite")
    form.get_by_role("button", name="Ouvrir la discussion").press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("La serre, dite")
    expect(page.locator("audio")).to_be_visible()
    expect(page.get_by_text("On la monte samedi.")).to_be_visible()
    page.goto(writing)
    expect(page.get_by_label("Sujet")).to_have_value("")
