"""What every act on people's words rests on: which item, whose, and what stays away."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta

from sqlalchemy import bindparam, delete, select

from collab.core.among import among
from collab.core.errors import Forbidden, Invalid
from collab.core.i18n import N_
from collab.core.work import Work
from collab.federation.models import Tombstone
from collab.federation.vocab import MAX_IRI
from collab.people.models import Actor
from collab.spaces.items import by_iri
from collab.spaces.models import Item, Space

KEPT = timedelta(days=30)
"""How long an id that was taken back before it came stays refused (R47: at least 7 days)."""
_BURIED = select(Tombstone.iri, Tombstone.actor).where(
    among(Tombstone.iri, "iris"), Tombstone.at >= bindparam("since")
)
NOT_OWN = N_("Ce texte n’est pas de la personne qui l’envoie.")


def me(work: Work) -> Actor:
    """The row of whoever acts."""
    return work.session.get_one(Actor, work.actor.id)


def iri_of(value: object) -> str:
    """The id of something embedded or named. Raises Invalid."""
    found = value.get("id") if isinstance(value, dict) else value
    if not isinstance(found, str) or not 0 < len(found) <= MAX_IRI:
        raise Invalid(object=N_("Cet objet n’est pas compris ici."))
    return found


def item_of(work: Work, space: Space, iri: str) -> Item | None:
    """The item with that IRI; it must be of this project (R15)."""
    found = by_iri(work, iri)
    if found is not None and found.space_id != space.id:
        raise Forbidden(N_("Ce texte est d’un autre projet."))
    return found


def require_author(work: Work, item: Item) -> None:
    """The stored owner decides, not what the sender says (R4, R5, R6)."""
    if item.author_id != work.actor.id:
        raise Forbidden(NOT_OWN)


def bury(work: Work, iri: str) -> None:
    """Refuse from now on what its owner took back before it came (R47)."""
    actor = me(work).iri
    if not taken_back(work, iri):
        work.session.execute(delete(Tombstone).where(Tombstone.at < work.now - KEPT))
        work.session.add(Tombstone(actor=actor, iri=iri, at=work.now))
        work.session.flush()
        work.remember("buried", iri, buried(work, [iri]).get(iri, frozenset()))


def taken_back(work: Work, iri: str) -> bool:
    """Whether the actor took that id back before it came (R47)."""
    by = work.look("buried", iri, lambda: buried(work, [iri]).get(iri, frozenset()))
    return work.actor.iri in by


def buried(work: Work, iris: Collection[str]) -> dict[str, frozenset[str]]:
    """Of some ids those that were taken back before they came, each with the IRIs of by whom."""
    rows = work.session.execute(_BURIED, {"iris": iris, "since": work.now - KEPT})
    found: dict[str, frozenset[str]] = {}
    for iri, actor in rows:
        found[iri] = found.get(iri, frozenset()) | {actor}
    return found
