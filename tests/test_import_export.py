"""Documents in from Markdown files and out again: nothing lost, doubled or let in by a trick."""

from __future__ import annotations

import io
import os
import stat
import zipfile
from pathlib import Path

import pytest
from click.testing import CliRunner
from conftest import log_in
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from collab.cli import cli
from collab.core.errors import Conflict, Invalid
from collab.spaces.models import Role
from collab.spaces.tools.pages.exchange import files_of, run_import, zip_of
from collab.spaces.tools.pages.inputs import EditDocument, WriteDocument
from collab.spaces.tools.pages.models import Document
from collab.spaces.tools.pages.operations import edit_document, write_document
from collab.spaces.tools.pages.queries import backlinks, document_at, documents, tree
from collab.spaces.tools.pages.sheets import Sheet, digest_of, read_sheet, write_sheet
from collab.spaces.tools.pages.sources import Found, files_in, files_in_zip, is_safe
from collab.spaces.tools.pages.trees import plan_import
from collab.web.extensions import db

BASE = "https://here.example"
LIMIT = 100_000


@pytest.fixture
def ada(make):
    return make.person("ada")


@pytest.fixture
def space(make, ada):
    return make.space(ada)


@pytest.fixture
def bring(house, ada, space):
    """Imports files given as `{path: content}`; the report."""

    def bring(files, into=None):
        found = [Found(path, c.encode() if isinstance(c, str) else c) for path, c in files.items()]
        plan = plan_import(db.session(), into or space, found)
        return run_import(lambda: house.as_(ada), into or space, plan, lambda path: None)

    return bring


def titles(space):
    return [d.title for d in documents(db.session(), space)]


# ------------------------------------------------------------------- one file


def test_front_matter_gives_title_tags_and_description_and_the_rest_is_kept():
    sheet = read_sheet(
        b"---\ntitle: Semis\ntags: [a, '#b', a]\ndescription: Quoi\ndate: 2014-05-01\n"
        b"published: false\nauthor:\n---\n# Autre\n"
    )
    assert (sheet.title, sheet.tags, sheet.description) == ("Semis", ("a", "b"), "Quoi")
    assert sheet.extra == {"date": "2014-05-01", "published": False, "author": None}
    assert (sheet.heading, sheet.source) == ("Autre", "# Autre\n")


@pytest.mark.parametrize(
    ("front", "title"),
    [
        ("title: [a: b", "[a: b"),
        ("title: Les communs : un guide\ntags: x", "Les communs : un guide"),
        ("- une\n- liste", ""),
        ("juste un mot", ""),
        ("title: &a x\nb: [*a, *a]", "&a x"),
        ("title: !!python/name:os.system", "!!python/name:os.system"),
        ("title: 2024", "2024"),
        ("title:\n  a: b", ""),
        ('title: "a\\0b\\ud800c"', "ab?c"),
        ("x: " + "[" * 900, ""),
        ("", ""),
    ],
)
def test_messy_or_hostile_front_matter_never_stops_a_file(front, title):
    sheet = read_sheet(f"---\n{front}\n---\nTexte".encode())
    assert sheet.title == title
    assert sheet.source == "Texte"
    digest_of(sheet)


@pytest.mark.parametrize(
    ("text", "heading"),
    [
        ("Un mot\n# **Les** [Fablabs](http://x.example) #\n", "Les Fablabs"),
        ("#Budget participatif", "Budget participatif"),
        ("```\n# pas un titre\n```\n## Deux\n# Un", "Un"),
        ("## Deux", ""),
        ("", ""),
    ],
)
def test_the_first_heading_is_read_outside_of_code(text, heading):
    assert read_sheet(text.encode()).heading == heading


@pytest.mark.parametrize("raw", [b"caf\xe9", b"\xff\xfea\0", b"a\0b"])
def test_what_is_not_text_in_utf8_is_refused(raw):
    with pytest.raises(Invalid):
        read_sheet(raw)


words = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cf", "Cs", "Zl", "Zp"]))


