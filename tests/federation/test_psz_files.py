"""The recordings of a project go with its history, once each, and are what the log says of them."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from pathlib import Path

import pytest
from conftest import log_in

from collab.core.db import now
from collab.federation.proofs import add_proof
from collab.federation.psz import Sealer, write_psz
from collab.federation.standalone import LOG, SEAL, Bad, verify
from collab.federation.strictjson import canonical
from collab.spaces.files import StoredFile
from collab.spaces.models import Item
from collab.spaces.tools.discussion.inputs import OpenThread, Remove
from collab.spaces.tools.discussion.operations import open_thread, remove
from collab.web.extensions import db

WEBM = (Path(__file__).parent.parent / "files" / "voice.webm").read_bytes()


class Spoken:
    """A project of ada in which she said things aloud, and its archive."""

    def __init__(self, house, make, as_, place):
        self.house, self.as_, self.place = house, as_, place
        self.federation = house.app.extensions["collab.federation"]
        self.ada = make.person("ada")
        self.space = make.space(self.ada)
        with as_(self.ada) as work:
            self.thread = open_thread(work, self.space, OpenThread(title="Eau", body="Oui ?")).uid
        house.settle()
        self.browser = house.client()
        log_in(self.browser, self.ada)

    def say(self, words, content=WEBM):
        """A recording with these words beside it; its row."""
        data = {"body": words, "voice": (io.BytesIO(content), "x")}
        path = f"/p/jardin/discussion/{self.thread}/voice"
        assert self.browser.post(path, data=data).status_code == 302
        self.house.settle()
        item = db.session.query(Item).filter_by(source=words).one()
        return db.session.query(StoredFile).filter_by(item_id=item.id).one()

    def written(self):
        runtime, actor = self.house.runtime, self.space.actor
        by = Sealer(actor, self.federation.signing_key(actor, "ed25519"), now())
        write_psz(db.session(), runtime.tools, runtime.blobs, self.space, self.place, by)
        return self.place

    def resealed(self, changes, without=()):
        """The archive with other files, sealed anew by the project itself."""
        held = {n: d for n, d in members(self.place).items() if n not in without} | changes
        seal = json.loads(held.pop(SEAL))
        seal = {k: v for k, v in seal.items() if k != "proof"}
        seal["files"] = {name: digest_of(data) for name, data in held.items()}
        key = self.federation.signing_key(self.space.actor, "ed25519")
        held[SEAL] = canonical(add_proof(seal, key, now()))
        return packed(self.place, held)


@pytest.fixture
def spoken(house, make, as_, tmp_path):
    return Spoken(house, make, as_, tmp_path / "project.psz")


def digest_of(data):
    return hashlib.sha256(data).hexdigest()


def other(number):
    """Another sound, as long and as heavy."""
    return WEBM.replace(b"Chrome", b"Chrom%d" % number)


def members(path):
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(path, held, compression=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, data in held.items():
            archive.writestr(name, data)
    return path


def sounds(path):
    return {name: data for name, data in members(path).items() if name.startswith("files/")}


def refusal(path):
    with pytest.raises(Bad) as bad:
        verify(str(path))
    return str(bad.value)


def test_what_was_said_aloud_is_in_the_archive_once_and_can_be_heard_from_its_page(spoken):
    file = spoken.say("Une fois")
    spoken.say("Deux fois")
    spoken.say("Autrement", other(1))
    path = spoken.written()
    name = f"files/{file.digest}.webm"
    assert sounds(path) == {name: WEBM, f"files/{digest_of(other(1))}.webm": other(1)}
    assert verify(str(path)).counts["files as the log says"] == 2
    page = members(path)["index.html"].decode()
    assert page.count(f'<audio controls preload="none" src="{name}"></audio>') == 2
    assert page.count(f'<a href="{name}">') == 2
    policy = page.partition('Policy" content="')[2].partition('"')[0]
    assert policy == "default-src 'none'; style-src 'unsafe-inline'; media-src 'self'"
    assert "files/" in members(path)["README.md"].decode()
    with zipfile.ZipFile(path) as archive:
        assert {info.compress_type for info in archive.infolist()} == {zipfile.ZIP_STORED}


def test_what_was_taken_back_hidden_or_is_not_here_does_not_go_out(spoken, make):
    first, second, third = (spoken.say(f"dit {n}", other(n)) for n in range(3))
    with spoken.as_(spoken.ada) as work:
        remove(work, spoken.space, Remove(item=first.item.uid))
    spoken.house.runtime.blobs.drop(second.digest)
    third.held = False
    db.session.commit()
    assert sounds(spoken.written()) == {}
    fourth = spoken.say("dit encore", other(4))
    assert list(sounds(spoken.written())) == [f"files/{fourth.digest}.webm"]
    spoken.ada.suspended_at = now()
    db.session.commit()
    assert sounds(spoken.written()) == {}
    assert "<audio" not in members(spoken.place)["index.html"].decode()
    assert verify(str(spoken.place)).counts["files as the log says"] == 0


def test_a_recording_that_is_damaged_on_this_disk_does_not_spoil_the_archive(spoken):
    damaged, whole = spoken.say("un", other(1)), spoken.say("deux", other(2))
    spoken.house.runtime.blobs.path(damaged.digest).write_bytes(b"\0" * len(WEBM))
    assert list(sounds(spoken.written())) == [f"files/{whole.digest}.webm"]
    assert verify(str(spoken.place)).counts["files as the log says"] == 1


def test_a_flipped_byte_of_a_recording_names_it(spoken):
    file = spoken.say("Bonjour")
    raw = bytearray(spoken.written().read_bytes())
    raw[raw.index(WEBM) + 700] ^= 1
    spoken.place.write_bytes(raw)
    told = f"the file files/{file.digest}.webm is not the one that was sealed"
    assert refusal(spoken.place).endswith(told)


def test_a_file_that_the_log_does_not_speak_of_is_named_whoever_sealed_it(spoken):
    spoken.say("Bonjour")
    spoken.written()
    stray = f"files/{digest_of(other(5))}.webm"
    told = refusal(spoken.resealed({stray: other(5)}))
    assert told.endswith(f"the file {stray} is nothing that the log speaks of")
    named = next(iter(sounds(spoken.written())))
    told = refusal(spoken.resealed({named: other(5)}))
    assert told.endswith(f"the file {named} is nothing that the log speaks of")
    spoken.written()
    told = refusal(spoken.resealed({stray: WEBM}))
    assert told.endswith(f"the file {stray} is nothing that the log speaks of")
    spoken.written()
    assert verify(str(spoken.resealed({}, without=[named]))).seq > 0


def test_a_recording_whose_words_were_erased_matches_nothing_any_more(spoken):
    spoken.say("Bonjour")
    spoken.written()
    lines = [json.loads(line) for line in members(spoken.place)[LOG].splitlines()]
    for item in lines:
        if "attachment" in str(item["body"]):
            item["body"] = {"type": "Tombstone", "id": item["entry"]["activity"]}
    log = b"".join(canonical(item) + b"\n" for item in lines)
    assert "is nothing that the log speaks of" in refusal(spoken.resealed({LOG: log}))


def test_tricks_of_a_zip_are_refused(spoken):
    spoken.say("Bonjour")
    held = members(spoken.written())
    for name in ("../x.txt", "/etc/x", "files/../x", "a\\b.txt", "files/abc", "sub/log.ndjson"):
        assert "none of such an archive" in refusal(packed(spoken.place, held | {name: b"x"}))
    assert "is compressed" in refusal(packed(spoken.place, held, zipfile.ZIP_DEFLATED))
    packed(spoken.place, {name: data for name, data in held.items() if name != "people.json"})
    with zipfile.ZipFile(spoken.place, "a") as archive:
        link = zipfile.ZipInfo("people.json")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, b"/etc/passwd")
    assert "is no plain file" in refusal(spoken.place)
    packed(spoken.place, held)
    with zipfile.ZipFile(spoken.place, "a") as archive, pytest.warns(UserWarning, match="Dup"):
        archive.writestr(LOG, b"{}")
    assert "is there twice" in refusal(spoken.place)
    raw = bytearray(packed(spoken.place, held).read_bytes())
    raw[raw.index(b"README.md")] ^= 1  # in the file's own header, not in the list at the end
    spoken.place.write_bytes(raw)
    assert "none of such an archive: 'README.md'" in refusal(spoken.place)


def test_an_entry_without_end_is_not_read(spoken):
    held = members(spoken.written())
    log = held[LOG] + b"{" * (3 << 20)
    count = len(held[LOG].splitlines())
    assert refusal(packed(spoken.place, held | {LOG: log})).startswith(
        f"entry {count + 1}: it is l"
    )
