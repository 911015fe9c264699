"""Changes to documents of a project that lives elsewhere: offered, answered, taken up again."""

from __future__ import annotations

import pytest
from conftest import log_in
from sqlalchemy import select

from collab.core.errors import Conflict, Forbidden, Missing
from collab.core.events import EventRow
from collab.people.models import Actor, ActorKind
from collab.spaces.items import version_of
from collab.spaces.models import (
    Membership,
    Offer,
    OfferState,
    Revision,
    Role,
    Space,
    Visibility,
)
from collab.spaces.offers import answer_offer, drop_offer, offers_shown
from collab.spaces.tools.pages.activitypub import receive
from collab.spaces.tools.pages.inputs import (
    EditDocument,
    MoveDocument,
    RemoveDocument,
    RestoreRevision,
    WriteDocument,
)
from collab.spaces.tools.pages.models import Document
from collab.spaces.tools.pages.naming import multihash_of
from collab.spaces.tools.pages.operations import (
    edit_document,
    move_document,
    remove_document,
    restore_revision,
    write_document,
)
from collab.web.extensions import db

BASE = "https://here.example"
HOST = "https://a.example/p/jardin"
PAGES = "/p/jardin@a.example/pages"


@pytest.fixture
def lea(make):
    return make.person("lea")


@pytest.fixture
def copy(house, lea):
    """A copy, held here, of a project of a.example; Léa is a member of it."""
    group = Actor(
        iri=HOST,
        kind=ActorKind.GROUP,
        name="jardin",
        host="a.example",
        local=False,
        created_at=lea.created_at,
    )
    db.session.add(group)
    db.session.flush()
    space = Space(
        actor_id=group.id,
        slug="jardin",
        host="a.example",
        local=False,
        name="Jardin",
        tools=["pages"],
        visibility=Visibility.PUBLIC,
        created_at=lea.created_at,
    )
    db.session.add(space)
    db.session.flush()
    join(space, lea)
    return space


def join(space, person, role=Role.MEMBER):
    row = Membership(space_id=space.id, actor_id=person.id, role=role, since=person.created_at)
    db.session.add(row)
    db.session.commit()


@pytest.fixture
def document(house, copy, lea):
    """A document that the host's log brought."""
    article = {
        "id": f"{HOST}/w/01j00000000000000000000001",
        "type": "Article",
        "attributedTo": HOST,
        "name": "Semis",
        "content": "<p>fèves</p>",
        "source": {"content": "fèves", "mediaType": "text/markdown"},
        "url": f"{HOST}/pages/semis",
        "published": "2026-11-20T10:00:00Z",
        "revision": {"number": 1, "by": f"{HOST}/u/ines", "summary": ""},
        "contributors": [],
    }
    with house.runtime.work(copy.actor, mirrored=True) as work:
        return receive(work, copy, article)


@pytest.fixture
def offer(as_, copy, lea, document):
    with as_(lea) as work:
        given = EditDocument(document=document.uid, source="fèves\n\npois", summary="des pois")
        return edit_document(work, copy, given)


def answer(house, copy, offer, state, reason=""):
    with house.runtime.work(copy.actor, mirrored=True) as work:
        answer_offer(work, offer, state, reason)


def test_a_new_document_is_offered_and_nothing_is_written(as_, copy, lea):
    with as_(lea) as work:
        offer = write_document(work, copy, WriteDocument("Outils", "bêche", tags=("a",)))
    assert isinstance(offer, Offer)
    assert db.session.scalar(select(Document.id)) is None
    assert offer.iri.startswith(f"{BASE}/a/")
    assert offer.wire["id"].startswith(f"{BASE}/o/")
    assert offer.wire | {"id": ""} == {
        "type": "Revision",
        "id": "",
        "attributedTo": f"{BASE}/u/lea",
        "target": HOST,
        "name": "Outils",
        "source": {"content": "bêche", "mediaType": "text/markdown"},
        "version": multihash_of(version_of("Outils", "bêche")),
        "summary": "",
        "description": "",
        "language": "",
        "tag": [{"type": "Hashtag", "name": "#a"}],
        "parent": None,
    }
    told = db.session.scalars(select(EventRow).where(EventRow.name == "offer.made")).one()
    assert told.data["offer_id"] == offer.id


def test_an_edit_is_offered_on_the_version_it_was_written_on(document, offer):
    assert offer.state == OfferState.PENDING
    assert offer.item_id == document.id
    assert offer.wire["context"] == document.iri
    assert offer.wire["base"] == multihash_of(version_of("Semis", "fèves"))
    assert (document.source, document.revision) == ("fèves", 1)
    assert len(db.session.scalars(select(Revision)).all()) == 1


def test_moving_removing_and_going_back_are_offered_too(as_, copy, lea, document):
    with as_(lea) as work:
        moved = move_document(work, copy, MoveDocument(document.uid))
        removed = remove_document(work, copy, RemoveDocument(document.uid))
        back = restore_revision(work, copy, RestoreRevision(document.uid, 1))
    assert (moved.wire["parent"], "source" in moved.wire) == (None, False)
    assert removed.wire["withdrawn"] is True
    assert back.wire["source"]["content"] == "fèves"
    assert document.withdrawn_at is None


def test_only_members_may_offer(make, as_, copy, document):
    eve = make.person("eve")
    with pytest.raises(Forbidden), as_(eve) as work:
        write_document(work, copy, WriteDocument("Moi aussi"))
    assert db.session.scalar(select(Offer.id)) is None


