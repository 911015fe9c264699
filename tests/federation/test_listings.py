"""The collections of a project and its single activities, as strangers, peers and members see
them (FEDERATION.md 1.2, 1.3)."""
# ruff: noqa: F401, F811 - fixtures are imported by their names

from __future__ import annotations

import hashlib
import json

import pytest
from federation.stage import ORIGIN, actor, federation, foreign, house, sent
from federation.test_deliver import clock

from collab.federation import listings
from collab.federation.models import LogEntry
from collab.spaces.items import pin
from collab.spaces.models import Item, Visibility
from collab.web.actions import perform
from collab.web.extensions import db

AP = {"Accept": "application/activity+json"}


@pytest.fixture
def ines(make):
    return make.person("ines")


@pytest.fixture
def garden(make, ines):
    return make.space(ines)


@pytest.fixture
def thread(house, garden, ines) -> str:
    """A subject with two answers, the second one to the first."""
    uid = said(ines, garden, "open", title="Cuve", body="Une.")
    first = said(ines, garden, "post", thread=uid, body="Deux.")
    said(ines, garden, "post", thread=uid, body="Trois.", reply_to=first)
    house.settle()
    return uid


def said(who, space, verb: str, **given) -> str:
    return perform(who, space.address, "discussion", verb, given)


def shown(house, path: str) -> dict:
    answer = house.client().get(path.removeprefix(ORIGIN), headers=AP)
    assert answer.status_code == 200, path
    return answer.get_json(force=True)


def entry(garden, verb: str) -> LogEntry:
    rows = db.session.query(LogEntry).filter_by(space_id=garden.id, activity_type=verb)
    return rows.order_by(LogEntry.seq.desc()).first()


def test_every_collection_a_group_names_answers_as_one(house, garden, thread):
    told = shown(house, garden.iri)
    named = {told[name] for name in ("outbox", "followers", "following", "featured", "members")}
    named |= {v for k, v in told["endpoints"].items() if k != "sharedInbox"}
    named |= {told["attributedTo"]}
    assert len(named) == 11
    for iri in named:
        page = shown(house, iri)
        assert (page["type"], page["id"]) == ("OrderedCollection", iri)
        assert isinstance(page["totalItems"], int)
        assert "orderedItems" in page or "first" in page


def test_the_rooms_hold_what_they_are_called_after(house, garden, thread, ines):
    given = {"title": "Semis", "source": "Des radis."}
    uid = perform(ines, garden.address, "pages", "add", given)
    assert shown(house, "/p/jardin/discussions")["orderedItems"] == [f"{ORIGIN}/o/{thread}"]
    assert shown(house, "/p/jardin/posts")["orderedItems"] == [f"{garden.iri}/w/{uid}"]
    assert shown(house, "/p/jardin/todos")["orderedItems"] == []


def test_a_long_collection_points_to_its_pages(house, garden, ines, monkeypatch):
    monkeypatch.setattr(listings, "ON_A_PAGE", 2)
    uids = [said(ines, garden, "open", title=f"Sujet {n}", body="Bonjour") for n in range(5)]
    whole = shown(house, "/p/jardin/discussions")
    assert whole["totalItems"] == 5
    assert "orderedItems" not in whole
    found, page = [], shown(house, whole["first"])
    while True:
        assert page["partOf"] == whole["id"]
        assert page["type"] == "OrderedCollectionPage"
        found += page["orderedItems"]
        if "next" not in page:
            break
        page = shown(house, page["next"])
    assert found == [f"{ORIGIN}/o/{uid}" for uid in uids]
    assert house.client().get("/p/jardin/discussions?page=4", headers=AP).status_code == 404


def test_r37_members_are_named_to_members_only(house, foreign, make, garden, ines):
    lea = foreign.member(make, garden, ines)
    for answer in (
        house.client().get("/p/jardin/members", headers=AP),
        foreign.get(foreign.person("omar"), "/p/jardin/members"),
    ):
        told = answer.get_json(force=True)
        assert told["totalItems"] == 2
        assert "orderedItems" not in told
        assert told["first"]["orderedItems"] == []
    for inside in (lea, foreign.application()):
        answer = foreign.get(inside, "/p/jardin/members")
        assert answer.get_json(force=True)["orderedItems"] == [ines.iri, lea.iri]
        assert answer.headers["Cache-Control"] == "private, no-store"


