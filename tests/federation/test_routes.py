"""What strangers, peers and members' hosts may read of us, and in which form."""
# ruff: noqa: F401, F811 - fixtures are imported by their names

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from federation.stage import ORIGIN, PUBLIC, actor, federation, foreign, house, sent

from collab.federation.log_routes import RATES
from collab.people.models import AccountRole, Peer, PeerState, Site
from collab.people.sanctions import Sanction, lift, suspend
from collab.spaces.items import withdraw
from collab.spaces.membership import Decide, follow, remove_member
from collab.spaces.models import Item, Membership, MembershipState, Visibility
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
def council(make, ines):
    return make.space(ines, slug="conseil", visibility=Visibility.MEMBERS)


def set_mode(mode: str) -> None:
    db.session.query(Site).one().federation = mode
    db.session.commit()


def said(actor, space) -> str:
    return perform(actor, space.address, "discussion", "open", {"title": "Cuve", "body": "Une."})


def test_webfinger_knows_people_projects_and_the_instance(house, ines, garden):
    asked = {
        "acct:ines@127.0.0.1:8009": ines.iri,
        "acct:INES@127.0.0.1:8009": ines.iri,
        "acct:jardin@127.0.0.1:8009": garden.iri,
        garden.iri: garden.iri,
        ORIGIN: f"{ORIGIN}/actor",
        f"{ORIGIN}/": f"{ORIGIN}/actor",
        "acct:127.0.0.1:8009@127.0.0.1:8009": f"{ORIGIN}/actor",
    }
    for resource, iri in asked.items():
        answer = house.client().get("/.well-known/webfinger", query_string={"resource": resource})
        assert answer.status_code == 200, resource
        assert answer.mimetype == "application/jrd+json"
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        told = answer.get_json(force=True)
        (link,) = [link for link in told["links"] if link["rel"] == "self"]
        assert link["href"] == iri


def test_r33_webfinger_does_not_know_what_strangers_may_not_know(house, make, ines):
    make.space(ines, slug="bureau", visibility=Visibility.LOCAL)
    for resource in (
        "acct:bureau@127.0.0.1:8009", f"{ORIGIN}/p/bureau", "acct:ines@elsewhere.example",
        "acct:nobody@127.0.0.1:8009", "ines", "", "https://elsewhere.example/u/ines",
    ):  # fmt: skip
        answer = house.client().get("/.well-known/webfinger", query_string={"resource": resource})
        assert answer.status_code == 404, resource


def test_nodeinfo_leads_to_the_instance_actor(house, ines):
    links = house.client().get("/.well-known/nodeinfo").get_json()["links"]
    hrefs = {link["rel"]: link["href"] for link in links}
    assert hrefs["https://www.w3.org/ns/activitystreams#Application"] == f"{ORIGIN}/actor"
    for rel, href in hrefs.items():
        if "nodeinfo" in rel:
            told = house.client().get(href.removeprefix(ORIGIN)).get_json(force=True)
            assert told["version"] == rel.rpartition("/")[2]
            assert told["usage"]["users"]["total"] == 1


def test_the_instance_actor_is_for_everybody(house):
    answer = house.client().get("/actor")
    assert answer.mimetype == "application/activity+json"
    told = answer.get_json(force=True)
    assert (told["type"], told["id"]) == ("Application", f"{ORIGIN}/actor")
    assert told["endpoints"]["sharedInbox"] == f"{ORIGIN}/inbox"


def test_one_address_is_a_page_for_people_and_a_document_for_machines(house, garden):
    document = house.client().get("/p/jardin", headers=AP)
    assert document.mimetype == "application/activity+json"
    assert document.headers["Vary"] == "Accept, Signature, Signature-Input"
    linked = 'application/ld+json; profile="https://www.w3.org/ns/activitystreams"'
    assert house.client().get("/p/jardin", headers={"Accept": linked}).mimetype == document.mimetype
    for browser in ("text/html,application/xhtml+xml,*/*;q=0.8", "*/*", ""):
        page = house.client().get("/p/jardin", headers={"Accept": browser})
        assert page.mimetype == "text/html"


def test_a_project_is_a_group_with_all_that_others_look_for(house, garden):
    told = house.client().get("/p/jardin", headers=AP).get_json(force=True)
    assert (told["type"], told["preferredUsername"]) == ("Group", "jardin")
    assert told["attributedTo"] == f"{garden.iri}/moderators"
    assert told["log"]["id"] == f"{garden.iri}/log"
    assert told["manuallyApprovesFollowers"] is False
    assert told["tools"] == garden.tools
    for address in [*told["endpoints"].values(), told["followers"], told["featured"]]:
        if address != f"{ORIGIN}/inbox":
            answer = house.client().get(address.removeprefix(ORIGIN), headers=AP)
            assert answer.get_json(force=True)["type"] == "OrderedCollection", address


