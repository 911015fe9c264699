"""What every room owes the house. A new room is tested here without writing a line.

An example may leave fields empty that name another kind of the same room (`thread`): they are
filled with the public id of the example of that kind.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import fields, replace

import pytest
from conftest import log_in, open_house

from collab.core.db import now
from collab.core.errors import Invalid
from collab.core.events import EventRow
from collab.core.inputs import parse
from collab.core.markup import plain
from collab.people.models import Actor, ActorKind
from collab.spaces.models import Item, Membership, Revision, Role, Space
from collab.spaces.tool import find_tools
from collab.web.extensions import db

TOOLS = find_tools()
KINDS = [(tool, kind) for tool in TOOLS for kind in tool.kinds]


@pytest.fixture(params=list(TOOLS), ids=lambda t: t.name)
def tool(request):
    return request.param


@pytest.fixture(params=KINDS, ids=lambda pair: f"{pair[0].name}/{pair[1].plural}")
def kind(request):
    return request.param[1]


@pytest.fixture
def ada(make):
    return make.person("ada")


@pytest.fixture
def garden(make, ada):
    return make.space(ada)


def completed(given, made):
    """An example whose empty references name what was made before."""
    names = {f.name for f in fields(given)} & made.keys()
    return replace(given, **{name: made[name].uid for name in names})


def make_all(house, author, space, tool):
    """One item of every kind of a room, by the operations that forms use; by kind."""
    made = {}
    for kind in tool.kinds:
        with house.as_(author) as work:
            made[kind.name] = kind.add.run(work, space, completed(kind.example(), made))
    return made


def room_of(kind):
    return next(tool for tool, one in KINDS if one is kind)


@pytest.fixture
def made(house, ada, garden, tool):
    return make_all(house, ada, garden, tool)


@pytest.fixture
def item(house, ada, garden, kind):
    return make_all(house, ada, garden, room_of(kind))[kind.name]


@pytest.fixture
def elsewhere(tmp_path, database_for):
    """A second instance, which holds a copy of the garden."""
    other = open_house(tmp_path / "other", database_for("other"), origin="https://there.example")
    with other.app.test_request_context("/", base_url="https://there.example"):
        yield other
    with other.app.app_context():
        db.session.remove()
        db.engine.dispose()


def known_elsewhere(actor):
    columns = ("iri", "kind", "name", "host", "display_name", "url", "inbox", "created_at")
    copy = Actor(local=False, **{name: getattr(actor, name) for name in columns})
    db.session.add(copy)
    return copy


def test_an_example_makes_an_item_of_its_kind(item, kind, ada, garden):
    assert isinstance(item, kind.model)
    assert (item.kind, item.author_id, item.space_id) == (kind.name, ada.id, garden.id)
    assert item.uid in item.iri
    assert item.html


def test_what_is_made_is_told_once_and_its_first_text_is_kept(item):
    told = db.session.query(EventRow).filter_by(name="item.published", item_id=item.id)
    kept = db.session.query(Revision).filter_by(item_id=item.id)
    assert (told.count(), [r.source for r in kept]) == (1, [item.source])


def test_its_page_opens_at_its_own_address(item, kind, garden, client, ada):
    log_in(client, ada)
    answer = client.get(kind.url(garden, item), follow_redirects=True)
    assert answer.status_code == 200
    first_line = kind.searchable(item).splitlines()[0]
    assert first_line in plain(answer.get_data(as_text=True))


def test_its_first_page_opens_and_is_absent_where_the_tool_is_not_used(tool, garden, client, made):
    assert client.get(f"{garden.url}/{tool.name}/").status_code == 200
    garden.tools = [name for name in garden.tools if name != tool.name]
    db.session.commit()
    assert client.get(f"{garden.url}/{tool.name}/").status_code == 404


def test_its_tab_counts_what_is_there(tool, garden, made):
    if tool.count is not None:
        assert tool.count(db.session(), garden) == 1


def test_it_can_be_found_by_its_words_without_markup(item, kind):
    words = kind.searchable(item)
    assert words.strip()
    assert "**" not in words
    assert "<p>" not in words


def test_what_it_says_to_the_api_is_json(item, kind):
    json.dumps(kind.present(db.session(), item))


def test_every_action_can_be_asked_for_in_json_and_refuses_nonsense_by_field(tool):
    for name, action in tool.actions.items():
        with pytest.raises(Invalid) as refused:
            parse(action.input, {})
        known = {f.name for f in fields(action.input)}
        assert refused.value.fields.keys() <= known, name


def test_no_door_can_set_what_only_trusted_code_may(tool):
    for action in tool.actions.values():
        for field in fields(action.input):
            if field.name in ("iri", "uid", "at", "received", "html"):
                assert field.metadata.get("internal"), (action.input, field.name)


def test_a_kind_is_claimed_by_the_mapping_that_wrote_it(item, kind, house):
    obj = json.loads(json.dumps(kind.mapping.to_object(db.session(), item)))
    claiming = house.runtime.tools.claiming(obj)
    assert claiming is not None
    assert claiming.mapping is kind.mapping
    assert obj["type"] in kind.mapping.types
    assert obj["id"] == item.iri


def test_its_owner_is_who_the_protocol_says(item, kind, ada, garden):
    obj = kind.mapping.to_object(db.session(), item)
    owner = ada.iri if kind.mapping.ownership == "voice" else garden.iri
    assert obj["attributedTo"] == owner
    assert kind.mapping.ownership == "voice" or kind.mapping.take_offer is not None


def test_a_copy_elsewhere_tells_the_very_same_object(tool, house, made, elsewhere, ada, garden):
    with house.app.test_request_context("/"):
        here = db.session.get(Space, garden.id)
        items = [(kind, db.session.get(kind.model, made[kind.name].id)) for kind in tool.kinds]
        sent = [(kind, kind.mapping.to_object(db.session(), item)) for kind, item in items]
        group, author = here.actor, db.session.get(Actor, ada.id)
        card = {"slug": here.slug, "host": here.host, "name": here.name, "tools": here.tools}
        db.session.expunge_all()
    copy = Space(actor=known_elsewhere(group), local=False, created_at=now(), **card)
    writer = known_elsewhere(author)
    db.session.add(copy)
    db.session.commit()
    for kind, obj in sent:
        wire = json.loads(json.dumps(obj))
        with elsewhere.runtime.work(writer, cause=f"{obj['id']}#create", mirrored=True) as work:
            received = kind.mapping.receive(work, copy, wire)
        assert received.kind == kind.name
        assert kind.mapping.to_object(db.session(), received) == obj


def test_nobody_outside_a_members_only_space_reads_it(make, house, ada, client, kind):
    bob, eve = make.person("bob"), make.person("eve")
    closed = make.space(ada, bob, slug="bureau", visibility="members")
    item = make_all(house, ada, closed, room_of(kind))[kind.name]
    log_in(client, eve)
    assert client.get(kind.url(closed, item), follow_redirects=True).status_code == 404
    other = house.client()
    log_in(other, bob)
    assert other.get(kind.url(closed, item), follow_redirects=True).status_code == 200


def test_somebody_who_only_reads_cannot_add(make, house, garden, ada, kind):
    made = make_all(house, ada, garden, room_of(kind))
    rose = make.person("rose")
    make.member(garden, ada, rose, Role.READER)
    before = db.session.query(Item).count()
    with pytest.raises(Exception, match="membre") as refused, house.as_(rose) as work:
        kind.add.run(work, garden, completed(kind.example(), made))
    assert refused.value.status == 403
    assert db.session.query(Item).count() == before
    assert db.session.query(Membership).filter_by(actor_id=rose.id).count() == 1


def test_its_operations_know_nothing_of_flask(tool):
    module = f"collab.spaces.tools.{tool.name}.operations"
    code = f"import sys; import {module}; sys.exit('flask' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_groups_are_groups(garden):
    assert garden.actor.kind == ActorKind.GROUP
