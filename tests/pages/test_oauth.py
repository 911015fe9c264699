"""Applications that act for people: the whole way by OAuth 2, and every way to be refused."""

from __future__ import annotations

import base64
import hashlib
from datetime import timedelta
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from conftest import log_in
from sqlalchemy import select, update

from collab.people.grants import ACCESS_LIFE, REFRESH_LIFE
from collab.people.models import OAuthClient, OAuthCode, Token
from collab.people.oauth import may_redirect_to
from collab.web.extensions import db
from collab.web.security import limiter

HERE = "https://here.example"
BACK = "https://agenda.example/retour"
VERIFIER = "un-verifieur-assez-long-pour-la-norme-qui-en-veut-43"
CHALLENGE = (
    base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")
)


def go(client, address, **more):
    return client.get(address, base_url=HERE, **more)


def post(client, address, **form):
    return client.post(address, data=form, base_url=HERE)


def introduce(client, **more):
    """An application registers by itself, as any may."""
    sent = {
        "client_name": "Agenda du quartier",
        "redirect_uris": [BACK],
        "scope": "read write",
        "token_endpoint_auth_method": "none",
    } | more
    answer = client.post("/oauth/register", json=sent, base_url=HERE)
    assert answer.status_code == 201, answer.json
    return answer.json


@pytest.fixture
def zoe(make, client):
    zoe = make.person("zoe")
    log_in(client, zoe)
    return zoe


@pytest.fixture
def app(house):
    return introduce(house.client())


def question(app, **more):
    asked = {
        "response_type": "code",
        "client_id": app["client_id"],
        "redirect_uri": BACK,
        "scope": "read",
        "state": "abc",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
    } | more
    return f"/oauth/authorize?{urlencode({k: v for k, v in asked.items() if v is not None})}"


def answered(client, app, act="allow", **more):
    """What the application is told after the person has decided."""
    decided = post(client, question(app, **more), act=act)
    assert decided.status_code == 302, decided.get_data(as_text=True)
    parts = urlsplit(decided.location)
    return {k: v[0] for k, v in parse_qs(parts.query).items()} | {"to": parts._replace(query="")}


def exchange(client, app, code, **more):
    form = {
        "grant_type": "authorization_code",
        "client_id": app["client_id"],
        "redirect_uri": BACK,
        "code": code,
        "code_verifier": VERIFIER,
    } | more
    return post(client, "/oauth/token", **{k: v for k, v in form.items() if v is not None})


def tokens(client, app, **more):
    code = answered(client, app, **more)["code"]
    answer = exchange(client, app, code)
    assert answer.status_code == 200, answer.json
    return answer.json


def refresh(client, app, given, **more):
    form = {"client_id": app["client_id"], "refresh_token": given["refresh_token"]} | more
    return post(client, "/oauth/token", grant_type="refresh_token", **form)


def me(house, access):
    headers = {"Authorization": f"Bearer {access}"}
    return house.client().get("/api/v1/me", headers=headers, base_url=HERE)


def test_the_whole_way_from_introduction_to_a_call_of_the_api(house, client, zoe, app):
    page = go(client, question(app, scope="read write"))
    said = page.get_data(as_text=True)
    assert page.status_code == 200
    for words in ("Agenda du quartier", "agenda.example", "lire tout", "écrire à votre place"):
        assert words in said
    assert "Autoriser</button>" in said
    assert "Refuser</button>" in said
    told = answered(client, app, scope="read write")
    assert told["to"].geturl() == BACK
    assert told["state"] == "abc"
    assert told["iss"] == HERE
    answer = exchange(house.client(), app, told["code"])
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    given = answer.json
    assert given["token_type"] == "Bearer"
    assert given["expires_in"] == ACCESS_LIFE.total_seconds()
    assert given["scope"] == "read write"
    found = me(house, given["access_token"])
    assert found.status_code == 200
    assert "zoe" in found.get_data(as_text=True)