def test_r37_the_outbox_tells_nobody_who_belongs_to_the_project(house, foreign, make, garden, ines):
    lea = foreign.member(make, garden, ines)
    house.settle()
    assert entry(garden, "Grant").body["target"] == lea.iri
    assert lea.iri not in json.dumps(shown(house, "/p/jardin/outbox"))


def test_the_outbox_has_subjects_in_both_forms(house, garden, thread):
    told = shown(house, "/p/jardin/outbox")
    opened = [one for one in told["orderedItems"] if one["object"] == f"{ORIGIN}/o/{thread}"]
    wrapped = [one for one in told["orderedItems"] if isinstance(one["object"], dict)]
    assert len(opened) == 1
    assert [one["object"]["type"] for one in wrapped] == ["Create", "Create", "Create", "Update"]
    assert told["totalItems"] == 4


def test_what_is_pinned_is_there_whole(house, garden, thread, ines):
    with house.as_(ines) as work:
        pin(work, work.session.query(Item).filter_by(uid=thread).one(), pinned=True)
    (told,) = shown(house, "/p/jardin/featured")["orderedItems"]
    assert (told["id"], told["name"]) == (f"{ORIGIN}/o/{thread}", "Cuve")


def test_whoever_has_the_whole_conversation_hears_304(house, garden, thread, ines):
    path = f"/p/jardin/c/{thread}"
    answer = house.client().get(path, headers=AP)
    ids = answer.get_json(force=True)["orderedItems"]
    digest = 0
    for iri in ids:
        digest ^= int(hashlib.sha256(iri.encode()).hexdigest(), 16)
    assert answer.headers["ETag"] == f'"{digest:064x}"'
    asked = AP | {"If-None-Match": f'"{digest:064x}"'}
    assert house.client().get(path, headers=asked).status_code == 304
    said(ines, garden, "post", thread=thread, body="Quatre.")
    assert house.client().get(path, headers=asked).status_code == 200


def test_the_history_of_a_conversation_is_its_activities(house, garden, thread, ines):
    said(ines, garden, "open", title="Autre", body="Autre.")
    said(ines, garden, "react", item=thread, sign="merci")
    said(ines, garden, "remove", item=thread)
    house.settle()
    told = shown(house, f"/p/jardin/c/{thread}")
    assert told["attributedTo"] == garden.iri
    past = shown(house, told["history"])
    assert past["totalItems"] == 5
    verbs = [one["type"] for one in past["first"]["orderedItems"]]
    assert verbs == ["Tombstone", "Create", "Create", "Like", "Delete"]


def test_r32_words_that_were_taken_back_are_nowhere_to_be_read(house, foreign, garden, ines):
    uid = said(ines, garden, "open", title="Adresse", body="3 rue des Lilas")
    said(ines, garden, "edit", item=uid, title="Adresse", body="4 rue des Lilas")
    house.settle()
    said(ines, garden, "remove", item=uid)
    house.settle()
    last = entry(garden, "Delete").seq
    places = [f"/p/jardin/log/{seq}" for seq in range(1, last + 1)]
    places += ["/p/jardin/outbox", f"/p/jardin/c/{uid}", f"/p/jardin/c/{uid}/history?page=1"]
    places += ["/p/jardin/discussions", f"/o/{uid}"]
    for path in places:
        for answer in (
            house.client().get(path, headers=AP), foreign.get(foreign.person(), path),
        ):  # fmt: skip
            assert "Lilas" not in answer.text, path
    assert "Lilas" in json.dumps(entry(garden, "Create").body)


def test_replies_are_the_direct_ones(house, garden, thread):
    opener = shown(house, f"/o/{thread}")
    (first,) = shown(house, opener["replies"])["orderedItems"]
    (second,) = shown(house, f"{first}/replies")["orderedItems"]
    assert shown(house, f"{second}/replies")["totalItems"] == 0


