"""Excluding somebody, and lifting it: done where the project lives, else asked of its host."""

from __future__ import annotations

from collab.core.errors import Missing
from collab.core.work import Work
from collab.people.models import Actor
from collab.spaces.barred import Exclusion, exclusion_of
from collab.spaces.decisions import EXCLUDE, READMIT, Decision, Said, ask
from collab.spaces.exclusions import (
    NOT_EXCLUDED,
    Exclude,
    Readmit,
    exclude,
    readmit,
    understood,
)
from collab.spaces.membership import Decide
from collab.spaces.models import Role, Space
from collab.spaces.policy import require


def exclude_or_ask(work: Work, space: Space, given: Exclude) -> Exclusion | Decision:
    """Exclude somebody; from a space that lives elsewhere, ask its host to.

    Raises as `exclude` and `decisions.ask`.
    """
    if space.local:
        return exclude(work, space, given)
    require(work, space, Role.FACILITATOR)
    person, reason, until = understood(work, given)
    return ask(work, space, EXCLUDE, Decide(person.id), Said(reason=reason, until=until))


def readmit_or_ask(work: Work, space: Space, given: Readmit) -> Actor:
    """Lift an exclusion; where the space lives elsewhere, ask its host to. Whom it is about.

    Raises as `readmit` and `decisions.ask`.
    """
    if space.local:
        return readmit(work, space, given)
    require(work, space, Role.FACILITATOR)
    row = exclusion_of(work.session, space, given.member, work.now)
    if row is None:
        raise Missing(NOT_EXCLUDED)
    return ask(work, space, READMIT, Decide(row.actor_id), Said(about=row.iri)).member
