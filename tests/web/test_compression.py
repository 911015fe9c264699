"""Pages are compressed for whoever takes that, and not sent again to whoever has them."""

from __future__ import annotations

import gzip
import re

import brotli
import pytest
from conftest import PASSWORD, Make, log_in, open_house

from collab.web.compression import BLUR, CODINGS, brotlied, squeezed
from collab.web.extensions import db

OPEN = {"br": brotli.decompress, "gzip": gzip.decompress}
TAKEN = [("gzip, deflate, br", "br"), ("gzip", "gzip"), ("br;q=0, gzip", "gzip")]


@pytest.fixture
def browser(tmp_path, database_for):
    """A browser of somebody called ada, each of whose requests stands alone, as in real life."""
    house = open_house(tmp_path / "instance", database_for("house"))
    with house.app.test_request_context("/"):
        ada = Make(house).person("ada")
        db.session.expunge_all()
    yield house.client(), ada
    with house.app.app_context():
        db.session.remove()
        db.engine.dispose()


@pytest.mark.parametrize(("accepted", "coding"), TAKEN)
def test_a_page_is_compressed_for_a_browser_and_says_the_same(client, accepted, coding):
    plain = client.get("/about")
    packed = client.get("/about", headers={"Accept-Encoding": accepted})
    assert "Content-Encoding" not in plain.headers
    assert packed.headers["Content-Encoding"] == coding
    assert OPEN[coding](packed.data) == plain.data
    assert int(packed.headers["Content-Length"]) == len(packed.data) < len(plain.data) / 2


def test_who_refuses_gzip_gets_it_plain(client):
    answer = client.get("/about", headers={"Accept-Encoding": "gzip;q=0, identity"})
    assert "Content-Encoding" not in answer.headers
    assert answer.data.startswith(b"<!doctype html>")


def test_what_machines_read_is_left_alone(client):
    answer = client.get("/api/openapi.json", headers={"Accept-Encoding": "gzip, br"})
    assert answer.status_code == 200
    assert "Content-Encoding" not in answer.headers


@pytest.mark.parametrize("pack", [squeezed, brotlied])
def test_the_length_of_an_answer_is_blurred(pack):
    lengths = {len(pack(b"a page " * 500)) for _time in range(200)}
    assert 20 < len(lengths) <= BLUR
    assert {OPEN[name](CODINGS[name](b"a page " * 500)) for name in OPEN} == {b"a page " * 500}


def test_a_page_says_what_it_depends_on_and_stays_with_its_reader(client):
    answer = client.get("/about")
    depends = {part.strip() for line in answer.headers.getlist("Vary") for part in line.split(",")}
    assert depends >= {"Accept", "Accept-Encoding", "Accept-Language", "Cookie", "Save-Data"}
    assert answer.headers["Cache-Control"] == "private, no-cache"


def again(client, path, first, **headers):
    return client.get(path, headers={"If-None-Match": first.headers["ETag"], **headers})


def test_a_page_that_has_not_changed_is_not_sent_again(browser):
    client, ada = browser
    first = client.get("/u/ada")
    same = again(client, "/u/ada", first)
    assert (same.status_code, same.data) == (304, b"")
    assert same.headers["Cache-Control"] == "private, no-cache"
    assert again(client, "/u/ada", first, **{"Accept-Language": "en"}).status_code == 200
    log_in(client, ada)
    mine = again(client, "/u/ada", first)
    assert mine.status_code == 200
    assert again(client, "/u/ada", mine).status_code == 304


def test_a_page_with_a_form_is_sent_again_in_a_new_session(browser):
    """The token of the session before is no good any more."""
    client, ada = browser
    pages = []
    for _time in range(2):
        log_in(client, ada)
        pages.append(client.get("/account"))
        assert again(client, "/account", pages[-1]).status_code == 304
        client.post("/logout")
    assert len({page.headers["ETag"] for page in pages}) == 2
    tokens = [re.search(rb'csrf_token" value="([^"]+)"', page.data)[1] for page in pages]
    assert tokens[0] != tokens[1]
    said = {page.data.replace(token, b"") for page, token in zip(pages, tokens, strict=True)}
    assert len(said) == 1


def test_what_is_shown_once_is_never_kept(client, make):
    log_in(client, make.person("ada"))
    answer = client.post("/account/code", data={"password": PASSWORD})
    assert "ETag" not in answer.headers


def test_a_stranger_who_reads_has_no_cookie_and_may_change_the_language(client):
    assert "Set-Cookie" not in client.get("/about").headers
    answer = client.post("/langue", data={"locale": "en", "next": "/about"})
    assert answer.status_code == 302
    assert 'lang="en"' in client.get("/about").get_data(as_text=True)
