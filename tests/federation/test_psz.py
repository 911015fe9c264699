"""A project's history in one file: verified by a program of its own, which names what is bad."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from datetime import timedelta
from pathlib import Path

import pytest

from collab.core.db import now
from collab.federation.audit import audit
from collab.federation.chain import BrokenLog
from collab.federation.keys import SigningKey, new_ed25519
from collab.federation.log import head
from collab.federation.models import LogEntry
from collab.federation.proofs import add_proof
from collab.federation.psz import Sealer, write_psz
from collab.federation.rotation import RotateKeys, rotate_keys
from collab.federation.standalone import KEYS, LOG, SEAL, Bad, verify
from collab.federation.strictjson import canonical, multihash
from collab.spaces.tools.discussion.inputs import OpenThread, PostMessage
from collab.spaces.tools.discussion.operations import open_thread, post_message
from collab.web.extensions import db


@pytest.fixture
def federation(house):
    return house.app.extensions["collab.federation"]


@pytest.fixture
def ada(make):
    return make.person("ada")


@pytest.fixture
def garden(house, make, as_, federation, ada):
    """A project with a change of keys in the middle of its history."""
    space = make.space(ada)
    with as_(ada) as work:
        thread = open_thread(work, space, OpenThread(title="Eau <b>", body="Bonjour"))
    house.settle()
    with as_(ada) as work:
        rotate_keys(work, RotateKeys(space.actor_id), federation.signing_key)
    for number in range(3):
        with as_(ada) as work:
            post_message(work, space, PostMessage(thread=thread.uid, body=f"message {number}"))
    house.settle()
    return space


@pytest.fixture
def file(house, garden, federation, tmp_path):
    return written(house, garden, federation, tmp_path / "project.psz")


def written(house, space, federation, path):
    key = federation.signing_key(space.actor, "ed25519")
    runtime = house.runtime
    by = Sealer(space.actor, key, now())
    write_psz(db.session(), runtime.tools, runtime.blobs, space, path, by)
    return path


def members(path):
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def rewritten(path, changes):
    """The archive with some files changed, as somebody would who has no key."""
    held = members(path) | changes
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in held.items():
            archive.writestr(name, data)
    return path


def lines_of(path):
    return members(path)[LOG].splitlines()


def changed(path, lines):
    return rewritten(path, {LOG: b"".join(line + b"\n" for line in lines)})


def refusal(path):
    with pytest.raises(Bad) as bad:
        verify(str(path))
    return str(bad.value)


def test_a_whole_history_verifies_and_says_what_it_rests_on(garden, file):
    log = verify(str(file))
    assert log.seq == head(db.session(), garden).seq
    assert log.head == head(db.session(), garden).head
    assert log.counts["proved"] == 4
    assert log.counts["new keys"] == 1
    assert log.counts[f"sealed by {garden.iri}"] == 1
    assert verify(str(file), log.first).seq == log.seq
    with pytest.raises(Bad, match="began with the key"):
        verify(str(file), "z6MkOther")


def test_the_program_in_the_file_runs_where_nothing_of_ours_is(garden, file, tmp_path):
    place = tmp_path / "elsewhere"
    place.mkdir()
    (place / "verify.py").write_bytes(members(file)["verify.py"])
    program = [sys.executable, "-I", "-S", "-c", RUN, str(Path(rfc8785_home())), "verify.py"]
    done = subprocess.run([*program, str(file)], cwd=place, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert f"GOOD {head(db.session(), garden).seq} entries" in done.stdout
    lines = lines_of(file)
    at = next(n for n, line in enumerate(lines, 1) if b"Bonjour" in line)
    changed(file, [line.replace(b"Bonjour", b"Bonsoir") for line in lines])
    done = subprocess.run([*program, str(file)], cwd=place, capture_output=True, text=True)
    assert done.returncode == 1
    assert f"BAD entry {at}: its words are not those that were signed" in done.stderr


RUN = """
import importlib.util, runpy, sys
sys.path.append(sys.argv.pop(1))
sys.argv.pop(0)
class Deaf:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "collab":
            raise ImportError("nothing of ours is here")
