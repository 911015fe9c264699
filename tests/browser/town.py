"""An association (A) and a school (B) that share a garden, and windows on both of them."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness import PASSWORD, Instance, until
from playwright.sync_api import Browser, BrowserContext, Locator, Page, Request, expect
from steps import bodies, on_mirror, open_shared

from collab.demo.story import PROJECT, SHEETS, TALKS

SHOTS = os.environ.get("COLLAB_SCREENSHOTS", "")
"""The folder for pictures of the screens, which take long and prove nothing: none by itself."""
PATIENCE = 30_000  # milliseconds: both instances and the browser may share two busy cores
WIDE, PHONE = {"width": 1280, "height": 800}, {"width": 360, "height": 740}
NAMES = {"ada": "Ada", "coquelicot": "Coquelicot", "bea": "Béa", "tilleul": "Tilleul"}


@dataclass
class Town:
    """Two instances that run, their shared project, and what is said in it."""

    a: Instance
    b: Instance
    address: str = ""  # the project, as B writes it
    thread: dict[str, Any] = field(default_factory=dict)
    there: dict[str, Any] = field(default_factory=dict)  # the same thread, as B knows it
    document: dict[str, Any] = field(default_factory=dict)

    def path(self, instance: Instance) -> str:
        return f"/p/{'jardin' if instance is self.a else self.address}"

    def talk_at(self, instance: Instance, thread: dict[str, Any] | None = None) -> str:
        """The page of a thread (the lively one if none is named) on this instance."""
        known = thread or (self.thread if instance is self.a else self.there)
        return f"{self.path(instance)}/discussion/{known['id']}/"

    def open_thread(self, title: str, body: str) -> tuple[dict[str, Any], dict[str, Any]]:
        """A thread that Ada opens on A, and its copy once it is on B."""
        sent = {"title": title, "body": body}
        made = self.a.api("POST", "/spaces/jardin/discussion/threads", as_="ada", sent=sent)
        return made, on_mirror(self.b, self.address, made["iri"], "bea", "discussion/threads")


def found(place: Path) -> Town:
    """Make both instances and their people, run them, and fill the garden with the story."""
    a = Instance(place / "a", "Maison des associations")
    b = Instance(place / "b", "École de la Butte")
    with ThreadPoolExecutor(2) as both:
        list(both.map(settle, ((a, ("ada", "coquelicot")), (b, ("bea", "tilleul")))))
    town = Town(a, b)
    try:
        share(town)
    except BaseException:
        end(town)
        raise
    return town


def settle(one: tuple[Instance, tuple[str, ...]]) -> None:
    instance, people = one
    instance.create()
    for alias in people:
        shown = ["--display-name", NAMES[alias], "--password-file", "-"]
        instance.cli("user", "create", alias, *shown, given=PASSWORD)
        instance.tokens[alias] = instance.cli("token", "create", alias)
    instance.start()


def end(town: Town) -> None:
    town.a.end()
    town.b.end()


def share(town: Town) -> None:
    a, b = town.a, town.b
    card = {key: PROJECT[key] for key in ("name", "why", "who", "how", "territory")}
    town.address = open_shared(a, b, "jardin", **card)
    for instance, alias in ((a, "coquelicot"), (b, "tilleul")):
        where = town.path(instance).removeprefix("/p/")
        instance.api("POST", f"/spaces/{where}/join", as_=alias, sent={"note": "Bonjour"})
        asked = until(
            lambda: a.api("GET", "/spaces/jardin/requests", as_="ada"), f"{alias} asks to join"
        )
        a.api("POST", f"/spaces/jardin/requests/{asked[0]['member']}/accept", as_="ada")
    until(
        lambda: b.api("GET", f"/spaces/{town.address}", as_="tilleul")["membership"] == "active",
        "both instances know every member",
    )
    for sheet in SHEETS:
        sent = {"title": sheet.title, "body": sheet.words, "description": sheet.description}
        made = a.api("POST", "/spaces/jardin/pages/documents", as_="ada", sent=sent)
        town.document = town.document or made
    changed = town.document["body"] + "\n## Mai\n\n- haricots\n- courges, sur une butte\n"
    sent = {"body": changed, "base": str(town.document["revision"]), "summary": "Le mois de mai"}
    a.api("PATCH", f"/items/{town.document['id']}", as_="coquelicot", sent=sent)
    chat(town)


def chat(town: Town) -> None:
    """The story's first talk, by people of both instances in turn."""
    talk = TALKS[0]
    town.thread, town.there = town.open_thread(talk.title, talk.opening.words)
    voices = ((town.b, "tilleul"), (town.a, "coquelicot"), (town.b, "bea"), (town.a, "ada"))
    for number, ((instance, alias), said) in enumerate(zip(voices, talk.answers, strict=True)):
        known = town.thread if instance is town.a else town.there
        words = said.words.replace("@renard", f"@bea@{town.b.host}")
        instance.api("POST", f"/items/{known['id']}/messages", as_=alias, sent={"body": words})
        until(
            lambda n=number: (
                len(bodies(town.a, town.thread["id"], "ada")) == n + 2
                and len(bodies(town.b, town.there["id"], "bea")) == n + 2
            ),
            "what was said is on both sides",
        )


@dataclass
class Windows:
    """The browser's windows; what goes wrong in any of them is kept and fails the test."""

    browser: Browser
    contexts: list[BrowserContext] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def open(self, instance: Instance, alias: str = "", **options: Any) -> Page:
        """A window of its own (own cookies, empty cache), logged in by the form."""
        made = {"viewport": WIDE, "locale": "fr-FR", "timezone_id": "Europe/Paris", **options}
        context = self.browser.new_context(base_url=instance.origin, **made)
        context.set_default_timeout(PATIENCE)
        self.contexts.append(context)
        page = context.new_page()
        self.watch(page, instance)
        if alias:
            log_in(page, alias)
        return page

    def watch(self, page: Page, instance: Instance) -> None:
        """Keep mistakes of scripts, dialogs, and every request to another origin."""

        def asked(request: Request) -> None:
            if not request.url.startswith((instance.origin, "data:", "blob:")):
                self.wrong.append(f"{page.url} asked another origin: {request.url}")

        def said(message: Any) -> None:
            # Being offline, and a page that answers 404, are not mistakes of the page.
            expected = ("ERR_INTERNET_DISCONNECTED", "status of 404", "status of 422")
            if message.type == "error" and not any(word in message.text for word in expected):
                self.wrong.append(f"{page.url} says in the console: {message.text}")

        page.on("request", asked)
        page.on("console", said)
        page.on("pageerror", lambda error: self.wrong.append(f"{page.url}: {error}"))
        page.on("dialog", lambda dialog: self.wrong.append(f"{page.url}: {dialog.message}"))

    def close(self) -> None:
        for context in self.contexts:
            context.close()
        self.contexts.clear()


def log_in(page: Page, alias: str) -> None:
    page.goto("/login")
    page.get_by_label("Votre nom ici").fill(alias)
    page.get_by_label("Mot de passe").fill(PASSWORD)
    page.get_by_role("button", name="Entrer").click()
    expect(page.locator("summary", has_text="Mon compte")).to_be_visible()


def message(page: Page, words: str) -> Locator:
    """The message on this page that says these words."""
    return page.locator("#messages article").filter(has_text=words)


def shoot(page: Page, name: str, **more: Any) -> None:
    """Leave a screenshot where they are wanted, the whole page unless told otherwise."""
    if not SHOTS:
        return
    page.screenshot(
        path=Path(SHOTS, f"{name}.png"), **{"full_page": True, "animations": "disabled"} | more
    )
