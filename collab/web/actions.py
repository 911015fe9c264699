"""Run a tool's action by name: the one road from every machine-readable door."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask_babel import gettext

from collab.core.errors import Invalid, Missing, Problem
from collab.core.i18n import N_
from collab.core.inputs import parse
from collab.core.work import Work
from collab.people.models import Actor
from collab.spaces.models import Item, Offer, Space
from collab.spaces.queries import space_at
from collab.spaces.tool import Action, Tools
from collab.web.extensions import db
from collab.web.runtime import current_runtime


def find_action(tools: Tools, tool: str, name: str) -> Action:
    """The action of a tool with that name. Raises Missing."""
    try:
        return tools[tool].actions[name]
    except KeyError:
        raise Missing(N_("Cette action n’existe pas.")) from None


def perform(actor: Actor, address: str, tool: str, name: str, raw: Mapping[str, Any]) -> str:
    """Do a tool's action as `actor` in the space at `address`, and commit.

    Returns the public id (`uid`) of the item concerned, or the IRI of the offer that was sent to
    the space's host.

    Raises:
        Missing: no such space for this actor, or the space does not use this tool.
        Problem: whatever the operation answers.
    """
    runtime = current_runtime()
    action = find_action(runtime.tools, tool, name)
    space = space_at(db.session(), address, runtime.settings.host, actor)
    given = parse(action.input, raw)
    with runtime.work(actor) as work:
        done = run_in(work, space, tool, action, given)
        return done.uid if isinstance(done, Item) else done.iri


def run_in(work: Work, space: Space, tool: str, action: Action, given: Any) -> Item | Offer:
    """Run an action inside a work. Raises Missing when the space does not use the tool."""
    if tool not in space.tools:
        raise Missing(N_("Ce projet n’utilise pas cet outil."))
    return action.run(work, space, given)


def describe(problem: Problem) -> dict[str, Any]:
    """A problem as RFC 9457 JSON, in the reader's language, with our `code`."""
    told: dict[str, Any] = {
        "type": "about:blank",
        "title": gettext(problem.message) if problem.message else problem.code,
        "status": problem.status,
        "code": problem.code,
    }
    if isinstance(problem, Invalid):
        told["title"] = gettext("Quelque chose est à corriger.")
        told["errors"] = {name: gettext(text) for name, text in problem.fields.items()}
    return told
