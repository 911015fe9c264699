"""A project brought back from its archive: whole, marked for what it is, no way in for forgers."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner
from conftest import log_in
from federation.pair import Pair, pair_with_a_member, served

from collab.cli import cli
from collab.core.db import now
from collab.federation import psz_archive
from collab.federation.erasure import Erase, erase_forever
from collab.federation.keys import SigningKey, multikey, new_ed25519
from collab.federation.models import LogEntry, Mirror, OutboxItem, Unapplied
from collab.federation.proofs import add_proof
from collab.federation.psz import Sealer, write_psz
from collab.federation.psz_archive import Unusable
from collab.federation.psz_import import import_psz
from collab.federation.psz_people import read_people, write_down
from collab.federation.rotation import RotateKeys, rotate_keys
from collab.federation.signatures.message import Refused
from collab.federation.standalone import KEYS, LOG, SEAL, verify
from collab.federation.state import state_digest
from collab.federation.strictjson import canonical, multihash
from collab.people.models import Actor, Key, Site
from collab.spaces.files import StoredFile
from collab.spaces.models import Item, Space, Visibility
from collab.spaces.operations import ReviseSpace, revise_space
from collab.spaces.tools.discussion.inputs import PostMessage, Remove
from collab.spaces.tools.discussion.models import Thread
from collab.spaces.tools.discussion.operations import post_message, remove
from collab.web.extensions import db

WEBM = (Path(__file__).parent.parent / "files" / "voice.webm").read_bytes()


@dataclass
class Story:
    """A project of A with words of A and of B, a recording, and a change of keys."""

    pair: Pair
    place: Path

    def say(self, words):
        a = self.pair.a
        with a.house.app.app_context():
            thread = db.session.query(Thread).first().uid
            with a.house.as_(a.person()) as work:
                space = work.session.get(Space, self.pair.space_id)
                post_message(work, space, PostMessage(thread=thread, body=words))
        a.settle()

    def archive(self, name="project.psz"):
        a, path = self.pair.a, self.place / name
        with a.house.app.app_context():
            space = db.session.get(Space, self.pair.space_id)
            by = Sealer(space.actor, a.federation.signing_key(space.actor, "ed25519"), now())
            write_psz(db.session(), a.house.runtime.tools, a.house.runtime.blobs, space, path, by)
        return path

    def facts(self):
        """What A holds: the number and hash of its last entry, and its state."""
        with self.pair.a.house.app.app_context():
            space = db.session.get(Space, self.pair.space_id)
            last = db.session.query(LogEntry).order_by(LogEntry.seq.desc()).first()
            return last.seq, last.entry_hash, state_digest(db.session(), space)

    @contextmanager
    def away(self, *sides):
        """While some instances do not answer."""
        gone = sides or (self.pair.a, self.pair.b)
        for side in gone:
            side.stop()
        try:
            yield
        finally:
            for side in gone:
                side.start()


@pytest.fixture(scope="module")
def story(tmp_path_factory):
    place = tmp_path_factory.mktemp("story")
    with pair_with_a_member(place, "Eau") as pair:
        story = Story(pair, place)
        b = pair.b
        with b.house.app.app_context():
            thread = db.session.query(Thread).one().uid
            with b.house.as_(b.person()) as work:
                space = work.session.get(Space, pair.copy_id)
                post_message(work, space, PostMessage(thread=thread, body="Je viens de B"))
        pair.settle()
        client = pair.a.house.client()
        with pair.a.house.app.app_context():
            log_in(client, pair.a.person())
            thread = db.session.query(Thread).one().uid
        data = {"body": "Dit tout haut", "voice": (io.BytesIO(WEBM), "x")}
        assert client.post(f"/p/jardin/discussion/{thread}/voice", data=data).status_code == 302
        pair.settle()
        with pair.a.house.app.app_context(), pair.a.house.as_(pair.a.person()) as work:
            group = work.session.get(Space, pair.space_id).actor_id
            rotate_keys(work, RotateKeys(group), pair.a.federation.signing_key)
        story.say("Après la clé")
        pair.settle()
        yield story


@pytest.fixture
def c(tmp_path):
    """A third instance, which knows nobody."""
    with served(tmp_path / "c", "carla") as side:
        yield side


def brought(side, path, key=""):
    with side.house.app.app_context():
        done = import_psz(side.federation, path, key)
        side.house.settle()
    return done


def refused(side, path, key=""):
    before = counted(side)
    with side.house.app.app_context(), pytest.raises(Unusable) as unusable:
        import_psz(side.federation, path, key)
    assert counted(side) == before, "nothing was changed"
    return str(unusable.value)


def counted(side):
    with side.house.app.app_context():
        kinds = Actor, Key, Space, Mirror, LogEntry, Item, StoredFile, OutboxItem, Unapplied
        return [db.session.query(kind).count() for kind in kinds]


def members(path):
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def first_of(path):
    return json.loads(members(path)[KEYS])["first"]["publicKeyMultibase"]


def keys_of_others(side):
    with side.house.app.app_context():
        return [k.key_id for k in db.session.query(Key).filter(Key.private.is_(None))]


def test_a_project_whose_host_is_gone_is_brought_back_whole(story, c):
    path, (seq, head, digest) = story.archive(), story.facts()
    with story.away():
        said = refused(c, path)
        assert first_of(path) in said
        assert "--key" in said
        assert "began with the key" in refused(c, path, "z6MkOther")
        done = brought(c, path, first_of(path))
        assert (done.seq, done.entries, done.files) == (seq, seq, 1)
        assert (done.same, done.asked, done.without) == (True, False, 0)
        with c.house.app.app_context():
            mirror = db.session.query(Mirror).one()
            assert (mirror.state, mirror.seq, mirror.head_hash) == ("active", seq, head)
            assert mirror.state_digest == mirror.remote_digest == digest
            space = db.session.query(Space).one()
            assert (space.local, space.visibility) == (False, Visibility.PUBLIC)
            thread = db.session.query(Thread).one().uid
            url = space.url
            file = db.session.query(StoredFile).one()
            assert file.held
            assert c.house.runtime.blobs.path(file.digest).read_bytes() == WEBM
        client = c.house.client()
        page = client.get(f"{url}/discussion/{thread}/").text
        assert "Je viens de B" in page
        assert "Dit tout haut" in page
        assert "<audio" in page
        assert "Dit tout <mark>haut</mark>" in client.get("/search?q=haut").text
        before = counted(c)
        again = brought(c, path)
        assert (again.entries, again.files) == (0, 0)
        assert counted(c) == before


def test_no_key_of_an_archive_is_ever_believed_by_anything_else(story, c):
    path = story.archive()
    with story.away():
        brought(c, path, first_of(path))
        assert keys_of_others(c) == []
        told = json.loads(members(path)[KEYS])
        with c.house.app.app_context():
            for key in [told["first"], *told["authors"]]:
                with pytest.raises(Refused):
                    c.federation.find_key(key["id"])
            people = db.session.query(Actor).filter_by(local=False).all()
            assert {one.name for one in people} >= {"jardin", "ada", "bea"}
            assert [one for one in people if one.fetched_at] == []
            trusts = {row.trust for row in db.session.query(LogEntry) if not by_group(row)}
            assert trusts == {"http"}, "nobody's own word: the project says so"


def by_group(row):
    return row.body["actor"].endswith("/p/jardin")


def test_words_of_an_instance_that_answers_are_proved_by_its_own_key(story, c):
    path = story.archive()
    with story.away(story.pair.a):
        assert brought(c, path, first_of(path)).without == 0
    with c.house.app.app_context():
        rows = [row for row in db.session.query(LogEntry) if not by_group(row)]
        proved = {row.body["actor"].rpartition("/")[2] for row in rows if row.trust == "proof"}
        assert proved == {"bea"}
    assert {key.partition("/u/")[0] for key in keys_of_others(c)} == {f"http://{story.pair.b.host}"}


def test_a_host_that_answers_needs_no_key_and_the_copy_goes_on_from_there(story, c):
    path = story.archive()
    done = brought(c, path)
    assert (done.asked, done.same, done.without) == (True, True, 0)
    with c.house.app.app_context():
        assert {row.trust for row in db.session.query(LogEntry)} >= {"proof"}


def test_a_copy_made_without_its_host_goes_on_when_the_host_is_back(story, c):
    path = story.archive()
    with story.away():
        seq = brought(c, path, first_of(path)).seq
    story.say("De retour")
    asked = []
    wsgi = story.pair.a.house.app.wsgi_app

    def listening(environ, start):
        asked.append(f"{environ['PATH_INFO']}?{environ['QUERY_STRING']}")
        return wsgi(environ, start)

    story.pair.a.house.app.wsgi_app = listening
    try:
        with c.house.app.app_context():
            db.session.query(Mirror).update({"next_check_at": now()})
            db.session.commit()
        c.catch_up.step()
    finally:
        story.pair.a.house.app.wsgi_app = wsgi
    logs = [one for one in asked if one.startswith("/p/jardin/log?")]
    assert logs == [f"/p/jardin/log?epoch=1&after={seq}&limit=200"]
    with c.house.app.app_context():
        mirror = db.session.query(Mirror).one()
        assert (mirror.seq, mirror.head_hash, mirror.state_digest) == story.facts()
        assert db.session.query(Item).filter_by(source="De retour").count() == 1


def test_a_newer_archive_carries_a_copy_forward_and_an_older_one_changes_nothing(story, c):
    old = story.archive("old.psz")
    story.say("Plus tard")
    new = story.archive("new.psz")
    with story.away():
        count = brought(c, old, first_of(old)).seq
        done = brought(c, new)
        assert (done.entries, done.seq) == (1, count + 1)
        assert done.same
        before = counted(c)
        assert brought(c, old).entries == 0
        assert counted(c) == before


def test_a_long_history_goes_in_a_piece_at_a_time_and_a_stopped_import_goes_on(
    story, c, monkeypatch
):
    monkeypatch.setattr(psz_archive, "BATCH", 3)
    path, heard = story.archive(), []

    def stops(done, _total):
        heard.append(done)
        if len(heard) == 2:
            raise KeyboardInterrupt

    with story.away():
        with c.house.app.app_context(), pytest.raises(KeyboardInterrupt):
            import_psz(c.federation, path, first_of(path), stops)
        assert heard == [3, 6]
        done = brought(c, path)
        assert (done.entries, done.same) == (story.facts()[0] - 6, True)
    with c.house.app.app_context():
        mirror = db.session.query(Mirror).one()
        assert (mirror.seq, mirror.head_hash, mirror.state_digest) == story.facts()


def test_words_that_were_erased_keep_their_place_for_what_answers_them(story, c):
    a = story.pair.a
    story.say("À effacer")
    with a.house.app.app_context():
        item = db.session.query(Item).filter_by(source="À effacer").one()
        thread, iri, uid = db.session.query(Thread).first().uid, item.iri, item.uid
        with a.house.as_(a.person()) as work:
            space = work.session.get(Space, story.pair.space_id)
            given = PostMessage(thread=thread, body="Une réponse", reply_to=uid)
            post_message(work, space, given)
        with a.house.as_(a.person()) as work:
            space = work.session.get(Space, story.pair.space_id)
            remove(work, space, Remove(item=uid))
        a.house.settle()
        with a.house.as_(a.person()) as work:
            space = work.session.get(Space, story.pair.space_id)
            erase_forever(work, space, Erase(item=uid))
        a.house.settle()
    path = story.archive()
    assert "À effacer" not in members(path)[LOG].decode()
    with story.away():
        done = brought(c, path, first_of(path))
        assert (done.same, done.without) == (True, 0)
    with c.house.app.app_context():
        assert db.session.query(Item).filter_by(iri=iri).one().withdrawn_at
        assert db.session.query(Item).filter_by(source="Une réponse").count() == 1


def test_a_copy_that_stands_still_takes_nothing_from_an_archive(story, c):
    path = story.archive()
    brought(c, path)
    with c.house.app.app_context():
        db.session.query(Mirror).update({"state": "broken"})
        db.session.commit()
    assert "collab mirror restart" in refused(c, path, first_of(path))


def test_an_instance_that_is_not_let_in_brings_nothing_by_an_archive_either(story, c):
    path = story.archive()
    with c.house.app.app_context():
        db.session.query(Site).update({"federation": "allowlist"})
        db.session.commit()
    with story.away():
        said = refused(c, path, first_of(path))
    assert f"collab peer allow {story.pair.a.host}" in said


# -------------------------------------------------------------------------------- forgers


def packed(path, held):
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in held.items():
            archive.writestr(name, data)
    return path


class Forger:
    """Somebody who makes a whole archive of their own out of a true one, each signature theirs."""

    def __init__(self, path, place):
        self.held, self.place = members(path), place
        self.keys = json.loads(self.held[KEYS])
        self.lines = [json.loads(line) for line in self.held[LOG].splitlines()]
        self.group = self.keys["group"]
        self.private = {}
        for entry in [self.keys["first"], *self.keys["authors"]]:
            key = self.private.setdefault(entry["id"], new_ed25519())
            entry["publicKeyMultibase"] = multikey(key.public_key())

    def key(self, key_id):
        return SigningKey(key_id, "ed25519", self.private.setdefault(key_id, new_ed25519()))

    def write(self, change=lambda seq, body: None, upto=None, **other):
        """Every word signed anew by the forger's keys; `change` may rewrite what was said."""
        prev, first, lines = "", self.keys["first"]["id"], []
        for item in self.lines[:upto]:
            entry, body = item["entry"], item["body"]
            if "actor" not in body or "assertionMethod" in body["object"]:
                break  # the forger has no need of a second key, nor of words that were erased
            change(entry["seq"], body)
            if "proof" in body:
                body = add_proof(body, self.key(body["proof"]["verificationMethod"]), now())
            entry |= {"prev": prev, "digest": multihash(canonical(body))}
            entry = add_proof(entry, self.key(first), now())
            prev = multihash(canonical(entry))
            lines.append(canonical({"entry": entry, "body": body}))
        held = self.held | {LOG: b"".join(line + b"\n" for line in lines), **other}
        held[KEYS] = canonical(self.keys)
        seal = {k: v for k, v in json.loads(held.pop(SEAL)).items() if k != "proof"}
        seal |= {"seq": len(lines), "head": prev}
        told = b"".join(lines).decode()
        held = {n: d for n, d in held.items() if not n.startswith("files/") or "attachm" in told}
        seal["files"] = {n: hashlib.sha256(data).hexdigest() for n, data in held.items()}
        held[SEAL] = canonical(add_proof(seal, self.key(first), now()))
        path = packed(self.place, held)
        verify(str(path))  # in itself it is flawless
        return path


