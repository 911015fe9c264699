"""What a hostile peer and a curious stranger tried, and what now stops them."""
# ruff: noqa: F811 - fixtures are taken by their names

from __future__ import annotations

import pytest
from conftest import log_in
from federation.stage import actor, federation, foreign, house  # noqa: F401

from collab.core.errors import Forbidden, Missing
from collab.federation import replica
from collab.federation.chain import Link
from collab.federation.speaking import by_project
from collab.people.models import AccountRole
from collab.people.queries import account_of
from collab.people.tokens import GiveToken, give_token
from collab.spaces.invitations import Invite, accept_invitation, invite
from collab.spaces.items import refuse
from collab.spaces.membership import AskToJoin, Decide, ask_to_join, leave, remove_member
from collab.spaces.models import (
    Item,
    JoinPolicy,
    Membership,
    MembershipState,
    Offer,
    OfferState,
    Role,
    Visibility,
)
from collab.spaces.operations import ReviseSpace, revise_space
from collab.spaces.policy import role_of
from collab.web.actions import perform
from collab.web.extensions import db

HOSTILE = '<p>&lt;form action="https://evil.example/"&gt;<b>Moi</b></p><script>x()</script>'


@pytest.fixture
def ines(make):
    return make.person("ines")


@pytest.fixture
def garden(foreign, federation):
    """A project of the other server, which lies."""
    return federation.space_card(foreign.person("jardin", "Group").iri)


@pytest.fixture
def logged(house, federation, garden):
    """Let the log of the project say one activity; why it had no effect, or None."""

    def say(activity, trust="http"):
        link = Link(1, 1, {}, "", activity, trust)
        with house.runtime.work(garden.actor, mirrored=True) as work:
            return replica.effect_of(federation, work, garden, link)

    return say


@pytest.fixture
def spoken(house, garden):
    """Let the project itself say something in its log."""

    def say(activity):
        with house.runtime.work(garden.actor, mirrored=True) as work:
            by_project(work, house.runtime.tools, garden, {"id": f"{garden.iri}/a/1", **activity})

    return say


def grant(garden, member) -> dict:
    return {
        "id": f"{garden.iri}/grants/1#1",
        "type": "Grant",
        "actor": garden.iri,
        "object": "admin",
        "target": member.iri,
    }


def article(garden, by: str) -> dict:
    return {
        "id": f"{garden.iri}/w/01m7zzzzzzzzzzzzzzzzzzzzzz",
        "type": "Article",
        "attributedTo": garden.iri,
        "name": "Charte",
        "source": {"content": "Je signe.", "mediaType": "text/markdown"},
        "content": "<p>Je signe.</p>",
        "url": f"{garden.iri}/pages/charte",
        "published": "2026-01-01T00:00:00Z",
        "revision": {"number": 1, "by": by, "summary": ""},
    }


def test_what_a_person_of_elsewhere_says_of_themselves_is_shown_as_words(
    foreign, federation, house, make
):
    lea = federation.resolve_actor(foreign.person("lea", summary=HOSTILE).iri)
    client = house.client()
    log_in(client, make.person("gia", AccountRole.ADMIN))  # nobody else has met her
    page = client.get(f"/u/{lea.address}").get_data(as_text=True)
    assert "&lt;form action=" in page
    assert '<form action="https://evil' not in page
    assert "x()" not in page


def test_a_log_cannot_say_unproved_words_of_somebody_of_here(foreign, garden, ines, logged):
    note = foreign.note(foreign.person("lea"), garden) | {
        "id": "http://127.0.0.1:8009/o/01m7zzzzzzzzzzzzzzzzzzzzzz",
        "attributedTo": ines.iri,
    }
    said = {"id": f"{note['id']}#create", "type": "Create", "actor": ines.iri, "object": note,
            "to": note["to"]}  # fmt: skip
    assert "proof is missing" in str(logged(said))
    assert db.session.query(Item).count() == 0


