"""How long others may make us wait for what a log names (R29).

A project may name whomever it likes, on hosts that do not answer or answer drop by drop. A host
that let us wait is left alone for some minutes, whoever names it; and each purse pays for so many
seconds, no more. What is not had meanwhile is had when the entry is tried again.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING

from collab.federation.hosts import BadHost
from collab.federation.peerhealth import resting
from collab.people.models import Peer

if TYPE_CHECKING:
    from collab.federation.house import Federation

SILENT_FOR = 300
"""Seconds for which a host is not asked again after it let us wait."""
LONG = 3.0
"""Seconds after which a host counts as silent, if it answers at all."""
WAITED, WITHIN = 60, 600
"""Seconds that one purse pays for, in how many."""


def may_ask(federation: Federation, iri: str, purse: str, silent_for: int = SILENT_FOR) -> bool:
    """Whether the host of an address may be asked now; False too for what is no address.

    One that is known to answer costs nobody's patience: it is asked though the purse is empty.
    """
    session, budget = federation.session, federation.budget
    try:
        host = federation.host_of(iri)
    except BadHost:
        return False
    if resting(session, host, federation.now()) or not budget.has(_silent(host), 1, silent_for):
        return False
    peer = session.get(Peer, host)
    answers = peer is not None and peer.last_ok_at is not None and not peer.fail_count
    return answers or budget.has(purse, WAITED, WITHIN)


@contextmanager
def counted(federation: Federation, iri: str, purse: str) -> Iterator[None]:
    """Ask the host of an address within this block: what it takes is paid from the purse."""
    budget, started = federation.budget, monotonic()
    try:
        yield
    finally:
        took = monotonic() - started
        for _ in range(round(took)):
            budget.spend(purse, WAITED, WITHIN)
        if took > LONG:
            budget.spend(_silent(federation.host_of(iri)), 1, 1)


def _silent(host: str) -> str:
    return f"silent {host}"


def purse_of(space_id: int) -> str:
    """The purse of one project."""
    return f"waited for {space_id}"