def test_an_announcement_is_found_at_its_id(house, garden, thread):
    row = entry(garden, "Create")
    told = shown(house, f"{garden.iri}/log/{row.seq}")
    assert told["id"] == f"{garden.iri}/log/{row.seq}#announce"
    assert told["object"] == row.body
    assert house.client().get("/p/jardin/log/999", headers=AP).status_code == 404


def test_r37_a_grant_is_for_its_target_for_copies_and_for_members(
    house, foreign, make, garden, ines
):
    lea, omar = foreign.member(make, garden, ines), foreign.person("omar")
    house.settle()
    row = entry(garden, "Grant")
    grant = row.activity_id.partition("#")[0].removeprefix(ORIGIN)
    for path in (grant, f"/p/jardin/log/{row.seq}"):
        for inside in (lea, foreign.application()):
            answer = foreign.get(inside, path)
            assert answer.status_code == 200
            assert answer.headers["Cache-Control"] == "private, no-store"
        assert foreign.get(omar, path).status_code == 404
        assert house.client().get(path, headers=AP).status_code == 404
    assert foreign.get(lea, grant).get_json(force=True)["target"] == lea.iri


def test_r33_nothing_of_a_members_only_project_is_found(house, foreign, make, ines):
    closed = make.space(ines, slug="conseil", visibility=Visibility.MEMBERS)
    uid = said(ines, closed, "open", title="Budget", body="Chut.")
    house.settle()
    row = entry(closed, "Create")
    for path in (
        f"/p/conseil/log/{row.seq}", f"/p/conseil/c/{uid}/history", f"/o/{uid}/replies",
        "/p/conseil/discussions", "/p/conseil/following", "/p/conseil/posts?page=1",
    ):  # fmt: skip
        assert house.client().get(path, headers=AP).status_code == 404
        assert foreign.get(foreign.person(), path).status_code == 404


def test_nodeinfo_counts_what_there_is(house, garden, thread, ines):
    told = house.client().get("/nodeinfo/2.1").get_json(force=True)
    assert told["usage"] == {
        "users": {"total": 1, "activeMonth": 1, "activeHalfyear": 1},
        "localPosts": 1,
        "localComments": 2,
    }
    assert told["metadata"]["federation"] == {"enabled": True}
    assert told["metadata"]["staffAccounts"] == []


def test_nodeinfo_calls_active_who_wrote_lately(house, make, garden, thread, clock):
    make.person("marc")  # has an account and wrote nothing
    for days, month, half_year in ((29, 1, 1), (2, 0, 1), (148, 0, 1), (2, 0, 0)):
        clock.forward(days=days)
        told = house.client().get("/nodeinfo/2.1").get_json(force=True)["usage"]["users"]
        assert told == {"total": 2, "activeMonth": month, "activeHalfyear": half_year}


def test_nodeinfo_counts_nothing_that_strangers_may_not_read(house, make, garden, thread, ines):
    before = house.client().get("/nodeinfo/2.1").get_json(force=True)["usage"]
    closed = make.space(ines, slug="conseil", visibility="members")
    said(ines, closed, "open", title="Budget", body="Chut.")
    assert house.client().get("/nodeinfo/2.1").get_json(force=True)["usage"] == before


def test_webfinger_says_where_a_person_may_act_on_things_of_elsewhere(house, ines, garden):
    def links(resource: str) -> dict:
        asked = {"resource": resource}
        told = house.client().get("/.well-known/webfinger", query_string=asked)
        return {link["rel"]: link for link in told.get_json(force=True)["links"]}

    template = links("acct:ines@127.0.0.1:8009")["https://w3id.org/fep/3b86/Follow"]["template"]
    page = template.replace("{object}", "https://a.example/p/verger").removeprefix(ORIGIN)
    assert house.client().get(page).status_code in (200, 302)
    assert not [rel for rel in links(garden.iri) if "3b86" in rel]


def test_host_meta_leads_to_webfinger(house):
    answer = house.client().get("/.well-known/host-meta")
    assert answer.mimetype == "application/xrd+xml"
    assert f'template="{ORIGIN}/.well-known/webfinger?resource={{uri}}"' in answer.text
