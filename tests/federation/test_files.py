"""Files between two instances: fetched once, checked, shown to the same people, gone together."""
# ruff: noqa: F401, F811 - fixtures are imported by their names

from __future__ import annotations

import hashlib
import io
import wave
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from conftest import Make, log_in, open_house
from federation.hostile import Reply
from federation.pair import pair_of_houses
from federation.stage import ORIGIN, TOML, actor, decide, federation, foreign, house

from collab.core.multihash import multihash_of
from collab.federation.erasure import Erase, erase_forever
from collab.people.models import Actor, PeerState
from collab.spaces.files import StoredFile, file_of
from collab.spaces.membership import AskToJoin, Decide, admit, ask_to_join, remove_member
from collab.spaces.models import Item, Space, Visibility
from collab.spaces.tools.discussion.inputs import OpenThread, Remove
from collab.spaces.tools.discussion.operations import bring_back, open_thread, remove
from collab.web.extensions import db

WEBM = (Path(__file__).parent.parent / "files" / "voice.webm").read_bytes()


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """A project on A with a thread; bea of B is a member."""
    with pair_of_houses(tmp_path_factory.mktemp("pair")) as pair:
        with pair.b.house.app.app_context(), pair.b.house.as_(pair.b.person()) as work:
            ask_to_join(work, work.session.get(Space, pair.copy_id), AskToJoin())
        pair.settle()
        with pair.a.house.app.app_context():
            bea = db.session.query(Actor).filter_by(name="bea").one()
            with pair.a.house.as_(pair.a.person()) as work:
                admit(work, work.session.get(Space, pair.space_id), Decide(member=bea.id))
            with pair.a.house.as_(pair.a.person()) as work:
                space = work.session.get(Space, pair.space_id)
                pair.thread = open_thread(work, space, OpenThread(title="Eau", body="Oui ?")).uid
        pair.settle()
        yield pair


def other(number):
    """Another sound, as long and as heavy."""
    return WEBM.replace(b"Chrome", b"Chrom%d" % number)


def browser(side):
    client = side.house.client()
    with side.house.app.app_context():
        log_in(client, side.person())
    return client


def speak(pair, side, space_id, words, content=WEBM):
    """A recording by the form of that side; the message's IRI."""
    with side.house.app.app_context():
        address = db.session.get(Space, space_id).address
    data = {"body": words, "voice": (io.BytesIO(content), "x")}
    path = f"/p/{address}/discussion/{pair.thread}/voice"
    assert browser(side).post(path, data=data).status_code == 302
    pair.settle()
    with side.house.app.app_context():
        return db.session.query(Item).filter_by(source=words).one().iri


def facts(side, iri):
    """What a side knows of the file of a message, and whether the bytes are there."""
    with side.house.app.app_context():
        item = db.session.query(Item).filter_by(iri=iri).one()
        file = file_of(db.session(), item)
        return file and (file.digest, file.size, file.seconds, file.held)


def bytes_on(side):
    return sorted(p.name for p in (side.house.path / "files").glob("??/*"))


def test_a_recording_is_fetched_checked_and_heard_from_the_reader_s_own_instance(pair):
    iri = speak(pair, pair.a, pair.space_id, "Entendu de loin")
    assert facts(pair.b, iri) == facts(pair.a, iri)
    assert bytes_on(pair.b) == bytes_on(pair.a) != []
    reader = browser(pair.b)
    page = reader.get(f"/p/jardin@{pair.a.host}/discussion/{pair.thread}/").get_data(as_text=True)
    assert "Entendu de loin" in page
    src = page.partition("<audio ")[2].partition('src="')[2].partition('"')[0]
    assert src.startswith(f"/p/jardin@{pair.a.host}/discussion/m/")
    answer = reader.get(src)
    assert answer.location.startswith("/f/")
    assert reader.get(answer.location, buffered=True).data == WEBM


