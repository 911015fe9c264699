"""Static files: named by their content, compressed once, kept for a year."""

from __future__ import annotations

import gzip

import brotli

from collab.web.assets import FOLDER, asset, load

CSS = (FOLDER / "collab.css").read_bytes()


def test_a_file_is_named_by_its_content_and_kept_for_a_year(client):
    address = asset("collab.css")
    assert address.startswith("/static/collab.")
    assert f'href="{address}"' in client.get("/about").get_data(as_text=True)
    answer = client.get(address)
    assert answer.data == CSS
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert answer.headers["Content-Type"] == "text/css; charset=utf-8"
    assert "Set-Cookie" not in answer.headers


def test_a_file_comes_in_the_smallest_coding_that_is_accepted(client):
    address = asset("collab.css")
    both = client.get(address, headers={"Accept-Encoding": "gzip, deflate, br"})
    zipped = client.get(address, headers={"Accept-Encoding": "gzip"})
    assert (both.headers["Content-Encoding"], zipped.headers["Content-Encoding"]) == ("br", "gzip")
    assert brotli.decompress(both.data) == gzip.decompress(zipped.data) == CSS
    assert len(both.data) < len(zipped.data) < len(CSS) / 3
    assert both.headers["Vary"] == "Accept-Encoding"
    assert len({a.headers["ETag"] for a in (both, zipped, client.get(address))}) == 3
    assert load("collab.css") is load("collab.css")


def test_an_unchanged_file_is_not_sent_again(client):
    first = client.get("/static/collab.css")
    again = client.get("/static/collab.css", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


def test_the_name_of_before_an_update_gives_the_file_for_a_short_while(client):
    for name in ("collab.0123456789ab.css", "collab.css"):
        answer = client.get(f"/static/{name}")
        assert answer.data == CSS
        assert answer.headers["Cache-Control"] == "public, max-age=300"


def test_nothing_else_can_be_asked_for(client):
    for name in ("../app.py", "..%2fapp.py", "nothing.js", "vendor", "collab.0123456789ab.js", ""):
        assert client.get(f"/static/{name}").status_code == 404
    assert asset("nothing.js") == ""
