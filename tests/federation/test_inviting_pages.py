"""The doors of invitations by name: a facilitator's form, and the answer of who was invited."""
# ruff: noqa: F401, F811 - fixtures are imported by their names

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from conftest import log_in
from federation.stage import actor, federation, foreign, house, sent

from collab.people.models import Site
from collab.spaces.models import Membership, MembershipState
from collab.web.extensions import db


@pytest.fixture
def ines(make):
    return make.person("ines")


@pytest.fixture
def garden(make, ines):
    return make.space(ines)


def test_a_facilitator_invites_by_address(house, foreign, make, garden, ines):
    client = house.client()
    log_in(client, ines)
    assert 'name="person"' in client.get("/p/jardin/invitations").text
    omar = foreign.person("omar")
    given = {"person": omar.iri, "role": "30"}
    assert client.post("/p/jardin/invitations/person", data=given).status_code == 302
    house.settle()
    assert [told["object"] for told in sent("Invite")] == [omar.iri]
    assert "n’a pas encore répondu" in client.get("/p/jardin/invitations").text


def test_what_cannot_be_invited_comes_back_with_its_mend(house, foreign, garden, ines):
    client = house.client()
    log_in(client, ines)
    for typed in ("", "omar", "@nobody@nowhere.invalid", ines.iri):
        answer = client.post("/p/jardin/invitations/person", data={"person": typed})
        assert answer.status_code == 422, typed
        assert f'value="{typed}"' in answer.text
    assert sent("Invite") == []


def test_who_is_no_facilitator_makes_us_ask_nobody(house, foreign, make, garden, ines):
    client = house.client()
    max_ = make.person("max")
    make.member(garden, ines, max_)
    log_in(client, max_)
    given = {"person": foreign.person("omar").iri}
    assert client.post("/p/jardin/invitations/person", data=given).status_code == 403
    assert foreign.peer.asked == []


@pytest.mark.parametrize(("answer", "state", "verb"), [
    ("yes", MembershipState.REQUESTED, "Accept"),
    ("no", MembershipState.LEFT, "Reject"),
])  # fmt: skip
def test_one_of_ours_is_asked_at_home_and_answers(
    house, foreign, federation, ines, answer, state, verb
):
    orchard = foreign.person("verger", "Group")
    foreign.say(foreign.person("lea"), "Invite", ines.iri, target=orchard.iri, instrument="report")
    space = federation.space_card(orchard.iri)
    db.session.query(Site).one().set_up_at = datetime.now(UTC)
    db.session.commit()
    client = house.client()
    log_in(client, ines)
    assert f'href="{space.url}"' in client.get("/").text
    assert "Accepter l’invitation" in client.get(space.url).text
    assert client.post(f"{space.url}/invitation", data={"answer": answer}).status_code == 302
    house.settle()
    db.session.rollback()
    assert db.session.query(Membership).filter_by(actor_id=ines.id).one().state == state
    assert [told["actor"] for told in sent(verb)] == [ines.iri]