@given(
    title=words.map(lambda t: " ".join(t.split())[:100].strip()).filter(bool),
    tags=st.lists(st.from_regex(r"[a-zé]{1,9}", fullmatch=True), max_size=4, unique=True),
    source=st.text(st.characters(codec="utf-8", exclude_characters="\0\r")),
)
@settings(max_examples=200, deadline=None)
def test_what_is_written_to_a_file_is_read_back(title, tags, source):
    sheet = Sheet(title, "", source, tuple(tags), "", {"date": "2014-05-01", "n": 3})
    again = read_sheet(write_sheet(sheet).encode())
    assert digest_of(again) == digest_of(sheet)


# ----------------------------------------------------------------------- a tree


def test_a_tree_of_files_becomes_a_tree_of_documents(bring, space):
    report = bring(
        {
            "README.md": "# Bienvenue",
            "jardin/README.md": "---\ntitle: Le jardin\n---\nTexte du dossier",
            "jardin/semis.md": "fèves",
            "jardin/outils/beche.md": "# Bêche",
            "eau.md": "L’eau",
            "eau/pluie.md": "La pluie",
        }
    )
    assert report.line() == "imported 6, unchanged 0, refused 0"

    def shape(nodes):
        return {n.title: shape(n.children) for n in nodes}

    assert shape(tree(db.session(), space)) == {
        "Bienvenue": {},
        "Eau": {"Pluie": {}},
        "Le jardin": {"Outils": {"Bêche": {}}, "Semis": {}},
    }


def test_a_title_that_is_everybodys_is_nobodys(bring, space):
    same = "---\ntitle: Contribution\n---\n"
    bring({"a.md": f"{same}# Un", "b.md": f"{same}# Deux", "le_troisieme.md": same})
    assert titles(space) == ["Deux", "Le troisieme", "Un"]


def test_doing_it_again_changes_only_what_changed(bring, space):
    files = {"a.md": "# A\n\nun", "b/c.md": "# C"}
    bring(files)
    assert bring(files).line() == "imported 0, unchanged 2, refused 0"
    assert bring(files | {"a.md": "# A\n\ndeux"}).line() == "imported 1, unchanged 1, refused 0"
    document = document_at(db.session(), space, "a")
    assert (document.source, document.revision) == ("# A\n\ndeux", 2)
    assert len(titles(space)) == 3


def test_tags_changed_in_a_file_are_a_change(bring, space):
    bring({"a.md": "---\ntitle: A\ntags: x\n---\nun"})
    assert bring({"a.md": "---\ntitle: A\ntags: y\n---\nun"}).imported == 1
    assert document_at(db.session(), space, "a").tags == ["y"]


def test_what_was_written_here_since_is_merged_with_each_new_version_of_the_file(
    bring, space, as_, ada
):
    bring({"a.md": "# A\n\nun\n\ndeux"})
    document = document_at(db.session(), space, "a")
    with as_(ada) as work:
        edit_document(work, space, EditDocument(document=document.uid, source="# A\n\nUN\n\ndeux"))
    assert bring({"a.md": "# A\n\nun\n\ndeux"}).unchanged == 1
    for line in ("DEUX", "TROIS"):
        assert bring({"a.md": f"# A\n\nun\n\n{line}"}).imported == 1
        assert document.source == f"# A\n\nUN\n\n{line}"


def test_a_title_changed_here_outlives_a_new_version_of_the_file(bring, space, as_, ada):
    bring({"a.md": "---\ntitle: A\n---\nun"})
    document = document_at(db.session(), space, "a")
    with as_(ada) as work:
        edit_document(work, space, EditDocument(document=document.uid, title="Mieux"))
    assert bring({"a.md": "---\ntitle: A\n---\ndeux"}).imported == 1
    assert (document.title, document.source) == ("Mieux", "deux")


def test_a_clash_with_what_was_written_here_is_refused_and_loses_nothing(bring, space, as_, ada):
    bring({"a.md": "un"})
    document = document_at(db.session(), space, "a")
    with as_(ada) as work:
        edit_document(work, space, EditDocument(document=document.uid, source="deux"))
    report = bring({"a.md": "trois"})
    assert report.line() == "imported 0, unchanged 0, refused 1"
    assert document.source == "deux"


