"""Documents on paper: what they say, how it is read, and what no text can make the press do."""

from __future__ import annotations

import io
import re
import socket
import subprocess
import threading
import xml.etree.ElementTree as ET
import zipfile

import pytest

from collab.core.markup import plain, render
from collab.core.paper import press as pressing
from collab.core.paper.making import read
from collab.core.paper.pdf import FORMS
from collab.core.paper.press import NotPrinted, figures, press
from collab.core.paper.reading import blocks_of, text_of
from collab.core.paper.words import direction, language

SOURCE = """# Février

Semer les fèves : attention au gel ! « Oui » ; [la mairie](https://mairie.example/jardins?a=1&b=2).

#### Pas de saut **ici**

- pois
    - nains

3. trois

| Mois | Récolte |
|------|--------:|
| Mars | 12 kg |

> Un jardin se partage.

مرحبا بكم في الحديقة (السبت، الساعة 10)

    #read("/etc/passwd")
"""
TRAPS = """#import "@preview/cetz:0.3.1" #read("/etc/passwd") #image("/etc/hostname") #eval("1+1")

![photo](http://127.0.0.1:{port}/photo.png) ![disque](file:///etc/passwd) <img src="/etc/passwd">

<script>alert(1)</script> $ x $ \\#sys.inputs `#{{}}` @page <!ENTITY x SYSTEM "file:///etc/passwd">
"""


def order(source: str, **more: str) -> dict:
    html = render(source, heading_ids=True)
    words = {"qr": "Code carré", "online": "En ligne :", "taken": "Copie."}
    return {
        "html": html, "plain": plain(html), "base": "https://a.example", "lang": "fr",
        "language": "",
        "title": "Le calendrier : semis", "description": "", "authors": ["Ada", "Omar"],
        "byline": "par Ada, Omar", "space": "Jardin", "place": "a.example", "words": words,
        "cloth": '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"/>',
        "address": "https://a.example/p/jardin/pages/x", "shown": "a.example/p/jardin/pages/x",
        **more,
    }  # fmt: skip


def parts(body: bytes) -> dict[str, str]:
    with zipfile.ZipFile(io.BytesIO(body)) as file:
        names = [name for name in file.namelist() if name.endswith(("xml", "opf"))]
        return {name: file.read(name).decode() for name in names}


@pytest.fixture(scope="module")
def pdf():
    return press("pdf", "document", order(SOURCE), name="one")


def test_a_pdf_keeps_pdf_ua_and_is_known_by_its_figures(pdf):
    assert pdf.accessible
    assert b"<pdfuaid:part>1</pdfuaid:part>" in pdf.body
    assert b"/MarkInfo" in pdf.body or b"/StructTreeRoot" in pdf.body
    assert figures("one") == pressing.Figures(len(pdf.body), True)
    assert figures("two") is None


def test_a_pdf_says_title_authors_and_language(pdf):
    said = pdf.body.decode("latin-1").encode("latin-1").decode("utf-8", "replace")
    assert "<rdf:li>Ada, Omar</rdf:li>" in said
    assert "Le calendrier\u00a0: semis" in said
    assert "<rdf:li>fr</rdf:li>" in said
    assert "/Outlines" in said


def test_a_sign_that_no_letter_here_can_show_takes_the_promise_away_not_the_file():
    made = press("pdf", "document", order("Une fleur 🌼 et 漢字."))
    assert made.body.startswith(b"%PDF-")
    assert not made.accessible


def test_an_odt_has_headings_lists_tables_and_the_direction_of_each_paragraph():
    content = parts(press("odt", "document", order(SOURCE)).body)["content.xml"]
    root = ET.fromstring(content)
    words = "".join(root.itertext())
    assert "Semer les fèves\u00a0: attention au gel\u00a0! «\u00a0Oui\u00a0»\u00a0;" in words
    levels = re.findall(r'<text:h [^>]*outline-level="(\d)"', content)
    assert levels == ["1", "2"], "no level is skipped"
    assert 'style-name="Body-rtl"' in content
    assert 'text:start-value="3"' in content
    assert "table:table-header-rows" in content
    assert 'style-name="Quote-ltr"' in content
    assert 'style-name="Heading_20_1"' in content
    assert 'xlink:href="https://mairie.example/jardins?a=1&amp;b=2"' in content


