"""Words that only a project's host vouches for are compared with their author's own (1.5)."""
# ruff: noqa: F401, F811 - fixtures are imported by their names

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from federation.stage import federation, foreign, house, stamp

from collab.federation.models import LogEntry, Mirror
from collab.federation.origins import Origins
from collab.web.extensions import db


@pytest.fixture
def space(make):
    return make.space(make.person("ada"))


@pytest.fixture
def relayed(foreign, space):
    """An entry of trust `http` with a note of somebody there; gives what is noted of it."""
    lea = foreign.person()

    def relayed(note, served=None):
        if served is not None:
            foreign.peer.serve(note["id"].removeprefix(foreign.peer.origin), served)
        seq = db.session.query(LogEntry).count() + 1
        db.session.merge(Mirror(space_id=space.id, log_iri="x", follow_iri="", state="active"))
        db.session.get(Mirror, space.id).seq = seq
        db.session.add(
            LogEntry(
                space_id=space.id, epoch=9, seq=seq, activity_id=f"{note['id']}#create",
                activity_type="Create", digest="", trust="http", entry={}, entry_hash="",
                body=foreign.activity(lea, "Create", note), at=space.created_at,
            )
        )  # fmt: skip
        db.session.commit()
        assert origins.step() == 1
        return db.session.query(LogEntry.origin_check).filter_by(epoch=9, seq=seq).scalar()

    origins = Origins(foreign.house.app.extensions["collab.federation"])
    return relayed


def test_the_same_words_at_their_origin_are_noted(relayed, foreign, space):
    note = foreign.note(foreign.person(), space)
    assert relayed(note, note) == "same"


def test_other_words_at_their_origin_are_noted(relayed, foreign, space):
    note = foreign.note(foreign.person(), space)
    assert relayed(note, note | {"content": "<p>Autre chose.</p>"}) == "differs"


def test_what_another_person_says_is_theirs_is_noted(relayed, foreign, space):
    note = foreign.note(foreign.person(), space)
    assert relayed(note, note | {"attributedTo": foreign.person("omar").iri}) == "differs"


def test_words_that_were_revised_since_are_no_contradiction(relayed, foreign, space):
    note = foreign.note(foreign.person(), space)
    later_on = datetime.now(UTC) + timedelta(hours=1)
    later = note | {"content": "<p>Mieux dit.</p>", "updated": stamp(later_on)}
    assert relayed(note, later) == "same"


def test_words_that_cannot_be_asked_for_stay_relayed_and_are_asked_for_once(
    relayed, foreign, space
):
    note = foreign.note(foreign.person(), space)
    assert relayed(note) == "relayed"
    asked = len(foreign.peer.asked)
    Origins(foreign.house.app.extensions["collab.federation"]).step()
    assert len(foreign.peer.asked) == asked
