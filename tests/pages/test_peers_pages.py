"""The administrators' list of instances, and where a project's copies stand, by their pages."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from conftest import log_in
from sqlalchemy import select

from collab.federation.delays import middle_of, step_of
from collab.federation.models import (
    DelayHour,
    Delivery,
    LogEntry,
    Mirror,
    OutboxItem,
    Subscriber,
)
from collab.pages.copies import clock, delay, spell
from collab.people.models import AccountRole, Actor, Peer, PeerState
from collab.spaces.models import Space, Visibility
from collab.web.extensions import db

NOW = datetime.now(UTC)


@pytest.fixture
def admin(make):
    return make.person("ada", AccountRole.ADMIN)


@pytest.fixture
def browser(house, admin):
    client = house.client()
    log_in(client, admin)
    return client


def page(client, address) -> str:
    answer = client.get(address)
    assert answer.status_code == 200, address
    return answer.get_data(as_text=True)


def words(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html).split()).replace("\u00a0", " ")


def peer(host="b.example", **more) -> Peer:
    row = Peer(host=host, created_at=NOW, state="allowed", **more)
    db.session.add(row)
    db.session.commit()
    return row


def mirrors(space, host, cursor, **more) -> None:
    row = Subscriber(
        space_id=space.id, host=host, actor_iri=f"https://{host}/actor", follow_iri="x", inbox="x",
        cursor=cursor, created_at=NOW, **more,
    )  # fmt: skip
    db.session.add(row)
    db.session.commit()


@pytest.mark.parametrize(
    ("offset", "said"),
    [(None, ""), (0.4, "à l’heure"), (180, "3 min en avance"), (-7300, "2 h en retard")],
)
def test_a_clock_is_said_in_words(house, offset, said):
    assert clock(offset).replace("\u00a0", " ") == said


def test_a_delay_is_said_in_its_largest_unit(house):
    said = [delay(None), delay(240.4), delay(3000), spell(300), spell(7200), spell(3 * 86_400)]
    assert [s.replace("\u00a0", " ") for s in said] == ["", "240 ms", "3 s", "5 min", "2 h", "3 j"]


def test_without_any_instance_the_list_says_what_to_do(browser):
    assert "Aucune autre instance n’est encore connue" in page(browser, "/admin/peers")


def test_the_list_says_how_each_instance_stands(browser, admin):
    peer(
        clock_offset=180.0, circuit="open", fail_count=6, last_error="timeout: 10 s",
        first_fail_at=NOW - timedelta(hours=2), next_try_at=NOW + timedelta(hours=1),
    )  # fmt: skip
    item = OutboxItem(
        actor_id=admin.id, activity_id="x", ordering_key="x", body=b"{}", created_at=NOW,
        expires_at=NOW + timedelta(days=1),
    )  # fmt: skip
    db.session.add(item)
    db.session.flush()
    db.session.add(Delivery(outbox_id=item.id, host="b.example", inbox="https://b.example/inbox"))
    db.session.commit()
    said = words(page(browser, "/admin/peers"))
    for part in ("reliée", "ne répond plus, essais espacés", "1 envoi",
                 "Sa réponse n’est pas arrivée à temps. timeout: 10 s", "3 min en avance",
                 "Réessayer maintenant"):  # fmt: skip
        assert part in said, part


def test_sending_is_paused_resumed_and_tried_again(browser):
    peer(next_try_at=NOW + timedelta(hours=9), circuit="open")
    browser.post("/admin/peers/b.example", data={"act": "pause"})
    assert "envois suspendus par notre instance" in page(browser, "/admin/peers")
    browser.post("/admin/peers/b.example", data={"act": "resume"})
    browser.post("/admin/peers/b.example", data={"act": "retry"})
    db.session.rollback()
    row = db.session.get(Peer, "b.example")
    assert (row.paused_at, row.next_try_at) == (None, None)


def test_a_block_is_undone_by_the_button_of_the_notice(browser):
    peer()
    done = browser.post(
        "/admin/peers/b.example",
        data={"act": "block", "reason": "Publicité"},
        follow_redirects=True,
    ).get_data(as_text=True)
    assert "bloquée" in done
    assert "Publicité" in done
    assert 'name="before" value="allowed"' in done
    browser.post("/admin/peers/b.example", data={"act": "undo", "before": "allowed"})
    db.session.rollback()
    row = db.session.get(Peer, "b.example")
    assert (row.state, row.reason) == (PeerState.ALLOWED, "")
    assert (
        browser.post("/admin/peers/b.example", data={"act": "undo", "before": "asking"}).status_code
        == 409
    )


def test_a_request_to_do_nothing_known_is_refused(browser):
    peer()
    assert browser.post("/admin/peers/b.example", data={"act": "explode"}).status_code == 400


def test_nobody_else_sees_the_list(house, make):
    client = house.client()
    log_in(client, make.person("zoe"))
    assert client.get("/admin/peers").status_code == 403
    assert client.post("/admin/peers/b.example", data={"act": "block"}).status_code == 403


# /p/<slug>/federation


def test_a_project_says_where_its_copies_are_and_how_far(house, client, make, admin):
    space = make.space(admin)
    house.settle()
    last = db.session.query(LogEntry).filter_by(space_id=space.id).count()
    assert last > 1
    peer("b.example")
    peer("c.example", circuit="retrying", first_fail_at=NOW)
    mirrors(space, "b.example", last, confirmed_at=NOW, lag_ms=240.0,
            streaming_until=NOW + timedelta(days=1))  # fmt: skip
    known = db.session.scalars(select(Subscriber.id).where(Subscriber.host == "b.example")).one()
    hour = NOW.replace(minute=0, second=0, microsecond=0)
    db.session.add(DelayHour(subscriber_id=known, hour=hour, counts={str(step_of(240)): 5}))
    mirrors(space, "c.example", last - 1)
    mirrors(space, "d.example", 0, state="ended")
    said = words(page(client, f"{space.url}/federation"))
    for part in ("2 copies", "b.example en direct", "à jour", f"entrée {last}",
                 f"moitié en {delay(middle_of(step_of(240)))}",
                 "1 entrée de retard", "ne répond pas, nouvel essai bientôt", "d.example",
                 "n’existe plus à cette adresse"):  # fmt: skip
        assert part in said, part


def test_a_project_says_whom_it_does_not_go_to_and_why(client, make, admin):
    space = make.space(admin)
    row = peer("spam.example")
    row.state, row.reason = "blocked", "Publicité sans fin"
    db.session.commit()
    said = words(page(client, f"{space.url}/federation"))
    assert "Pas encore de copie" in said
    assert "spam.example · Notre instance l’a bloquée. Motif donné : Publicité sans fin" in said


def test_r33_copies_of_what_one_may_not_read_are_not_there(house, client, make, admin):
    hidden = make.space(admin, slug="cercle", visibility=Visibility.MEMBERS)
    assert client.get(f"{hidden.url}/federation").status_code == 404
    assert client.get("/p/nulle-part/federation").status_code == 404
    local = make.space(admin, slug="maison", visibility=Visibility.LOCAL)
    browser = house.client()
    log_in(browser, admin)
    assert "Ici, et nulle part ailleurs" in page(browser, f"{local.url}/federation")


@pytest.fixture
def elsewhere(make) -> Space:
    """A project of another instance, copied here."""
    group = Actor(
        iri="https://b.example/p/verger", kind="group", name="verger", host="b.example",
        local=False, created_at=NOW,
    )  # fmt: skip
    db.session.add(group)
    db.session.flush()
    space = Space(
        actor_id=group.id, slug="verger", host="b.example", local=False, name="Verger",
        tools=["discussion"], created_at=NOW,
    )  # fmt: skip
    db.session.add(space)
    db.session.flush()
    db.session.add(
        Mirror(
            space_id=space.id, log_iri=f"{group.iri}/log", follow_iri="x", state="active", seq=40,
            remote_seq=40, state_digest="zA", remote_digest="zA", verified_at=NOW,
        )
    )  # fmt: skip
    db.session.commit()
    return space


def test_a_copy_says_how_complete_it_is(client, elsewhere):
    said = words(page(client, f"{elsewhere.url}/federation"))
    for part in ("Copie complète d’un projet de b.example", "entrée 40", "à jour",
                 "oui, comparé par empreinte"):  # fmt: skip
        assert part in said, part
    there = f'<a href="{elsewhere.iri}/federation">'
    assert there in page(client, f"{elsewhere.url}/federation")  # the host's page has the delays
    row = db.session.get(Mirror, elsewhere.id)
    row.remote_seq, row.last_error = 43, "unreachable: connect: no address accepted a connection"
    peer("b.example", circuit="dead")
    said = words(page(client, f"{elsewhere.url}/federation"))
    for part in ("3 entrées de retard", "pas encore comparé", "Sa machine ne répond pas.",
                 "ne répond plus depuis des jours"):  # fmt: skip
        assert part in said, part
    assert "no address" not in said


def test_a_copy_says_that_the_log_contradicts_itself_or_what_differs(client, elsewhere):
    row = db.session.get(Mirror, elsewhere.id)
    row.unrepaired = ["https://b.example/o/1"]
    db.session.commit()
    said = words(page(client, f"{elsewhere.url}/federation"))
    assert "mais 1 texte diffère de l’original" in said
    row.state = "broken"
    db.session.commit()
    said = words(page(client, f"{elsewhere.url}/federation"))
    assert "se contredit : cette copie s’arrête à l’entrée 40" in said
    assert "Copie complète" not in said


def test_a_copy_does_not_say_that_all_is_well_when_the_digests_differ(client, elsewhere):
    db.session.get(Mirror, elsewhere.id).remote_digest = "zB"
    db.session.commit()
    said = words(page(client, f"{elsewhere.url}/federation"))
    assert "son contenu diffère de l’original : nous comparons" in said
    assert "diffère, nous comparons" in said
    for part in ("Copie complète", "oui, comparé", "pas encore comparé"):
        assert part not in said, part


def test_a_copy_that_was_never_compared_does_not_call_itself_complete(client, elsewhere):
    row = db.session.get(Mirror, elsewhere.id)
    row.remote_digest = row.state_digest = ""
    db.session.commit()
    said = words(page(client, f"{elsewhere.url}/federation"))
    assert "pas encore comparée à l’original" in said
    assert "pas encore comparé " in said
    for part in ("Copie complète", "oui, comparé", "diffère"):
        assert part not in said, part
