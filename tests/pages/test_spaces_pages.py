"""Projects by their pages: opening, setting, joining, inviting, deciding, archiving."""

from __future__ import annotations

import re
from html import unescape

import pytest
from conftest import PASSWORD, log_in
from sqlalchemy import select

from collab.pages import spaces
from collab.spaces.invitations import Invite, invite
from collab.spaces.models import Invitation, JoinPolicy, MembershipState, Role, Space, Visibility
from collab.spaces.operations import ReviseSpace, revise_space
from collab.spaces.policy import role_of
from collab.spaces.queries import standing
from collab.spaces.tools.discussion.inputs import OpenThread
from collab.spaces.tools.discussion.operations import open_thread
from collab.web.extensions import db
from collab.web.presentation import dated

HERE = "https://here.example"
CARD = {
    "name": "Jardin partagé",
    "why": "Cultiver ensemble un bout de terrain",
    "who": "Le quartier",
    "how": "Le samedi matin",
    "territory": "Amiens",
    "insee_code": "80021",
    "visibility": "public",
    "join_policy": "request",
    "tools": ["discussion", "pages"],
}


def go(client, address, **more):
    return client.get(address, base_url=HERE, **more)


def post(client, address, **form):
    return client.post(address, data=form, base_url=HERE)


def text(answer):
    return answer.get_data(as_text=True)


def fresh(model):
    db.session.rollback()
    return db.session.scalars(select(model)).one()


@pytest.fixture
def zoe(make):
    return make.person("zoe")


@pytest.fixture
def max_(make):
    return make.person("max")


@pytest.fixture
def by(house):
    """A browser in which that person is logged in."""

    def browser(actor):
        client = house.client()
        log_in(client, actor)
        return client

    return browser


def change(house, owner, space, **more):
    with house.as_(owner) as work:
        given = {"name": space.name, "visibility": Visibility(space.visibility)} | more
        revise_space(work, space, ReviseSpace(**given))


# Opening and setting


def test_a_project_opens_with_its_card_and_whoever_opens_it_is_in_charge(by, zoe):
    client = by(zoe)
    answer = post(client, "/spaces/new", **CARD)
    assert answer.location == "/p/jardin-partage"
    page = text(go(client, answer.location))
    for words in (CARD["name"], CARD["why"], CARD["who"], CARD["how"], "jardin-partage@here.ex"):
        assert words in page
    space = fresh(Space)
    assert role_of(db.session, space, zoe.id) == Role.FACILITATOR
    assert (space.territory, space.insee_code) == ("Amiens", "80021")


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"name": ""}, "name"),
        ({"name": "x" * 121}, "name"),
        ({"slug": "pas d’accent"}, "slug"),
        ({"insee_code": "8002"}, "insee_code"),
        ({"why": "x" * 2001}, "why"),
        ({"visibility": "secret"}, "visibility"),
        ({"tools": []}, "tools"),
    ],
)
def test_a_form_that_is_not_right_comes_back_as_filled_in(by, zoe, wrong, named):
    sent = CARD | wrong
    answer = post(by(zoe), "/spaces/new", **sent)
    page = text(answer)
    assert answer.status_code == 422
    assert f'href="#f-{named}"' in page
    for name in {"name", "territory", "insee_code"} - {named}:
        assert f'value="{sent[name]}"' in page
    for name in ("who", "how"):
        assert sent[name] in page
    assert db.session.scalars(select(Space)).all() == []


def test_an_address_is_had_once(by, make, zoe):
    make.space(zoe, slug="jardin")
    answer = post(by(zoe), "/spaces/new", **CARD | {"slug": "jardin"})
    assert answer.status_code == 422
    assert "déjà pris" in text(answer)
    taken_by_a_person = post(by(zoe), "/spaces/new", **CARD | {"slug": "zoe"})
    assert taken_by_a_person.status_code == 422


def test_strangers_are_asked_to_log_in_before_they_open_anything(house):
    client = house.client()
    assert go(client, "/spaces/new").location.startswith("/login?next=")
    asked = post(client, "/spaces/new", **CARD)
    assert asked.status_code == 401
    assert 'action="/login' in text(asked)
    assert db.session.scalar(select(Space.id)) is None