def test_a_log_cannot_say_unproved_words_of_somebody_who_proves_theirs(
    foreign, federation, garden, logged
):
    lea = foreign.person("lea")
    federation.resolve_actor(lea.iri)
    assert "proof is missing" in str(
        logged(foreign.activity(lea, "Create", foreign.note(lea, garden)))
    )
    assert db.session.query(Item).count() == 0


def test_words_of_somebody_who_cannot_prove_them_are_still_relayed(
    foreign, federation, garden, logged
):
    mastodon = foreign.person("mia", assertionMethod=[])
    federation.resolve_actor(mastodon.iri)
    said = foreign.activity(mastodon, "Create", foreign.note(mastodon, garden))
    assert logged(said) is None
    assert db.session.query(Item).one().author.iri == mastodon.iri


def test_a_project_cannot_make_a_member_of_somebody_of_here_who_did_not_ask(garden, ines, spoken):
    with pytest.raises(Missing):
        spoken(grant(garden, ines))
    assert db.session.query(Membership).count() == 0


def test_a_project_cannot_take_back_somebody_of_here_who_left(house, garden, ines, spoken):
    with house.as_(ines) as work:
        ask_to_join(work, garden, AskToJoin())
    spoken(grant(garden, ines))
    assert role_of(db.session(), garden, ines.id) == Role.FACILITATOR
    with house.as_(ines) as work:
        leave(work, garden)
    with pytest.raises(Missing):
        spoken(grant(garden, ines))
    assert role_of(db.session(), garden, ines.id) == Role.NONE


def test_a_project_cannot_name_somebody_of_here_as_author_of_its_text(garden, ines, spoken):
    spoken({"type": "Create", "actor": garden.iri, "object": article(garden, ines.iri)})
    assert db.session.query(Item).one().author_id == garden.actor_id


def test_a_project_cannot_answer_an_offer_made_to_another(
    foreign, federation, house, garden, ines, spoken
):
    other = federation.space_card(foreign.person("compost", "Group").iri)
    offer = Offer(
        iri="http://127.0.0.1:8009/a/1", space_id=other.id, actor_id=ines.id, kind="document",
        wire={}, given={}, created_at=federation.now(),
    )  # fmt: skip
    with house.as_(ines) as work:
        work.session.add(offer)
    spoken({
        "type": "Create", "actor": garden.iri, "fulfills": offer.iri,
        "object": article(garden, garden.iri),
    })  # fmt: skip
    assert offer.state == OfferState.PENDING


def test_a_removed_member_does_not_come_back_by_an_old_invitation(house, make, ines):
    space = make.space(make.person("ada"))
    ada = db.session.get(type(ines), db.session.query(Membership).one().actor_id)
    with house.as_(ada) as work:
        old = invite(work, space, Invite()).code
    with house.as_(ines) as work:
        accept_invitation(work, old)
    with house.as_(ada) as work:
        remove_member(work, space, Decide(member=ines.id))
    with pytest.raises(Forbidden), house.as_(ines) as work:
        accept_invitation(work, old)
    assert role_of(db.session(), space, ines.id) == Role.NONE
    with house.as_(ada) as work:
        new = invite(work, space, Invite()).code
    with house.as_(ines) as work:
        assert accept_invitation(work, new).state == MembershipState.ACTIVE


def test_what_a_host_refused_is_its_author_s_alone_by_every_door(house, garden, make, ines):
    with house.runtime.work(garden.actor, mirrored=True) as work:
        row = Membership(
            space_id=garden.id, actor_id=ines.id, state=MembershipState.ACTIVE, since=work.now
        )
        work.session.add(row)
    given = {"title": "Refusé", "body": "ZZTOP"}
    uid = perform(ines, garden.address, "discussion", "open", given)
    item = db.session.query(Item).filter_by(uid=uid).one()
    with house.runtime.work(garden.actor, mirrored=True) as work:
        refuse(work, work.session.get_one(Item, item.id), "non")
    ours = {"Accept": "application/activity+json"}
    stranger, hers = house.client(), house.client()
    for url, headers in (
        (f"/api/v1/items/{uid}", {}),
        (f"/api/v1/items/{uid}/messages", {}),
        (f"/api/v1/spaces/{garden.address}/discussion/threads", {}),
        (garden.url, {}),
        (f"/o/{uid}", ours),
    ):
        answer = stranger.get(url, headers=headers).get_data(as_text=True)
        assert "ZZTOP" not in answer, url
        assert "Refusé" not in answer, url
    log_in(hers, ines)
    assert "ZZTOP" in hers.get(f"{garden.url}/discussion/{uid}/").get_data(as_text=True)


