"""What a suspended person wrote is shown nowhere, at no address and through no door (R32, R36)."""
# ruff: noqa: F401, F811 - fixtures are imported by their names

from __future__ import annotations

import pytest
from conftest import log_in
from federation.stage import federation, foreign, house, sent
from federation.test_rules_served import SECRET, addresses

from collab.federation.models import LogEntry
from collab.people.models import AccountRole
from collab.people.sanctions import Sanction, lift, suspend
from collab.spaces.exclusions import Exclude, Readmit, exclude, readmit
from collab.spaces.items import pin
from collab.spaces.models import Item
from collab.spaces.tools.pages.models import Document
from collab.web.actions import perform
from collab.web.extensions import db

MORE = (
    "/search?q=fané", "/search?q=fané&order=newest", "/search?q=réponse", "/api/v1/search?q=fané",
    "/news", "/depuis", "/u/omar", "/u/omar/outbox", f"/u/{SECRET}", "/spaces",
    "/.well-known/webfinger?resource=acct:omar@127.0.0.1:8009", "/",
)  # fmt: skip


@pytest.fixture
def ines(make):
    return make.person("ines", AccountRole.ADMIN)


@pytest.fixture
def omar(make):
    person = make.person("omar")
    person.summary = SECRET
    db.session.commit()
    return person


@pytest.fixture
def zoe(make):
    return make.person("zoe")


@pytest.fixture
def garden(house, make, ines, omar, zoe):
    """A public project in which Omar put his word everywhere, and Inès answered him."""
    space = make.space(ines, omar, zoe)
    given = {"title": f"{SECRET} fané", "body": SECRET}
    thread = perform(omar, "jardin", "discussion", "open", given)
    perform(omar, "jardin", "discussion", "post", {"thread": thread, "body": SECRET})
    perform(ines, "jardin", "discussion", "post", {"thread": thread, "body": "Réponse."})
    other = perform(ines, "jardin", "discussion", "open", {"title": "Eau", "body": "Pluie."})
    perform(omar, "jardin", "discussion", "post", {"thread": other, "body": SECRET})
    perform(omar, "jardin", "pages", "add", {"title": f"{SECRET} doc", "source": f"# {SECRET}"})
    for given in ({"of": thread, "body": SECRET}, {"of": other, "body": "La pluie."}):
        perform(ines, "jardin", "simple", "write", {"title": "Simple"} | given)
    perform(omar, "jardin", "simple", "write", {"of": "", "title": SECRET, "body": SECRET})
    with house.as_(ines) as work:
        pin(work, work.session.query(Item).filter_by(uid=thread).one(), pinned=True)
    house.settle()
    return space


def paths_of(house, space):
    """All but those of a project that there is not; and what only other instances ask for."""
    uids = [uid for (uid,) in db.session.query(Item.uid)]
    asked = [f"/p/jardin/log/{seq}" for seq in range(1, 18)]
    asked += [f"/p/jardin/{name}" for name in ("outbox", "featured", "discussions", "resources")]
    for uid in uids:
        asked += [f"/p/jardin/w/{uid}", f"/o/{uid}", f"/o/{uid}/replies"]
        asked += [f"/p/jardin/c/{uid}", f"/p/jardin/c/{uid}/history"]
        asked += [f"/p/jardin/simple/new?of={uid}", f"/api/v1/items/{uid}"]
    there = [a for a in addresses(house, space) if not a.startswith(f"/p/{SECRET}")]
    return list(dict.fromkeys([*there, *MORE, *asked]))


def leaks(paths, ask):
    """The addresses at which the word is to be read; `ask` gives the answers for one of them."""
    found = []
    for path in paths:
        for answer in ask(path):
            told = answer.get_data().decode(errors="replace").replace(path, "")
            if SECRET in told.replace(f"title={SECRET}", ""):
                found.append((path, answer.content_type, answer.status_code))
    return found


def test_r36_no_address_shows_a_word_of_a_suspended_person(house, foreign, garden, ines, omar, zoe):
    member, stranger, site = house.client(), house.client(), foreign.application()
    log_in(member, zoe)

    def by_two(path):
        yield stranger.get(path, headers={"Accept": "application/activity+json"})
        yield member.get(path, headers={"Accept": "text/html"})

    def by_all(path):
        yield from by_two(path)
        yield stranger.get(path, headers={"Accept": "application/json"})
        if path.startswith(("/o/", "/p/jardin/w/", "/p/jardin/c/")):
            yield foreign.get(site, path)

    assert foreign.say(foreign.person("zola"), "Follow", garden.iri).status_code == 202
    paths = paths_of(house, garden)
    before = leaks(paths, by_two)
    assert len(before) > 30
    with house.as_(ines) as work:
        suspend(work, Sanction(omar.id))
    house.settle()
    assert leaks(paths, by_all) == []
    told = stranger.get("/u/omar", headers={"Accept": "application/activity+json"}).get_json()
    assert told["suspended"] is True
    assert told["publicKey"]["publicKeyPem"]  # older words in logs are verified by it
    (heard,) = sent("Update")  # by an instance that knows him, as Mastodon would tell it
    about = heard["object"]
    assert (heard["actor"], about["suspended"], about["name"]) == (omar.iri, True, "")
    with house.as_(ines) as work:
        lift(work, Sanction(omar.id))
    house.settle()
    lifted = sent("Update")[1]["object"]
    assert ("suspended" in lifted, lifted["name"]) == (False, omar.label)
    assert leaks(dict.fromkeys(path for path, *_ in before), by_two) == before


def test_a_document_that_others_have_worked_on_stays(house, client, garden, ines, omar):
    (document,) = db.session.query(Document)
    given = {"document": document.uid, "source": "Fèves.", "base": "1"}
    perform(ines, "jardin", "pages", "edit", given)
    with house.as_(ines) as work:
        suspend(work, Sanction(omar.id))
    there = f"{garden.url}/pages/{document.slug}"
    assert "Fèves." in client.get(there).get_data(as_text=True)


def test_r37_only_the_project_hears_who_is_excluded(house, foreign, garden, ines, omar):
    with house.as_(ines) as work:
        iri = exclude(work, garden, Exclude(omar.id, SECRET)).iri
    with house.as_(ines) as work:
        readmit(work, garden, Readmit(omar.id))
    house.settle()
    wanted = LogEntry.activity_id.startswith(iri)
    seqs = db.session.query(LogEntry.seq).filter(wanted).order_by(LogEntry.seq).all()
    paths = [f"/p/jardin/log/{seq}" for (seq,) in seqs] + [iri.partition(":8009")[2]]
    assert len(paths) == 3
    for path in paths:
        assert foreign.get(None, path).status_code == 404
        assert foreign.get(foreign.person("lea"), path).status_code == 404
    outbox = foreign.get(None, "/p/jardin/outbox").get_json()["orderedItems"]
    assert "Block" not in [told["object"]["type"] for told in outbox if "id" in told["object"]]
    assert iri not in str(outbox)
