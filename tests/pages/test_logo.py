"""A logo is our own small drawing of what an administrator sent; nothing else of the file stays."""

from __future__ import annotations

import io
import struct
import zlib

import pytest
from conftest import PASSWORD, log_in
from PIL import Image, ImageDraw
from sqlalchemy import func, select

from collab.core.errors import Invalid
from collab.core.pictures import NOT_ONE, TOO_LARGE, as_logo
from collab.people.first import first_administrator
from collab.people.logo import KEPT, Logo, propose_logo
from collab.people.operations import Register
from collab.web.extensions import db

PAGE = "/admin/look/logo"


def saved(picture, kind="PNG", **how):
    file = io.BytesIO()
    picture.save(file, kind, **how)
    return file.getvalue()


def badge(side=300, across=1):
    """A coat of arms, more or less; `across` times as wide as high."""
    made = Image.new("RGBA", (side * across, side), (0, 0, 0, 0))
    ImageDraw.Draw(made).ellipse((5, 5, side * across - 5, side - 5), fill=(11, 87, 89, 255))
    return made


def chunk(name, content):
    checked = zlib.crc32(name + content)
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", checked)


def bomb(side=30_000):
    """A hundred kilobytes that say they are 900 million points."""
    head = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    rows = zlib.compress(bytes((side // 8 + 1) * side), 9)
    parts = chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts


@pytest.fixture
def founded(house):
    given = Register(alias="ada", password=PASSWORD)
    house.ada = first_administrator(house.runtime.work, "Maison", given, school=False).actor
    return house


@pytest.fixture
def ada(founded):
    client = founded.client()
    log_in(client, founded.ada)
    return client


def send(client, content, name="logo.png", words="Blason de la commune", kind="image/png"):
    data = {"picture": (io.BytesIO(content), name, kind), "words": words}
    return client.post(PAGE, data=data)


def text(answer):
    return answer.get_data(as_text=True).replace("\u00a0", " ")


def test_a_logo_is_looked_at_then_shown_then_taken_away_and_put_back(ada):
    assert send(ada, saved(badge())).status_code == 302
    number, address = db.session.scalar(select(Logo.id)), db.session.scalars(select(Logo)).one().url
    preview = text(ada.get(PAGE))
    assert preview.count(f'src="{address}"') == 2
    assert "Blason de la commune" in preview
    assert address not in text(ada.get("/about"))
    told = text(ada.post(f"{PAGE}/{number}/show", follow_redirects=True))
    notices = told.partition('id="notices"')[2].partition("<h1")[0]
    assert f'action="{PAGE}/hide"' in notices
    page = text(ada.get("/about"))
    assert f'<img src="{address}" width="40" height="40" alt="Blason de la commune">' in page
    assert f'<link rel="icon" type="image/png" href="{address}">' in page
    picture = ada.get(address)
    assert picture.mimetype == "image/png"
    assert "immutable" in picture.headers["Cache-Control"]
    assert len(picture.data) <= 3000
    assert max(Image.open(io.BytesIO(picture.data)).size) == 80
    ada.post(f"{PAGE}/hide")
    assert address not in text(ada.get("/about"))
    ada.post(f"{PAGE}/{number}/show")
    assert address in text(ada.get("/about"))
    icons = ada.get("/manifest.webmanifest").json["icons"]
    assert {icon["sizes"] for icon in icons} == {"192x192", "512x512"}
    for icon in icons:
        drawn = Image.open(io.BytesIO(ada.get(icon["src"]).data))
        assert "x".join(map(str, drawn.size)) == icon["sizes"]
        assert drawn.convert("RGB").getpixel((drawn.width // 2, drawn.height // 2)) == (11, 87, 89)


def test_the_light_mode_has_no_logo_and_a_wide_one_is_no_icon(ada):
    send(ada, saved(badge(across=3).convert("RGB"), "JPEG"))
    logo = db.session.scalars(select(Logo)).one()
    assert (logo.width, logo.height) == (120, 40)
    ada.post(f"{PAGE}/{logo.id}/show")
    assert logo.url in text(ada.get("/about"))
    assert logo.url not in text(ada.get("/about", headers={"Save-Data": "on"}))
    assert ada.get("/manifest.webmanifest").json["icons"][0]["src"] == "/icon.svg"
    assert 'rel="icon" type="image/svg+xml"' in text(ada.get("/about"))


def test_r63_a_picture_is_known_by_its_bytes_and_not_by_its_name_or_header(ada):
    for content in (
        b"<!doctype html><script>alert(1)</script>", b"GIF89a" + bytes(50),
        b"\x89PNG\r\n\x1a\n" + bytes(50), b"\xff\xd8\xff\xe0" + bytes(500), b"%PDF-1.7", b"",
        saved(badge(20), "TIFF"), saved(badge(20), "BMP"),
    ):  # fmt: skip
        refused = send(ada, content)
        assert refused.status_code == 422
        assert "Envoyez une image PNG, JPEG ou WebP." in text(refused)
        assert 'value="Blason de la commune"' in text(refused)
    drawing = b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>'
    assert "Un dessin SVG peut cacher un programme" in text(send(ada, drawing, "logo.svg"))
    assert db.session.scalar(select(func.count(Logo.id))) == 0


def test_r63_what_hides_behind_a_picture_is_not_kept(ada):
    notes = badge().getexif()
    notes[0x010E] = "rue des Lilas"
    hidden = b"PK\x03\x04<script>alert(document.domain)</script>"
    sent = saved(badge().convert("RGB"), "JPEG", exif=notes, comment=hidden) + hidden
    assert b"rue des Lilas" in sent
    send(ada, sent, "a.jpg.html", kind="text/html")
    drawn = ada.get(db.session.scalars(select(Logo)).one().url)
    assert drawn.mimetype in ("image/png", "image/webp")
    assert drawn.headers["X-Content-Type-Options"] == "nosniff"
    for trace in (b"script", b"PK\x03", b"Lilas", b"Exif"):
        assert trace not in drawn.data


def test_r63_the_name_of_a_file_is_never_used(ada, founded):
    before = {path for path in founded.path.parent.rglob("*") if path.is_file()}
    for name in ("../../collab.toml", "/etc/passwd", "..\\..\\secret\0.png"):
        send(ada, saved(badge()), name)
    after = {path for path in founded.path.parent.rglob("*") if path.is_file()}
    assert {path.name for path in after - before} <= {"collab.sqlite-wal", "collab.sqlite-shm"}
    page = text(ada.get(PAGE))
    assert "passwd" not in page
    assert "secret" not in page
    for wild in ("/logo.../../collab.toml", "/logo.%2e%2e%2fcollab.png", "/logo.000000000000.png"):
        assert ada.get(wild).status_code == 404


def test_r63_a_picture_of_900_million_points_is_not_decoded():
    with pytest.raises(Invalid) as refused:
        as_logo(bomb())
    assert refused.value.fields == {"picture": TOO_LARGE}
    with pytest.raises(Invalid) as refused:
        as_logo(bytes(5_000_001))
    assert refused.value.fields == {"picture": TOO_LARGE}


def test_r63_drawing_stops_at_its_limits_of_memory_and_of_time():
    large = saved(Image.new("RGB", (4000, 4000), "white"))
    assert as_logo(large).width == 40
    for limits in ({"memory": 100_000_000}, {"seconds": 0}):
        with pytest.raises(Invalid) as refused:
            as_logo(large, **limits)
        assert refused.value.fields == {"picture": NOT_ONE}


def test_a_logo_needs_words_and_an_administrator(ada, founded, make, client):
    assert 'href="#f-words"' in text(send(ada, saved(badge()), words="  "))
    log_in(client, make.person("bob"))
    assert send(client, saved(badge())).status_code == 403
    for act in ("/1/show", "/hide"):
        assert client.post(PAGE + act).status_code == 403
    assert client.get(PAGE).status_code == 403
    assert db.session.scalar(select(func.count(Logo.id))) == 0


def test_only_a_few_logos_are_kept_and_never_without_the_one_that_is_shown(ada, founded, as_):
    send(ada, saved(badge()))
    first = db.session.scalars(select(Logo)).one()
    ada.post(f"{PAGE}/{first.id}/show")
    drawing = as_logo(saved(badge(50)))
    for number in range(KEPT + 2):
        with as_(founded.ada) as work:
            propose_logo(work, drawing, f"Blason {number}")
    kept = db.session.scalars(select(Logo.words).order_by(Logo.id)).all()
    assert kept == ["Blason de la commune", *(f"Blason {n}" for n in range(2, KEPT + 2))]
    ada.post(f"{PAGE}/{db.session.scalar(select(func.max(Logo.id)))}/show")
    assert db.session.scalars(select(Logo.words).where(Logo.shown)).all() == ["Blason 5"]
