"""Speaking instead of writing: a recording comes in, is heard, and goes with its words."""

from __future__ import annotations

import io
import re
from contextlib import suppress
from pathlib import Path

import pytest
from conftest import log_in
from hypothesis import given, settings
from hypothesis import strategies as st
from mutagen.ogg import OggPage

from collab.core.sounds import NotASound, Sound, heard
from collab.people.models import Account
from collab.people.tokens import GiveToken, give_token
from collab.spaces.files import file_of
from collab.spaces.models import Visibility
from collab.spaces.tools.discussion.activitypub import to_object
from collab.spaces.tools.discussion.inputs import OpenThread
from collab.spaces.tools.discussion.models import Message, Thread
from collab.spaces.tools.discussion.operations import open_thread
from collab.web.extensions import db

HERE = Path(__file__).parent
WEBM = (HERE / "voice.webm").read_bytes()
M4A = (HERE / "voice.m4a").read_bytes()


class Talk:
    """A project of two people with a thread in it."""

    def __init__(self, make, as_, client, visibility=Visibility.PUBLIC):
        self.ada, self.bob = make.person("ada"), make.person("bob")
        self.space = make.space(self.ada, self.bob, visibility=visibility)
        self.as_, self.client = as_, client
        with as_(self.ada) as work:
            self.thread = open_thread(work, self.space, OpenThread("La pluie", "Une cuve ?"))
        log_in(client, self.ada)

    @property
    def place(self):
        return f"/p/jardin/discussion/{self.thread.uid}/"

    def speak(self, content=WEBM, name="x.webm", follow=False, **fields):
        data = {"untold": "1", "voice": (io.BytesIO(content), name)} | fields
        return self.client.post(f"{self.place}voice", data=data, follow_redirects=follow)

    def message(self):
        db.session.rollback()
        return db.session.query(Message).order_by(Message.id.desc()).first()

    def file(self):
        return file_of(db.session(), self.message())


@pytest.fixture
def talk(make, as_, client):
    return Talk(make, as_, client)


def test_a_recording_alone_is_a_message_that_can_be_heard(talk, house):
    page = talk.speak(follow=True).get_data(as_text=True)
    assert "Message vocal (2 secondes, 2,3\xa0Ko). Non transcrit." in page
    assert "Non transcrit." in page
    assert "<audio controls" in page
    file = talk.file()
    assert (file.kind, file.size, file.seconds, file.held) == ("audio/webm", len(WEBM), 2, True)
    stored = house.path / "files" / file.digest[:2] / file.digest
    assert stored.read_bytes() == WEBM
    assert stored.stat().st_mode & 0o777 == 0o600
    src = re.search(r'<audio [^>]*src="([^"]+)"', page)[1]
    sound = talk.client.get(src, follow_redirects=True, buffered=True)
    assert sound.data == WEBM
    assert sound.content_type == "audio/webm"


def test_the_words_of_a_recording_are_the_text_of_its_message(talk):
    page = talk.speak(body="Je prends la cuve", untold="", follow=True).get_data(as_text=True)
    assert "Je prends la cuve" in page
    assert "Non transcrit" not in page
    assert talk.message().source == "Je prends la cuve"


def test_the_state_of_the_words_is_asked_and_the_sound_is_not_asked_twice(talk):
    said = talk.speak(untold="")
    page = said.get_data(as_text=True)
    assert said.status_code == 422
    assert "cochez" in page
    assert "vous n’avez pas à le refaire" in page
    assert "Comment ça marche" in page, "explained where it is needed most"
    kept = re.search(r'name="kept" value="([^"]+)"', page)[1]
    again = {"kept": kept, "body": "Voilà ce que je dis"}
    assert talk.client.post(f"{talk.place}voice", data=again).status_code == 302
    assert talk.file().size == len(WEBM)
    log_in(talk.client, talk.bob)
    assert talk.client.post(f"{talk.place}voice", data=again).status_code == 422


def test_what_was_typed_comes_back_when_the_sound_cannot_be_taken(talk):
    page = talk.speak(b"%PDF-1.7", body="Mes mots").get_data(as_text=True)
    assert "Mes mots" in page
    assert "n’est pas un son" in page
    silent = talk.client.post(f"{talk.place}voice", data={"body": "Mes mots"})
    assert "Enregistrez d’abord" in silent.get_data(as_text=True)


def test_a_recording_opens_a_discussion(talk):
    at = "/p/jardin/discussion/new"
    assert f'href="{at}/voice"' in talk.client.get(at).get_data(as_text=True)
    silent = talk.client.post(f"{at}/voice", data={"title": "La serre", "untold": "1"})
    assert "Enregistrez d’abord" in silent.get_data(as_text=True)
    nameless = {"voice": (io.BytesIO(WEBM), "x.webm"), "body": "On la monte samedi ?"}
    page = talk.client.post(f"{at}/voice", data=nameless).get_data(as_text=True)
    assert "Donnez un sujet" in page
    assert "On la monte samedi ?" in page
    kept = re.search(r'name="kept" value="([^"]+)"', page)[1]
    said = {"kept": kept, "title": "La serre", "body": "On la monte samedi ?"}
    page = talk.client.post(f"{at}/voice", data=said, follow_redirects=True)
    page = page.get_data(as_text=True)
    assert "<h1" in page
    assert "La serre" in page
    assert "Message vocal (2 secondes" in page
    assert "On la monte samedi ?" in page
    thread = db.session.query(Thread).filter_by(title="La serre").one()
    assert file_of(db.session(), thread).size == len(WEBM)
    told = to_object(db.session(), thread)
    assert [one["type"] for one in told["attachment"]] == ["Audio"]