def test_settings_show_what_is_and_keep_what_is_typed(by, make, zoe):
    make.space(zoe)
    client = by(zoe)
    saved = post(client, "/p/jardin/settings", **CARD | {"visibility": "members"})
    assert saved.location == "/p/jardin"
    page = text(go(client, "/p/jardin/settings"))
    assert 'class="tabs wrap"' in page
    assert 'value="Jardin partagé"' in page
    assert re.search(r'value="members"[^>]*checked', page)
    mistaken = CARD | {"name": "", "territory": "Rouen", "insee_code": "999", "tools": ["pages"]}
    answer = post(client, "/p/jardin/settings", **mistaken)
    page = text(answer)
    assert answer.status_code == 422
    assert 'value="Rouen"' in page
    assert 'value="999"' in page
    assert re.search(r'value="pages"[^>]*checked', page)
    assert not re.search(r'value="discussion"[^>]*checked', page)
    assert fresh(Space).territory == "Amiens"


def test_a_tool_that_is_put_away_has_no_tab(by, make, zoe):
    make.space(zoe)
    client = by(zoe)
    post(client, "/p/jardin/settings", **CARD | {"tools": ["pages"]})
    page = text(go(client, "/p/jardin"))
    assert "/p/jardin/pages/" in page
    assert "/p/jardin/discussion/" not in page


@pytest.mark.parametrize("address", ["/settings", "/invitations"])
def test_only_those_in_charge_set_and_invite(by, make, zoe, max_, address):
    make.space(zoe, max_)
    assert go(by(max_), f"/p/jardin{address}").status_code == 403
    assert post(by(max_), f"/p/jardin{address}", **CARD).status_code == 403
    assert go(by(zoe), f"/p/jardin{address}").status_code == 200


# Joining


def test_one_asks_and_somebody_in_charge_says_yes(by, make, zoe, max_):
    space = make.space(zoe)
    asking, deciding = by(max_), by(zoe)
    assert "Demander à participer" in text(go(asking, "/p/jardin"))
    assert post(asking, "/p/jardin/join", note="J’habite à côté").location == "/p/jardin"
    assert "Votre demande attend une réponse" in text(go(asking, "/p/jardin"))
    assert "1 demande" in text(go(deciding, "/p/jardin"))
    assert "J’habite à côté" in text(go(deciding, "/p/jardin/members"))
    assert "J’habite à côté" not in text(go(asking, "/p/jardin/members"))
    answer = post(deciding, "/p/jardin/members", act="admit", member=max_.id)
    assert answer.location == "/p/jardin/members"
    assert role_of(db.session, space, max_.id) == Role.MEMBER
    assert "Vous participez" in text(go(asking, "/p/jardin"))


def test_a_request_that_is_declined_can_be_made_again(by, make, zoe, max_):
    space = make.space(zoe)
    post(by(max_), "/p/jardin/join")
    post(by(zoe), "/p/jardin/members", act="decline", member=max_.id)
    assert standing(db.session, space, max_).state == MembershipState.REFUSED
    assert "Demander à participer" in text(go(by(max_), "/p/jardin"))
    assert post(by(max_), "/p/jardin/join").status_code == 302


def test_members_come_in_pages_and_one_is_changed_at_a_time(by, make, zoe, max_, monkeypatch):
    space = make.space(zoe, max_)
    monkeypatch.setattr(spaces, "MEMBERS_ON_A_PAGE", 1)
    there = "/p/jardin/members"
    shown = text(go(by(max_), f"{there}?change={zoe.id}"))
    assert "page 1 sur 2" in shown
    assert "Donner ce rôle" not in shown
    assert text(go(by(zoe), f"{there}?change={max_.id}")).count("Donner ce rôle") == 1
    assert post(by(zoe), there, act="role", member=max_.id, role="10").location == there
    assert role_of(db.session, space, max_.id) == Role.READER


