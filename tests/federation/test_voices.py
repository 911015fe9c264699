"""What a host's log says of people's words, as a mirror takes it in (`work.mirrored`)."""
# ruff: noqa: F401, F811 - fixtures are imported by their names

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from federation.stage import ORIGIN, PUBLIC, actor, federation, foreign, house, stamp

from collab.core.errors import Forbidden, Missing
from collab.core.events import EventRow
from collab.federation import voices
from collab.spaces.membership import AskToJoin, ask_to_join
from collab.spaces.mirrors import settle_membership
from collab.spaces.models import Item, ItemState, MembershipState, Reaction
from collab.web.actions import perform
from collab.web.extensions import db


@pytest.fixture
def ines(make):
    return make.person("ines")


@pytest.fixture
def garden(foreign, federation, house, ines):
    """A project of the other server, of which Ines is a member."""
    space = federation.space_card(foreign.person("jardin", "Group").iri)
    with house.as_(ines) as work:
        ask_to_join(work, space, AskToJoin())
    with house.runtime.work(space.actor, mirrored=True) as work:
        settle_membership(work, space, ines, state=MembershipState.ACTIVE)
    return space


@pytest.fixture
def says(house, garden):
    """Take in one activity as the log of the project says it."""

    def take(who, activity, space=garden):
        with house.runtime.work(who, cause=activity["id"], mirrored=True) as work:
            return voices.apply(work, house.runtime.tools, space, activity)

    return take


def written(ines, garden) -> Item:
    uid = perform(ines, garden.address, "discussion", "open", {"title": "Cuve", "body": "Une."})
    return db.session.query(Item).filter_by(uid=uid).one()


def echo(house, item: Item, verb: str = "Create", **more) -> dict:
    """What the host's log repeats of something written here."""
    told = house.runtime.tools.kind(item).mapping.to_object(db.session(), item)
    return {
        "id": f"{item.iri}#{verb.lower()}",
        "type": verb,
        "actor": item.author.iri,
        "object": told | more,
        "to": told["to"],
        "cc": told["cc"],
    }


def test_what_was_written_here_waits_until_the_log_has_it(house, garden, ines, says):
    item = written(ines, garden)
    assert item.state == ItemState.PENDING
    assert says(ines, echo(house, item)).id == item.id
    assert item.state == ItemState.CONFIRMED
    assert db.session.query(Item).count() == 1


def test_the_echo_of_an_older_text_confirms_nothing(house, garden, ines, says):
    item = written(ines, garden)
    first = echo(house, item, published=stamp(datetime.now(UTC) - timedelta(minutes=5)))
    house.runtime.clock = lambda: datetime.now(UTC) + timedelta(minutes=1)
    perform(ines, garden.address, "discussion", "edit", {"item": item.uid, "body": "Deux."})
    says(ines, first)
    assert (item.state, item.source) == (ItemState.PENDING, "Deux.")
    says(ines, echo(house, item, "Update"))
    assert (item.state, item.source) == (ItemState.CONFIRMED, "Deux.")


def test_the_echo_never_changes_what_was_written_here(house, garden, ines, says):
    item = written(ines, garden)
    later = stamp(datetime.now(UTC) + timedelta(minutes=1))
    says(ines, echo(house, item, "Update", content="<p>Autre</p>", updated=later))
    assert item.source == "Une."


def test_words_of_somebody_elsewhere_appear_confirmed(foreign, federation, garden, says):
    lea = foreign.person()
    activity = foreign.activity(lea, "Create", foreign.note(lea, garden))
    item = says(federation.resolve_actor(lea.iri), activity)
    assert (item.state, item.author.iri) == (ItemState.CONFIRMED, lea.iri)
    assert says(federation.resolve_actor(lea.iri), activity).id == item.id
    assert db.session.query(Item).count() == 1


def test_a_reaction_of_ours_comes_back_as_the_same_reaction(house, garden, ines, says):
    item = written(ines, garden)
    given = {"item": item.uid, "sign": "merci"}
    perform(ines, garden.address, "discussion", "react", given)
    iri = db.session.query(Reaction).one().iri
    like = {"id": iri, "type": "Like", "actor": ines.iri, "object": item.iri, "content": "merci"}
    says(ines, like)
    assert db.session.query(Reaction).one().iri == iri
    undone = {"id": f"{iri}#undo", "type": "Undo", "actor": ines.iri, "object": like}
    says(ines, undone)
    says(ines, undone)
    assert db.session.query(Reaction).count() == 0