def test_a_recording_of_a_member_elsewhere_comes_to_the_host(pair):
    iri = speak(pair, pair.b, pair.copy_id, "Dit depuis B")
    assert facts(pair.a, iri) == facts(pair.b, iri)
    assert facts(pair.a, iri)[-1]


# ---------------------------------------------------------------- what one house shows and lets in

NAMES = TOML.replace("[federation]", '[media]\nbase_url = "http://media.example"\n\n[federation]')
ELEVEN = timedelta(minutes=11)


@pytest.fixture
def aside(tmp_path, database_for):
    """A house with a second name, for files."""
    path = tmp_path / "aside"
    path.mkdir()
    (path / "collab.toml").write_text(NAMES.format(origin=ORIGIN), encoding="utf-8")
    house = open_house(path, database_for("aside"), ORIGIN)
    with house.app.test_request_context("/", base_url=ORIGIN):
        yield Talk(house)
    with house.app.app_context():
        house.app.extensions["collab.federation"].transport.close()
        db.session.remove()
        db.engine.dispose()


class Talk:
    """A project of ines and nour, and a thread in it."""

    def __init__(self, house, visibility=Visibility.PUBLIC):
        self.house, make = house, Make(house)
        self.ines, self.nour = make.person("ines"), make.person("nour")
        self.space = make.space(self.ines, self.nour, visibility=visibility)
        with house.as_(self.ines) as work:
            self.thread = open_thread(work, self.space, OpenThread(title="Eau", body="Oui ?"))
        self.browser = house.client()
        log_in(self.browser, self.ines)

    def send(self, content, name="x", **more):
        data = {"body": "dit", "voice": (io.BytesIO(content), name, *more.values())}
        return self.browser.post(f"/p/jardin/discussion/{self.thread.uid}/voice", data=data)

    def speak(self):
        """A recording by ines; its row."""
        assert self.send(WEBM).status_code == 302
        return db.session.query(StoredFile).order_by(StoredFile.id.desc()).first()

    def kept(self):
        return [p.name for p in (self.house.path / "files").glob("??/*")]

    def get(self, path, client=None, **more):
        client = client or self.house.client()
        return client.get(path, buffered=True, **more)

    def link(self, file, reader=None):
        """The link that the page of a message makes for a reader now; "" for who gets none."""
        client = self.house.client()
        log_in(client, reader or self.ines)
        answer = client.get(f"/p/jardin/discussion/m/{file.item.uid}/sound")
        return answer.location if answer.status_code == 303 else ""

    def hears(self, link):
        return self.get(link).data == WEBM


@pytest.fixture
def council(house):
    return Talk(house, Visibility.MEMBERS)


def test_r30_a_file_is_the_sound_it_is_and_comes_by_another_name(aside):
    file = aside.speak()
    assert file.url.startswith("http://media.example/f/zQm")
    path = file.url.removeprefix("http://media.example")
    assert aside.get(path).location == file.url
    answer = aside.get(path, base_url="http://media.example")
    assert answer.data == WEBM
    told = answer.headers
    assert told["Content-Type"] == "audio/webm"
    assert told["X-Content-Type-Options"] == "nosniff"
    assert told["Content-Security-Policy"].startswith("default-src 'none'")
    assert "sandbox" in told["Content-Security-Policy"]
    assert told["Content-Disposition"].startswith("inline; filename=message-vocal.webm")
    part = aside.get(path, base_url="http://media.example", headers={"Range": "bytes=4-7"})
    assert (part.status_code, part.data) == (206, WEBM[4:8])
    assert aside.get("/", base_url="http://media.example").status_code == 404
    page = aside.get(f"/p/jardin/discussion/{aside.thread.uid}/")
    assert "media-src 'self' blob: http://media.example;" in page.headers["Content-Security-Policy"]