def test_an_epub_is_a_book_with_contents_language_and_authors():
    body = press("epub", "document", order(SOURCE)).body
    with zipfile.ZipFile(io.BytesIO(body)) as file:
        assert file.infolist()[0].filename == "mimetype"
        assert file.infolist()[0].compress_type == zipfile.ZIP_STORED
        for name in file.namelist():
            if name.endswith((".xhtml", ".xml", ".opf", ".ncx")):
                ET.fromstring(file.read(name))
        text, nav = file.read("EPUB/text.xhtml").decode(), file.read("EPUB/nav.xhtml").decode()
    opf = parts(body)["EPUB/content.opf"]
    assert "<dc:language>fr</dc:language>" in opf
    assert re.findall(r"<dc:creator[^>]*>([^<]+)", opf) == ["Ada", "Omar"]
    assert 'href="text.xhtml#t-fevrier"' in nav
    assert '<p dir="rtl">مرحبا' in text
    assert '<li>\n        <p dir="ltr">pois</p>' in text
    assert 'start="3"' in text
    assert '<pre dir="ltr">' in text, "a direction is said in the text, no book may style it"
    with zipfile.ZipFile(io.BytesIO(body)) as file:
        assert "direction" not in file.read("EPUB/look.css").decode()


def test_an_epub_says_what_readers_of_books_ask_for():
    """EPUB 3.3: the container names the package, whose every file is there and says what it is."""
    with zipfile.ZipFile(io.BytesIO(press("epub", "document", order(SOURCE)).body)) as file:
        assert file.read("mimetype") == b"application/epub+zip"
        container = ET.fromstring(file.read("META-INF/container.xml"))
        package = container.find(".//{*}rootfile").get("full-path")
        opf, names = ET.fromstring(file.read(package)), set(file.namelist())
    folder = package.rpartition("/")[0]
    items = {item.get("id"): item for item in opf.iterfind("{*}manifest/{*}item")}
    assert {f"{folder}/{item.get('href')}" for item in items.values()} == names - {
        "mimetype", "META-INF/container.xml", package,
    }  # fmt: skip
    assert [i.get("properties") for i in items.values() if i.get("properties")] == ["nav"]
    assert all(ref.get("idref") in items for ref in opf.iterfind("{*}spine/{*}itemref"))
    said = {e.get("id"): e.text for e in opf.iterfind("{*}metadata/{*}identifier")}
    assert said[opf.get("unique-identifier")].startswith("https://")
    assert opf.get("version") == "3.0"
    assert opf.find("{*}metadata/{*}title").text
    modified = opf.find("{*}metadata/{*}meta[@property='dcterms:modified']")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", modified.text)


@pytest.mark.parametrize("kind", ["pdf", "odt", "epub"])
def test_nothing_in_a_text_reads_a_file_or_asks_another_host(kind):
    """Server-side request forgery and reading local files: what is written stays words."""
    asked: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as trap:
        port = trap.getsockname()[1]
        threading.Thread(target=_listen, args=(trap, asked), daemon=True).start()
        source = TRAPS.format(port=port)
        made = press(kind, "document", order(source, title='#read("/etc/passwd")'))
        with socket.create_connection(("127.0.0.1", port)) as last:
            last.sendall(b"the end")
        threading.Event().wait(0.05)
    assert [told for told in asked if told != b"the end"] == []
    held = b"".join(_opened(made.body)) if kind != "pdf" else made.body
    assert b"root:" not in held
    if kind != "pdf":
        assert b'#read("/etc/passwd")' in held.replace(b"&quot;", b'"').replace(
            b"\xe2\x80\x8b", b""
        )
        assert b"<script" not in held


def _listen(trap: socket.socket, asked: list[bytes]) -> None:
    while True:
        try:
            asker, _address = trap.accept()
        except OSError:
            return
        with asker:
            asked.append(asker.recv(100))


