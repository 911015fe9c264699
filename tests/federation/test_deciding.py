"""Facilitators whose account is on another instance decide who takes part from there (1.4, R18)."""

from __future__ import annotations

import json
from datetime import date

import pytest
from conftest import Make, log_in
from federation.pair import Pair, pair_with_a_member
from federation.test_facilitating import make_facilitator

from collab.core.errors import Conflict, Forbidden, Problem
from collab.federation.models import LogEntry
from collab.people.models import Actor
from collab.spaces.barred import Exclusion
from collab.spaces.decisions import Decision, ask, decide, refusals_of
from collab.spaces.invited import answer_invitation
from collab.spaces.membership import AskToJoin, Decide, ask_to_join, leave
from collab.spaces.models import Membership, MembershipState, Role, Space
from collab.web.extensions import db


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """bea of B looks after the project of A."""
    with pair_with_a_member(tmp_path_factory.mktemp("deciding"), "Eau") as pair:
        make_facilitator(pair)
        yield pair


@pytest.fixture
def lowered(pair):
    """A way to make bea a mere member; at the end she is a facilitator again."""
    yield lambda: make_facilitator(pair, Role.MEMBER)
    make_facilitator(pair)


def asks(pair: Pair, name: str) -> None:
    """Somebody new of A asks to take part."""
    with pair.a.house.app.app_context():
        person = Make(pair.a.house).person(name)
        with pair.a.house.as_(person) as work:
            ask_to_join(work, work.session.get(Space, pair.space_id), AskToJoin(note="Bonjour !"))
    pair.settle()


def _actor(name: str) -> Actor:
    return db.session.query(Actor).filter_by(name=name).one()


def places(pair: Pair, name: str) -> list[tuple[str, int] | None]:
    """How somebody stands, on the host and on the copy."""
    found: list[tuple[str, int] | None] = []
    for side, space in ((pair.a, pair.space_id), (pair.b, pair.copy_id)):
        with side.house.app.app_context():
            db.session.rollback()
            who = db.session.query(Actor).filter_by(name=name).one_or_none()
            row = who and db.session.query(Membership).filter_by(
                space_id=space, actor_id=who.id
            ).one_or_none()  # fmt: skip
            found.append((row.state, row.role) if row else None)
    return found


def bea(pair: Pair, act: str, name: str, role: Role = Role.MEMBER) -> None:
    """bea of B decides that about somebody."""
    with pair.b.house.app.app_context(), pair.b.house.as_(pair.b.person()) as work:
        given = Decide(member=_actor(name).id, role=role)
        space = work.session.get(Space, pair.copy_id)
        (ask if act == "invite" else decide)(work, space, act, given)


def waits(pair: Pair) -> list[tuple[str, str]]:
    with pair.b.house.app.app_context():
        db.session.rollback()
        return [(row.act, row.state) for row in db.session.query(Decision).order_by(Decision.id)]


def refusals(pair: Pair) -> list[tuple[str, str]]:
    with pair.b.house.app.app_context():
        told = refusals_of(db.session, pair.b.person(), pair.b.federation.now())
        return [(one.member.name, one.reason) for one in told]


def test_a_request_is_seen_on_the_copy_and_its_page_has_the_same_buttons(pair):
    asks(pair, "carl")
    client, members = pair.b.house.client(), f"/p/jardin@{pair.a.host}/members"
    with pair.b.house.app.app_context():
        log_in(client, pair.b.person())
        carl = _actor("carl").id
    page = client.get(members).text
    assert "Bonjour" in page
    assert page.count(f'name="member" value="{carl}"') == 2
    answer = client.post(members, data={"act": "admit", "member": carl}, follow_redirects=True)
    assert f"C’est demandé à {pair.a.host}" in answer.text
    assert f"demandé, en attente de {pair.a.host}" in answer.text
    assert f'name="member" value="{carl}"' not in answer.text
    assert places(pair, "carl")[1] == (MembershipState.REQUESTED, Role.MEMBER)
    with pytest.raises(Conflict):
        bea(pair, "decline", "carl")
    pair.settle()
    assert places(pair, "carl") == [(MembershipState.ACTIVE, Role.MEMBER)] * 2
    assert waits(pair) == []
    with pair.b.house.app.app_context():  # what was written to ask goes once it is answered
        notes = db.session.query(Membership.note).join(Actor).filter(Actor.name == "carl")
        assert notes.one() == ("",)


