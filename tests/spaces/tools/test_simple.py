"""Simple versions: written beside the original, labelled honestly, stale when it changes."""

from __future__ import annotations

from itertools import count

import pytest
from conftest import Make, log_in, open_house
from flask_babel import refresh

from collab.core.errors import Conflict, Forbidden, Invalid, Missing
from collab.core.events import EventRow
from collab.people.models import AccountRole, Actor
from collab.spaces.operations import ReviseSpace, revise_space
from collab.spaces.queries import revisions
from collab.spaces.tools.discussion.inputs import EditMessage, OpenThread, Remove
from collab.spaces.tools.discussion.operations import bring_back, edit_message, open_thread, remove
from collab.spaces.tools.pages.inputs import WriteDocument
from collab.spaces.tools.pages.operations import write_document
from collab.spaces.tools.simple.inputs import (
    AddTerm,
    EditSimple,
    ReviewSimple,
    TakeSimple,
    WriteSimple,
)
from collab.spaces.tools.simple.operations import (
    edit_simple,
    remove_simple,
    restore_simple,
    review_simple,
    unreview_simple,
    write_simple,
)
from collab.spaces.tools.simple.queries import (
    added_terms,
    is_stale,
    original_named,
    simple_of,
    terms,
)
from collab.spaces.tools.simple.words import add_term, may_define, remove_term
from collab.web.extensions import db

HARD = "Le dispositif de concertation est dématérialisé."
EASY = "Nous discutons.\nVous donnez votre avis sur Internet."


NUMBERS = count(1)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """One instance with two people for all of these tests; each has a garden of its own."""
    site = open_house(tmp_path_factory.mktemp("simple") / "instance")
    with site.app.app_context():
        people = [Make(site).person(name).id for name in ("ada", "bob", "eve")]
    yield site, people
    with site.app.app_context():
        db.session.remove()
        db.engine.dispose()


@pytest.fixture
def house(site):
    with site[0].app.test_request_context("/", base_url="https://here.example"):
        yield site[0]
        db.session.remove()


def person(number):
    @pytest.fixture
    def somebody(house, site):
        return db.session.get(Actor, site[1][number])

    return somebody


ada, bob, eve = person(0), person(1), person(2)


@pytest.fixture
def garden(make, ada, bob):
    return make.space(ada, bob, slug=f"jardin-{next(NUMBERS)}")


@pytest.fixture
def thread(as_, ada, garden):
    with as_(ada) as work:
        return open_thread(work, garden, OpenThread(title="Concertation", body=HARD))


@pytest.fixture
def simple(as_, bob, garden, thread):
    with as_(bob) as work:
        return write_simple(work, garden, WriteSimple(body=EASY, of=thread.uid))


def stale(space, simple):
    return is_stale(simple, original_named(db.session(), space, simple.of_iri))


def test_any_member_writes_one_and_it_has_the_title_of_its_original(simple, garden, thread):
    assert (simple.title, simple.label) == ("Concertation", "unread")
    assert simple_of(db.session(), garden, thread.iri) is simple
    assert not stale(garden, simple)


def test_a_text_has_one_simple_version_and_a_simple_version_has_none(
    as_, ada, garden, thread, simple
):
    with pytest.raises(Conflict), as_(ada) as work:
        write_simple(work, garden, WriteSimple(body="Autre.", of=thread.uid))
    with pytest.raises(Missing), as_(ada) as work:
        write_simple(work, garden, WriteSimple(body="Autre.", of=simple.uid))


def test_the_purpose_of_a_project_has_one_too_and_it_gets_stale(as_, ada, garden):
    with as_(ada) as work:
        revise_space(work, garden, ReviseSpace(name="Jardin", why="Mutualiser les outils"))
        simple = write_simple(work, garden, WriteSimple(body="Nous partageons les outils."))
    assert not stale(garden, simple)
    with as_(ada) as work:
        revise_space(work, garden, ReviseSpace(name="Jardin", why="Vendre les outils"))
    assert stale(garden, simple)


def test_it_is_stale_when_its_original_changes_until_somebody_says_it_is_still_right(
    as_, ada, bob, garden, thread, simple
):
    with as_(ada) as work:
        edit_message(work, garden, EditMessage(item=thread.uid, body="Tout autre chose."))
    assert stale(garden, simple)
    with as_(bob) as work:
        edit_simple(work, garden, EditSimple(item=simple.uid, body=EASY))
    assert not stale(garden, simple)
    assert simple.revision == 2


def test_two_people_do_not_write_over_each_other(as_, ada, bob, garden, simple):
    with as_(ada) as work:
        edit_simple(work, garden, EditSimple(item=simple.uid, body="Nous parlons.", base=1))
    with pytest.raises(Invalid, match="body"), as_(bob) as work:
        edit_simple(work, garden, EditSimple(item=simple.uid, body="On parle.", base=1))
    assert [r.source for r in revisions(db.session(), simple)] == ["Nous parlons.", EASY]


