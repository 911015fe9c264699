"""A text may be in another language than the page: kept, shown with `lang`, told elsewhere."""

from __future__ import annotations

import pytest
from conftest import log_in

from collab.core.tongues import language_code
from collab.spaces.tools.discussion.activitypub import receive, revise, to_object
from collab.spaces.tools.discussion.elsewhere import language_of
from collab.spaces.tools.discussion.inputs import EditMessage, OpenThread, PostMessage
from collab.spaces.tools.discussion.operations import edit_message, open_thread, post_message

WORDS = "موافق، يوم السبت."


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ("ar", "ar"),
        ("fr-x-falc", "fr-x-falc"),
        ("pt-BR", "pt-BR"),
        ("und", ""),
        ("", ""),
        ('ar" onclick="', ""),
        ("a" * 40, ""),
        (None, ""),
    ],
)
def test_the_name_of_a_language_is_one_or_nothing(told, kept):
    assert language_code(told) == kept


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ({"content": "<p>a</p>", "contentMap": {"ar": "<p>a</p>"}}, "ar"),
        ({"content": "<p>a</p>"}, ""),
        ({"content": "<p>a</p>", "contentMap": {"ar": "<p>b</p>"}}, ""),
        ({"content": "<p>a</p>", "contentMap": {"ar": "<p>a</p>", "fr": "<p>b</p>"}}, ""),
        ({"content": "<p>a</p>", "contentMap": ["ar"]}, ""),
        ({"contentMap": {"ar": None}}, ""),
    ],
)
def test_others_say_the_language_of_their_text_in_a_content_map(told, kept):
    assert language_of(told) == kept


def test_a_text_keeps_its_language_is_shown_in_it_and_tells_it_elsewhere(house, make, client):
    ada = make.person("ada")
    garden = make.space(ada)
    with house.as_(ada) as work:
        thread = open_thread(work, garden, OpenThread("متى؟", WORDS, "ar"))
        plain = post_message(work, garden, PostMessage(thread.uid, "D’accord."))
        same = post_message(work, garden, PostMessage(thread.uid, "Samedi.", None, "fr"))
        told = to_object(work.session, thread)
        assert told["contentMap"] == {"ar": told["content"]}
        assert "contentMap" not in to_object(work.session, plain)
        edit_message(work, garden, EditMessage(thread.uid, WORDS + " نعم.", "متى؟"))
        assert thread.language == "ar", "who says nothing of the language changes nothing"
        edit_message(work, garden, EditMessage(plain.uid, "D’accord.", language="en"))
        assert plain.language == "en", "the same words may turn out to be in another language"
        edit_message(work, garden, EditMessage(plain.uid, "D’accord.", language="und"))
        assert (plain.language, same.language) == ("", "fr")
    page = client.get(f"/p/jardin/discussion/{thread.uid}/").get_data(as_text=True)
    assert page.count('class="said" dir="auto" lang="ar"') == 1
    assert '<h1 lang="ar"' in page
    assert 'lang="fr"' not in page.partition("<main")[2].partition("</main>")[0]
    english = client.get(
        f"/p/jardin/discussion/{thread.uid}/", headers={"Accept-Language": "en"}
    ).get_data(as_text=True)
    assert english.count('class="said" dir="auto" lang="fr"') == 1


def test_who_writes_says_in_what_language_and_the_pages_own_is_chosen(house, make, client):
    ada = make.person("ada")
    make.space(ada)
    log_in(client, ada)
    client.post("/langue", data={"locale": "ar"})
    form = client.get("/p/jardin/discussion/new").get_data(as_text=True)
    assert '<option value="ar" selected' in form
    sent = {"title": "Récoltes", "body": "Il y a des courges.", "language": "fr"}
    page = client.post("/p/jardin/discussion/new", data=sent, follow_redirects=True)
    text = page.get_data(as_text=True)
    assert 'class="said" dir="auto" lang="fr"' in text
    assert '<option value="ar" selected' in text, "and so in the form to answer"


def test_the_language_of_a_text_goes_through_the_api(house, make, client):
    ada = make.person("ada")
    garden = make.space(ada)
    with house.as_(ada) as work:
        thread = open_thread(work, garden, OpenThread("Eau", "Une cuve ?", "fr"))
    told = client.get(f"/api/v1/items/{thread.uid}").get_json()
    assert told["language"] == "fr"


def test_a_copy_knows_the_language_and_tells_the_same_object(house, make):
    ada = make.person("ada")
    garden = make.space(ada)
    with house.as_(ada) as work:
        told = to_object(work.session, open_thread(work, garden, OpenThread("متى؟", WORDS, "ar")))
        elsewhere = {**told, "id": told["id"] + "x", "url": told["url"] + "x", "context": ""}
        copied = receive(work, garden, elsewhere)
        assert copied.language == "ar"
        assert to_object(work.session, copied)["contentMap"] == told["contentMap"]
        changed = {k: v for k, v in elsewhere.items() if k != "contentMap"}
        revise(work, garden, copied, {**changed, "content": "<p>Autre.</p>", "source": None})
        assert copied.language == "", "its author no longer says"