def test_only_digests_are_kept(client, zoe, app):
    told = answered(client, app)
    given = exchange(client, app, told["code"]).json
    db.session.rollback()
    kept = [db.session.scalars(select(table)).all() for table in (Token, OAuthCode, OAuthClient)]
    rows = str([[vars(row) for row in table] for table in kept])
    assert told["code"] not in rows
    assert given["access_token"] not in rows
    assert given["refresh_token"] not in rows


def test_a_stranger_logs_in_first_and_then_decides(house, make, app):
    zoe, client = make.person("zoe"), house.client()
    first = go(client, question(app))
    assert first.status_code == 302
    assert urlsplit(first.location).path == "/login"
    back = parse_qs(urlsplit(first.location).query)["next"][0]
    answer = post(client, "/login", alias=zoe.name, password="une petite phrase", next=back)
    assert answer.location == back
    assert "Agenda du quartier" in go(client, back).get_data(as_text=True)


def test_who_refuses_gives_nothing(client, zoe, app):
    told = answered(client, app, act="refuse")
    assert told["error"] == "access_denied"
    assert (told["state"], told["iss"]) == ("abc", HERE)
    assert "code" not in told


def test_the_consent_page_lets_its_form_lead_to_the_application_only(client, zoe, app):
    policy = go(client, question(app)).headers["Content-Security-Policy"]
    assert "form-action 'self' https://agenda.example;" in policy
    assert "frame-ancestors 'none'" in policy


def test_consent_needs_the_form_of_the_page(house, client, zoe, app):
    house.app.config["WTF_CSRF_ENABLED"] = True
    refused = post(client, question(app), act="allow")
    assert refused.status_code == 400
    assert db.session.scalars(select(OAuthCode)).all() == []


def test_machines_need_no_form_token(house, client, zoe, app):
    given = tokens(client, app)
    house.app.config["WTF_CSRF_ENABLED"] = True
    introduce(house.client())
    assert refresh(house.client(), app, given).status_code == 200


@pytest.mark.parametrize(
    "wrong",
    [
        {"redirect_uri": "https://evil.example/retour"},
        {"redirect_uri": BACK + "/plus"},
        {"redirect_uri": BACK + "?x=1"},
        {"redirect_uri": 'https://evil.example/"é'},
        {"client_id": "inconnue"},
        {"client_id": None},
    ],
)
def test_a_wrong_return_address_is_never_followed(client, zoe, app, wrong):
    for answer in (go(client, question(app, **wrong)), post(client, question(app, **wrong))):
        assert answer.status_code == 400
        assert "Location" not in answer.headers
        assert "pas en règle" in answer.get_data(as_text=True)


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"scope": "read admin"}, "invalid_scope"),
        ({"code_challenge": None, "code_challenge_method": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"code_challenge": "court"}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
    ],
)
def test_a_request_that_is_not_in_order_is_sent_back_with_the_reason(
    client, zoe, app, wrong, error
):
    answer = go(client, question(app, **wrong))
    assert answer.status_code == 302
    assert answer.location.startswith(BACK)
    told = parse_qs(urlsplit(answer.location).query)
    assert told["error"] == [error]
    assert told["iss"] == [HERE]


def test_more_than_was_registered_cannot_be_asked_for(house, client, zoe):
    reader = introduce(house.client(), scope="read")
    answer = go(client, question(reader, scope="read write"))
    assert "error=invalid_scope" in answer.location


def test_who_names_no_scope_may_only_read(client, zoe, app):
    assert tokens(client, app, scope=None)["scope"] == "read"