def test_a_request_that_is_declined_goes_from_the_copy(pair):
    asks(pair, "dina")
    bea(pair, "decline", "dina")
    pair.settle()
    assert places(pair, "dina") == [(MembershipState.REFUSED, Role.MEMBER), None]
    assert waits(pair) == []


def withdraws(pair: Pair, name: str) -> None:
    with pair.a.house.app.app_context(), pair.a.house.as_(_actor(name)) as work:
        leave(work, work.session.get(Space, pair.space_id))


def test_r37_who_takes_a_request_back_has_left_no_trace_of_it(pair):
    asks(pair, "jude")
    withdraws(pair, "jude")
    pair.settle()
    assert places(pair, "jude") == [(MembershipState.LEFT, Role.MEMBER), None]
    with pair.a.house.app.app_context():
        told = [json.dumps(entry.body) for entry in db.session.query(LogEntry)]
    assert len(told) > 5
    assert [body for body in told if "jude" in body] == []


def test_a_decision_about_a_request_that_was_taken_back_does_not_stay(pair):
    asks(pair, "kira")
    bea(pair, "admit", "kira")  # meanwhile, before that arrives:
    withdraws(pair, "kira")
    with pair.a.house.app.app_context(), pair.a.house.as_(_actor("kira")) as work:
        ask_to_join(work, work.session.get(Space, pair.space_id), AskToJoin(note="Encore"))
    pair.settle()
    assert places(pair, "kira") == [(MembershipState.REQUESTED, Role.MEMBER)] * 2
    assert [state for _act, state in waits(pair) if state == "waiting"] == []
    bea(pair, "admit", "kira")
    pair.settle()
    assert places(pair, "kira") == [(MembershipState.ACTIVE, Role.MEMBER)] * 2


def test_a_role_is_changed_and_a_member_removed_from_the_copy(pair):
    asks(pair, "emil")
    bea(pair, "admit", "emil", Role.READER)
    pair.settle()
    assert places(pair, "emil") == [(MembershipState.ACTIVE, Role.READER)] * 2
    bea(pair, "role", "emil", Role.FACILITATOR)
    pair.settle()
    assert places(pair, "emil") == [(MembershipState.ACTIVE, Role.FACILITATOR)] * 2
    bea(pair, "remove", "emil")
    pair.settle()
    assert [place and place[0] for place in places(pair, "emil")] == [MembershipState.REMOVED] * 2
    assert waits(pair) == []


@pytest.mark.parametrize(("home", "name"), [("a", "fred"), ("b", "gina")])
def test_somebody_is_invited_from_the_copy_and_says_yes(pair, home, name):
    side, space_id = (pair.a, pair.space_id) if home == "a" else (pair.b, pair.copy_id)
    with side.house.app.app_context():
        iri = Make(side.house).person(name).iri
    client, invitations = pair.b.house.client(), f"/p/jardin@{pair.a.host}/invitations"
    with pair.b.house.app.app_context():
        log_in(client, pair.b.person())
    assert f"La demande part vers {pair.a.host}" in client.get(invitations).text
    given = {"person": iri, "role": int(Role.READER)}
    page = client.post(f"{invitations}/person", data=given, follow_redirects=True).text
    assert f"demandé, en attente de {pair.a.host}" in page
    pair.settle()
    assert places(pair, name) == [(MembershipState.INVITED, Role.READER)] * 2
    assert waits(pair) == []
    with side.house.app.app_context(), side.house.as_(_actor(name)) as work:
        answer_invitation(work, work.session.get(Space, space_id), yes=True)
    pair.settle()
    assert places(pair, name) == [(MembershipState.ACTIVE, Role.READER)] * 2


@pytest.mark.parametrize(("act", "name"), [("admit", "hugo"), ("decline", "iris")])
def test_r18_the_table_of_the_host_decides_who_answers_a_request(pair, lowered, act, name):
    asks(pair, name)
    bea(pair, act, name)  # it has not left when the role is taken away
    lowered()
    assert places(pair, name)[0] == (MembershipState.REQUESTED, Role.MEMBER)
    assert places(pair, name)[1] is None  # and who asks is no business of B any more
    assert name in dict(refusals(pair))
    with pytest.raises(Forbidden):
        bea(pair, act, name)
    make_facilitator(pair)  # who becomes one sees what waits already
    assert places(pair, name)[1] == (MembershipState.REQUESTED, Role.MEMBER)


