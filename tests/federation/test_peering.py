"""Two administrators compare a phrase made of both instances' keys."""
# ruff: noqa: F401, F811 - fixtures are imported by their names

from __future__ import annotations

import io
import re
import unicodedata

import pytest
import segno
from click.testing import CliRunner
from conftest import log_in
from federation.stage import ORIGIN, actor, federation, foreign, house

from collab.cli import cli
from collab.core.errors import Conflict, Missing
from collab.federation.keys import multikey, new_ed25519
from collab.federation.peering import (
    SCRYPT,
    Phrase,
    VerifyPeer,
    phrase,
    same_words,
    spoken,
    standing_of_keys,
    verify_peer,
    words,
)
from collab.people.models import AccountRole, Key, Peer, PeerState
from collab.web.extensions import db


@pytest.fixture
def admin(make):
    return make.person("ada", AccountRole.ADMIN)


@pytest.fixture
def linked(house, foreign, admin):
    """The other server has asked to be linked, and we know its key."""
    theirs = foreign.application()
    assert foreign.say(theirs, "Follow", f"{ORIGIN}/actor").status_code == 202
    foreign.peer.serve("/actor", theirs.document)
    return foreign


@pytest.fixture
def browser(house, admin):
    client = house.client()
    log_in(client, admin)
    return client


def told(federation, foreign) -> Phrase:
    return phrase(db.session(), foreign.host, federation.now())


def new_key(foreign) -> None:
    """The other server shows another key than before."""
    theirs = foreign.application()
    entry = theirs.document["assertionMethod"][0]
    changed = entry | {"publicKeyMultibase": multikey(new_ed25519().public_key())}
    foreign.peer.serve("/actor", theirs.document | {"assertionMethod": [changed]})


def plain(word: str) -> str:
    folded = unicodedata.normalize("NFD", word)
    return "".join(c for c in folded if not unicodedata.combining(c))


def test_six_words_of_the_list_are_worth_sixty_bits():
    assert len(words()) == len({plain(word) for word in words()}) == 2**10
    assert all(4 <= len(plain(word)) <= 8 and plain(word).isalpha() for word in words())
    assert SCRYPT["n"] * SCRYPT["r"] * 128 == 32 * 2**20


def test_no_two_words_are_a_letter_apart():
    known, holes = set(map(plain, words())), {}
    for word in known:
        for at in range(len(word)):
            assert word[:at] + word[at + 1 :] not in known, word
            hole = word[:at] + "_" + word[at + 1 :]
            assert holes.setdefault(hole, word) == word, (word, holes[hole])


def test_both_sides_read_the_same_phrase_and_nobody_else_does():
    a, b = ("a.example", ["zA"]), ("b.example", ["zB", "zC"])
    here = spoken([a, b])
    assert here == spoken([("b.example", ["zC", "zB"]), a])
    assert len(here.words) == 6
    others = [spoken(s) for s in ([a, ("b.example", ["zB"])], [a, ("c.example", ["zB", "zC"])])]
    assert len({str(p) for p in [here, *others]} | {p.print for p in [here, *others]}) == 6


def test_words_are_compared_however_they_are_written():
    one = Phrase(("école", "nœud", "tulipe", "ravin", "foulard", "crayon"), "")
    assert same_words(one, "  Ecole, NOEUD tulipe\nravin – foulard crayon.")
    assert not same_words(one, "nœud école tulipe ravin foulard crayon")
    assert not same_words(one, "école nœud tulipe ravin foulard")


def test_the_phrase_on_the_page_leads_to_a_verified_link(browser, federation, linked):
    page = browser.get(f"/admin/peers/{linked.host}/phrase").get_data(as_text=True)
    now = told(federation, linked)
    assert re.findall(r"<li><b>(\w+)</b></li>", page) == list(now.words)
    sent = browser.post(
        f"/admin/peers/{linked.host}/phrase", data={"found": "same", "print": now.print}
    )
    assert sent.status_code == 302
    assert "vérifiée le" in browser.get("/admin/peers").get_data(as_text=True)
    browser.post(f"/admin/peers/{linked.host}", data={"act": "allow"})
    page = browser.get(f"/admin/peers/{linked.host}/phrase").get_data(as_text=True)
    assert "relié, vérifié le" in page


@pytest.mark.parametrize("found", ["other", "same", ""])
def test_a_wrong_phrase_is_a_clear_warning(browser, federation, linked, found):
    now = told(federation, linked)
    with federation.runtime.work(federation.instance_actor()) as work:
        verify_peer(work, VerifyPeer(linked.host, now.print))
    heard = "crayon nappe puma fluide navet lagune" if found == "same" else ""
    sent = browser.post(
        f"/admin/peers/{linked.host}/phrase",
        data={"found": found, "print": now.print, "heard": heard},
    )
    assert sent.status_code == 409
    page = sent.get_data(as_text=True)
    assert ("Ce n’est pas la même phrase. Ne reliez pas" in page) == bool(found)
    assert heard in page
    db.session.expire_all()
    assert (db.session.get(Peer, linked.host).verified_at is None) == (found == "other")


