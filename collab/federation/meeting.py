"""Getting to know whom a log names, within bounds: a project may name whomever it likes (R29)."""

from __future__ import annotations

from collab.federation.hosts import BadHost
from collab.federation.house import Federation
from collab.federation.patience import counted, may_ask, purse_of
from collab.federation.remote import is_fresh
from collab.people.queries import actor_by_iri


def meet(federation: Federation, space_id: int, iri: str) -> None:
    """Get to know somebody whom the log of a project names, if they are not known. May ask."""
    if not _to_ask(federation, iri):
        return
    purse = purse_of(space_id)
    if may_ask(federation, iri, purse):
        with counted(federation, iri, purse):
            federation.acquaint(iri)


def _to_ask(federation: Federation, iri: str) -> bool:
    """Whether somebody is of elsewhere, and not known or not lately."""
    try:
        if federation.host_of(iri) == federation.host:
            return False
    except BadHost:
        return False
    known = actor_by_iri(federation.session, iri)
    return known is None or not is_fresh(known.fetched_at, federation.now())