@pytest.fixture
def forger(story, tmp_path):
    return Forger(story.archive("true.psz"), tmp_path / "forged.psz")


def put_words(seq, body):
    if body["type"] == "Create":
        body["object"]["content"] = "<p>Envoyez de l’argent</p>"
        if "source" in body["object"]:
            body["object"]["source"]["content"] = "Envoyez de l’argent"


def test_a_host_that_answers_unmasks_a_forger(forger, c):
    path = forger.write(put_words)
    said = refused_but_met(c, path, first_of(path))
    assert "its first key is not the one that the project's own host tells" in said


def refused_but_met(side, path, key=""):
    """As `refused`; that the project's host was asked is all that stays."""
    with side.house.app.app_context(), pytest.raises(Unusable) as unusable:
        import_psz(side.federation, path, key)
    assert counted(side)[2:] == [0] * 7
    return str(unusable.value)


def test_a_remembered_key_of_the_project_unmasks_a_forger_when_its_host_is_gone(story, forger, c):
    with c.house.app.app_context():
        c.federation.resolve_actor(forger.group)
        c.federation.find_past_key(forger.keys["first"]["id"])
    path = forger.write(put_words)
    with story.away():
        assert "its first key is not the one" in refused(c, path, first_of(path))


def test_a_forger_s_history_is_not_put_into_a_copy_that_is_here(story, forger, c):
    true = story.archive()
    with story.away():
        brought(c, true, first_of(true))
        path = forger.write(put_words)
        said = refused(c, path, first_of(path))
        assert said.startswith("entry 1 of the archive is another one than the copy here holds")


