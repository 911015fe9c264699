"""Pages are gzipped for whoever takes that, and only pages."""

from __future__ import annotations

import gzip

from collab.web.compression import BLUR, squeezed

ZIPPED = {"Accept-Encoding": "gzip, br"}


def test_a_page_is_compressed_for_a_browser_and_says_the_same(client):
    plain, packed = client.get("/about"), client.get("/about", headers=ZIPPED)
    assert "Content-Encoding" not in plain.headers
    assert packed.headers["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in packed.headers["Vary"]
    assert gzip.decompress(packed.data) == plain.data
    assert int(packed.headers["Content-Length"]) == len(packed.data) < len(plain.data) / 2


def test_who_refuses_gzip_gets_it_plain(client):
    answer = client.get("/about", headers={"Accept-Encoding": "gzip;q=0, identity"})
    assert "Content-Encoding" not in answer.headers
    assert answer.data.startswith(b"<!doctype html>")


def test_what_machines_read_is_left_alone(client):
    answer = client.get("/api/openapi.json", headers=ZIPPED)
    assert answer.status_code == 200
    assert "Content-Encoding" not in answer.headers


def test_the_length_of_an_answer_is_blurred():
    lengths = {len(squeezed(b"a page " * 500)) for _time in range(200)}
    assert 20 < len(lengths) <= BLUR


def test_a_stranger_who_reads_has_no_cookie_and_may_change_the_language(client):
    assert "Set-Cookie" not in client.get("/about").headers
    answer = client.post("/langue", data={"locale": "en", "next": "/about"})
    assert answer.status_code == 302
    assert 'lang="en"' in client.get("/about").get_data(as_text=True)
