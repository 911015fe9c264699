"""Each thing says where it has arrived, to whoever wrote it and to the facilitators."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from conftest import log_in
from sqlalchemy import event

from collab.federation.models import Delivery, ErasureReceipt, LogEntry, OutboxItem, Subscriber
from collab.people.models import Peer
from collab.spaces.models import Item
from collab.spaces.tools.discussion.inputs import OpenThread, PostMessage
from collab.spaces.tools.discussion.operations import open_thread, post_message
from collab.spaces.tools.pages.inputs import WriteDocument
from collab.spaces.tools.pages.operations import write_document
from collab.web.extensions import db

NOW = datetime.now(UTC)


@pytest.fixture
def people(make):
    return {name: make.person(name) for name in ("ines", "lea", "omar")}


@pytest.fixture
def space(make, people):
    return make.space(people["ines"], people["lea"], people["omar"])


@pytest.fixture
def thread(house, space, people):
    with house.as_(people["lea"]) as work:
        found = open_thread(work, space, OpenThread(title="Une cuve", body="Vends cuves."))
    house.settle()
    return found


def mirrors(space, **cursors) -> None:
    for name, cursor in cursors.items():
        host = f"{name}.example"
        db.session.add(
            Subscriber(
                space_id=space.id, host=host, actor_iri=f"https://{host}/actor", follow_iri="x",
                inbox="x", cursor=cursor, created_at=NOW, confirmed_at=NOW,
            )
        )  # fmt: skip
    db.session.commit()


def head(space) -> int:
    return db.session.query(LogEntry).filter_by(space_id=space.id).count()


def page(house, actor, address, status=200) -> str:
    client = house.client()
    if actor is not None:
        log_in(client, actor)
    answer = client.get(address)
    assert answer.status_code == status, address
    html = re.sub(r"<[^>]+>", " ", answer.get_data(as_text=True))
    return " ".join(html.split()).replace("\u00a0", " ")


def test_the_author_and_the_facilitators_see_how_many_have_it(house, space, people, thread):
    mirrors(space, b=head(space), c=head(space), d=head(space) - 1)
    there = f"{space.url}/discussion/{thread.uid}/"
    for name in ("lea", "ines"):
        assert "Reçu par 2 instances sur 3" in page(house, people[name], there)
    for other in (people["omar"], None):
        assert "Reçu par" not in page(house, other, there)


def test_without_copies_nothing_is_said(house, space, people, thread):
    assert "Reçu par" not in page(house, people["lea"], f"{space.url}/discussion/{thread.uid}/")
    said = page(house, people["lea"], f"{space.url}/delivery/{thread.uid}")
    assert "Ici seulement" in said


def test_a_document_says_it_too(house, space, people):
    with house.as_(people["lea"]) as work:
        document = write_document(work, space, WriteDocument(title="Le plan", source="Ici."))
    house.settle()
    mirrors(space, b=head(space), c=0)
    said = page(house, people["lea"], f"{space.url}/pages/{document.slug}")
    assert "Reçu par 1 instance sur 2" in said


def links(house, actor, address, status=200) -> list[str]:
    """The words of each link to a page that says where something has arrived."""
    client = house.client()
    log_in(client, actor)
    answer = client.get(address)
    assert answer.status_code == status, address
    return re.findall(r'<a class="soft" href="[^"]*/delivery/[^"]*">([^<]*)', answer.text)


def test_on_a_copy_authors_are_led_to_where_their_words_are(house, space, people, thread):
    with house.as_(people["lea"]) as work:
        document = write_document(work, space, WriteDocument(title="Le plan", source="Ici."))
    house.settle()
    space.local, space.host = False, "b.example"
    db.session.commit()
    places = f"{space.url}/discussion/{thread.uid}/", f"{space.url}/pages/{document.slug}"
    for there in places:
        assert links(house, people["lea"], there) == ["Reçu par l’instance du projet"]
        for other in ("omar", "ines"):
            assert links(house, people[other], there) == []
    thread.withdrawn_at = document.withdrawn_at = NOW
    db.session.commit()
    for there, status in zip(places, (200, 410), strict=True):
        assert links(house, people["lea"], there, status) == ["Où c’est effacé"]
        assert links(house, people["omar"], there, status) == []
    said = page(house, people["lea"], f"{space.url}/delivery/{thread.uid}")
    assert "en attente chez b.example" in said


def test_the_details_have_a_line_for_each_instance(house, space, people, thread):
    mirrors(space, b=head(space), c=0, d=0)
    db.session.add(
        Peer(host="c.example", created_at=NOW, first_fail_at=NOW - timedelta(hours=3),
             last_error="timeout: 10 s", circuit="open")
    )  # fmt: skip
    db.session.add(Peer(host="d.example", created_at=NOW, paused_at=NOW))
    item = OutboxItem(
        actor_id=space.actor_id, activity_id=f"{thread.iri}#create", ordering_key=thread.iri,
        body=b"{}", created_at=NOW, expires_at=NOW,
    )  # fmt: skip
    db.session.add(item)
    db.session.flush()
    letters = [
        ("e", "refused", "Not welcome"),
        ("f", "expired", "not delivered in time"),
        ("b", "refused", "x"),
        ("h", "refused", "This instance does not accept activities from there."),
    ]
    for host, state, error in letters:
        db.session.add(
            Delivery(outbox_id=item.id, host=f"{host}.example", inbox=f"https://{host}.example/i",
                     state=state, error=error)
        )  # fmt: skip
    db.session.commit()
    said = page(house, people["lea"], f"{space.url}/delivery/{thread.uid}")
    for part in (
        "b.example reçu",
        "c.example en attente Elle ne répond pas, premier échec il y a 3 heures",
        "Sa réponse n’est pas arrivée à temps.",
        "d.example en attente Les personnes qui tiennent ce site ont suspendu les envois",
        "e.example refusé par e.example parce que : Not welcome",
        "h.example refusé par h.example parce que : Elle n’accepte rien de notre instance.",
        "f.example n’a pas pu être remis à f.example",
    ):
        assert part in said, part
    assert said.count("b.example") == 1


def test_the_details_are_for_the_author_and_the_facilitators(house, space, people, thread):
    url = f"{space.url}/delivery/{thread.uid}"
    page(house, people["ines"], url)
    page(house, people["omar"], url, 404)
    page(house, people["lea"], f"{space.url}/delivery/nothing", 404)


def test_a_whole_page_of_messages_costs_no_more_queries_than_one(house, space, people, thread):
    mirrors(space, b=1)
    client = house.client()
    log_in(client, people["ines"])
    there = f"{space.url}/discussion/{thread.uid}/"

    def queries() -> int:
        count = []
        listen = db.engine, "before_cursor_execute", lambda *_: count.append(1)
        event.listen(*listen)
        try:
            assert client.get(there).status_code == 200
        finally:
            event.remove(*listen)
        return len(count)

    client.get(there)
    before = queries()
    for number in range(12):
        with house.as_(people["lea"]) as work:
            post_message(work, space, PostMessage(thread=thread.uid, body=f"Et {number}"))
    house.settle()
    assert queries() <= before + 2


def test_the_author_erases_for_good_and_sees_where_it_is_done(house, space, people, thread):
    mirrors(space, b=head(space), c=0)
    client = house.client()
    log_in(client, people["lea"])
    there, url = f"{space.url}/discussion/m/{thread.uid}", f"{space.url}/erase/{thread.uid}"
    assert client.get(url).status_code == 404
    with house.as_(people["lea"]) as work:
        post_message(work, space, PostMessage(thread=thread.uid, body="Encore"))
    client.post(f"{there}/remove")
    house.settle()
    shown = client.get(f"{space.url}/discussion/{thread.uid}/").get_data(as_text=True)
    assert f'href="{url}"' in shown
    assert "Instances concernées : b.example, c.example" in page(house, people["lea"], url)
    page(house, people["omar"], url, 404)
    db.session.rollback()
    row = db.session.query(ErasureReceipt).filter_by(host="b.example").one()
    row.state, row.at = "confirmed", NOW
    db.session.commit()
    assert client.post(url).status_code == 302
    said = page(house, people["lea"], f"{space.url}/delivery/{thread.uid}")
    for part in ("Effacé pour toujours ici", "effacé chez b.example", "en attente chez c.example"):
        assert part in said, part
    db.session.rollback()
    assert db.session.get(Item, thread.id).source == ""
    assert "Effacer pour toujours" not in page(
        house, people["lea"], f"{space.url}/discussion/{thread.uid}/"
    )
