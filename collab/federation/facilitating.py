"""What a facilitator of elsewhere decides in a project of ours, beside its words (1.4, R18)."""

from __future__ import annotations

from collab.core.errors import Missing
from collab.core.i18n import N_
from collab.core.inputs import parse
from collab.federation.inbox import Case, id_of, on
from collab.spaces.items import by_iri

FEATURED = "/featured"
ACTS = {"Add": "pin", "Remove": "unpin"}


@on("Add", "Remove")
def feature(case: Case) -> None:
    """Keep a thing of the project at the top of its room, or let it go; the operation says who may.

    Raises:
        Missing: no such thing in that project, or none that can be pinned.
        Forbidden: they are no facilitator of it.
    """
    target = id_of(case.activity.get("target"))
    space = case.space(target.removesuffix(FEATURED)) if target.endswith(FEATURED) else None
    if space is None:
        return
    case.federation.require_peer(case.actor.host)
    item = by_iri(case.work, case.thing)
    action = None
    if item is not None and item.space_id == space.id:
        action = case.federation.runtime.tools.of(item).actions.get(ACTS[case.activity["type"]])
    if item is None or action is None:
        raise Missing(N_("Cette page n’existe pas, ou plus."))
    action.run(case.work, space, parse(action.input, {"item": item.uid}))