def test_in_an_open_project_one_is_in_at_once(house, by, make, zoe, max_):
    space = make.space(zoe)
    change(house, zoe, space, join_policy=JoinPolicy.OPEN)
    assert "vous participez tout de suite" in text(go(by(max_), "/p/jardin/join"))
    post(by(max_), "/p/jardin/join")
    assert role_of(db.session, space, max_.id) == Role.MEMBER


def test_a_member_gets_another_role_leaves_or_is_removed(by, make, zoe, max_):
    space = make.space(zoe, max_)
    deciding = by(zoe)
    post(deciding, "/p/jardin/members", act="role", member=max_.id, role="30")
    assert role_of(db.session, space, max_.id) == Role.FACILITATOR
    post(deciding, "/p/jardin/members", act="role", member=max_.id, role="10")
    assert role_of(db.session, space, max_.id) == Role.READER
    post(deciding, "/p/jardin/members", act="remove", member=max_.id)
    assert role_of(db.session, space, max_.id) == Role.NONE
    assert post(by(max_), "/p/jardin/join").status_code == 403


def test_one_leaves_by_oneself(by, make, zoe, max_):
    space = make.space(zoe, max_)
    assert post(by(max_), "/p/jardin/leave").location == "/p/jardin"
    assert role_of(db.session, space, max_.id) == Role.NONE


def test_somebody_always_stays_in_charge(by, make, zoe, max_):
    space = make.space(zoe, max_)
    client = by(zoe)
    for form in ({"act": "role", "role": "20"}, {"act": "remove"}):
        assert post(client, "/p/jardin/members", member=zoe.id, **form).status_code == 409
    assert post(client, "/p/jardin/leave").status_code == 409
    assert role_of(db.session, space, zoe.id) == Role.FACILITATOR


@pytest.mark.parametrize("act", ["admit", "decline", "role", "remove"])
def test_members_do_not_decide_about_members(by, make, zoe, max_, act):
    space = make.space(zoe, max_)
    answer = post(by(max_), "/p/jardin/members", act=act, member=zoe.id, role="10")
    assert answer.status_code == 403
    assert role_of(db.session, space, zoe.id) == Role.FACILITATOR


@pytest.mark.parametrize(
    "form",
    [
        {"act": "promote", "member": "1"},
        {"act": "role", "role": "99"},
        {"act": "role", "member": "x"},
        {"act": "admit"},
        {"act": "admit", "member": "99999"},
    ],
)
def test_a_decision_that_makes_no_sense_is_refused(by, make, zoe, max_, form):
    make.space(zoe, max_)
    sent = {"member": max_.id} | form if "role" in form else form
    assert post(by(zoe), "/p/jardin/members", **sent).status_code in (400, 404, 422)


# Inviting


@pytest.fixture
def code(house, make, zoe):
    space = make.space(zoe)
    change(house, zoe, space, join_policy=JoinPolicy.INVITATION)
    with house.as_(zoe) as work:
        return invite(work, space, Invite()).code


def test_a_newcomer_is_in_the_project_in_three_screens(house, code):
    client = house.client()
    first = go(client, f"/join?code={code}")
    assert first.status_code == 200
    address = re.search(r'href="(/register\?code=[^"]+)"', text(first))[1]
    second = go(client, address)
    assert second.status_code == 200
    third = post(client, "/register", code=code, alias="abel", password=PASSWORD)
    assert third.status_code == 200
    assert "Vous participez" in text(go(client, "/p/jardin"))
    assert fresh(Invitation).used == 1


def test_somebody_with_an_account_is_in_the_project_in_three_screens(house, max_, code):
    client = house.client()
    first = text(go(client, f"/join?code={code}"))
    login = re.search(r'href="(/login\?next=[^"]+)"[^>]*>J’ai déjà', first)[1]
    second = text(go(client, login))
    wanted = re.search(r'name="next" value="(/join[^"]+)"', second)[1]
    back = post(client, "/login", alias="max", password=PASSWORD, next=wanted)
    assert back.location == f"/join?code={code}"
    third = text(go(client, back.location))
    assert "Participer</button>" in third
    assert post(client, "/join", code=code).location == "/p/jardin"
    assert "Vous participez" in text(go(client, "/p/jardin"))