def drawn(link: str) -> str:
    """The dark squares of the code that carries a link."""
    out = io.BytesIO()
    segno.make(link, error="m").save(out, kind="svg", scale=4, border=2, light="#fff")
    return squares(out.getvalue().decode())


def squares(picture: str) -> str:
    (found,) = re.findall(r'stroke="#000"[^>]* d="([^"]+)"', picture)
    return found


def test_the_code_leads_to_the_page_about_us_there_with_our_print(browser, federation, linked):
    now, url = told(federation, linked), f"/admin/peers/{linked.host}/phrase"
    picture = browser.get(f"{url}.svg")
    assert picture.mimetype == "image/svg+xml"
    assert picture.headers["Cache-Control"] == "private, no-store"
    there = f"{linked.peer.origin}/admin/peers/{federation.host}/phrase?print="
    assert squares(picture.get_data(as_text=True)) == drawn(there + now.print)
    assert squares(picture.get_data(as_text=True)) != drawn(there + "0" * 64)
    assert f'src="{url}.svg"' in browser.get(url).get_data(as_text=True)


def test_a_scanned_code_is_compared_at_once(browser, federation, linked):
    now, url = told(federation, linked), f"/admin/peers/{linked.host}/phrase"
    same = "Le code que vous venez de lire dit la même chose que nous."
    other = "Le code que vous venez de lire dit autre chose."
    for scanned, says in ((f"?print={now.print}", same), (f"?print={'0' * 64}", other), ("", "")):
        page = browser.get(url + scanned).get_data(as_text=True)
        assert {words for words in (same, other) if words in page} == {says} - {""}
    assert standing_of_keys(db.session(), db.session.query(Peer), federation.now()) == {}, (
        "to have scanned is not yet to have confirmed"
    )


def test_another_key_of_theirs_ends_what_was_verified(browser, federation, linked):
    before = told(federation, linked)
    with federation.runtime.work(federation.instance_actor()) as work:
        verify_peer(work, VerifyPeer(linked.host, before.print))
    assert "vérifiée le" in browser.get("/admin/peers").get_data(as_text=True)
    new_key(linked)
    page = browser.get(f"/admin/peers/{linked.host}/phrase").get_data(as_text=True)
    assert "Une clé a changé" in page
    assert " ".join(before.words) != str(told(federation, linked))
    listed = browser.get("/admin/peers").get_data(as_text=True)
    assert "vérifiée le" not in listed
    assert "ses clés ont changé" in listed
    with pytest.raises(Conflict), federation.runtime.work(federation.instance_actor()) as work:
        verify_peer(work, VerifyPeer(linked.host, before.print))


def test_a_key_of_ours_that_ended_changes_the_phrase(federation, linked):
    before = told(federation, linked)
    ours = federation.instance_actor().id
    db.session.query(Key).filter_by(
        actor_id=ours, algorithm="ed25519"
    ).one().expires_at = federation.now()
    with pytest.raises(Conflict):
        told(federation, linked)
    db.session.rollback()
    assert told(federation, linked) == before


def test_nobody_compares_with_an_instance_that_is_not_known(browser, federation, linked):
    with pytest.raises(Missing):
        phrase(db.session(), "nobody.example", federation.now())
    for path in ("phrase", "phrase.svg"):
        assert browser.get(f"/admin/peers/nobody.example/{path}").status_code == 404


def test_only_administrators_compare(house, make, linked):
    client = house.client()
    url = f"/admin/peers/{linked.host}/phrase"
    assert client.get(url).status_code == 302 or client.get(url).status_code == 401
    log_in(client, make.person("zoe"))
    assert client.get(url).status_code == 403
    assert client.post(url, data={"found": "same"}).status_code == 403


def run(house, *typed: str):
    env = {"COLLAB_DATABASE__URL": house.runtime.settings.database.url}
    return CliRunner().invoke(cli, ["--instance", str(house.path), "peers", *typed], env=env)


def test_the_command_line_reads_out_and_verifies(house, federation, linked):
    said = run(house, "phrase", linked.host)
    assert said.exit_code == 0, said.output
    heard = said.output.split()
    assert heard == list(told(federation, linked).words)
    assert run(house, "verify", linked.host, *reversed(heard)).exit_code == 1
    db.session.rollback()
    assert standing_of_keys(db.session(), db.session.query(Peer), federation.now()) == {}
    assert "verified" in run(house, "verify", linked.host, *heard).output
    db.session.rollback()
    rows = db.session.query(Peer).all()
    assert standing_of_keys(db.session(), rows, federation.now()) == {linked.host: "verified"}