def test_a_sign_that_was_changed_here_since_is_not_changed_back_by_older_echoes(
    house, garden, ines, says
):
    item = written(ines, garden)

    def press() -> dict:
        given = {"item": item.uid, "sign": "merci"}
        perform(ines, garden.address, "discussion", "react", given)
        iri = db.session.query(Reaction).one().iri
        like = {"type": "Like", "actor": ines.iri, "object": item.iri, "content": "merci"}
        return {"id": iri} | like

    def release() -> None:
        given = {"item": item.uid, "sign": "merci"}
        perform(ines, garden.address, "discussion", "unreact", given)

    first = press()
    release()
    says(ines, first)
    assert db.session.query(Reaction).count() == 0, "it was taken back after"
    second = press()
    says(ines, {"id": f"{first['id']}#undo", "type": "Undo", "actor": ines.iri, "object": first})
    assert db.session.query(Reaction).one().iri == second["id"], "it was put again after"
    says(ines, second)
    assert db.session.query(Reaction).one().iri == second["id"]


def own_acts(item: Item, name: str) -> list[int]:
    """The numbers of what was done to it here, oldest first."""
    rows = db.session.query(EventRow).filter_by(item_id=item.id, name=name, mirrored=False)
    return [row.id for row in rows.order_by(EventRow.id)]


def test_words_taken_back_and_restored_here_stay_until_the_log_has_told_both(
    house, garden, ines, says
):
    item = written(ines, garden)
    given = {"item": item.uid}
    for act in ("remove", "restore", "remove", "restore"):
        perform(ines, garden.address, "discussion", act, given)
    gone, back = own_acts(item, "item.withdrawn"), own_acts(item, "item.restored")

    def told(verb: str, number: int) -> dict:
        delete = echo(house, item, "Delete")
        if verb == "Delete":
            return delete | {"id": f"{item.iri}#delete-{number}"}
        undo = {"id": f"{item.iri}#restore-{number}", "type": "Undo", "object": delete}
        return delete | undo

    for verb, number in (("Delete", gone[0]), ("Undo", back[0]), ("Delete", gone[1])):
        says(ines, told(verb, number))
        assert item.withdrawn_at is None, "its author brought it back after that"
    says(ines, told("Undo", back[1]))
    assert item.withdrawn_at is None
    perform(ines, garden.address, "discussion", "remove", given)
    says(ines, told("Undo", back[1]))
    assert item.withdrawn_at is not None, "its author took it back after that"
    says(ines, told("Delete", own_acts(item, "item.withdrawn")[-1]))
    assert (item.withdrawn_at is not None, item.state) == (True, ItemState.CONFIRMED)
    says(ines, told("Undo", 10**40))
    assert item.withdrawn_at is None, "no journal has such a number: it says nothing of when"


def test_what_was_taken_back_is_counted_out_and_back_in(foreign, federation, garden, says):
    lea = foreign.person()
    row = federation.resolve_actor(lea.iri)
    opener = says(row, foreign.activity(lea, "Create", foreign.note(lea, garden)))
    reply = foreign.note(lea, garden, inReplyTo=opener.iri)
    says(row, foreign.activity(lea, "Create", reply))
    assert opener.message_count == 1
    gone = foreign.activity(lea, "Delete", reply["id"])
    says(row, gone)
    assert opener.message_count == 0
    says(row, foreign.activity(lea, "Undo", gone))
    assert opener.message_count == 1


def test_r03_the_log_cannot_put_words_in_somebody_s_mouth(foreign, federation, garden, says):
    lea, omar = foreign.person("lea"), foreign.person("omar")
    row = federation.resolve_actor(omar.iri)
    with pytest.raises(Forbidden):
        says(row, foreign.activity(lea, "Create", foreign.note(lea, garden)))
    with pytest.raises(Forbidden):
        says(row, foreign.activity(omar, "Create", foreign.note(lea, garden)))
    assert db.session.query(Item).count() == 0


def test_r15_a_log_speaks_of_its_own_project_only(foreign, federation, garden, says, make, ines):
    other = make.space(ines, slug="compost")
    item = written(ines, other)
    for verb in ("Delete", "Like", "Update", "Create"):
        activity = {
            "id": f"{ORIGIN}/a/{verb}",
            "type": verb,
            "actor": ines.iri,
            "object": {"id": item.iri, "attributedTo": ines.iri, "type": "Note"},
            "to": [PUBLIC],
        }
        with pytest.raises(Forbidden):
            says(ines, activity)
    assert item.withdrawn_at is None


def test_common_things_are_not_taken_from_a_person(foreign, federation, garden, says):
    """A person’s own Article is a subject, as forums write it; the project’s is not theirs."""
    lea = federation.resolve_actor(foreign.person().iri)
    page = foreign.note(foreign.person(), garden, type="Article", attributedTo=garden.iri)
    with pytest.raises(Forbidden):
        says(lea, foreign.activity(foreign.person(), "Create", page))
    task = foreign.note(foreign.person(), garden, type="Ticket")
    with pytest.raises(Missing):
        says(lea, foreign.activity(foreign.person(), "Create", task))


def test_what_is_for_others_than_the_project_s_readers_is_refused(
    foreign, federation, garden, says
):
    lea = foreign.person()
    private = foreign.note(lea, garden, to=[f"{garden.iri}/members"])
    activity = foreign.activity(lea, "Create", private, to=[])
    with pytest.raises(Forbidden):
        says(federation.resolve_actor(lea.iri), activity)