def test_whoever_is_known_here_is_not_spoken_for_by_keys_of_an_archive(story, forger, c):
    with c.house.app.app_context():
        bea = f"http://{story.pair.b.host}/u/bea"
        real = {k.key_id: k.public for k in keys_held(c.federation.resolve_actor(bea))}
    forger.keys["authors"].append(
        {"id": f"{bea}#ed25519-9", "type": "Multikey", "controller": bea,
         "publicKeyMultibase": multikey(forger.key(f"{bea}#ed25519-9").key.public_key())}
    )  # fmt: skip

    def in_her_name(_seq, body):
        put_words(0, body)
        if body["actor"] == bea and "proof" in body:
            body["proof"]["verificationMethod"] = f"{bea}#ed25519-9"

    people = json.loads(forger.held["people.json"])
    for one in people["people"]:
        one["name"] = "Faux nom"
    path = forger.write(in_her_name, **{"people.json": canonical(people)})
    with story.away():
        done = brought(c, path, first_of(path))
        assert done.without > 0
        with c.house.app.app_context():
            actor = db.session.query(Actor).filter_by(iri=bea).one()
            assert actor.display_name != "Faux nom"
            assert {k.key_id: k.public for k in keys_held(actor)} == real
            rows = [row for row in db.session.query(LogEntry) if row.body["actor"] == bea]
            assert {row.trust for row in rows} == {"proof"}, "to be proved when B is back, or not"
            assert db.session.query(Item).filter_by(author_id=actor.id).count() == 0
            with pytest.raises(Refused):
                c.federation.find_key(f"{bea}#ed25519-9")


