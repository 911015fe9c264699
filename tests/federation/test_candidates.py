"""What a project of elsewhere says of who asks to join it (1.4), and what it cannot make of it."""
# ruff: noqa: F401, F811 - fixtures are imported by their names

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from conftest import log_in
from federation.stage import actor, federation, foreign, house, sent
from federation.test_inviting import ines, orchard, place

from collab.core.errors import Missing
from collab.federation.peerhealth import peer_of
from collab.people.models import Actor, PeerState
from collab.spaces.invited import answer_invitation
from collab.spaces.membership import Decide, admit, change_role
from collab.spaces.models import Membership, MembershipState, Role, Space
from collab.spaces.requests import requests_for
from collab.web.extensions import db


@pytest.fixture
def looked_after(foreign, house, federation, orchard, ines):
    """The card of a project of elsewhere that ines of here looks after."""
    space = federation.space_card(orchard.iri)
    foreign.say(foreign.person("lea"), "Invite", ines.iri, target=orchard.iri, instrument="admin")
    with house.as_(ines) as work:
        answer_invitation(work, space, yes=True)
    told = foreign.activity(orchard, "Grant", "admin", context=orchard.iri, target=ines.iri)
    foreign.post(orchard, told | {"id": f"{orchard.iri}/grants/1"})
    assert place(ines, space).role == Role.FACILITATOR
    return space


def waiting(space: Space) -> list[str]:
    db.session.rollback()
    rows = db.session.query(Membership).filter_by(
        space_id=space.id, state=MembershipState.REQUESTED
    )
    return [row.actor.name for row in rows]


def asked(foreign, orchard, who, **more):
    told = {"id": f"{who.iri}#join-7", "type": "Join", "actor": who.iri, "object": orchard.iri}
    return foreign.say(orchard, "Add", told | more, target=f"{orchard.iri}/requests")


def test_r15_a_request_is_of_the_origin_of_who_asks(foreign, orchard, looked_after):
    nino = foreign.person("nino")
    planted = asked(foreign, orchard, nino, id="https://third.example/a/1#join")
    assert (planted.status_code, waiting(looked_after)) == (403, [])
    assert asked(foreign, orchard, nino).status_code == 202
    assert waiting(looked_after) == ["nino"]


def test_r15_a_request_lent_from_another_project_answers_nothing_there(
    foreign, house, orchard, ines, looked_after, make
):  # fmt: skip
    """orchard says of a request to the garden, of here, that it were one to itself."""
    garden = make.space(db.session.get(Actor, ines.id))
    lea, nino, ghost = (foreign.person(name) for name in ("lea", "nino", "ghost"))
    foreign.member(make, garden, db.session.get(Actor, ines.id), "lea")
    with house.as_(db.session.get(Actor, ines.id)) as work:
        given = Decide(member=actor(lea.iri).id, role=Role.FACILITATOR)
        change_role(work, work.session.get(Space, garden.id), given)
    assert asked(foreign, orchard, ghost, id=f"{nino.iri}#join-7").status_code == 202
    join = foreign.activity(nino, "Join", garden.iri) | {"id": f"{nino.iri}#join-7"}
    assert foreign.post(nino, join).status_code == 202
    assert foreign.say(lea, "Accept", join["id"]).status_code == 202
    db.session.rollback()
    assert place(actor(nino.iri), garden).state == MembershipState.ACTIVE


def seen(house, who, space: Space) -> str:
    """The page of members, as somebody who looks after the project sees it."""
    client = house.client()
    log_in(client, db.session.get(Actor, who.id))
    return client.get(f"{space.url}/members").text


@pytest.mark.parametrize("why", ["suspended", "blocked"])
def test_r36_who_is_not_heard_here_is_not_shown_as_asking(
    foreign, house, orchard, ines, looked_after, make, federation, why
):
    garden = make.space(db.session.get(Actor, ines.id))
    for host, name in ((orchard, "nino"), (orchard, "lea")):
        assert asked(foreign, host, foreign.person(name)).status_code == 202
        foreign.say(foreign.person(name), "Join", garden.iri)
    spaces = (looked_after, garden)
    assert ["Nino" in seen(house, ines, space) for space in spaces] == [True, True]
    nino = actor(foreign.person("nino").iri)
    if why == "blocked":
        peer_of(db.session, foreign.host, federation.now()).state = PeerState.BLOCKED
    else:
        nino.suspended_at = federation.now()
    db.session.commit()
    assert ["Nino" in seen(house, ines, space) for space in spaces] == [False, False]
    waits = requests_for(db.session, db.session.get(Actor, ines.id))
    assert [one.count for one in waits] == ([] if why == "blocked" else [1, 1])  # lea still asks
    with pytest.raises(Missing), house.as_(db.session.get(Actor, ines.id)) as work:
        admit(work, work.session.get(Space, garden.id), Decide(member=nino.id))


@pytest.mark.parametrize("kind", ["Group", "Application"])
def test_only_people_ask_to_take_part(foreign, house, orchard, ines, looked_after, make, kind):
    """A bot says that it is a Service, which is somebody with a name and words of their own."""
    garden = make.space(db.session.get(Actor, ines.id))
    robot, group = foreign.person("robot", "Service"), foreign.person("thing", kind)
    assert asked(foreign, orchard, group).status_code == 404
    assert asked(foreign, orchard, robot).status_code == 202
    assert waiting(looked_after) == ["robot"]
    for one in (group, robot):
        foreign.say(one, "Join", garden.iri)
    assert waiting(garden) == ["robot"]
    assert [told["summary"] for told in sent("Reject")] == [
        "Seule une personne peut participer à un projet."
    ]


def test_another_role_leaves_the_day_on_which_somebody_came(foreign, orchard, ines, looked_after):
    row = place(ines, looked_after)
    row.since = came = datetime(2026, 3, 1, tzinfo=UTC)
    db.session.commit()
    told = foreign.activity(orchard, "Grant", "report", context=orchard.iri, target=ines.iri)
    foreign.post(orchard, told | {"id": f"{orchard.iri}/grants/2"})
    db.session.rollback()
    assert (place(ines, looked_after).role, place(ines, looked_after).since) == (Role.MEMBER, came)


def test_r33_a_page_of_somebody_of_elsewhere_is_for_who_has_met_them(
    foreign, house, orchard, ines, looked_after, make
):
    garden = make.space(db.session.get(Actor, ines.id), make.person("omar"))
    nino = foreign.person("nino")
    asked(foreign, orchard, nino)
    page, readers = f"/u/nino@{foreign.host}", [None, make.person("kim"), ines]

    def codes():
        found = []
        for who in readers:
            client = house.client()
            if who is not None:
                log_in(client, db.session.get(Actor, who.id))
            found.append(client.get(page).status_code)
        return found

    assert codes() == [404, 404, 200]
    foreign.say(nino, "Join", garden.iri)
    assert codes() == [404, 404, 200]
    with house.as_(db.session.get(Actor, ines.id)) as work:
        admit(work, work.session.get(Space, garden.id), Decide(member=actor(nino.iri).id))
    assert codes() == [200, 200, 200]
