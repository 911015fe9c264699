"""The style of a page: written into the first one that a browser sees, named by all others."""

from __future__ import annotations

import hashlib
import re
from base64 import b64encode

import pytest
from conftest import log_in

from collab.people.look import ReviseLook, revise_look
from collab.web.assets import asset
from collab.web.dress import slim
from collab.web.extensions import db

ARRIVES = {"Sec-Fetch-Site": "none", "Sec-Fetch-Dest": "document"}
LINK = f'<link rel="stylesheet" href="{asset("collab.css")}">'


def styles(answer):
    return re.findall(r"<style>(.*?)</style>", answer.get_data(as_text=True), re.DOTALL)


def allowed(answer):
    policy = answer.headers["Content-Security-Policy"]
    return re.search(r"style-src ([^;]*)", policy)[1].split()


def hashed(text):
    return "'sha256-" + b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"


@pytest.mark.parametrize("site", ["none", "cross-site", "same-site"])
def test_a_browser_that_comes_from_elsewhere_waits_for_one_answer_only(client, site):
    answer = client.get("/about", headers={**ARRIVES, "Sec-Fetch-Site": site})
    assert styles(answer) == [slim("collab.css")]
    assert "stylesheet" not in answer.get_data(as_text=True)
    assert allowed(answer) == ["'self'", hashed(slim("collab.css"))]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {**ARRIVES, "Sec-Fetch-Site": "same-origin"},
        {**ARRIVES, "Sec-Fetch-Dest": "empty"},
        {**ARRIVES, "If-None-Match": 'W/"old"'},
    ],
    ids=["an old browser", "a link of this site", "a script", "a page seen before"],
)
def test_a_browser_that_has_the_file_is_told_its_name_only(client, headers):
    answer = client.get("/about", headers=headers)
    assert styles(answer) == []
    assert LINK in answer.get_data(as_text=True)


def test_both_forms_are_one_page_and_the_kept_one_stays_allowed(client):
    first = client.get("/about", headers=ARRIVES)
    linked = client.get("/about")
    assert first.headers["ETag"] == linked.headers["ETag"]
    seen = {**ARRIVES, "If-None-Match": first.headers["ETag"]}
    same = client.get("/about", headers=seen)
    assert same.status_code == 304
    assert allowed(same) == ["'self'", *map(hashed, styles(first))]


def test_colours_of_its_own_come_along(client, house, make):
    with house.runtime.work(make.person("ada")) as work:
        revise_look(work, ReviseLook("#5b2a86"))
    db.session.rollback()
    answer = client.get("/about", headers=ARRIVES)
    usual, own = styles(answer)
    assert "--brand:#5b2a86" in own
    assert allowed(answer) == ["'self'", hashed(usual), hashed(own)]
    linked = client.get("/about").get_data(as_text=True)
    assert re.search(re.escape(LINK) + r'<link rel="stylesheet" href="/theme\.[^"]+\.css">', linked)


def test_nothing_else_may_be_styled_in_a_page(client, make):
    log_in(client, make.person("ada"))
    answer = client.get("/account", headers=ARRIVES)
    assert "'unsafe-inline'" not in answer.headers["Content-Security-Policy"]
    assert len(allowed(answer)) == 2


def test_a_slim_sheet_says_the_same():
    assert "/*" not in slim("collab.css")
    assert "</" not in slim("collab.css")
    assert 'content:"؟" / ""' in slim("collab.css")
    assert len(slim("collab.css")) > 20_000