def keys_held(actor):
    return db.session.query(Key).filter_by(actor_id=actor.id).all()


def test_an_archive_makes_nobody_of_ours(forger, c, story):
    people = json.loads(forger.held["people.json"])
    ours = f"http://{c.host}/u/nobody"
    people["people"].append(
        {"id": ours, "type": "Person", "preferredUsername": "nobody", "name": "x",
         "inbox": f"{ours}/inbox"}
    )  # fmt: skip

    def in_our_name(_seq, body):
        if body["type"] == "Create":
            body["actor"] = body["object"]["attributedTo"] = ours
            body.pop("proof", None)

    for item in forger.lines:
        if item["body"]["type"] == "Create":
            item["entry"]["trust"] = "http"
    path = forger.write(in_our_name, **{"people.json": canonical(people)})
    with story.away():
        brought(c, path, first_of(path))
    with c.house.app.app_context():
        assert db.session.query(Actor).filter_by(iri=ours).count() == 0
        assert db.session.query(Item).count() == 0


def test_a_log_that_does_not_say_who_reads_it_is_for_members(story, forger, c):
    told = [item for item in forger.lines if item["entry"]["activityType"] != "Update"]
    for seq, item in enumerate(told, 1):
        item["entry"]["seq"] = seq
    forger.lines = told
    path = forger.write(put_words)
    with story.away():
        brought(c, path, first_of(path))
    with c.house.app.app_context():
        space = db.session.query(Space).one()
        assert space.visibility == Visibility.MEMBERS
        assert db.session.query(Item).count() == 0