def test_r30_what_is_no_sound_is_never_served_whatever_it_is_called(aside):
    actor = b'{"@context": "https://www.w3.org/ns/activitystreams", "type": "Person"}'
    for content in (
        actor,
        b"<html><script>1</script>",
        b"<svg/>",
        b"\x89PNG\r\n\x1a\n" + b"\0" * 90,
    ):
        for name in ("x.json", "x.png", "x.webm"):
            assert aside.send(content, name, kind="audio/webm").status_code == 422
    assert aside.kept() == []


def test_r64_the_name_for_files_neither_reads_nor_sets_a_cookie(aside):
    aside.space.visibility = Visibility.MEMBERS
    db.session.commit()
    file = aside.speak()
    path = file.url.removeprefix("http://media.example")
    cookie = aside.browser.get_cookie("collab", domain="127.0.0.1")
    told = {"Cookie": f"collab={cookie.value}"}
    for place in (path, "/", f"{path}?langue=fr", "/login?langue=en"):
        answer = aside.get(place, base_url="http://media.example", headers=told)
        assert (answer.status_code, answer.headers.getlist("Set-Cookie")) == (404, [])
    heard = aside.get(aside.link(file).removeprefix("http://media.example"),
                      base_url="http://media.example")  # fmt: skip
    assert (heard.status_code, heard.headers.getlist("Set-Cookie")) == (200, [])
    assert "Cookie" not in heard.headers.get("Vary", "")
    assert heard.headers["Cache-Control"] == "private, no-store"


def test_r62_a_link_to_a_members_only_file_is_for_one_member_and_ten_minutes(council):
    file = council.speak()
    link, mine = council.link(file), council.link(file, council.nour)
    assert link != mine
    assert council.hears(link)
    assert council.hears(mine)
    plain = link.partition("?")[0]
    for spoiled in (plain, f"{plain}?k=", f"{link}x", f"{plain}?k=WzEsMV0.aa.bb"):
        assert council.get(spoiled).status_code == 404
        assert council.get(spoiled, council.browser).status_code == 404
    later = datetime.now(UTC) + ELEVEN
    council.house.runtime.clock = lambda: later
    assert council.get(link).status_code == 404
    council.house.runtime.clock = None
    with council.house.as_(council.ines) as work:
        remove_member(work, council.space, Decide(member=council.nour.id))
    assert council.get(mine).status_code == 404
    assert council.link(file, council.nour) == ""
    assert council.hears(link)


def test_r62_a_file_is_seen_as_long_as_its_words_are(council):
    file = council.speak()
    link, digest = council.link(file), file.digest
    with council.house.as_(council.ines) as work:
        remove(work, council.space, Remove(item=file.item.uid))
    assert council.get(link).status_code == 404
    assert council.kept() == [digest]
    with council.house.as_(council.ines) as work:
        erase_forever(work, council.space, Erase(item=file.item.uid))
    council.house.settle()
    assert council.kept() == []


def test_r62_an_instance_has_a_members_only_file_while_it_has_a_member(council, foreign):
    path = council.speak().url.removeprefix(ORIGIN)
    theirs = foreign.application()
    assert foreign.get(theirs, path).status_code == 404
    assert foreign.get(None, path).status_code == 404
    make = Make(council.house)
    lea = foreign.member(make, council.space, council.ines)
    with foreign.get(theirs, path) as answer:
        assert answer.data == WEBM
        assert answer.headers["Cache-Control"] == "private, no-store"
    with council.house.as_(council.ines) as work:
        remove_member(work, council.space, Decide(member=actor(lea.iri).id))
    assert foreign.get(theirs, path).status_code == 404


def test_r54_a_blocked_host_has_no_file_not_even_of_its_own_project(council, foreign):
    path = council.speak().url.removeprefix(ORIGIN)
    council.space.local, council.space.host = False, foreign.host
    db.session.commit()
    theirs = foreign.application()
    with foreign.get(theirs, path) as answer:
        assert answer.data == WEBM
    decide(foreign.host, PeerState.BLOCKED)
    assert foreign.get(theirs, path).status_code == 404


