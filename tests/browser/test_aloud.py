"""Pages read aloud, by a voice that the test puts in the place of the device's."""

from __future__ import annotations

import pytest
from conftest import log_in
from playwright.sync_api import Page, expect

from collab.spaces.tools.discussion.inputs import OpenThread, PostMessage
from collab.spaces.tools.discussion.operations import open_thread, post_message

VOICE = """
    window.said = [];
    const voices = NAMES.map((lang, at) => ({ name: `voice ${at}`, lang, localService: true }));
    window.SpeechSynthesisUtterance = class { constructor(text) { this.text = text; } };
    Object.defineProperty(window, "speechSynthesis", { value: {
        getVoices: () => voices,
        addEventListener() {},
        speak(one) { window.said.push({ text: one.text, rate: one.rate, lang: one.lang }); this.now = one; },
        cancel() { this.now = null; },
    } });
    window.word = (at, length) => speechSynthesis.now.onboundary({ name: "word", charIndex: at, charLength: length });
    window.over = () => speechSynthesis.now.onend();
    window.marked = () => [...(CSS.highlights.get("aloud") || [])].map(String).join();
"""  # noqa: E501


@pytest.fixture
def page(house, make, client, chromium, request):
    """A thread in a browser whose every request this process answers."""
    ada = make.person("ada")
    space = make.space(ada)
    with house.as_(ada) as work:
        given = OpenThread(title="Eau", body="Deux cuves suffisent. Qu’en *pensez-vous* ?")
        thread = open_thread(work, space, given)
    with house.as_(ada) as work:
        post_message(work, space, PostMessage(thread=thread.uid, body="Oui."))
    log_in(client, ada)
    context = chromium.new_context(locale="fr-FR", service_workers="block")
    context.set_default_timeout(10_000)
    context.add_init_script(VOICE.replace("NAMES", request.param))
    page = context.new_page()
    page.mistakes = []
    page.on("pageerror", lambda error: page.mistakes.append(str(error)))

    def answer(route):
        asked = route.request
        if "/socket.io/" in asked.url:
            return route.abort()  # nothing happens live here
        path = asked.url.removeprefix("https://here.example")
        got = client.get(path, headers={"Accept": asked.headers.get("accept", "*/*")})
        return route.fulfill(status=got.status_code, headers=dict(got.headers), body=got.get_data())

    page.route("**/*", answer)
    page.goto(f"https://here.example/p/jardin/discussion/{thread.uid}/")
    yield page
    context.close()
    assert page.mistakes == []


def said(page: Page) -> list[str]:
    return [one["text"].strip() for one in page.evaluate("said")]


@pytest.mark.parametrize("page", ['["fr-FR", "fr-CA", "en-GB"]'], indirect=True)
def test_a_page_is_read_aloud_word_by_word_and_can_be_paused(page: Page):
    assert page.evaluate("performance.getEntries().some((one) => /aloud/.test(one.name))") is False
    listen = page.locator("#listen")
    listen.press("Enter")
    player = page.get_by_role("group", name="Lecture à voix haute")
    pause = player.get_by_role("button", name="Pause")
    expect(pause).to_be_focused()
    assert said(page) == ["Deux cuves suffisent."]
    assert page.evaluate("said[0].lang") == "fr-FR"
    page.evaluate("word(5, 5)")
    assert page.evaluate("marked()") == "cuves"
    assert (
        page.evaluate("document.querySelector('#live-status').getAttribute('aria-live')") == "off"
    )

    page.evaluate("over()")
    page.evaluate("word(6, 11)")
    assert page.evaluate("marked()") == "pensez-vous"
    pause.press("Enter")
    assert page.evaluate("speechSynthesis.now") is None
    player.get_by_label("Vitesse").select_option("1.5")
    player.get_by_role("button", name="Reprendre").press("Enter")
    assert said(page)[1] == said(page)[2]
    assert page.evaluate("said[2].rate") == 1.5
    player.get_by_label("Voix").select_option("voice 1")
    assert page.evaluate("said[3].lang") == "fr-CA"
    assert len(said(page)) == 4
    page.evaluate("over()")
    assert said(page)[4] == "Oui."
    page.evaluate("over()")
    expect(player).to_be_hidden()
    expect(listen).to_be_focused()
    assert page.evaluate("marked()") == ""
    assert page.evaluate("document.querySelector('#live-status').getAttribute('aria-live')") is None


@pytest.mark.parametrize("page", ['["fr-FR"]'], indirect=True)
def test_one_message_is_read_aloud_and_escape_stops(page: Page):
    page.locator("#listen").click()
    player = page.get_by_role("group", name="Lecture à voix haute")
    page.locator("#messages article").nth(1).get_by_role("button", name="Écouter").click()
    assert said(page)[1] == "Oui."
    page.keyboard.press("Escape")
    expect(player).to_be_hidden()


@pytest.mark.parametrize("page", ['["en-GB"]'], indirect=True)
def test_a_device_without_the_voice_says_so(page: Page):
    page.locator("#listen").click()
    player = page.get_by_role("group", name="Lecture à voix haute")
    said_so = "Cet appareil n’a pas de voix pour cette langue : français."
    expect(player.get_by_role("status")).to_have_text(said_so)
    assert said(page) == []