def test_a_code_may_be_typed_as_it_is_printed(by, max_, code):
    typed = f"{code[:4]} {code[4:8]}-{code[8:]}".upper()
    assert go(by(max_), f"/join?code={typed}").status_code == 200
    assert post(by(max_), "/join", code=typed).location == "/p/jardin"


def test_without_an_invitation_one_does_not_enter(by, max_, code):
    assert post(by(max_), "/p/jardin/join").status_code == 403
    answer = go(by(max_), "/join?code=abcdefghjkmn")
    assert answer.status_code == 404
    assert 'value="abcdefghjkmn"' not in text(go(by(max_), "/join"))
    assert post(by(max_), "/join", code="abcdefghjkmn").status_code == 404


def test_an_invitation_that_was_revoked_opens_nothing(by, zoe, max_, code):
    row = fresh(Invitation)
    assert post(by(zoe), "/p/jardin/invitations", revoke=row.id).status_code == 302
    assert post(by(max_), "/join", code=code).status_code == 404
    assert code not in text(go(by(zoe), "/p/jardin/invitations"))


def test_the_square_of_an_invitation_is_a_picture_that_leads_to_it(by, zoe, code):
    client = by(zoe)
    answer = go(client, f"/p/jardin/invitations/{code}.svg")
    assert answer.mimetype == "image/svg+xml"
    assert text(answer).startswith("<svg")
    assert "<script" not in text(answer)
    assert "public" not in answer.headers["Cache-Control"]
    card = text(go(client, f"/p/jardin/invitations/{code}"))
    assert f"{code[:4]} {code[4:8]} {code[8:]}" in card
    assert f"{code}.svg" in card


def test_the_picture_is_for_those_in_charge(house, by, max_, code):
    assert go(by(max_), f"/p/jardin/invitations/{code}.svg").status_code == 403
    assert go(house.client(), f"/p/jardin/invitations/{code}.svg").status_code == 302


def test_an_invitation_of_another_project_is_not_shown_here(by, make, zoe, code):
    make.space(zoe, slug="autre")
    assert go(by(zoe), f"/p/autre/invitations/{code}").status_code == 404
    row = fresh(Invitation)
    assert post(by(zoe), "/p/autre/invitations", revoke=row.id).status_code == 404


def test_an_invitation_form_that_is_not_right_comes_back(by, zoe, code):
    answer = post(by(zoe), "/p/jardin/invitations", days="beaucoup", uses="3")
    assert answer.status_code == 422
    assert 'value="beaucoup"' in text(answer)
    assert 'value="3"' in text(answer)


# Who sees what


def pages_of_a_space(house):
    """Every address under a project that can be looked at."""
    for rule in house.app.url_map.iter_rules():
        if rule.rule.startswith("/p/<address>") and "GET" in rule.methods:
            plain = rule.rule.replace("<address>", "{}")
            yield re.sub(r"<[^>]+>", "1", plain)


def test_a_members_only_project_by_invitation_does_not_exist_for_others(house, by, make, zoe, max_):
    space = make.space(zoe, slug="discret", visibility=Visibility.MEMBERS)
    change(house, zoe, space, join_policy=JoinPolicy.INVITATION)
    accept = {"Accept": "text/html"}
    addresses = list(pages_of_a_space(house))
    assert len(addresses) > 10
    for client in (house.client(), by(max_)):
        for address in addresses:
            found = go(client, address.format("discret"), headers=accept)
            absent = go(client, address.format("inconnu"), headers=accept)
            assert found.status_code == absent.status_code, address
            assert found.status_code in (302, 404), address
            assert "Discret" not in text(found), address
    for address in ("", "/members", "/discussion/", "/pages/"):
        assert go(by(max_), f"/p/discret{address}").status_code == 404
        assert go(by(zoe), f"/p/discret{address}").status_code == 200


