"""Coming in with an identity from a real OpenID provider, over real HTTP on loopback."""

from __future__ import annotations

import http.client
import re
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from conftest import PASSWORD, Make, log_in, open_house
from oidc_provider import CLIENT, SECRET, Provider, key
from sqlalchemy import func, select

from collab.people.first import Nobody
from collab.people.models import Account, Actor, ExternalIdentity, Registration
from collab.people.queries import account_named, site
from collab.spaces.invitations import Invite, invite
from collab.web.extensions import db

HERE = "https://here.example"
SETTINGS = """
[site]
name = "Maison d’essai"
base_url = "https://here.example"
[federation]
allow_loopback = {loopback}
[oidc.ecole]
label = "Le lycée"
issuer = "{issuer}"
client_id = "{client}"
client_secret = "{secret}"
"""


@pytest.fixture
def provider():
    with Provider() as provider:
        yield provider


def make_house(folder, database, provider, loopback="true"):
    folder.mkdir()
    words = SETTINGS.format(issuer=provider.issuer, client=CLIENT, secret=SECRET, loopback=loopback)
    (folder / "collab.toml").write_text(words)
    return open_house(folder, database)


@pytest.fixture
def house(tmp_path, database_for, provider):
    house = make_house(tmp_path / "instance", database_for("oidc"), provider)
    with house.app.test_request_context("/", base_url=HERE):
        yield house
    close(house)


def close(house):
    house.app.extensions["collab.federation"].transport.close()
    with house.app.app_context():
        db.session.remove()
        db.engine.dispose()


@pytest.fixture
def make(house):
    return Make(house)


@pytest.fixture
def client(house):
    return house.client()


def go(client, address, **more):
    return client.get(address, base_url=HERE, **more)


def post(client, address, **form):
    return client.post(address, data=form, base_url=HERE)


def at_provider(location):
    """The browser visits the provider; gives the path where it is sent back to."""
    parts = urlsplit(location)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=10)
    connection.request("GET", f"{parts.path}?{parts.query}")
    answer = connection.getresponse()
    answer.read()
    connection.close()
    assert answer.status == 302
    back = urlsplit(answer.getheader("Location"))
    assert f"{back.scheme}://{back.netloc}" == HERE
    return f"{back.path}?{back.query}"


def journey(client, where="/"):
    """From the button on the login page to what the callback answers."""
    start = go(client, f"/oidc/ecole?{urlencode({'next': where})}")
    assert start.status_code == 302, start.get_data(as_text=True)
    return go(client, at_provider(start.location))


def newcomer(client, alias="zoe", **more):
    assert journey(client).location == "/oidc/ecole/welcome"
    return post(client, "/oidc/ecole/register", alias=alias, **more)


def logged_in(client):
    return go(client, "/account").status_code == 200


def count(model):
    db.session.rollback()
    return db.session.scalar(select(func.count()).select_from(model))


def text(answer):
    return answer.get_data(as_text=True)


def test_the_login_page_offers_every_provider_of_the_settings(client):
    page = text(go(client, "/login?next=/p/jardin"))
    assert "Le lycée" in page
    assert "/oidc/ecole?next=/p/jardin" in page


def test_a_newcomer_chooses_a_name_and_is_in_without_e_mail_or_password(house, client, provider):
    assert journey(client, "/about").location == "/oidc/ecole/welcome"
    page = text(go(client, "/oidc/ecole/welcome"))
    assert 'value="zoe-lefevre"' in page
    assert "<b>Le lycée</b>\u00a0· Zoé.Lefèvre" in page
    answer = post(client, "/oidc/ecole/register", alias="zoe", display_name="Zoé L.")
    assert answer.status_code == 200
    assert re.search(r"[2-9A-Z]{4}(-[2-9A-Z]{4}){3}", text(answer))
    assert "/about" in text(answer)
    account = account_named(db.session, "zoe")
    assert (account.password_hash, account.email) == (None, None)
    assert account.actor.label == "Zoé L."
    row = db.session.scalars(select(ExternalIdentity)).one()
    assert (row.issuer, row.subject) == (provider.issuer, "4711")
    assert logged_in(client)


def test_the_request_carries_pkce_state_and_nonce_and_asks_for_no_e_mail(client, provider):
    journey(client)
    asked = provider.authorized_with
    assert asked["scope"] == "openid profile"
    assert asked["code_challenge_method"] == "S256"
    assert len(asked["code_challenge"]) == 43
    assert len(asked["state"]) >= 22
    assert len(asked["nonce"]) >= 22
    assert asked["redirect_uri"] == f"{HERE}/oidc/ecole/callback"


def test_the_second_time_one_is_in_at_once_where_one_wanted_to_go(house, client):
    newcomer(client)
    other = house.client()
    assert journey(other, "/about?x=1").location == "/about?x=1"
    assert logged_in(other)
    assert count(Account) == 1