def test_the_same_recording_sent_twice_is_said_once(talk):
    form = talk.client.get(f"{talk.place}voice").get_data(as_text=True)
    key = re.search(r'name="once" value="([^"]+)"', form)[1]
    talk.speak(once=key)
    first = talk.message().uid
    talk.speak(once=key)
    assert talk.message().uid == first
    talk.speak(M4A, once=key)
    assert talk.message().uid != first
    assert talk.file().kind == "audio/mp4"


def test_a_project_has_room_for_so_much(talk, house):
    limits = house.runtime.settings.files
    object.__setattr__(limits, "project", len(WEBM) + 5)
    assert talk.speak().status_code == 302
    full = talk.speak(M4A)
    assert full.status_code == 409
    assert "plus de place" in full.get_data(as_text=True)


def test_the_light_mode_has_a_link_with_its_weight_and_no_player(talk):
    talk.speak()
    page = talk.client.get(talk.place, headers={"Save-Data": "on"}).get_data(as_text=True)
    assert "<audio" not in page
    assert "Écouter le message vocal (2 secondes, 2,3\xa0Ko)</a> Non transcrit." in page


def test_the_api_takes_a_recording_and_says_what_is_wrong_with_a_bad_one(talk, as_):
    with as_(talk.ada) as work:
        account = db.session.query(Account).filter_by(actor_id=talk.ada.id).one()
        token = give_token(work, account, GiveToken("essai", ("read", "write")))
    head = {"Authorization": f"Bearer {token}"}
    place = f"/api/v1/items/{talk.thread.uid}/messages"

    def send(content, **fields):
        data = {"voice": (io.BytesIO(content), "note.webm")} | fields
        return talk.client.post(place, data=data, headers=head)

    made = send(WEBM)
    assert made.status_code == 201
    told = made.json["voice"]
    assert (told["mediaType"], told["size"], told["duration"]) == ("audio/webm", len(WEBM), "PT2S")
    heard = talk.client.get(f"/api/v1/items/{made.json['id']}/voice", headers=head).json
    assert talk.client.get(heard["url"], buffered=True).data == WEBM
    bad = send(b"<html>", body="x")
    assert (bad.status_code, list(bad.json["errors"])) == (422, ["voice"])
    assert bad.content_type == "application/problem+json"


def test_only_members_speak(talk, make):
    log_in(talk.client, make.person("eve"))
    assert talk.speak().status_code == 403
    assert talk.message() is None


def test_what_is_said_can_be_written_later(talk):
    talk.speak()
    uid = talk.message().uid
    edit = f"/p/jardin/discussion/m/{uid}/edit"
    assert talk.client.post(edit, data={"body": "Une cuve, oui"}).status_code == 302
    page = talk.client.get(talk.place).get_data(as_text=True)
    assert "Une cuve, oui" in page
    assert "<audio" in page
    assert "Non transcrit" not in page


# ---------------------------------------------------------------- what a sound is


def ogg(seconds):
    """An Ogg of Opus that says how long it lasts."""
    head = (
        b"OpusHead\x01\x01" + (0).to_bytes(2, "little") + (48000).to_bytes(4, "little") + bytes(3)
    )
    tags = b"OpusTags" + bytes(8)
    pages = []
    for number, packet in enumerate((head, tags, b"\xfc" + bytes(40))):
        page = OggPage()
        page.packets, page.sequence, page.serial = [packet], number, 7
        page.position = 48000 * seconds if number == 2 else 0
        page.first, page.last = number == 0, number == 2
        pages.append(page.write())
    return b"".join(pages)


def test_every_container_that_browsers_record_in_is_known_by_its_bytes():
    assert heard(WEBM) == Sound("audio/webm", 2)
    assert heard(M4A) == Sound("audio/mp4", 1)
    assert heard(ogg(42)) == Sound("audio/ogg", 42)
    live = WEBM.replace(b"\x44\x89\x84", b"\x4d\x81\x84", 1)
    assert live != WEBM
    assert heard(live) == Sound("audio/webm", 2)


def test_a_film_is_no_sound():
    for film in (M4A.replace(b"soun", b"vide"), WEBM.replace(b"\x83\x81\x02", b"\x83\x81\x01")):
        with pytest.raises(NotASound):
            heard(film)


def test_a_file_of_countless_parts_is_given_up_before_they_are_all_read():
    """Two bytes make a part: reading each would keep a processor busy for seconds."""
    segment, unbounded = b"\x18\x53\x80\x67", b"\x01" + b"\xff" * 7
    for inside in (b"", b"\x1f\x43\xb6\x75" + unbounded, b"\x16\x54\xae\x6b" + unbounded):
        film = b"\x1a\x45\xdf\xa3\x80" + segment + unbounded + inside + b"\xec\x80" * 80_000
        with pytest.raises(NotASound, match="too many parts"):
            heard(film)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from([WEBM, M4A, ogg(1)]), st.data())
def test_no_bytes_do_more_than_be_refused(sound, data):
    spoiled = bytearray(sound)
    for _ in range(data.draw(st.integers(1, 12))):
        spoiled[data.draw(st.integers(0, len(spoiled) - 1))] = data.draw(st.integers(0, 255))
    with suppress(NotASound):
        assert heard(bytes(spoiled[: data.draw(st.integers(4, len(spoiled)))])).seconds >= 0