def test_a_reading_application_cannot_write(house, make, client, zoe, app):
    space = make.space(zoe)
    write = {
        "method": "POST",
        "json": {"title": "Bonjour", "body": "Bonjour"},
        "base_url": HERE,
    }
    address = f"/api/v1/spaces/{space.slug}/discussion/threads"

    def status(scope):
        bearer = tokens(client, app, scope=scope)["access_token"]
        headers = {"Authorization": f"Bearer {bearer}"}
        return house.client().open(address, headers=headers, **write).status_code

    assert status("read") == 403
    assert status("read write") == 201


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"code_verifier": "x" * 43}, "invalid_grant"),
        ({"code_verifier": None}, "invalid_request"),
        ({"code_verifier": CHALLENGE}, "invalid_grant"),
        ({"redirect_uri": "https://evil.example/retour"}, "invalid_grant"),
        ({"redirect_uri": None}, "invalid_grant"),
        ({"code": "un-autre-code"}, "invalid_grant"),
        ({"client_id": "inconnue"}, "invalid_client"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": 'é"'}, "unsupported_grant_type"),
    ],
)
def test_a_wrong_exchange_gives_no_token(house, client, zoe, app, wrong, error):
    code = answered(client, app)["code"]
    answer = exchange(house.client(), app, **{"code": code} | wrong)
    assert answer.status_code in (400, 401)
    assert answer.json["error"] == error
    assert db.session.scalars(select(Token)).all() == []


def test_a_code_of_one_application_is_worth_nothing_to_another(house, client, zoe, app):
    code = answered(client, app)["code"]
    other = introduce(house.client(), client_name="Une autre")
    assert exchange(house.client(), other, code).json["error"] == "invalid_grant"


def test_a_code_shown_twice_ends_what_it_gave(house, client, zoe, app):
    code = answered(client, app)["code"]
    given = exchange(house.client(), app, code).json
    again = exchange(house.client(), app, code)
    assert (again.status_code, again.json["error"]) == (400, "invalid_grant")
    assert me(house, given["access_token"]).status_code == 401
    assert refresh(house.client(), app, given).status_code == 400


def test_a_code_lasts_ten_minutes(house, client, zoe, app):
    code = answered(client, app)["code"]
    db.session.rollback()
    row = db.session.scalars(select(OAuthCode)).one()
    row.expires_at -= timedelta(minutes=10)
    db.session.commit()
    assert exchange(house.client(), app, code).json["error"] == "invalid_grant"


def test_renewal_gives_a_new_pair_and_ends_the_old_one(house, client, zoe, app):
    given = tokens(client, app)
    answer = refresh(house.client(), app, given)
    assert answer.status_code == 200
    assert me(house, answer.json["access_token"]).status_code == 200
    assert me(house, given["access_token"]).status_code == 401
    assert answer.json["refresh_token"] != given["refresh_token"]


def test_a_refresh_token_shown_twice_ends_the_whole_family(house, client, zoe, app):
    given = tokens(client, app)
    newer = refresh(house.client(), app, given).json
    assert refresh(house.client(), app, given).json["error"] == "invalid_grant"
    assert me(house, newer["access_token"]).status_code == 401
    assert refresh(house.client(), app, newer).json["error"] == "invalid_grant"


def test_renewal_never_gives_more(house, client, zoe, app):
    given = tokens(client, app, scope="read")
    assert refresh(house.client(), app, given, scope="read write").json["error"] == "invalid_scope"


def test_a_refresh_token_does_not_open_the_api(house, client, zoe, app):
    assert me(house, tokens(client, app)["refresh_token"]).status_code == 401


@pytest.mark.parametrize(("age", "left"), [(ACCESS_LIFE, 200), (REFRESH_LIFE, 400)])
def test_access_ends_by_itself_and_renewal_too(house, client, zoe, app, age, left):
    given = tokens(client, app)
    db.session.rollback()
    row = db.session.scalars(select(Token)).one()
    row.created_at -= age
    row.expires_at -= age
    db.session.commit()
    assert me(house, given["access_token"]).status_code == 401
    assert refresh(house.client(), app, given).status_code == left


def test_an_application_gives_its_tokens_back(house, client, zoe, app):
    given = tokens(client, app)
    form = {"token": given["refresh_token"], "client_id": app["client_id"]}
    assert post(house.client(), "/oauth/revoke", **form).status_code == 200
    assert me(house, given["access_token"]).status_code == 401
    assert refresh(house.client(), app, given).status_code == 400
    assert post(house.client(), "/oauth/revoke", **form | {"token": "rien"}).status_code == 200


