"""Reads about simple versions. The caller has made sure that the reader may read the space."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from collab.core.errors import Missing
from collab.core.falc import GLOSSARY, Term
from collab.core.i18n import N_
from collab.core.letters import alphabetical
from collab.people.models import Actor
from collab.spaces.hiding import is_text_hidden, not_silenced
from collab.spaces.items import item_in, version_of
from collab.spaces.models import Item, ItemState, Revision, Space
from collab.spaces.tools.simple.models import GlossaryTerm, SimpleText

ABSENT = N_("Cette version simple n’existe pas, ou plus.")
NO_TEXT = N_("Ce texte n’existe pas, ou plus.")


@dataclass(frozen=True)
class Original:
    """The text that is said simply; `item` is None for the purpose of the project."""

    iri: str
    title: str
    source: str
    html: str
    item: Item | None = None

    @property
    def version(self) -> str:
        """The name of this very wording."""
        return version_of(self.title, self.source)

    @property
    def author(self) -> Actor | None:
        """Who wrote it."""
        return self.item.author if self.item else None


def original_of(session: Session, space: Space, uid: str) -> Original:
    """The text of a space with that public id, or its purpose. Raises Missing, for one that is
    hidden too (R36)."""
    if not uid:
        return _purpose(space)
    item = item_in(session, space, uid)
    if isinstance(item, SimpleText) or item.withdrawn_at or item.state != ItemState.CONFIRMED:
        raise Missing(NO_TEXT)
    if is_text_hidden(session, item):
        raise Missing(NO_TEXT)
    return _of_item(item)


def original_named(session: Session, space: Space, iri: str) -> Original | None:
    """The text with that IRI, hidden or not; None when it is not there, or no more."""
    if iri == space.iri:
        return _purpose(space)
    item = session.scalar(select(Item).where(Item.iri == iri, Item.space_id == space.id))
    return _of_item(item) if item is not None and item.withdrawn_at is None else None


def _purpose(space: Space) -> Original:
    told = "\n\n".join(part for part in (space.why, space.who, space.how) if part)
    return Original(space.iri, space.name, told, "")


def _of_item(item: Item) -> Original:
    return Original(item.iri, item.title, item.source, item.html, item)


def simple_in(session: Session, space: Space, uid: str) -> SimpleText:
    """The simple version of a space with that public id, withdrawn or not. Raises Missing."""
    found = session.scalar(
        select(SimpleText).where(SimpleText.uid == uid, SimpleText.space_id == space.id)
    )
    if found is None:
        raise Missing(ABSENT)
    return found


def simple_of(session: Session, space: Space, iri: str) -> SimpleText | None:
    """The simple version of the text with that IRI, if there is one."""
    return simple_versions(session, space, [iri]).get(iri)


def simple_versions(
    session: Session, space: Space, iris: Collection[str], *, hidden: bool = True
) -> dict[str, SimpleText]:
    """The simple versions of several texts of a space, by the IRI of the text. `hidden`: those
    that are not shown too."""
    wanted = select(SimpleText).where(
        SimpleText.space_id == space.id,
        SimpleText.of_iri.in_(iris),
        SimpleText.withdrawn_at.is_(None),
    )
    if not hidden:
        wanted = wanted.where(not_silenced())
    return {row.of_iri: row for row in session.scalars(wanted.order_by(SimpleText.id.desc()))}


def all_simple(session: Session, space: Space, limit: int, offset: int) -> Sequence[SimpleText]:
    """The simple versions of a space, the newest change first."""
    newest = func.coalesce(SimpleText.revised_at, SimpleText.created_at)
    return session.scalars(
        select(SimpleText)
        .where(SimpleText.space_id == space.id, SimpleText.withdrawn_at.is_(None), not_silenced())
        .order_by(newest.desc(), SimpleText.id.desc())
        .limit(limit)
        .offset(offset)
    ).all()


def count(session: Session, space: Space) -> int:
    """How many texts of a space have a simple version."""
    found = select(func.count(SimpleText.id)).where(
        SimpleText.space_id == space.id, SimpleText.withdrawn_at.is_(None), not_silenced()
    )
    return session.scalar(found) or 0


def last_writer(session: Session, simple: SimpleText) -> Actor:
    """Who wrote, or reviewed, its newest revision."""
    newest = select(Revision).where(Revision.item_id == simple.id)
    row = session.scalar(newest.order_by(Revision.number.desc()).limit(1))
    return row.author if row else simple.author


def is_stale(simple: SimpleText, original: Original | None) -> bool:
    """Whether the text it is a version of has changed since."""
    return original is not None and original.version != simple.of_version


def added_terms(session: Session) -> Sequence[GlossaryTerm]:
    """The words that people of this instance added, in alphabetical order."""
    wanted = select(GlossaryTerm).where(GlossaryTerm.removed_at.is_(None))
    return sorted(session.scalars(wanted), key=lambda term: alphabetical(term.word))


def terms(session: Session) -> tuple[Term, ...]:
    """Every word with a definition here; what was added here comes last and wins."""
    added = (Term(row.word, row.definition, row.spoken) for row in added_terms(session))
    return (*GLOSSARY, *added)


def text_said() -> ColumnElement[str]:
    """The IRI of the text that an Item of this room says simply, as SQL beside Item."""
    own = SimpleText.__table__
    return select(own.c.of_iri).where(own.c.id == Item.id).correlate(Item).scalar_subquery()


def hanging(session: Session, item: Item) -> Sequence[Item]:
    """What goes when that text goes: its simple versions in its own project, no other."""
    here = (SimpleText.of_iri == item.iri, SimpleText.space_id == item.space_id)
    return session.scalars(select(SimpleText).where(*here)).all()