def test_the_first_answer_counts_and_is_told_once(house, copy, offer):
    answer(house, copy, offer, OfferState.REFUSED, "x" * 900)
    answer(house, copy, offer, OfferState.CONFLICT)
    answer(house, copy, offer, OfferState.REFUSED)
    assert (offer.state, len(offer.reason)) == (OfferState.REFUSED, 500)
    told = db.session.scalars(select(EventRow).where(EventRow.name == "offer.answered")).all()
    assert [row.data["state"] for row in told] == ["refused"]
    with pytest.raises(ValueError, match="answer"):
        answer(house, copy, offer, OfferState.PENDING)


def test_what_the_log_shows_as_done_is_accepted_whatever_was_said_before(house, copy, offer):
    answer(house, copy, offer, OfferState.CONFLICT)
    answer(house, copy, offer, OfferState.ACCEPTED)
    answer(house, copy, offer, OfferState.REFUSED)
    assert offer.state == OfferState.ACCEPTED


def test_only_its_author_lets_an_offer_go_and_only_once_it_was_answered(
    house, make, as_, copy, lea, offer
):
    omar = make.person("omar")
    join(copy, omar)
    with pytest.raises(Conflict), as_(lea) as work:
        drop_offer(work, offer)
    answer(house, copy, offer, OfferState.REFUSED)
    with pytest.raises(Forbidden), as_(omar) as work:
        drop_offer(work, offer)
    with as_(lea) as work:
        drop_offer(work, offer)
    assert db.session.scalar(select(Offer.id)) is None


def test_who_sees_an_offer(house, make, copy, lea, offer):
    omar, eve = make.person("omar"), make.person("eve")
    join(copy, omar)
    seen = lambda who: len(offers_shown(db.session(), copy, who))  # noqa: E731
    assert [seen(who) for who in (lea, omar, eve, None)] == [1, 1, 0, 0]
    answer(house, copy, offer, OfferState.REFUSED, "hors sujet")
    assert [seen(who) for who in (lea, omar, eve, None)] == [1, 0, 0, 0]
    answer(house, copy, offer, OfferState.ACCEPTED)
    assert seen(lea) == 0


@pytest.fixture
def page(client, lea, copy):
    log_in(client, lea)

    def page(path, status=200, **form):
        ask = client.post if form else client.get
        said = ask(f"{PAGES}/{path}", base_url=BASE, data=form or None)
        assert said.status_code == status, said.get_data(as_text=True)
        return said.get_data(as_text=True)

    return page


WAITING = "Proposé à l’instance du projet, en attente de sa réponse"


def test_an_offer_shows_in_the_list_on_the_page_and_in_the_history_with_its_text(page, offer):
    uid = offer.iri.rpartition("/")[2]
    for path in ("", "semis", "semis/history"):
        shown = page(path)
        assert WAITING in shown
        assert f"{PAGES}/offers/{uid}" in shown
    shown = page(f"offers/{uid}")
    assert "<p>pois</p>" in shown
    assert WAITING in shown
    page(f"offers/{uid}/edit", 404)


def test_strangers_see_nothing_of_an_offer(client, document, offer):
    for path in ("", "semis", "semis/history"):
        assert WAITING not in client.get(f"{PAGES}/{path}", base_url=BASE).get_data(as_text=True)
    uid = offer.iri.rpartition("/")[2]
    assert client.get(f"{PAGES}/offers/{uid}", base_url=BASE).status_code == 404


def test_a_form_in_a_project_of_elsewhere_offers(page, document):
    assert "Proposer" in page("new")
    page("new", 302, title="Outils", source="bêche", action="save")
    assert WAITING in page("")
    assert db.session.scalars(select(Offer)).one().given["title"] == "Outils"


def test_a_refused_text_is_reopened_beside_the_current_one_and_offered_again(
    house, page, copy, document, offer
):
    answer(house, copy, offer, OfferState.CONFLICT, "le texte a changé")
    uid = offer.iri.rpartition("/")[2]
    assert "Reprendre ce texte" in page("semis")
    with house.runtime.work(copy.actor, mirrored=True):
        document.source = "FÈVES"
        document.revision = 2
    shown = page(f"offers/{uid}/edit")
    assert shown.count("FÈVES") >= 1
    assert "pois" in shown
    base = version_of("Semis", "FÈVES")
    assert base in shown
    page(f"offers/{uid}/edit", 302, title="Semis", source="FÈVES\n\npois", base=base)
    again = db.session.scalars(select(Offer)).one()
    assert again.iri.rpartition("/")[2] != uid
    assert again.state == OfferState.PENDING
    assert again.given["source"] == "FÈVES\n\npois"


def test_a_refused_text_can_be_let_go_by_a_button(house, page, copy, offer):
    answer(house, copy, offer, OfferState.REFUSED, "hors sujet")
    assert "hors sujet" in page("")
    uid = offer.iri.rpartition("/")[2]
    page(f"offers/{uid}/drop", 302, ok="1")
    page(f"offers/{uid}", 404)


def test_nobody_offers_in_a_private_copy_they_may_not_read(make, as_, copy):
    copy.visibility = Visibility.MEMBERS
    db.session.commit()
    eve = make.person("eve")
    with pytest.raises(Missing), as_(eve) as work:
        write_document(work, copy, WriteDocument("Moi aussi"))