def test_the_label_says_who_read_which_words_and_nothing_more(as_, ada, bob, garden, simple):
    with pytest.raises(Forbidden), as_(bob) as work:
        review_simple(work, garden, ReviewSimple(item=simple.uid, readers="Rose"))
    with pytest.raises(Invalid, match="readers"), as_(ada) as work:
        review_simple(work, garden, ReviewSimple(item=simple.uid))
    with pytest.raises(Invalid, match="organisation"), as_(ada) as work:
        review_simple(work, garden, ReviewSimple(simple.uid, readers="Rose", concerned=True))
    with as_(ada) as work:
        review_simple(work, garden, ReviewSimple(simple.uid, readers="Rose"))
    assert simple.label == "read"
    with as_(ada) as work:
        given = ReviewSimple(simple.uid, "Rose, Paul", "Atelier du port", concerned=True)
        review_simple(work, garden, given)
    assert simple.label == "falc"
    with as_(bob) as work:
        edit_simple(work, garden, EditSimple(item=simple.uid, body="D’autres mots."))
    assert simple.label == "unread"


def test_a_review_is_taken_back_and_stays_in_the_history(as_, ada, garden, simple):
    with as_(ada) as work:
        review_simple(work, garden, ReviewSimple(simple.uid, readers="Rose"))
    with as_(ada) as work:
        unreview_simple(work, garden, TakeSimple(simple.uid))
    assert (simple.label, simple.readers) == ("unread", "")
    said = [r.summary for r in revisions(db.session(), simple)]
    assert said == ["Relecture annulée", "Relecture : Rose", ""]


def test_nobody_attests_to_a_version_whose_original_has_changed(as_, ada, garden, thread, simple):
    with as_(ada) as work:
        edit_message(work, garden, EditMessage(item=thread.uid, body="Tout autre chose."))
    with pytest.raises(Conflict), as_(ada) as work:
        review_simple(work, garden, ReviewSimple(simple.uid, readers="Rose"))


def test_it_goes_and_comes_back_with_its_original(as_, ada, garden, thread, simple):
    with as_(ada) as work:
        remove(work, garden, Remove(item=thread.uid))
    assert simple.withdrawn_at
    told = db.session.query(EventRow).filter_by(name="item.withdrawn", item_id=simple.id)
    assert told.count() == 1
    with as_(ada) as work:
        bring_back(work, garden, Remove(item=thread.uid))
    assert simple.withdrawn_at is None


def test_what_was_taken_back_alone_does_not_come_back_with_its_original(
    as_, ada, bob, garden, thread, simple
):
    with as_(bob) as work:
        remove_simple(work, garden, TakeSimple(simple.uid))
    with as_(ada) as work:
        remove(work, garden, Remove(item=thread.uid))
        bring_back(work, garden, Remove(item=thread.uid))
    assert simple.withdrawn_at
    with as_(bob) as work:
        restore_simple(work, garden, TakeSimple(simple.uid))
    assert simple.withdrawn_at is None


def test_no_project_hangs_its_words_on_a_text_of_another(as_, make, ada, garden, thread, simple):
    other = make.space(ada, slug=f"verger-{next(NUMBERS)}")
    with as_(ada) as work:
        theirs = write_simple(work, other, WriteSimple(body="Autre chose."))
        theirs.of_iri = thread.iri
    assert simple_of(db.session(), garden, thread.iri) is simple
    assert original_named(db.session(), other, thread.iri) is None
    with as_(ada) as work:
        remove(work, garden, Remove(item=thread.uid))
    assert simple.withdrawn_at
    assert theirs.withdrawn_at is None


# --- pages, without a script ----------------------------------------------------------------------


def test_the_form_checks_defines_and_keeps(client, garden, thread, ada):
    log_in(client, ada)
    form = f"{garden.url}/simple/new"
    assert HARD in client.get(f"{form}?of={thread.uid}").get_data(as_text=True)
    typed = {"of": thread.uid, "body": "Le quorum n’est pas atteint le 12/04.", "act": "check"}
    told = client.post(form, data=typed).get_data(as_text=True)
    assert "<mark>quorum</mark>" in told
    assert "12 avril" in told
    assert "Avec ce nombre, le vote compte." in told
    assert simple_of(db.session(), garden, thread.iri) is None
    told = client.post(form, data=typed | {"act": "define"}).get_data(as_text=True)
    assert "12/04.\n\nLe quorum est un nombre de personnes.\nAvec ce nombre" in told
    answer = client.post(form, data={"of": thread.uid, "body": EASY, "act": "save"})
    assert answer.status_code == 302
    shown = client.get(answer.location).get_data(as_text=True)
    assert "Version simple (non relue)" in shown
    assert 'lang="fr-x-falc"' in shown
    assert HARD in shown
    alone = client.get(f"{answer.location}?vue=simple").get_data(as_text=True)
    assert HARD not in alone
    script = client.post(f"{garden.url}/simple/check", data={"body": "RÉUNION"})
    assert "réunion" in script.get_data(as_text=True)
    assert "<html" not in script.get_data(as_text=True)


