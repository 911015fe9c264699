"""What the style sheet does with letters twice as large on a telephone, and on paper."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

CSS = (Path(__file__).parents[2] / "collab" / "static" / "collab.css").read_text()
PAGE = """<!doctype html><html lang="fr" data-size="largest">
<meta name="viewport" content="width=device-width"><style>{css}</style>
<div class="top wrap"><a class="brand" href="/"><span><b>Maison des associations</b></span></a>
<details class="menu account"><summary><span>coquelicot</span></summary></details></div>
<nav class="tabs"><ul><li><a href="#">Accueil</a><li><a href="#">Discussions</a>
<li><a href="#">Documents</a><li><a href="#">Versions simples</a></ul></nav>
<main><div class="toolbar"><h1>Membres</h1> <a class="btn" href="/i">Inviter</a></div>
<p>Ada <a href="?change=1">Changer</a></p><div class="wrap paper"><div class="said"><table>
<tr><th>Surface<th>Précipitations<th>Récolte<tr><td id="cell">superficie<td>mm<td>litres
</table><p>Après.</p></div></div>
<article class="msg"><time datetime="2026-11-22T13:05:00Z" title="22 novembre 2026, 14 h 05">
il y a 5 minutes</time><div class="said"><p>Dit.</p></div><a class="soft" href="/r">Signaler</a>
<a href="/a">Répondre</a></article>
<section class="card" aria-labelledby="ecrire"><h2 id="ecrire">À vous</h2></section>
<details class="how" open><summary>Comment ?</summary><ol><li>Ainsi.</li></ol></details>
</main></html>"""


@pytest.fixture
def page(chromium: Browser):
    page = chromium.new_page(viewport={"width": 320, "height": 700})
    page.set_content(PAGE.format(css=CSS))
    yield page
    page.close()


def lines(page: Page, selector: str) -> int:
    """How many lines the text of an element takes."""
    told = """e => { const r = document.createRange(); r.selectNodeContents(e);
      return new Set([...r.getClientRects()].map(b => Math.round(b.top))).size; }"""
    return page.locator(selector).evaluate(told)


def test_a_wide_table_scrolls_by_itself_and_keeps_its_words_whole(page: Page):
    assert lines(page, "#cell") == 1
    told = "e => [e.scrollWidth > e.clientWidth, document.documentElement.scrollWidth]"
    assert page.locator("table").evaluate(told) == [True, 320]


def test_the_name_of_the_site_and_the_tabs_are_read_without_scrolling(page: Page):
    assert lines(page, ".brand b") == 2
    assert page.locator(".tabs").evaluate("e => e.scrollWidth - e.clientWidth") == 0


def test_what_can_only_be_done_on_a_screen_is_not_printed(page: Page):
    page.emulate_media(media="print")
    said = page.locator("main").inner_text()
    assert "Dit." in said
    assert "Membres" in said
    for act in ("Signaler", "Répondre", "À vous", "Comment", "Ainsi", "Inviter", "Changer"):
        assert act not in said


def test_on_paper_a_time_is_a_whole_date(page: Page):
    told = "e => [getComputedStyle(e).fontSize, getComputedStyle(e, '::after').content]"
    time = page.locator("time")
    assert time.evaluate(told)[1] == "none"
    page.emulate_media(media="print")
    assert time.evaluate(told) == ["0px", '"22 novembre 2026, 14 h 05"']
