"""Rules about what we show and to whom, held for every address the application has."""
# ruff: noqa: F401, F811 - fixtures are imported by their names

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from time import sleep

import pytest
from conftest import PASSWORD, Make, log_in, open_house
from federation.stage import ORIGIN, federation, foreign, house
from flask import Flask
from flask_limiter.util import get_remote_address

from collab import instance as folder
from collab.config import load
from collab.federation.budget import Budget
from collab.people.models import Site
from collab.spaces.models import Item, Visibility
from collab.web.actions import perform
from collab.web.extensions import db
from collab.web.security import secure

SECRET = "radis-noir"
"""A word that stands in everything of the project that strangers may not read."""
FORMS = (
    "text/html",
    "application/activity+json",
    "application/json",
    "text/event-stream",
)
ABOUT_A_SPACE = re.compile(r"<(?:\w+(?:\([^)]*\))?:)?(address|slug|uid|name|tool|plural|code)>")


@pytest.fixture
def ines(make):
    return make.person("ines")


@pytest.fixture
def council(make, ines):
    """A members-only project in which every text holds the secret; its card is for everybody."""
    space = make.space(ines, slug="conseil", visibility=Visibility.MEMBERS)
    thread = perform(ines, "conseil", "discussion", "open", {"title": SECRET, "body": SECRET})
    perform(ines, "conseil", "discussion", "post", {"thread": thread, "body": SECRET})
    perform(ines, "conseil", "pages", "add", {"title": SECRET, "body": SECRET})
    return space


def addresses(house, space):
    """Every address that answers GET, filled with what the project holds."""
    uids = [uid for (uid,) in db.session.query(Item.uid)]
    slugs = [space.slug, SECRET]
    values = {
        "address": [space.slug], "slug": slugs, "uid": uids, "tool": ["discussion", "pages"],
        "plural": ["threads", "messages", "documents"], "kind": ["w", "c"], "seq": ["1", "3"],
        "number": ["1"], "title": [SECRET], "rest": [uids[0]], "which": ["outbox"],
    }  # fmt: skip
    found = set()
    for rule in house.app.url_map.iter_rules():
        if "GET" not in (rule.methods or ()) or not rule.arguments & values.keys():
            continue
        ready = [{}]
        for name in sorted(rule.arguments):
            choices = values.get(name, [uids[0]])
            choices = _allowed(rule, name) or choices
            ready = [one | {name: value} for one in ready for value in choices]
        for given in ready:
            built = rule.build(given, append_unknown=False)
            if built is not None:
                found.add(built[1].rpartition("|")[2])
    return sorted(found)


def _allowed(rule, name):
    converter = rule._converters.get(name)
    return list(getattr(converter, "items", [])) or None


def test_r32_no_address_shows_a_stranger_a_word_of_a_members_only_project(house, council):
    paths = addresses(house, council)
    assert len(paths) > 60
    client = house.client()
    for path in paths:
        for form in FORMS:
            answer = client.get(path, headers={"Accept": form})
            told = answer.get_data().decode(errors="replace").replace(path, "")
            asked = answer.headers.get("Location", "")
            assert answer.status_code in (200, 301, 302, 308, 401, 404, 405, 410), (path, form)
            assert SECRET not in told, f"{path} as {form}"
            assert SECRET not in asked.replace(SECRET, "", path.count(SECRET)), path


def test_r32_what_is_held_back_from_strangers_is_there_for_members(house, council, ines):
    client = house.client()
    log_in(client, ines)
    shown = [
        path
        for path in addresses(house, council)
        if SECRET
        in client.get(path, headers={"Accept": "text/html"}).get_data().decode(errors="replace")
    ]
    assert len(shown) > 8


def test_r32_an_instance_without_a_member_reads_no_more_than_a_stranger(house, foreign, council):
    site = foreign.application()
    for path in addresses(house, council):
        answer = foreign.get(site, path)
        assert SECRET not in answer.get_data().decode(errors="replace").replace(path, ""), path