def test_links_between_files_lead_to_their_documents(bring, space, client):
    bring(
        {
            "a.md": "[suite](b/c.md#fin) [dossier](b/) [rien](z.md) ![plan](plan.png)",
            "b/c.md": "[retour](../a.md) [web](https://x.example/a.md)",
        }
    )
    text = client.get("/p/jardin/pages/a", base_url=BASE).get_data(as_text=True)
    assert 'href="/p/jardin/pages/c#fin"' in text
    assert 'href="/p/jardin/pages/b"' in text
    assert 'src="plan.png"' not in text
    assert "Image : plan" in text
    text = client.get("/p/jardin/pages/c", base_url=BASE).get_data(as_text=True)
    assert 'href="/p/jardin/pages/a"' in text
    assert 'href="https://x.example/a.md"' in text
    target = document_at(db.session(), space, "c")
    assert [d.title for d in backlinks(db.session(), target)] == ["A"]


def test_one_file_too_long_is_refused_and_the_others_are_brought_in(bring, space):
    report = bring({"a.md": "x" * 200_001, "a/b.md": "un", "c.md": b"\xff"})
    assert report.line() == "imported 1, unchanged 0, refused 2"
    assert {path for path, _ in report.refused} == {"a.md", "c.md"}
    assert all(why for _, why in report.refused)
    assert titles(space) == ["B"]


def test_what_is_exported_and_imported_again_changes_nothing(bring, make, space, as_, ada):
    bring(
        {
            "b/README.md": "---\ntitle: B\nauthor: moi\n---\nTexte",
            "b/c.md": "---\ntags: x, y\n---\n# C\n\nun",
            "d/e/f.md": "F",
            "g.md": "g",
        }
    )
    with as_(ada) as work:
        top = write_document(work, space, WriteDocument("Écrit ici", "là", description="quoi"))
        for title in ("Dessous", "Readme", "Dessous"):
            write_document(work, space, WriteDocument(title, "x", parent=top.uid))
        below = document_at(db.session(), space, "g").uid
        write_document(work, space, WriteDocument("Sous g", parent=below))
    out = dict(files_of(db.session(), space))
    assert set(out) == {
        "b/README.md",
        "b/c.md",
        "d/e/f.md",
        "g.md",
        "g/sous-g.md",
        "ecrit-ici/index.md",
        "ecrit-ici/dessous.md",
        "ecrit-ici/dessous-2.md",
        "ecrit-ici/readme-page.md",
    }
    assert "author: moi" in out["b/README.md"]
    before = [(d.id, d.revision, d.parent_id) for d in documents(db.session(), space)]
    assert bring(out).line() == f"imported 0, unchanged {len(out)}, refused 0"
    after = [(d.id, d.revision, d.parent_id) for d in documents(db.session(), space)]
    assert after == before
    other = make.space(ada, slug="autre")
    bring(out, into=other)
    assert dict(files_of(db.session(), other)) == out


def test_nothing_is_imported_into_a_project_of_elsewhere(bring, space):
    space.local = False
    with pytest.raises(Conflict):
        bring({"a.md": "un"})


# -------------------------------------------------------------- hostile sources


def zipped(**files):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in files.get("files", {}).items():
            archive.writestr(path, content)
    packed.seek(0)
    return packed


@pytest.mark.parametrize(
    "path",
    ["../a.md", "/etc/a.md", "a/../../b.md", "C:/a.md", "a\\..\\b.md", "a//b.md", "./a.md",
     "a\n.md", "x" * 600 + ".md"],
)  # fmt: skip
def test_a_path_that_leaves_its_folder_is_refused(path):
    assert not is_safe(path)
    found = list(files_in_zip(zipped(files={path: "un", "bon.md": "deux"}), LIMIT))
    assert [f.path for f in found if not f.refused] == ["bon.md"]


