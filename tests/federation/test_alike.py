"""What somebody may not know of is answered like what is not there, for every verb (R33)."""
# ruff: noqa: F401, F811 - fixtures are imported by their names

from __future__ import annotations

from itertools import product

import pytest
from federation.stage import ORIGIN, actor, admin, federation, foreign, house, omar, sent, space

from collab.spaces.models import JoinPolicy, Visibility
from collab.spaces.operations import ReviseSpace, revise_space
from collab.spaces.tools.discussion.inputs import OpenThread
from collab.spaces.tools.discussion.operations import open_thread
from collab.web.extensions import db

LATER = ("number", "instance")
"""What differs between any two refusals."""


@pytest.fixture
def eve(foreign):
    """Somebody of a linked instance who takes part in nothing."""
    return foreign.person("eve")


@pytest.fixture
def answer(foreign, eve):
    """A way to hear all that is answered to what eve says: the status, its words, a Reject."""

    def ask(verb, thing, **more):
        before = len(sent("Reject"))
        got = foreign.say(eve, verb, thing, **more)
        told = got.get_json(silent=True) or {}
        said = {name: told[name] for name in told if name not in LATER}
        return got.status_code, said, [no.get("summary") for no in sent("Reject")[before:]]

    return ask


def differing(answer, pairs):
    """Of pairs of one thing that is there and one that is not, those that are told apart."""
    found = []
    for verb, there, absent, more in pairs:
        one, other = (answer(verb, thing, **at) for thing, at in ((there, more), absent))
        if one != other:
            found.append((verb, one, other))
    return found


def member_grant(member, group):
    return {"type": "Grant", "object": "visit", "context": group, "target": member}


def test_r33_a_stranger_cannot_tell_what_a_project_holds(
    foreign, house, make, space, admin, answer
):
    group, gone = space.iri, f"http://{foreign.host}/u/gone"
    tom = foreign.member(make, space, admin, "tom").iri
    nino = foreign.person("nino")
    join = foreign.activity(nino, "Join", group)
    foreign.post(nino, join)
    with house.as_(admin) as work:
        thread = open_thread(work, space, OpenThread(title="Eau", body="Bonjour")).iri
    at, top, here = {"target": group}, {"target": f"{group}/featured"}, {"to": [group]}
    block = {"type": "Block", "actor": foreign.person("eve").iri, "target": group, "id": gone}
    nothing = f"http://{foreign.host}/a/nothing"
    told_apart = differing(
        answer,
        [
            ("Accept", join["id"], (nothing, {}), {}),
            ("Accept", join["id"], (nothing, here), here),
            ("Reject", join["id"], (nothing, {}), {}),
            ("Reject", join["id"], (nothing, here), here),
            ("Remove", tom, (gone, at), at),
            ("Remove", thread, (f"{ORIGIN}/o/absent", top), top),
            ("Add", thread, (f"{ORIGIN}/o/absent", top), top),
            ("Offer", member_grant(tom, group), (member_grant(gone, group), at), at),
            ("Block", tom, (gone, at), at),
            ("Undo", block | {"object": tom}, (block | {"object": gone}, {}), {}),
        ],
    )
    assert told_apart == []


@pytest.fixture
def hidden(house, make, admin):
    """A project for its members only, which is entered by invitation."""
    found = make.space(admin, visibility=Visibility.MEMBERS)
    with house.as_(admin) as work:
        given = ReviseSpace(
            name=found.name, visibility=found.visibility, tools=tuple(found.tools),
            join_policy=JoinPolicy.INVITATION,
        )  # fmt: skip
        revise_space(work, found, given)
    return found


NONE, ABSENT = f"{ORIGIN}/p/none", f"{ORIGIN}/o/absent"


def test_r33_a_project_that_one_may_not_know_of_answers_like_none(foreign, hidden, answer, eve):
    group, zoe = hidden.iri, foreign.person("zoe").iri
    page = {"type": "Page", "id": f"{group}/w/1", "attributedTo": zoe}
    note = {"type": "Note", "attributedTo": eve.iri, "content": "<p>Eau</p>", "to": [eve.iri]}
    pairs = [(verb, group, (NONE, {}), {}) for verb in ("Follow", "Join", "Leave")]
    pairs.append(("Follow", f"{group}/log", (f"{NONE}/log", {}), {}))
    offered = (member_grant(zoe, ""), page, {"type": "Note"})
    aimed = [("Offer", thing) for thing in offered]
    aimed += [(verb, zoe) for verb in ("Add", "Remove", "Block", "Invite")]
    pairs += [(verb, thing, (thing, {"target": NONE}), {"target": group}) for verb, thing in aimed]
    for verb, ending in product(("Add", "Remove"), ("/featured", "/requests")):
        pairs.append(
            (verb, ABSENT, (ABSENT, {"target": NONE + ending}), {"target": group + ending})
        )
    for verb in ("Accept", "Reject"):
        pairs.append((verb, ABSENT, (ABSENT, {"to": [NONE]}), {"to": [group]}))
    for kind, named in (("Join", "object"), ("Follow", "object"), ("Block", "target")):
        undone = {"type": kind, "id": f"{eve.iri}#1", "actor": eve.iri}
        pairs.append(("Undo", undone | {named: group}, (undone | {named: NONE}, {}), {}))
    for n, verb in enumerate(("Create", "Update")):
        said = [note | {"id": f"{eve.iri}/o/{n}", "audience": iri} for iri in (group, NONE)]
        pairs.append((verb, said[0], (said[1], {}), {}))
    assert differing(answer, pairs) == []


@pytest.mark.parametrize("policy", [JoinPolicy.INVITATION, JoinPolicy.REQUEST])
def test_r33_nobody_can_tell_what_is_in_a_project_that_they_may_not_read(
    house, hidden, admin, answer, eve, policy
):
    hidden.join_policy = policy
    db.session.commit()
    with house.as_(admin) as work:
        thread = open_thread(work, hidden, OpenThread(title="Eau", body="Bonjour")).iri
    note = {"type": "Note", "attributedTo": eve.iri, "content": "<p>Eau</p>", "to": [eve.iri]}
    undone = {"type": "Like", "id": f"{eve.iri}#2", "actor": eve.iri}
    pairs = [(verb, thread, (ABSENT, {}), {}) for verb in ("Like", "Delete", "Announce")]
    pairs.append(("Undo", undone | {"object": thread}, (undone | {"object": ABSENT}, {}), {}))
    for n, verb in enumerate(("Create", "Update")):
        said = note | {"id": f"{eve.iri}/o/{n}"}
        there, gone = said | {"inReplyTo": thread}, said | {"inReplyTo": ABSENT}
        pairs.append((verb, there, (gone, {}), {}))
    assert differing(answer, pairs) == []