def test_r54_a_blocked_host_is_asked_for_no_file(house, foreign, make):
    ines = make.person("ines")
    garden = make.space(ines)
    lea = foreign.member(make, garden, ines)
    foreign.say(lea, "Create", foreign.note(lea, garden, attachment=[audio(foreign)]))
    decide(foreign.host, PeerState.BLOCKED)
    before = len(foreign.peer.asked)
    house.settle()
    file = db.session.query(StoredFile).one()
    assert not house.runtime.network.bring_file(file.item)
    assert foreign.peer.asked[before:] == []
    decide(foreign.host, PeerState.KNOWN)
    house.runtime.clock = lambda: datetime.now(UTC) + ELEVEN
    house.runtime.network.bring_file(file.item)
    assert "/f/x" in foreign.peer.targets()


def audio(foreign) -> dict:
    """A recording beside a message of the other server."""
    digest = multihash_of(hashlib.sha256(WEBM).hexdigest())
    return {"type": "Audio", "mediaType": "audio/webm", "size": len(WEBM), "duration": "PT2S",
            "url": foreign.peer.url("/f/x"), "digestMultibase": digest}  # fmt: skip


def test_r63_what_bytes_are_is_found_in_them_and_their_name_is_ours(council):
    file = council.speak()
    assert council.send(WEBM, "../../keys/vault.key", kind="text/html").status_code == 302
    assert council.kept() == [file.digest]
    told = council.get(council.link(file)).headers
    assert told["Content-Type"] == "audio/webm"
    assert "vault" not in told["Content-Disposition"]


def test_r63_a_sound_is_weighed_and_timed_before_it_is_kept(council):
    limits = council.house.runtime.settings.files
    long = io.BytesIO()
    with wave.open(long, "wb") as sound:
        sound.setparams((1, 1, 1000, 0, "NONE", ""))
        sound.writeframes(b"\0" * 1000 * (limits.voice_seconds + 1))
    film = WEBM.replace(b"\x83\x81\x02\x86", b"\x83\x81\x01\x86")
    assert film != WEBM
    cut = [WEBM[:n] for n in range(4, 300, 37)]
    for content in (long.getvalue(), film, b"", *cut):
        assert council.send(content).status_code == 422
    object.__setattr__(limits, "voice", len(WEBM) - 1)
    assert council.send(WEBM).status_code == 422
    assert council.kept() == []
    object.__setattr__(limits, "voice", len(WEBM))
    assert council.send(WEBM).status_code == 302


def test_a_folder_for_files_that_cannot_be_used_is_named_in_the_log(council, caplog):
    digest = hashlib.sha256(WEBM).hexdigest()
    folder = council.house.runtime.settings.instance / "files"
    folder.mkdir(exist_ok=True)
    (folder / digest[:2]).write_text("not a folder")
    assert council.send(WEBM).status_code == 500
    (line,) = [r for r in caplog.records if r.name == "collab.web.problems"]
    assert line.getMessage().startswith("the instance's folder cannot be used: ")
    assert "files/" in line.getMessage()
    assert line.exc_info is None


def test_r63_bytes_that_are_not_those_that_were_said_are_not_kept(house, foreign, make):
    ines = make.person("ines")
    garden = make.space(ines)
    lea = foreign.member(make, garden, ines)
    digest = hashlib.sha256(WEBM).hexdigest()
    sound = {"type": "Audio", "mediaType": "audio/webm", "size": len(WEBM), "duration": "PT2S",
             "url": foreign.peer.url("/f/x"), "digestMultibase": multihash_of(digest)}  # fmt: skip
    answers, webm = foreign.peer.answers, (("Content-Type", "text/html"),)
    answers["/f/x"] = lambda _asked: Reply(200, webm, WEBM[:-1] + b"x")
    foreign.say(lea, "Create", foreign.note(lea, garden, attachment=[sound]))
    house.settle()
    file = db.session.query(StoredFile).one()
    assert not file.held
    assert not list((house.path / "files").glob("??/*"))
    answers["/f/x"] = lambda _asked: Reply(200, webm, WEBM)
    house.app.extensions["collab.federation"].runtime.network.bring_file(file.item)
    db.session.refresh(file)
    assert file.held


