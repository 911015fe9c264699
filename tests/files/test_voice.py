"""Speaking instead of writing: a recording comes in, is heard, and goes with its words."""

from __future__ import annotations

import io
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from conftest import log_in

from collab.spaces.files import StoredFile, file_of
from collab.spaces.models import Visibility
from collab.spaces.tools.discussion.inputs import OpenThread, Remove
from collab.spaces.tools.discussion.models import Message
from collab.spaces.tools.discussion.operations import open_thread, remove
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
    assert "Message vocal (2\xa0secondes" in page or "Message vocal (2 secondes" in page
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
