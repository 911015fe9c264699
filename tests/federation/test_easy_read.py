"""A simple version crosses to the copy of a project, and offers cross back (docs/falc.md)."""

from __future__ import annotations

import json

import pytest
from federation.pair import pair_of_houses

from collab.federation.state import state_digest
from collab.spaces.membership import AskToJoin, Decide, admit, ask_to_join
from collab.spaces.models import Membership, Offer, OfferState, Space
from collab.spaces.tool import find_tools
from collab.spaces.tools.discussion.inputs import EditMessage, OpenThread, Remove
from collab.spaces.tools.discussion.models import Thread
from collab.spaces.tools.discussion.operations import edit_message, open_thread, remove
from collab.spaces.tools.simple.inputs import EditSimple, ReviewSimple, WriteSimple
from collab.spaces.tools.simple.models import SimpleText
from collab.spaces.tools.simple.operations import edit_simple, review_simple, write_simple
from collab.spaces.tools.simple.queries import is_stale, original_named

EASY = "Nous discutons.\nVous donnez votre avis."


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    with pair_of_houses(tmp_path_factory.mktemp("pair")) as pair:
        with Host(pair) as (space, work):
            thread = open_thread(work, space, OpenThread(title="Sujet", body="Concertation."))
            write_simple(work, space, WriteSimple(body=EASY, of=thread.uid))
        pair.settle()
        yield pair


class Host:
    """A unit of work of the owner of the project, on its own instance."""

    def __init__(self, pair):
        self.served, self.space_id = pair.a, pair.space_id

    def __enter__(self):
        self.context = self.served.house.app.app_context()
        self.context.__enter__()
        self.work = self.served.house.as_(self.served.person())
        self.work.__enter__()
        return self.work.session.get(Space, self.space_id), self.work

    def __exit__(self, *problem):
        self.work.__exit__(*problem)
        self.context.__exit__(*problem)


class Mirror(Host):
    """The same of the member of the other instance, on the copy."""

    def __init__(self, pair):
        self.served, self.space_id = pair.b, pair.copy_id


def facts(work, space):
    """What a side holds of the simple version, and the digest of all it holds."""
    (row,) = work.session.query(SimpleText).filter_by(space_id=space.id)
    obj = find_tools().kind(row).mapping.to_object(work.session, row)
    stale = is_stale(row, original_named(work.session, space, row.of_iri))
    told = {"label": row.label, "stale": stale, "gone": row.withdrawn_at is not None}
    return told, json.loads(json.dumps(obj)), state_digest(work.session, space)


def both(pair):
    sides = []
    for side in (Host, Mirror):
        with side(pair) as (space, work):
            sides.append(facts(work, space))
    assert sides[0] == sides[1]
    return sides[0]


def test_the_copy_shows_the_same_simple_version_in_contentmap(pair):
    told, obj, _ = both(pair)
    assert told == {"label": "unread", "stale": False, "gone": False}
    assert obj["type"] == "EasyRead"
    assert list(obj["contentMap"]) == ["fr-x-falc"]
    assert "Nous discutons.<br" in obj["contentMap"]["fr-x-falc"]
    assert "content" not in obj
    with Mirror(pair) as (space, _work):
        uid, url = obj["id"].rpartition("/")[2], space.url
    page = pair.b.house.client().get(f"{url}/simple/{uid}").get_data(as_text=True)
    assert "Version simple (non relue)" in page
    assert "Vous donnez votre avis." in page


def test_who_read_it_and_that_it_is_stale_is_told_on_both_sides(pair):
    with Host(pair) as (space, work):
        uid = work.session.query(SimpleText).one().uid
        given = ReviewSimple(uid, "Rose, Paul", "Atelier du port", concerned=True)
        review_simple(work, space, given)
    pair.settle()
    told, obj, _ = both(pair)
    assert told["label"] == "falc"
    assert obj["review"]["organisation"] == "Atelier du port"
    with Host(pair) as (space, work):
        thread = work.session.query(Thread).one()
        edit_message(work, space, EditMessage(item=thread.uid, body="Autre chose."))
    pair.settle()
    assert both(pair)[0]["stale"]


def test_a_member_elsewhere_offers_a_change_and_the_host_publishes_it(pair):
    with Mirror(pair) as (space, work):
        ask_to_join(work, space, AskToJoin())
    pair.settle()
    with Host(pair) as (space, work):
        (asked,) = work.session.query(Membership).filter_by(space_id=space.id, state="requested")
        admit(work, space, Decide(member=asked.actor_id))
    pair.settle()
    with Mirror(pair) as (space, work):
        row = work.session.query(SimpleText).one()
        offer = edit_simple(work, space, EditSimple(item=row.uid, body="Nous parlons."))
        assert isinstance(offer, Offer)
        offer_id = offer.id
    pair.settle()
    told, obj, _ = both(pair)
    assert told == {"label": "unread", "stale": False, "gone": False}
    assert obj["source"]["content"] == "Nous parlons."
    assert obj["revision"]["by"].startswith(f"http://{pair.b.host}/")
    with Mirror(pair) as (_space, work):
        assert work.session.get(Offer, offer_id).state == OfferState.ACCEPTED


def test_it_goes_on_both_sides_when_its_original_goes(pair):
    with Host(pair) as (space, work):
        remove(work, space, Remove(item=work.session.query(Thread).one().uid))
    pair.settle()
    for side in (Host, Mirror):
        with side(pair) as (_space, work):
            assert work.session.query(SimpleText).one().withdrawn_at is not None


def test_no_follower_elsewhere_is_boosted_a_simple_version(pair):
    (kind,) = next(tool for tool in find_tools() if tool.name == "simple").kinds
    assert not kind.has_own_page