def test_the_versions_of_a_removed_document_are_not_read_by_strangers(house, make, ines):
    ada = make.person("ada")
    space = make.space(ada, ines)
    given = {"title": "Secret", "source": "ZZTOP"}
    uid = perform(ada, space.slug, "pages", "add", given)
    perform(ada, space.slug, "pages", "remove", {"document": uid})
    stranger, member, author = house.client(), house.client(), house.client()
    log_in(member, ines)
    log_in(author, ada)
    for part in ("history", "diff?from=1&to=1", "version/1", "edit"):
        url = f"{space.url}/pages/secret/{part}"
        for client in (stranger, member):
            answer = client.get(url)
            assert answer.status_code in (302, 404), url
            assert "ZZTOP" not in answer.get_data(as_text=True)
        assert author.get(url).status_code == 200, url


def test_looking_an_address_up_does_not_tell_that_a_hidden_project_exists(house, make, ines):
    space = make.space(make.person("ada"), slug="cache", visibility=Visibility.MEMBERS)
    ada = db.session.query(Membership).one().actor
    with house.as_(ada) as work:
        revise_space(work, space, ReviseSpace(
            name="Caché", visibility=Visibility.MEMBERS, join_policy=JoinPolicy.INVITATION
        ))  # fmt: skip
    client = house.client()
    log_in(client, ines)
    hidden, absent = (
        client.post("/spaces/elsewhere", data={"address": f"http://127.0.0.1:8009/p/{slug}"})
        for slug in ("cache", "cachx")
    )
    assert hidden.status_code == absent.status_code == 422
    assert hidden.get_data(as_text=True).replace("cache", "cachx") == absent.get_data(
        as_text=True
    ).replace("cache", "cachx")


def test_a_suspended_person_has_neither_session_nor_token(house, make, ines):
    client = house.client()
    log_in(client, ines)
    with house.as_(ines) as work:
        token = give_token(work, account_of(work.session, ines.id), GiveToken(name="script"))
    bearer = {"Authorization": f"Bearer {token}"}
    assert client.get("/account").status_code == 200
    assert client.get("/api/v1/me", headers=bearer).status_code == 200
    with house.as_(ines) as work:
        work.session.get_one(type(ines), ines.id).suspended_at = work.now
    assert client.get("/account").status_code == 302
    assert client.get("/api/v1/me", headers=bearer).status_code == 401
    again = client.post("/login", data={"alias": "ines", "password": "une petite phrase"})
    assert again.status_code == 422


def test_a_person_s_page_names_the_projects_its_reader_may_see_and_no_other(house, make, ines):
    ada = make.person("ada")
    make.space(ada, ines, slug="commun", visibility=Visibility.MEMBERS)
    make.space(ada, slug="cache", visibility=Visibility.MEMBERS)
    client = house.client()
    assert "Commun" not in client.get("/u/ada").get_data(as_text=True)
    log_in(client, ines)
    page = client.get("/u/ada").get_data(as_text=True)
    assert "Commun" in page
    assert "Cache" not in page


@pytest.mark.parametrize("number", ["9" * 19, "9" * 30])
def test_a_number_no_row_can_have_is_simply_not_there(house, make, ines, number):
    client = house.client()
    log_in(client, ines)
    make.space(ines)
    for path, sent in (
        (f"/account/tokens/{number}/revoke", {}),
        (f"/account/identities/{number}/unlink", {}),
        ("/p/jardin/members", {"act": "admit", "member": number}),
        ("/p/jardin/invitations", {"revoke": number}),
    ):
        assert client.post(path, data=sent).status_code in (302, 404, 422), path
    assert client.get(f"/api/v1/spaces?cursor={number}").status_code in (200, 404, 422)