def test_a_zip_holds_links_locked_heavy_and_dense_files_in_vain():
    packed = zipped(
        files={
            "bon.md": "un",
            "lourd.md": os.urandom(LIMIT + 1),
            "dense.md": "a" * (LIMIT - 1),
            ".cache/x.md": "caché",
            "__MACOSX/y.md": "non",
            "image.png": "non",
        }
    )
    with zipfile.ZipFile(packed, "a") as archive:
        link = zipfile.ZipInfo("lien.md")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    found = {f.path: f for f in files_in_zip(packed, LIMIT)}
    assert set(found) == {"bon.md", "lourd.md", "dense.md", "lien.md"}
    assert {path for path, f in found.items() if f.refused} == {"lourd.md", "dense.md", "lien.md"}


def test_a_zip_in_all_too_large_or_with_too_many_files_is_refused(monkeypatch):
    monkeypatch.setattr("collab.spaces.tools.pages.sources.MAX_TOTAL", 1000)
    monkeypatch.setattr("collab.spaces.tools.pages.sources.MAX_FILES", 20)
    with pytest.raises(Invalid):
        list(files_in_zip(zipped(files={f"{n}.md": os.urandom(300) for n in range(5)}), LIMIT))
    with pytest.raises(Invalid):
        list(files_in_zip(zipped(files={f"{n}.md": "" for n in range(21)}), LIMIT))


@pytest.mark.parametrize("raw", [b"", b"rien", b"PK\x03\x04" + b"\0" * 40])
def test_what_is_no_zip_is_refused(raw):
    with pytest.raises(Invalid):
        list(files_in_zip(io.BytesIO(raw), LIMIT))


def test_a_damaged_file_of_a_zip_is_refused_and_the_others_read():
    raw = bytearray(zipped(files={"a.md": "a" * 500, "b.md": "bon"}).getvalue())
    at = raw.index(b"a.md") + 4
    raw[at : at + 4] = b"\xff\xff\xff\xff"
    found = {f.path: f for f in files_in_zip(io.BytesIO(bytes(raw)), LIMIT)}
    assert found["a.md"].refused
    assert found["b.md"].content == b"bon"


def test_links_in_a_folder_are_not_followed(tmp_path: Path):
    secret = tmp_path / "secret.md"
    secret.write_text("secret")
    folder = tmp_path / "arbre"
    (folder / "dedans").mkdir(parents=True)
    (folder / "bon.md").write_text("un")
    (folder / "lien.md").symlink_to(secret)
    (folder / "dossier").symlink_to(tmp_path)
    (folder / "gros.md").write_bytes(b"x" * (LIMIT + 1))
    os.mkfifo(folder / "tuyau.md")
    found = {f.path: f for f in files_in(folder, LIMIT)}
    assert [path for path, f in found.items() if not f.refused] == ["bon.md"]
    assert set(found) == {"bon.md", "lien.md", "dossier", "gros.md", "tuyau.md"}


# ------------------------------------------------------------------- by the door


@pytest.fixture
def command(house, space):
    db.session.commit()

    there = {"COLLAB_DATABASE__URL": db.engine.url.render_as_string(hide_password=False)}

    def command(*words):
        said = [*words, "--space", "jardin", "--instance", str(house.path)]
        return CliRunner().invoke(cli, said, env=there)

    return command


def test_the_command_line_imports_reports_repeats_and_exports(command, tmp_path, space):
    folder = tmp_path / "arbre"
    (folder / "b").mkdir(parents=True)
    (folder / "a.md").write_text("# A\n\nun")
    (folder / "b" / "c.md").write_text("# C\n\n[a](../a.md)")
    (folder / "mauvais.md").write_bytes(b"\xff")
    done = command("import", "markdown", str(folder), "--as", "ada")
    assert done.exit_code == 0, done.output
    assert done.stdout.splitlines()[-1] == "imported 2, unchanged 0, refused 1"
    assert "refused mauvais.md: " in done.stderr
    assert "4 of 4" in done.stderr, "three files and a folder"
    again = command("import", "markdown", str(folder))
    assert again.stdout.splitlines()[-1] == "imported 0, unchanged 2, refused 1"
    out = tmp_path / "sortie"
    told = command("export", "markdown", str(out))
    assert (told.exit_code, told.stdout.strip()) == (0, "exported 2")
    assert sorted(p.relative_to(out).as_posix() for p in out.rglob("*.md")) == ["a.md", "b/c.md"]
    assert (out / "a.md").read_text() == "---\ntitle: A\n---\n# A\n\nun"
    back = command("import", "markdown", str(out))
    assert back.stdout.splitlines()[-1] == "imported 0, unchanged 2, refused 0"


