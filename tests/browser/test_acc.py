"""ACC-1, ACC-5 (PRODUCT.md 4.4) and R-16: a thread by ear, large letters, a session that ends."""

from __future__ import annotations

from accessible.engines import overflow, spaced
from harness import PASSWORD
from playwright.sync_api import Page, expect

from browser.town import Town, Windows, message

LISTEN = """() => {
  window.told = []; window.moved = [];
  const status = document.getElementById("live-status");
  new MutationObserver(() => status.textContent && window.told.push(status.textContent))
    .observe(status, { childList: true, characterData: true, subtree: true });
  for (const kind of ["focusin", "focusout"])
    addEventListener(kind, (event) => window.moved.push(`${kind} ${event.target.tagName}`));
}"""
# Where a key of a screen reader that goes to the next heading, or the next box, leads from `main`.
AFTER = """(kind) => [...document.querySelector("main").querySelectorAll(kind)]
  .filter((part) => part.checkVisibility() && part.type !== "hidden")
  .map((part) => part.id)"""
# Text that its box does not show whole. What is only for ears is one pixel large on purpose.
CUT = """() => [...document.querySelectorAll("body *")].filter((part) => {
  const style = getComputedStyle(part);
  const clips = /hidden|clip/.test(style.overflowX + style.overflowY);
  const cut = part.scrollHeight > part.clientHeight + 1 || part.scrollWidth > part.clientWidth + 1;
  return clips && cut && part.clientHeight > 1 && part.textContent.trim();
}).map((part) => part.outerHTML.slice(0, 120))"""
ZOOMED = {"viewport": {"width": 320, "height": 256}, "device_scale_factor": 4}
"""A window of 1280 by 1024 pixels at 400 %."""


def heard(page: Page, selector: str) -> dict[str, str]:
    """What a screen reader is told of an element: its role, and how it says changes."""
    spy = page.context.new_cdp_session(page)
    root = spy.send("DOM.getDocument")["root"]["nodeId"]
    node = spy.send("DOM.querySelector", {"nodeId": root, "selector": selector})["nodeId"]
    asked = {"nodeId": node, "fetchRelatives": False}
    (told,) = spy.send("Accessibility.getPartialAXTree", asked)["nodes"]
    found = {one["name"]: one["value"].get("value", "") for one in told["properties"]}
    return found | {"role": told["role"]["value"]}


def test_acc_1_a_thread_says_once_and_politely_what_is_new_and_never_moves_the_focus(
    town: Town, windows: Windows
):
    here, _ = town.open_thread("À l’oreille", "Qui écoute cette discussion ?")
    page = windows.open(town.a, "coquelicot")
    page.goto(town.talk_at(town.a, here))
    pause = page.get_by_role("button", name="Mettre en pause les nouveautés")
    expect(pause).to_be_visible()
    told = heard(page, "#live-status")
    assert (told["role"], told["live"]) == ("status", "polite")
    assert "live" not in heard(page, "#messages")

    box = page.get_by_label("Votre message")
    box.press_sequentially("Moi, j’ar")
    page.evaluate(LISTEN)
    say(town, here, "Un premier message.")
    expect(message(page, "Un premier message.")).to_be_visible()
    expect(page.locator("#live-status")).to_have_text("1 nouveau message de Ada")
    box.press_sequentially("rose")
    expect(box).to_have_value("Moi, j’arrose")
    assert page.evaluate("window.moved") == []
    assert page.evaluate("window.told") == ["1 nouveau message de Ada"]

    pause.click()
    say(town, here, "Un message pendant la pause.")
    expect(page.locator("#live-status")).to_have_text("1 nouveau message en attente")
    expect(message(page, "pendant la pause")).to_have_count(0)
    page.get_by_role("button", name="Montrer les nouveautés").click()
    expect(message(page, "pendant la pause")).to_be_visible()

    page.reload()
    reached_in_two_keys(page)


def reached_in_two_keys(page: Page) -> None:
    """From the skip link to the box: by headings, by fields and by landmarks."""
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    assert "ecrire" in page.evaluate(AFTER, "h1, h2, h3")[:2]
    assert page.evaluate(AFTER, "input, textarea, select")[0] == "f-body"
    expect(
        page.get_by_role("region", name="Répondre").get_by_label("Votre message")
    ).to_be_visible()


def say(town: Town, thread, words: str) -> None:
    town.a.api("POST", f"/items/{thread['id']}/messages", as_="ada", sent={"body": words})


def test_acc_5_at_400_percent_nothing_is_lost_and_the_settings_hold_without_an_account(
    town: Town, windows: Windows
):
    page = windows.open(town.a, **ZOOMED)
    paths = (
        "/", "/p/jardin", town.talk_at(town.a), f"/p/jardin/pages/{town.document['slug']}",
        "/p/jardin/members", "/search?q=pluie", "/affichage", "/login", "/accessibilite",
    )  # fmt: skip
    for path in paths:
        page.goto(path)
        assert (path, overflow(page)) == (path, 0)
        spaced(page)
        assert (path, overflow(page), page.evaluate(CUT)) == (path, 0, [])

    page.goto("/affichage")
    for name in ("Deux fois plus grande", "Très grand", "Sombre", "Fort", "Plus faciles"):
        page.get_by_label(name, exact=name == "Très grand").check()
    page.get_by_role("button", name="Appliquer").click()
    page.goto("/login")
    chosen = {
        "size": "largest", "spacing": "wider", "theme": "dark", "contrast": "high", "font": "easy",
    }  # fmt: skip
    assert dict(page.evaluate("({ ...document.documentElement.dataset })")) == chosen
    size = page.evaluate("parseFloat(getComputedStyle(document.documentElement).fontSize)")
    assert size >= 2 * 16
    assert overflow(page) == 0
    assert page.evaluate(CUT) == []
    expect(page.get_by_role("link", name="Se connecter")).to_be_visible()
    kept = {cookie["name"] for cookie in page.context.cookies()}
    assert kept - {"collab"} == {"affichage"}, "forms bring a token, and there is no account"
    again = windows.open(town.a, **ZOOMED)
    again.goto("/login")
    assert again.evaluate("({ ...document.documentElement.dataset })") == {}, "of this browser only"


def test_r_16_at_a_shared_computer_the_end_is_said_two_minutes_before_and_put_off(
    town: Town, windows: Windows
):
    page = windows.open(town.a)
    page.clock.install()
    page.goto("/login")
    page.get_by_label("Votre nom ici").fill("coquelicot")
    page.get_by_label("Mot de passe").fill(PASSWORD)
    page.get_by_label("D’autres que moi utilisent cet ordinateur").check()
    page.get_by_role("button", name="Entrer").click()
    page.goto(town.talk_at(town.a))
    page.wait_for_load_state("networkidle")  # the script that watches the time has come
    box = page.get_by_label("Votre message")
    box.fill("Une longue lettre")
    warning = page.locator("#notices").get_by_text("Votre connexion prend fin dans 2 minutes.")
    page.clock.fast_forward("17:30")
    expect(warning).to_have_count(0)
    page.clock.fast_forward("00:40")
    expect(warning).to_be_visible()
    expect(box).to_be_focused()
    page.get_by_role("button", name="Rester connecté").click()
    expect(warning).to_have_count(0)
    expect(box).to_have_value("Une longue lettre")
    page.clock.fast_forward("18:10")
    expect(warning).to_be_visible()