def test_r62_whoever_only_names_bytes_of_a_members_only_project_does_not_get_them(
    council, house, foreign, make
):
    file = council.speak()
    path = f"/f/{multihash_of(file.digest)}/x"
    orchard = make.space(council.nour, slug="verger")
    lea = foreign.member(make, orchard, council.nour)
    sound = {"type": "Audio", "mediaType": "audio/webm", "size": len(WEBM), "duration": "PT2S",
             "url": foreign.peer.url("/f/x"), "digestMultibase": path.split("/")[2]}  # fmt: skip
    answers = foreign.peer.answers
    answers["/f/x"] = lambda _asked: Reply(404, (), b"")
    foreign.say(lea, "Create", foreign.note(lea, orchard, attachment=[sound]))
    house.settle()
    named = db.session.query(StoredFile).filter_by(space_id=orchard.id).one()
    assert not named.held
    assert council.get(path).status_code == 404
    answers["/f/x"] = lambda _asked: Reply(200, (("Content-Type", "audio/webm"),), WEBM)
    house.app.extensions["collab.federation"].runtime.network.bring_file(named.item)
    assert council.hears(path)


# ---------------------------------------------------------------- gone, on both sides


def test_what_is_taken_back_here_is_gone_there_and_comes_back_with_its_words(pair):
    iri = speak(pair, pair.a, pair.space_id, "Pour un temps", other(1))
    digest = facts(pair.a, iri)[0]
    assert digest in bytes_on(pair.b)
    act(pair, iri, remove)
    assert digest in bytes_on(pair.a)
    assert digest not in bytes_on(pair.b)
    assert not facts(pair.b, iri)[-1]
    act(pair, iri, bring_back)
    assert digest in bytes_on(pair.b)
    act(pair, iri, remove)
    act(pair, iri, lambda work, space, given: erase_forever(work, space, Erase(given.item)))
    assert digest not in bytes_on(pair.a) + bytes_on(pair.b)
    assert facts(pair.a, iri) is facts(pair.b, iri) is None


def act(pair, iri, operation):
    """Something that ada does with a message of hers, and all that follows on both sides."""
    with pair.a.house.app.app_context():
        item = db.session.query(Item).filter_by(iri=iri).one()
        with pair.a.house.as_(pair.a.person()) as work:
            operation(work, work.session.get(Space, pair.space_id), Remove(item=item.uid))
    pair.settle()


def test_r62_a_members_only_recording_is_fetched_by_signature_and_heard_by_members(pair):
    for side, space_id in ((pair.a, pair.space_id), (pair.b, pair.copy_id)):
        with side.house.app.app_context():
            db.session.get(Space, space_id).visibility = Visibility.MEMBERS
            db.session.commit()
    iri = speak(pair, pair.a, pair.space_id, "Entre nous", other(2))
    assert facts(pair.b, iri) == facts(pair.a, iri)
    assert facts(pair.b, iri)[-1]
    with pair.b.house.app.app_context():
        uid = db.session.query(Item).filter_by(iri=iri).one().uid
    path = f"/p/jardin@{pair.a.host}/discussion/m/{uid}/sound"
    link = browser(pair.b).get(path).location
    stranger = pair.b.house.client()
    assert stranger.get(link, buffered=True).data == other(2)
    assert stranger.get(link.partition("?")[0]).status_code == 404
    assert stranger.get(path).status_code == 404
    back = speak(pair, pair.b, pair.copy_id, "De B, entre nous", other(3))
    assert facts(pair.a, back)[-1]