sys.meta_path.insert(0, Deaf())
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def rfc8785_home():
    return Path(sys.modules["rfc8785"].__file__).parent.parent


def test_any_flipped_byte_of_the_log_names_its_entry(file):
    whole, lines = file.read_bytes(), lines_of(file)
    for number in (1, 4, len(lines) - 1):
        for place in (3, 60, 400, -200, -40, -2, -1):
            line, raw = lines[number], bytearray(whole)
            raw[raw.index(line) + place % len(line)] ^= 0x01
            file.write_bytes(raw)
            assert refusal(file).startswith(f"entry {number + 1}:"), (number, place)


def test_a_dropped_a_doubled_and_a_moved_entry_are_named(file):
    lines = lines_of(file)
    for wrong in (
        [*lines[:4], *lines[5:]],
        [*lines[:4], lines[3], *lines[4:]],
        [*lines[:4], lines[5], lines[4], *lines[6:]],
    ):
        assert refusal(changed(file, wrong)).startswith("entry 5: it calls itself entry")


def test_an_end_that_was_cut_off_is_seen(file):
    assert "it was sealed with" in refusal(changed(file, lines_of(file)[:-1]))


def forged(file, number, key, change=lambda entry, body: None, at=None):
    """Entry `number` (from 0) said anew by somebody, and those after it chained to it."""
    lines, head_ = [json.loads(line) for line in lines_of(file)], None
    for item in lines[number:]:
        entry = {k: v for k, v in item["entry"].items() if k != "proof"}
        if head_ is None:
            change(entry, item["body"])
        else:
            entry["prev"] = head_
        if item["body"]["type"] != "Tombstone":
            entry["digest"] = multihash(canonical(item["body"]))
        item["entry"] = add_proof(entry, key, at or now())
        head_ = multihash(canonical(item["entry"]))
    return changed(file, [canonical(item) for item in lines])


def test_a_forged_entry_needs_the_project_s_own_key(garden, file):
    last = len(lines_of(file))
    stolen_name = json.loads(lines_of(file)[-1])["entry"]["proof"]["verificationMethod"]
    wrong = SigningKey(stolen_name, "ed25519", new_ed25519())
    assert refusal(forged(file, last - 1, wrong)) == (
        f"entry {last}: the signature of {stolen_name} does not match"
    )


def test_the_first_key_signs_nothing_after_the_log_went_on_with_another(
    house, make, as_, ada, federation, tmp_path
):
    space = make.space(ada)
    with as_(ada) as work:
        thread = open_thread(work, space, OpenThread(title="Eau", body="Bonjour"))
    house.settle()
    old, at = federation.signing_key(space.actor, "ed25519"), now()
    with as_(ada) as work:
        rotate_keys(work, RotateKeys(space.actor_id), federation.signing_key)
        post_message(work, space, PostMessage(thread=thread.uid, body="après"))
    house.settle()
    file = written(house, space, federation, tmp_path / "two.psz")
    last = len(lines_of(file))
    assert f"entry {last}: signed with {old.key_id}, but the log goes on with" in refusal(
        forged(file, last - 1, old, at=at)
    )


def test_an_author_s_key_counts_until_its_end_and_no_longer(
    house, make, as_, ada, federation, tmp_path
):
    space = make.space(ada)
    old = federation.signing_key(ada, "ed25519")
    with as_(ada) as work:
        open_thread(work, space, OpenThread(title="Eau", body="Bonjour"))
    house.settle()
    group = federation.signing_key(space.actor, "ed25519")
    with as_(ada) as work:
        rotate_keys(work, RotateKeys(ada.id), federation.signing_key)
    house.settle()
    file = written(house, space, federation, tmp_path / "three.psz")
    assert verify(str(file)).counts["proved"] == 1

    def later(_entry, body):
        body |= add_proof(body, old, now() + timedelta(hours=2))

    last = len(lines_of(file))
    said = refusal(forged(file, last - 1, group, later))
    assert said == f"entry {last}: signed with {old.key_id} after the end of that key"