def test_an_application_cannot_end_the_tokens_of_another(house, client, zoe, app):
    given = tokens(client, app)
    other = introduce(house.client(), client_name="Une autre")
    form = {"token": given["access_token"], "client_id": other["client_id"]}
    assert post(house.client(), "/oauth/revoke", **form).status_code == 400
    assert me(house, given["access_token"]).status_code == 200


def test_a_person_sees_what_they_allowed_and_ends_it(house, make, client, zoe, app):
    given = tokens(client, app, scope="read write")
    page = go(client, "/account/applications").get_data(as_text=True)
    assert "Agenda du quartier" in page
    assert "lire et écrire" in page
    address = f"/account/applications/{app['client_id']}/end"
    other = house.client()
    log_in(other, make.person("max"))
    assert "Agenda du quartier" not in go(other, "/account/applications").get_data(as_text=True)
    assert post(other, address).status_code == 404
    assert post(client, address).location == "/account/applications"
    assert me(house, given["access_token"]).status_code == 401
    assert refresh(house.client(), app, given).json["error"] == "invalid_grant"
    assert "Agenda du quartier" not in go(client, "/account/applications").get_data(as_text=True)


def test_a_code_not_yet_used_ends_with_the_application(house, client, zoe, app):
    tokens(client, app)
    code = answered(client, app)["code"]
    post(client, f"/account/applications/{app['client_id']}/end")
    assert exchange(house.client(), app, code).json["error"] == "invalid_grant"


def test_tokens_of_applications_are_not_among_the_personal_ones(client, zoe, app):
    tokens(client, app)
    assert "Aucun jeton." in go(client, "/account").get_data(as_text=True)


def test_an_application_with_a_secret_has_to_show_it(house, client, zoe):
    app = introduce(house.client(), token_endpoint_auth_method="client_secret_basic")
    secret = app["client_secret"]
    code = answered(client, app)["code"]
    assert exchange(house.client(), app, code).status_code in (400, 401)
    wrong = exchange(house.client(), app, code, client_secret="faux")
    assert wrong.json["error"] == "invalid_client"
    basic = base64.b64encode(f"{app['client_id']}:{secret}".encode()).decode()
    form = {"grant_type": "authorization_code", "redirect_uri": BACK, "code": code}
    answer = house.client().post(
        "/oauth/token",
        data=form | {"code_verifier": VERIFIER},
        headers={"Authorization": f"Basic {basic}"},
        base_url=HERE,
    )
    assert answer.status_code == 200, answer.json
    db.session.rollback()
    assert secret not in str(vars(db.session.get(OAuthClient, app["client_id"])))


def test_a_program_on_this_computer_may_use_any_port(house, client, zoe):
    app = introduce(house.client(), redirect_uris=["http://127.0.0.1/retour"])
    where = "http://127.0.0.1:51234/retour"
    assert answered(client, app, redirect_uri=where)["to"].geturl() == where
    elsewhere = go(client, question(app, redirect_uri="http://127.0.0.1:51234/autre"))
    assert elsewhere.status_code == 400


def test_a_phone_application_may_use_its_own_scheme(house, client, zoe):
    own = "org.example.agenda:/retour"
    app = introduce(house.client(), redirect_uris=[own])
    page = go(client, question(app, redirect_uri=own))
    assert "form-action 'self' org.example.agenda:;" in page.headers["Content-Security-Policy"]
    assert answered(client, app, redirect_uri=own)["code"]


