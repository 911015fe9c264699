"""Who is excluded from a project, on the wire: `Block` and its `Undo` (FEDERATION.md 1.4).

The shape is Lemmy's, which PieFed reads too: `target` is the community, `endTime` says until when.
In a project's log the project itself speaks; forums hear it in the name of the facilitator.
"""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import select

from collab.core.errors import Invalid, Missing
from collab.core.i18n import N_
from collab.core.work import Work
from collab.federation import vocab, voices
from collab.federation.actors import words_of_html
from collab.federation.facts import Facts
from collab.federation.holding import iri_of
from collab.federation.log import stamp
from collab.people.models import Actor
from collab.people.queries import actor_by_iri
from collab.spaces.events import MemberExcluded, MemberReadmitted
from collab.spaces.exclusions import MAX_REASON, settle_exclusion, settle_readmission
from collab.spaces.models import Item, Space
from collab.spaces.tool import Json, Tools

MOST_TAKEN = 1000
"""Words of one person that one Block with `removeData` takes away."""
KINDS = (MemberExcluded, MemberReadmitted)


def excluded(facts: Facts) -> Json:
    """The Block that an exclusion is told as, by the project itself."""
    event = facts.event
    assert isinstance(event, MemberExcluded)
    told = facts.envelope("Block", facts.space.iri, event.iri) | _said(facts, event)
    return told | {"instrument": facts.actor.iri}


def readmitted(facts: Facts) -> Json:
    """The Undo of that Block."""
    event = facts.event
    assert isinstance(event, MemberReadmitted)
    block = {"id": event.iri, "type": "Block", "actor": facts.space.iri} | _said(facts, event)
    told = facts.envelope("Undo", facts.space.iri, f"{event.iri}#undo")
    return told | {"object": block, "restoreData": False, "instrument": facts.actor.iri}


def _said(facts: Facts, event: MemberExcluded | MemberReadmitted) -> Json:
    told: Json = {
        "object": facts.member().iri,
        "target": facts.space.iri,
        "summary": event.reason,
        "removeData": False,
    }
    if event.until:
        told["endTime"] = stamp(datetime.fromisoformat(event.until))
    return told


def for_forums(told: Json, facilitator: str, group: str) -> Json:
    """The same act in the facilitator's name, as Lemmy's moderators say it."""
    said = {name: told[name] for name in told if name not in ("proof", "instrument")}
    said |= {"actor": facilitator, "cc": [group], "id": f"{told['id']}-by-facilitator"}
    if isinstance(said["object"], dict):
        said["object"] = said["object"] | {
            "actor": facilitator,
            "id": f"{told['object']['id']}-by-facilitator",
            "to": said["to"],
            "cc": [group],
        }
    return said


def apply(work: Work, tools: Tools, space: Space, activity: Json) -> None:
    """A project or a community of elsewhere excludes somebody from itself, or lifts it (R15).

    Nothing for a Block of something else than this very project.

    Raises:
        Missing: the person is not known here.
        Invalid: it names nobody.
    """
    block = activity if activity.get("type") == "Block" else activity.get("object")
    if not isinstance(block, dict) or block.get("type") != "Block":
        return
    if vocab.iri(block, "target") != space.iri:
        return
    person = _person(work, block)
    if block is not activity:
        settle_readmission(work, space, person)
        return
    reason = words_of_html(block.get("summary"), MAX_REASON)
    iri = vocab.iri(block, "id") or space.iri
    settle_exclusion(work, space, person, iri, reason, end_of(block))
    if block.get("removeData") is True:
        _take_words_back(work, tools, space, person)


def _take_words_back(work: Work, tools: Tools, space: Space, person: Actor) -> None:
    theirs = select(Item).where(
        Item.space_id == space.id, Item.author_id == person.id, Item.withdrawn_at.is_(None)
    )
    for item in work.session.scalars(theirs.order_by(Item.id.desc()).limit(MOST_TAKEN)).all():
        if tools.kind(item).mapping.ownership == "voice" and item.withdrawn_at is None:
            voices.take_back(work, tools, space, item)


def _person(work: Work, block: Json) -> Actor:
    found = actor_by_iri(work.session, iri_of(block.get("object")))
    if found is None:
        raise Missing(N_("Cette personne n’est pas connue ici."))
    return found


def end_of(block: Json) -> datetime | None:
    """Until when a Block holds: `endTime`, `expires` in older Lemmy; None: without end.

    Raises Invalid for what is no moment.
    """
    value = block.get("endTime") or block.get("expires")
    if value is None:
        return None
    try:
        at = datetime.fromisoformat(str(value))
    except ValueError as odd:
        raise Invalid(endTime=N_("Cette date n’est pas comprise.")) from odd
    return at if at.tzinfo else at.replace(tzinfo=UTC)