def test_the_original_leads_to_it_and_the_page_says_when_it_is_stale(
    client, as_, ada, garden, thread, simple
):
    log_in(client, ada)
    address = f"{garden.url}/simple/{simple.uid}"
    assert client.get(f"{garden.url}/simple/of/{thread.uid}").location == address
    with as_(ada) as work:
        edit_message(work, garden, EditMessage(item=thread.uid, body="Tout autre chose."))
    assert "a changé depuis" in client.get(address).get_data(as_text=True)
    assert "a changé depuis" in client.get(f"{garden.url}/simple/").get_data(as_text=True)


def test_every_text_leads_to_its_simple_version(client, as_, ada, garden, thread, simple):
    log_in(client, ada)
    address = f'href="{garden.url}/simple/{simple.uid}"'
    with as_(ada) as work:
        own = write_document(work, garden, WriteDocument(title="Charte", source="Les règles."))
        purpose = write_simple(work, garden, WriteSimple(body="Le jardin.\nVenez nous voir."))
    assert address in client.get(f"{garden.url}/discussion/{thread.uid}/").get_data(as_text=True)
    assert address in client.get(f"{garden.url}/discussion/m/{thread.uid}/acts").get_data(
        as_text=True
    )
    paper = client.get(f"{garden.url}/pages/{own.slug}").get_data(as_text=True)
    assert f'href="{garden.url}/simple/new?of={own.uid}"' in paper
    home = client.get(garden.url)
    assert f'href="{garden.url}/simple/{purpose.uid}"' in home.get_data(as_text=True)
    assert "Venez nous voir." not in home.get_data(as_text=True)
    refresh()
    easy = client.get(f"{garden.url}?langue=fr-x-falc").get_data(as_text=True)
    assert "Venez nous voir." in easy
    assert "Version simple, non relue" in easy


def test_a_review_by_form_is_undone_by_a_button(client, ada, garden, simple):
    log_in(client, ada)
    address = f"{garden.url}/simple/{simple.uid}"
    refused = client.post(f"{address}/review", data={"readers": "Rose", "concerned": "1"})
    assert refused.status_code == 422
    assert "Rose" in refused.get_data(as_text=True)
    filled = {"readers": "Rose", "organisation": "Atelier du port", "concerned": "1"}
    client.post(f"{address}/review", data=filled)
    shown = client.get(address).get_data(as_text=True)
    assert "FALC, relu par Rose (Atelier du port), le " in shown
    assert f'action="{address}/unreview"' in shown
    client.post(f"{address}/unreview")
    assert "FALC, relu" not in client.get(address).get_data(as_text=True)


def test_strangers_read_and_members_alone_write(client, house, eve, garden, simple):
    address = f"{garden.url}/simple/{simple.uid}"
    assert client.get(address).status_code == 200
    assert client.post(f"{address}/remove").status_code == 302
    assert simple.withdrawn_at is None
    other = house.client()
    log_in(other, eve)
    assert other.get(f"{address}/edit").status_code == 403


# --- the glossary of the instance -----------------------------------------------------------------


def test_who_is_in_charge_adds_a_word_and_the_checker_knows_it(as_, make, ada, eve, garden):
    assert may_define(db.session(), ada)
    assert may_define(db.session(), make.person("root", AccountRole.ADMIN))
    assert not may_define(db.session(), eve)
    assert not may_define(db.session(), None)
    with pytest.raises(Forbidden), as_(eve) as work:
        add_term(work, AddTerm("paillis", "Le paillis couvre la terre."))
    with as_(ada) as work:
        term = add_term(work, AddTerm("paillis", "Le paillis couvre la terre.", "paille"))
    with pytest.raises(Conflict), as_(ada) as work:
        add_term(work, AddTerm("Paillis", "Encore."))
    assert terms(db.session())[-1].word == "paillis"
    with as_(ada) as work:
        remove_term(work, term.id)
    assert all(one.word != "paillis" for one in terms(db.session()))


def test_the_page_of_the_glossary_takes_a_word_and_gives_it_back(client, ada, garden):
    assert "Le quorum est un nombre de personnes." in client.get("/glossaire").get_data(
        as_text=True
    )
    log_in(client, ada)
    assert client.post("/glossaire", data={"word": "paillis"}).status_code == 422
    typed = {"word": "compost", "definition": "Le compost nourrit la terre."}
    client.post("/glossaire", data=typed)
    number = added_terms(db.session())[0].id
    assert "Le compost nourrit la terre." in client.get("/glossaire").get_data(as_text=True)
    client.post(f"/glossaire/{number}/remove")
    assert "Le compost nourrit" not in client.get("/glossaire").get_data(as_text=True)
    client.post(f"/glossaire/{number}/restore")
    assert "Le compost nourrit" in client.get("/glossaire").get_data(as_text=True)