def test_nobody_known_is_renamed_by_an_archive_and_no_name_is_taken_from_anybody(story, c):
    with c.house.app.app_context():
        bea = c.federation.resolve_actor(f"http://{story.pair.b.host}/u/bea")
        told = {"id": bea.iri, "type": "Person", "preferredUsername": "eve", "inbox": bea.inbox}
        other = told | {"id": f"{bea.iri}2", "preferredUsername": "bea", "name": "Faux nom"}
        away = told | {"id": f"{bea.iri}3", "inbox": "https://elsewhere.example/inbox"}
        people = read_people({"people": [told, other, away, "x"]}, allow_loopback=True)
        assert sorted(people) == [bea.iri, f"{bea.iri}2"], "letters go nowhere else"
        assert write_down(db.session(), people[bea.iri], now()) is bea
        assert write_down(db.session(), people[f"{bea.iri}2"], now()) is None
        assert bea.name == "bea"
        assert bea.fetched_at


def test_a_project_of_this_instance_itself_is_not_taken_from_an_archive(story):
    path, a = story.archive(), story.pair.a
    assert "put the instance back from a backup" in refused(a, path, first_of(path))


def test_a_damaged_archive_is_refused_in_the_words_of_its_verifier(story, c):
    path = story.archive()
    first = first_of(path)
    raw = bytearray(path.read_bytes())
    raw[raw.index(b"Je viens de B")] ^= 1
    path.write_bytes(raw)
    assert "its words are not those that were signed" in refused(c, path, first)
    assert "BAD entry" in refused(c, path)
    path.write_bytes(b"nothing")
    assert "cannot be read" in refused(c, path)


