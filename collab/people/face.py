"""What the frame of every page shows of an instance, asked for at once."""

from __future__ import annotations

from sqlalchemy import select, true
from sqlalchemy.orm import Session

from collab.people.accessibility import Audit, newest_audit
from collab.people.logo import Logo
from collab.people.look import Look
from collab.people.models import Site

Face = tuple[Site, Look | None, Logo | None, Audit | None]


def face_of(session: Session) -> Face:
    """The instance, its colours, its logo, the audit that counts. Raises NoResultFound."""
    asked = (
        select(Site, Look, Logo, Audit)
        .select_from(Site)
        .outerjoin(Look, true())
        .outerjoin(Logo, Logo.shown == true())
        .outerjoin(Audit, Audit.id == newest_audit().scalar_subquery())
        .order_by(Site.id)
        .limit(1)
    )
    found = session.execute(asked).one()
    return found.Site, found.Look, found.Logo, found.Audit
