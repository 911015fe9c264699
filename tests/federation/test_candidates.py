"""What a project of elsewhere says of who asks to join it (1.4), and what it cannot make of it."""
# ruff: noqa: F401, F811 - fixtures are imported by their names

from __future__ import annotations

import pytest
from federation.stage import actor, federation, foreign, house
from federation.test_inviting import ines, orchard, place

from collab.people.models import Actor
from collab.spaces.invited import answer_invitation
from collab.spaces.membership import Decide, change_role
from collab.spaces.models import Membership, MembershipState, Role, Space
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