def test_the_name_chosen_comes_back_with_what_to_mend_when_it_is_taken(house, make, client):
    make.person("zoe")
    answer = newcomer(client, alias="zoe", display_name="Zoé L.")
    assert answer.status_code == 422
    assert 'value="zoe"' in text(answer)
    assert 'value="Zoé L."' in text(answer)
    assert "Ce nom est déjà pris" in text(answer)
    assert post(client, "/oidc/ecole/register", alias="zoe-38").status_code == 200


def test_a_name_that_is_taken_is_not_suggested(make, client):
    make.person("zoe-lefevre")
    journey(client)
    assert 'value="zoe-lefevre-2"' in text(go(client, "/oidc/ecole/welcome"))


def test_somebody_with_an_account_links_it_by_logging_in(house, make, client):
    zoe = make.person("zoe")
    journey(client, "/about")
    wrong = post(client, "/oidc/ecole/link", account="zoe", password="pas le bon")
    assert wrong.status_code == 422
    assert count(ExternalIdentity) == 0
    answer = post(client, "/oidc/ecole/link", account="zoe", password=PASSWORD)
    assert answer.location == "/about"
    assert count(Account) == 1
    other = house.client()
    journey(other)
    assert zoe.address in text(go(other, "/account"))


def test_the_answer_to_an_unknown_account_is_that_to_a_wrong_password(make, client):
    make.person("zoe")
    journey(client)

    def said(account):
        page = text(post(client, "/oidc/ecole/link", account=account, password="pas le bon"))
        return page.replace(account, "?")

    assert said("zoe") == said("abc")


def test_somebody_logged_in_links_and_unlinks_on_their_account_page(house, make, client):
    zoe = make.person("zoe")
    log_in(client, zoe)
    assert "Lier «\xa0Le lycée\xa0»" in text(go(client, "/account/identities"))
    assert journey(client).location == "/oidc/ecole/welcome"
    assert count(ExternalIdentity) == 0, "nothing is linked before the person says so"
    assert post(client, "/oidc/ecole/link").location == "/account/identities"
    page = text(go(client, "/account/identities"))
    assert "Zoé.Lefèvre" in page
    row = db.session.scalars(select(ExternalIdentity)).one()
    unlinked = post(client, f"/account/identities/{row.id}/unlink")
    assert unlinked.location == "/account/identities"
    assert count(ExternalIdentity) == 0


def test_the_only_way_in_cannot_be_unlinked_until_there_is_a_password(house, client):
    newcomer(client)
    row = db.session.scalars(select(ExternalIdentity)).one()
    address = f"/account/identities/{row.id}/unlink"
    refused = post(client, address)
    assert refused.status_code == 409
    assert "mot de passe" in text(refused)
    assert count(ExternalIdentity) == 1
    assert post(client, "/account/password", new="une autre phrase").location == "/account"
    assert post(client, address).location == "/account/identities"
    again = house.client()
    answer = post(again, "/login", alias="zoe", password="une autre phrase")
    assert answer.status_code == 302


def test_an_identity_of_a_provider_that_is_gone_is_no_way_in(house, client):
    newcomer(client)
    account = account_named(db.session, "zoe")
    with house.runtime.work(Nobody()) as work:
        old = ExternalIdentity(
            account_id=account.id, issuer="https://gone.example", subject="1", created_at=work.now
        )
        work.session.add(old)
    row = db.session.scalars(select(ExternalIdentity).order_by(ExternalIdentity.id)).first()
    assert post(client, f"/account/identities/{row.id}/unlink").status_code == 409


def test_nobody_unlinks_what_is_not_theirs(house, make, client):
    newcomer(client)
    row = db.session.scalars(select(ExternalIdentity)).one()
    other = house.client()
    log_in(other, make.person("max"))
    assert post(other, f"/account/identities/{row.id}/unlink").status_code == 404
    assert count(ExternalIdentity) == 1


def test_one_identity_opens_one_account(house, make, client):
    newcomer(client)
    other = house.client()
    log_in(other, make.person("max"))
    journey(other)
    assert post(other, "/oidc/ecole/link").status_code == 409
    assert count(ExternalIdentity) == 1


def set_registration(house, rule):
    with house.runtime.work(Nobody()) as work:
        site(work.session).registration = rule


def test_a_closed_site_lets_nobody_new_in_but_those_it_knows(house, make, client):
    make.person("zoe")
    set_registration(house, Registration.CLOSED)
    assert newcomer(client, alias="neuf").status_code == 403
    assert "Créer mon compte" not in text(go(client, "/oidc/ecole/welcome"))
    assert count(Account) == 1
    linked = post(client, "/oidc/ecole/link", account="zoe", password=PASSWORD)
    assert linked.status_code == 302