def test_a_recording_that_is_too_long_for_this_instance_is_not_kept(story, c):
    path = story.archive()
    object.__setattr__(c.house.runtime.settings.files, "voice", len(WEBM) - 1)
    with story.away():
        assert brought(c, path, first_of(path)).files == 0
    with c.house.app.app_context():
        assert not db.session.query(StoredFile).one().held
    assert list((c.house.path / "files").glob("??/*")) == []


def test_the_command_says_what_it_did_and_what_to_compare(story, c):
    path = story.archive()
    with story.away():
        bare = run(c.house, "mirror", "import", str(path))
        assert bare.exit_code == 1
        assert f"The archive says {first_of(path)}: compare it" in bare.output
        done = run(c.house, "mirror", "import", str(path), "--key", first_of(path))
        assert done.exit_code == 0, done.output
        assert f"the project began with the key {first_of(path)}" in done.output
        seq = story.facts()[0]
        told = f"jardin@{story.pair.a.host}: {seq} entries and 1 recordings taken in"
        assert told in done.output
        assert f"{seq}/{seq}" in done.output
        assert f"active\t{seq}/{seq}" in run(c.house, "mirror", "list").output
        onward = run(c.house, "log", "export", f"jardin@{story.pair.a.host}", str(path) + "2")
        assert onward.exit_code == 1
        assert "hand on the archive that this copy was made from" in onward.output
        nowhere = run(c.house, "mirror", "import", str(path.with_name("none.psz")))
        assert nowhere.exit_code == 1


def run(house, *words):
    env = {"COLLAB_DATABASE__URL": house.runtime.settings.database.url}
    return CliRunner().invoke(cli, ["--instance", str(house.path), *words], env=env)


def test_a_members_only_project_stays_closed(story, c):
    """Last: from here on the project of this story is closed."""
    a = story.pair.a
    with a.house.app.app_context(), a.house.as_(a.person()) as work:
        space = work.session.get(Space, story.pair.space_id)
        revise_space(work, space, ReviseSpace("Jardin", visibility=Visibility.MEMBERS))
    story.say("Entre nous")
    path = story.archive()
    with story.away():
        brought(c, path, first_of(path))
    with c.house.app.app_context():
        space = db.session.query(Space).one()
        assert space.visibility == Visibility.MEMBERS
        url = space.url
        client = c.house.client()
        log_in(client, c.person())
        thread = db.session.query(Thread).one().uid
        file = db.session.query(StoredFile).one().item.uid
    assert client.get(f"{url}/discussion/{thread}/").status_code == 404
    assert client.get(f"{url}/discussion/m/{file}/voice").status_code == 404
    assert "Eau" not in client.get(url).text
    assert "<mark>" not in client.get("/search?q=nous").text
