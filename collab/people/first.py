"""Before anybody exists: the instance's own actor, and the first administrator."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import select

from collab.core.errors import Conflict
from collab.core.i18n import N_
from collab.core.work import Work
from collab.people.actors import host_of, new_local_actor
from collab.people.models import Account, AccountRole, ActorKind, Registration, Site
from collab.people.operations import Register, register


class Nobody:
    """Who acts when nobody is there yet, or a stranger who registers."""

    id = 0
    iri = ""
    local = True


def make_site(work: Work, name: str) -> Site:
    """Make the instance's own actor and the row that says who it is. Doing it twice is nothing."""
    found = work.session.scalar(select(Site).limit(1))
    if found is not None:
        return found
    actor = new_local_actor(work, ActorKind.APPLICATION, host_of(work.origin), name)
    row = Site(name=name, actor_id=actor.id)
    work.session.add(row)
    work.session.flush()
    return row


def first_administrator(
    start: Callable[[Nobody], Work],
    name: str,
    given: Register,
    *,
    school: bool = False,
    tagline: str = "",
    contact: str = "",
) -> Account:
    """Name the instance and make its first administrator, once.

    `contact` is whom everybody may talk to: it stands at the foot of every page.

    For a `school`, it speaks only with instances that its administrators have accepted, and people
    come in by invitation (R55); both can be changed afterwards.

    Raises:
        Conflict: it was done already.
        Invalid: as for `register`.
    """
    with start(Nobody()) as work:
        row = make_site(work, name)
        if row.set_up_at is not None:
            raise Conflict(N_("Ce site a déjà une personne qui l’administre."))
        row.name, row.actor.display_name, row.set_up_at = name, name, work.now
        row.tagline, row.contact = tagline, contact
        if school:
            row.federation, row.registration = "allowlist", Registration.INVITATION
        return register(work, given, AccountRole.ADMIN)
