"""A suspension or a block is felt at once: sockets, letters, texts (R36)."""
# ruff: noqa: F401, F811 - fixtures are imported by their names

from __future__ import annotations

import pytest
from conftest import log_in
from federation.stage import (
    actor,
    admin,
    federation,
    foreign,
    house,
    omar,
    sent,
    space,
    thread,
)

from collab.core.errors import Conflict, Forbidden, Missing
from collab.federation.models import Delivery
from collab.federation.outbox import send
from collab.federation.peers import ChoosePeer, block_peer, put_back_peer
from collab.people.models import AccountRole
from collab.people.sanctions import Sanction, lift, suspend
from collab.spaces.hiding import is_silenced
from collab.spaces.tools.discussion.models import Thread
from collab.web.extensions import db

pytest_plugins = ("realtime.fixtures",)
NOTICE = "Ce texte est caché"


@pytest.fixture
def browser(house, admin):
    client = house.client()
    log_in(client, admin)
    return client


def page(client, address, status=200):
    answer = client.get(address)
    assert answer.status_code == status, address
    return answer.get_data(as_text=True)


def test_r36_a_suspended_person_s_sockets_close_and_nothing_of_theirs_leaves(
    live, foreign, make, admin, omar, space
):
    house = live.house
    send(
        db.session(), omar, {"id": "https://here/x", "type": "Like"},
        [foreign.peer.url("/inbox")], omar.created_at,
    )  # fmt: skip
    db.session.commit()
    client = house.client()
    log_in(client, omar)
    watch = house.client()
    log_in(watch, admin)
    with live.socket(omar) as socket:
        socket.ask("join", {"space": "jardin"})
        done = watch.post(f"/admin/people/{omar.id}", data={"act": "suspend"})
        assert done.status_code == 302
        assert socket.event("put_out")[1] == {"space": None, "code": "unauthenticated"}
        assert socket.text() == "41"
    house.settle()
    db.session.rollback()
    (letter,) = db.session.query(Delivery)
    assert (letter.state, letter.error) == ("halted", "suspended here")
    assert client.get("/account").status_code in (302, 401)
    watch.post(f"/admin/people/{omar.id}", data={"act": "lift"})
    house.settle()
    db.session.rollback()
    assert db.session.query(Delivery).filter_by(id=letter.id).one().state in ("waiting", "done")


def test_r36_a_suspended_person_s_texts_stand_behind_a_notice(
    house, browser, client, space, omar, thread
):
    there = f"{space.url}/discussion/{thread.uid}/"
    assert "Vends cuves." in page(client, there)
    browser.post(f"/admin/people/{omar.id}", data={"act": "suspend"})
    for reader in (client, browser):
        shown = page(reader, there)
        assert f"{NOTICE}\u00a0: la personne qui l’a écrit est suspendue ici." in shown
        assert "Vends cuves." not in shown
        assert "Une cuve" not in shown
        assert "Discussion cachée" in page(reader, f"{space.url}/discussion/")
    assert "Une cuve" not in page(client, space.url)
    page(client, f"{space.url}/discussion/m/{thread.uid}/history", 404)
    told = client.get(f"/api/v1/items/{thread.uid}").get_json()
    assert (told["body"], told["html"], told["title"], told["hidden"]) == ("", "", "", True)
    page(client, "/u/omar", 404)
    assert "omar" in page(browser, "/admin/people")
    browser.post(f"/admin/people/{omar.id}", data={"act": "lift"})
    assert "Vends cuves." in page(client, there)


def test_r36_texts_of_a_blocked_instance_are_hidden_and_come_back(
    house, foreign, make, client, space, admin
):
    lea = foreign.member(make, space, admin)
    foreign.say(lea, "Create", foreign.note(lea, space))
    uid = db.session.query(Thread).one().uid
    there = f"{space.url}/discussion/{uid}/"
    assert "vieille cuve" in page(client, there)
    with house.as_(admin) as work:
        block_peer(work, ChoosePeer(foreign.host))
    shown = page(client, there)
    assert f"{NOTICE}\u00a0: l’instance {foreign.host} est bloquée ici." in shown
    assert "suspendue" not in shown
    assert "vieille cuve" not in shown
    assert "vieille cuve" not in page(client, space.url)
    with house.as_(admin) as work:
        put_back_peer(work, ChoosePeer(foreign.host, before="known"))
    assert "vieille cuve" in page(client, there)


def test_r54_texts_from_below_a_blocked_host_are_hidden_too(house, foreign, make, space, admin):
    lea = actor(foreign.member(make, space, admin).iri)
    lea.host = "blog.spam.example"
    assert is_silenced(lea, {"spam.example"})
    assert not is_silenced(lea, {"pam.example", "example.spam", "x.blog.spam.example"})
    assert not is_silenced(admin, {admin.host})


def test_a_suspended_person_of_elsewhere_brings_nothing(house, foreign, make, space, admin):
    lea = foreign.member(make, space, admin)
    with house.as_(admin) as work:
        suspend(work, Sanction(actor(lea.iri).id))
    assert foreign.say(lea, "Create", foreign.note(lea, space)).status_code == 403
    assert foreign.say(lea, "Follow", space.iri).status_code == 403
    assert db.session.query(Thread).count() == 0
    with house.as_(admin) as work:
        lift(work, Sanction(actor(lea.iri).id))
    assert foreign.say(lea, "Create", foreign.note(lea, space)).status_code == 202


def test_only_those_who_tend_the_instance_suspend_and_not_each_other(house, make, admin, omar):
    moderator = make.person("garde", AccountRole.MODERATOR)
    for who, whom, why in [
        (omar, admin, Forbidden),
        (moderator, admin, Forbidden),
        (admin, admin, Conflict),
    ]:
        with pytest.raises(why), house.as_(who) as work:
            suspend(work, Sanction(whom.id))
    with pytest.raises(Missing), house.as_(admin) as work:
        suspend(work, Sanction(999_999))
    with house.as_(admin) as work:
        assert suspend(work, Sanction(moderator.id)).suspended_at
    with pytest.raises(Forbidden), house.as_(moderator) as work:
        suspend(work, Sanction(omar.id))


def test_the_pages_are_for_those_who_tend_the_instance(house, omar):
    client = house.client()
    log_in(client, omar)
    assert client.get("/admin/people").status_code == 403
    assert client.post(f"/admin/people/{omar.id}", data={"act": "suspend"}).status_code == 403