@pytest.mark.parametrize(
    "uri",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "http://agenda.example/retour",
        "http://127.0.0.1.evil.example/",
        "http://127.0.0.1@evil.example/",
        "http://localhost.evil.example:80/",
        "https://agenda.example/#partie",
        "https://a@agenda.example/",
        "https:///retour",
        "https://agenda.example/\\evil",
        "https://agenda.example/un deux",
        "https://agenda.example:port/",
        "agenda:/retour",
        "/retour",
        "",
    ],
)
def test_answers_are_never_sent_to_such_an_address(house, uri):
    assert not may_redirect_to(uri)
    sent = {"client_name": "x", "redirect_uris": [uri], "token_endpoint_auth_method": "none"}
    answer = house.client().post("/oauth/register", json=sent, base_url=HERE)
    assert (answer.status_code, answer.json["error"]) == (400, "invalid_redirect_uri")


@pytest.mark.parametrize(
    "wrong",
    [
        {"client_name": ""},
        {"client_name": ["Agenda"]},
        {"scope": "read everything"},
        {"scope": 5},
        {"grant_types": ["password"]},
        {"grant_types": 5},
        {"response_types": ["token"]},
        {"token_endpoint_auth_method": "private_key_jwt"},
        {"redirect_uris": None},
        {"redirect_uris": BACK},
        {"redirect_uris": [5]},
        {"redirect_uris": [BACK] * 11},
    ],
)
def test_an_introduction_that_is_not_in_order_is_refused(house, wrong):
    sent = {"client_name": "Agenda", "redirect_uris": [BACK], "scope": "read"} | wrong
    answer = house.client().post("/oauth/register", json=sent, base_url=HERE)
    assert answer.status_code == 400
    assert answer.json["error"].startswith("invalid_")
    assert db.session.scalars(select(OAuthClient)).all() == []


@pytest.mark.parametrize("body", [b"", b"[]", b'"x"', b"{", b"\xff"])
def test_an_introduction_has_to_be_a_json_object(house, body):
    answer = house.client().post(
        "/oauth/register", data=body, content_type="application/json", base_url=HERE
    )
    assert answer.status_code == 400
    assert answer.json["error"] == "invalid_client_metadata"


@pytest.fixture
def rationed(house):
    """The instance of the test with its limits on; all apps of a process share the switch."""
    house.app.config["RATELIMIT_ENABLED"] = True
    limiter.init_app(house.app)
    yield house
    limiter.enabled = False


def test_introductions_are_rationed(rationed):
    client = rationed.client()
    sent = {"client_name": "x", "redirect_uris": [BACK], "token_endpoint_auth_method": "none"}
    statuses = [
        client.post("/oauth/register", json=sent, base_url=HERE).status_code for _ in range(21)
    ]
    assert statuses == [201] * 20 + [429]


def test_applications_that_nobody_used_are_forgotten(house, client, zoe, app):
    unused = introduce(house.client(), client_name="Jamais autorisée")
    tokens(client, app)
    old = db.session.scalars(select(OAuthClient.created_at)).first() - timedelta(days=31)
    db.session.execute(update(OAuthClient).values(created_at=old))
    db.session.commit()
    introduce(house.client())
    db.session.rollback()
    left = db.session.scalars(select(OAuthClient.client_id)).all()
    assert app["client_id"] in left
    assert unused["client_id"] not in left


def test_a_closed_account_gives_applications_nothing(house, client, zoe, app):
    code = answered(client, app)["code"]
    given = tokens(client, app)
    db.session.rollback()
    db.session.scalars(select(Token)).first().account.disabled_at = (
        db.session.scalars(select(Token)).first().created_at
    )
    db.session.commit()
    assert me(house, given["access_token"]).status_code == 401
    assert refresh(house.client(), app, given).status_code == 400
    assert exchange(house.client(), app, code).status_code == 400


def test_the_server_describes_itself_as_it_is(house):
    told = go(house.client(), "/.well-known/oauth-authorization-server").json
    assert told["issuer"] == HERE
    assert told["code_challenge_methods_supported"] == ["S256"]
    for name in ("authorization", "token", "revocation", "registration"):
        path = urlsplit(told[f"{name}_endpoint"]).path
        found = {rule.rule for rule in house.app.url_map.iter_rules()}
        assert path in found