def test_words_put_into_somebody_s_mouth_are_named_even_if_the_project_signs_them(
    garden, file, federation
):
    key = federation.signing_key(garden.actor, "ed25519")
    number = len(lines_of(file)) - 1

    def twist(_entry, body):
        body["object"]["content"] = "<p>autre chose</p>"

    assert refusal(forged(file, number, key, twist)).startswith(
        f"entry {number + 1}: the signature"
    )

    def unsigned(_entry, body):
        del body["proof"]

    assert "speaks for somebody who did not sign" in refusal(forged(file, number, key, unsigned))


def test_erased_words_leave_a_history_that_verifies(house, garden, federation, tmp_path):
    row = db.session.query(LogEntry).filter_by(activity_type="Create").first()
    row.body = None
    db.session.commit()
    file = written(house, garden, federation, tmp_path / "erased.psz")
    assert verify(str(file)).counts["erased"] == 1
    assert b"Bonjour" not in members(file)[LOG]
    assert audit(db.session(), garden, now() + timedelta(hours=1)) == []


def test_no_other_file_is_changed_unseen(file):
    for name in ("index.html", "README.md", "verify.py", KEYS):
        data = members(file)[name]
        other = canonical(json.loads(data) | {"more": 1}) if name == KEYS else data + b" "
        assert "is not the one that was sealed" in refusal(rewritten(file, {name: other}))
        rewritten(file, {name: data})


def test_a_seal_of_nobody_known_is_refused(file, federation, ada):
    seal = json.loads(members(file)[SEAL])
    plain = {k: v for k, v in seal.items() if k != "proof"} | {"attributedTo": ada.iri}
    stranger = SigningKey(f"{ada.iri}#ed25519-9", "ed25519", new_ed25519())
    resealed = canonical(add_proof(plain, stranger, now()))
    assert "nobody known sealed it" in refusal(rewritten(file, {SEAL: resealed}))


def test_the_page_can_be_read_and_runs_nothing(file):
    page = members(file)["index.html"].decode()
    assert "message 2" in page
    assert "Eau &lt;b&gt;" in page
    assert "default-src 'none'" in page


def test_what_is_no_archive_is_said_so(tmp_path):
    path = tmp_path / "not.psz"
    path.write_text("nothing")
    assert refusal(path).startswith("the archive cannot be read")


def spoil_body(rows):
    rows[3].body = rows[3].body | {"published": "2001-01-01T00:00:00Z"}
    return 4, "the body is not the one that was signed"


def spoil_chain(rows):
    rows[4].entry = rows[4].entry | {"prev": rows[2].entry_hash}
    return 5, "does not follow the entry before it"


def spoil_signature(rows):
    proof = rows[2].entry["proof"] | {"created": "2001-01-01T00:00:00Z"}
    rows[2].entry = rows[2].entry | {"proof": proof}
    return 3, "signature refused"


def drop(rows):
    db.session.delete(rows[4])
    return 5, "it is missing"


def spoil_column(rows):
    rows[1].digest = rows[2].digest
    return 2, "the database says something else"


@pytest.mark.parametrize("spoil", [spoil_body, spoil_chain, spoil_signature, drop, spoil_column])
def test_a_log_in_the_database_is_verified_and_the_first_bad_entry_named(garden, spoil):
    at = now() + timedelta(hours=1)
    assert audit(db.session(), garden, at) == []
    number, why = spoil(db.session.query(LogEntry).order_by(LogEntry.seq).all())
    db.session.commit()
    with pytest.raises(BrokenLog) as broken:
        audit(db.session(), garden, at)
    assert broken.value.seq == number
    assert why in broken.value.detail