def test_r18_what_the_host_refuses_is_told_with_its_reason(pair, lowered):
    bea(pair, "role", "ada", Role.READER)
    lowered()
    assert places(pair, "ada")[0] == (MembershipState.ACTIVE, Role.FACILITATOR)
    assert "référentes" in dict(refusals(pair))["ada"]
    client = pair.b.house.client()
    with pair.b.house.app.app_context():
        log_in(client, pair.b.person())
    assert f"{pair.a.host} n’a pas fait ce que vous avez demandé" in client.get("/news").text


def test_an_act_that_nobody_knows_is_refused(pair):
    with pytest.raises(Problem):
        bea(pair, "crown", "ada")


@pytest.mark.parametrize("side", ["home", "copy"])
def test_who_asks_takes_it_back_by_a_button(pair, side):
    served = pair.a if side == "home" else pair.b
    name, url = f"{side}body", "/p/jardin" if side == "home" else f"/p/jardin@{pair.a.host}"
    client = served.house.client()
    with served.house.app.app_context():
        log_in(client, Make(served.house).person(name))
    client.post(f"{url}/join", data={"note": "Bonjour"})
    pair.settle()
    assert places(pair, name) == [(MembershipState.REQUESTED, Role.MEMBER)] * 2
    assert "Retirer ma demande" in client.get(url).text
    page = client.post(f"{url}/leave", follow_redirects=True).text
    assert "Votre demande est retirée." in page
    assert "Retirer ma demande" not in page
    assert "Demander à participer" in page
    pair.settle()
    assert places(pair, name)[0] == (MembershipState.LEFT, Role.MEMBER)


def excluded(pair: Pair) -> list[list[tuple[str, str]]]:
    """Who is excluded and why, on the host and on the copy."""
    found = []
    for side in (pair.a, pair.b):
        with side.house.app.app_context():
            db.session.rollback()
            found.append([(row.actor.name, row.reason) for row in db.session.query(Exclusion)])
    return found


def test_somebody_is_excluded_from_the_copy_and_let_back(pair):
    asks(pair, "lars")
    bea(pair, "admit", "lars")
    pair.settle()
    client, page = pair.b.house.client(), f"/p/jardin@{pair.a.host}/excluded"
    with pair.b.house.app.app_context():
        log_in(client, pair.b.person())
        lars = _actor("lars").id
    changing = client.get(f"/p/jardin@{pair.a.host}/members?change={lars}").text
    assert f"/excluded?person=lars%40{pair.a.host.replace(':', '%3A')}" in changing
    given = {"act": "exclude", "person": f"lars@{pair.a.host}", "last_day": "2030-01-02"}
    assert client.post(page, data=given).status_code == 422  # it does not say why
    answer = client.post(page, data=given | {"reason": "Insultes."}, follow_redirects=True)
    assert f"demandé, en attente de {pair.a.host}" in answer.text
    assert excluded(pair) == [[], []]
    pair.settle()
    assert excluded(pair) == [[("lars", "Insultes.")]] * 2
    assert [place and place[0] for place in places(pair, "lars")] == [MembershipState.LEFT] * 2
    assert "waiting" not in {state for _act, state in waits(pair)}
    with pair.a.house.app.app_context():
        row = db.session.query(Exclusion).one()
        assert (row.facilitator.name, row.until.date()) == ("bea", date(2030, 1, 3))
    client.post(page, data={"act": "readmit", "member": lars})
    assert ("readmit", "waiting") in waits(pair)
    pair.settle()
    assert excluded(pair) == [[], []]
    assert "waiting" not in {state for _act, state in waits(pair)}


def test_r18_the_table_of_the_host_decides_who_is_excluded(pair, lowered):
    client, page = pair.b.house.client(), f"/p/jardin@{pair.a.host}/excluded"
    with pair.b.house.app.app_context():
        log_in(client, pair.b.person())
    given = {"act": "exclude", "person": f"ada@{pair.a.host}", "reason": "Non."}
    assert client.post(page, data=given).status_code == 302
    lowered()
    assert excluded(pair) == [[], []]
    assert ("exclude", "refused") in waits(pair)
    assert "référentes" in dict(refusals(pair))["ada"]
    assert client.get(page).status_code == 403