@pytest.mark.parametrize(
    "words", [("import", "markdown", "/nowhere"), ("import", "markdown", ".", "--as", "nobody")]
)
def test_a_command_that_cannot_be_done_says_why_in_a_line(command, words):
    done = command(*words)
    assert done.exit_code == 1
    assert done.stderr.startswith("collab: ")


def test_an_export_never_writes_through_a_link(command, tmp_path, bring):
    bring({"b/c.md": "un"})
    outside, out = tmp_path / "dehors", tmp_path / "sortie"
    outside.mkdir()
    out.mkdir()
    (out / "b").symlink_to(outside)
    db.session.commit()
    assert command("export", "markdown", str(out)).exit_code == 1
    assert list(outside.iterdir()) == []


def test_a_facilitator_uploads_a_zip_and_reads_the_report(client, ada, space, bring):
    log_in(client, ada)
    files = {"Mon dossier/a.md": "# A", "Mon dossier/mauvais.md": b"\xff"}
    files["Mon dossier/a.md"] += "\n\n<script>x</script>"
    for line in ("1 fichier importé", "1 fichier inchangé"):
        sent = {"file": (zipped(files=files), "arbre.zip")}
        answer = client.post("/p/jardin/pages/import", data=sent, base_url=BASE)
        text = answer.get_data(as_text=True)
        assert answer.status_code == 200
        assert line in text
        assert "mauvais.md" in text
        assert "Un script est enlevé." in text
    assert titles(space) == ["A"]
    wrong = {"file": (io.BytesIO(b"rien"), "arbre.zip")}
    answer = client.post("/p/jardin/pages/import", data=wrong, base_url=BASE)
    assert answer.status_code == 422


def test_a_zip_of_the_documents_is_taken_in_again_without_a_change(client, ada, space, bring):
    bring({"a/b.md": "# B", "a/c.md": "# C"})
    packed = zip_of(db.session(), space)
    assert packed == zip_of(db.session(), space)
    log_in(client, ada)
    sent = {"file": (io.BytesIO(packed), "jardin.zip")}
    answer = client.post("/p/jardin/pages/import", data=sent, base_url=BASE)
    assert "2 fichiers inchangés" in answer.get_data(as_text=True)
    assert len(db.session.scalars(select(Document)).all()) == 3


def test_members_who_are_no_facilitators_upload_nothing(client, make, ada, space):
    bob = make.person("bob")
    make.member(space, ada, bob, Role.MEMBER)
    log_in(client, bob)
    assert client.get("/p/jardin/pages/import", base_url=BASE).status_code == 403
    sent = {"file": (zipped(files={"a.md": "un"}), "arbre.zip")}
    answer = client.post("/p/jardin/pages/import", data=sent, base_url=BASE)
    assert answer.status_code == 403
    assert titles(space) == []


def test_what_a_file_is_shown_without_and_files_of_one_name_are_reported(ada, space, house):
    files = [
        ("script.md", b"# A\n\n<script>x</script> [b](data:text/html,x) <img src=x onerror=y>"),
        ("front.md", b"---\ntitle: [pas fini\n---\nun"),
        ("code.md", b"```\n<script>x</script>\n```\n`<img onerror=y>`"),
        ("code.md", b"autre"),
    ]
    plan = plan_import(db.session(), space, [Found(*file) for file in files])
    report = run_import(lambda: house.as_(ada), space, plan, lambda path: None)
    assert [path for path, _ in report.cleaned] == ["script.md"] * 3 + ["front.md"]
    assert [path for path, _ in report.refused] == ["code.md"]
    assert report.imported == 3
