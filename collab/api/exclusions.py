"""Who is excluded from a project: read by those who look after it, decided by them."""

from __future__ import annotations

from werkzeug.wrappers import Response

from collab.api import shapes
from collab.api.door import acting, answer, body, bp, caller
from collab.api.spaces import readable
from collab.core.db import now
from collab.core.errors import Forbidden
from collab.core.i18n import N_
from collab.core.inputs import parse
from collab.spaces.decisions import Decision
from collab.spaces.excluding import exclude_or_ask, readmit_or_ask
from collab.spaces.exclusions import Exclude, Exclusion, Readmit, excluded_from
from collab.spaces.models import Role
from collab.spaces.policy import role_of
from collab.web.view import dbsession


def _shape(row: Exclusion) -> shapes.Json:
    return {
        "member": row.actor_id,
        "person": shapes.person(row.actor),
        "reason": row.reason,
        "since": shapes.instant(row.since),
        "until": shapes.instant(row.until),
    }


@bp.get("/spaces/<address>/exclusions")
def list_exclusions(address: str) -> Response:
    """Who is excluded now, for those who look after the project."""
    row, actor = readable(address), caller()
    if role_of(dbsession(), row, actor.id) < Role.FACILITATOR:
        raise Forbidden(N_("Seules les personnes référentes du projet peuvent faire cela."))
    return answer([_shape(one) for one in excluded_from(dbsession(), row, now())])


@bp.post("/spaces/<address>/exclusions")
def exclude_person(address: str) -> Response:
    """Exclude somebody; 202 when the project's own instance is to do it."""
    row, given = readable(address), parse(Exclude, body())
    with acting() as work:
        done = exclude_or_ask(work, row, given)
    if isinstance(done, Decision):
        return answer({"member": done.member_id, "person": shapes.person(done.member)}, 202)
    return answer(_shape(done), 201)


@bp.delete("/spaces/<address>/exclusions/<int:member>")
def readmit_person(address: str, member: int) -> Response:
    """Lift an exclusion; 202 when the project's own instance is to do it."""
    row = readable(address)
    with acting() as work:
        person = readmit_or_ask(work, row, Readmit(member=member))
    return answer(shapes.person(person), 200 if row.local else 202)