def _opened(body: bytes) -> list[bytes]:
    with zipfile.ZipFile(io.BytesIO(body)) as file:
        return [file.read(name) for name in file.namelist()]


@pytest.mark.parametrize(
    ("deed", "told"),
    [
        ("bytearray(1 << 30)", b"MemoryError"),
        ("os.write(os.open(sys.argv[1], os.O_CREAT | os.O_WRONLY), b'x')", b"File too large"),
        ("print([n for n in os.environ if 'COLLAB' in n])", b""),
    ],
)
def test_the_press_has_little_memory_writes_no_file_and_knows_no_setting(
    deed, told, monkeypatch, tmp_path
):
    monkeypatch.setenv("COLLAB_SECRET", "told to nobody")
    done = subprocess.run(
        [*pressing.COMMAND[:-2], "-c",
         f"import os, sys; from collab.core.paper.limits import limit; limit(); {deed}",
         tmp_path / "file"],
        capture_output=True, env=pressing.SURROUNDINGS,
    )  # fmt: skip
    assert told in done.stderr
    assert done.stdout.strip() in {b"", b"[]"}
    assert bool(done.returncode) == bool(told)


def test_what_is_too_long_is_refused_before_it_is_begun():
    with pytest.raises(NotPrinted) as refused:
        press("pdf", "document", order("x", html="y" * (pressing.LARGEST + 1)))
    assert refused.value.status == 413


def test_what_takes_too_long_is_given_up(monkeypatch):
    monkeypatch.setattr(pressing, "LONGEST", 0.01)
    with pytest.raises(NotPrinted) as given_up:
        press("odt", "document", order("x"))
    assert given_up.value.status == 503
    monkeypatch.setattr(pressing, "WAIT", 0.01)
    for _turn in range(pressing.AT_ONCE):
        pressing._turns.acquire()
    try:
        with pytest.raises(NotPrinted, match="Trop de fichiers"):
            press("odt", "document", order("x"))
    finally:
        for _turn in range(pressing.AT_ONCE):
            pressing._turns.release()


def test_blocks_hold_words_and_marks_never_markup():
    found = blocks_of(
        "<p>a <b>b</b>\n  c<br><a href='javascript:x'>d</a><img alt='e' src='/f'></p>"
    )
    assert text_of(found[0]["runs"]) == "a b c\nd[e]"
    assert [run["m"] for run in found[0]["runs"] if "s" in run][1] == ["strong"]
    assert not any("href" in run for run in found[0]["runs"])


def test_lists_inside_each_other_have_an_end():
    found = blocks_of("<ul><li>" * 60 + "x")
    depth = 0
    while found and found[0]["t"] == "list":
        depth, found = depth + 1, found[0]["items"][0]
    assert depth == 8
    made = press("pdf", "document", order("", html="<blockquote><ul><li>x" * 30))
    assert made.body.startswith(b"%PDF-")


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("Le jardin est ouvert pour vous et nous", "fr"),
        ("The garden is open to all of you", "en"),
        ("مرحبا بكم في الحديقة", "ar"),
        ("Zuzenean", "br"),
        ("", "br"),
    ],
)
def test_a_text_shows_its_language(text, spoken):
    assert language(text, "br") == spoken


def test_a_paragraph_runs_as_its_first_letter():
    assert direction("12 : نعم ok") == "rtl"
    assert direction("« ok » نعم") == "ltr"


def test_what_a_document_says_of_its_language_counts_before_what_it_shows():
    assert read(order("Le jardin est pour vous", language="br"))["lang"] == "br"
    assert read(order("Le jardin est pour vous", lang="en"))["lang"] == "fr"


def test_an_address_is_written_out_once():
    link = "[a](https://a.example/b) "
    runs = read(order(link * 3 + "[c](https://a.example/c)"))["blocks"][0]["runs"]
    assert [run["at"] for run in runs if "at" in run] == [
        "https://a.example/b",
        "https://a.example/c",
    ]


def test_a_document_runs_as_its_title():
    assert read(order("x", title="الحديقة"))["dir"] == "rtl"
    assert FORMS.is_dir()
