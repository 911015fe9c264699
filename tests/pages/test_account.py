"""Having an account: without e-mail, recoverable by a printed code, and nobody else's."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from conftest import PASSWORD, log_in
from sqlalchemy import func, select

from collab.people.first import Nobody
from collab.people.models import Account, AccountRole, Actor, Registration, Token
from collab.people.queries import account_named, site
from collab.spaces.invitations import Invite, invite
from collab.spaces.policy import role_of
from collab.web.extensions import db
from collab.web.security import limiter

HERE = "https://here.example"
OTHER = "une autre petite phrase"
CODE = re.compile(r"[2-9A-Z]{4}(?:-[2-9A-Z]{4}){3}")


def go(client, address):
    return client.get(address, base_url=HERE)


def post(client, address, **form):
    return client.post(address, data=form, base_url=HERE)


def enter(client, alias, password=PASSWORD, **more):
    return post(client, "/login", alias=alias, password=password, **more)


def register(client, alias="zoe", password=PASSWORD, **more):
    return post(client, "/register", alias=alias, password=password, **more)


def logged_in(client):
    return go(client, "/account").status_code == 200


def text(answer):
    return answer.get_data(as_text=True)


def people():
    db.session.rollback()
    return db.session.scalar(select(func.count()).select_from(Account))


def set_registration(house, rule):
    with house.runtime.work(Nobody()) as work:
        site(work.session).registration = rule


@pytest.fixture
def zoe(make):
    return make.person("zoe")


@pytest.fixture
def rationed(house):
    """The instance of the test with its limits on; all apps of a process share the switch."""
    house.app.config["RATELIMIT_ENABLED"] = True
    limiter.init_app(house.app)
    yield house
    limiter.enabled = False


# Registering


def test_one_registers_with_a_name_and_a_password_and_nothing_else(client):
    answer = register(client)
    assert answer.status_code == 200
    assert CODE.search(text(answer)), "the recovery code is shown"
    assert answer.headers["Cache-Control"] == "no-store"
    assert logged_in(client)
    account = account_named(db.session, "zoe")
    assert account.email is None
    assert PASSWORD not in str(vars(account))
    assert CODE.search(text(answer))[0].replace("-", "") not in str(vars(account))


def test_the_name_is_the_same_whatever_its_case(house, client):
    register(client, "Mesange-38")
    assert enter(house.client(), "MESANGE-38").status_code == 302
    again = register(house.client(), "mesange-38")
    assert again.status_code == 422
    assert "déjà pris" in text(again)


@pytest.mark.parametrize(
    ("form", "named"),
    [
        ({"alias": "é"}, "f-alias"),
        ({"alias": "deux mots"}, "f-alias"),
        ({"alias": "x" * 31}, "f-alias"),
        ({"alias": "api"}, "f-alias"),
        ({"alias": ""}, "f-alias"),
        ({"alias": "../admin"}, "f-alias"),
        ({"password": "zq!7"}, "f-password"),
        ({"password": "x" * 201}, "f-password"),
        ({"email": "pas une adresse"}, "f-email"),
    ],
)
def test_a_form_that_is_not_right_comes_back_as_filled_in_but_for_the_password(client, form, named):
    sent = {"alias": "zoe", "password": "mon secret a moi", "email": "zoe@asso.example"} | form
    answer = register(client, **sent)
    page = text(answer)
    assert answer.status_code == 422
    assert f'href="#{named}"' in page
    assert f'value="{sent["email"]}"' in page
    if sent["alias"]:
        assert f'value="{sent["alias"]}"' in page
    assert sent["password"] not in page
    assert people() == 0


def test_all_that_is_wrong_is_said_at_once(client):
    page = text(register(client, alias="é", password="court", email="rien"))
    for field in ("alias", "password", "email"):
        assert f'href="#f-{field}"' in page


def test_a_closed_site_takes_nobody(house, client):
    set_registration(house, Registration.CLOSED)
    assert go(client, "/register").status_code == 403
    assert register(client).status_code == 403
    assert people() == 0


def test_a_site_by_invitation_takes_who_holds_one_and_lets_them_into_the_project(house, make):
    owner = make.person("max")
    space = make.space(owner)
    with house.as_(owner) as work:
        code = invite(work, space, Invite()).code
    set_registration(house, Registration.INVITATION)
    client = house.client()
    assert go(client, "/register").status_code == 403
    assert register(client).status_code == 403
    assert register(client, code="n-importe-quoi").status_code == 403
    page = go(client, f"/register?code={code}")
    assert page.status_code == 200
    assert code in text(page)
    answer = register(client, code=code)
    assert answer.status_code == 200
    assert space.url in text(answer)
    zoe = account_named(db.session, "zoe")
    assert role_of(db.session, space, zoe.actor_id) == 20


def test_an_ended_invitation_opens_nothing(house, make, client):
    owner = make.person("max")
    space = make.space(owner)
    with house.as_(owner) as work:
        row = invite(work, space, Invite(uses=1))
    set_registration(house, Registration.INVITATION)
    assert register(client, code=row.code).status_code == 200
    assert register(house.client(), "abel", code=row.code).status_code == 403


def test_nobody_registers_as_an_administrator(client):
    register(client, role="30", is_admin="1")
    assert account_named(db.session, "zoe").role == AccountRole.MEMBER


# Coming in


def test_one_comes_in_and_goes_out(house, client, zoe):
    assert not logged_in(client)
    assert enter(client, "zoe").location == "/"
    assert logged_in(client)
    assert post(client, "/logout").status_code == 302
    assert not logged_in(client)


def test_a_copied_cookie_opens_nothing_after_logging_out(house, client, zoe):
    enter(client, "zoe")
    copied, phone = house.client(), house.client()
    enter(phone, "zoe")
    copied.set_cookie(
        "__Host-collab",
        client.get_cookie("__Host-collab", domain="here.example").value,
        domain="here.example",
        secure=True,
    )
    assert logged_in(copied)
    post(client, "/logout")
    assert not logged_in(copied)
    assert logged_in(phone), "other sessions go on"


def test_a_wrong_password_and_an_unknown_name_get_the_same_answer(client, zoe):
    wrong = enter(client, "zoe", "pas le bon")
    unknown = enter(client, "abc", "pas le bon")
    assert wrong.status_code == unknown.status_code == 422
    assert text(wrong).replace("zoe", "?") == text(unknown).replace("abc", "?")
    assert 'value="zoe"' in text(wrong)
    assert "pas le bon" not in text(wrong)
    assert not logged_in(client)


@pytest.mark.parametrize("form", [{}, {"alias": "zoe"}, {"password": "x"}, {"alias": "\0"}])
def test_half_a_login_form_is_no_fault_of_ours(client, zoe, form):
    assert post(client, "/login", **form).status_code == 422


def test_a_closed_account_does_not_come_in_and_its_sessions_end(house, client, zoe):
    log_in(client, zoe)
    with house.runtime.work(Nobody()) as work:
        account_named(work.session, "zoe").disabled_at = work.now
    assert not logged_in(client)
    assert enter(house.client(), "zoe").status_code == 422


def test_who_is_not_logged_in_is_asked_to_and_then_led_back(client, zoe):
    first = go(client, "/account")
    assert (first.status_code, first.location) == (302, "/login?next=/account")
    assert 'name="next" value="/account"' in text(go(client, first.location))
    assert enter(client, "zoe", next="/account").location == "/account"


def test_who_makes_an_account_on_the_way_is_led_back_too(client, make, zoe):
    where = make.space(zoe).url
    asked = f"/login?next={where}"
    assert f'class="aside" href="/register?next={where}"' in text(go(client, where))
    assert text(go(client, asked)).count(f'href="/register?next={where}"') == 2
    assert text(go(client, f"/register?next={where}")).count(f'href="{asked}"') == 2
    assert f'href="{where}"' in text(register(client, "abel", next=where))


@pytest.mark.parametrize(
    "wanted",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example/",
        "\\\\evil.example",
        "/\t/evil.example/",
        "/\n/evil.example/",
        "javascript:alert(1)",
        "evil.example",
        "",
    ],
)
def test_one_is_never_led_to_another_site(house, zoe, wanted):
    client = house.client()
    assert enter(client, "zoe", next=wanted).location == "/"
    again = client.get("/login", query_string={"next": wanted}, base_url=HERE)
    assert again.location == "/"
    stranger = house.client().get("/login", query_string={"next": wanted}, base_url=HERE)
    assert (
        re.search(r'action="/login">.*?name="next" value="([^"]*)"', text(stranger), re.S)[1] == "/"
    )
    assert post(client, "/langue", locale="fr", next=wanted).location == "/"


def test_the_session_cookie_is_out_of_reach_of_scripts_and_other_sites(client, zoe):
    cookie = enter(client, "zoe").headers["Set-Cookie"]
    assert cookie.startswith("__Host-collab=")
    for word in ("Secure", "HttpOnly", "SameSite=Lax", "Path=/"):
        assert word in cookie
    assert "Domain" not in cookie


def test_a_session_begins_anew_when_somebody_else_comes_in(house, make, client, zoe):
    log_in(client, zoe)
    log_in(client, make.person("max"))
    assert "max@here.example" in text(go(client, "/account"))


# Recovering


def code_of(client):
    return CODE.search(text(post(client, "/account/code", password=PASSWORD)))[0]


def test_a_stolen_session_gets_no_recovery_code_without_the_password(client, zoe):
    log_in(client, zoe)
    code = code_of(client)
    for form in ({}, {"password": "pas le bon"}):
        refused = post(client, "/account/code", **form)
        assert refused.status_code == 422
        assert 'id="e-password"' in text(refused)
        assert not CODE.search(text(refused))
    answer = post(client, "/recover", alias="zoe", code=code, new=OTHER)
    assert answer.status_code == 200, "the code of before still holds"


def test_an_account_without_a_password_may_have_a_recovery_code(house, client, zoe):
    log_in(client, zoe)
    with house.runtime.work(Nobody()) as work:
        account_named(work.session, "zoe").password_hash = None
    assert 'id="f-password"' not in text(go(client, "/account"))
    assert CODE.search(text(post(client, "/account/code")))


def test_the_recovery_code_opens_the_account_once_and_gives_the_next_one(house, client, zoe):
    log_in(client, zoe)
    code = code_of(client)
    other = house.client()
    answer = post(other, "/recover", alias="zoe", code=code, new=OTHER)
    assert answer.status_code == 200
    assert logged_in(other)
    following = CODE.search(text(answer))[0]
    assert following != code
    assert not logged_in(client), "whoever was logged in is logged out"
    assert enter(house.client(), "zoe", OTHER).status_code == 302
    assert enter(house.client(), "zoe", PASSWORD).status_code == 422
    again = post(house.client(), "/recover", alias="zoe", code=code, new="une troisième phrase")
    assert again.status_code == 422
    typed = following.lower().replace("-", " ")
    assert post(house.client(), "/recover", alias="zoe", code=typed, new=OTHER).status_code == 200


def test_a_wrong_code_and_an_unknown_name_get_the_same_answer(house, client, zoe):
    log_in(client, zoe)
    code_of(client)
    stranger = house.client()
    form = {"code": "AAAA-AAAA-AAAA-AAAA", "new": OTHER}
    wrong = post(stranger, "/recover", alias="zoe", **form)
    unknown = post(stranger, "/recover", alias="abc", **form)
    assert wrong.status_code == unknown.status_code == 422
    assert text(wrong).replace("zoe", "?") == text(unknown).replace("abc", "?")
    assert OTHER not in text(wrong)


def test_an_account_without_a_code_is_opened_by_no_code(client, zoe):
    for code in ("", "None", "-"):
        answer = post(client, "/recover", alias="zoe", code=code, new=OTHER)
        assert answer.status_code == 422


def test_a_new_code_replaces_the_old_one(house, client, zoe):
    log_in(client, zoe)
    old, new = code_of(client), code_of(client)
    assert post(house.client(), "/recover", alias="zoe", code=old, new=OTHER).status_code == 422
    assert post(house.client(), "/recover", alias="zoe", code=new, new=OTHER).status_code == 200


# Changing


def test_a_new_password_logs_the_others_out_and_not_oneself(house, client, zoe):
    other = house.client()
    log_in(client, zoe)
    log_in(other, zoe)
    answer = post(client, "/account/password", old=PASSWORD, new=OTHER)
    assert answer.location == "/account"
    assert logged_in(client)
    assert not logged_in(other)
    assert enter(house.client(), "zoe", PASSWORD).status_code == 422
    assert enter(house.client(), "zoe", OTHER).status_code == 302


@pytest.mark.parametrize(
    ("form", "named"),
    [
        ({"old": "pas le bon", "new": OTHER}, "f-old"),
        ({"old": "", "new": OTHER}, "f-old"),
        ({"new": OTHER}, "f-old"),
        ({"old": PASSWORD, "new": "court"}, "f-new"),
        ({"old": PASSWORD, "new": ""}, "f-new"),
    ],
)
def test_a_password_changes_only_for_who_knows_it(house, client, zoe, form, named):
    log_in(client, zoe)
    answer = post(client, "/account/password", **form)
    assert answer.status_code == 422
    assert f'href="#{named}"' in text(answer)
    assert enter(house.client(), "zoe", PASSWORD).status_code == 302


def test_one_logs_out_everywhere_but_here(house, client, zoe):
    other = house.client()
    log_in(client, zoe)
    log_in(other, zoe)
    assert post(client, "/account/elsewhere").location == "/account"
    assert logged_in(client)
    assert not logged_in(other)


def test_one_says_of_oneself_what_one_wants(client, zoe):
    log_in(client, zoe)
    form = {"display_name": "Zoé du jardin", "email": "zoe@asso.example", "locale": "en"}
    assert post(client, "/account/profile", **form).location == "/account"
    page = text(go(client, "/account"))
    assert 'value="Zoé du jardin"' in page
    assert 'lang="en"' in page


def test_a_profile_that_is_not_right_keeps_what_was_typed(client, zoe):
    log_in(client, zoe)
    form = {"display_name": "Zoé du jardin", "email": "pas une adresse", "locale": "fr"}
    answer = post(client, "/account/profile", **form)
    assert answer.status_code == 422
    assert 'value="Zoé du jardin"' in text(answer)
    assert 'value="pas une adresse"' in text(answer)
    assert 'href="#f-email"' in text(answer)


def test_an_e_mail_is_shown_to_nobody_else(house, make, client, zoe):
    log_in(client, zoe)
    form = {"display_name": "Zoé", "email": "zoe@asso.example", "locale": "fr"}
    post(client, "/account/profile", **form)
    other = house.client()
    log_in(other, make.person("max"))
    for address in ("/u/zoe", "/account"):
        assert "zoe@asso.example" not in text(go(other, address))


# Tokens


def test_a_personal_token_is_shown_once_and_can_be_ended(house, client, zoe):
    log_in(client, zoe)
    made = post(client, "/account/tokens", name="Mon script", scopes=["read"])
    bearer = re.search(r"collab_[\w-]{40,}", text(made))[0]
    assert made.headers["Cache-Control"] == "no-store"
    assert bearer not in text(go(client, "/account"))
    assert "Mon script" in text(go(client, "/account"))
    headers = {"Authorization": f"Bearer {bearer}"}

    def status():
        return house.client().get("/api/v1/me", headers=headers, base_url=HERE).status_code

    assert status() == 200
    row = db.session.scalars(select(Token)).one()
    assert post(client, f"/account/tokens/{row.id}/revoke").location == "/account"
    assert status() == 401


def test_nobody_ends_the_token_of_another(house, make, client, zoe):
    log_in(client, zoe)
    post(client, "/account/tokens", name="Mon script", scopes=["read"])
    row = db.session.scalars(select(Token)).one()
    other = house.client()
    log_in(other, make.person("max"))
    assert post(other, f"/account/tokens/{row.id}/revoke").status_code == 404
    db.session.refresh(row)
    assert row.revoked_at is None


@pytest.mark.parametrize(
    "form", [{"name": "", "scopes": ["read"]}, {"name": "x", "scopes": ["admin"]}]
)
def test_a_token_needs_a_purpose_and_a_right_that_exists(client, zoe, form):
    log_in(client, zoe)
    answer = post(client, "/account/tokens", **form)
    assert answer.status_code == 422
    assert f'value="{form["name"]}"' in text(answer)
    assert db.session.scalars(select(Token)).all() == []


# Limits and forgery


def test_passwords_cannot_be_tried_for_ever(rationed, make):
    make.person("zoe")
    client = rationed.client()
    statuses = [enter(client, "zoe", f"essai {n}").status_code for n in range(11)]
    assert statuses == [422] * 10 + [429]
    last = enter(client, "zoe", PASSWORD)
    assert last.status_code == 429
    assert "Attendez une minute" in text(last)
    assert not logged_in(client)


def from_(house, address):
    client = house.client()
    client.environ_base["REMOTE_ADDR"] = address
    return client


def test_the_passwords_of_one_account_cannot_be_tried_from_many_places(rationed, make):
    make.person("zoe")
    make.person("max")
    places = [from_(rationed, f"203.0.113.{n}") for n in range(3)]
    for place in places:
        assert enter(place, "max").status_code == 302, "what is right is not counted"
    statuses = [enter(places[n % 3], (" Zoe", "zoe")[n % 2], "faux").status_code for n in range(21)]
    assert statuses == [422] * 20 + [429]
    elsewhere = from_(rationed, "203.0.113.9")
    assert enter(elsewhere, "zoe").status_code == 429
    assert enter(elsewhere, "max").status_code == 302, "others come in as before"


def test_who_holds_a_session_cannot_try_its_password_from_many_places(rationed, make):
    zoe = make.person("zoe")
    places = [from_(rationed, f"203.0.113.{n}") for n in range(3)]
    for place in places:
        log_in(place, zoe)
    doors = ("/account/code", "/account/password", "/account/move")
    form = {"alias": "max", "password": "faux", "old": "faux", "new": OTHER}
    tried = [post(places[n % 3], doors[n % 2], **form).status_code for n in range(21)]
    assert tried == [422] * 20 + [429]
    assert post(places[2], doors[2], **form).status_code == 429
    assert enter(from_(rationed, "203.0.113.9"), "zoe").status_code == 429


def test_an_ipv6_network_counts_as_one_place(rationed, make):
    make.person("zoe")
    tries = [
        enter(from_(rationed, f"2001:db8:1:2::{n}"), f"nom{n}", "faux").status_code
        for n in range(11)
    ]
    assert tries == [422] * 10 + [429]
    assert enter(from_(rationed, "2001:db8:1:3::1"), "zoe").status_code == 302


def test_recovery_codes_cannot_be_tried_for_ever(rationed, make):
    make.person("zoe")
    client = rationed.client()
    form = {"alias": "zoe", "code": "AAAA-AAAA-AAAA-AAAA", "new": OTHER}
    statuses = [post(client, "/recover", **form).status_code for _ in range(11)]
    assert statuses == [422] * 10 + [429]


def test_accounts_cannot_be_made_for_ever(rationed):
    statuses = [register(rationed.client(), "é").status_code for _ in range(21)]
    assert statuses == [422] * 20 + [429]


PROTECTED = [
    "/login",
    "/logout",
    "/register",
    "/recover",
    "/account/profile",
    "/account/password",
    "/account/code",
    "/account/elsewhere",
    "/account/tokens",
    "/account/tokens/1/revoke",
    "/account/identities/1/unlink",
    "/account/applications/x/end",
    "/oidc/x/link",
    "/oidc/x/register",
    "/spaces/new",
    "/p/jardin/join",
    "/p/jardin/leave",
    "/p/jardin/members",
    "/p/jardin/settings",
    "/p/jardin/archive",
    "/p/jardin/invitations",
    "/join",
    "/admin",
    "/langue",
]


@pytest.mark.parametrize("address", PROTECTED)
def test_no_form_is_taken_that_did_not_come_from_our_page(house, client, zoe, address):
    log_in(client, zoe)
    house.app.config["WTF_CSRF_ENABLED"] = True
    answer = post(client, address, alias="zoe", password=PASSWORD)
    assert answer.status_code == 400
    assert "Ce formulaire est trop ancien" in text(answer)


def test_every_page_that_writes_is_protected_or_is_for_machines(house):
    machines = ("/api/", "/oauth/token", "/oauth/revoke", "/oauth/register")
    federation = ("inbox", "/ap/")
    house.app.config["WTF_CSRF_ENABLED"] = True
    client = house.client()
    open_doors = []
    for rule in house.app.url_map.iter_rules():
        if "POST" not in rule.methods or rule.rule.startswith(machines):
            continue
        if any(word in rule.rule for word in federation):
            continue
        address = re.sub(r"<any\((\w+)[^>]*>", r"\1", rule.rule)
        address = re.sub(r"<[^>]+>", "1", address)
        answer = post(client, address)
        if answer.status_code != 400 or "trop ancien" not in text(answer):
            open_doors.append((address, answer.status_code))
    assert open_doors == []


def test_a_form_from_our_page_is_taken(house, client, zoe):
    house.app.config["WTF_CSRF_ENABLED"] = True
    token = re.search(r'name="csrf_token" value="([^"]+)"', text(go(client, "/login")))[1]
    assert enter(client, "zoe", csrf_token=token).status_code == 302
    assert enter(house.client(), "zoe", csrf_token=token).status_code == 400


def test_an_actor_that_is_no_person_has_no_account_to_come_in_with(make, client, zoe):
    space = make.space(zoe)
    assert db.session.get(Actor, space.actor_id).local
    assert enter(client, space.slug).status_code == 422


def test_the_language_form_needs_no_token_but_a_page_of_ours(house, client):
    house.app.config["WTF_CSRF_ENABLED"] = True
    ours = house.app.extensions["collab"].settings.origin
    for theirs in ("https://elsewhere.example", "null"):
        refused = client.post("/langue", data={"locale": "en"}, headers={"Origin": theirs})
        assert refused.status_code == 400
        assert 'lang="fr"' in text(client.get("/about"))
    told = {"Origin": ours}
    assert client.post("/langue", data={"locale": "en"}, headers=told).status_code == 302
    assert 'lang="en"' in text(client.get("/about"))


def test_a_language_chosen_below_a_page_is_there_at_the_next_login_too(client, make):
    make.person("ada")
    enter(client, "ada")
    post(client, "/langue", locale="ar")
    post(client, "/logout")
    enter(client, "ada")
    page = text(go(client, "/account"))
    assert '<html lang="ar" dir="rtl"' in page
    assert '<option value="ar" selected>' in page


def test_two_tokens_of_one_name_are_told_apart(client, make):
    make.person("ada")
    enter(client, "ada")
    for _ in range(2):
        post(client, "/account/tokens", name="Robot", scopes="read")
    used = db.session.scalars(select(Token).order_by(Token.id)).first()
    used.created_at = datetime(2025, 3, 4, 8, 30, tzinfo=UTC)
    used.last_used_at = datetime(2025, 3, 5, 8, 30, tzinfo=UTC)
    db.session.commit()
    page = text(go(client, "/account"))
    assert "créé le 4\u00a0mars 2025 à 9\u00a0h\u00a030" in page
    assert "a servi 5\u00a0mars" in page
    assert "n’a pas encore servi" in page