def test_a_site_by_invitation_asks_for_the_code_and_opens_the_project(house, make, client):
    space = make.space(make.person("max"))
    with house.as_(db.session.get(Actor, space.actor_id)) as work:
        work.acting(db.session.scalars(select(Actor).where(Actor.name == "max")).one(), None)
        code = invite(work, space, Invite()).code
    set_registration(house, Registration.INVITATION)
    refused = newcomer(client, code="nimporte")
    assert refused.status_code == 422
    assert 'value="nimporte"' in text(refused)
    answer = post(client, "/oidc/ecole/register", alias="zoe", code=code)
    assert answer.status_code == 200
    assert space.url in text(answer)


def test_a_closed_account_stays_closed(house, client):
    newcomer(client)
    with house.runtime.work(Nobody()) as work:
        account_named(work.session, "zoe").disabled_at = work.now
    other = house.client()
    assert journey(other).status_code == 403
    assert not logged_in(other)


def test_names_that_stand_only_in_userinfo_are_found_there(client, provider):
    provider.in_userinfo = True
    journey(client)
    assert 'value="zoe-lefevre"' in text(go(client, "/oidc/ecole/welcome"))
    assert "/userinfo" in provider.asked


def test_a_provider_may_change_its_key(client, house, provider):
    newcomer(client)
    provider.new_key()
    other = house.client()
    assert journey(other).location == "/"
    assert logged_in(other)


@pytest.mark.parametrize(
    "wrong",
    [
        {"nonce": "un autre"},
        {"nonce": None},
        {"aud": "une-autre-application"},
        {"aud": ["une-autre-application"], "azp": CLIENT},
        {"iss": "https://elsewhere.example"},
        {"exp": 1_000_000_000},
        {"exp": None},
        {"iat": "hier"},
        {"sub": None},
        {"sub": ""},
        {"sub": "x" * 256},
        {"sub": 12},
        {"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"},
    ],
)
def test_an_id_token_that_is_not_for_us_now_opens_nothing(client, provider, wrong):
    provider.wrong = wrong
    assert journey(client).status_code == 403
    assert not logged_in(client)
    assert go(client, "/oidc/ecole/welcome").status_code == 400


def test_an_unsigned_id_token_opens_nothing_even_if_the_provider_says_it_may(client, provider):
    provider.unsigned = True
    assert journey(client).status_code == 403


def test_an_id_token_of_another_key_opens_nothing(client, provider):
    provider.signing_key = key("two")
    assert journey(client).status_code == 403


def test_an_answer_without_id_token_opens_nothing(client, provider):
    provider.mute = True
    assert journey(client).status_code == 403


def test_a_provider_that_calls_itself_another_is_not_believed(client, provider):
    provider.says_issuer = "https://elsewhere.example"
    assert go(client, "/oidc/ecole").status_code == 502


def test_an_answer_counts_once_and_only_in_the_browser_that_set_out(house, client, provider):
    start = go(client, "/oidc/ecole")
    back = at_provider(start.location)
    assert go(house.client(), back).status_code == 400
    assert go(client, back.replace("state=", "state=x")).status_code == 400
    assert go(client, back).location == "/oidc/ecole/welcome"
    assert go(client, back).status_code == 400
    assert provider.asked.count("/token") == 1


def test_an_answer_of_another_provider_is_not_mistaken_for_this_one(client, provider):
    start = go(client, "/oidc/ecole")
    back = at_provider(start.location)
    query = parse_qs(urlsplit(back).query)
    mixed = urlencode({"state": query["state"][0], "code": query["code"][0], "iss": "https://x.y"})
    assert go(client, f"/oidc/ecole/callback?{mixed}").status_code == 400
    assert "/token" not in provider.asked


def test_who_says_no_over_there_is_told_so_on_the_login_page(client, provider):
    provider.denies = True
    assert journey(client).location == "/login"
    assert "renoncé" in text(go(client, "/login"))


def test_one_is_never_sent_to_another_site_afterwards(house, client):
    newcomer(client)
    assert journey(house.client(), "//evil.example/").location == "/"
    assert journey(house.client(), "https://evil.example/").location == "/"


def test_an_unknown_provider_is_a_page_that_does_not_exist(client):
    assert go(client, "/oidc/ailleurs").status_code == 404
    assert go(client, "/oidc/ailleurs/callback?state=x&code=y").status_code == 404


def test_a_provider_that_does_not_answer_is_said_so(client, provider):
    provider.server.shutdown()
    provider.server.server_close()
    answer = go(client, "/oidc/ecole")
    assert answer.status_code == 502
    assert "ne répond pas" in text(answer)


def test_a_provider_on_this_machine_is_for_trials_only(tmp_path, database_for, provider):
    house = make_house(tmp_path / "strict", database_for("strict"), provider, loopback="false")
    assert go(house.client(), "/oidc/ecole").status_code == 502
    assert provider.asked == []
    close(house)
