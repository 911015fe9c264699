"""Projects found by what they are called, beside the texts that are found in them."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.orm import Session

from collab.people.models import Actor
from collab.search.french import stems
from collab.search.question import read
from collab.spaces.models import Space
from collab.spaces.policy import visible_spaces

MOST = 5
MOST_READ = 2_000
"""Projects whose names are looked at, the newest first."""


def projects(session: Session, viewer: Actor | None, words: str) -> Sequence[Space]:
    """The projects that `viewer` may read whose name and place have all the words, MOST at most.

    Accents, capitals and plurals do not count, as in texts; living projects come first.
    """
    question = read(words)
    if not question.wanted:
        return []
    unwanted = {stem for clause in question.unwanted for stem in clause}
    rows = session.execute(
        visible_spaces(viewer)
        .with_only_columns(Space.id, Space.name, Space.territory, Space.slug)
        .order_by(Space.archived_at.is_not(None), Space.created_at.desc(), Space.id.desc())
        .limit(MOST_READ)
    ).all()
    found = []
    for row in rows:
        held = set(stems(f"{row.name} {row.territory} {row.slug}"))
        if question.stems <= held and not unwanted & held:
            found.append(row.id)
    return [session.get_one(Space, space_id) for space_id in found[:MOST]]