def test_r37_strangers_learn_how_many_not_who(house, garden, ines, foreign):
    foreign.say(foreign.person(), "Follow", garden.iri)
    for which, total in (("members", 1), ("followers", 1)):
        told = house.client().get(f"/p/jardin/{which}", headers=AP).get_json(force=True)
        assert told["totalItems"] == total
        assert "orderedItems" not in told
    told = house.client().get("/p/jardin/moderators", headers=AP).get_json(force=True)
    assert told["orderedItems"] == [ines.iri]


def test_a_message_is_served_at_its_own_id(house, garden, ines):
    uid = said(ines, garden)
    told = house.client().get(f"/o/{uid}", headers=AP).get_json(force=True)
    assert told["id"] == f"{ORIGIN}/o/{uid}"
    assert told["attributedTo"] == ines.iri
    assert "@context" in told
    page = house.client().get(f"/o/{uid}")
    assert page.status_code == 302
    assert "/p/jardin/discussion/" in page.headers["Location"]


def test_what_was_taken_back_is_a_tombstone(house, garden, ines):
    uid = said(ines, garden)
    item = db.session.query(Item).filter_by(uid=uid).one()
    with house.as_(ines) as work:
        withdraw(work, item)
    answer = house.client().get(f"/o/{uid}", headers=AP)
    told = answer.get_json(force=True)
    assert (answer.status_code, told["type"], told["formerType"]) == (200, "Tombstone", "Note")
    assert "content" not in told
    house.runtime.clock = lambda: datetime.now(UTC) + timedelta(days=40)
    assert house.client().get(f"/o/{uid}", headers=AP).status_code == 410


def test_a_discussion_is_a_collection_of_its_posts(house, garden, ines):
    uid = said(ines, garden)
    said(ines, garden)
    given = {"thread": uid, "body": "Deux."}
    answer = perform(ines, garden.address, "discussion", "post", given)
    told = house.client().get(f"/p/jardin/c/{uid}", headers=AP).get_json(force=True)
    assert told["orderedItems"] == [f"{ORIGIN}/o/{uid}", f"{ORIGIN}/o/{answer}"]
    assert told["attributedTo"] == garden.iri


def test_r33_what_may_not_be_read_looks_like_what_is_not_there(house, foreign, council, ines):
    uid = said(ines, council)
    absent = house.client().get("/o/01jabsent00000000000000000", headers=AP)
    lea = foreign.person()
    for path in (f"/o/{uid}", f"/p/conseil/c/{uid}", "/p/conseil/members", "/p/conseil/outbox"):
        for answer in (house.client().get(path, headers=AP), foreign.get(lea, path)):
            assert answer.status_code == 404
            assert answer.get_data() == absent.get_data()


def test_r35_a_host_reads_a_members_only_project_while_it_has_a_member(
    house, foreign, make, council, ines
):
    path = f"/o/{said(ines, council)}"
    lea = foreign.member(make, council, ines)
    omar = foreign.person("omar")
    for scheme in ("cavage", "rfc9421"):
        answer = foreign.get(foreign.application(), path, scheme)
        assert answer.status_code == 200
        assert answer.headers["Cache-Control"] == "private, no-store"
    assert foreign.get(lea, path).status_code == 200
    assert foreign.get(omar, path).status_code == 404
    assert house.client().get(path, headers=AP).status_code == 404
    with house.as_(ines) as work:
        remove_member(work, council, Decide(member=actor(lea.iri).id))
    assert foreign.get(foreign.application(), path).status_code == 404
    assert foreign.get(lea, path).status_code == 404


def test_r36_nobody_reads_by_the_place_of_who_is_suspended_or_gone(
    house, foreign, make, council, ines
):
    chief, site = make.person("omar", AccountRole.ADMIN), foreign.application()
    path = f"/o/{said(ines, council)}"
    lea, zola = (foreign.member(make, council, ines, name) for name in ("lea", "zola"))

    def reads(*asking):
        return [foreign.get(one, path).status_code for one in asking]

    with house.as_(chief) as work:
        suspend(work, Sanction(actor(lea.iri).id))
    assert reads(lea, zola, site) == [404, 200, 200]
    assert foreign.say(zola, "Delete", zola.iri).status_code == 202
    assert reads(lea, zola, site) == [404, 404, 404]
    assert foreign.get(site, "/p/conseil/log").status_code == 404
    place = db.session.query(Membership).filter_by(actor_id=actor(zola.iri).id).one()
    assert place.state == MembershipState.LEFT, "so that copies elsewhere hear of it"
    with house.as_(chief) as work:
        lift(work, Sanction(actor(lea.iri).id))
    assert reads(lea, zola, site) == [200, 404, 200]


