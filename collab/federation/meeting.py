"""Getting to know whom a log names, within bounds: a project may name whomever it likes (R29).

A host that was silent is left alone for some minutes, whoever names people of it; and one project
makes us wait for others so long, no longer. Who is not met meanwhile is met when the entry is tried
again.
"""

from __future__ import annotations

from time import monotonic

from collab.core.errors import Problem
from collab.federation.hosts import BadHost
from collab.federation.house import Federation
from collab.federation.peerhealth import resting
from collab.federation.remote import is_fresh
from collab.people.queries import actor_by_iri

SILENT_FOR = 300
"""Seconds for which a host is not asked again after it let us wait."""
LONG = 3.0
"""Seconds after which a host counts as silent, if it answers at all."""
WAITED, WITHIN = 60, 600
"""Seconds one project may make us wait, in how many."""


def meet(federation: Federation, space_id: int, iri: str) -> None:
    """Get to know somebody whom the log of a project names, if they are not known. May ask."""
    if not _to_ask(federation, iri):
        return
    host = federation.host_of(iri)
    silent, waited = f"silent {host}", f"waited for {space_id}"
    session, budget = federation.session, federation.budget
    if resting(session, host, federation.now()) or not budget.has(silent, 1, SILENT_FOR):
        return
    if not budget.has(waited, WAITED, WITHIN):
        return
    started = monotonic()
    try:
        federation.resolve_actor(iri)
    except Problem:
        pass
    finally:
        took = monotonic() - started
        for _ in range(round(took)):
            budget.spend(waited, WAITED, WITHIN)
        if took > LONG:
            budget.spend(silent, 1, SILENT_FOR)


def _to_ask(federation: Federation, iri: str) -> bool:
    """Whether somebody is of elsewhere, and not known or not lately."""
    try:
        if federation.host_of(iri) == federation.host:
            return False
    except BadHost:
        return False
    known = actor_by_iri(federation.session, iri)
    return known is None or not is_fresh(known.fetched_at, federation.now())
