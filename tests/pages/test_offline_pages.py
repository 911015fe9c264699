"""What makes the site installable, and what a browser is allowed to keep."""

from __future__ import annotations

import gzip
import json
import struct
import zlib

from conftest import log_in

from collab.people.models import AccountRole
from collab.spaces.models import Visibility
from collab.web.extensions import db


def test_the_manifest_says_the_name_and_its_icons_are_there(make, client):
    make.space(make.person("ada"))
    page = client.get("/about").get_data(as_text=True)
    assert '<link rel="manifest" href="/manifest.webmanifest">' in page
    answer = client.get("/manifest.webmanifest")
    assert answer.mimetype == "application/manifest+json"
    told = json.loads(answer.data)
    assert told["name"] == "Maison d’essai"
    assert len(told["short_name"]) <= 12
    assert told["start_url"] == told["scope"] == "/"
    for icon in told["icons"]:
        got = client.get(icon["src"])
        assert (got.status_code, got.mimetype) == (200, icon["type"])
        if icon["type"] == "image/png":
            assert pixels(got.data) == tuple(int(side) for side in icon["sizes"].split("x"))
    assert client.get("/icon-3.png").status_code == 404


def pixels(picture: bytes) -> tuple[int, int]:
    """Width and height of a PNG file whose every line is there."""
    assert picture.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", picture[16:24])
    at = picture.index(b"IDAT")
    (length,) = struct.unpack(">I", picture[at - 4 : at])
    assert len(zlib.decompress(picture[at + 4 : at + 4 + length])) == (width + 1) * height
    return width, height


def test_the_service_worker_is_light_and_knows_the_files_as_they_are(house, client):
    answer = client.get("/sw.js")
    assert (answer.status_code, answer.mimetype) == (200, "text/javascript")
    assert answer.headers["Cache-Control"] == "no-cache"
    assert len(gzip.compress(answer.data, 9)) <= 5_120
    packed = client.get("/sw.js", headers={"Accept-Encoding": "gzip"})
    assert gzip.decompress(packed.data) == answer.data
    assert b"/*" not in answer.data
    first = answer.get_data(as_text=True).partition("\n")[0]
    told = json.loads(first.removeprefix("const C = ").removesuffix(";"))
    for address in [*told["files"], told["offline"]]:
        assert client.get(address).status_code == 200, address
    assert {"fr", "en"} <= set(told["words"])
    assert all("{date}" in words["copy"] for words in told["words"].values())


def test_pages_say_whose_they_are_and_what_may_be_kept(make, client):
    ada, bea = make.person("ada", AccountRole.ADMIN), make.person("bea")
    make.space(ada, bea, visibility=Visibility.MEMBERS)
    make.space(ada, slug="ouvert")

    def kept(path):
        return client.get(path).headers["Collab-Page"]

    assert kept("/about") == kept("/p/ouvert/discussion/") == "- keep"
    assert kept("/login") == "-"
    log_in(client, bea)
    hers = kept("/about").split()[0]
    assert hers not in ("-", "bea")
    assert kept("/p/jardin/discussion/") == kept("/p/jardin") == f"{hers} keep"
    for never in ("/account", "/account/reports", "/search?q=eau", "/p/absent"):
        assert kept(never) == hers, never
    log_in(client, ada)
    other = kept("/about").split()[0]
    assert other != hers
    for never in ("/admin", "/admin/people", "/admin/peers", "/p/jardin/settings"):
        assert kept(never) == other, never


def test_at_a_shared_computer_nothing_is_kept(make, client):
    ada = make.person("ada")
    make.space(ada)
    form = {"alias": "ada", "password": "une petite phrase", "shared": "1"}
    cookie = client.post("/login", data=form).headers["Set-Cookie"]
    assert "Expires" not in cookie
    assert "Max-Age" not in cookie
    page = client.get("/p/jardin/discussion/new")
    assert page.headers["Collab-Page"] == "none"
    assert page.headers["Cache-Control"] == "no-store"
    assert "data-shared" in page.get_data(as_text=True)
    assert '"shared": true' in page.get_data(as_text=True)
    gone = client.post("/logout")
    assert gone.headers["Clear-Site-Data"] == '"cache", "storage"'
    log_in(client, ada)
    db.session.expire_all()
    again = client.get("/p/jardin/discussion/new")
    assert again.headers["Collab-Page"].endswith(" keep")
    assert "data-shared" not in again.get_data(as_text=True)