@pytest.mark.parametrize("what", ["log", "feed", "ack"])
def test_r51_a_host_asks_for_logs_and_brings_them_so_often_in_a_minute(
    foreign, federation, garden, what
):
    site = foreign.application()

    def asked():
        if what == "log":
            return [foreign.get(site, f"/p/jardin/{path}") for path in ("log", "log/state")]
        return [foreign.post(site, {"projects": []}, path=f"/ap/{what.replace('feed', 'log')}")]

    assert 429 not in [answer.status_code for answer in asked()]
    while federation.budget.spend(f"{what} {foreign.host}", RATES[what], 60):
        continue
    for answer in asked():
        assert (answer.status_code, answer.headers["Retry-After"]) == (429, "60")


def test_the_card_of_a_members_only_project_says_nothing_of_its_log(house, council):
    told = house.client().get("/p/conseil", headers=AP).get_json(force=True)
    assert told["visibility"] == "members"
    assert "seq" not in told["log"]


def test_a_project_that_stays_at_home_is_not_there(house, foreign, make, ines):
    make.space(ines, slug="bureau", visibility=Visibility.LOCAL)
    assert house.client().get("/p/bureau", headers=AP).status_code == 404
    assert foreign.get(foreign.application(), "/p/bureau").status_code == 404


def test_r34_a_public_document_may_be_cached_and_a_private_one_not(house, garden, council):
    public = house.client().get("/p/jardin", headers=AP)
    assert public.headers["Cache-Control"] == "max-age=60"
    unchanged = house.client().get(
        "/p/jardin", headers=AP | {"If-None-Match": public.headers["ETag"]}
    )
    assert unchanged.status_code == 304
    private = house.client().get("/p/conseil", headers=AP)
    assert private.headers["Cache-Control"] == "private, no-store"


def test_an_answer_we_sent_is_shown_to_whom_it_was_sent(house, foreign, garden):
    lea, omar = foreign.person(), foreign.person("omar")
    foreign.say(lea, "Follow", garden.iri)
    path = sent("Accept")[0]["id"].removeprefix(ORIGIN)
    assert foreign.get(lea, path).get_json(force=True)["type"] == "Accept"
    assert foreign.get(omar, path).status_code == 404
    assert house.client().get(path, headers=AP).status_code == 404


def test_a_bad_signature_on_what_needs_one_is_refused(house, foreign, council, ines):
    uid = said(ines, council)
    lea = foreign.person()
    foreign.get(lea, "/p/conseil")
    headers = AP | {"Signature": 'keyId="http://127.0.0.1:1/x",signature="AAAA"', "Date": "x"}
    assert house.client().get(f"/o/{uid}", headers=headers).status_code == 401


def test_the_log_without_a_signature_is_refused_not_a_fault(house, garden):
    for slug in ("jardin", "absent"):
        answer = house.client().get(f"/p/{slug}/log", headers=AP)
        assert answer.status_code == 401
        assert answer.content_type == "application/problem+json"


def test_r54_a_blocked_host_reads_nothing_under_its_own_name(house, foreign, garden):
    lea = foreign.person()
    assert foreign.get(lea, "/p/jardin").status_code == 200
    db.session.merge(Peer(host=foreign.host, state=PeerState.BLOCKED, created_at=datetime.now(UTC)))
    db.session.commit()
    assert foreign.get(lea, "/p/jardin").status_code == 404


def test_r55_in_allowlist_mode_only_linked_hosts_read(house, foreign, garden, ines):
    uid = said(ines, garden)
    set_mode("allowlist")
    theirs = foreign.application()
    for path in ("/p/jardin", f"/o/{uid}", "/p/jardin/outbox"):
        assert house.client().get(path, headers=AP).status_code == 404
        assert foreign.get(theirs, path).status_code in (403, 404)
    assert house.client().get("/actor").status_code == 200
    db.session.merge(Peer(host=foreign.host, state=PeerState.ALLOWED, created_at=datetime.now(UTC)))
    db.session.commit()
    for path in ("/p/jardin", f"/o/{uid}", "/p/jardin/outbox"):
        assert foreign.get(theirs, path).status_code == 200


def test_where_federation_is_off_documents_are_not_there(house, garden):
    set_mode("off")
    assert house.client().get("/p/jardin", headers=AP).status_code == 404
    assert house.client().get("/actor").status_code == 200


def test_public_projects_are_listed_for_the_territory(house, garden, council):
    told = house.client().get("/actor/projects").get_json(force=True)
    assert told["orderedItems"] == [garden.iri]


def test_a_public_document_asks_nobody_for_a_key(house, foreign, garden):
    assert foreign.get(foreign.person(), "/p/jardin").status_code == 200
    assert foreign.peer.asked == []


def test_an_inbox_is_written_to_by_machines_without_a_form(house):
    house.app.config["WTF_CSRF_ENABLED"] = True
    answer = house.client().post("/inbox", data=b"{}", content_type="application/activity+json")
    assert answer.status_code == 401
