"""What a facilitator decides about words of a project that lives elsewhere is asked of its host."""

from __future__ import annotations

from collab.core.work import Work
from collab.spaces.events import HostAsked
from collab.spaces.items import facts
from collab.spaces.models import Item, Role, Space
from collab.spaces.policy import require

DECIDED = frozenset(["pin", "unpin", "remove", "restore"])
"""What may be asked; the words that events, forms and actions use for it."""


def ask_host(work: Work, space: Space, item: Item, act: str) -> bool:
    """Ask the host of `space` for one of DECIDED, when it is the one to decide (1.4, R18).

    Nothing changes here until its log says so: it knows who may. Returns False where the act is
    to be done at once: the project lives here, or its host has decided already.

    Raises:
        Missing, Forbidden, Conflict: as `policy.require`, for a facilitator.
    """
    if space.local or work.mirrored or not work.actor.local:
        return False
    require(work, space, Role.FACILITATOR)
    work.record(HostAsked(**facts(work, item), act=act))
    return True


def still_asked(item: Item, act: str) -> bool:
    """Whether one of DECIDED has not happened (yet)."""
    stands = item.pinned_at if act in ("pin", "unpin") else item.withdrawn_at
    return bool(stands) != (act in ("pin", "remove"))