def test_a_members_only_project_that_takes_requests_shows_its_card_and_no_more(
    house, by, make, zoe, max_
):
    space = make.space(zoe, slug="discret", visibility=Visibility.MEMBERS)
    with house.as_(zoe) as work:
        open_thread(work, space, OpenThread(title="Budget", body="Chut."))
    assert "en tout" in text(go(by(zoe), "/p/discret"))
    for client in (house.client(), by(max_)):
        assert "Discret" in text(go(client, "/p/discret"))
        assert "en tout" not in text(go(client, "/p/discret"))
        for address in ("/members", "/discussion/", "/pages/"):
            answer = go(client, f"/p/discret{address}")
            assert answer.status_code == 404
            assert "Discret" not in text(answer)
    assert "Discret" not in text(go(by(max_), "/u/zoe"))


def test_a_local_project_is_for_the_people_of_this_site(house, by, make, zoe, max_):
    make.space(zoe, slug="voisins", visibility=Visibility.LOCAL)
    assert go(by(max_), "/p/voisins").status_code == 200
    assert go(house.client(), "/p/voisins").status_code == 404


def test_what_others_do_in_a_project_one_does_not_see_cannot_be_done_either(by, make, zoe, max_):
    space = make.space(zoe, slug="discret", visibility=Visibility.MEMBERS)
    client = by(max_)
    for act in ("settings", "archive", "reopen", "members", "invitations"):
        assert post(client, f"/p/discret/{act}", **CARD).status_code == 404
    assert space.archived_at is None


# Archiving


def test_an_archived_project_is_read_and_not_written_in(by, make, zoe, max_):
    make.space(zoe, max_)
    client = by(zoe)
    assert post(by(max_), "/p/jardin/archive").status_code == 403
    assert post(client, "/p/jardin/archive").location == "/p/jardin"
    assert fresh(Space).archived_at is not None
    for address in ("", "/members", "/discussion/", "/pages/"):
        assert go(by(max_), f"/p/jardin{address}").status_code == 200
    refused = post(by(max_), "/p/jardin/discussion/new", title="Bonjour", body="Bonjour")
    assert refused.status_code == 409
    assert "archivé" in text(refused)
    assert post(client, "/p/jardin/archive").status_code == 409
    assert post(by(max_), "/p/jardin/reopen").status_code == 403
    assert fresh(Space).archived_at is not None
    assert post(client, "/p/jardin/reopen").location == "/p/jardin"
    written = post(by(max_), "/p/jardin/discussion/new", title="Bonjour", body="Bonjour")
    assert written.status_code == 302


def test_nobody_new_joins_an_archived_project(by, make, zoe, max_):
    make.space(zoe)
    post(by(zoe), "/p/jardin/archive")
    assert "Demander à participer" not in text(go(by(max_), "/p/jardin"))
    assert post(by(max_), "/p/jardin/join").status_code == 409


def test_only_who_may_write_is_asked_to_write_in_an_empty_project(house, by, make, zoe):
    space = make.space(zoe)
    asked = "Ouvrez une première discussion"
    assert asked in text(go(by(zoe), space.url))
    assert asked not in text(go(house.client(), space.url))


def test_the_list_of_members_says_since_which_day(by, make, zoe):
    space = make.space(zoe)
    assert re.search(r"depuis le \d", text(go(by(zoe), f"{space.url}/members")))


def test_a_printed_page_says_what_it_is_from_where_and_of_which_day(client, make, zoe):
    space = make.space(zoe)
    at = unescape(re.search(r'data-at="([^"]*)"', text(go(client, space.url)))[1])
    assert (
        re.sub("[\u2066-\u2069]", "", at) == f"{space.name} · {space.host}{space.url} · {dated()}"
    )


def test_who_looks_after_a_project_invites_from_the_list_of_its_members(by, make, zoe, max_):
    space = make.space(zoe, max_)
    door = f'href="{space.url}/invitations"'
    assert door in text(by(zoe).get(f"{space.url}/members"))
    assert door not in text(by(max_).get(f"{space.url}/members"))