def test_r31_no_form_sets_what_an_actor_is_known_by(house, ines):
    before = house.client().get("/u/ines", headers={"Accept": "application/activity+json"}).json
    claimed = {
        "publicKey": "x", "assertionMethod": "x", "proof": "x", "inbox": "https://evil.example/",
        "outbox": "https://evil.example/", "endpoints": "x", "id": "https://evil.example/u/ines",
        "iri": "https://evil.example/u/ines", "preferredUsername": "eve", "local": "0",
        "host": "evil.example", "display_name": "Inès",
    }  # fmt: skip
    client = house.client()
    log_in(client, ines)
    forms = [r.rule for r in house.app.url_map.iter_rules() if r.rule.startswith("/account")]
    for path in forms:
        if "<" not in path and not path.endswith(("out", "everywhere", "delete")):
            client.post(path, data=claimed)
    after = house.client().get("/u/ines", headers={"Accept": "application/activity+json"}).json
    for name in before.keys() - {"name", "updated", "summary"}:
        assert after[name] == before[name], name


def test_r45_a_handle_shows_the_host_letter_for_letter(house, federation):
    assert federation.canonical("bücher.example") == "xn--bcher-kva.example"
    spoofed = federation.canonical("pаris.example")  # with a Cyrillic а
    assert spoofed.startswith("xn--")


def test_r45_a_name_cannot_turn_the_line_around_or_hide_signs(foreign, federation):
    turned = foreign.person("zoe", name="Zoé\u202e eniztnavel\u2066\u200b")
    assert federation.acquaint(turned.iri)
    shown = federation.resolve_actor(turned.iri).label
    assert shown == "Zoé  eniztnavel"


def test_r64_the_cookie_of_the_session_is_of_this_host_alone(house, make, ines):
    answer = house.client().post("/login", data={"alias": "ines", "password": PASSWORD})
    cookie = answer.headers["Set-Cookie"]
    assert "Domain=" not in cookie
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie


def test_r64_a_site_with_https_binds_its_cookie_to_its_host(tmp_path):
    safe = open_house(tmp_path / "safe")
    with safe.app.test_request_context("/", base_url="https://here.example"):
        Make(safe).person("ines")
        answer = safe.client().post("/login", data={"alias": "ines", "password": PASSWORD})
        cookie = answer.headers["Set-Cookie"]
        db.session.remove()
        db.engine.dispose()
    assert cookie.startswith("__Host-collab=")
    assert "Secure" in cookie
    assert "Path=/;" in cookie


@pytest.mark.parametrize(("proxies", "told"), [("0", "127.0.0.1"), ("1", "198.51.100.7")])
def test_r51_who_asks_is_where_our_own_proxy_says_and_nobody_else(tmp_path, proxies, told):
    folder.lay_down(tmp_path / "here", "Ici", "https://here.example")
    app = Flask("here")
    secure(app, load(tmp_path / "here", {"COLLAB_LIMITS__TRUSTED_PROXIES": proxies}))
    app.add_url_rule("/", view_func=get_remote_address)
    claimed = {"X-Forwarded-For": "203.0.113.9, 198.51.100.7"}
    assert app.test_client().get("/", headers=claimed).text == told


class Slowly(int):
    """A limit that takes its time to be compared with: whoever asks meanwhile would see the same
    count, if nothing kept them waiting."""

    def __le__(self, other):
        sleep(0.001)
        return int(self) <= other


def test_r65_many_at_once_are_let_in_exactly_as_often_as_allowed(federation):
    budget = Budget(federation.now)
    with ThreadPoolExecutor(20) as many:
        taken = list(many.map(lambda _: budget.spend("one name", Slowly(50), 60), range(200)))
    assert taken.count(True) == 50


def test_r28_a_long_row_of_open_tags_is_cut_off_as_any_text(foreign, house, make, ines):
    garden = make.space(ines)
    lea = foreign.member(make, garden, ines)
    note = foreign.note(lea, garden, content="<link " * 170_000)
    assert foreign.say(lea, "Create", note).status_code in (202, 413, 422)
    short = foreign.note(lea, garden, content="Bonjour " + "<link " * 10_000)
    assert foreign.say(lea, "Create", short).status_code == 202
    items = db.session.query(Item).all()
    assert items
    for item in items:
        assert "<link" not in str(item.html)
